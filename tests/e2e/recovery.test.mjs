// Redis loses its data under two brokers with warm caches and steady traffic: what they know may be
// untrue from then on, and still the upstream must not feel it.

import assert from 'node:assert/strict';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { random } from './support/random.mjs';
import { startRedis } from './support/redis.mjs';
import { follow } from './support/sse.mjs';
import { until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

const KEYS = 240;
const TTL = 8;
const STALE = 16; // what is not refreshed by then is missed
const ASKED = 2; // how often each key is asked for, a second and broker
const WINDOW = 2000; // ms in which requests to the upstream are counted
const LATE = 50; // ms for which what is due may still be asked for
const STALL = 400; // ms for which this process did not get to run

// Asks a broker for all keys over and over, whatever the answers do, in another order each time.
class Traffic {
	#due = performance.now();
	#round = [];
	#chance;

	constructor(client, chance) {
		this.client = client;
		this.#chance = chance;
		this.sent = 0;
		this.errors = [];
		this.loaded = new Map();
		this.asked = new Map();
		client.socket.on('message', (data) => this.#take(JSON.parse(data)));
	}

	// What is due by now, of so many of the keys.
	run(open) {
		const now = performance.now();
		// What a stall kept back is left out: it would be a herd that Redis has no part in.
		this.#due = Math.max(this.#due, now - LATE);
		for (; this.#due <= now; this.#due += 1000 / (KEYS * ASKED)) {
			if (!this.#round.length)
				this.#round = shuffled(KEYS, this.#chance);
			const id = this.#round.pop();
			if (id >= open)
				continue;
			this.asked.set(this.sent, id);
			this.client.send(JSON.stringify({ jsonrpc: '2.0', id: this.sent++, method: 'get', params: { id } }));
		}
	}

	#take({ id, result, error }) {
		if (error)
			this.errors.push(error);
		else
			this.loaded.set(this.asked.get(id), result.at);
		this.asked.delete(id);
	}

	// Of the values that were answered last, when the oldest was loaded.
	get oldest() {
		return Math.min(...this.loaded.values());
	}
}

function shuffled(count, chance) {
	const list = Array.from({ length: count }, (_, at) => at);
	for (let at = count - 1; at > 0; at--) {
		const other = chance(at + 1);
		[list[at], list[other]] = [list[other], list[at]];
	}
	return list;
}

// The most requests a second in any window between these times, and how many windows there were.
// Those of a time at which the whole machine stood still, or had to catch up, say nothing.
function peak(times, from, to, stalls) {
	const found = { most: 0, windows: 0 };
	for (let at = from; at + WINDOW <= to; at += WINDOW / 10) {
		if (stalls.some(([begin, end]) => begin < at + WINDOW && at < end + WINDOW))
			continue;
		const count = times.filter((time) => time >= at && time < at + WINDOW).length;
		found.windows++;
		found.most = Math.max(found.most, (count * 1000) / WINDOW);
	}
	return found;
}

test('Redis that loses its data under load: all is refreshed, and the upstream sees no herd', async (t) => {
	const redis = await startRedis(t);
	const upstream = await startUpstream(t, { methods: { get: ({ id }) => ({ id, at: performance.now() }) } });
	const config = (node) => ({
		node,
		pools: [pool([upstream.url], { size: 4, probe: { interval: 0 } })],
		invalidation: { url: redis.url },
		// Trusts what it knows until it is told to forget it: no matter how long Redis takes to come back.
		cache: { strategy: 'aggressive' },
		routes: [{ method: 'get', cache: { scope: 'shared', ttl: `${TTL}s`, stale_while_revalidate: `${STALE}s`, tags: ['item:{params.id}'] } }],
	});
	const brokers = [await startBroker(t, config('a')), await startBroker(t, config('b'))];
	const status = async (broker) => JSON.parse((await broker.adminGet('/v1/status')).body).bus;
	for (const broker of brokers)
		await until(async () => (await status(broker)).state === 'live', { what: 'a live bus' });
	const streams = await Promise.all(brokers.map((broker) => follow(t, `http://${broker.adminAddress}/v1/invalidations`)));
	const resyncs = (stream) => stream.events.filter(({ event }) => event === 'wsbroker.cache.resync.v1').length;
	const chance = random(t);
	const traffic = await Promise.all(brokers.map(async (broker) => new Traffic(await connect(t, broker.url), chance)));

	// One key after the other for as long as an entry lives, so that they never expire all at once.
	const began = performance.now();
	const stalls = [];
	let ran = began;
	const timer = setInterval(() => {
		const now = performance.now();
		if (now - ran > STALL)
			stalls.push([ran, now]);
		ran = now;
		const open = KEYS * Math.min(1, (now - began) / (TTL * 1000));
		traffic.forEach((each) => each.run(open));
	}, 5);
	cleanup(t, () => clearInterval(timer));
	const passes = (seconds) => {
		const end = performance.now() + 1000 * seconds;
		return until(() => performance.now() >= end, { deadline: 1000 * seconds + 5000, every: 50 });
	};
	await passes(TTL * 2);
	const from = performance.now();
	await passes(TTL);
	const lost = performance.now();
	await redis.kill();
	await redis.start();
	await until(() => streams.every((stream) => resyncs(stream) === 1), { what: 'a resync' });
	const resynced = performance.now();
	await until(() => traffic.every(({ oldest }) => oldest > lost), {
		what: () => `values from after the loss: ${traffic.map(({ loaded }) => [...loaded.values()].filter((at) => at <= lost).length)} are older`,
		deadline: 3 * STALE * 1000,
	});
	const refreshed = performance.now();
	await passes(WINDOW / 1000);
	clearInterval(timer);

	const times = upstream.of('get').map(({ at }) => at);
	const before = (times.filter((at) => at >= from && at < lost).length * 1000) / (lost - from);
	// On a machine that hardly gets round to it, what the entries' time comes to.
	const normal = Math.max(before, (brokers.length * KEYS) / TTL);
	const { most, windows } = peak(times, lost, performance.now(), stalls);
	t.diagnostic(`before ${before.toFixed(1)}/s, then at most ${most}/s; a resync after ${Math.round(resynced - lost)} ms, all refreshed after ${Math.round(refreshed - lost)} ms; ${stalls.length} stalls`);
	if (windows === 0)
		t.diagnostic('the machine stood still all the time');
	assert.ok(most <= 2 * normal, `${most}/s of ${normal}/s`);
	for (const { errors, sent } of traffic) {
		if (!stalls.length)
			assert.deepEqual(errors, []);
		assert.ok(sent > KEYS * ASKED);
	}
	for (const [at, broker] of brokers.entries()) {
		assert.equal(resyncs(streams[at]), 1);
		assert.ok(await broker.metric('wsbroker_cache_stale_total') > 0, 'stale meanwhile');
		// Each key was missed once, at the beginning; some were not refreshed in time where all is slow.
		assert.ok(await broker.metric('wsbroker_cache_misses_total') <= KEYS * 1.5);
	}
});
