// A real Redis of its own, with data of its own, and a client for it.

import net from 'node:net';
import path from 'node:path';
import { cleanup } from './case.mjs';
import { Child } from './child.mjs';
import { freePort } from './ports.mjs';
import { tempDir } from './temp.mjs';
import { until, within } from './time.mjs';

// The server is the checker of its files under another name, which is in Debian's redis-tools: with
// that package alone no service is installed.
const START = 'exec -a redis-server redis-check-rdb "$@"';

// options: args (further arguments of redis-server), replicaOf (another one).
export async function startRedis(t, options = {}) {
	const server = new RedisServer(tempDir(t), await freePort(), options);
	cleanup(t, () => server.finish());
	await server.start();
	return server;
}

class RedisServer {
	constructor(directory, port, { args = [], replicaOf } = {}) {
		this.directory = directory;
		this.port = port;
		this.args = [...args, ...(replicaOf ? ['--replicaof', '127.0.0.1', String(replicaOf.port)] : [])];
		this.url = `redis://127.0.0.1:${port}/0`;
		this.socket = path.join(directory, 'redis.sock');
	}

	async start() {
		const args = ['--port', this.port, '--bind', '127.0.0.1', '--dir', this.directory, '--unixsocket', this.socket,
			'--save', '', '--appendfsync', 'always', '--repl-diskless-sync-delay', '0', ...this.args].map(String);
		this.child = new Child('bash', ['-c', START, 'redis-server', ...args]);
		await until(async () => {
			const client = await RedisClient.open(this.port);
			const answer = await client.command('PING').catch((error) => error.message);
			client.close();
			return answer === 'PONG' || /NOAUTH/.test(answer);
		}, { what: () => `Redis on port ${this.port}\n${this.child.output}` });
	}

	get pid() {
		return this.child.pid;
	}

	signal(name) {
		this.child.signal(name);
	}

	kill() {
		return this.child.end('SIGKILL');
	}

	async finish() {
		if (this.child?.running)
			await this.child.end('SIGKILL');
	}

	// One command on a connection of its own.
	async command(...words) {
		const client = await RedisClient.open(this.port);
		try {
			return await client.command(...words);
		} finally {
			client.close();
		}
	}
}

// RESP2 on one connection: commands in their order, and what comes by itself after SUBSCRIBE.
export class RedisClient {
	#waiting = [];
	#buffer = Buffer.alloc(0);

	constructor(socket) {
		this.socket = socket;
		this.pushed = () => {};
		socket.on('data', (bytes) => this.#take(bytes));
		socket.on('error', () => {});
		socket.on('close', () => this.#waiting.splice(0).forEach(({ reject }) => reject(new Error('connection closed'))));
	}

	static open(port) {
		const socket = net.connect(port, '127.0.0.1').setNoDelay();
		return within(new Promise((resolve, reject) => {
			socket.once('connect', () => resolve(new RedisClient(socket)));
			socket.once('error', reject);
		}), `a connection to Redis on ${port}`);
	}

	send(...words) {
		const parts = words.map((word) => Buffer.from(String(word)));
		this.socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`),
			...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])]));
	}

	command(...words) {
		this.send(...words);
		return new Promise((resolve, reject) => { this.#waiting.push({ resolve, reject }); });
	}

	// pushed(channel, bytes) for each message from now on.
	async subscribe(channels, pushed) {
		const first = this.command('SUBSCRIBE', ...channels);
		this.pushed = pushed;
		await first;
	}

	close() {
		this.socket.destroy();
	}

	#take(bytes) {
		this.#buffer = this.#buffer.length ? Buffer.concat([this.#buffer, bytes]) : bytes;
		let at = 0;
		for (;;) {
			const found = parse(this.#buffer, at);
			if (!found)
				break;
			at = found.end;
			this.#give(found.value);
		}
		this.#buffer = this.#buffer.subarray(at);
	}

	#give(value) {
		if (Array.isArray(value) && value[0]?.toString() === 'message') {
			this.pushed(value[1].toString(), value[2]);
			return;
		}
		const waiting = this.#waiting.shift();
		if (value instanceof Error)
			waiting?.reject(value);
		else
			waiting?.resolve(plain(value));
	}
}

const plain = (value) => (Buffer.isBuffer(value) ? value.toString() : Array.isArray(value) ? value.map(plain) : value);

// The value that begins at this place, and where it ends; undefined while it is not whole.
function parse(buffer, at) {
	const line = buffer.indexOf('\r\n', at);
	if (line < 0)
		return undefined;
	const text = buffer.toString('latin1', at + 1, line);
	let end = line + 2;
	switch (String.fromCharCode(buffer[at])) {
	case '+':
		return { value: Buffer.from(text), end };
	case '-':
		return { value: new Error(text), end };
	case ':':
		return { value: Number(text), end };
	case '$': {
		const length = Number(text);
		if (length < 0)
			return { value: null, end };
		return buffer.length < end + length + 2 ? undefined
			: { value: buffer.subarray(end, end + length), end: end + length + 2 };
	}
	default: {
		const items = [];
		for (let i = 0; i < Number(text); i++) {
			const item = parse(buffer, end);
			if (!item)
				return undefined;
			items.push(item.value);
			end = item.end;
		}
		return { value: Number(text) < 0 ? null : items, end };
	}
	}
}
