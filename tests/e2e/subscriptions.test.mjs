// Subscriptions: shared upstream, with ids that stay, restored when a node dies, and the truth about
// what may be missing. Scripted upstreams show the rules, real nodes and libraries that they hold.
// TEST_SECONDS (20) is how long nodes are killed and drained and the pool is resized.

import assert from 'node:assert/strict';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { Chain } from './support/chain.mjs';
import { connect } from './support/client.mjs';
import { CLIENTS } from './support/clients.mjs';
import { change, done } from './support/operator.mjs';
import { random } from './support/random.mjs';
import { startServer } from './support/servers.mjs';
import { setup } from './support/setup.mjs';
import { never, take, until } from './support/time.mjs';
import { mine, SUBSCRIBE_ROUTES, Subscriber } from './support/subscribers.mjs';

const SECONDS = Number(process.env.TEST_SECONDS ?? 20);

// A scripted upstream that knows what is subscribed to on it. Ids begin anew on each connection.
const publisher = () => {
	const live = new Map();
	let next = 0;
	return {
		live,
		asked: 0,
		emit(value) {
			for (const { connection, id } of live.values())
				connection.upstream.reply(connection, { method: 'eth_subscription', params: { subscription: id, result: value } });
		},
		methods: {
			eth_subscribe(params, { connection, upstream }) {
				upstream.publisher.asked++;
				connection.subscriptions = (connection.subscriptions ?? 0) + 1;
				const id = `0x${connection.subscriptions}`;
				live.set(++next, { connection, id });
				connection.socket.once('close', () => {
					for (const [key, entry] of live)
						if (entry.connection === connection)
							live.delete(key);
				});
				return id;
			},
			eth_unsubscribe([id], { connection }) {
				for (const [key, entry] of live) {
					if (entry.connection === connection && entry.id === id)
						return live.delete(key);
				}
				return false;
			},
		},
	};
};

async function stage(t, { upstreams = 1, pool: settings, linger = '0s', ...config } = {}) {
	const publishers = Array.from({ length: upstreams }, publisher);
	const it = await setup(t, {
		upstreams: publishers.map(({ methods }) => ({ methods })),
		pool: settings,
		routes: [{ ...SUBSCRIBE_ROUTES[0], subscribe: { ...SUBSCRIBE_ROUTES[0].subscribe, linger } }, { method: '*' }],
		...config,
	});
	it.upstreams.forEach((upstream, at) => { upstream.publisher = publishers[at]; });
	return { ...it, publishers, alive: () => publishers.reduce((sum, { live }) => sum + live.size, 0) };
}

const subscribe = (client, what = 'newHeads') => client.result('eth_subscribe', [what]);
const event = (id, result) => ({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: id, result } });

test('equal subscriptions cost one upstream, each client has an id of its own', async (t) => {
	const { connect: open, publishers: [one], broker, alive } = await stage(t);
	const clients = await Promise.all(Array.from({ length: 20 }, () => open()));
	const ids = await Promise.all(clients.map((client) => subscribe(client)));
	assert.equal(new Set(ids).size, 20);
	assert.ok(ids.every((id) => /^0x[0-9a-f]{16}$/.test(id)), ids[0]);
	assert.equal(one.asked, 1);
	one.emit({ number: 1 });
	for (const [at, client] of clients.entries())
		assert.deepEqual(await client.nextJson(), event(ids[at], { number: 1 }));
	const { subscriptions, subscribers } = await broker.pool();
	assert.deepEqual({ subscriptions, subscribers }, { subscriptions: 1, subscribers: 20 });
	assert.equal(await broker.metric('wsbroker_subscription_events_total', { result: 'delivered' }), 20);

	assert.equal(await clients[0].result('eth_unsubscribe', [ids[1]]), false, 'another\'s id');
	for (const [at, client] of clients.entries()) {
		if (at % 2)
			await client.close();
		else
			assert.equal(await client.result('eth_unsubscribe', [ids[at]]), true);
	}
	await until(() => alive() === 0, { what: 'the end upstream' });
});

test('a lost upstream is replaced, ids stay and the gap is told', async (t) => {
	const { connect: open, upstreams, publishers, alive } = await stage(t, { upstreams: 2, pool: { size: 4 } });
	const clients = await Promise.all([open(), open()]);
	const ids = await Promise.all(clients.map((client) => subscribe(client)));
	const first = publishers.findIndex(({ live }) => live.size > 0);
	await upstreams[first].stop();
	for (const [at, client] of clients.entries()) {
		const gap = await client.nextJson();
		assert.equal(gap.method, 'wsbroker.gap');
		assert.deepEqual({ ...gap.params, dark_ms: 0 },
			{ subscription: ids[at], reason: 'upstream_lost', dark_ms: 0, gap: 'possible' });
		assert.ok(Number.isInteger(gap.params.dark_ms));
	}
	publishers[1 - first].emit('after');
	for (const [at, client] of clients.entries())
		assert.deepEqual(await client.nextJson(), event(ids[at], 'after'));
	assert.equal(alive(), 1);
});

