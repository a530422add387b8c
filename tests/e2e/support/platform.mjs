// A home-grown property platform: messages {"type","requestId","payload"}, nothing before the
// log-in, pushes to every connection but the sender's own. And its client, which dials with a query
// string and sends the log-in itself, by habit.

import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import { cleanup } from './case.mjs';
import { freePort } from './ports.mjs';
import { take, within } from './time.mjs';

export const TOKEN = 'open-sesame';

// What a broker in front of platforms is configured with: the form of the messages, the log-in on
// each upstream connection, and an answer for the clients' own log-ins.
export const ENVELOPE = {
	id: '/requestId',
	method: '/type',
	params: '/payload',
	result: '/payload',
	error: '/error',
	ids: 'string',
	reply: '{"type":"error","requestId":$id,"error":{"code":$code,"message":$message,"data":$data}}',
};
export const GREETING = [{
	send: `{"type":"authenticate","token":"${TOKEN}"}`,
	expect: { type: 'auth_success' },
	reject: { type: 'auth_error' },
	timeout: '3s',
}];
export const ROUTES = [
	{ method: 'authenticate', respond: '{"type":"auth_success"}' },
	{ method: 'property.get', pool: 'main', timeout: '10s', attempt_timeout: '2s', idempotent: true },
	{ method: '*', pool: 'main', timeout: '10s' },
];

export async function startPlatform(t, options) {
	const platform = new Platform(await freePort(), options);
	cleanup(t, () => platform.stop());
	await platform.start();
	return platform;
}

export class Platform {
	#edition = 0;

	constructor(port, { token = TOKEN } = {}) {
		this.port = port;
		this.token = token;
		this.url = `ws://127.0.0.1:${port}/`;
		this.received = [];
		this.logins = 0;
		this.refused = 0;
	}

	async start() {
		this.wss = new WebSocketServer({ port: this.port, host: '127.0.0.1' });
		this.wss.on('connection', (socket) => this.#open(socket));
		await once(this.wss, 'listening');
	}

	async stop() {
		const { wss } = this;
		for (const socket of wss.clients)
			socket.terminate();
		await new Promise((resolve) => { wss.close(resolve); });
	}

	#open(socket) {
		socket.on('error', () => {});
		socket.on('message', (data) => {
			this.received.push(data.toString());
			this.#act(socket, JSON.parse(data.toString()));
		});
	}

	#act(socket, message) {
		if (message.type === 'authenticate')
			return this.#login(socket, message);
		if (!socket.loggedIn) {
			this.refused++;
			return send(socket, { type: 'error', requestId: message.requestId, error: { code: 401, message: 'log in first' } });
		}
		return this.#serve(socket, message);
	}

	// The refusal carries no id, whatever the log-in carried.
	#login(socket, { token }) {
		if (token !== this.token) {
			this.refused++;
			return send(socket, { type: 'auth_error', message: 'bad token' });
		}
		this.logins++;
		socket.loggedIn = true;
		return send(socket, { type: 'auth_success' });
	}

	async #serve(socket, { type, requestId, payload }) {
		if (type === 'property.get')
			return send(socket, { type: 'property', requestId, payload: { id: payload.id, note: payload.note, price: 100 } });
		if (type === 'property.slow') {
			await take(payload.ms);
			return send(socket, { type: 'property', requestId, payload });
		}
		if (type === 'property.hang')
			return undefined;
		if (type === 'property.update') {
			this.push(payload, socket);
			return send(socket, { type: 'updated', requestId, payload });
		}
		return send(socket, { type: 'error', requestId, error: { code: 404, message: `no ${type}` } });
	}

	push(payload, sender) {
		const message = { type: 'property.updated', payload: { ...payload, edition: ++this.#edition } };
		for (const socket of this.wss.clients) {
			if (socket !== sender && socket.loggedIn)
				send(socket, message);
		}
	}
}

function send(socket, message) {
	if (socket.readyState === socket.OPEN)
		socket.send(JSON.stringify(message));
}

// The platform's own client library.
export class PlatformClient {
	#waiting = new Map();
	#next = 0;

	constructor(url) {
		this.url = `${url}?client=app&version=7`;
		this.pushes = [];
		this.strays = [];
	}

	async open() {
		this.socket = new WebSocket(this.url);
		this.socket.on('error', () => {});
		this.closed = new Promise((resolve) => { this.socket.once('close', (code) => resolve(code)); });
		this.socket.on('message', (data) => this.#receive(JSON.parse(data.toString())));
		await within(once(this.socket, 'open'), `101 from ${this.url}`);
		const login = new Promise((resolve, reject) => { this.login = { resolve, reject }; });
		this.socket.send(JSON.stringify({ type: 'authenticate', token: TOKEN }));
		await within(login, 'auth_success');
	}

	#receive(message) {
		const { type, requestId } = message;
		if (type === 'auth_success')
			return this.login.resolve();
		if (type === 'auth_error')
			return this.login.reject(new Error(message.message));
		if (requestId === undefined)
			return this.pushes.push(message);
		const waiting = this.#waiting.get(requestId);
		if (!waiting)
			return this.strays.push(message);
		this.#waiting.delete(requestId);
		return waiting(message);
	}

	// The whole answer to one request.
	ask(type, payload, { deadline, requestId = `req-${this.#next++}` } = {}) {
		const answer = new Promise((resolve) => { this.#waiting.set(requestId, resolve); });
		this.socket.send(JSON.stringify({ type, requestId, payload }));
		return within(answer, `answer to ${requestId}`, deadline);
	}

	async close() {
		this.socket.close();
		await within(this.closed, 'close', 3000).catch(() => this.socket.terminate());
	}
}

export async function openPlatformClient(t, url) {
	const client = new PlatformClient(url);
	await client.open();
	cleanup(t, () => client.close());
	return client;
}
