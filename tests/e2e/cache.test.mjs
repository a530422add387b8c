// The cache on the way of requests: hits, one load for all who miss, stale entries, what is shared
// and with whom, leases, and what an operator sees of it.

import assert from 'node:assert/strict';
import { command, httpRequest } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { pack, unpack } from './support/msgpack.mjs';
import { assertError, gate, setup } from './support/setup.mjs';
import { writeFile } from './support/temp.mjs';
import { take, until } from './support/time.mjs';
import { yaml } from './support/yaml.mjs';

const SHARED = { scope: 'shared', ttl: '60s' };
const route = (cache, more = {}) => [{ method: '*', pool: 'main', timeout: '30s', cache: { ...SHARED, ...cache }, ...more }];
const explain = { wsbroker: { explain: true } };

// An upstream whose answers tell how often it has been asked.
const counting = () => {
	let asked = 0;
	return { methods: { count: (params) => ({ asked: ++asked, params }) } };
};

test('a hit comes back with the id, spelled as asked, and without the upstream', async (t) => {
	const { connect, upstream, broker } = await setup(t, { upstreams: [counting()], routes: route() });
	const client = await connect();
	const first = await client.call('count', { a: 1, b: [true, null] }, explain);
	assert.equal(first.wsbroker.cache, 'miss');
	assert.equal(first.wsbroker.age_ms, null);
	assert.ok(first.wsbroker.endpoint);
	assert.equal(await client.ask('{"jsonrpc":"2.0","id":1e2,"method":"count","params":{"b":[true,null],"a":1.0}}'),
		'{"jsonrpc":"2.0","id":1e2,"result":{"asked":1,"params":{"a":1,"b":[true,null]}}}');
	const hit = await client.call('count', { a: 1, b: [true, null] }, explain);
	assert.equal(hit.wsbroker.cache, 'hit');
	assert.ok(hit.wsbroker.age_ms >= 0 && hit.wsbroker.age_ms < 8000);
	assert.equal(hit.wsbroker.attempts, 0);
	assert.equal(hit.wsbroker.endpoint, null);
	assert.equal(upstream.of('count').length, 1);
	assert.equal(await broker.metric('wsbroker_requests_total', { pool: 'main', result: 'cached' }), 2);
	assert.equal(await broker.metric('wsbroker_cache_hits_total'), 2);
	assert.equal(await broker.metric('wsbroker_cache_misses_total'), 1);
});

test('JSON and MessagePack clients, batches and POST share an entry', async (t) => {
	const { connect, upstream, broker } = await setup(t, { upstreams: [counting()], routes: route() });
	const client = await connect();
	client.send(pack({ jsonrpc: '2.0', id: 'm', method: 'count', params: [1] }));
	assert.deepEqual(unpack(await client.next()), { jsonrpc: '2.0', id: 'm', result: { asked: 1, params: [1] } });
	assert.deepEqual(await client.result('count', [1]), { asked: 1, params: [1] });
	client.send(pack({ params: [1], method: 'count', id: 7, jsonrpc: '2.0' }));
	assert.deepEqual(unpack(await client.next()), { jsonrpc: '2.0', id: 7, result: { asked: 1, params: [1] } });
	const batch = [1, 2, 3].map((id) => ({ jsonrpc: '2.0', id, method: 'count', params: [id] }));
	const answers = await client.askJson(batch);
	assert.deepEqual(answers.map(({ id, result }) => [id, result.params[0]]), [[1, 1], [2, 2], [3, 3]]);
	const { status, json } = await httpRequest(broker.httpUrl, {
		method: 'POST', headers: { 'content-type': 'application/json' },
		body: '{"jsonrpc":"2.0","id":null,"method":"count","params":[1]}',
	});
	assert.equal(status, 200);
	assert.deepEqual(json, { jsonrpc: '2.0', id: null, result: { asked: 1, params: [1] } });
	assert.equal(upstream.of('count').length, 3);
});

test('a MessagePack upstream serves both from one entry', async (t) => {
	const { connect, upstream } = await setup(t, {
		upstreams: [{ encoding: 'msgpack', ...counting() }], pool: { encoding: 'msgpack' }, routes: route(),
	});
	const client = await connect();
	assert.equal((await client.result('count', [1])).asked, 1);
	client.send(pack({ jsonrpc: '2.0', id: 5, method: 'count', params: [1] }));
	assert.equal(unpack(await client.next()).result.asked, 1);
	assert.equal((await client.result('count', [1])).asked, 1);
	assert.equal(upstream.of('count').length, 1);
});

