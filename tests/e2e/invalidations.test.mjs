// Invalidations: whatever causes one, every follower hears of it, in order, and can go on where it was.

import assert from 'node:assert/strict';
import { command, pool, startBroker } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { pack, unpack } from './support/msgpack.mjs';
import { follow } from './support/sse.mjs';
import { never, until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

const TYPES = { invalidate: 'wsbroker.cache.invalidated.v1', flush: 'wsbroker.cache.flushed.v1', resync: 'wsbroker.cache.resync.v1' };

const ROUTES = [
	{ method: 'property.get', pool: 'main', cache: { scope: 'shared', ttl: '10m', tags: ['property:{params.id}', 'city:{result.city}?'] } },
	{ method: 'property.update', pool: 'main', invalidate: ['property:{params.id}', 'search'] },
	{ method: '*', pool: 'main' },
];
const PUSH = [{ method: 'property.updated', forward: 'none', invalidate: ['property:{params.id}'] },
	{ method: 'agent.updated', forward: 'none', invalidate: ['agent:{params.id}'], mode: 'soft', merge: '300ms' }];

// A broker, and the means to cause invalidations in every way.
async function scene(t, config = {}) {
	const versions = new Map();
	const upstream = await startUpstream(t, {
		methods: {
			'property.get': ({ id }) => ({ id, version: versions.get(id) ?? 0, city: `c${id % 2}` }),
			'property.update': ({ id, fails }, { reply }) => {
				if (fails)
					return reply({ error: { code: 1, message: 'no' } });
				versions.set(id, (versions.get(id) ?? 0) + 1);
				return true;
			},
		},
	});
	const broker = await startBroker(t, { node: 'a', pools: [pool([upstream.url])], routes: ROUTES, push: PUSH, ...config });
	const client = await connect(t, broker.url);
	const admin = (body, options) => broker.adminGet('/v1/cache/invalidate',
		{ method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, ...options });
	await until(() => /push\.source/.test(broker.log), { what: 'a source of pushes' });
	return { upstream, broker, client, admin, versions, stream: (query = '', headers = {}) => follow(t, `http://${broker.adminAddress}/v1/invalidations${query}`, { headers }) };
}

// What a client of a broker is told on the channel.
async function subscribe(t, broker, params = {}) {
	const client = await connect(t, broker.url);
	const events = [];
	client.socket.on('message', (data) => {
		const message = JSON.parse(data);
		if (message.method === 'wsbroker.event')
			events.push(message.params);
	});
	const id = await client.result('wsbroker.subscribe', { channel: 'invalidations', ...params });
	return { client, events, id, seen: (count) => until(() => events.length >= count, { what: () => `${count} events, ${events.length} came` }) };
}

const wsbroker = (broker, ...args) => command(args, { env: { WSBROKER_ADMIN: `http://${broker.adminAddress}` } });

test('what is too long to mean anything is told so, or of a hole, but never passed over', async (t) => {
	const { broker, client, stream } = await scene(t);
	const lost = await stream('', { 'last-event-id': '9'.repeat(300) });
	assert.equal((await lost.seen(1))[0].event, TYPES.resync);
	for (const query of [`since=${'9'.repeat(300)}`, `tag=${'x'.repeat(1000)}&since=${'9'.repeat(65)}`])
		assert.equal((await broker.adminGet(`/v1/invalidations?${query}`)).status, 400, query);
	assert.equal((await broker.adminGet(`/v1/events?since=${'9'.repeat(300)}`)).status, 400);

	const glob = '*'.repeat(512);
	await client.result('wsbroker.subscribe', { channel: 'invalidations', tags: [glob] });
	for (const params of [{ channel: 'invalidations', tags: [`${glob}x`] }, { channel: 'push', methods: [`${glob}x`] }]) {
		const { error } = await client.call('wsbroker.subscribe', params);
		assert.equal(error.code, -32600);
		assert.match(error.message + JSON.stringify(error.data), /512 bytes/);
	}
});

test('each cause reaches each follower, in one order', async (t) => {
	const { broker, client, admin, upstream, stream } = await scene(t);
	const script = await stream();
	const told = await subscribe(t, broker);
	assert.equal(script.status, 200);
	assert.match(script.type, /^text\/event-stream/);

	const info = await client.result('wsbroker.info');
	assert.match(info.invalidations.position, /^\d{13}-0$/);
	const called = await client.result('wsbroker.invalidate', { tags: ['a'] });
	assert.deepEqual(called, { invalidated: 0, position: info.invalidations.position.replace(/0$/, '1') });
	const answer = JSON.parse((await admin({ keys: 'k', methods: ['m.*'], mode: 'soft', reason: 'because' })).body);
	assert.deepEqual([answer.invalidated, answer.position, answer.operation], [0, called.position.replace(/1$/, '2'), null]);
	await client.result('property.update', { id: 42 });
	upstream.broadcast(JSON.stringify({ jsonrpc: '2.0', method: 'property.updated', params: { id: 'x*' } }));
	await script.seen(4);
	const run = await wsbroker(broker, 'invalidate', '--tag', 'b', '--tag', 'c:*', '--match', 'all', '--soft');
	assert.equal(run.code, 0, run.stderr);
	assert.match(run.stdout, /^0 entries of this broker are stale \(position \d+-5\)\n$/);
	assert.equal((await wsbroker(broker, 'invalidate', '--all', '--wait', 'all=5s')).code, 0);

	const events = await script.seen(6);
	await told.seen(6);
	const data = (mode, members, cause) => ({ op: 'invalidate', mode, tags: [], match: 'any', keys: [], methods: [], cause, ...members });
	assert.deepEqual(events.map(({ data: { data: { position, ...rest } } }) => rest), [
		data('hard', { tags: ['a'] }, 'call'),
		data('soft', { keys: ['k'], methods: ['m.*'] }, 'admin'),
		data('hard', { tags: ['property:42', 'search'] }, 'write'),
		data('hard', { tags: ['property:x\\*'] }, 'push'),
		data('soft', { tags: ['b', 'c:*'], match: 'all' }, 'admin'),
		data('hard', { op: 'flush' }, 'admin'),
	]);
	for (const [at, event] of events.entries()) {
		assert.equal(event.id, info.invalidations.position.replace(/0$/, at + 1));
		assert.equal(event.id, event.data.data.position);
		assert.equal(event.event, event.data.type);
		assert.equal(event.data.type, TYPES[event.data.data.op]);
		assert.equal(event.data.specversion, '1.0');
		assert.match(event.data.source, /^\/wsbroker\/a\/[0-9A-Z]{26}$/);
		assert.match(event.data.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
		assert.deepEqual(told.events[at], { subscription: told.id, channel: 'invalidations', event: event.data });
	}
	assert.equal(new Set(events.map(({ data: { id } }) => id)).size, 6);
	assert.equal(await broker.metric('wsbroker_invalidations_total', { cause: 'admin' }), 3);
	assert.equal(await broker.metric('wsbroker_invalidation_subscribers'), 1);
	const past = JSON.parse((await broker.adminGet('/v1/events?type=cache.invalidated')).body);
	assert.deepEqual(past.map(({ object, reason }) => [object, reason]),
		[['key k +1', 'because'], ['tag b +1', 'asked'], ['everything', 'asked']]);
});

test('a write invalidates before its answer, and only when it succeeds', async (t) => {
	const { broker } = await scene(t);
	const { client, events } = await subscribe(t, broker);
	const order = [];
	client.socket.on('message', (data) => order.push(JSON.parse(data).method ?? 'answer'));
	await client.result('property.update', { id: 1 });
	assert.deepEqual(order, ['wsbroker.event', 'answer']);
	assert.equal((await client.call('property.update', { id: 2, fails: true })).error.code, 1);
	await client.result('property.update', { id: 3 });
	assert.deepEqual(events.map(({ event }) => event.data.tags[0]), ['property:1', 'property:3']);
});

test('whoever reads after a write, a push or a call reads what is new', async (t) => {
	const { broker, client, upstream, versions, admin } = await scene(t);
	const other = await connect(t, broker.url);
	const read = async (id, who = other) => (await who.result('property.get', { id })).version;
	for (let version = 1; version <= 20; version++) {
		assert.equal(await read(1), version - 1);
		await client.result('property.update', { id: 1 });
		assert.equal(await read(1, client), version);
		assert.equal(await read(1), version);
	}
	// All of these were answered out of the cache but for the first one after each write.
	assert.equal(upstream.of('property.get').length, 21);

	for (const id of [1, 2, 3, 4])
		await read(id);
	const loads = () => upstream.of('property.get').length;
	const before = loads();
	versions.set(2, 7);
	assert.equal(await read(2), 0);
	assert.deepEqual((await client.result('wsbroker.invalidate', { tags: ['property:2'] })).invalidated, 1);
	assert.equal(await read(2), 7);
	versions.set(3, 8);
	assert.equal(JSON.parse((await admin({ tags: ['city:c1'] })).body).invalidated, 2);
	assert.equal(await read(3), 8);
	assert.match((await wsbroker(broker, 'invalidate', '--tag', 'city:c0', '--tag', 'property:4', '--match', 'all')).stdout, /^1 entry of this broker is gone/);
	assert.equal((await client.result('wsbroker.invalidate', { methods: ['property.*'] })).invalidated, 2);
	await read(3);
	versions.set(3, 9);
	upstream.broadcast(JSON.stringify({ jsonrpc: '2.0', method: 'property.updated', params: { id: 3 } }));
	await until(async () => await broker.metric('wsbroker_invalidations_total', { cause: 'push' }) === 1);
	assert.equal(await read(3), 9);
	assert.match((await wsbroker(broker, 'cache', 'flush')).stdout, /^1 entry of this broker is gone/);
	assert.equal(loads() - before, 4);
});

test('equal pushes within a time to merge are one event', async (t) => {
	const { broker, upstream } = await scene(t);
	const { events, seen } = await subscribe(t, broker);
	for (let i = 0; i < 20; i++)
		upstream.broadcast(JSON.stringify({ jsonrpc: '2.0', method: 'agent.updated', params: { id: i % 2 } }));
	await seen(2);
	await never(() => events.length > 2, { during: 400, what: 'a third event' });
	assert.deepEqual(events.map(({ event }) => [event.data.tags, event.data.mode]), [[['agent:0'], 'soft'], [['agent:1'], 'soft']]);
	assert.equal(await broker.metric('wsbroker_invalidations_total', { cause: 'push' }), 20);
});

test('a follower goes on where it was, and is told of a hole', async (t) => {
	const { client, broker, stream } = await scene(t);
	const tags = (events) => events.map(({ data }) => data.data?.tags[0] ?? data.type);
	const first = await stream();
	await until(() => first.comments.length > 0);
	first.close();
	for (const tag of ['a', 'b', 'c'])
		await client.result('wsbroker.invalidate', { tags: [tag] });
	// It knew its place before it had heard of any event.
	const second = await stream('', { 'last-event-id': first.lastId });
	assert.deepEqual(tags(await second.seen(3)), ['a', 'b', 'c']);
	second.close();
	const third = await stream('?tag=c&since=' + second.events[0].id);
	assert.deepEqual(tags(await third.seen(1)), ['c']);
	assert.deepEqual(tags(await (await stream('?since=start')).seen(3)), ['a', 'b', 'c']);
	assert.deepEqual(tags(await (await stream('?since=10m')).seen(3)), ['a', 'b', 'c']);

	for (const since of ['1763795520123-4711', second.events[2].id.replace(/3$/, '9')]) {
		const lost = await stream('?tag=none', { 'last-event-id': since });
		const [resync] = await lost.seen(1);
		assert.equal(resync.data.type, TYPES.resync);
		assert.equal(resync.id, second.events[2].id);
		// From there on nothing is missing.
		await client.result('wsbroker.invalidate', { tags: ['none'] });
		assert.deepEqual((await lost.seen(2))[1].data.data.tags, ['none']);
		const again = await stream('?since=' + resync.id);
		assert.equal((await again.seen(1))[0].data.data.tags[0], 'none');
		second.events[2].id = again.events.at(-1).id;
	}
	const { client: reader, events } = await subscribe(t, broker, { since: 'start', tags: ['b', 'n*'] });
	await until(() => events.length === 3);
	assert.deepEqual(events.map(({ event }) => event.data.tags[0]), ['b', 'none', 'none']);
	reader.close();
	const { events: lost } = await subscribe(t, broker, { since: '7-7' });
	await until(() => lost.length === 1);
	assert.equal(lost[0].event.type, TYPES.resync);
});

test('flushes reach everybody, whatever tags they follow', async (t) => {
	const { client, broker, stream } = await scene(t);
	const script = await stream('?tag=property:*');
	const { events, seen } = await subscribe(t, broker, { tags: ['property:*'] });
	await client.result('wsbroker.invalidate', { tags: ['agent:1'] });
	await client.result('wsbroker.invalidate', { tags: ['agent:1', 'property:1'] });
	await client.result('wsbroker.invalidate', { tags: ['prop*'] });
	await client.result('wsbroker.invalidate', { all: true });
	const ops = [['invalidate', ['agent:1', 'property:1']], ['invalidate', ['prop*']], ['flush', []]];
	await seen(3);
	assert.deepEqual(events.map(({ event }) => [event.data.op, event.data.tags]), ops);
	assert.deepEqual((await script.seen(3)).map(({ data }) => [data.data.op, data.data.tags]), ops);
});

test('MessagePack clients follow in MessagePack', async (t) => {
	const { broker, client } = await scene(t);
	const packed = await connect(t, broker.url, { protocols: ['jsonrpc.2.msgpack'] });
	packed.send(pack({ jsonrpc: '2.0', id: 1, method: 'wsbroker.subscribe', params: { channel: 'invalidations' } }));
	const id = unpack(await packed.next()).result;
	await client.result('wsbroker.invalidate', { tags: ['a'] });
	const { method, params } = unpack(await packed.next());
	assert.equal(method, 'wsbroker.event');
	assert.deepEqual([params.subscription, params.channel, params.event.data.tags], [id, 'invalidations', ['a']]);
	packed.send(pack({ jsonrpc: '2.0', id: 2, method: 'wsbroker.unsubscribe', params: [id] }));
	assert.equal(unpack(await packed.next()).result, true);
	packed.send(pack({ jsonrpc: '2.0', id: 3, method: 'wsbroker.invalidate', params: { keys: ['k'] } }));
	assert.equal(unpack(await packed.next()).result.invalidated, 0);
});

test('a publisher may, a viewer may only follow', async (t) => {
	const upstream = await startUpstream(t);
	const guarded = await startBroker(t, {
		pools: [pool([upstream.url])], admin: { tokens: 'tokens' },
	}, { files: { tokens: 'see viewer s3\nsay publisher p3\n' }, ready: 'live' });
	const ask = async (token, target, options = {}) => (await guarded.adminGet(target,
		{ ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } })).status;
	const post = { method: 'POST', body: '{"tags":["a"]}', headers: { 'content-type': 'application/json' } };
	assert.equal(await ask('s3', '/v1/cache/invalidate', post), 403);
	assert.equal(await ask('p3', '/v1/cache/invalidate', post), 200);
	assert.equal(await ask('none', '/v1/cache/invalidate', post), 401);
	assert.equal((await guarded.adminGet('/v1/invalidations')).status, 401);
	const script = await follow(t, `http://${guarded.adminAddress}/v1/invalidations?since=start`, { headers: { authorization: 'Bearer s3' } });
	assert.deepEqual((await script.seen(1))[0].data.data.tags, ['a']);
	const denied = await command(['invalidate', '--tag', 'a', '--admin', `http://${guarded.adminAddress}`], { env: { WSBROKER_TOKEN: 's3' } });
	assert.equal(denied.code, 4);
});

test('hostile bodies change nothing and harm nobody', async (t) => {
	const { broker, admin, client, stream } = await scene(t);
	const script = await stream();
	const bodies = ['', '{', '[]', 'null', '7', '{"tags":7}', '{"tags":[7]}', '{"tags":[]}', '{"tags":""}', '{"tag":"a"}',
		'{"tags":["a"],"match":"most"}', '{"tags":["a"],"mode":"dead"}', '{"all":"yes"}', '{"all":true,"keys":["a"]}',
		'{"tags":["a"],"tags":["b"]}', '{"tags":["a"],"wait":-1}', '{"tags":["a"],"reason":{}}',
		`{"tags":["${'x'.repeat(600)}"]}`, '{"tags":' + '['.repeat(1000) + ']'.repeat(1000) + '}', '{"tags":["a\\u0000b"]}',
		JSON.stringify({ tags: Array.from({ length: 2000 }, (_, i) => `t${i}`), match: 'all' })];
	for (const body of bodies) {
		const { status, body: answer } = await broker.adminGet('/v1/cache/invalidate',
			{ method: 'POST', body, headers: { 'content-type': 'application/json' } });
		assert.equal(status, 400, `${body.slice(0, 60)}: ${answer}`);
		assert.ok(JSON.parse(answer).detail.length > 10, body);
	}
	assert.equal((await admin({ tags: ['a'] }, { headers: { 'content-type': 'text/plain' } })).status, 415);
	for (const params of [undefined, [], {}, { tags: 7 }, { all: 1 }, { tags: ['a'], wait: '5s' }])
		assert.equal((await client.call('wsbroker.invalidate', params)).error.data.reason, 'invalid_request');
	for (const query of ['?since=soon', '?tag=', '?tags=a', '?since=-1', `?tag=${'a&tag='.repeat(20)}a`])
		assert.equal((await broker.adminGet(`/v1/invalidations${query}`)).status, 400, query);
	for (const params of [{ channel: 'invalidations', since: 7 }, { channel: 'invalidations', since: 'soon' },
		{ channel: 'invalidations', methods: ['a'] }, { channel: 'invalidations', tags: 'a' }])
		assert.equal((await client.call('wsbroker.subscribe', params)).error.data.reason, 'invalid_request');
	// Much at once becomes several events.
	await admin({ tags: Array.from({ length: 2500 }, (_, i) => `t${i}`) });
	const events = await script.seen(3);
	assert.deepEqual(events.map(({ data }) => data.data.tags.length), [1000, 1000, 500]);
	assert.equal((await client.result('wsbroker.ping')), 'pong');
});

test('who follows without reading is cut; nobody else notices', async (t) => {
	const { broker, client, stream } = await scene(t);
	const [script, { client: reader }] = [await stream(), await subscribe(t, broker)];
	const { events, seen } = await subscribe(t, broker, { tags: ['last'] });
	script.response.pause();
	reader.socket.pause();
	const tags = Array.from({ length: 100 }, (_, i) => `${'x'.repeat(200)}${i}`);
	for (let i = 0; i < 2000; i++)
		await client.result('wsbroker.invalidate', { tags });
	await client.result('wsbroker.invalidate', { tags: ['last'] });
	await seen(1);
	assert.equal(events.length, 1);
	await until(() => /client\.slow_reader[^\n]*limit=invalidations/.test(broker.log), { what: 'a client that is cut' });
	await until(() => /admin\.slow_reader/.test(broker.log), { what: 'a stream that is cut' });
	script.response.resume();
	await script.ended;
	// It knows where it was, and that it has missed something.
	const again = await stream('', { 'last-event-id': script.lastId });
	assert.equal((await again.seen(1))[0].data.type, TYPES.resync);
});

test('wrong use of the commands is told', async (t) => {
	const { broker } = await scene(t);
	for (const [args, code, text] of [
		[['invalidate'], 2, /nothing to invalidate.*--all/],
		[['invalidate', '--tag'], 2, /--tag needs a value/],
		[['invalidate', '--tag', 'a', '--all'], 2, /--all stands alone/],
		[['invalidate', '--tag', 'a', '--match', 'some'], 2, /must be any or all/],
		[['invalidate', 'a'], 2, /./],
		[['cache', 'flush', '--tag', 'a'], 2, /./],
	]) {
		const run = await wsbroker(broker, ...args);
		assert.equal(run.code, code, `${args.join(' ')}: ${run.stderr}`);
		assert.match(run.stderr, text);
	}
	const flushed = await wsbroker(broker, 'cache', 'flush', '--reason', 'new prices', '-o', 'json');
	assert.equal(JSON.parse(flushed.stdout).invalidated, 0);
	assert.equal((await command(['invalidate', '--all', '--admin', 'http://127.0.0.1:1'])).code, 3);
	assert.match((await command(['completion', 'bash'])).stdout, /invalidate\) verbs=""; options="[^"]*--tag[^"]*--soft/);
});
