// What a cache with default settings keeps from the upstream, from cold: many clients, an open loop,
// keys by Zipf. TEST_SECONDS=80 is the size that tests/bench/hit-ratio measures: 500 clients, 2 000
// requests a second, 10 000 keys, a ttl of 60 s. In less time (20 s) all shrinks so that what counts
// stays: the time is 4/3 of the ttl, and in one ttl each key is asked for as often as the one of its
// rank there, the last one 1.2 times. Latency is not judged: here others run at the same time.

import assert from 'node:assert/strict';
import { WSBROKER, command, pool, startBroker } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { startServer } from './support/servers.mjs';

const SECONDS = Math.max(8, Math.min(80, Number(process.env.TEST_SECONDS ?? 20)));
const SCALE = SECONDS / 80;
const TTL = Math.round(60 * SCALE);
const RATE = SCALE === 1 ? 2000 : 1000;
const CONNECTIONS = SCALE === 1 ? 500 : 200;

// Requests for the least popular key of so many in one ttl.
const last = (keys, rate, ttl) => {
	let sum = 0;
	for (let key = 1; key <= keys; key++)
		sum += 1 / key;
	return (rate * ttl) / (sum * keys);
};

// As many keys as leave the last one no more popular than at full size.
function keys() {
	let count = 10000;
	for (const wanted = last(count, 2000, 60); last(count, RATE, TTL) < wanted;)
		count = Math.floor(count * 0.99);
	return count;
}

test('85 % are answered from the cache, and the upstream is asked for 15 % at most', { timeout: (SECONDS + 150) * 1000 }, async (t) => {
	const upstream = await startServer(t, 'slow');
	const broker = await startBroker(t, {
		log: { level: 'warn' },
		pools: [pool([upstream.url], { size: 10 })],
		routes: [{ method: 'get', cache: { scope: 'shared', ttl: `${TTL}s` } }],
	});
	const { code, stdout, stderr } = await command(['bench', '--url', broker.url, '--method', 'get', '--params', '[{key}]',
		'--expect', '[{key}]', '--connections', CONNECTIONS, '--rate', RATE, '--keys', keys(), '--zipf', '1.0',
		'--warm-up', '0s', '--duration', `${SECONDS}s`, '-o', 'json'].map(String), { deadline: 60000 + 1000 * SECONDS });
	assert.equal(code, 0, `${WSBROKER} bench: ${stdout}${stderr}`);
	const metrics = await broker.metrics();
	const requests = metrics.sum('wsbroker_requests_total');
	const share = (name) => metrics.sum(name) / requests;
	const shares = Object.entries({
		hits: 'wsbroker_cache_hits_total',
		stale: 'wsbroker_cache_stale_total',
		upstream: 'wsbroker_endpoint_requests_total',
	}).map(([name, metric]) => [name, share(metric)]);
	const { hits, upstream: asked } = Object.fromEntries(shares);
	const told = `of ${requests} requests, ${keys()} keys: ${shares.map(([name, value]) => `${name} ${(100 * value).toFixed(1)} %`).join(', ')}`;
	t.diagnostic(told);
	assert.ok(requests >= RATE * SECONDS * 0.9, told);
	assert.ok(hits >= 0.85, told);
	assert.ok(asked <= 0.15, told);
});
