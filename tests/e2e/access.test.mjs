// Who may use the admin API: over TCP and over a Unix socket, with tokens and without.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { command, httpRequest, pool } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { run } from './support/child.mjs';
import { calls, judge } from './support/openapi.mjs';
import { setup } from './support/setup.mjs';
import { tempDir, writeFile } from './support/temp.mjs';
import { until } from './support/time.mjs';
import { yaml } from './support/yaml.mjs';

const sha256 = (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const TOKENS = `# name role token
app client app-token
grafana viewer ${sha256('viewer-token')}
deploy publisher deploy-token
anna operator anna-token
`;
const files = { 'tokens.txt': TOKENS };
const bearer = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

test('tokens over TCP: none is 401, a client 403, a viewer reads', async (t) => {
	const { broker } = await setup(t, { admin: { tokens: 'tokens.txt' }, start: { files } });
	for (const [token, status] of [[undefined, 401], ['wrong', 401], ['app-token', 403], ['viewer-token', 200], ['deploy-token', 200], ['anna-token', 200]]) {
		for (const page of ['/v1/status', '/v1/pools', '/v1/connections', '/metrics']) {
			const answer = await broker.adminGet(page, { headers: bearer(token) });
			assert.equal(answer.status, status, `${page} with ${token}`);
			assert.equal(answer.headers['www-authenticate'], status === 401 ? 'Bearer realm="wsbroker"' : undefined);
		}
		for (const page of ['/livez', '/readyz'])
			assert.equal((await broker.adminGet(page, { headers: bearer(token) })).status, 200, page);
	}
	assert.doesNotMatch(broker.log, /anna-token|viewer-token/);
});

test('a Unix socket knows its peer; a token still decides when one is shown', async (t) => {
	const socketPath = path.join(tempDir(t), 'admin.sock');
	await setup(t, { admin: { address: `unix:${socketPath}`, tokens: 'tokens.txt' }, start: { ready: false, files } });
	const ask = (token) => httpRequest('http://localhost/v1/status', { socketPath, headers: bearer(token) }).then(({ status }) => status);
	await until(async () => await ask().catch(() => 0) === 200, { what: 'the socket' });
	assert.equal(await ask('app-token'), 403);
	assert.equal(await ask('wrong'), 401);
	assert.equal(await ask('viewer-token'), 200);
});

test('another user needs a token on the Unix socket', async (t) => {
	if (process.getuid() !== 0)
		return t.skip('only root can become another user');
	for (const tokens of [undefined, 'tokens.txt']) {
		const directory = fs.mkdtempSync('/tmp/wsbroker-access-');
		const socketPath = path.join(directory, 'admin.sock');
		t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
		await setup(t, { admin: { address: `unix:${socketPath}`, tokens }, start: { ready: false, files } });
		await until(() => fs.existsSync(socketPath), { what: 'the socket' });
		fs.chmodSync(directory, 0o755);
		fs.chmodSync(socketPath, 0o777);
		const ask = async (...more) => (await run('setpriv', ['--reuid=65534', '--clear-groups', 'curl', '-s', '-o', '/dev/null',
			'-w', '%{http_code}', '--unix-socket', socketPath, ...more, 'http://localhost/v1/status'])).stdout;
		assert.equal(await ask(), tokens ? '401' : '403');
		assert.equal(await ask('-H', 'Authorization: Bearer anna-token'), tokens ? '200' : '403');
	}
});

test('a name that was bent to loopback is refused, one that is listed is not', async (t) => {
	const { broker } = await setup(t, { admin: { hosts: ['broker.example.com'] } });
	const as = async (host) => (await broker.adminGet('/v1/status', { headers: { Host: host } })).status;
	assert.deepEqual([await as('evil.example.com'), await as('evil.example.com:7081')], [403, 403]);
	assert.deepEqual([await as('broker.example.com'), await as('localhost:1')], [200, 200]);
	const { status } = await broker.adminGet('/livez', { headers: { Host: 'kubernetes.example.com' } });
	assert.equal(status, 200, 'probes may come by any name');
});

test('a token file that is wrong keeps the broker from starting, and shows no token', async (t) => {
	const directory = tempDir(t);
	writeFile(directory, 'tokens.txt', 'anna operator very-secret extra\n');
	const file = writeFile(directory, 'broker.yaml', yaml({ admin: { tokens: 'tokens.txt' }, pools: [pool(['ws://127.0.0.1:1/'])] }));
	const { code, stdout, stderr } = await command(['serve', '-c', file]);
	assert.equal(code, 1);
	assert.match(stdout + stderr, /tokens\.txt:1: expected `name role token`/);
	assert.doesNotMatch(stdout + stderr, /very-secret/);
});

// Paths filled in with names that exist, so that only the role can be the reason.
const filled = (template) => template.replace('{pool}', 'main').replace('{endpoint}', 'u0').replace('{client}', '1').replace('{operation}', '1').replace(/\{\w+\}/, 'x');

for (const over of ['TCP', 'a Unix socket']) {
	test(`every call as every role over ${over}: lesser ones get 403 and change nothing`, async (t) => {
		const socketPath = over === 'TCP' ? undefined : path.join(tempDir(t), 'admin.sock');
		const { broker } = await setup(t, {
			admin: { ...(socketPath && { address: `unix:${socketPath}` }), tokens: 'tokens.txt' },
			endpoint: ({ url, name }) => ({ url, name }), start: { files, ready: false } });
		const ask = (method, target, token) => httpRequest(socketPath ? `http://localhost${target}` : `http://${broker.adminAddress}${target}`,
			{ method, headers: bearer(token), socketPath });
		await until(async () => (await ask('GET', '/readyz').catch(() => ({}))).status === 200, { what: 'ready' });
		for (const call of calls) {
			const { method, template } = call;
			for (const [token, rank] of [['app-token', 0], ['viewer-token', 1], ['deploy-token', 2], ['wrong', -1]]) {
				const invalidates = template === '/v1/cache/invalidate';
				const allowed = call.open || (method === 'GET' && rank >= 1) || (invalidates && rank >= 2);
				if (allowed && ['/v1/events', '/v1/invalidations'].includes(template))
					continue;
				const answer = await ask(method, filled(template), token);
				const what = `${method} ${template} with ${token}`;
				if (allowed)
					assert.ok([200, 404, ...(invalidates ? [400] : [])].includes(answer.status), `${what}: ${answer.status}`);
				else
					assert.equal(answer.status, rank < 0 ? 401 : 403, what);
				judge(call, answer);
			}
		}
		const read = async (target) => (await ask('GET', target, 'anna-token')).json;
		assert.deepEqual(await read('/v1/operations'), []);
		assert.deepEqual((await read('/v1/events')).filter(({ actor }) => actor !== 'broker'), []);
		assert.deepEqual((await read('/v1/status')).draining, false);
	});
}
