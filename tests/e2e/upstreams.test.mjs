// Upstreams that misbehave: odd messages, close frames at odd times, silence. One odd message
// never closes a shared connection, and nothing of it reaches a client.

import assert from 'node:assert/strict';
import net from 'node:net';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { freePort } from './support/ports.mjs';
import { assertError, setup } from './support/setup.mjs';
import { never, until } from './support/time.mjs';

const IDEMPOTENT = [{ method: '*', pool: 'main', timeout: '10s', attempt_timeout: '8s', idempotent: true }];

const ODD = {
	'an unknown id': '{"jsonrpc":"2.0","id":99999999,"result":"odd"}',
	'the id as a string': '{"jsonrpc":"2.0","id":"$id","result":"odd"}',
	'the id as a fraction': '{"jsonrpc":"2.0","id":$id.5,"result":"odd"}',
	'a negative id': '{"jsonrpc":"2.0","id":-$id,"result":"odd"}',
	'an id beyond 64 bits': '{"jsonrpc":"2.0","id":$id00000000000000000000000000,"result":"odd"}',
	'an error that belongs to nobody': '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"odd"}}',
	'no JSON at all': 'this is not JSON',
	'an empty text': '',
	'half a message': '{"jsonrpc":"2.0","id":$id,"resu',
	'a bare number': '7',
	'an empty batch': '[]',
	'a notification': '{"jsonrpc":"2.0","method":"news","params":["odd"]}',
	'an event without jsonrpc': '{"notification":"news","params":["odd"]}',
	'a lone surrogate': '{"jsonrpc":"2.0","id":99999999,"result":"\\ud800"}',
	'very deep nesting': `{"jsonrpc":"2.0","id":99999999,"result":${'['.repeat(5000)}${']'.repeat(5000)}}`,
};

for (const [what, text] of Object.entries(ODD)) {
	test(`${what} is survived`, async (t) => {
		const { connect, upstream } = await setup(t, { pool: { size: 1 } });
		const client = await connect();
		for (let at = 0; at < 3; at++)
			assert.equal(await client.result('odd', { text }), 'right');
		assert.deepEqual(await client.result('echo', [1]), [1]);
		assert.equal(client.received.length, 0, `nothing of it reaches the client: ${client.received.map(({ data }) => data)}`);
		assert.equal(upstream.handshakes.length, 1, 'the connection stays');
	});
}

test('an answer without jsonrpc is an answer', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	const answer = await client.call('answer', { text: '{"id":$id,"result":"bare"}' });
	assert.equal(answer.result, 'bare');
});

test('several answers in one array, or odd things in binary frames, are survived', async (t) => {
	const { connect, upstream } = await setup(t, { pool: { size: 1 } });
	const client = await connect();
	upstream.broadcast(Buffer.from([0xc1, 0xff, 0x00]), { binary: true });
	upstream.broadcast('[{"jsonrpc":"2.0","id":77,"result":1},3,null]');
	assert.deepEqual(await client.result('echo', [1]), [1]);
	assert.equal(upstream.handshakes.length, 1);
});

test('bad UTF-8 inside a message does not close the connection', async (t) => {
	const { connect, upstream } = await setup(t, { pool: { size: 1 } });
	const client = await connect();
	// {"jsonrpc":"2.0","id":9,"result":"…"} with a byte that is no UTF-8.
	const hex = Buffer.from('{"jsonrpc":"2.0","id":99999999,"result":"').toString('hex') + 'ff80' + Buffer.from('"}').toString('hex');
	assert.equal(await client.result('odd_bytes', { hex }), 'right');
	assert.deepEqual(await client.result('echo', [1]), [1]);
	assert.equal(upstream.handshakes.length, 1);
	assert.equal(client.received.length, 0);
});

test('odd messages are counted and logged at a limited rate', async (t) => {
	const { broker, connect, upstream } = await setup(t, { pool: { size: 1 }, log: { level: 'info', format: 'logfmt' } });
	const client = await connect();
	const before = broker.log.length;
	const counted = await broker.counted(/unreadable/);
	for (let at = 0; at < 500; at++)
		upstream.broadcast(`nonsense ${at}`);
	await client.result('echo', [1]);
	assert.ok(await broker.counted(/unreadable/) >= counted + 500, 'counted');
	assert.ok(broker.log.length - before < 20000, `${broker.log.length - before} bytes of log`);
});

