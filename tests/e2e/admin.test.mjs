// The admin listener: health, metrics, and what is going on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { httpRequest } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { run } from './support/child.mjs';
import { startRedis } from './support/redis.mjs';
import { gate, setup } from './support/setup.mjs';
import { tempDir } from './support/temp.mjs';
import { until } from './support/time.mjs';

test('/livez and /readyz, with the reasons when not', async (t) => {
	const { broker, upstream } = await setup(t);
	assert.equal((await broker.adminGet('/livez')).status, 200);
	assert.equal((await broker.adminGet('/readyz')).status, 200);
	await upstream.stop();
	await until(async () => (await broker.adminGet('/readyz')).status === 503, { what: 'not ready' });
	assert.match((await broker.adminGet('/readyz')).body, /main/);
	assert.equal((await broker.adminGet('/livez')).status, 200);
});

test('what is not there is 404 as problem+json; reading with another method is refused', async (t) => {
	const { broker } = await setup(t);
	for (const target of ['/nothing', '/v1/nothing', '/v1/pools/none', '/../etc/passwd']) {
		const { status, headers, json } = await broker.adminGet(target);
		assert.equal(status, 404, target);
		assert.match(headers['content-type'], /^application\/problem\+json/);
		assert.equal(json.status, 404);
	}
	for (const target of ['/livez', '/metrics', '/v1/status']) {
		const refused = await broker.adminGet(target, { method: 'DELETE' });
		assert.deepEqual([refused.status, refused.headers.allow], [405, 'GET, HEAD']);
	}
	assert.equal((await broker.adminGet('/livez?probe=1')).status, 200, 'the query does not matter');
});

test('/v1/pools lists the pools with their numbers', async (t) => {
	const held = gate();
	const { broker, connect, upstream } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		pool: { size: 2, max_in_flight: 1, balancer: 'round-robin', queue: { age: '30s' } },
	});
	await until(() => upstream.connections.size === 2, { what: 'two connections' });
	const client = await connect();
	for (let id = 0; id < 5; id++)
		client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'held' }));
	await upstream.seen('held', 2);
	const row = await until(async () => {
		const entry = await broker.pool();
		return entry.queued === 3 && entry;
	}, { what: 'three that wait' });
	assert.equal(row.name, 'main');
	assert.equal(row.size, 2);
	assert.equal(row.ready, 2);
	assert.equal(row.in_flight, 2);
	assert.equal(row.balancer, 'round-robin');
	assert.ok(row.oldest_wait_seconds >= 0 && row.oldest_wait_seconds < 20);
	await until(() => { held.release(); return client.received.length === 5; }, { what: 'all answers' });
	assert.deepEqual(await broker.pool().then(({ in_flight, queued }) => [in_flight, queued]), [0, 0]);
});

test('/v1/connections lists the connections by POOL/NAME, without the URL\'s secrets', async (t) => {
	const { broker } = await setup(t, {
		upstreams: 2, pool: { size: 3 },
		endpoint: ({ url, name }) => ({ url: `${url}?key=url-secret`, name }),
	});
	const rows = await until(async () => {
		const { json } = await broker.adminGet('/v1/connections');
		return json.filter(({ state }) => state === 'ready').length === 3 && json;
	}, { what: 'three ready connections' });
	assert.equal(rows.length, 3);
	assert.ok(rows.every((row) => /u[01]/.test(JSON.stringify(row)) && JSON.stringify(row).includes('main')));
	assert.doesNotMatch(JSON.stringify(rows), /url-secret/);
	assert.doesNotMatch(broker.log, /url-secret/);
});

test('/v1/status begins with a verdict', async (t) => {
	const { broker, upstream } = await setup(t, { node: 'n1' });
	const good = (await broker.adminGet('/v1/status')).json;
	assert.equal(typeof good, 'object');
	assert.match(JSON.stringify(good), /n1/);
	await upstream.stop();
	await until(async () => {
		const bad = (await broker.adminGet('/v1/status')).body;
		return /main/.test(bad) && bad !== JSON.stringify(good);
	}, { what: 'another verdict that names the pool' });
});

