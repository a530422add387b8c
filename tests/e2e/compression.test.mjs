// permessage-deflate on a listener that allows it: what is agreed upon, messages in both
// directions, and payloads that are broken, or far larger than they look.

import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { test } from './support/case.mjs';
import { CLOSE, PING, PONG, TEXT, frame, upgrade } from './support/raw.mjs';
import { setup } from './support/setup.mjs';

const OFFER = 'permessage-deflate; client_max_window_bits';
const RSV1 = 4;
const compressing = { listen: [{ compression: true }] };
const request = (value, id = 1) => JSON.stringify({ jsonrpc: '2.0', id, method: 'echo', params: [value] });

const pack = (data, options = {}) => zlib.deflateRawSync(data, { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options }).subarray(0, -4);
const unpack = (data, options = {}) => zlib.inflateRawSync(Buffer.concat([data, Buffer.from([0, 0, 255, 255])]),
	{ finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options }).toString();

async function raw(t, { offer = OFFER, ...options } = {}) {
	const { broker, ...rest } = await setup(t, { ...compressing, ...options });
	const wire = await upgrade(t, broker.address, { headers: { 'Sec-WebSocket-Extensions': offer } });
	assert.equal(wire.response.status, 101);
	return { broker, wire, extension: wire.response.headers['sec-websocket-extensions'], ...rest };
}

