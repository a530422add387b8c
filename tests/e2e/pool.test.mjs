// The pool: how many connections to whom, who serves the next request, and coming back.

import assert from 'node:assert/strict';
import net from 'node:net';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { freePort } from './support/ports.mjs';
import { startServer } from './support/servers.mjs';
import { assertError, gate, setup } from './support/setup.mjs';
import { never, take, until } from './support/time.mjs';

const counts = (upstreams) => upstreams.map(({ connections }) => connections.size);

const SPREADS = [
	{ size: 4, weights: [1, 1], expected: [2, 2] },
	{ size: 4, weights: [1, 3], expected: [1, 3] },
	{ size: 5, weights: [1, 1, 1], expected: [2, 2, 1], sorted: true },
	{ size: 4, weights: [1, 100], expected: [1, 3] },
	{ size: 2, weights: [1, 1, 1], expected: [1, 1, 0], sorted: true },
];

for (const { size, weights, expected, sorted } of SPREADS) {
	test(`${size} connections over weights ${weights.join(':')}`, async (t) => {
		let next = 0;
		const { upstreams } = await setup(t, {
			upstreams: weights.length, pool: { size },
			endpoint: ({ url, name }) => ({ url, name, weight: weights[next++] }),
		});
		const seen = () => (sorted ? counts(upstreams).sort((a, b) => b - a) : counts(upstreams));
		await until(() => JSON.stringify(seen()) === JSON.stringify(expected),
			{ what: `${expected} (${counts(upstreams)})` });
		await never(() => JSON.stringify(seen()) !== JSON.stringify(expected), { during: 150, what: 'another spread' });
	});
}

test('tier 2 stands by with one connection each and serves when tier 1 is gone', async (t) => {
	const { upstreams, connect: open } = await setup(t, {
		upstreams: 3, pool: { size: 2 },
		endpoint: ({ url, name }) => ({ url, name, tier: name === 'u0' ? 1 : 2 }),
		routes: [{ method: '*', pool: 'main', timeout: '10s', idempotent: true }],
	});
	await until(() => String(counts(upstreams)) === '2,1,1', { what: 'two connections and two that stand by' });
	const client = await open();
	const who = async () => (await client.result('who')).name;
	for (let at = 0; at < 10; at++)
		assert.equal(await who(), 'u0');
	await upstreams[0].stop();
	await until(async () => await who() !== 'u0', { what: 'tier 2 to serve' });
	for (let at = 0; at < 10; at++)
		assert.notEqual(await who(), 'u0');
	await upstreams[0].start();
	await until(async () => await who() === 'u0', { what: 'tier 1 to serve again' });
});

test('connect_rate paces the opening', async (t) => {
	const times = [];
	const { upstream } = await setup(t, {
		upstreams: [{ server: { verifyClient: () => times.push(performance.now()) > 0 } }],
		pool: { size: 12, connect_rate: 10 }, start: { ready: 'live' },
	});
	await until(() => upstream.connections.size === 12, { what: 'all twelve' });
	assert.ok(times.at(-1) - times[0] > 500, `twelve in ${times.at(-1) - times[0]} ms`);
});

test('headers, subprotocol and path are sent upstream', async (t) => {
	const { upstream, broker } = await setup(t, {
		upstreams: [{ server: { handleProtocols: (offered) => [...offered][0] } }],
		pool: { subprotocol: 'jsonrpc.2.json', headers: { Authorization: 'Bearer ${UPSTREAM_TOKEN}', 'X-Pool': 'main' } },
		endpoint: ({ url }) => ({ url: `${url}rpc/v1?key=7` }),
		start: { env: { UPSTREAM_TOKEN: 'deep-secret' } },
	});
	const [{ url, headers }] = upstream.handshakes;
	assert.equal(url, '/rpc/v1?key=7');
	assert.equal(headers.authorization, 'Bearer deep-secret');
	assert.equal(headers['x-pool'], 'main');
	assert.equal(headers['sec-websocket-protocol'], 'jsonrpc.2.json');
	assert.equal(headers.host, `127.0.0.1:${upstream.port}`);
	assert.doesNotMatch(broker.log, /deep-secret/, 'never shown');
});