test('a protocol error of the upstream closes its connection and its requests move', async (t) => {
	const rude = { done: false };
	const methods = { rude(params, { connection }) {
		if (rude.done)
			return 'polite';
		rude.done = true;
		connection.socket._socket.write(Buffer.from([0xf3, 0x01, 0x00]));
		return undefined;
	} };
	const { connect } = await setup(t, {
		upstreams: [{ methods }, { methods }],
		routes: [{ method: '*', pool: 'main', timeout: '8s', attempt_timeout: '7s', idempotent: true }],
	});
	const client = await connect();
	assert.equal(await client.result('rude'), 'polite');
});

for (const code of [1000, 1001, 1011, 1012, 1013]) {
	test(`an upstream that closes with ${code} while a request is open`, async (t) => {
		const { connect, upstream } = await setup(t, { pool: { size: 1, queue: { age: '10s' } } });
		const client = await connect();
		assertError(await client.call('close', { code, reason: 'as asked' }), { code: -32001, reason: 'upstream_lost', pool: 'main' });
		assert.deepEqual(await client.result('echo', [1]), [1], 'and comes back');
		assert.equal(upstream.handshakes.length, 2);
		assert.equal(client.socket.readyState, 1, 'the client notices nothing');
	});
}

for (const code of [1000, 1011, 1012, 1013]) {
	test(`a close with ${code} is answered and counted as what it is`, async (t) => {
		const { upstream, broker } = await setup(t, { pool: { size: 1 } });
		const counted = () => broker.metric(/^wsbroker_.*closes.*_total$/, { code: String(code) });
		const before = await counted();
		const [connection] = upstream.connections;
		connection.socket.close(code, 'as asked');
		await until(() => connection.closed, { what: 'the end of the connection' });
		assert.equal(connection.closed.code, code);
		await until(async () => await counted() > before, { what: 'the close to be counted' });
	});
}

test('each ping of the upstream is answered', async (t) => {
	const { connect, upstream } = await setup(t, { pool: { size: 1 } });
	const client = await connect();
	const [{ socket }] = upstream.connections;
	const pongs = [];
	socket.on('pong', (payload) => pongs.push(payload.toString()));
	socket._socket.write(Buffer.concat(['one', '', 'x'.repeat(125)].map((text) =>
		Buffer.concat([Buffer.from([0x89, text.length]), Buffer.from(text)]))));
	await until(() => pongs.length >= 3, { what: 'three pongs' });
	assert.deepEqual(pongs.slice(0, 3), ['one', '', 'x'.repeat(125)]);
	assert.deepEqual(await client.result('echo', [1]), [1]);
	assert.equal(upstream.handshakes.length, 1);
});

const RUDE = {
	'a masked frame': [[0x81, 0x81, 1, 2, 3, 4, 5], 1002],
	'a reserved bit': [[0xc1, 0x00], 1002],
	'a fragmented ping': [[0x09, 0x00], 1002],
	'a continuation of nothing': [[0x80, 0x00], 1002],
	'a close code that must not be sent': [[0x88, 0x02, 0x03, 0xed], 1002],
	'a close reason that is no text': [[0x88, 0x03, 0x03, 0xe8, 0xff], 1007],
};

for (const [what, [bytes, code]] of Object.entries(RUDE)) {
	test(`${what} is answered with ${code}`, async (t) => {
		const { connect, upstream } = await setup(t, { pool: { size: 1, queue: { age: '10s' } } });
		const client = await connect();
		const [connection] = upstream.connections;
		connection.socket._socket.write(Buffer.from(bytes));
		await until(() => connection.closed, { what: 'the end of the connection' });
		assert.equal(connection.closed.code, code);
		assert.deepEqual(await client.result('echo', [1]), [1], 'elsewhere');
	});
}

const ANSWERS = {
	'HTTP/1.1 403 Forbidden\r\n\r\n': /status 403/,
	'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n': /Sec-WebSocket-Accept/,
	'SSH-2.0-upstream\r\n\r\n': /not HTTP/,
	'': /hung up/,
};