test('an offer is taken, with nothing kept between messages', async (t) => {
	const { extension, broker } = await raw(t);
	assert.equal(extension, 'permessage-deflate; server_no_context_takeover; client_no_context_takeover');
	const plain = await upgrade(t, broker.address);
	assert.equal(plain.response.headers['sec-websocket-extensions'], undefined, 'only where it was offered');
	const odd = await upgrade(t, broker.address, { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=99' } });
	assert.equal(odd.response.status, 101);
	assert.equal(odd.response.headers['sec-websocket-extensions'], undefined, 'an offer that cannot be met is declined');
});

test('an offer is declined silently where nothing is configured', async (t) => {
	const { extension, wire } = await raw(t, { listen: [{}] });
	assert.equal(extension, undefined);
	wire.send(pack(request('x')), TEXT, { rsv: RSV1 });
	assert.equal((await wire.closing()).code, 1002);
});

test('clients on `ws` with compression, large and small, text and binary', async (t) => {
	const { connect, broker } = await setup(t, compressing);
	for (const perMessageDeflate of [true, { threshold: 0 }, { threshold: 0, serverMaxWindowBits: 10, clientMaxWindowBits: 9 }]) {
		const client = await connect({ perMessageDeflate });
		assert.match(client.socket.extensions, /permessage-deflate/);
		for (const length of [0, 1, 100, 511, 512, 5000, 300000]) {
			const text = 'č'.repeat(length);
			assert.deepEqual(await client.result('echo', [text]), [text]);
		}
		const noise = Buffer.from(Array.from({ length: 50000 }, (_, at) => (at * 7919) % 251)).toString('base64');
		assert.deepEqual(await Promise.all(Array.from({ length: 50 }, (_, at) => client.result('echo', [noise, at]).then(([, same]) => same))),
			Array.from({ length: 50 }, (_, at) => at));
	}
	const plain = await connect();
	assert.deepEqual(await plain.result('echo', ['plain']), ['plain']);
	assert.doesNotMatch(broker.log, /client\.unreadable/);
});

test('long answers are compressed, short ones and control frames are not', async (t) => {
	const { wire } = await raw(t);
	const long = 'a'.repeat(20000);
	wire.send(request(long));
	const answer = await wire.next();
	assert.equal(answer.rsv, RSV1);
	assert.ok(answer.payload.length < 1000, `${answer.payload.length} bytes`);
	assert.deepEqual(JSON.parse(unpack(answer.payload)).result, [long]);
	wire.send(request('short'));
	assert.equal((await wire.next()).rsv, 0);
	wire.send('x', PING);
	assert.equal((await wire.next([PONG])).rsv, 0);
	wire.send(Buffer.from([1000 >> 8, 1000 & 255]), CLOSE);
	assert.equal((await wire.next([CLOSE])).rsv, 0);
});

test('the window that the client asks for is kept to', async (t) => {
	const { wire, extension } = await raw(t, { offer: 'permessage-deflate; server_max_window_bits=9' });
	assert.match(extension, /server_max_window_bits=9$/);
	const block = Array.from({ length: 3000 }, (_, at) => String.fromCharCode(97 + (at * at) % 23)).join('');
	wire.send(request(block.repeat(3)));
	const answer = await wire.next();
	assert.equal(answer.rsv, RSV1);
	assert.deepEqual(JSON.parse(unpack(answer.payload, { windowBits: 9 })).result, [block.repeat(3)]);
});

test('a compressed message in any slicing, in fragments, with pings between', async (t) => {
	const { wire } = await raw(t);
	const packed = pack(request('č漢🙂'.repeat(50)));
	for (const length of [1, 7, packed.length]) {
		const parts = [];
		for (let at = 0; at < packed.length; at += length) {
			parts.push(frame(at === 0 ? TEXT : 0, packed.subarray(at, at + length), { rsv: at === 0 ? RSV1 : 0, fin: at + length >= packed.length }));
			parts.push(frame(PING, ''));
		}
		await wire.writeSliced(Buffer.concat(parts), 5);
		const answer = await wire.next();
		const text = answer.rsv ? unpack(answer.payload) : answer.payload.toString();
		assert.deepEqual(JSON.parse(text).result, ['č漢🙂'.repeat(50)]);
	}
});

test('blocks that say they are the last, stored ones and empty messages', async (t) => {
	const { wire } = await raw(t);
	wire.send(zlib.deflateRawSync(request('final')), TEXT, { rsv: RSV1 });
	assert.deepEqual(JSON.parse(await wire.nextText()).result, ['final']);
	wire.send(pack(request('stored'), { level: 0 }), TEXT, { rsv: RSV1 });
	assert.deepEqual(JSON.parse(await wire.nextText()).result, ['stored']);
	wire.send(Buffer.from([0]), TEXT, { rsv: RSV1 });
	assert.equal(JSON.parse(await wire.nextText()).error.code, -32700);
});

const BROKEN = {
	'garbage under the bit': [1007, frame(TEXT, Buffer.from([255, 255, 255, 255]), { rsv: RSV1 })],
	'the bit in a continuation': [1002, Buffer.concat([frame(TEXT, 'x', { fin: false }), frame(0, 'x', { rsv: RSV1 })])],
	'the bit in a ping': [1002, frame(PING, 'x', { rsv: RSV1 })],
	'another bit': [1002, frame(TEXT, 'x', { rsv: 2 })],
	'bad UTF-8 inside': [1007, frame(TEXT, pack(Buffer.from([0x22, 0xff, 0x22])), { rsv: RSV1 })],
};

for (const [what, [code, bytes]] of Object.entries(BROKEN)) {
	test(`${code} for ${what}`, async (t) => {
		const { wire, connect } = await raw(t);
		wire.write(bytes);
		assert.equal((await wire.closing()).code, code);
		await wire.end();
		assert.deepEqual(await (await connect({ perMessageDeflate: true })).result('echo', [1]), [1]);
	});
}

test('1009 for what inflates beyond limits.message, without inflating it', async (t) => {
	const { broker, wire, connect } = await raw(t, { limits: { message: '64KiB' } });
	const fits = request('x'.repeat(65536 - request('').length));
	wire.send(pack(fits), TEXT, { rsv: RSV1 });
	assert.equal((await wire.next()).opcode, TEXT);
	const bomb = pack(Buffer.alloc(64 << 20, ' '));
	assert.ok(bomb.length < 65536 * 2);
	for (let round = 0; round < 5; round++) {
		const each = await upgrade(t, broker.address, { headers: { 'Sec-WebSocket-Extensions': OFFER } });
		each.send(bomb, TEXT, { rsv: RSV1 });
		assert.equal((await each.closing()).code, 1009);
	}
	assert.deepEqual(await (await connect({ perMessageDeflate: true })).result('echo', [1]), [1]);
});

test('limits.fragments counts frames, not what they inflate to', async (t) => {
	const { wire } = await raw(t, { limits: { fragments: 2 } });
	const packed = pack(request('x'.repeat(500000)));
	wire.write(Buffer.concat([frame(TEXT, packed.subarray(0, 100), { rsv: RSV1, fin: false }), frame(0, packed.subarray(100))]));
	assert.equal((await wire.next()).rsv, RSV1);
	wire.write(Buffer.concat([frame(TEXT, packed.subarray(0, 10), { rsv: RSV1, fin: false }), frame(0, packed.subarray(10, 20), { fin: false }), frame(0, packed.subarray(20))]));
	assert.equal((await wire.closing()).code, 1009);
});

test('a compressed client that does not read is cut like any other', async (t) => {
	const { wire, connect } = await raw(t, { limits: { send_buffer: '64KiB' } });
	wire.pause();
	const noise = Array.from({ length: 40000 }, (_, at) => String.fromCharCode(33 + (at * 7919 + at * at) % 90)).join('').replaceAll(/["\\]/g, '.');
	// Masked once: the upstream lives in this process, and must get to answer its pings meanwhile.
	const ask = frame(TEXT, request(noise));
	for (let round = 0; round < 1000; round++)
		wire.write(ask);
	const other = await connect({ perMessageDeflate: true });
	for (let round = 0; round < 20; round++)
		assert.deepEqual(await other.result('echo', [round]), [round]);
	wire.resume();
	assert.equal((await wire.closing()).code, 1013);
	await wire.end();
});
