// A configuration that changes under a running broker.
//
// TEST_SECONDS (20) is how long it is read again and again under load.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { WSBROKER, command } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { run } from './support/child.mjs';
import { setup } from './support/setup.mjs';
import { until } from './support/time.mjs';
import { yaml } from './support/yaml.mjs';

const SECONDS = Number(process.env.TEST_SECONDS ?? 20);

const descriptors = (broker) => fs.readdirSync(`/proc/${broker.pid}/fd`).length;
const resident = (broker) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${broker.pid}/status`, 'utf8'))[1]) * 1024;
const endpoint = async (broker, name) => (await broker.pool()).endpoints.find((entry) => entry.name === name);

const post = (broker, target, method = 'POST', content = {}) => {
	const body = JSON.stringify(content);
	return broker.adminGet(target, {
		method, body, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
	});
};

// Writes the file anew, its text as it comes out of yaml() changed by `spoil`, and has it read.
function reload(broker, config, spoil = (text) => text) {
	fs.writeFileSync(broker.file, spoil(yaml(config)));
	return post(broker, '/v1/config/reload');
}

async function taken(broker, config) {
	const answer = await reload(broker, config);
	assert.equal(answer.status, 200, answer.body);
	return answer.json.changed.map(({ key }) => key);
}

const named = ({ url, name }) => ({ url, name });

test('read again and again under load, every second file broken: nobody is dropped, nothing grows', { timeout: (SECONDS + 150) * 1000 }, async (t) => {
	const { broker, connect } = await setup(t, { upstreams: 2, pool: { size: 4 }, endpoint: named, log: { level: 'error' },
		// Where a sanitizer watches, what was freed is to be given back while we look.
		start: { env: { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=1` } } });
	assert.equal((await post(broker, '/v1/pools/main/endpoints/u1', 'PATCH', { state: 'drain' })).status, 202);
	await until(async () => (await endpoint(broker, 'u1')).state === 'drained', { what: 'the drain' });
	await until(async () => (await endpoint(broker, 'u0')).ready === 4, { what: 'the others to carry it all' });
	const clients = await Promise.all(Array.from({ length: 10 }, () => connect()));
	const load = run(WSBROKER, ['bench', '--url', broker.url, '--method', 'echo', '--params', '[{key}]', '--expect', '[{key}]',
		'--connections', '20', '--rate', '500', '--warm-up', '1s', '--duration', `${SECONDS}s`, '-o', 'json'],
		{ deadline: (SECONDS + 30) * 1000 });
	let ended = false;
	load.finally(() => { ended = true; }).catch(() => {});
	const before = { files: descriptors(broker), memory: 0 };
	let reloads = 0;
	for (; !ended; reloads += 2) {
		const next = { ...broker.config, limits: { batch: 10 + reloads % 50 } };
		assert.deepEqual(await taken(broker, next), ['limits.batch']);
		const bad = await reload(broker, next, (text) => `${text}\nlimitz: {batch: 5}\n`);
		assert.equal(bad.status, 422, bad.body);
		assert.match(bad.body, /wsbroker\.yaml:\d+:\d+: .*limitz.*did you mean “limits/);
		before.memory ||= resident(broker);
	}
	const { code, stdout } = await load;
	assert.equal(code, 0, stdout);
	const report = JSON.parse(stdout);
	assert.equal(report.errors?.total ?? report.errors, 0, stdout);
	assert.equal(report.wrong, 0, stdout);
	for (const [at, client] of clients.entries())
		assert.deepEqual(await client.result('echo', [at]), [at]);
	assert.equal((await endpoint(broker, 'u1')).state, 'drained');
	assert.equal((await broker.pool()).size, 4);
	await until(async () => await broker.metric('wsbroker_clients') === 10, { what: 'the load to be gone' });
	await until(() => descriptors(broker) <= before.files, { what: 'every descriptor to be given back' });
	assert.ok(resident(broker) < before.memory * 1.5 + (8 << 20), `${resident(broker) - before.memory} bytes more`);
	t.diagnostic(`${reloads} reloads, ${resident(broker) - before.memory} bytes more`);
});

test('SIGHUP takes a good file and leaves a bad one', async (t) => {
	const { broker, connect } = await setup(t, { pool: { size: 2 }, endpoint: named });
	const client = await connect();
	const [pool] = broker.config.pools;
	fs.writeFileSync(broker.file, yaml({ ...broker.config, pools: [{ ...pool, size: 5 }] }));
	broker.signal('SIGHUP');
	await until(async () => (await broker.pool()).ready === 5, { what: 'five connections' });
	fs.writeFileSync(broker.file, 'pools: []\n');
	broker.signal('SIGHUP');
	await until(() => /config\.rejected/.test(broker.log), { what: 'the refusal in the log' });
	assert.equal((await broker.pool()).size, 5);
	assert.deepEqual(await client.result('echo', [1]), [1]);
});

