// Pushes: what every connection receives is handled once, and goes to whom the rules say.

import assert from 'node:assert/strict';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { CLIENTS } from './support/clients.mjs';
import { change, done } from './support/operator.mjs';
import { startServer } from './support/servers.mjs';
import { setup } from './support/setup.mjs';
import { never, until } from './support/time.mjs';

const push = (method, params = {}) => JSON.stringify({ jsonrpc: '2.0', method, params });
const source = async (broker) => {
	await until(() => /push\.source/.test(broker.log), { what: 'a source' });
	return broker.log.match(/push\.source[^\n]*endpoint="?([^\s"]+)/g).at(-1);
};
const quiet = (client) => never(() => client.received.length > 0, { during: 150, what: 'another message' });

test('a broadcast to all connections is forwarded once, as it came', async (t) => {
	const { broker, upstream, connect: open } = await setup(t, {
		pool: { size: 4 },
		push: [{ method: 'news.*', forward: 'all' }, { method: '*', forward: 'none' }],
	});
	await source(broker);
	const clients = [await open(), await open()];
	const text = '{ "jsonrpc": "2.0", "method": "news.today", "params": {"n": 1.50} }';
	upstream.broadcast(text);
	for (const client of clients)
		assert.equal(await client.next(), text);
	upstream.broadcast(push('other'));
	for (const client of clients)
		await quiet(client);
	assert.equal(await broker.metric('wsbroker_pushes_total', { result: 'forwarded' }), 1);
	assert.equal(await broker.metric('wsbroker_pushes_total', { result: 'dropped' }), 1);
	assert.equal(await broker.metric('wsbroker_pushes_total', { result: 'not_source' }), 6);
});

test('when the source dies another takes over', async (t) => {
	const { broker, upstreams, connect: open } = await setup(t, {
		upstreams: 2, pool: { size: 2 }, push: [{ method: '*', forward: 'all' }],
	});
	const client = await open();
	const first = (await source(broker)).split(':').at(-1);
	await upstreams.find(({ port }) => port === Number(first)).stop();
	const other = upstreams.find(({ port }) => port !== Number(first));
	await until(async () => {
		other.broadcast(push('again'));
		return client.received.length > 0;
	}, { what: 'a push from the other', every: 20 });
});

// Each of these takes the source away from under a stream of pushes; after them its server may be stopped.
const AWAY = [
	['drained', async (broker, name) => change(broker, 'PATCH', `/v1/pools/main/endpoints/${name}`, { state: 'drain' })],
	['in maintenance', async (broker, name) => change(broker, 'PATCH', `/v1/pools/main/endpoints/${name}`, { state: 'maint' })],
	['removed', async (broker, name) => change(broker, 'DELETE', `/v1/pools/main/endpoints/${name}`)],
];

for (const [what, take] of AWAY) {
	test(`a source that is ${what} under pushes loses none, doubles none and flushes nothing`, async (t) => {
		const follow = JSON.stringify({ jsonrpc: '2.0', method: 'follow' });
		const { broker, upstreams, connect: open } = await setup(t, {
			upstreams: 2, endpoint: ({ url, name }) => ({ url, name }),
			pool: { size: 4, connect_rate: 0, on_connect: [{ send: follow, push_source: true }] },
			routes: [{ method: 'who', pool: 'main', cache: { scope: 'shared', tags: ['number:all'], ttl: '1h' } }, { method: '*', pool: 'main' }],
			push: [{ method: 'grown', forward: 'all', invalidate: ['number:{params.n}'] }],
		});
		await until(async () => (await broker.pool()).ready === 4, { what: 'the pool to be whole' });
		const name = (await source(broker)).split('=').at(-1);
		const gone = upstreams.find((upstream) => upstream.name === name);
		const stays = upstreams.find((upstream) => upstream !== gone);
		const [client, reader] = [await open(), await open()];
		await reader.result('who');
		// Both servers tell it, on the connections that asked for it.
		let told = 0;
		const tell = () => {
			for (const { connection: { socket } } of upstreams.flatMap((upstream) => upstream.of('follow')))
				socket.send(push('grown', { n: told }));
			told++;
		};
		const telling = setInterval(tell, 3);
		t.after(() => clearInterval(telling));
		await until(() => told > 50, { what: 'some pushes' });
		await done(broker, await take(broker, name));
		await gone.stop();
		const after = told;
		await until(() => told > after + 50, { what: 'some more' });
		clearInterval(telling);
		const heard = [];
		while (heard.length < told)
			heard.push((await client.nextJson()).params.n);
		assert.deepEqual(heard.sort((a, b) => a - b), Array.from({ length: told }, (_, n) => n));
		await quiet(client);
		assert.equal(stays.of('follow').length, 1);
		const explained = await reader.call('who', undefined, { wsbroker: { explain: true } });
		assert.equal(explained.wsbroker.cache, 'hit', JSON.stringify(explained));
	});
}

