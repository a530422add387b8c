// What an operator changes while requests are under way.
//
// TEST_SECONDS (20) is how long the pool is resized under load; TEST_RATE is how many requests a second
// are sent meanwhile (10000, or a quarter of what this machine carries).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { WSBROKER, pool, startBroker } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { run } from './support/child.mjs';
import { connect } from './support/client.mjs';
import { ask, change, done, operation } from './support/operator.mjs';
import { startServer } from './support/servers.mjs';
import { assertError, gate, setup } from './support/setup.mjs';
import { never, take, until } from './support/time.mjs';
import { certificates } from './support/tls.mjs';
import { startUpstream } from './support/upstream.mjs';

const SECONDS = Number(process.env.TEST_SECONDS ?? 20);
const RATE = 10000;

async function refused(broker, method, target, body, pattern) {
	const answer = await ask(broker, method, target, body);
	assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.body}`);
	assert.match(answer.body, pattern);
}

const endpoint = async (broker, name) => (await broker.pool()).endpoints.find((entry) => entry.name === name);
const events = async (broker, type) => (await broker.adminGet(`/v1/events?type=${type}`)).json;
const descriptors = (broker) => fs.readdirSync(`/proc/${broker.pid}/fd`).length;

const bench = (broker, args, options) => run(WSBROKER, ['bench', '--url', broker.url, '--method', 'echo', '--params', '[{key}]',
	'--expect', '[{key}]', '--connections', '20', '-o', 'json', ...args], options);

// How much may be asked of a machine that has other things to do.
async function rateFor(broker) {
	if (process.env.TEST_RATE)
		return Number(process.env.TEST_RATE);
	const { code, stdout } = await bench(broker, ['--depth', '8', '--warm-up', '0s', '--duration', '1s']);
	assert.equal(code, 0, stdout);
	return Math.max(100, Math.min(RATE, Math.floor(JSON.parse(stdout).requests_per_second / 4)));
}

test('resized 4 → 64 → 2 every second under load: nothing lost, nothing doubled, the size exact', { timeout: (SECONDS + 150) * 1000 }, async (t) => {
	const servers = await Promise.all(Array.from({ length: 4 }, () => startServer(t, 'fast')));
	const broker = await startBroker(t, {
		log: { level: 'warn' },
		// Two connections are few on a machine that has other things to do: all that comes may wait.
		pools: [pool(servers.map(({ url }) => url), { size: 4, connect_rate: 0, queue: { age: '30s', requests: 1000000, bytes: '256MiB' } })],
	});
	await until(async () => (await broker.pool()).ready === 4, { what: 'four connections' });
	const before = descriptors(broker);
	const rate = await rateFor(broker);
	const load = bench(broker, ['--rate', String(rate), '--warm-up', '1s', '--duration', `${SECONDS}s`], { deadline: (SECONDS + 60) * 1000 });
	const sizes = [4, 64, 2];
	const slowest = {};
	let resizes = 0;
	let ended = false;
	load.finally(() => { ended = true; }).catch(() => {});
	while (!ended) {
		const size = sizes[resizes++ % sizes.length];
		const second = take(1000);
		const begun = performance.now();
		const resize = await change(broker, 'PATCH', '/v1/pools/main', { size });
		await until(async () => ended || (await operation(broker, resize)).state === 'done',
			{ what: `${size} connections` });
		slowest[size] = Math.max(slowest[size] ?? 0, Math.round(performance.now() - begun));
		await Promise.race([second, load.catch(() => {})]);
	}
	const { code, stdout } = await load;
	assert.equal(code, 0, stdout);
	const report = JSON.parse(stdout);
	const { errors, wrong, lost, connections_lost: disconnected } = report;
	assert.deepEqual({ errors, wrong, lost, disconnected }, { errors: 0, wrong: 0, lost: 0, disconnected: 0 }, stdout);
	assert.ok(report.requests_per_second > rate / 2, `the load was what was asked for: ${stdout}`);
	const count = (name, labels) => broker.metric(name, labels);
	assert.deepEqual({
		sent: await count('wsbroker_endpoint_requests_total'),
		failed: await count('wsbroker_requests_total') - await count('wsbroker_requests_total', { result: 'ok' }),
		unknown: await count('wsbroker_discards_total', { reason: 'unknown_id' }),
		late: await count('wsbroker_discards_total', { reason: 'late' }),
	}, { sent: await count('wsbroker_requests_total', { result: 'ok' }), failed: 0, unknown: 0, late: 0 });
	await done(broker, await change(broker, 'PATCH', '/v1/pools/main', { size: 4 }));
	await until(async () => (await broker.adminGet('/v1/connections')).json.length === 4, { what: 'the final size' });
	assert.equal((await broker.pool()).ready, 4);
	await until(() => descriptors(broker) <= before, { what: () => `descriptors: ${descriptors(broker)} now, ${before} before` });
	t.diagnostic(`${resizes} resizes, the slowest took ${JSON.stringify(slowest)} ms, ${JSON.stringify(report)}`);
});

test('sizes that cannot be are refused with the reason', async (t) => {
	const { broker } = await setup(t, { pool: { size: 2 } });
	await refused(broker, 'PATCH', '/v1/pools/main', { size: 0 }, /at least 1/);
	await refused(broker, 'PATCH', '/v1/pools/main', { size: 1001 }, /above 1000/);
	await refused(broker, 'PATCH', '/v1/pools/main', { size: 1e9 }, /above 1000/);
	await refused(broker, 'PATCH', '/v1/pools/main', { size: -1 }, /size/);
	await refused(broker, 'PATCH', '/v1/pools/nowhere', { size: 3 }, /nowhere/);
	assert.equal((await broker.pool()).size, 2);
});

test('a size above what open files allow is refused', async (t) => {
	const { broker } = await setup(t, { pool: { size: 2 }, start: { under: ['prlimit', '--nofile=400'] } });
	await refused(broker, 'PATCH', '/v1/pools/main', { size: 900 }, /open files/);
});

test('a paused pool keeps what comes until it is resumed', async (t) => {
	const held = gate();
	const { broker, connect: open, upstream } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }], pool: { size: 2, queue: { age: '300ms' } },
	});
	const client = await open();
	client.send(JSON.stringify({ jsonrpc: '2.0', id: 'held', method: 'held', params: [] }));
	await upstream.seen('held');
	const pausing = await change(broker, 'POST', '/v1/pools/main/pause', { timeout_seconds: 30, reason: 'the database moves' });
	assert.equal(pausing.state, 'running');
	const waiting = [1, 2, 3].map((number) => client.call('echo', [number]));
	await until(async () => (await broker.pool()).queued === 3, { what: 'three to wait' });
	held.release();
	await client.answer('held');
	await done(broker, pausing);
	await never(async () => (await broker.pool()).queued !== 3, { during: 700, what: 'one to expire' });
	assert.equal((await broker.pool()).paused, true);
	await change(broker, 'POST', '/v1/pools/main/resume');
	assert.deepEqual((await Promise.all(waiting)).map(({ result }) => result), [[1], [2], [3]]);
	const [paused] = await events(broker, 'pool.paused');
	assert.equal(paused.reason, 'the database moves');
	assert.equal(paused.object, 'main');
});

test('a pause that takes too long fails, and the pool goes on', async (t) => {
	const held = gate();
	const { broker, connect: open, upstream } = await setup(t, { upstreams: [{ methods: { held: held.method } }], pool: { size: 1 } });
	const client = await open();
	client.send(JSON.stringify({ jsonrpc: '2.0', id: 'held', method: 'held', params: [] }));
	await upstream.seen('held');
	const pausing = await change(broker, 'POST', '/v1/pools/main/pause', { timeout_seconds: 0.2 });
	await until(async () => (await operation(broker, pausing)).state === 'failed', { what: 'the pause to fail' });
	assert.deepEqual((await client.call('echo', [1])).result, [1]);
	held.release();
	await client.answer('held');
});

test('an endpoint is drained, put into maintenance, brought back, removed and added', async (t) => {
	const { broker, connect: open, upstreams } = await setup(t, {
		upstreams: 2, pool: { size: 4, connect_rate: 0 }, endpoint: ({ url, name }) => ({ url, name }),
	});
	const client = await open();
	const who = async () => (await client.result('who')).name;
	const everybody = async () => {
		const seen = new Set();
		for (let at = 0; at < 20; at++)
			seen.add(await who());
		return [...seen].sort().join();
	};
	await until(async () => (await broker.pool()).ready === 4, { what: 'the pool to be whole' });
	assert.equal(await everybody(), 'u0,u1');

	await done(broker, await change(broker, 'PATCH', '/v1/pools/main/endpoints/u0', { state: 'drain', reason: 'kernel update' }));
	assert.equal(await everybody(), 'u1');
	let row = await endpoint(broker, 'u0');
	assert.equal(row.state, 'drained');
	assert.ok(row.ready > 0, 'its connections stay');
	await refused(broker, 'PATCH', '/v1/pools/main/endpoints/u1', { state: 'drain' }, /force/);

	await done(broker, await change(broker, 'PATCH', '/v1/pools/main/endpoints/u0', { state: 'maint' }));
	row = await endpoint(broker, 'u0');
	assert.deepEqual([row.state, row.connections], ['maint', 0]);
	await until(() => upstreams[0].connections.size === 0, { what: 'its connections to be closed' });

	await done(broker, await change(broker, 'PATCH', '/v1/pools/main/endpoints/u0', { state: 'ready' }));
	assert.equal((await endpoint(broker, 'u0')).state, 'active');
	await until(async () => await everybody() === 'u0,u1', { what: 'both to serve' });

	await done(broker, await change(broker, 'DELETE', '/v1/pools/main/endpoints/u0'));
	assert.equal(await endpoint(broker, 'u0'), undefined);
	await refused(broker, 'DELETE', '/v1/pools/main/endpoints/u1', { force: true }, /last endpoint/);

	await done(broker, await change(broker, 'POST', '/v1/pools/main/endpoints', { url: upstreams[0].url, name: 'again' }));
	assert.equal((await endpoint(broker, 'again')).state, 'active');
	await until(async () => await everybody() === 'u0,u1', { what: 'both to serve again' });
	const told = (await events(broker, 'endpoint.*')).filter(({ object }) => object === 'main/u0').map(({ after, type }) => after || type);
	assert.deepEqual(told, ['active', 'drained', 'draining', 'maint', 'connecting', 'active', 'draining', 'endpoint.removed']);
});

test('the first wss:// endpoint may join a pool that runs', async (t) => {
	const certs = certificates(t);
	const server = await startUpstream(t, { name: 'secure', tls: certs.pair('server') });
	const plain = await startUpstream(t, { name: 'plain' });
	const broker = await startBroker(t, {
		pools: [pool([{ url: plain.url, name: 'plain' }], { size: 2, tls: { ca: certs.file('ca.pem') } })],
	});
	await done(broker, await change(broker, 'POST', '/v1/pools/main/endpoints', { url: server.url, name: 'secure' }));
	await done(broker, await change(broker, 'PATCH', '/v1/pools/main/endpoints/plain', { state: 'drain' }));
	const client = await connect(t, broker.url);
	assert.equal((await client.result('who')).name, 'secure');
	await refused(broker, 'POST', '/v1/pools/main/endpoints', { url: 'http://elsewhere/' }, /ws:\/\//);
});

test('a pool follows its load until an operator pins its size', async (t) => {
	const held = gate();
	const { broker, connect: open } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		pool: { size: 3, max_in_flight: 4, connect_rate: 0, autoscale: { min: 2, max: 6, target: 0.5, cool_down: '1s' }, queue: { age: '20s' } },
	});
	await until(async () => (await broker.pool()).size === 2, { what: 'the fewest connections' });
	const client = await open();
	const calls = Array.from({ length: 12 }, () => client.call('held', []));
	await until(async () => (await broker.pool()).size === 6, { what: 'the most' });
	const grown = (await events(broker, 'pool.resized')).find(({ after }) => after === '4' || after === '6');
	assert.equal(grown.actor, 'autoscaler');
	assert.match(grown.detail ?? '', /in_flight=.*queued=.*target=0\.50/, JSON.stringify(grown));
	await refused(broker, 'PATCH', '/v1/pools/main', { size: 7 }, /autoscale\.max/);
	await until(() => held.held.length === 12, { what: 'all calls to arrive' });
	held.release();
	await Promise.all(calls);
	await change(broker, 'PATCH', '/v1/pools/main', { size: 5 });
	await never(async () => (await broker.pool()).size !== 5, { during: 3000, what: 'a pinned size to change' });
	assert.equal((await broker.pool()).pinned, true);
	await change(broker, 'POST', '/v1/pools/main/unpin');
	await until(async () => (await broker.pool()).size === 2, { what: 'the fewest again' });
});

test('a kicked client is told why', async (t) => {
	const { broker, connect: open } = await setup(t);
	const client = await open();
	await client.result('echo', [1]);
	const [{ id }] = (await broker.adminGet('/v1/clients')).json;
	await change(broker, 'DELETE', `/v1/clients/${id}`, { reason: 'it floods' });
	const { code, reason } = await client.closed;
	assert.deepEqual([code, String(reason)], [1008, 'kicked']);
	const [event] = await events(broker, 'client.kicked');
	assert.deepEqual([event.object, event.reason], [`client ${id}`, 'it floods']);
});

test('requests that failed are kept with the reason', async (t) => {
	const held = gate();
	const { broker, connect: open } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }], log: { level: 'info', slow: '50ms', requests: 'slow' },
		routes: [{ method: '*', pool: 'main', timeout: '300ms' }],
	});
	const client = await open();
	assertError(await client.call('held', []), { code: -32002, reason: 'timeout' });
	const [request] = (await broker.adminGet('/v1/requests')).json;
	assert.deepEqual([request.method, request.result, request.reason, request.pool, request.attempts], ['held', 'timeout', 'timeout', 'main', 1]);
	await until(() => /event=request .*method=held/.test(broker.log), { what: 'its line in the log' });
});

test('a request for several changes makes all of them or none, also of what is kept', async (t) => {
	const { broker } = await setup(t, { pool: { size: 3 }, state: 'kept' });
	// The n'th writing of the state file, which nobody waits for.
	const kept = async (count) => {
		await until(async () => await broker.metric('wsbroker_state_writes_total', { result: 'ok' }) >= count, { what: `${count} writes` });
		assert.equal(await broker.metric('wsbroker_state_writes_total'), count);
		return fs.readFileSync(`${broker.directory}/kept`, 'utf8');
	};
	const [{ name, weight }] = (await broker.pool()).endpoints;
	await change(broker, 'PATCH', '/v1/pools/main', { balancer: 'peak-ewma' });
	assert.match(await kept(1), /balancer/);
	await refused(broker, 'PATCH', '/v1/pools/main', { size: 5, balancer: 'magic' }, /a balancer is/);
	await refused(broker, 'PATCH', `/v1/pools/main/endpoints/${encodeURIComponent(name)}`, { weight: 7, state: 'drain' }, /use force/);
	const after = await broker.pool();
	assert.deepEqual([after.size, after.endpoints[0].weight], [3, weight]);
	assert.doesNotMatch(await kept(1), /\bsize\b|weight/);
	await change(broker, 'PATCH', '/v1/pools/main', { size: 5, balancer: 'random' });
	assert.deepEqual([(await broker.pool()).size, (await broker.pool()).balancer], [5, 'random']);
	await until(async () => /\bsize\b/.test(fs.readFileSync(`${broker.directory}/kept`, 'utf8')), { what: 'the size in it' });
});
