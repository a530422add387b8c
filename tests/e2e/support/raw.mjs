// A WebSocket client of bytes: writes what a well-behaved library never would, in any slicing, and
// shows what came back as it came.

import crypto from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { once } from 'node:events';
import { cleanup } from './case.mjs';
import { until, within } from './time.mjs';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

// Dials 'host:port', 'unix:/path' or, with options.tls, TLS.
export async function dial(t, address, { tls: secure, ...options } = {}) {
	const target = address.startsWith('unix:')
		? { path: address.slice('unix:'.length) }
		: { host: address.slice(0, address.lastIndexOf(':')), port: Number(address.split(':').pop()) };
	const socket = secure ? tls.connect({ ...target, ...secure }) : net.connect({ ...target, ...options });
	const wire = new Wire(socket);
	cleanup(t, () => socket.destroy());
	await within(once(socket, secure ? 'secureConnect' : 'connect'), `connection to ${address}`);
	return wire;
}

// Dials and upgrades. options: path, headers (object; null drops a default one), tls.
export async function upgrade(t, address, { path = '/', headers = {}, ...options } = {}) {
	const wire = await dial(t, address, options);
	wire.write(upgradeHead(path, headers));
	wire.response = await wire.readHead();
	if (wire.response.status === 101)
		wire.upgraded = true;
	return wire;
}

export function upgradeHead(path, headers = {}, method = 'GET') {
	const all = {
		Host: 'broker.test',
		Upgrade: 'websocket',
		Connection: 'Upgrade',
		'Sec-WebSocket-Key': crypto.randomBytes(16).toString('base64'),
		'Sec-WebSocket-Version': '13',
		...headers,
	};
	const lines = Object.entries(all)
		.filter(([, value]) => value !== null)
		.map(([name, value]) => `${name}: ${value}\r\n`);
	return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

// One client frame. options: fin, mask (false sends it unmasked), rsv (0..7).
export function frame(opcode, payload = '', { fin = true, mask = true, rsv = 0 } = {}) {
	const body = Buffer.from(payload);
	const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
	const bit = mask ? 0x80 : 0;
	if (body.length < 126)
		head.push(bit | body.length);
	else if (body.length < 65536)
		head.push(bit | 126, body.length >> 8, body.length & 255);
	else
		head.push(bit | 127, 0, 0, 0, 0, ...uint32(body.length));
	if (!mask)
		return Buffer.concat([Buffer.from(head), body]);
	const key = crypto.randomBytes(4);
	return Buffer.concat([Buffer.from(head), key, body.map((byte, at) => byte ^ key[at & 3])]);
}

function uint32(value) {
	return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

class Wire {
	#bytes = Buffer.alloc(0);

	constructor(socket) {
		this.socket = socket;
		this.frames = [];
		this.ended = false;
		this.upgraded = false;
		socket.on('error', () => {});
		socket.on('data', (part) => this.#take(part));
		socket.on('close', () => { this.ended = true; });
		socket.on('end', () => { this.ended = true; });
	}

	#take(part) {
		this.#bytes = Buffer.concat([this.#bytes, part]);
		while (this.upgraded && this.#cut());
	}

	write(data) {
		this.socket.write(data);
	}

	// Writes slice by slice, each in a segment of its own.
	async writeSliced(data, length = 1) {
		this.socket.setNoDelay(true);
		for (let at = 0; at < data.length; at += length) {
			this.socket.write(data.subarray(at, at + length));
			await new Promise((resolve) => { setImmediate(resolve); });
		}
	}

	send(payload, opcode = TEXT, options) {
		this.write(frame(opcode, payload, options));
	}

	pause() {
		this.socket.pause();
	}

	resume() {
		this.socket.resume();
	}

	// The response to an HTTP request: {status, headers, body}.
	async readHead(deadline) {
		const find = () => this.#bytes.indexOf('\r\n\r\n');
		await until(() => find() >= 0 || this.ended, { deadline, what: 'a response head' });
		const end = find();
		if (end < 0)
			throw new Error('the peer hung up');
		const [status, ...lines] = this.#bytes.subarray(0, end).toString('latin1').split('\r\n');
		this.#bytes = this.#bytes.subarray(end + 4);
		const headers = Object.fromEntries(lines.map((line) => {
			const colon = line.indexOf(':');
			return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
		}));
		const response = { status: Number(status.split(' ')[1]), headers, body: '' };
		if (response.status !== 101)
			response.body = await this.#body(headers, deadline);
		else
			setImmediate(() => this.#take(Buffer.alloc(0)));
		return response;
	}

	async #body(headers, deadline) {
		const length = headers['content-length'];
		const whole = length === undefined
			? () => this.ended
			: () => this.#bytes.length >= Number(length) || this.ended;
		await until(whole, { deadline, what: 'a response body' });
		const end = length === undefined ? this.#bytes.length : Number(length);
		const text = this.#bytes.subarray(0, end).toString();
		this.#bytes = this.#bytes.subarray(end);
		return text;
	}

	#cut() {
		const bytes = this.#bytes;
		if (bytes.length < 2)
			return false;
		let length = bytes[1] & 127;
		let at = 2;
		if (length === 126) {
			if (bytes.length < 4)
				return false;
			length = bytes.readUInt16BE(2);
			at = 4;
		} else if (length === 127) {
			if (bytes.length < 10)
				return false;
			length = Number(bytes.readBigUInt64BE(2));
			at = 10;
		}
		if (bytes.length < at + length)
			return false;
		this.frames.push({
			fin: Boolean(bytes[0] & 0x80),
			rsv: (bytes[0] >> 4) & 7,
			opcode: bytes[0] & 15,
			masked: Boolean(bytes[1] & 0x80),
			payload: Buffer.from(bytes.subarray(at, at + length)),
		});
		this.#bytes = bytes.subarray(at + length);
		return true;
	}

	// The next frame that fits, taken out of the order of arrival.
	async next(opcodes = [TEXT, BINARY], deadline) {
		const find = () => this.frames.findIndex((each) => opcodes.includes(each.opcode));
		await until(() => find() >= 0, { deadline, what: `a frame of type ${opcodes}` });
		return this.frames.splice(find(), 1)[0];
	}

	async nextText(deadline) {
		return (await this.next([TEXT, BINARY], deadline)).payload.toString();
	}

	// The close frame that the broker sends: {code, reason}.
	async closing(deadline) {
		const { payload } = await this.next([CLOSE], deadline);
		return { code: payload.length < 2 ? 1005 : payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
	}

	async end(deadline) {
		await until(() => this.ended, { deadline, what: 'the end of the connection' });
	}
}