test('with linger the upstream subscription waits for the next client', async (t) => {
	const { connect: open, publishers: [one], alive } = await stage(t, { linger: '3s' });
	const first = await open();
	await subscribe(first);
	await first.close();
	const second = await open();
	await subscribe(second);
	assert.equal(one.asked, 1);
	await second.close();
	await until(() => alive() === 0, { what: 'the end after linger' });
	assert.equal(one.asked, 1);
});

test('subscriptions spread over the connections, least first', async (t) => {
	const { connect: open, broker } = await stage(t, { upstreams: 2, pool: { size: 4 } });
	const client = await open();
	for (let at = 0; at < 8; at++)
		await subscribe(client, `topic ${at}`);
	const { json } = await broker.adminGet('/v1/connections');
	assert.deepEqual(json.map(({ subscriptions }) => subscriptions), [2, 2, 2, 2]);
});

test('a POST cannot subscribe, and is told so', async (t) => {
	const { broker } = await stage(t);
	const response = await fetch(broker.httpUrl, {
		method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }),
	});
	const { error } = await response.json();
	assert.equal(error.code, -32600);
	assert.match(error.message, /WebSocket/);
});

test('a MessagePack client shares with JSON clients and gets its own encoding', async (t) => {
	const { connect: open, broker, publishers: [one] } = await stage(t);
	const json = await open();
	const id = await subscribe(json);
	const packed = await CLIENTS['rpc-websockets-msgpack'](broker.url);
	cleanup(t, () => packed.close());
	const events = [];
	packed.provider.on('eth_subscription', (params) => events.push(params));
	const { result } = await packed.call('eth_subscribe', ['newHeads']);
	assert.match(result, /^0x[0-9a-f]{16}$/);
	one.emit({ deep: [1, 2.5, 'č'] });
	await until(() => events.length === 1, { what: 'the event in MessagePack' });
	assert.deepEqual(events, [{ subscription: result, result: { deep: [1, 2.5, 'č'] } }]);
	assert.deepEqual(await json.nextJson(), event(id, { deep: [1, 2.5, 'č'] }));
	assert.equal(one.asked, 1);
});

test('SIGTERM with subscriptions open ends long before drain.timeout', async (t) => {
	const { connect: open, broker } = await stage(t, { upstreams: 2, pool: { size: 4 }, drain: { timeout: '60s', spread: '0s' } });
	const clients = await Promise.all(Array.from({ length: 10 }, () => open()));
	await Promise.all(clients.map((client) => subscribe(client)));
	await broker.stop();
	for (const client of clients)
		assert.equal((await client.closed).code, 1012);
});

// What the libraries call a subscription to new blocks.
const LIBRARIES = {
	async viem({ provider }, heard) {
		await provider.transport.subscribe({ params: ['newHeads'], onData: ({ result }) => heard(Number(result.number)), onError() {} });
	},
	async ethers({ provider }, heard) {
		await provider.on('block', heard);
	},
	async web3({ provider }, heard) {
		const subscription = await provider.eth.subscribe('newBlockHeaders');
		subscription.on('data', ({ number }) => heard(Number(number)));
	},
	async 'rpc-websockets'({ provider, call }, heard) {
		provider.on('eth_subscription', ({ result }) => heard(Number(result.number)));
		await call('eth_subscribe', ['newHeads']);
	},
};

// Loses a server, and waits until another one has accepted the subscription: then it is told of the gap.
async function restored(broker, lose) {
	const gaps = () => broker.metric('wsbroker_subscription_gaps_total', { reason: 'upstream_lost' });
	const before = await gaps();
	await lose();
	await until(async () => await gaps() > before, { what: 'the subscription elsewhere' });
}