test('/v1/status sees an upstream that is connected and answers nothing', async (t) => {
	const { broker, connect } = await setup(t, { routes: [{ method: '*', pool: 'main', timeout: '100ms' }] });
	const client = await connect();
	await Promise.all(Array.from({ length: 12 }, () => client.call('hang')));
	const bad = (await broker.adminGet('/v1/status')).json;
	assert.equal(bad.verdict, 'degraded');
	// Not panic: there is no other endpoint that could be spared.
	const reason = bad.reasons.find(({ text }) => /^endpoint main\/.* is connected, but has answered none of its last \d\d requests$/.test(text));
	assert.ok(reason, JSON.stringify(bad.reasons));
	assert.equal(reason.command, 'wsbroker endpoint add main URL'); // draining the only one would be refused
	await until(async () => {
		await client.result('echo');
		return (await broker.adminGet('/v1/status')).json.verdict === 'ok';
	}, { what: 'ok again', every: 100 });
});

test('/metrics is Prometheus text whose numbers are right', async (t) => {
	const { broker, connect } = await setup(t, { pool: { size: 2 }, routes: [
		{ method: 'hang', pool: 'main', timeout: '100ms' }, { method: '*', pool: 'main' }] });
	const { headers, body } = await broker.adminGet('/metrics');
	assert.match(headers['content-type'], /^text\/plain/);
	assert.match(body, /^wsbroker_build_info\{.*\} 1$/m);
	const before = await broker.metric(/^wsbroker_requests_total$/, { pool: 'main' });
	const clients = await Promise.all([connect(), connect(), connect()]);
	for (const client of clients) {
		for (let at = 0; at < 10; at++)
			await client.result('echo', [at]);
	}
	await clients[0].call('hang');
	const { samples, types, sum } = await broker.metrics();
	assert.equal(sum('wsbroker_clients'), 3);
	assert.equal(sum('wsbroker_requests_total', { pool: 'main' }) - before, 31);
	for (const { name, labels } of samples) {
		assert.match(name, /^wsbroker_[a-z0-9_]+$/);
		const base = name.replace(/_(bucket|sum|count)$/, '');
		const type = types.get(name) ?? types.get(base);
		assert.ok(type, `a TYPE for ${name}`);
		if (type === 'counter')
			assert.match(name, /_total$/);
		const allowed = ['pool', 'endpoint', 'route', 'direction', 'result', 'reason', 'state', 'code', 'side', 'le', 'version', 'cause', 'outcome'];
		for (const label of Object.keys(labels))
			assert.ok(allowed.includes(label) || name === 'wsbroker_build_info', `label ${label} of ${name}`);
	}
	await clients[0].close();
	await until(async () => await broker.metric('wsbroker_clients') === 2, { what: 'the gauge to fall' });
});

test('histograms add up', async (t) => {
	const { broker, connect } = await setup(t);
	const client = await connect();
	for (let at = 0; at < 20; at++)
		await client.result('delay', { ms: 5 });
	const { samples } = await broker.metrics();
	const buckets = samples.filter(({ name }) => /^wsbroker_request_duration_seconds_bucket$/.test(name));
	assert.ok(buckets.length > 3, 'a histogram of the request duration');
	const series = groups(buckets);
	let total = 0;
	for (const list of series.values()) {
		list.sort((a, b) => bound(a) - bound(b));
		for (let at = 1; at < list.length; at++)
			assert.ok(list[at].value >= list[at - 1].value, 'cumulative');
		assert.equal(list.at(-1).labels.le, '+Inf');
		total += list.at(-1).value;
	}
	assert.ok(total >= 20, `${total} observed`);
	const sum = samples.filter(({ name }) => name === 'wsbroker_request_duration_seconds_sum').reduce((all, { value }) => all + value, 0);
	assert.ok(sum > 0.09 && sum < 10, `sum ${sum}`);
});

const bound = ({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le));

