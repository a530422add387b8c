// A scripted upstream on the npm package `ws`. It speaks JSON-RPC 2.0 in JSON or MessagePack, does
// what the method of a request says, and remembers all that it received.

import https from 'node:https';
import { once } from 'node:events';
import { decode, encode } from '@msgpack/msgpack';
import { WebSocketServer } from 'ws';
import { cleanup } from './case.mjs';
import { freePort } from './ports.mjs';
import { take, until } from './time.mjs';

const JSON_CODEC = {
	decode: (data) => JSON.parse(data.toString()),
	encode: (message) => JSON.stringify(message),
};
const MSGPACK_CODEC = {
	decode: (data) => decode(data, { useBigInt64: true }),
	encode: (message) => encode(message, { useBigInt64: true }),
};

// Starts an upstream that lives as long as the test t. options:
//   name      what `who` answers
//   encoding  'json' or 'msgpack'
//   host      the address it listens on, instead of 127.0.0.1
//   tls       options of https.createServer: then it is a wss:// server
//   server    more options for WebSocketServer (verifyClient, handleProtocols, …)
//   greet     function (message, connection) → true when it dealt with the message
//   methods   more methods, beside the ones below
//   started   false: keep the port free, start() opens it later
export async function startUpstream(t, options = {}) {
	const upstream = new Upstream(await freePort(), options);
	cleanup(t, () => upstream.stop());
	if (options.started !== false)
		await upstream.start();
	return upstream;
}

export class Upstream {
	constructor(port, { name = `u${port}`, encoding = 'json', host = '127.0.0.1', tls, server, greet, methods } = {}) {
		Object.assign(this, { port, host, name, tls, greet });
		this.serverOptions = server;
		this.codec = encoding === 'msgpack' ? MSGPACK_CODEC : JSON_CODEC;
		this.methods = { ...METHODS, ...methods };
		this.url = `${tls ? 'wss' : 'ws'}://${tls ? 'localhost' : '127.0.0.1'}:${port}/`;
		this.requests = [];
		this.handshakes = [];
		this.connections = new Set();
	}

	async start() {
		if (this.tls) {
			this.http = https.createServer(this.tls);
			this.wss = new WebSocketServer({ server: this.http, ...this.serverOptions });
			this.wss.on('connection', (socket, request) => this.#open(socket, request));
			this.http.on('tlsClientError', () => {});
			this.http.listen(this.port, this.host);
			await once(this.http, 'listening');
			return;
		}
		this.wss = new WebSocketServer({ port: this.port, host: this.host, ...this.serverOptions });
		this.wss.on('connection', (socket, request) => this.#open(socket, request));
		await once(this.wss, 'listening');
	}

	// Ends as a killed process would: sockets without a close frame, the port refused.
	async stop() {
		if (!this.wss)
			return;
		const { wss, http } = this;
		this.wss = this.http = undefined;
		for (const connection of this.connections)
			connection.socket.terminate();
		await new Promise((resolve) => { wss.close(resolve); });
		if (http)
			await new Promise((resolve) => { http.close(resolve); http.closeAllConnections(); });
	}

	// The requests seen of one method.
	of(method) {
		return this.requests.filter((request) => request.method === method);
	}

	async seen(method, count = 1, deadline) {
		await until(() => this.of(method).length >= count,
			{ deadline, what: `${count} × ${method} at ${this.name}` });
		return this.of(method);
	}

	#open(socket, request) {
		const connection = { socket, upstream: this, number: this.handshakes.length, request };
		this.handshakes.push({ url: request.url, headers: request.headers, request });
		this.connections.add(connection);
		socket.on('error', () => {});
		socket.on('close', (code, reason) => {
			connection.closed = { code, reason: reason.toString() };
			this.connections.delete(connection);
		});
		socket.on('message', (data, binary) => this.#receive(connection, data, binary));
	}

	#receive(connection, data, binary) {
		const text = binary ? data : data.toString();
		if (this.greet?.(text, connection))
			return;
		const message = this.codec.decode(data);
		const seen = { ...message, text, binary, connection, at: performance.now() };
		this.requests.push(seen);
		this.#act(connection, message, seen).catch((error) => {
			if (connection.socket.readyState === connection.socket.OPEN)
				throw error;
		});
	}

	async #act(connection, message, seen) {
		const method = this.methods[message.method];
		const reply = (members) => this.reply(connection, { id: message.id, ...members });
		if (!method)
			return reply({ error: { code: -32601, message: `no method ${message.method}` } });
		const result = await method(message.params, { message, connection, seen, reply, upstream: this });
		if (result !== undefined && message.id !== undefined)
			reply({ result });
	}

	reply(connection, members) {
		connection.socket.send(this.codec.encode({ jsonrpc: '2.0', ...members }));
	}

	// Sends raw text, or bytes as a text frame, on every connection.
	broadcast(data, { binary = false } = {}) {
		for (const { socket } of this.connections)
			socket.send(data, { binary });
	}
}

// What a method returns is the answer's result; undefined answers nothing.
const METHODS = {
	echo: (params) => params ?? null,
	who: (params, { upstream, connection }) => ({ name: upstream.name, connection: connection.number }),
	big: ({ bytes }) => 'x'.repeat(bytes),
	hang: () => undefined,
	async delay({ ms, value = ms }) {
		await take(ms);
		return value;
	},
	fail: ({ code = 1, message = 'as asked', data }, { reply }) => {
		reply({ error: { code, message, data } });
	},
	// Loses the connection without an answer.
	drop(params, { connection }) {
		connection.socket.terminate();
	},
	// Closes with the code that is asked for, without an answer.
	close({ code, reason = '' }, { connection }) {
		connection.socket.close(code, reason);
	},
	// Loses the connection when the same key comes for the first time.
	drop_once({ key }, { connection, upstream }) {
		upstream.keys ??= new Set();
		const known = upstream.shared ?? upstream.keys;
		if (known.has(key))
			return { key, name: upstream.name };
		known.add(key);
		connection.socket.terminate();
		return undefined;
	},
	// Sends the given text first, $id being the id of the request, then the right answer.
	odd({ text, value = 'right' }, { message, connection }) {
		connection.socket.send(text.replaceAll('$id', String(message.id)));
		return value;
	},
	// Sends the given bytes in a text frame first, then the right answer.
	odd_bytes({ hex, value = 'right' }, { connection }) {
		connection.socket.send(Buffer.from(hex, 'hex'), { binary: false });
		return value;
	},
	// Answers twice.
	twice(params, { reply }) {
		reply({ result: 'first' });
		reply({ result: 'second' });
	},
	// The answer as the caller spells it: $id is the id of the request.
	answer({ text }, { message, connection }) {
		connection.socket.send(text.replaceAll('$id', String(message.id)));
	},
	// Does not read any more, as a process that is stuck.
	stop_reading(params, { connection }) {
		connection.socket.pause();
	},
};
