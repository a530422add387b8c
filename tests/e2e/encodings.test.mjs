// JSON in text frames, MessagePack in binary frames, and the broker between peers that differ.

import assert from 'node:assert/strict';
import { test } from './support/case.mjs';
import { pack, unpack } from './support/msgpack.mjs';
import { assertError, setup } from './support/setup.mjs';

const MSGPACK = { upstreams: [{ encoding: 'msgpack' }], pool: { encoding: 'msgpack' } };

async function askPacked(client, message) {
	client.send(Buffer.isBuffer(message) ? message : pack(message));
	const answer = await client.next();
	assert.ok(Buffer.isBuffer(answer), `a binary frame expected: ${answer}`);
	return unpack(answer);
}

test('a text frame is answered in text, a binary one in binary, on one connection', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	const text = await client.ask('{"jsonrpc":"2.0","id":1,"method":"echo","params":["č"]}');
	assert.deepEqual(JSON.parse(text), { jsonrpc: '2.0', id: 1, result: ['č'] });
	assert.deepEqual(await askPacked(client, { jsonrpc: '2.0', id: 2, method: 'echo', params: ['č', -1, 0.5, null, true] }),
		{ jsonrpc: '2.0', id: 2, result: ['č', -1, 0.5, null, true] });
});

for (const [what, text] of [['an object', '{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}'],
	['a batch', '[{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}]']]) {
	test(`a binary frame that begins as ${what} of JSON is JSON`, async (t) => {
		const { connect } = await setup(t);
		const client = await connect();
		client.send(Buffer.from(text));
		const answer = JSON.parse((await client.next()).toString());
		assert.deepEqual([answer].flat(), [{ jsonrpc: '2.0', id: 1, result: [1] }]);
	});
}

test('a pool of JSON upstreams gets text frames, a pool of MessagePack upstreams binary ones', async (t) => {
	for (const options of [{}, MSGPACK]) {
		const { connect, upstream } = await setup(t, options);
		const client = await connect();
		assert.deepEqual(await client.result('echo', [1]), [1]);
		assert.deepEqual((await askPacked(client, { jsonrpc: '2.0', id: 1, method: 'echo', params: [2] })).result, [2]);
		assert.deepEqual(upstream.of('echo').map(({ binary }) => binary), options === MSGPACK ? [true, true] : [false, false]);
	}
});

const EXACT = ['0', '-1', '9007199254740993', '-9007199254740993', '9223372036854775807', '-9223372036854775808',
	'18446744073709551615', '4294967296', '0.1', '1e300', '-2.5e-7', '5e-324', '1.7976931348623157e308'];

test('numbers cross from JSON to MessagePack and back exactly', async (t) => {
	const { connect, upstream } = await setup(t, MSGPACK);
	const client = await connect();
	const text = await client.ask(`{"jsonrpc":"2.0","id":1,"method":"echo","params":[${EXACT.join(',')}]}`);
	const numbers = /"result":\s*\[([^\]]*)\]/.exec(text)[1].split(',').map((number) => number.trim());
	assert.equal(numbers.length, EXACT.length);
	for (const [at, number] of numbers.entries()) {
		if (/^-?\d+$/.test(EXACT[at]))
			assert.equal(number, EXACT[at]);
		else
			assert.ok(Object.is(Number(number), Number(EXACT[at])), `${EXACT[at]} came back as ${number}`);
	}
	assert.equal(upstream.of('echo')[0].params[2], 9007199254740993n);
	assert.equal(upstream.of('echo')[0].params[6], 18446744073709551615n);
});

test('numbers cross from MessagePack to JSON and back exactly', async (t) => {
	const { connect, upstream } = await setup(t);
	upstream.methods.large = (params, { message, connection }) =>
		void connection.socket.send(`{"jsonrpc":"2.0","id":${message.id},"result":[18446744073709551615,-9223372036854775808,0.1]}`);
	const client = await connect();
	const params = [2n ** 64n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 0.1, 5e-324];
	const { result } = await askPacked(client, { jsonrpc: '2.0', id: 1, method: 'large', params });
	assert.deepEqual(result, [2n ** 64n - 1n, -(2n ** 63n), 0.1]);
	assert.match(upstream.of('large')[0].text, /18446744073709551615\s*,\s*-9223372036854775808\s*,\s*9007199254740993\s*,/);
});

test('texts of every kind cross unharmed', async (t) => {
	const { connect } = await setup(t, MSGPACK);
	const client = await connect();
	const params = ['', 'a"\\/\b\f\n\r\t', '\u0000\u001f\u007f', 'č漢🙂', 'x'.repeat(70000), { 'key "\\ ☃': [[], {}] }];
	assert.deepEqual(await client.result('echo', params), params);
	assert.deepEqual((await askPacked(client, { jsonrpc: '2.0', id: 1, method: 'echo', params })).result, params);
});