function groups(samples) {
	const map = new Map();
	for (const sample of samples) {
		const key = JSON.stringify({ ...sample.labels, le: 0 });
		map.set(key, [...(map.get(key) ?? []), sample]);
	}
	return map;
}

// What a broker of everything says, when each family of metrics has samples.
async function everything(t) {
	const redis = await startRedis(t);
	const { broker, upstream, connect } = await setup(t, {
		upstreams: [{ methods: { get: (params) => params, sub: () => '0x1' } }],
		pool: { size: 2, autoscale: { min: 1, max: 4 }, probe: { method: 'echo', interval: '100ms' } },
		invalidation: { url: redis.url },
		push: [{ method: 'news', forward: 'all', invalidate: ['news'] }],
		routes: [
			{ method: 'get', cache: { scope: 'shared', tags: ['news', 'item:{params.id}'] } },
			{ method: 'sub', subscribe: { unsubscribe: 'unsub', notification: 'event', id: 'params.subscription' } },
			{ method: '*', idempotent: true },
		],
	});
	const client = await connect();
	await client.result('wsbroker.subscribe', { channel: 'invalidations' });
	for (const id of [1, 1, 2])
		await client.result('get', { id });
	await client.result('sub', ['news']);
	upstream.broadcast('{"jsonrpc":"2.0","method":"news","params":{}}');
	await client.call('fail', {});
	await client.result('wsbroker.cache.get', { key: 'own' });
	return until(async () => {
		const { body } = await broker.adminGet('/metrics');
		return !without(body).length && body;
	}, { what: 'samples of all metrics' });
}

