// Frames: fragments in any slicing, control frames, and the close codes for what breaks the rules.

import assert from 'node:assert/strict';
import { test } from './support/case.mjs';
import { CLOSE, PING, PONG, TEXT, frame, upgrade } from './support/raw.mjs';
import { setup } from './support/setup.mjs';

const CONTINUATION = 0;
const request = (value, id = 1) => `{"jsonrpc":"2.0","id":${id},"method":"echo","params":["${value}"]}`;
const answerOf = async (wire) => JSON.parse(await wire.nextText()).result[0];

async function raw(t, options) {
	const { broker, ...rest } = await setup(t, options);
	const wire = await upgrade(t, broker.address);
	assert.equal(wire.response.status, 101);
	return { broker, wire, ...rest };
}

// The payload in fragments of the given length, with something between each two of them.
function fragments(payload, length, opcode = TEXT, between = []) {
	const bytes = Buffer.from(payload);
	const frames = [];
	for (let at = 0; at < bytes.length; at += length) {
		frames.push(frame(at === 0 ? opcode : CONTINUATION, bytes.subarray(at, at + length), { fin: at + length >= bytes.length }));
		frames.push(...between);
	}
	return Buffer.concat(frames);
}

test('a frame written byte at a time', async (t) => {
	const { wire } = await raw(t);
	await wire.writeSliced(frame(TEXT, request('sliced')), 1);
	assert.equal(await answerOf(wire), 'sliced');
});

for (const length of [1, 2, 3, 7, 64]) {
	test(`a message in fragments of ${length}, written in slices of every small size`, async (t) => {
		const { wire } = await raw(t);
		for (const slice of [1, 2, 5, 1000]) {
			await wire.writeSliced(fragments(request('č漢🙂'), length), slice);
			assert.equal(await answerOf(wire), 'č漢🙂');
		}
	});
}

test('empty fragments are allowed', async (t) => {
	const { wire } = await raw(t);
	const text = request('hollow');
	wire.write(Buffer.concat([frame(TEXT, '', { fin: false }), frame(CONTINUATION, text, { fin: false }),
		frame(CONTINUATION, '', { fin: false }), frame(CONTINUATION, '')]));
	assert.equal(await answerOf(wire), 'hollow');
});

test('pings between fragments are answered and do no harm', async (t) => {
	const { wire } = await raw(t);
	wire.write(fragments(request('pinged'), 20, TEXT, [frame(PING, 'are you there')]));
	assert.equal(await answerOf(wire), 'pinged');
	const pong = await wire.next([PONG]);
	assert.equal(pong.payload.toString(), 'are you there');
});

test('many messages in one segment are all answered', async (t) => {
	const { wire } = await raw(t);
	const count = 200;
	wire.write(Buffer.concat(Array.from({ length: count }, (_, id) => frame(TEXT, request(`m${id}`, id)))));
	const seen = new Set();
	for (let at = 0; at < count; at++)
		seen.add(JSON.parse(await wire.nextText()).id);
	assert.equal(seen.size, count);
});

test('a large message passes in both directions', async (t) => {
	const { wire } = await raw(t);
	const text = 'x'.repeat(900000);
	wire.send(request(text));
	assert.equal(await answerOf(wire), text);
});

test('frames of the broker are unmasked, whole and without reserved bits', async (t) => {
	const { wire } = await raw(t);
	wire.send(request('plain'));
	const got = await wire.next();
	assert.deepEqual({ ...got, payload: null }, { fin: true, rsv: 0, opcode: TEXT, masked: false, payload: null });
});

const BROKEN = {
	'a reserved bit': frame(TEXT, request(1), { rsv: 4 }),
	'a reserved data opcode': frame(3, 'x'),
	'a reserved control opcode': frame(11, 'x'),
	'a continuation of nothing': frame(CONTINUATION, 'x'),
	'a new message inside fragments': Buffer.concat([frame(TEXT, '{', { fin: false }), frame(TEXT, '}')]),
	'a fragmented ping': frame(PING, 'x', { fin: false }),
	'a ping above 125 bytes': frame(PING, 'x'.repeat(126)),
	'a close frame of one byte': frame(CLOSE, Buffer.from([3])),
	...Object.fromEntries([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535].map((code) =>
		[`the close code ${code}, which must not be sent`, frame(CLOSE, Buffer.from([code >> 8, code & 255]))])),
	'a frame that is not masked': frame(TEXT, request(1), { mask: false }),
	'a ping that is not masked': frame(PING, 'x', { mask: false }),
	'a frame that is not masked, behind a good one': Buffer.concat([frame(PING, ''), frame(TEXT, '{}', { mask: false })]),
};

for (const [what, bytes] of Object.entries(BROKEN)) {
	test(`1002 for ${what}`, async (t) => {
		const { wire, connect } = await raw(t);
		const other = await connect();
		wire.write(bytes);
		assert.equal((await wire.closing()).code, 1002);
		await wire.end();
		assert.deepEqual(await other.result('echo', [1]), [1], 'other clients notice nothing');
	});
}