test('two identities never share unless the route says so', async (t) => {
	const files = { 'tokens.txt': 'ann client a-token\nben client b-token\n' };
	for (const scope of ['client', 'shared']) {
		const { connect, upstream } = await setup(t, {
			upstreams: [counting()], routes: route({ scope }), start: { files },
			listen: [{ auth: { tokens: 'tokens.txt' } }],
		});
		const as = (token) => connect({ headers: { authorization: `Bearer ${token}` } });
		const [ann, annAgain, ben] = [await as('a-token'), await as('a-token'), await as('b-token')];
		assert.equal((await ann.result('count', [1])).asked, 1);
		assert.equal((await annAgain.result('count', [1])).asked, 1);
		assert.equal((await ben.result('count', [1])).asked, scope === 'shared' ? 1 : 2);
		assert.equal(upstream.of('count').length, scope === 'shared' ? 1 : 2);
	}
});

test('anonymous clients do not share with each other by default', async (t) => {
	const { connect, upstream } = await setup(t, {
		upstreams: [counting()], routes: [{ method: '*', pool: 'main', cache: true }],
	});
	const [one, two] = [await connect(), await connect()];
	for (const client of [one, two, one, two])
		await client.result('count', [1]);
	assert.equal(upstream.of('count').length, 2);
});

test('1 000 equal misses at once cost one upstream request', async (t) => {
	const held = gate();
	const { connect, upstream, broker } = await setup(t, { upstreams: [{ methods: { held: held.method } }], routes: route() });
	const clients = await Promise.all(Array.from({ length: 20 }, () => connect()));
	const calls = clients.flatMap((client) => Array.from({ length: 50 }, () => client.call('held', ['same'])));
	await until(() => held.held.length === 1, { what: 'the load' });
	await until(async () => await broker.metric('wsbroker_cache_coalesced_total') === 999, { what: 'all to wait for it' });
	held.release();
	for (const { result } of await Promise.all(calls))
		assert.deepEqual(result, ['same']);
	assert.equal(upstream.of('held').length, 1);
});

test('a leader that dies costs the others one more try', async (t) => {
	const held = gate();
	const { connect, upstreams } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }, { methods: { held: held.method } }], routes: route(),
	});
	await until(() => upstreams.every(({ connections }) => connections.size > 0), { what: 'both connections' });
	const clients = await Promise.all(Array.from({ length: 10 }, () => connect()));
	const calls = clients.map((client) => client.call('held', [1]));
	await until(() => held.held.length === 1, { what: 'the load' });
	held.held.length = 0;
	const [dead, other] = upstreams[0].of('held').length ? upstreams : upstreams.toReversed();
	await dead.stop();
	await other.seen('held');
	held.release();
	const answers = await Promise.all(calls);
	assert.equal(answers.filter(({ error }) => error?.data.reason === 'upstream_lost').length, 1);
	assert.equal(answers.filter(({ result }) => result?.[0] === 1).length, 9);
	assert.equal(other.of('held').length, 1);
});

test('a leader that hangs is overtaken', async (t) => {
	let calls = 0;
	const { connect, upstream } = await setup(t, {
		upstreams: [{ methods: { maybe: () => (calls++ ? 'right' : undefined) } }],
		routes: route({}, { attempt_timeout: '1s' }),
	});
	const [first, second, third] = [await connect(), await connect(), await connect()];
	first.send('{"jsonrpc":"2.0","id":1,"method":"maybe"}');
	await upstream.seen('maybe');
	const begun = performance.now();
	const answers = await Promise.all([second.call('maybe'), third.call('maybe')]);
	assert.deepEqual(answers.map(({ result }) => result), ['right', 'right']);
	assert.ok(performance.now() - begun < 7000, `not at the route's timeout: ${performance.now() - begun} ms`);
	assert.equal(upstream.of('maybe').length, 2);
});

test('a client that leaves does not take the load with it', async (t) => {
	const held = gate();
	const { connect, upstream } = await setup(t, { upstreams: [{ methods: { held: held.method } }], routes: route() });
	const [first, second] = [await connect(), await connect()];
	first.send('{"jsonrpc":"2.0","id":1,"method":"held","params":[3]}');
	await until(() => held.held.length === 1, { what: 'the load' });
	const waiting = second.call('held', [3], explain);
	await first.close();
	held.release();
	const { result, wsbroker } = await waiting;
	assert.deepEqual(result, [3]);
	assert.equal(wsbroker.cache, 'joined');
	assert.equal(upstream.of('held').length, 1);
});

