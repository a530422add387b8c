// Routes: who answers a method, and with which error when nobody does.

import assert from 'node:assert/strict';
import { pool, startBroker } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { assertError, gate, setup } from './support/setup.mjs';
import { until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

test('without routes everything goes to the first pool', async (t) => {
	const [first, second] = [await startUpstream(t, { name: 'first' }), await startUpstream(t, { name: 'second' })];
	const broker = await startBroker(t, { pools: [pool([first.url]), pool([second.url], { name: 'other' })] });
	const client = await connect(t, broker.url);
	for (let at = 0; at < 10; at++)
		assert.equal((await client.result('who')).name, 'first');
});

test('the first match wins; globs select pools', async (t) => {
	const names = ['plain', 'eth', 'rest'];
	const upstreams = await Promise.all(names.map((name) => startUpstream(t, { name, methods: {
		'eth_who': (params, { upstream }) => ({ name: upstream.name }),
		'eth.x.who': (params, { upstream }) => ({ name: upstream.name }),
		'wh?': (params, { upstream }) => ({ name: upstream.name }),
		'wh*': (params, { upstream }) => ({ name: upstream.name }),
	} })));
	const broker = await startBroker(t, {
		pools: upstreams.map((upstream, at) => pool([upstream.url], { name: names[at] })),
		routes: [
			{ method: 'wh\\*', pool: 'plain' },
			{ method: 'wh?', pool: 'rest' },
			{ method: 'eth?who', pool: 'plain' },
			{ method: 'eth*', pool: 'eth' },
			{ method: '*', pool: 'rest' },
		],
	});
	const client = await connect(t, broker.url);
	const expected = [['wh*', 'plain'], ['wh?', 'rest'], ['eth_who', 'plain'], ['eth.x.who', 'eth'], ['who', 'rest']];
	for (const [method, name] of expected)
		assert.equal((await client.result(method)).name, name, method);
});

test('respond, deny, drop and no route', async (t) => {
	const { connect: open, upstream } = await setup(t, { routes: [
		{ method: 'hello', respond: '"from the broker"' },
		{ method: 'whole', respond: '{"jsonrpc":"2.0","error":{"code":7,"message":"closed today"}}' },
		{ method: 'admin_*', deny: true },
		{ method: 'noise', drop: true },
		{ method: 'echo', pool: 'main' },
	] });
	const client = await open();
	assert.deepEqual(await client.askJson('{"jsonrpc":"2.0","id":"h","method":"hello","params":[1]}'),
		{ jsonrpc: '2.0', id: 'h', result: 'from the broker' });
	assert.deepEqual(await client.askJson('{"jsonrpc":"2.0","id":"\u0077","method":"whole"}'),
		{ jsonrpc: '2.0', id: 'w', error: { code: 7, message: 'closed today' } });
	assertError(await client.call('admin_reset'), { code: -32601, reason: 'method_denied' });
	assertError(await client.call('other'), { code: -32601, reason: 'no_route' });
	client.send('{"jsonrpc":"2.0","method":"noise"}');
	client.send('{"jsonrpc":"2.0","method":"admin_reset"}');
	assert.deepEqual(await client.result('echo', [1]), [1]);
	assert.equal(client.received.length, 0);
	assert.deepEqual(upstream.requests.map(({ method }) => method), ['echo']);
});

test('a route has its own deadline; the late answer is dropped and counted', async (t) => {
	const late = gate();
	const { broker, connect: open } = await setup(t, {
		upstreams: [{ methods: { late: late.method } }],
		routes: [{ method: 'late', pool: 'main', timeout: '200ms' }, { method: '*', pool: 'main' }],
	});
	const client = await open();
	const begun = performance.now();
	assertError(await client.call('late', ['old']), { code: -32002, reason: 'timeout', pool: 'main' });
	assert.ok(performance.now() - begun >= 190);
	const before = await broker.counted(/late|dropped|abandoned/);
	late.release();
	assert.deepEqual(await client.result('echo', ['new']), ['new']);
	assert.equal(client.received.length, 0, 'nothing else came');
	await until(async () => await broker.counted(/late|dropped|abandoned/) > before, { what: 'the late answer to be counted' });
});

test('an answer for a client that left is dropped and counted, never given to the next', async (t) => {
	const held = gate();
	const { broker, connect: open, upstream } = await setup(t, { upstreams: [{ methods: { held: held.method } }], pool: { size: 1 } });
	const leaver = await open();
	leaver.send('{"jsonrpc":"2.0","id":1,"method":"held","params":["secret"]}');
	await upstream.seen('held');
	await leaver.close();
	const before = await broker.counted(/late|dropped|abandoned/);
	const next = await open();
	held.release();
	assert.deepEqual(await next.askJson('{"jsonrpc":"2.0","id":1,"method":"echo","params":["mine"]}').then(({ result }) => result), ['mine']);
	assert.equal(next.received.length, 0);
	await until(async () => await broker.counted(/late|dropped|abandoned/) > before, { what: 'the dropped answer to be counted' });
});

test('the upstream\'s own errors pass as they came', async (t) => {
	const { connect: open } = await setup(t);
	const client = await open();
	const error = { code: -32000, message: 'own trouble', data: { source: 'upstream', list: [1, 2] } };
	assert.deepEqual((await client.call('fail', error)).error, error);
});

test('a second answer to one request is dropped', async (t) => {
	const { connect: open } = await setup(t, { pool: { size: 1 } });
	const client = await open();
	for (let at = 0; at < 5; at++)
		assert.equal((await client.askJson({ jsonrpc: '2.0', id: at, method: 'twice' })).result, 'first');
	assert.deepEqual(await client.result('echo', [1]), [1]);
	assert.equal(client.received.length, 0);
});

test('limits.rate_per_client: above it requests are refused, other clients are not', async (t) => {
	const { connect: open, upstream } = await setup(t, { limits: { rate_per_client: 10 } });
	const [hasty, other] = [await open(), await open()];
	const answers = await Promise.all(Array.from({ length: 60 }, (_, at) => hasty.call('echo', [at])));
	const refused = answers.filter(({ error }) => error);
	assert.ok(refused.length >= 30 && refused.length < 60, `${refused.length} of 60 refused`);
	for (const answer of refused)
		assertError(answer, { code: -32004, reason: 'rate_limited', limit: /^limits\.rate_per_client$/ });
	assert.equal(upstream.of('echo').length, 60 - refused.length);
	assert.deepEqual(await other.result('echo', ['calm']), ['calm']);
	await until(async () => (await hasty.call('echo', ['later'])).result, { what: 'the budget to grow again', every: 100 });
});

test('cache: "only" without a fresh entry is not_cached, and nothing goes upstream', async (t) => {
	const { connect: open, upstream } = await setup(t);
	const client = await open();
	assertError(await client.call('echo', [1], { wsbroker: { cache: 'only' } }), { code: -32005, reason: 'not_cached' });
	assert.deepEqual(await client.result('echo', [2], { wsbroker: { cache: 'bypass' } }), [2]);
	assert.equal(upstream.requests.length, 1);
});