// The families that have no sample.
function without(text) {
	const named = new Set([...text.matchAll(/^(\w+?)(?:_bucket)?[{ ]/gm)].map(([, name]) => name));
	return [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name).filter((name) => !named.has(name));
}

test('/metrics is clean by promtool', async (t) => {
	const input = await everything(t);
	const checked = await run('promtool', ['check', 'metrics'], { input }).catch((error) => error);
	if (checked.code === 'ENOENT')
		return t.skip('promtool is not here');
	assert.deepEqual([checked.code, checked.stderr], [0, '']);
});

// The stream as a browser reads it.
async function stream(t, broker, target, headers = {}) {
	const request = http.get(`http://${broker.adminAddress}${target}`, { headers: { Accept: 'text/event-stream', ...headers }, agent: false });
	cleanup(t, () => request.destroy());
	const [response] = await once(request, 'response');
	assert.equal(response.statusCode, 200);
	assert.match(response.headers['content-type'], /^text\/event-stream/);
	let text = '';
	response.setEncoding('utf8').on('data', (part) => { text += part; });
	response.on('error', () => {});
	return {
		request,
		response,
		events: () => [...text.matchAll(/^id: (\d+)\nevent: (.+)\ndata: (.+)$/gm)].map(([, id, type, data]) => ({ id: Number(id), type, data: JSON.parse(data) })),
	};
}

const patch = (broker, target, body) => broker.adminGet(target, { method: 'PATCH', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });

test('/v1/events as a stream: from now on, from then on, from an id on', async (t) => {
	const { broker } = await setup(t);
	const now = await stream(t, broker, '/v1/events');
	await patch(broker, '/v1/pools/main', { balancer: 'random' });
	await until(() => now.events().length === 1, { what: 'the event' });
	const [event] = now.events();
	assert.deepEqual([event.type, event.data.id, event.data.after], ['pool.balancer', event.id, 'random']);
	await patch(broker, '/v1/pools/main', { balancer: 'round-robin' });
	const then = await stream(t, broker, '/v1/events?since=1h&type=pool.balancer');
	await until(() => then.events().length === 2, { what: 'both' });
	const resumed = await stream(t, broker, '/v1/events?type=pool.*', { 'Last-Event-ID': String(event.id) });
	await until(() => resumed.events().length === 1, { what: 'the second' });
	assert.equal(resumed.events()[0].data.after, 'round-robin');
	const { json } = await broker.adminGet('/v1/events?type=pool.balancer');
	assert.deepEqual(json, then.events().map(({ data }) => data));
});

test('streams that nobody reads cost nothing, and too many are refused', async (t) => {
	const { broker } = await setup(t);
	const streams = [];
	while (streams.length < 1024)
		streams.push(...await Promise.all(Array.from({ length: 64 }, () => stream(t, broker, '/v1/events'))));
	const refused = await broker.adminGet('/v1/events', { headers: { Accept: 'text/event-stream' } });
	assert.equal(refused.status, 503);
	streams[0].request.destroy();
	await until(async () => {
		const again = await stream(t, broker, '/v1/events').catch(() => undefined);
		return again;
	}, { what: 'a place for another' });
	for (const { request } of streams.slice(3))
		request.destroy();
	streams[1].response.pause();
	for (let at = 0; at < 200; at++)
		await patch(broker, '/v1/pools/main', { balancer: at % 2 ? 'random' : 'round-robin' });
	await until(() => streams[2].events().length === 200, { what: 'all events' });
	assert.deepEqual(streams[2].events().map(({ id }) => id), [...streams[2].events().map(({ id }) => id)].sort((a, b) => a - b));
	streams[1].response.resume();
	await until(() => streams[1].events().length === 200, { what: 'all events, later' });
});

test('bodies: too long, not JSON, of another type, in chunks', async (t) => {
	const { broker } = await setup(t);
	const json = { 'Content-Type': 'application/json' };
	const resume = (options) => broker.adminGet('/v1/pools/main/resume', { method: 'POST', ...options });
	assert.equal((await resume({})).status, 200);
	assert.equal((await resume({ body: '{}', headers: json })).status, 200);
	assert.equal((await resume({ body: '{}' })).status, 415);
	assert.equal((await resume({ body: '{}', headers: { 'Content-Type': 'text/plain' } })).status, 415);
	assert.equal((await resume({ body: `${' '.repeat(1 << 20)}{}`, headers: json })).status, 413);
	const chunked = { 'Transfer-Encoding': 'chunked' };
	assert.equal((await resume({ body: '{}', headers: { ...json, ...chunked } })).status, 200);
	assert.equal((await resume({ body: '{}', headers: { ...chunked, 'Content-Type': 'text/plain' } })).status, 415);
	assert.equal((await resume({ body: `${' '.repeat(1 << 20)}{}`, headers: { ...json, ...chunked } })).status, 413);
	const bad = await resume({ body: '{"reason":\n oops}', headers: json });
	assert.equal(bad.status, 400);
	assert.match(bad.json.detail, /line 2, column \d+/);
	const unknown = await resume({ body: '{"reasn": "x"}', headers: json });
	assert.match(unknown.json.detail, /did you mean “reason”/);
});

test('cross-site requests are refused', async (t) => {
	const { broker } = await setup(t);
	const { status } = await broker.adminGet('/v1/status', { headers: { Origin: 'https://evil.example.com', 'Sec-Fetch-Site': 'cross-site' } });
	assert.equal(status, 403);
});

test('the admin listener on a Unix socket', async (t) => {
	const socketPath = path.join(tempDir(t), 'admin.sock');
	const { broker } = await setup(t, { admin: { address: `unix:${socketPath}` }, start: { ready: false } });
	await until(async () => (await httpRequest('http://localhost/readyz', { socketPath })).status === 200, { what: 'ready' });
	const { json } = await httpRequest('http://localhost/v1/pools', { socketPath });
	assert.equal(json[0].name, 'main');
	assert.ok(broker.child.running);
});

test('bad HTTP does not hurt the admin listener', async (t) => {
	const { broker } = await setup(t);
	for (const headers of [{ 'X-Long': 'x'.repeat(15000) }, { 'Content-Length': '5' }])
		await broker.adminGet('/livez', { headers, body: headers['Content-Length'] ? 'hello' : undefined }).catch(() => {});
	assert.equal((await broker.adminGet('/livez')).status, 200);
});