test('stale entries are served while one refresh runs', async (t) => {
	const { connect, upstream } = await setup(t, {
		upstreams: [counting()], routes: route({ ttl: '200ms', stale_while_revalidate: '60s', prefetch_threshold: 0 }),
	});
	const client = await connect();
	await client.result('count', [1]);
	await until(async () => (await client.call('count', [1], explain)).wsbroker.cache === 'stale', { what: 'a stale answer' });
	await upstream.seen('count', 2);
	await until(async () => (await client.result('count', [1])).asked >= 2, { what: 'the refreshed answer' });
});

test('a failing upstream is covered for by what is stale, and only so long', async (t) => {
	const { connect, upstream } = await setup(t, {
		upstreams: [counting()], pool: { queue: { age: '200ms' } },
		routes: route({ ttl: '100ms', stale_while_revalidate: '0s', stale_if_error: '60s', prefetch_threshold: 0 }),
	});
	const client = await connect();
	await client.result('count', [1]);
	await upstream.stop();
	const answer = await until(async () => {
		const { result, wsbroker } = await client.call('count', [1], explain);
		return wsbroker?.cache === 'stale' && { result, wsbroker };
	}, { what: 'the stale answer' });
	assert.equal(answer.result.asked, 1);
	assert.equal(answer.wsbroker.reason, 'unavailable');
	assertError(await client.call('count', [2]), { code: -32000, reason: 'unavailable', pool: 'main' });
	assertError(await client.call('count', [1], { wsbroker: { cache: 'refresh' } }), { code: -32000, reason: 'unavailable' });
});

test('the member wsbroker chooses: use, bypass, refresh, only', async (t) => {
	const { connect, upstream } = await setup(t, { upstreams: [counting()], routes: route() });
	const client = await connect();
	const wish = (cache) => client.call('count', [1], { wsbroker: { cache, explain: true } });
	assertError(await wish('only'), { code: -32005, reason: 'not_cached', pool: 'main', retryable: true });
	assert.equal((await wish('use')).wsbroker.cache, 'miss');
	const bypass = await wish('bypass');
	assert.deepEqual([bypass.result.asked, bypass.wsbroker.cache, bypass.wsbroker.reason], [2, 'bypass', 'asked']);
	assert.equal((await wish('only')).result.asked, 1);
	const refreshed = await wish('refresh');
	assert.deepEqual([refreshed.result.asked, refreshed.wsbroker.cache], [3, 'refreshed']);
	assert.equal((await wish('use')).result.asked, 3);
	assert.equal(upstream.of('count').length, 3);
});

const NOT_STORED = [
	{ what: 'an error', method: 'fail', params: {}, reason: 'error' },
	{ what: 'null', method: 'echo', params: null, reason: 'null' },
	{ what: 'a result without its tag', method: 'echo', params: { a: 1 }, cache: { tags: ['x:{result.id}'] }, reason: 'tag_missing' },
	{ what: 'a result with too many tags', method: 'echo', params: { ids: [1, 2, 3] }, cache: { tags: ['x:{result.ids[*]}'] }, reason: 'too_many_tags' },
	{ what: 'a result that is too large', method: 'big', params: { bytes: 3000 }, reason: 'too_large' },
	{ what: 'what nobody can name', method: 'echo', text: '{"a":1,"a":2}', word: 'uncacheable', reason: 'ambiguous' },
];

for (const { what, method, params, text, cache, reason, word = 'miss' } of NOT_STORED) {
	test(`not stored, and explain says why: ${what}`, async (t) => {
		const { connect, upstream } = await setup(t, { routes: route(cache), cache: { max_tags: 2, max_entry: '2KiB' } });
		const client = await connect();
		for (let time = 1; time <= 2; time++) {
			client.send(`{"jsonrpc":"2.0","id":"c","method":"${method}","params":${text ?? JSON.stringify(params)},"wsbroker":{"explain":true}}`);
			const { wsbroker } = await client.answer('c');
			assert.deepEqual([wsbroker.cache, wsbroker.reason], [word, reason]);
			assert.equal(upstream.of(method).length, time);
		}
	});
}

