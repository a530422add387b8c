// Order, back-pressure, fairness, and clients that do not read.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { test } from './support/case.mjs';
import { frame, TEXT, upgrade } from './support/raw.mjs';
import { assertError, gate, setup } from './support/setup.mjs';
import { never, until } from './support/time.mjs';

const ask = (method, params, id) => JSON.stringify({ jsonrpc: '2.0', id, method, params });

test('what one client sends keeps its order on a connection', async (t) => {
	const { connect, upstream } = await setup(t, { pool: { size: 1 } });
	const client = await connect();
	for (let id = 0; id < 1000; id++)
		client.send(id % 3 ? ask('echo', [id], id) : JSON.stringify({ jsonrpc: '2.0', method: 'echo', params: [id] }));
	await upstream.seen('echo', 1000);
	assert.deepEqual(upstream.of('echo').map(({ params: [value] }) => value), Array.from({ length: 1000 }, (_, at) => at));
});

test('a slow answer does not hold the next ones up', async (t) => {
	const held = gate();
	const { connect } = await setup(t, { upstreams: [{ methods: { held: held.method } }], pool: { size: 1 } });
	const client = await connect();
	client.send(ask('held', ['slow'], 'slow'));
	assert.deepEqual(await client.result('echo', ['quick']), ['quick']);
	held.release();
	assert.deepEqual((await client.answer('slow')).result, ['slow']);
});

test('a client with limits.in_flight_per_client requests open is not read until one ends', async (t) => {
	const held = gate();
	const { connect, upstream } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		limits: { in_flight_per_client: 4 },
	});
	const [busy, other] = [await connect(), await connect()];
	for (let id = 0; id < 20; id++)
		busy.send(ask('held', [id], id));
	await upstream.seen('held', 4);
	await never(() => upstream.of('held').length > 4, { during: 200, what: 'a fifth request' });
	assert.deepEqual(await other.result('echo', [1]), [1], 'another client is read');
	held.release(1);
	await upstream.seen('held', 5);
	await never(() => upstream.of('held').length > 5, { during: 100, what: 'a sixth request' });
	const answers = [];
	while (answers.length < 20) {
		held.release();
		answers.push(...busy.received.splice(0).map(({ data }) => JSON.parse(data).id));
		await until(() => held.held.length > 0 || busy.received.length > 0 || answers.length === 20, { what: 'progress' });
	}
	assert.deepEqual(answers.sort((a, b) => a - b), Array.from({ length: 20 }, (_, id) => id));
});

test('the back-pressure reaches TCP: the sender\'s writes stop', async (t) => {
	const held = gate();
	const { broker, upstream } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		limits: { in_flight_per_client: 2 },
		routes: [{ method: '*', pool: 'main', timeout: '2m' }],
	});
	const wire = await upgrade(t, broker.address);
	const filler = 'x'.repeat(200000);
	for (let id = 0; id < 100; id++)
		wire.send(ask('held', [filler], id));
	await upstream.seen('held', 2);
	await never(() => wire.socket.writableLength === 0, { during: 300, what: 'the end of a write of 20 MB' });
	assert.equal(upstream.of('held').length, 2);
});

test('waiting requests are served fairly across clients', async (t) => {
	const held = gate();
	const { connect, upstream } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		pool: { size: 1, max_in_flight: 1, queue: { age: '60s' } },
	});
	const [greedy, modest] = [await connect(), await connect()];
	for (let id = 0; id < 100; id++)
		greedy.send(ask('held', ['greedy', id], id));
	await greedy.call('wsbroker.ping');
	for (let id = 0; id < 3; id++)
		modest.send(ask('held', ['modest', id], id));
	await modest.call('wsbroker.ping');
	for (let served = 1; served <= 10; served++) {
		await upstream.seen('held', served);
		held.release(1);
	}
	const order = upstream.of('held').slice(0, 10).map(({ params: [who] }) => who);
	assert.equal(order.filter((who) => who === 'modest').length, 3, `order: ${order}`);
});