test('a source that dies under pushes makes stale what it may have missed', async (t) => {
	const { broker, upstreams, connect: open } = await setup(t, {
		upstreams: 2, endpoint: ({ url, name }) => ({ url, name }), pool: { size: 2 },
		routes: [{ method: 'who', pool: 'main', cache: { scope: 'shared', tags: ['number:all'], ttl: '1h' } }],
		push: [{ method: 'grown', forward: 'all', invalidate: ['number:{params.n}'] }],
	});
	await until(async () => (await broker.pool()).ready === 2, { what: 'the pool to be whole' });
	const name = (await source(broker)).split('=').at(-1);
	const reader = await open();
	await reader.result('who');
	await upstreams.find((upstream) => upstream.name === name).stop();
	await until(async () => (await reader.call('who', undefined, { wsbroker: { explain: true } })).wsbroker.cache !== 'hit',
		{ what: 'the entry to be stale' });
});

test('subscribers get what they asked for inside wsbroker.event', async (t) => {
	const { broker, upstream, connect: open } = await setup(t, { push: [{ method: '*', forward: 'subscribers' }] });
	await source(broker);
	const [some, all, none] = [await open(), await open(), await open()];
	const one = await some.result('wsbroker.subscribe', { channel: 'push', methods: ['property.*'] });
	const two = await all.result('wsbroker.subscribe', { channel: 'push' });
	upstream.broadcast(push('property.updated', { id: 42 }));
	const event = (subscription, method, params) => ({
		jsonrpc: '2.0', method: 'wsbroker.event',
		params: { subscription, channel: 'push', event: { jsonrpc: '2.0', method, params } },
	});
	assert.deepEqual(await some.nextJson(), event(one, 'property.updated', { id: 42 }));
	assert.deepEqual(await all.nextJson(), event(two, 'property.updated', { id: 42 }));
	upstream.broadcast(push('agent.updated', {}));
	assert.deepEqual(await all.nextJson(), event(two, 'agent.updated', {}));
	await quiet(some);
	await quiet(none);
	assert.equal(await all.result('wsbroker.unsubscribe', [two]), true);
	assert.equal(await all.result('wsbroker.unsubscribe', [two]), false);
	const refused = await all.call('wsbroker.subscribe', { channel: 'others' });
	assert.equal(refused.error.code, -32600);
	assert.match(refused.error.message, /push/);
});

test('a push goes to the users that it names', async (t) => {
	const { broker, upstream } = await setup(t, {
		listen: [{ auth: { tokens: 'tokens.txt' } }],
		push: [{ method: '*', forward: { match: { '/params/users': 'identity' } } }],
		start: { files: { 'tokens.txt': 'ann client a-secret\nbob client b-secret\n' } },
	});
	await source(broker);
	const open = (token) => connect(t, broker.url, { headers: { authorization: `Bearer ${token}` } });
	const [ann, bob] = [await open('a-secret'), await open('b-secret')];
	upstream.broadcast(push('note', { users: ['ann', 'eve'] }));
	assert.equal((await ann.nextJson()).method, 'note');
	await quiet(bob);
});

test('a dedicated source carries no request and hears what senders are skipped for', async (t) => {
	const { broker, upstream, connect: open } = await setup(t, {
		pool: { size: 2, push_source: 'dedicated', on_connect: [{ send: '{"jsonrpc":"2.0","method":"follow"}', push_source: true }] },
		push: [{ method: '*', forward: 'all' }],
	});
	await source(broker);
	const client = await open();
	await Promise.all(Array.from({ length: 40 }, () => client.result('who')));
	const [{ connection: dedicated }] = await upstream.seen('follow');
	assert.equal(upstream.of('follow').length, 1);
	assert.ok(upstream.of('who').every(({ connection }) => connection !== dedicated));
	assert.equal((await broker.pool()).ready, 2);
	assert.equal(upstream.connections.size, 3);
	dedicated.socket.send(push('changed'));
	assert.equal((await client.nextJson()).method, 'changed');
});

test('events of an rpc-websockets server that one connection asks for reach MessagePack clients', async (t) => {
	const server = await startServer(t, 'rpc');
	const broker = await startBroker(t, {
		envelope: { id: '/id', method: '/method', params: '/params', result: '/result', error: '/error', push: '/notification' },
		pools: [pool([server.url], {
			size: 3, on_connect: [{ send: '{"jsonrpc":"2.0","id":1,"method":"rpc.on","params":["feed"]}', expect: { result: { feed: 'ok' } }, push_source: true }],
		})],
		push: [{ method: 'feed', forward: 'all' }],
	});
	await until(() => /push\.source/.test(broker.log), { what: 'a source' });
	const client = await CLIENTS['rpc-websockets-msgpack'](broker.url);
	cleanup(t, () => client.close());
	const heard = [];
	client.provider.on('feed', (...args) => heard.push(args));
	await client.call('echo', ['hello']);
	await until(async () => {
		await client.call('emit', ['feed', { n: 1 }]);
		return heard.length > 0;
	}, { what: 'an event', every: 50 });
	assert.deepEqual(heard[0], [{ n: 1 }]);
});