for (const [answer, reason] of Object.entries(ANSWERS)) {
	test(`an upgrade that is answered with ${JSON.stringify(answer.slice(0, 20))}…`, async (t) => {
		const port = await freePort();
		const server = net.createServer((socket) => {
			socket.on('error', () => {});
			socket.once('data', () => socket.end(answer));
		});
		cleanup(t, () => server.close());
		server.listen(port, '127.0.0.1');
		const broker = await startBroker(t, { pools: [pool([`ws://127.0.0.1:${port}/`])] }, { ready: 'live' });
		await until(() => /upgrade/.test(broker.log) && reason.test(broker.log), { what: 'the reason in the log' });
	});
}

test('an upstream that closes while idle costs no request', async (t) => {
	const { connect, upstream, broker } = await setup(t, { pool: { size: 2, queue: { age: '10s' } } });
	const client = await connect();
	await until(() => upstream.connections.size === 2, { what: 'two connections' });
	const left = [...upstream.connections];
	for (const { socket } of left)
		socket.close(1001, 'going away');
	await until(() => left.every((connection) => connection.closed), { what: 'the closes to be answered' });
	for (let at = 0; at < 20; at++)
		assert.deepEqual(await client.result('echo', [at]), [at]);
	await until(async () => (await broker.pool()).ready === 2, { what: 'two again' });
	assert.ok(await broker.metric(/^wsbroker_.*closes.*_total$/, { code: '1001' }) >= 2, 'closes are counted');
});

test('an upstream that closes each connection after one answer', async (t) => {
	const { connect, upstream } = await setup(t, { pool: { size: 4, queue: { age: '15s' } }, routes: IDEMPOTENT, upstreams: [{ methods: {
		once(params, { reply, connection }) {
			reply({ result: params });
			connection.socket.close(1001);
		},
	} }] });
	const client = await connect();
	for (let at = 0; at < 6; at++)
		assert.deepEqual(await client.result('once', [at]), [at]);
	assert.ok(upstream.handshakes.length >= 4);
});

test('an upstream that hangs costs its own requests only', async (t) => {
	const { connect } = await setup(t, {
		upstreams: 2, routes: [{ method: 'hang', pool: 'main', timeout: '400ms' }, { method: '*', pool: 'main', timeout: '5s' }],
	});
	const client = await connect();
	const hanging = Array.from({ length: 10 }, () => client.call('hang', []));
	for (let at = 0; at < 20; at++)
		assert.deepEqual(await client.result('echo', [at]), [at]);
	for (const answer of await Promise.all(hanging))
		assertError(answer, { code: -32002, reason: 'timeout', pool: 'main' });
});

test('an upstream that does not read counts as full', async (t) => {
	const { connect, upstreams } = await setup(t, {
		upstreams: 2, pool: { size: 2, balancer: 'round-robin', queue: { age: '40s' } },
		// The client shares its process with the upstreams: it may be slow to read 40 MB of answers.
		limits: { send_buffer: '64MiB' },
		routes: [{ method: '*', pool: 'main', timeout: '12s' }],
	});
	const client = await connect();
	await until(() => upstreams.every(({ connections }) => connections.size === 1), { what: 'both connections' });
	client.send('{"jsonrpc":"2.0","method":"stop_reading"}');
	await until(() => upstreams.some((upstream) => upstream.of('stop_reading').length), { what: 'one to stop reading' });
	const deaf = upstreams.find((upstream) => upstream.of('stop_reading').length);
	const sound = upstreams.find((upstream) => upstream !== deaf);
	const filler = 'x'.repeat(500000);
	const answers = Promise.all(Array.from({ length: 80 }, () => client.call('echo', [filler], { deadline: 50000 })));
	const served = (await answers).filter(({ result }) => result).length;
	assert.ok(served > 50, `${served} of 80 served`);
	assert.ok(sound.of('echo').length > 50);
});

test('a message of the upstream that no client could be sent ends its connection, not the client', async (t) => {
	const { connect, upstream } = await setup(t, { limits: { message: '64KiB', send_buffer: '64KiB' }, pool: { size: 1, queue: { age: '10s' } } });
	const client = await connect();
	const answer = await client.call('big', { bytes: 200000 });
	assert.ok(answer.error, 'too big to pass');
	assert.equal(answer.error.data.source, 'wsbroker');
	assert.deepEqual(await client.result('echo', [1]), [1]);
	await never(() => client.socket.readyState !== 1, { during: 50, what: 'the end of the client' });
	assert.ok(upstream.handshakes.length >= 1);
});