const UNTRANSCODABLE_JSON = ['18446744073709551616', '-9223372036854775809', '123456789012345678901234567890', '1e400'];

for (const number of UNTRANSCODABLE_JSON) {
	test(`${number} cannot be carried in MessagePack: the request is refused`, async (t) => {
		const { connect, upstream } = await setup(t, MSGPACK);
		const client = await connect();
		assertError(await client.askJson(`{"jsonrpc":"2.0","id":1,"method":"echo","params":[${number}]}`),
			{ id: 1, code: -32600, reason: 'not_transcodable' });
		assert.equal(upstream.requests.length, 0);
	});
}

test('bytes, extensions and not-a-number cannot be carried in JSON: the request is refused', async (t) => {
	const { connect, upstream } = await setup(t);
	const client = await connect();
	for (const value of [new Uint8Array([1, 2]), new Date(0), NaN, Infinity]) {
		assertError(await askPacked(client, { jsonrpc: '2.0', id: 'b', method: 'echo', params: [value] }),
			{ id: 'b', code: -32600, reason: 'not_transcodable' });
	}
	assert.equal(upstream.requests.length, 0);
});

test('an answer that cannot be carried is an error that may not be retried', async (t) => {
	const { connect } = await setup(t, {
		upstreams: [{ encoding: 'msgpack', methods: { bytes: () => new Uint8Array([1, 2, 3]) } }],
		pool: { encoding: 'msgpack' },
		routes: [{ method: 'bytes', pool: 'main', cache: { scope: 'shared' } }],
	});
	const client = await connect();
	// From the upstream at first, out of the cache later.
	for (const cache of ['miss', 'hit']) {
		const answer = await client.askJson('{"jsonrpc":"2.0","id":5,"method":"bytes","wsbroker":{"explain":true}}');
		assertError(answer, { id: 5, code: -32001, reason: 'not_transcodable', retryable: false, pool: 'main' });
		assert.match(answer.error.message, /encoding/);
		assert.equal(answer.wsbroker.cache, cache);
		assert.deepEqual([...(await askPacked(client, { jsonrpc: '2.0', id: 6, method: 'bytes' })).result], [1, 2, 3]);
	}
});

test('what is not MessagePack gets a parse error in MessagePack', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	const whole = pack({ jsonrpc: '2.0', id: 1, method: 'echo', params: [1] });
	const broken = [whole.subarray(0, whole.length - 1), Buffer.concat([whole, Buffer.from([1])]), Buffer.from([0xc1]),
		Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]), Buffer.from([0xdb, 0x7f, 0xff, 0xff, 0xff, 0x61])];
	for (const bytes of broken)
		assertError(await askPacked(client, bytes), { id: null, code: -32700, reason: 'parse_error' });
	assert.deepEqual((await askPacked(client, whole)).result, [1]);
});

test('ids of MessagePack come back byte for byte', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	// Each id in the given form, also in longer forms than needed.
	const ids = ['01', 'ff', 'cc05', 'cd0005', 'cf0000000000000005', 'd3ffffffffffffffff', 'cfffffffffffffffff', 'cb3ff8000000000000',
		'ca3fc00000', 'c0', 'a0', 'a3616263', 'd903616263', 'da0003616263'];
	for (const hex of ids) {
		const id = Buffer.from(hex, 'hex');
		client.send(Buffer.concat([Buffer.from([0x84]), pack('jsonrpc'), pack('2.0'), pack('method'), pack('echo'),
			pack('params'), pack([]), pack('id'), id]));
		const answer = await client.next();
		assert.ok(answer.includes(Buffer.concat([pack('id'), id])), `id ${hex} in ${answer.toString('hex')}`);
	}
});

test('a batch in MessagePack is answered in MessagePack, in order', async (t) => {
	const { connect } = await setup(t, MSGPACK);
	const client = await connect();
	const batch = [30, 0, 10].map((ms, id) => ({ jsonrpc: '2.0', id, method: 'delay', params: { ms } }));
	assert.deepEqual(await askPacked(client, batch), [30, 0, 10].map((result, id) => ({ jsonrpc: '2.0', id, result })));
});

test('the subprotocol does not forbid the other kind of frame', async (t) => {
	const { connect } = await setup(t);
	const client = await connect({ protocols: ['jsonrpc.2.msgpack'] });
	assert.equal(client.socket.protocol, 'jsonrpc.2.msgpack');
	assert.deepEqual((await askPacked(client, { jsonrpc: '2.0', id: 1, method: 'echo', params: [1] })).result, [1]);
	assert.deepEqual((await client.askJson('{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}')).result, [1]);
});