test('a client that does not read is cut with 1013, and only that one', async (t) => {
	const { broker, connect } = await setup(t, { limits: { send_buffer: '256KiB' }, upstreams: 2 });
	const other = await connect();
	const deaf = await upgrade(t, broker.address);
	deaf.pause();
	for (let id = 0; id < 400; id++)
		deaf.send(ask('big', { bytes: 100000 }, id));
	const mark = /slow_reader/;
	await until(() => mark.test(broker.log), { what: 'slow_reader in the log' });
	assert.deepEqual(await other.result('echo', [1]), [1]);
	deaf.resume();
	assert.equal((await deaf.closing()).code, 1013);
	await deaf.end();
	assert.ok(await broker.counted(mark) > 0, 'a counter says slow_reader');
	assert.deepEqual(await other.result('big', { bytes: 200000 }).then((text) => text.length), 200000);
});

test('a client that never reads again is gone after five seconds', async (t) => {
	const { broker } = await setup(t, { limits: { send_buffer: '256KiB' } });
	const deaf = await upgrade(t, broker.address);
	deaf.pause();
	for (let id = 0; id < 400; id++)
		deaf.send(ask('big', { bytes: 100000 }, id));
	await until(() => /slow_reader/.test(broker.log), { what: 'slow_reader in the log' });
	await until(async () => await broker.metric('wsbroker_clients') === 0, { deadline: 20000, what: 'the socket to be closed', every: 100 });
});

test('queue.requests bounds those who wait', async (t) => {
	const held = gate();
	const { connect, upstream } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		pool: { size: 1, max_in_flight: 1, queue: { requests: 2, age: '30s' } },
	});
	const client = await connect();
	for (const id of ['sent', 'w1', 'w2', 'w3'])
		client.send(ask('held', [id], id));
	assertError(await client.answer('w3'), { code: -32003, reason: 'overloaded', pool: 'main', limit: /queue\.requests$/ });
	for (const [at, id] of ['sent', 'w1', 'w2'].entries()) {
		await upstream.seen('held', at + 1);
		held.release();
		assert.deepEqual((await client.answer(id)).result, [id]);
	}
});

test('queue.bytes bounds those who wait', async (t) => {
	const held = gate();
	const { connect, upstream } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		pool: { size: 1, max_in_flight: 1, queue: { bytes: '4KiB', age: '30s' } },
	});
	const client = await connect();
	client.send(ask('held', [], 'sent'));
	await upstream.seen('held');
	client.send(ask('held', ['x'.repeat(3000)], 'fits'));
	client.send(ask('held', ['x'.repeat(3000)], 'too much'));
	assertError(await client.answer('too much'), { code: -32003, reason: 'overloaded', pool: 'main', limit: /queue\.bytes$/ });
	held.release();
	await upstream.seen('held', 2);
	held.release();
	assert.equal((await client.answer('fits')).result[0].length, 3000);
});

test('queue.age: overloaded while connections are full, unavailable while none is up', async (t) => {
	const held = gate();
	const { broker, connect, upstream } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		pool: { size: 1, max_in_flight: 1, queue: { age: '200ms' } },
	});
	const client = await connect();
	client.send(ask('held', [], 'sent'));
	await upstream.seen('held');
	assertError(await client.call('held', []), { code: -32003, reason: 'overloaded', pool: 'main', limit: /queue\.age$/ });
	held.release();
	assert.deepEqual((await client.answer('sent')).result, []);
	await upstream.stop();
	await until(async () => (await broker.adminGet('/readyz')).status === 503, { what: 'the loss to be noticed' });
	assertError(await client.call('echo', []), { code: -32000, reason: 'unavailable', pool: 'main' });
});

// Opens as many connections as asked for, which say nothing.
function hold(t, address, count) {
	const [host, port] = address.split(':');
	const idle = Array.from({ length: count }, () => net.connect({ host, port: Number(port) }));
	t.after(() => idle.forEach((socket) => socket.destroy()));
	idle.forEach((socket) => socket.on('error', () => {}));
	return idle;
}

test('clients that take every descriptor leave some to upstreams and operators', async (t) => {
	const { broker, connect, upstream } = await setup(t, { start: { under: ['prlimit', '--nofile=120'] }, limits: { handshake: '50s' } });
	const idle = hold(t, broker.address, 200);
	await until(() => /listener\.suspended/.test(broker.log), { what: 'the listener to be suspended' });
	assert.equal((await broker.adminGet('/livez')).status, 200);
	const before = upstream.handshakes.length;
	for (const { socket } of upstream.connections)
		socket.terminate();
	await until(async () => upstream.handshakes.length > before && (await broker.adminGet('/readyz')).status === 200,
		{ what: 'the pool to be dialled again' });
	idle.forEach((socket) => socket.destroy());
	await until(() => connect().then((client) => client.result('echo', [1])).then(() => true, () => false),
		{ what: 'a client to be let in again' });
});

