// Subscribers to Ethereum nodes, and what they must never hear.

import assert from 'node:assert/strict';
import { LOGGERS } from './chain.mjs';
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
	['logs', { address: LOGGERS[0] }],
	['logs', { address: LOGGERS[1] }],
	['logs', { topics: [] }],
];

// Where an event stands among those of its subscription: next to each other in a chain whose blocks
// hold one log of each logger. NaN: nothing is known of it.
const PLACES = {
	newHeads: ({ number }) => Number(number),
	logs: ({ blockNumber, logIndex }, [{ address }]) =>
		(address ? Number(blockNumber) : LOGGERS.length * Number(blockNumber) + Number(logIndex)),
	newPendingTransactions: () => NaN,
};

// So many events before the latest one may have come from a node that was ahead.
const LATELY = 64;

// A client with a subscription that keeps the books of all it hears.
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
		this.events = 0;
		this.gaps = { none: 0, possible: 0 };
		this.flaws = [];
		this.lately = [];
		this.closed = false;
		client.socket.on('close', () => { this.closed = true; });
		client.socket.on('message', (data) => this.#hear(JSON.parse(data)));
	}

	async subscribe() {
		this.id = await this.client.result('eth_subscribe', this.params);
		if (!/^0x[1-9a-f][0-9a-f]{15,31}$/.test(this.id))
			this.flaws.push(`the id ${this.id}`);
	}

	#hear({ id, method, params }) {
		if (id !== undefined)
			return;
		// What comes before the answer comes too early, too.
		if (params.subscription !== this.id)
			this.flaws.push(`${params.subscription} is not ${this.id}`);
		if (method === 'wsbroker.gap')
			this.#hearGap(params);
		else if (method === 'eth_subscription')
			this.#hearEvent(params.result);
		else
			this.flaws.push(`the method ${method}`);
	}

	#hearGap(params) {
		if (params.ended || !(params.gap in this.gaps))
			this.flaws.push(JSON.stringify(params));
		this.gaps[params.gap]++;
		this.told = params.gap;
		if (params.gap !== 'none')
			this.last = undefined;
	}

	// Unless it was told of a gap, it misses nothing and hears nothing twice. Where it was moved to a
	// node that is behind, that one passes over what it has heard a moment ago from the other one.
	#hearEvent(result) {
		const [kind, ...filter] = this.params;
		const place = PLACES[kind](result, filter);
		this.events++;
		if (Number.isNaN(place))
			return;
		let next = (this.last ?? place - 1) + 1;
		while (next < place && this.lately.includes(next))
			next++;
		if (place !== next)
			this.flaws.push(`${this.key}: ${place} after ${this.last}, told of ${this.told}`);
		this.told = undefined;
		this.last = place;
		this.lately = [...this.lately.slice(1 - LATELY), place];
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
