// The cache tells the truth: versioned values behind two brokers and one Redis with a replica, while
// connections are killed and Redis is stopped, slowed, killed with all its data and failed over.
// TEST_SECONDS (20) is how long; TEST_CLIENTS (200) read and write.

import assert from 'node:assert/strict';
import { test } from './support/case.mjs';
import { pool, startBroker } from './support/broker.mjs';
import { connect } from './support/client.mjs';
import { random } from './support/random.mjs';
import { startRedis } from './support/redis.mjs';
import { clock, take, until } from './support/time.mjs';
import { Books, Database, startVersioned } from './support/versions.mjs';

const SECONDS = Number(process.env.TEST_SECONDS ?? 20);
const CLIENTS = Number(process.env.TEST_CLIENTS ?? 200);
const KEYS = 300;
// Of the others nobody but the broker that carried a write knows, and whom it tells over the bus: no
// push names them, so that a lost source of pushes, after which all that it could have named is stale,
// says nothing of them either.
const isTold = (key) => Number(key.slice(1)) % 2 === 0;
const kindOf = (key) => (isTold(key) ? 'item' : 'lone');
const tagOf = (key) => `${kindOf(key)}:${key}`;

const TTL_MS = 15000;
// For so long Redis is stopped at most; a broker whose writes wait for it tells the others then, once
// it has connected again. Nobody can know of them earlier, whatever the strategy.
const OUTAGE_MS = 4000;
const RECONNECT_MS = 2500;
// How stale an answer may be, whatever happens: own doubts of the bus have shorter bounds, see below.
const BOUND_MS = OUTAGE_MS + RECONNECT_MS;
const STRATEGIES = { 'item.get': 'balanced', 'strict.get': 'conservative', 'lasting.get': 'aggressive' };

const config = (redis, servers, node) => ({
	node,
	log: { level: 'info', format: 'logfmt' },
	limits: { in_flight_per_client: 64 },
	pools: [pool(servers.map(({ url }) => url), { size: 8, retry: { budget: 1, per_second: 1000 }, queue: { age: '10s' } })],
	routes: [
		...Object.entries(STRATEGIES).map(([method, strategy]) => ({
			method,
			pool: 'main',
			timeout: '10s',
			idempotent: true,
			cache: { strategy, scope: 'shared', ttl: `${TTL_MS}ms`, stale_while_revalidate: '0s', tags: ['{params.kind}:{params.key}'] },
		})),
		{ method: 'item.set', pool: 'main', timeout: '10s', invalidate: ['{params.kind}:{params.key}'] },
	],
	push: [{ method: 'item.changed', forward: 'none', invalidate: ['item:{params.key}'] }],
	cache: { memory: '64MiB' },
	invalidation: { url: redis.map(({ url }) => url), prefix: '{truth}' },
});

// One broker as its readers see it: clients that read and write one after another.
class Place {
	constructor(broker, books) {
		Object.assign(this, { broker, books, name: broker.config.node });
	}

	// Reads as the method's route says, and judges what comes.
	async read(client, method, key) {
		const asked = { method, key, place: this.name, floor: this.books.floor(this.name, key), at: clock() };
		const { result, error } = await client.call(method, { key, kind: kindOf(key) });
		if (error)
			this.books.refuse(error);
		else
			this.books.read(asked, result.version, method === 'lasting.get' ? TTL_MS * 1.05 + BOUND_MS : BOUND_MS);
	}

	// Whoever writes reads what it wrote, at this broker.
	async write(client, key) {
		const { result, error } = await client.call('item.set', { key, kind: kindOf(key) });
		this.books.writes++;
		if (error)
			return this.books.refuse(error);
		return this.books.acknowledge([this.name], key, result.version);
	}
}

const busIsLive = async ({ broker }) => (await broker.metric('wsbroker_bus_state', { state: 'live' })) === 1;
const allLive = async (places) => (await Promise.all(places.map(busIsLive))).every(Boolean);

// Asks that every live broker has applied it. Acknowledged while the bus is live, nobody may serve
// anything older.
async function invalidateEverywhere(place, places, books, key) {
	const version = books.database.version(key);
	const before = await allLive(places);
	const { status, json } = await place.broker.adminGet('/v1/cache/invalidate', {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ tags: [tagOf(key)], wait: '5s' }),
	});
	assert.ok(status === 202 || status === 200, `${status}`);
	books.acknowledge([place.name], key, version);
	if (status === 200)
		return;
	const ended = await until(async () => {
		const { json: operation } = await place.broker.adminGet(`/v1/operations/${json.operation}`);
		return operation.state !== 'running' && operation;
	}, { what: 'the end of an invalidation' });
	if (before && ended.state === 'done' && await allLive(places)) {
		books.everywhere++;
		books.acknowledge(places.map(({ name }) => name), key, version);
	}
}

// What befalls Redis, one after another; each ends with a Redis that can be reached again.
const TROUBLES = {
	async stopped({ master }) {
		master.signal('SIGSTOP');
		await take(OUTAGE_MS);
		master.signal('SIGCONT');
	},
	async slowed({ master }) {
		await master.command('CLIENT', 'PAUSE', '1500', 'ALL');
		await take(2000);
	},
	// Kept nowhere: it comes back empty, and numbers begin anew.
	async emptied({ master }) {
		await master.kill();
		await take(1000);
		await master.start();
	},
	// The replica takes over; what was once the master follows it, and they change names.
	async failedOver(redis) {
		await redis.master.kill();
		await redis.replica.command('REPLICAOF', 'NO', 'ONE');
		await redis.master.start();
		await redis.master.command('REPLICAOF', '127.0.0.1', String(redis.replica.port));
		[redis.master, redis.replica] = [redis.replica, redis.master];
	},
};