test('ethers, viem, web3 and rpc-websockets hear blocks through the death of a node', async (t) => {
	const servers = await Promise.all(['anvil', 'anvil'].map((kind) => startServer(t, kind)));
	const broker = await startBroker(t, {
		pools: [pool(servers.map(({ url }) => url), { size: 4 })],
		routes: SUBSCRIBE_ROUTES,
	});
	const heard = {};
	for (const [kind, begin] of Object.entries(LIBRARIES)) {
		const client = await CLIENTS[kind](broker.url);
		cleanup(t, () => client.close());
		heard[kind] = [];
		await begin(client, (number) => heard[kind].push(number));
	}
	const all = (number) => Object.values(heard).every((numbers) => numbers.includes(number));
	let height = 0;
	const block = async () => {
		height++;
		await mine(servers);
		await until(() => all(height), { what: () => `block ${height} everywhere` })
			.catch((error) => { throw new Error(`${error.message} ${JSON.stringify(heard)}`); });
	};
	await until(async () => (await broker.pool()).subscribers >= 4, { what: 'four subscribers' });
	await block();
	for (const server of servers) {
		const before = (await broker.adminGet('/v1/connections')).json
			.find(({ subscriptions }) => subscriptions > 0)?.endpoint;
		const victim = servers.find(({ port }) => before?.endsWith(`:${port}`)) ?? server;
		await restored(broker, () => victim.kill());
		await mine(servers.filter((other) => other !== victim));
		height++;
		await until(() => all(height), { what: `block ${height} from the other node` });
		await victim.start();
		for (let at = 0; at < height; at++)
			await mine([victim]);
		await until(async () => (await broker.pool()).ready === 4, { what: 'the pool whole again' });
	}
	await block();
	assert.equal((await broker.pool()).subscriptions, 1, 'equal subscriptions are one');
	assert.equal(await broker.metric('wsbroker_clients_total'), 4, 'nobody came anew');
});

test('rpc.on of rpc-websockets is shared, and restored on another server', async (t) => {
	const servers = await Promise.all(['rpc', 'rpc'].map((kind) => startServer(t, kind)));
	const broker = await startBroker(t, {
		envelope: { id: '/id', method: '/method', params: '/params', result: '/result', error: '/error', push: '/notification' },
		pools: [pool(servers.map(({ url }) => url), { size: 2 })],
		routes: [{ method: 'rpc.on', subscribe: { unsubscribe: 'rpc.off', linger: '0s' } }, { method: '*' }],
	});
	const clients = await Promise.all(Array.from({ length: 3 }, () => CLIENTS['rpc-websockets'](broker.url)));
	const heard = clients.map(() => []);
	for (const [at, { provider }] of clients.entries()) {
		cleanup(t, () => clients[at].close());
		provider.on('feed', (...args) => heard[at].push(args));
		await provider.subscribe('feed');
	}
	const emit = async (value) => {
		for (const server of servers.filter(({ child }) => child.running)) {
			const direct = await connect(t, server.url);
			await direct.result('emit', ['feed', value]);
		}
	};
	await emit(1);
	await until(() => heard.every((list) => list.length === 1), { what: 'the first event' });
	assert.deepEqual(heard.map(([first]) => first), [[1], [1], [1]]);
	const { json } = await broker.adminGet('/v1/connections');
	const victim = servers.find(({ port }) => json.find(({ subscriptions }) => subscriptions)?.endpoint.endsWith(`:${port}`));
	await restored(broker, () => victim.kill());
	await emit(2);
	await until(() => heard.every((list) => list.length === 2), { what: 'the second event' });
	await clients[0].provider.unsubscribe('feed');
	await emit(3);
	await until(() => heard[1].length === 3 && heard[2].length === 3, { what: 'the third event' });
	assert.equal(heard[0].length, 2);
});

const subscribed = async (broker) => (await broker.adminGet('/v1/connections')).json.filter(({ subscriptions }) => subscriptions > 0);

// What befalls the nodes and the pool, in turn.
const TROUBLE = {
	async kill({ chain, servers, chance }) {
		const victim = servers[chance(servers.length)];
		chain.leave(victim);
		await victim.kill();
		await take(1000);
		await victim.start();
		await chain.join(victim);
	},
	// The one that has most to lose.
	async drain({ broker }) {
		const rows = await subscribed(broker);
		const { endpoint: victim } = rows.reduce((a, b) => (b.subscriptions > a.subscriptions ? b : a));
		const target = `/v1/pools/main/endpoints/${encodeURIComponent(victim)}`;
		await done(broker, await change(broker, 'PATCH', target, { state: 'drain' }), 30000);
		assert.deepEqual((await subscribed(broker)).filter(({ endpoint }) => endpoint === victim), []);
		await done(broker, await change(broker, 'PATCH', target, { state: 'ready' }), 30000);
	},
	async grow({ broker }) {
		await change(broker, 'PATCH', '/v1/pools/main', { size: 16 });
		await take(1000);
	},
	async shrink({ broker }) {
		await change(broker, 'PATCH', '/v1/pools/main', { size: 6 });
		await take(1000);
	},
};