test('the greeting is played in order before the first request', async (t) => {
	const heard = [];
	const greet = (text, { socket }) => {
		heard.push(text);
		const { hello, login } = JSON.parse(text);
		if (hello)
			socket.send('{"noise":1}');
		if (hello || login)
			socket.send(JSON.stringify({ status: { ok: true, more: 1 }, to: hello ?? login }));
		return Boolean(hello || login);
	};
	const { connect: open, upstream } = await setup(t, {
		upstreams: [{ greet }],
		pool: { size: 1, on_connect: [
			{ send: '{"hello":"broker"}', expect: { status: { ok: true } } },
			{ send: '{"login":"me"}', expect: { to: 'me' } },
		] },
	});
	const client = await open();
	assert.deepEqual(await client.result('echo', [1]), [1]);
	assert.deepEqual(heard.slice(0, 2), ['{"hello":"broker"}', '{"login":"me"}']);
	assert.equal(upstream.connections.size, 1);
});

test('a connection at max_in_flight is passed over', async (t) => {
	const held = gate();
	const { connect: open, upstreams } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }, { methods: { held: held.method } }],
		pool: { size: 2, max_in_flight: 3, queue: { age: '30s' } },
	});
	const client = await open();
	for (let id = 0; id < 10; id++)
		client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'held', params: [id] }));
	await until(() => held.held.length === 6, { what: 'six in flight' });
	await never(() => held.held.length > 6, { during: 150, what: 'a seventh' });
	assert.deepEqual(upstreams.map((upstream) => upstream.of('held').length), [3, 3]);
	held.release();
	await until(() => held.held.length === 4, { what: 'the rest' });
	held.release();
	await until(() => client.received.length === 10, { what: 'all answers' });
});

const BALANCERS = {
	'round-robin': ([first, second]) => Math.abs(first - second) <= 2,
	random: ([first, second]) => first > 25 && second > 25,
	'least-connections': ([first, second]) => first > 0 && second > 0,
	'peak-ewma': ([first, second]) => first > 0 && second > 0,
};

for (const [balancer, fair] of Object.entries(BALANCERS)) {
	test(`${balancer} uses both of two equal upstreams`, async (t) => {
		const { connect: open, upstreams } = await setup(t, { upstreams: 2, pool: { size: 2, balancer } });
		await until(() => String(counts(upstreams)) === '1,1', { what: 'both connections' });
		const client = await open();
		for (let round = 0; round < 50; round++)
			await Promise.all([client.result('delay', { ms: 1 }), client.result('delay', { ms: 1 })]);
		const served = upstreams.map((upstream) => upstream.of('delay').length);
		assert.equal(served[0] + served[1], 100);
		assert.ok(fair(served), `${served}`);
	});
}

test('round-robin follows the weights of the connections', async (t) => {
	let next = 0;
	const { connect: open, upstreams } = await setup(t, {
		upstreams: 2, pool: { size: 4, balancer: 'round-robin' },
		endpoint: ({ url }) => ({ url, weight: [1, 3][next++] }),
	});
	await until(() => String(counts(upstreams)) === '1,3', { what: 'all connections' });
	const client = await open();
	for (let at = 0; at < 40; at++)
		await client.result('echo', [at]);
	const [light, heavy] = upstreams.map((upstream) => upstream.of('echo').length);
	assert.ok(light >= 8 && light <= 12 && heavy === 40 - light, `${light}:${heavy}`);
});

for (const balancer of ['least-connections', 'peak-ewma']) {
	test(`${balancer} avoids the upstream that is busy`, async (t) => {
		const { connect: open, upstreams } = await setup(t, {
			upstreams: [{ methods: { work: async (params) => { await take(200); return params; } } },
				{ methods: { work: (params) => params } }],
			pool: { size: 2, balancer },
		});
		await until(() => String(counts(upstreams)) === '1,1', { what: 'both connections' });
		const client = await open();
		const pending = [];
		for (let at = 0; at < 100; at++) {
			pending.push(client.result('work', [at]));
			await client.call('wsbroker.ping');
		}
		await Promise.all(pending);
		const [slow, quick] = upstreams.map((upstream) => upstream.of('work').length);
		assert.ok(quick > slow, `slow ${slow}, quick ${quick}`);
	});
}

test('a start with all upstreams down: not ready, then ready, and who waited is served', async (t) => {
	const { broker, connect: open, upstream } = await setup(t, {
		upstreams: [{ started: false }], pool: { queue: { age: '15s' } }, start: { ready: 'live' },
	});
	const { status, body } = await broker.adminGet('/readyz');
	assert.equal(status, 503);
	assert.match(body, /main/);
	const client = await open();
	const waiting = client.result('echo', ['patient']);
	client.send('{"jsonrpc":"2.0","method":"echo","params":["note"]}');
	await upstream.start();
	assert.deepEqual(await waiting, ['patient']);
	await upstream.seen('echo', 2);
	await until(async () => (await broker.adminGet('/readyz')).status === 200, { what: 'ready' });
});