test('an operator sees the cache, its entries and their tags, page by page', async (t) => {
	const { connect, broker } = await setup(t, {
		upstreams: [counting()], routes: route({ tags: ['thing:{params[0]}'] }),
	});
	const client = await connect();
	for (let thing = 0; thing < 25; thing++)
		await client.result('count', [thing]);
	const { json: cache } = await broker.adminGet('/v1/cache');
	assert.equal(cache.entries, 25);
	assert.equal(cache.misses, 25);
	assert.equal(cache.hits, 0);
	assert.ok(cache.bytes > 0 && cache.bytes <= cache.bytes_limit);
	const seen = [];
	for (let next = '/v1/cache/entries?limit=10'; next;) {
		const { status, json, headers } = await broker.adminGet(next);
		assert.equal(status, 200);
		assert.ok(json.length <= 10);
		seen.push(...json);
		next = /^<(.*)>; rel="next"$/.exec(headers.link ?? '')?.[1];
	}
	assert.equal(new Set(seen.map(({ key }) => key)).size, 25);
	assert.deepEqual(new Set(seen.flatMap(({ tags }) => tags)), new Set(Array.from({ length: 25 }, (_, at) => `thing:${at}`)));
	const { json: some } = await broker.adminGet('/v1/cache/entries?tag=thing:1*&method=cou*');
	assert.equal(some.length, 11);
	assert.ok(some.every(({ method, state, hits }) => method === 'count' && state === 'fresh' && hits === 0));
	assert.equal((await broker.adminGet('/v1/cache/entries?method=other')).json.length, 0);
	assert.equal((await broker.adminGet('/v1/cache/entries?limit=0')).status, 400);
	assert.equal((await broker.adminGet('/v1/cache/entries?tags=x')).status, 400);
	const admin = ['--admin', `http://${broker.adminAddress}`];
	const stats = await command(['cache', 'stats', '-o', 'json', ...admin]);
	assert.equal(JSON.parse(stats.stdout).entries, 25);
	const [{ key }] = some;
	const got = await command(['cache', 'get', key, ...admin]);
	assert.equal(got.code, 0);
	assert.match(got.stdout, new RegExp(key));
	assert.equal((await command(['cache', 'get', 'nobody', ...admin])).code, 1);
});

test('settings of the cache and of its routes are taken by a reload', async (t) => {
	const { connect, broker, upstream } = await setup(t, { upstreams: [counting()], routes: route() });
	const client = await connect();
	await client.result('count', [1]);
	writeFile(broker.directory, 'wsbroker.yaml', yaml({ ...broker.config, cache: { memory: '2MiB', policy: 's3-fifo' }, routes: route({ ttl: '100ms' }) }));
	broker.signal('SIGHUP');
	await until(async () => (await broker.adminGet('/v1/cache')).json.policy === 's3-fifo', { what: 'the reload' });
	assert.equal((await broker.adminGet('/v1/cache')).json.bytes_limit, 2 * 1024 * 1024);
	assert.equal((await client.result('count', [1])).asked, 1, 'entries stay');
	assert.equal((await client.result('count', [2])).asked, 2);
	await until(async () => (await client.result('count', [2])).asked > 2, { what: 'the new ttl to pass' });
	assert.ok(upstream.of('count').length >= 3);
});

test('refreshes ahead what is asked for again and again, and nothing else', async (t) => {
	const { connect, upstream, broker } = await setup(t, {
		upstreams: [counting()], routes: route({ ttl: '1s', stale_while_revalidate: '0s', prefetch_threshold: 0.3 }),
	});
	const client = await connect();
	await client.result('count', ['rare']);
	assert.equal((await client.call('count', ['often'], explain)).wsbroker.cache, 'miss');
	const words = new Set();
	// Where the machine stood still the entry was not asked for in its last moments, and may be missed.
	const asked = [performance.now()];
	const isSteady = (now) => asked.every((at, place) => at < now - 1500 || (asked[place + 1] ?? now) - at < 120);
	for (let at = 1; at < 60; at++) {
		await take(50);
		asked.push(performance.now());
		const { wsbroker: { cache } } = await client.call('count', ['often'], explain);
		if (isSteady(performance.now()))
			words.add(cache);
	}
	words.delete('hit');
	assert.deepEqual([...words], [], 'one miss, at the beginning');
	assert.ok(upstream.of('count').length >= 5, `${upstream.of('count').length}`);
	assert.equal(upstream.of('count').filter(({ params }) => params[0] === 'rare').length, 1);
	// What was saved: refreshes cost requests, too.
	const json = await until(async () => {
		const { json: now } = await broker.adminGet('/v1/cache');
		return now.upstream_saved === 61 - upstream.of('count').length && now;
	}, { what: 'the last refresh to be counted on both sides' });
	assert.ok(json.upstream_saved < json.hits);
	assert.ok(Math.abs(json.upstream_saved_ratio - json.upstream_saved / 61) < 1e-9);
	assert.equal(await broker.metric('wsbroker_cache_upstream_saved'), json.upstream_saved);
	const { stdout } = await command(['cache', 'stats', '--admin', `http://${broker.adminAddress}`]);
	assert.match(stdout, new RegExp(`^upstream +${json.upstream_saved} requests saved, \\d+\\.\\d %$`, 'm'));
});