test('what an operator has set outlives a reload, until the file itself says otherwise', async (t) => {
	const { broker } = await setup(t, { upstreams: 2, pool: { size: 2 }, endpoint: named });
	const [pool] = broker.config.pools;
	assert.equal((await post(broker, '/v1/pools/main', 'PATCH', { size: 6, balancer: 'peak-ewma' })).status, 202);
	await taken(broker, { ...broker.config, limits: { batch: 7 } });
	assert.deepEqual([(await broker.pool()).size, (await broker.pool()).balancer], [6, 'peak-ewma']);
	await taken(broker, { ...broker.config, limits: { batch: 7 }, pools: [{ ...pool, size: 3 }] });
	assert.deepEqual([(await broker.pool()).size, (await broker.pool()).balancer], [3, 'peak-ewma']);
});

test('endpoints and routes of the file come and go', async (t) => {
	const { broker, connect, upstreams } = await setup(t, { upstreams: 2, pool: { size: 2 }, endpoint: named });
	const client = await connect();
	const [pool] = broker.config.pools;
	const routes = [{ method: 'echo', deny: true }, { method: '*', pool: 'main' }];
	await taken(broker, { ...broker.config, pools: [{ ...pool, endpoints: [named(upstreams[1])] }], routes });
	await until(async () => (await broker.pool()).endpoints.length === 1, { what: 'the first to be forgotten' });
	const { error } = await client.call('echo', [1]);
	assert.equal(error.data.reason, 'method_denied');
	await taken(broker, broker.config);
	assert.deepEqual(await client.result('echo', [2]), [2]);
	assert.equal((await broker.pool()).endpoints.length, 2);
});

test('what needs a restart is named and left as it is', async (t) => {
	const { broker } = await setup(t, { pool: { size: 1 } });
	const answer = await reload(broker, { ...broker.config, node: 'another' });
	assert.equal(answer.status, 200, answer.body);
	assert.deepEqual(answer.json.restart_needed.map(({ key }) => key), ['node']);
	assert.notEqual((await broker.adminGet('/v1/status')).json.node, 'another');
});

test('what is wrong with a file is told line by line, and counted', async (t) => {
	const { broker } = await setup(t, { pool: { size: 1 } });
	const bad = await reload(broker, broker.config, (text) => `${text}\nlimitz: {batch: 5}\nlimits: {clients: 0}\n`);
	assert.equal(bad.status, 422, bad.body);
	assert.equal(bad.json.errors.length, 2, bad.body);
	for (const line of bad.json.errors)
		assert.match(line, /wsbroker\.yaml:\d+:\d+: /);
	const { code, stderr } = await command(['config', 'reload', '--admin', `http://${broker.adminAddress}`]);
	assert.equal(code, 1);
	assert.deepEqual(stderr.trimEnd().split('\n'), ['wsbroker: Nothing was changed: 2 errors.', ...bad.json.errors]);
	const reloads = async (result) => broker.metric('wsbroker_reloads_total', { result });
	assert.deepEqual([await reloads('ok'), await reloads('rejected'), await broker.metric('wsbroker_config_last_reload_successful')], [0, 2, 0]);
	await taken(broker, broker.config);
	assert.deepEqual([await reloads('ok'), await reloads('rejected'), await broker.metric('wsbroker_config_last_reload_successful')], [1, 2, 1]);
	assert.equal(await broker.metric('wsbroker_config_generation'), 2);
});

test('a size that was pinned, and bounds, outlive a restart', async (t) => {
	const settings = { pool: { size: 3, autoscale: { min: 1, max: 8 } }, endpoint: named, state: 'broker.state' };
	const { broker } = await setup(t, settings);
	assert.equal((await post(broker, '/v1/pools/main', 'PATCH', { size: 3, max: 6 })).status, 202);
	assert.equal((await broker.pool()).pinned, true);
	await broker.stop();
	await broker.start();
	const { pinned, size, max } = await broker.pool();
	assert.deepEqual({ pinned, size, max }, { pinned: true, size: 3, max: 6 });
	assert.equal((await post(broker, '/v1/pools/main/unpin')).status, 200);
	await broker.stop();
	await broker.start();
	assert.equal((await broker.pool()).pinned, false);
});