test('after a loss the pool comes back by itself', async (t) => {
	const { connect: open, upstream, broker } = await setup(t, { pool: { size: 3, queue: { age: '15s' } } });
	const client = await open();
	await client.result('echo', [1]);
	await upstream.stop();
	await until(async () => (await broker.adminGet('/readyz')).status === 503, { what: 'not ready' });
	await upstream.start();
	assert.deepEqual(await client.result('echo', [2]), [2]);
	await until(() => upstream.connections.size === 3, { what: 'three connections' });
	await until(async () => (await broker.adminGet('/readyz')).status === 200, { what: 'ready' });
});

test('reconnecting backs off', async (t) => {
	const port = await freePort();
	const tries = [];
	const server = net.createServer((socket) => { tries.push(performance.now()); socket.destroy(); });
	server.listen(port, '127.0.0.1');
	cleanup(t, () => server.close());
	await startBroker(t, { pools: [pool([`ws://127.0.0.1:${port}/`])] }, { ready: 'live' });
	await until(() => tries.length >= 4, { what: 'four tries' });
	const begun = tries[0];
	await until(() => performance.now() - begun > 2500, { what: '2.5 s' });
	assert.ok(tries.length <= 30, `${tries.length} tries in 2.5 s`);
});

test('an upstream that is stuck is noticed by its missing pong', async (t) => {
	const [stuck, sound] = await Promise.all([startServer(t, 'scripted'), startServer(t, 'scripted')]);
	const broker = await startBroker(t, {
		pools: [pool([stuck.url, sound.url], { size: 2, probe: { interval: '200ms', timeout: '300ms' } })],
		routes: [{ method: '*', pool: 'main', timeout: '8s', idempotent: true }],
	});
	const client = await connect(t, broker.url);
	await until(async () => (await broker.pool()).ready === 2, { what: 'two ready connections' });
	stuck.freeze();
	const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => client.result('echo', [at])));
	assert.deepEqual(answers.map(([at]) => at), Array.from({ length: 20 }, (_, at) => at));
	const usesStuck = async () => (await broker.adminGet('/v1/connections')).json
		.some((row) => row.state === 'ready' && JSON.stringify(row).includes(`:${stuck.port}`));
	await until(async () => !await usesStuck(), { what: 'the stuck connection to be given up' });
	stuck.thaw();
	await until(usesStuck, { what: 'both again' });
});

test('a handshake that never ends is given up', async (t) => {
	const port = await freePort();
	const sockets = new Set();
	const server = net.createServer((socket) => { sockets.add(socket); socket.on('error', () => {}); });
	server.listen(port, '127.0.0.1');
	cleanup(t, () => { sockets.forEach((socket) => socket.destroy()); server.close(); });
	await startBroker(t, { limits: { handshake: '300ms' }, pools: [pool([`ws://127.0.0.1:${port}/`])] }, { ready: 'live' });
	await until(() => sockets.size >= 2, { what: 'a second try' });
});

test('an upstream that refuses the upgrade is a failed connect', async (t) => {
	const { broker, connect: open } = await setup(t, {
		upstreams: [{ server: { verifyClient: (info, done) => done(false, 403) } }],
		pool: { queue: { age: '300ms' } }, start: { ready: 'live' },
	});
	const client = await open();
	assertError(await client.call('echo', []), { code: -32000, reason: 'unavailable', pool: 'main' });
	assert.equal((await broker.adminGet('/readyz')).status, 503);
});

test('names are resolved without holding anybody up', async (t) => {
	const { connect: open, upstream } = await setup(t, {
		endpoint: ({ port }) => `ws://localhost:${port}/`,
	});
	const client = await open();
	assert.deepEqual(await client.result('echo', [1]), [1]);
	assert.equal(upstream.handshakes[0].headers.host, `localhost:${upstream.port}`);
	const lost = await startBroker(t, { pools: [pool(['ws://no-such-host.invalid/'])] }, { ready: 'live' });
	assert.ok('result' in await (await connect(t, lost.url)).askJson('{"jsonrpc":"2.0","id":1,"method":"wsbroker.ping"}'));
});
