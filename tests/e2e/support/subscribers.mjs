// Subscribers to Ethereum nodes, and what they must never hear.

import assert from 'node:assert/strict';
import { connect } from './client.mjs';

export const SUBSCRIBE_ROUTES = [
	{
		method: 'eth_subscribe',
		timeout: '10s',
		subscribe: { unsubscribe: 'eth_unsubscribe', notification: 'eth_subscription', id: 'params.subscription', linger: '5s' },
	},
	{ method: '*', timeout: '10s', idempotent: true },
];

// One more block on each of them.
export async function mine(servers) {
	await Promise.all(servers.map(async ({ httpUrl }) => {
		const response = await fetch(httpUrl, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'evm_mine', params: [] }),
		});
		await response.json();
	}));
}

const WANTED = [
	['newHeads'],
	['newHeads'],
	['newHeads'],
	['newPendingTransactions'],
	['logs', { address: '0x00000000000000000000000000000000000000aa' }],
	['logs', { address: '0x00000000000000000000000000000000000000bb' }],
	['logs', { topics: [] }],
];

// A client with one subscription, or two, that keeps the books of all it hears.
export class Subscriber {
	static async open(t, url, number) {
		const subscriber = new Subscriber(await connect(t, url), number);
		await subscriber.subscribe();
		return subscriber;
	}

	constructor(client, number) {
		this.client = client;
		this.number = number;
		this.params = WANTED[number % WANTED.length];
		this.key = JSON.stringify(this.params);
		this.hearsHeads = this.params[0] === 'newHeads';
		this.heads = 0;
		this.gaps = 0;
		this.flaws = [];
		this.closed = false;
		client.socket.on('close', () => { this.closed = true; });
		client.socket.on('message', (data) => this.#hear(JSON.parse(data)));
	}

	async subscribe() {
		this.id = await this.client.result('eth_subscribe', this.params);
		if (!/^0x[1-9a-f][0-9a-f]{15,31}$/.test(this.id))
			this.flaws.push(`the id ${this.id}`);
	}

	#hear(message) {
		if (message.id !== undefined)
			return;
		if (message.method !== 'wsbroker.gap' && message.method !== 'eth_subscription')
			this.flaws.push(`the method ${message.method}`);
		// What comes before the answer comes too early, too.
		if (message.params.subscription !== this.id)
			this.flaws.push(`${message.params.subscription} is not ${this.id}`);
		if (message.method === 'wsbroker.gap') {
			this.gaps++;
			if (message.params.ended || !['none', 'possible'].includes(message.params.gap))
				this.flaws.push(JSON.stringify(message.params));
			this.last = undefined;
			return;
		}
		if (!this.hearsHeads)
			return;
		// Between two gaps the blocks of one node come one after another.
		const height = Number(message.params.result.number);
		if (this.last !== undefined && height !== this.last + 1)
			this.flaws.push(`block ${height} after ${this.last}`);
		this.last = height;
		this.heads++;
	}

	judge() {
		assert.deepEqual(this.flaws, [], `subscriber ${this.number}`);
		assert.equal(this.closed, false, `subscriber ${this.number} was closed`);
	}

	async leave() {
		if (this.number % 2)
			assert.equal(await this.client.result('eth_unsubscribe', [this.id]), true);
		await this.client.close();
	}
}