const cacheCalls = (client) => ({
	get: (key) => client.result('wsbroker.cache.get', { key }),
	put: (key, lease, value, more) => client.result('wsbroker.cache.put', { key, lease, value, ...more }),
});

test('applications load values themselves: one at a time, and nothing that was invalidated meanwhile', async (t) => {
	const { connect } = await setup(t);
	const one = cacheCalls(await connect());
	const two = cacheCalls(await connect());
	const { lease } = await one.get('user:1');
	assert.equal(typeof lease, 'string');
	assert.deepEqual(await two.get('user:1'), { lease: null, retry_ms: 50 });
	assert.deepEqual(await one.put('user:1', lease, { name: 'Ann' }, { ttl: '60s', tags: ['users'] }), { stored: true });
	assert.deepEqual(await two.get('user:1'), { name: 'Ann' });

	const second = (await one.get('user:2')).lease;
	const invalidator = await connect();
	const { invalidated } = await invalidator.result('wsbroker.invalidate', { tags: ['users'] });
	assert.equal(invalidated, 1);
	assert.deepEqual(await one.put('user:2', second, { name: 'Ben' }, { tags: ['users'] }),
		{ stored: false, reason: 'invalidated_since' });
	assert.ok((await two.get('user:1')).lease, 'gone');
});

test('a client reads its own write, and pushes take effect at once', async (t) => {
	let version = 0;
	const { connect, upstream } = await setup(t, {
		upstreams: [{ methods: { read: () => ({ id: 1, version }), write: () => ({ version: ++version }) } }],
		routes: [
			{ method: 'read', pool: 'main', cache: { scope: 'shared', ttl: '60s', tags: ['thing:{result.id}'] } },
			{ method: 'write', pool: 'main', invalidate: ['thing:1'] },
		],
		push: [{ method: 'changed', forward: 'all', invalidate: ['thing:{params.id}'] }],
	});
	const client = await connect();
	for (let round = 1; round <= 20; round++) {
		await client.result('read');
		assert.equal((await client.result('read')).version, version);
		await client.result('write');
		assert.equal((await client.result('read')).version, round);
	}
	version = 100;
	upstream.broadcast('{"jsonrpc":"2.0","method":"changed","params":{"id":1}}');
	await client.next();
	assert.equal((await client.result('read')).version, 100);
});

test('what a client asks after what is asked beforehand, also for users who never came before', async (t) => {
	const { connect, broker, upstream } = await setup(t, {
		upstreams: [{ methods: { user: ({ id }) => ({ id }), rights: ({ user }) => ({ user }) } }],
		routes: route(), cache: { prefetch: { predictive: true, budget: 1 } },
	});
	const client = await connect();
	for (let id = 0; id < 60; id++) {
		await client.result('user', { id });
		assert.deepEqual(await client.result('rights', { user: id }), { user: id });
	}
	assert.equal(upstream.of('rights').length, 60, 'each once, by whomever');
	await until(async () => await broker.metric('wsbroker_prefetches_total', { result: 'used' }) >= 20, { what: 'guesses that were used' });
	await client.result('user', { id: 1000 });
	await until(() => upstream.of('rights').some(({ params }) => params.user === 1000), { what: 'the rights of user 1000' });
	await until(async () => (await client.call('rights', { user: 1000 }, explain)).wsbroker.cache === 'hit', { what: 'a hit' });
});

test('messages of a form of one\'s own are cached as well, with a result or without a place for one', async (t) => {
	for (const result of ['/payload', undefined]) {
		let asked = 0;
		const greet = (text, { socket }) => {
			const { requestId, type } = JSON.parse(text);
			socket.send(JSON.stringify({ type, requestId, payload: { asked: ++asked } }));
			return true;
		};
		const { connect } = await setup(t, {
			upstreams: [{ greet }], routes: route(),
			envelope: { id: '/requestId', method: '/type', params: '/payload', ...(result && { result }), error: '/error', ids: 'string' },
		});
		const client = await connect();
		for (const id of ['"a"', '"b"'])
			assert.equal(await client.ask(`{"type":"read","requestId":${id},"payload":{"n":1}}`),
				`{"type":"read","requestId":${id},"payload":{"asked":1}}`);
		assert.equal(asked, 1);
	}
});