test(`${SECONDS} s of kills, drains and resizes under 200 subscribers`, { timeout: (SECONDS + 150) * 1000 }, async (t) => {
	const kinds = ['anvil', 'anvil', 'anvil', 'anvil', 'ganache', 'ganache'];
	const servers = await Promise.all(kinds.map((kind) => startServer(t, kind)));
	const chain = new Chain();
	await Promise.all(servers.map((server) => chain.join(server)));
	const broker = await startBroker(t, {
		log: { level: 'info', format: 'logfmt' },
		pools: [pool(servers.map(({ url }) => url), { size: 8, probe: { interval: '500ms', timeout: '5s' } })],
		routes: SUBSCRIBE_ROUTES.map((route) => (route.subscribe ? { ...route, subscribe: { ...route.subscribe, linger: '200ms' } } : route)),
	});
	const crowd = await Promise.all(Array.from({ length: 200 }, (_, at) => Subscriber.open(t, broker.url, at)));
	const wanted = new Set(crowd.map(({ key }) => key)).size;
	assert.ok(wanted > 3);
	const costs = async () => ({
		subscriptions: (await broker.pool()).subscriptions,
		upstream: (await subscribed(broker)).reduce((sum, { subscriptions }) => sum + subscriptions, 0),
	});
	assert.deepEqual(await costs(), { subscriptions: wanted, upstream: wanted });

	const chance = random(t);
	const end = performance.now() + SECONDS * 1000;
	const running = () => performance.now() < end;
	const blocks = (async () => {
		for (; running(); await take(300))
			await chain.grow();
	})();
	const rounds = Object.fromEntries(Object.keys(TROUBLE).map((name) => [name, 0]));
	const trouble = (async () => {
		for (let round = 0; running(); round++) {
			const name = Object.keys(TROUBLE)[round % Object.keys(TROUBLE).length];
			await TROUBLE[name]({ broker, chain, servers, chance });
			rounds[name]++;
		}
	})();
	await Promise.all([blocks, trouble]);

	await change(broker, 'PATCH', '/v1/pools/main', { size: 8 });
	await until(async () => (await broker.pool()).ready === 8, { what: 'the pool whole again', deadline: 40000 });
	await until(async () => (await costs()).upstream === wanted, { what: 'equal subscriptions to be one again' });
	const before = crowd.map(({ events }) => events);
	await until(async () => {
		await chain.grow();
		return crowd.every(({ events }, at) => events > before[at]);
	}, { what: 'an event for everybody', every: 300 });
	for (const subscriber of crowd)
		subscriber.judge();
	assert.equal(await broker.metric('wsbroker_clients_total'), 200, 'nobody came anew');
	assert.deepEqual(await costs(), { subscriptions: wanted, upstream: wanted });
	const sum = (of) => crowd.reduce((total, subscriber) => total + of(subscriber), 0);
	t.diagnostic(`${JSON.stringify(rounds)}: ${chain.height} blocks, ${sum(({ events }) => events)} events, ` +
		`gaps: ${sum(({ gaps }) => gaps.none)} none, ${sum(({ gaps }) => gaps.possible)} possible`);

	await Promise.all(crowd.map((subscriber) => subscriber.leave()));
	await until(async () => (await broker.pool()).subscriptions === 0, { what: 'no subscription left' });
	await until(async () => (await broker.adminGet('/v1/connections')).json.every(({ subscriptions, in_flight: open }) => subscriptions + open === 0),
		{ what: 'nothing left on the connections' });
	// The nodes themselves would tell of what they still hold.
	const heard = () => broker.metric('wsbroker_messages_total', { side: 'upstream', direction: 'in' });
	const silent = await heard();
	await chain.grow();
	await never(async () => await heard() > silent, { what: 'an event from a node' });
});

test('a client that leaves while its subscribe is on its way leaves nothing behind', async (t) => {
	const { upstreams: [upstream], connect: open, alive, broker } = await stage(t);
	const usual = upstream.methods.eth_subscribe;
	upstream.methods.eth_subscribe = async (...args) => { await take(200); return usual(...args); };
	const client = await open();
	client.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }));
	await upstream.seen('eth_subscribe');
	await client.close();
	await upstream.seen('eth_unsubscribe');
	await until(() => alive() === 0, { what: 'the end upstream' });
	await never(async () => (await broker.pool()).subscriptions > 0, { what: 'a subscription' });
});
