// A client on the npm package `ws` that keeps what it receives as raw text or bytes.

import WebSocket from 'ws';
import { cleanup } from './case.mjs';
import { until, within } from './time.mjs';

// Opens a client that lives as long as the test t. settings: protocols, and `ws` options.
export async function connect(t, url, { protocols = [], ...options } = {}) {
	const client = new Client(new WebSocket(url, protocols, { perMessageDeflate: false, ...options }));
	cleanup(t, () => client.close());
	await within(client.opened, `101 from ${url}`);
	return client;
}

export class Client {
	#next = 0;
	#waiting = new Map();

	constructor(socket) {
		this.socket = socket;
		this.received = [];
		this.opened = new Promise((resolve, reject) => {
			socket.once('open', resolve);
			socket.once('error', reject);
		});
		this.opened.catch(() => {});
		this.closed = new Promise((resolve) => {
			socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
		});
		this.end = '';
		this.closed.then(({ code, reason }) => { this.end = `: closed with ${code} ${reason}`; });
		socket.on('error', () => {});
		socket.on('message', (data, binary) => this.#take(data, binary));
	}

	// Hands an answer to the call that waits for it, keeps everything else.
	#take(data, binary) {
		const answer = this.#waiting.size > 0 && !binary ? parsed(data) : undefined;
		const waiting = this.#waiting.get(answer?.id);
		if (!waiting) {
			this.received.push({ data, binary });
			return;
		}
		this.#waiting.delete(answer.id);
		waiting(answer);
	}

	send(data) {
		this.socket.send(data);
	}

	// The next message in order of arrival: its text, or its bytes when binary.
	async next(deadline) {
		await until(() => this.received.length > 0, { deadline, what: 'a message', every: 2 });
		const { data, binary } = this.received.shift();
		return binary ? data : data.toString();
	}

	async nextJson(deadline) {
		return JSON.parse(await this.next(deadline));
	}

	// Sends raw text and returns the raw text that comes next.
	async ask(text, deadline) {
		this.send(text);
		return this.next(deadline);
	}

	async askJson(message, deadline) {
		return JSON.parse(await this.ask(typeof message === 'string' ? message : JSON.stringify(message), deadline));
	}

	// One request with an id of its own: its whole answer, whatever arrives in between.
	async call(method, params, { deadline, ...members } = {}) {
		const id = `c${this.#next++}`;
		this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params, ...members }));
		return this.answer(id, deadline);
	}

	async answer(id, deadline) {
		const at = this.received.findIndex(({ data, binary }) => !binary && parsed(data)?.id === id);
		if (at >= 0)
			return parsed(this.received.splice(at, 1)[0].data);
		const answer = new Promise((resolve) => { this.#waiting.set(id, resolve); });
		return within(answer, `answer to ${id}`, deadline).catch((error) => {
			throw new Error(error.message + this.end);
		});
	}

	async result(method, params, options) {
		const answer = await this.call(method, params, options);
		if (answer.error)
			throw Object.assign(new Error(JSON.stringify(answer.error)), { answer });
		return answer.result;
	}

	async close() {
		if (this.socket.readyState === WebSocket.CONNECTING)
			this.socket.terminate();
		this.socket.close();
		await within(this.closed, 'close', 3000).catch(() => this.socket.terminate());
	}
}

function parsed(data) {
	try {
		return JSON.parse(data.toString());
	} catch {
		return undefined;
	}
}
