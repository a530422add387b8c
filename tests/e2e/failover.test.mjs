// What becomes of requests when the connection under them goes.

import assert from 'node:assert/strict';
import { test } from './support/case.mjs';
import { assertError, gate, setup } from './support/setup.mjs';
import { until } from './support/time.mjs';

const IDEMPOTENT = [{ method: '*', pool: 'main', timeout: '8s', attempt_timeout: '5s', idempotent: true }];

// Both upstreams share the memory of what was dropped already.
async function pair(t, options = {}) {
	const cast = await setup(t, { upstreams: 2, ...options });
	const shared = new Set();
	for (const upstream of cast.upstreams)
		upstream.shared = shared;
	await until(() => cast.upstreams.every(({ connections }) => connections.size > 0), { what: 'connections to both' });
	return cast;
}

test('a written request on an idempotent route moves to another connection', async (t) => {
	const { connect, upstreams } = await pair(t, { routes: IDEMPOTENT });
	const client = await connect();
	const { result: { key }, wsbroker } = await client.call('drop_once', { key: 'a' }, { wsbroker: { explain: true } });
	assert.equal(key, 'a');
	assert.equal(wsbroker.attempts, 2);
	assert.equal(upstreams.flatMap((upstream) => upstream.of('drop_once')).length, 2);
});

test('a written request on any other route is answered upstream_lost, and never sent twice', async (t) => {
	const { connect, upstreams } = await pair(t);
	const client = await connect();
	assertError(await client.call('drop_once', { key: 'a' }), { code: -32001, reason: 'upstream_lost', pool: 'main' });
	assert.equal(upstreams.flatMap((upstream) => upstream.of('drop_once')).length, 1);
});

test('all that was in flight on the lost connection is answered, nothing twice', async (t) => {
	const held = gate();
	const { connect, upstreams: [first, second] } = await pair(t, {
		upstreams: [{ methods: { held: held.method } }, { methods: { held: held.method } }],
		pool: { size: 2, balancer: 'round-robin' },
	});
	const client = await connect();
	for (let id = 0; id < 40; id++)
		client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'held', params: [id] }));
	await until(() => held.held.length === 40, { what: 'forty in flight' });
	const lost = first.of('held').length;
	await first.stop();
	await until(() => client.received.length === lost, { what: 'the errors' });
	held.held.splice(0);
	for (const { connection, id, params } of second.of('held'))
		second.reply(connection, { id, result: params });
	await until(() => client.received.length === 40, { what: 'the answers' });
	const answers = client.received.map(({ data }) => JSON.parse(data));
	assert.equal(new Set(answers.map(({ id }) => id)).size, 40);
	assert.equal(answers.filter(({ error }) => error?.data.reason === 'upstream_lost').length, lost);
	assert.ok(answers.every(({ id, result, error }) => (error ? error.code === -32001 : result[0] === id)));
});

test('requests that wait in the queue were never written: they always move', async (t) => {
	const held = gate();
	const { connect, upstreams } = await pair(t, {
		upstreams: [{ methods: { held: held.method } }, { methods: { held: held.method } }],
		pool: { size: 2, max_in_flight: 1, queue: { age: '15s' } },
	});
	const client = await connect();
	for (let id = 0; id < 6; id++)
		client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'held', params: [id] }));
	await until(() => held.held.length === 2, { what: 'both connections to be full' });
	await upstreams[0].stop();
	const answers = [];
	await until(() => {
		held.release();
		answers.push(...client.received.splice(0).map(({ data }) => JSON.parse(data)));
		return answers.length === 6;
	}, { what: 'six answers' });
	assert.equal(answers.filter(({ error }) => error).length, 1, 'only the written one fails');
	assert.equal(new Set(answers.map(({ id }) => id)).size, 6);
});

test('the only upstream gone and back: idempotent requests wait for it', async (t) => {
	const { connect, upstream } = await setup(t, { routes: IDEMPOTENT, pool: { queue: { age: '15s' } } });
	const client = await connect();
	const shared = new Set();
	upstream.shared = shared;
	assert.deepEqual((await client.result('drop_once', { key: 'b' })).key, 'b');
});