const BAD_UTF8 = { 'a lone continuation byte': '80', 'an overlong slash': 'c0af', 'a surrogate': 'eda080', 'above U+10FFFF': 'f4908080',
	'a cut sequence': 'e282', 'a byte that never occurs': 'ff' };

for (const [what, hex] of Object.entries(BAD_UTF8)) {
	test(`1007 for a text with ${what}, whole and in fragments`, async (t) => {
		const { broker, wire } = await raw(t);
		const text = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"method":"echo","params":["'), Buffer.from(hex, 'hex'), Buffer.from('"]}')]);
		wire.send(text);
		assert.equal((await wire.closing()).code, 1007);
		const second = await upgrade(t, broker.address);
		second.write(fragments(text, 1));
		assert.equal((await second.closing()).code, 1007);
	});
}

test('a character may be cut by fragments anywhere', async (t) => {
	const { wire } = await raw(t);
	wire.write(fragments(request('🙂'.repeat(20)), 1));
	assert.equal(await answerOf(wire), '🙂'.repeat(20));
});

test('1009 above limits.message, not at it', async (t) => {
	const { wire, broker } = await raw(t, { limits: { message: '1KiB' } });
	const exact = request('x'.repeat(1024 - request('').length));
	assert.equal(exact.length, 1024);
	wire.send(exact);
	assert.equal((await answerOf(wire)).length, 1024 - request('').length);
	wire.send(`${exact} `);
	assert.equal((await wire.closing()).code, 1009);
	const slow = await upgrade(t, broker.address);
	slow.write(fragments(`${exact} `, 100));
	assert.equal((await slow.closing()).code, 1009, 'the sum of the fragments counts');
});

test('1009 for a length that no memory could hold, before its bytes come', async (t) => {
	const { wire } = await raw(t);
	wire.write(Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5]));
	const { code } = await wire.closing();
	assert.ok(code === 1009 || code === 1002, `code ${code}`);
});

test('1009 above limits.fragments', async (t) => {
	const { wire } = await raw(t, { limits: { fragments: 10 } });
	wire.write(fragments(request('in nine'), Math.ceil(request('in nine').length / 9)));
	assert.equal(await answerOf(wire), 'in nine');
	wire.write(Buffer.concat([frame(TEXT, ' ', { fin: false }),
		...Array.from({ length: 20 }, () => frame(CONTINUATION, ' ', { fin: false }))]));
	assert.equal((await wire.closing()).code, 1009);
});

for (const code of [1000, 1001, 1012, 1013, 1014, 3000, 4999]) {
	test(`a close with ${code} is answered with its code, and the socket ends`, async (t) => {
		const { wire } = await raw(t);
		wire.send(Buffer.from([code >> 8, code & 255]), CLOSE);
		assert.equal((await wire.closing()).code, code);
		await wire.end();
	});
}

test('what breaks the rules behind a long message does not lose the close frame', async (t) => {
	const { wire } = await raw(t);
	wire.write(Buffer.concat([frame(3, 'x'), Buffer.alloc(1000000)]));
	assert.equal((await wire.closing()).code, 1002);
	await wire.end();
});

test('many pings are all answered, in order', async (t) => {
	const { wire } = await raw(t);
	wire.write(Buffer.concat(Array.from({ length: 50 }, (_, at) => frame(PING, `ping ${at}`))));
	for (let at = 0; at < 50; at++)
		assert.equal((await wire.next([PONG])).payload.toString(), `ping ${at}`);
});

test('a close without a code is answered too', async (t) => {
	const { wire } = await raw(t);
	wire.send('', CLOSE);
	assert.ok([1000, 1005].includes((await wire.closing()).code));
	await wire.end();
});

test('a client that does not answer pings is closed', async (t) => {
	const { wire } = await raw(t, { limits: { ping: '300ms' } });
	// Long before the half minute that is usual.
	await wire.next([PING], 15000);
	await wire.end(15000);
});

test('a client that answers pings stays', async (t) => {
	const { connect } = await setup(t, { limits: { ping: '1s' } });
	const client = await connect();
	let pings = 0;
	await new Promise((resolve) => { client.socket.on('ping', () => { if (++pings === 3) resolve(); }); });
	assert.deepEqual(await client.result('echo', [1]), [1]);
});

test('an idle client is closed after limits.idle', async (t) => {
	const { wire } = await raw(t, { limits: { idle: '300ms' } });
	await wire.end();
});

test('garbage after the 101 ends this client alone', async (t) => {
	const { broker, connect } = await setup(t);
	const other = await connect();
	let seed = 7;
	const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) & 255;
	for (let round = 0; round < 20; round++) {
		const wire = await upgrade(t, broker.address);
		wire.write(Buffer.from(Array.from({ length: 2000 }, random)));
		wire.socket.end();
		await wire.end();
	}
	assert.deepEqual(await other.result('echo', [1]), [1]);
});
