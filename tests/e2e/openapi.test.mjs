// proto/openapi.yaml against the real answers.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from './support/case.mjs';
import { callOf, calls, description, judge } from './support/openapi.mjs';
import { setup } from './support/setup.mjs';
import { until } from './support/time.mjs';

const JSON_BODY = { 'Content-Type': 'application/json' };

test('the description says null as OpenAPI 3.1 does, where nullable means nothing', () => {
	assert.doesNotMatch(JSON.stringify(description), /"nullable"/);
});

test('every call answers as it is described', async (t) => {
	const { broker, connect, upstreams } = await setup(t, {
		upstreams: 3, pool: { size: 4 }, log: { level: 'info', format: 'logfmt', slow: '1ms' },
		endpoint: ({ url, name }) => ({ url, name }),
		routes: [{ method: 'hang', pool: 'main', timeout: '50ms' }, { method: 'x.*', deny: true }, { method: '*', pool: 'main', cache: { scope: 'shared', tags: ['all'] } }],
	});
	const seen = new Set();
	const ask = async (method, template, { path = template, body, status, headers = {} }) => {
		const call = callOf(method, template);
		const answer = await broker.adminGet(path, { method, body: body && JSON.stringify(body), headers: { ...(body ? JSON_BODY : {}), ...headers } });
		assert.equal(answer.status, status, `${method} ${path}: ${answer.body}`);
		seen.add(`${method} ${template}`);
		return judge(call, answer);
	};
	const done = (operation) => until(async () => {
		const now = await ask('GET', '/v1/operations/{operation}', { path: `/v1/operations/${operation.id}`, status: 200 });
		return now.state !== 'running' && now;
	}, { what: `end of operation ${operation.id} ${operation.kind}` });

	const client = await connect();
	const victim = await connect();
	await client.result('delay', { ms: 5 });
	await client.call('hang');
	await client.call('x.y');

	for (const template of ['/livez', '/readyz', '/metrics', '/v1/status', '/v1/pools', '/v1/endpoints', '/v1/connections', '/v1/clients', '/v1/brokers', '/v1/cache', '/v1/cache/entries', '/v1/operations', '/v1/events', '/v1/requests', '/v1/config', '/v1/config/diff'])
		await ask('GET', template, { status: 200 });
	await ask('GET', '/v1/requests', { path: '/v1/requests?slow&pool=main', status: 200 });
	await ask('GET', '/v1/events', { path: '/v1/events?since=soon', status: 400 });
	await ask('POST', '/v1/cache/invalidate', { body: { tags: ['a'], keys: 'k', mode: 'soft', reason: 'new' }, status: 200 });
	await ask('POST', '/v1/cache/invalidate', { body: { tags: 7 }, status: 400 });
	await ask('GET', '/v1/invalidations', { path: '/v1/invalidations?since=soon', status: 400 });
	assert.equal((await ask('GET', '/v1/cache/entries', { path: '/v1/cache/entries?tag=a*&limit=5', status: 200 })).length, 1);
	await ask('GET', '/v1/cache/entries', { path: '/v1/cache/entries?limit=many', status: 400 });
	const pool = '/v1/pools/{pool}';
	await ask('GET', pool, { path: '/v1/pools/main', status: 200 });
	await ask('GET', pool, { path: '/v1/pools/none', status: 404 });
	await ask('GET', `${pool}/endpoints`, { path: '/v1/pools/main/endpoints', status: 200 });
	await ask('GET', `${pool}/endpoints/{endpoint}`, { path: '/v1/pools/main/endpoints/u0', status: 200 });
	await ask('GET', '/v1/operations/{operation}', { path: '/v1/operations/999', status: 404 });

	await done(await ask('PATCH', pool, { path: '/v1/pools/main', body: { size: 6, reason: 'more' }, status: 202 }));
	await ask('PATCH', pool, { path: '/v1/pools/main', body: { balancer: 'random' }, status: 202 });
	await ask('PATCH', pool, { path: '/v1/pools/main', body: { size: 0 }, status: 400 });
	await ask('PATCH', pool, { path: '/v1/pools/main', body: { sise: 1 }, status: 400 });
	await ask('POST', `${pool}/unpin`, { path: '/v1/pools/main/unpin', status: 200 });
	await done(await ask('POST', `${pool}/pause`, { path: '/v1/pools/main/pause', body: { timeout_seconds: 30 }, status: 202 }));
	await ask('POST', `${pool}/resume`, { path: '/v1/pools/main/resume', status: 200 });
	await done(await ask('POST', `${pool}/reconnect`, { path: '/v1/pools/main/reconnect', status: 202 }));

	const endpoint = `${pool}/endpoints/{endpoint}`;
	await done(await ask('PATCH', endpoint, { path: '/v1/pools/main/endpoints/u0', body: { state: 'maint', reason: 'kernel' }, status: 202 }));
	await done(await ask('PATCH', endpoint, { path: '/v1/pools/main/endpoints/u0', body: { state: 'ready' }, status: 202 }));
	await ask('PATCH', endpoint, { path: '/v1/pools/main/endpoints/u0', body: { weight: 3 }, status: 200 });
	await done(await ask('DELETE', endpoint, { path: '/v1/pools/main/endpoints/u2', status: 202 }));
	await done(await ask('POST', `${pool}/endpoints`, { path: '/v1/pools/main/endpoints', body: { url: upstreams[2].url, name: 'again' }, status: 202 }));

	await ask('POST', '/v1/cache/invalidate', { body: { tags: ['property:1'] }, status: 200 });
	await ask('POST', '/v1/cache/invalidate', { body: {}, status: 400 });
	await ask('GET', '/v1/invalidations', { path: '/v1/invalidations?since=soon', status: 400 });
	const settings = (key, value, status) => ask('PATCH', '/v1/config', { body: { key, value, reason: 'more' }, status });
	await settings('limits.batch', 50, 200);
	await settings('pools.main.queue.age', '6s', 200);
	await settings('limits.batch', 0, 400);
	await settings('limits.none', 1, 404);
	await settings('node', 'x', 409);
	await ask('GET', '/v1/config', { status: 200 });
	await ask('GET', '/v1/config', { path: '/v1/config?key=limits.batch', status: 200 });
	await ask('GET', '/v1/config', { path: '/v1/config?key=none', status: 404 });
	await ask('GET', '/v1/config', { path: '/v1/config?kee=none', status: 400 });
	await ask('GET', '/v1/config/diff', { status: 200 });
	await ask('POST', '/v1/config/reload', { body: { reason: 'as it is' }, status: 200 });
	fs.appendFileSync(broker.file, '\nlimitz: {batch: 5}\nnode: 1 2\n');
	await ask('POST', '/v1/config/reload', { status: 422 });

	const [{ id }] = (await ask('GET', '/v1/clients', { status: 200 })).slice(-1);
	await ask('GET', '/v1/clients/{client}', { path: `/v1/clients/${id}`, status: 200 });
	await ask('DELETE', '/v1/clients/{client}', { path: `/v1/clients/${id}`, status: 200 });
	assert.equal((await victim.closed).code, 1008);
	await ask('DELETE', '/v1/clients/{client}', { path: '/v1/clients/999999', status: 404 });
	for (const template of ['/v1/pools', '/v1/status', '/v1/events', '/v1/requests', '/v1/operations'])
		await ask('GET', template, { status: 200 });
	await client.close();
	await ask('POST', '/v1/drain', { body: { reason: 'the end' }, status: 200 });

	const missing = calls.map(({ method, template }) => `${method} ${template}`).filter((each) => !seen.has(each));
	assert.deepEqual(missing, [], 'described and never asked');
	assert.deepEqual(await broker.child.ended.then(({ code }) => code), 0);
});