test('whoever holds connections to the admin API leaves some descriptors to upstreams', async (t) => {
	const { broker, connect, upstream } = await setup(t, { start: { under: ['prlimit', '--nofile=120'] }, limits: { handshake: '50s' } });
	const client = await connect();
	const idle = hold(t, broker.adminAddress, 200);
	await until(() => /listener\.suspended/.test(broker.log), { what: 'the listener to be suspended' });
	const before = upstream.handshakes.length;
	for (const { socket } of upstream.connections)
		socket.terminate();
	await until(() => upstream.handshakes.length > before, { what: 'the pool to be dialled again' });
	assert.deepEqual(await client.result('echo', [1]), [1]);
	idle.forEach((socket) => socket.destroy());
	await until(async () => (await broker.adminGet('/readyz')).status === 200, { what: 'the admin API' });
});

test('the admin API has no more connections than it serves streams, and some', async (t) => {
	const { broker } = await setup(t, { limits: { handshake: '50s' } });
	const before = fs.readdirSync(`/proc/${broker.pid}/fd`).length;
	const idle = hold(t, broker.adminAddress, 1500);
	await until(() => /listener\.suspended.*as many connections as are served/.test(broker.log), { what: 'the listener to be suspended' });
	assert.ok(fs.readdirSync(`/proc/${broker.pid}/fd`).length <= before + 1280);
	idle.forEach((socket) => socket.destroy());
	await until(async () => (await broker.adminGet('/livez')).status === 200, { what: 'the admin API' });
	// However often it is, it is told now and then.
	assert.equal(broker.log.match(/listener\.suspended/g).length, 1);
});

test('one client\'s flood of notifications does not stand before the requests of others', async (t) => {
	let told = 0;
	const tell = (params, { connection }) => {
		// It reads no faster than this, whatever waits in the sockets.
		if (++told % 50 === 0) {
			connection.socket.pause();
			setTimeout(() => connection.socket.resume(), 2);
		}
	};
	const { broker, connect } = await setup(t, { upstreams: [{ methods: { tell } }], pool: { size: 2, queue: { age: '30s' } } });
	const wire = await upgrade(t, broker.address);
	const other = await connect();
	const one = frame(TEXT, JSON.stringify({ jsonrpc: '2.0', method: 'tell', params: ['x'.repeat(200)] }));
	const flood = Buffer.concat(Array.from({ length: 1000 }, () => one));
	for (let round = 0; round < 30; round++)
		wire.write(flood);
	await until(() => told > 500, { what: 'the flood' });
	// How many of the flood each request waits for: what lies in the sockets already, not all of it.
	const waits = [];
	while (told < 25000 && waits.length < 1000) {
		const from = told;
		assert.deepEqual(await other.result('echo', [1]), [1]);
		waits.push(told - from);
	}
	waits.sort((a, b) => a - b);
	assert.ok(waits.length > 5, `${waits.length} answers beside the flood`);
	assert.ok(waits[Math.floor(waits.length * 0.9)] < 5000, `waits for ${waits} of the flood`);
	await until(() => told === 30000, { what: 'all of the flood' });
});

// Its requests that wait must not stand before those of others, nor must it count as a client.
test('a client that leaves while it is not read makes room at once', async (t) => {
	const held = gate();
	for (const leave of ['resetAndDestroy', 'end']) {
		const { broker, connect, upstream } = await setup(t, {
			upstreams: [{ methods: { held: held.method } }], pool: { max_in_flight: 1, queue: { age: '60s' } },
			limits: { in_flight_per_client: 3, ping: '0s', idle: '0s' },
		});
		const client = await connect();
		for (let id = 0; id < 5; id++)
			client.send(ask('held', [], id));
		await upstream.seen('held');
		await until(async () => (await broker.adminGet('/v1/clients')).json[0].paused, { what: 'the client not to be read' });
		assert.equal((await broker.pool()).queued, 2);
		client.socket._socket[leave]();
		await until(async () => (await broker.adminGet('/v1/clients')).json.length === 0, { what: `${leave} to be noticed` });
		assert.equal((await broker.pool()).queued, 0);
		held.release();
		assert.deepEqual(await (await connect()).result('echo', [1]), [1]);
		assert.equal(upstream.of('held').length, 1);
	}
});