test('the retry budget ends a storm of retries', async (t) => {
	const { connect, upstreams } = await pair(t, { pool: { size: 2, retry: { budget: 0.1, per_second: 1 } }, routes: IDEMPOTENT });
	const client = await connect();
	const answers = await Promise.all(Array.from({ length: 40 }, () => client.call('drop', [])));
	const lost = answers.filter(({ error }) => error.data.reason === 'upstream_lost');
	assert.ok(lost.length >= 20, `${lost.length} of 40 lost`);
	assertError(lost[0], { code: -32001, reason: 'upstream_lost', pool: 'main' });
	const sent = upstreams.flatMap((upstream) => upstream.of('drop')).length;
	assert.ok(sent <= 65, `40 requests sent ${sent} times`);
});

test('an attempt that passes attempt_timeout gets a second one elsewhere', async (t) => {
	const first = { slow: true };
	const methods = { sluggish: (params) => {
		if (!first.slow)
			return { params };
		first.slow = false;
		return undefined;
	} };
	const { connect, upstreams } = await pair(t, {
		upstreams: [{ methods }, { methods }],
		routes: [{ method: '*', pool: 'main', timeout: '10s', attempt_timeout: '1s', idempotent: true }],
	});
	const client = await connect();
	const begun = performance.now();
	const { result, wsbroker } = await client.call('sluggish', [1], { wsbroker: { explain: true } });
	assert.deepEqual(result, { params: [1] });
	assert.equal(wsbroker.attempts, 2);
	const took = performance.now() - begun;
	assert.ok(took >= 990, `${took} ms`);
	assert.deepEqual(upstreams.map((upstream) => upstream.of('sluggish').length), [1, 1], 'one each');
});

test('of two attempts the first answer wins and the other is dropped', async (t) => {
	const held = gate();
	const { connect } = await pair(t, {
		upstreams: [{ methods: { held: held.method } }, { methods: { held: held.method } }],
		routes: [{ method: '*', pool: 'main', timeout: '5s', attempt_timeout: '150ms', idempotent: true }],
	});
	const client = await connect();
	client.send('{"jsonrpc":"2.0","id":1,"method":"held","params":["x"]}');
	await until(() => held.held.length >= 2, { what: 'both attempts' });
	held.release();
	assert.deepEqual((await client.nextJson()).result, ['x']);
	assert.deepEqual(await client.result('echo', ['y']), ['y']);
	assert.equal(client.received.length, 0);
});

test('without idempotent there is no second attempt', async (t) => {
	const { connect, upstreams } = await pair(t, {
		routes: [{ method: '*', pool: 'main', timeout: '700ms', attempt_timeout: '100ms' }],
	});
	const client = await connect();
	assertError(await client.call('hang', []), { code: -32002, reason: 'timeout', pool: 'main' });
	assert.equal(upstreams.flatMap((upstream) => upstream.of('hang')).length, 1);
});

test('one of two upstreams killed and restarted under load: no idempotent request fails', async (t) => {
	const { connect, upstreams } = await pair(t, { pool: { size: 4, retry: { budget: 1, per_second: 1000 } }, routes: IDEMPOTENT });
	const clients = await Promise.all(Array.from({ length: 4 }, () => connect()));
	let running = true;
	const totals = clients.map(async (client, number) => {
		let count = 0;
		while (running) {
			const value = `${number}/${count++}`;
			assert.equal(await client.result('delay', { ms: 2, value }), value);
		}
		return count;
	});
	for (let round = 0; round < 3; round++) {
		const upstream = upstreams[round % 2];
		const before = upstreams[(round + 1) % 2].requests.length;
		await upstream.stop();
		await until(() => upstreams[(round + 1) % 2].requests.length > before + 50, { what: 'traffic on the other' });
		await upstream.start();
		const seen = upstream.requests.length;
		await until(() => upstream.requests.length > seen + 20, { what: 'traffic on both again' });
	}
	running = false;
	const total = (await Promise.all(totals)).reduce((sum, count) => sum + count, 0);
	assert.ok(total > 100, `${total} requests`);
});