async function disturbRedis(redis, running) {
	const names = Object.keys(TROUBLES);
	for (let round = 0; running(); round++) {
		await take(3000);
		await TROUBLES[names[round % names.length]](redis);
		redis.log.push(names[round % names.length]);
	}
}

async function killConnections(servers, running) {
	for (let round = 0; running(); round++) {
		const [victim] = servers[round % servers.length].connections;
		victim?.socket.terminate();
		await take(150);
	}
}

test(`${SECONDS} s: nothing older than what was acknowledged, whatever befalls Redis`, { timeout: (SECONDS + 150) * 1000 }, async (t) => {
	const master = await startRedis(t);
	const replica = await startRedis(t, { replicaOf: master });
	const redis = { master, replica, log: [] };
	const database = new Database();
	const servers = await startVersioned(t, database, 2, { isTold });
	const books = new Books(database);
	const places = [];
	for (const node of ['a', 'b'])
		places.push(new Place(await startBroker(t, config([master, replica], servers, node)), books));
	for (const place of places)
		await until(() => busIsLive(place), { what: `the bus of ${place.name}` });

	// Where all is slow it goes on until there is something to judge.
	const end = performance.now() + SECONDS * 1000;
	const isEnough = () => books.reads > 2 * CLIENTS && books.everywhere > 0;
	const running = () => performance.now() < end || (performance.now() < end + 60000 && !isEnough());
	const chance = random(t);
	const key = () => `k${Math.floor(KEYS * chance() ** 3)}`;
	const methods = Object.keys(STRATEGIES);
	const work = Array.from({ length: CLIENTS }, async (_, number) => {
		const place = places[number % places.length];
		const client = await connect(t, place.broker.url);
		while (running()) {
			if (chance() < 0.03)
				await place.write(client, key());
			else
				await place.read(client, methods[chance(methods.length)], key());
			await take(chance(40));
		}
	});
	const everywhere = async () => {
		for (let round = 0; running(); round++) {
			await invalidateEverywhere(places[round % 2], places, books, key());
			await take(50);
		}
	};
	await Promise.all([...work, everywhere(), killConnections(servers, running), disturbRedis(redis, running)]);

	t.diagnostic(`${redis.log.join(', ')}: ${books.report()}`);
	assert.deepEqual(books.faults.slice(0, 10), []);
	assert.ok(isEnough(), books.report());
	for (const place of places) {
		await until(() => busIsLive(place), { what: `the bus of ${place.name} to be live again` });
		assert.ok(await place.broker.metric('wsbroker_cache_hits_total') > books.reads / 20, 'the cache served');
	}
});

// Which strategies serve a value that is stale by now; every read is of the same key.
async function staleStrategies(client, version) {
	const stale = [];
	for (const method of Object.keys(STRATEGIES)) {
		const { version: seen } = await client.result(method, { key: 'k1', kind: kindOf('k1') });
		if (seen < version)
			stale.push(STRATEGIES[method]);
	}
	return stale.join(' ');
}

test('without Redis each strategy serves what it has for as long as it says, then asks', async (t) => {
	const redis = await startRedis(t, { args: ['--appendonly', 'yes'] });
	const database = new Database();
	const servers = await startVersioned(t, database, 1, { isTold: () => false, lateMs: 1 });
	const brokers = [];
	for (const node of ['a', 'b'])
		brokers.push(await startBroker(t, config([redis], servers, node)));
	const [a, b] = await Promise.all(brokers.map(({ url }) => connect(t, url)));
	for (const broker of brokers)
		await until(() => busIsLive({ broker }), { what: `the bus of ${broker.config.node}` });
	for (const method of Object.keys(STRATEGIES))
		await b.result(method, { key: 'k1', kind: kindOf('k1') });

	await redis.kill();
	const { version } = await a.result('item.set', { key: 'k1', kind: kindOf('k1') });
	// The lost connection is noticed at once: the conservative ask, the others trust what they have.
	await until(async () => await staleStrategies(b, version) === 'balanced aggressive', { what: 'the conservative to ask', every: 20 });
	await until(async () => await staleStrategies(b, version) === 'aggressive', { what: 'the balanced to ask' });
	await redis.start();
	await until(async () => await staleStrategies(b, version) === '', { what: 'the event that waited' });
	for (const broker of brokers) {
		await until(() => busIsLive({ broker }), { what: 'the bus to be live again' });
		assert.equal(await broker.metric('wsbroker_bus_resyncs_total'), 0, 'nothing was flushed');
	}
});

test('Redis that lost its data: what a broker may have missed is not served', async (t) => {
	const redis = await startRedis(t);
	const database = new Database();
	const servers = await startVersioned(t, database, 1, { isTold: () => false, lateMs: 1 });
	const broker = await startBroker(t, config([redis], servers, 'a'));
	const client = await connect(t, broker.url);
	await until(() => busIsLive({ broker }), { what: 'the bus' });
	await client.result('lasting.get', { key: 'k1', kind: kindOf('k1') });
	const version = database.write('k1');
	assert.equal(await staleStrategies(client, version), 'aggressive', 'it is cached');
	await redis.kill();
	await redis.start();
	await until(async () => await staleStrategies(client, version) === '', { what: 'the fresh value' });
	assert.equal(await broker.metric('wsbroker_bus_resyncs_total'), 1);
});
