// The configuration of a running broker: shown, changed key by key, and brought back into the file.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { parse, stringify } from 'yaml';
import { command } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { freePort } from './support/ports.mjs';
import { random } from './support/random.mjs';
import { setup } from './support/setup.mjs';
import { until } from './support/time.mjs';
import { yaml } from './support/yaml.mjs';

const named = ({ url, name }) => ({ url, name });
const JSON_BODY = { 'content-type': 'application/json' };

// One command against the broker; its output, and its lines of errors.
async function config(broker, ...args) {
	const { code, stdout, stderr } = await command(['config', ...args, '--admin', `http://${broker.adminAddress}`]);
	return { code, stdout, lines: stderr.trimEnd().split('\n').map((line) => line.replace(/^wsbroker: /, '')) };
}

async function row(broker, key) {
	const { code, stdout } = await config(broker, 'show', key, '-o', 'json');
	assert.equal(code, 0, stdout);
	const rows = JSON.parse(stdout);
	assert.equal(rows.length, 1, stdout);
	return rows[0];
}

async function set(broker, key, value, ...more) {
	const { code, stdout, lines } = await config(broker, 'set', key, value, ...more);
	assert.equal(code, 0, lines.join());
	return stdout;
}

async function patch(broker, content) {
	const body = JSON.stringify(content);
	return broker.adminGet('/v1/config', { method: 'PATCH', body, headers: { ...JSON_BODY, 'content-length': Buffer.byteLength(body) } });
}

// Puts what `config diff` says into a configuration: mappings by their keys, lists by name or address.
function merge(into, from) {
	const id = (entry) => entry.name ?? entry.address;
	for (const [key, value] of Object.entries(from ?? {})) {
		if (Array.isArray(value)) {
			into[key] ??= [];
			for (const entry of value) {
				const known = into[key].find((each) => id(each) === id(entry));
				if (known)
					merge(known, entry);
				else
					into[key].push(entry);
			}
		} else if (value && typeof value === 'object') {
			merge(into[key] ??= {}, value);
		} else {
			into[key] = value;
		}
	}
	return into;
}

test('config show: value, default, source, who, when and why of each key, and no secret', async (t) => {
	const { broker } = await setup(t, {
		pool: { size: 2, headers: { Authorization: 'Bearer top-secret' } }, limits: { batch: 7 }, admin: { tokens: 'tokens.txt' },
		endpoint: ({ url, name }) => ({ url: `${url}/v3/top-secret`, name }), start: { ready: 'live', files: { 'tokens.txt': 'anna operator top-secret\n' } },
	});
	process.env.WSBROKER_TOKEN = 'top-secret';
	t.after(() => { delete process.env.WSBROKER_TOKEN; });
	assert.match(await set(broker, 'limits.clients', '500', '--reason', 'ticket 4711'), /^changed: limits\.clients: 10000 -> 500$/m);
	const { when, description, ...clients } = await row(broker, 'limits.clients');
	assert.ok(Math.abs(Date.parse(when) - Date.now()) < 60000, when);
	assert.match(description, /503/);
	assert.deepEqual(clients, {
		key: 'limits.clients', value: 500, default: 10000, pending: null, source: 'runtime', changeable: true, needs_restart: false,
		allowed: 'a whole number, 1 to 1000000', who: 'anna', why: 'ticket 4711' });
	const pick = async (key) => { const { value, source, changeable, needs_restart: restart } = await row(broker, key); return [value, source, changeable, restart]; };
	assert.deepEqual(await pick('limits.batch'), [7, 'file', true, false]);
	assert.deepEqual(await pick('limits.message'), ['1MiB', 'default', true, false]);
	assert.deepEqual(await pick('admin.address'), [broker.adminAddress, 'file', false, true]);
	assert.deepEqual(await pick('pools.main.headers'), ['(secret)', 'file', false, false]);
	assert.deepEqual(await pick('pools.main.tls.verify'), [true, 'default', true, false]);
	for (const args of [['show'], ['show', '-o', 'json'], ['diff'], ['diff', '-o', 'json']]) {
		const { stdout } = await config(broker, ...args);
		assert.doesNotMatch(stdout, /top-secret/, args.join(' '));
	}
	const { stdout } = await config(broker, 'show', 'limits');
	assert.match(stdout, /^KEY +VALUE +DEFAULT +SOURCE +CHANGE +WHO +WHEN +WHY$/m);
	assert.match(stdout, /^limits\.clients +500 +10000 +runtime +yes +anna +\S+Z +ticket 4711$/m);
	assert.doesNotMatch(broker.log, /top-secret/);
});

test('config set: at once, by the rules of the file, told in the history', async (t) => {
	const { broker, connect } = await setup(t, { pool: { size: 2 }, endpoint: named });
	const client = await connect();
	await set(broker, 'limits.batch', '2', '--reason', 'too long');
	const batch = (length) => client.askJson(Array.from({ length }, (_, id) => ({ jsonrpc: '2.0', id, method: 'echo' })));
	assert.equal((await batch(3)).error.code, -32600);
	assert.equal((await batch(2)).length, 2);
	await set(broker, 'pools.main.size', '5');
	await until(async () => (await broker.pool()).ready === 5, { what: 'five connections' });
	await set(broker, 'pools.main.endpoints.u0.weight', '3');
	const wrong = async (...args) => {
		const { code, lines } = await config(broker, 'set', ...args);
		assert.equal(code, 1);
		return lines[0];
	};
	assert.equal(await wrong('limits.batch', '0'), 'limits.batch: must be 1 to 10000');
	assert.equal(await wrong('limits.batch', 'many'), 'limits.batch: expected a whole number, 1 to 10000');
	assert.match(await wrong('limits.bacth', '5'), /^limits\.bacth: there is no such key \(did you mean “limits\.batch”\?\)$/);
	assert.match(await wrong('node', 'x'), /restart/);
	assert.match(await wrong('routes[0].timeout', '1s'), /file/);
	const { json } = await broker.adminGet('/v1/events?type=config.changed');
	assert.deepEqual(json.map(({ object, before, after, reason, actor }) => [object, before, after, reason, actor]), [
		['limits.batch', '100', '2', 'too long', 'loopback'],
		['pools.main.size', '2', '5', 'asked', 'loopback'],
		['pools.main.endpoints.u0.weight', '1', '3', 'asked', 'loopback'],
	]);
	for (const [content, status] of [[{}, 400], [{ key: 'limits.batch' }, 400], [{ key: 'limits.batch', value: [1] }, 400],
		[{ key: 'limits.batch', value: 1, why: 'x' }, 400], [{ key: 'none', value: 1 }, 404], [{ key: 'node', value: 'x' }, 409],
		[{ key: 'limits.batch', value: 9, reason: 'number' }, 200], [{ key: 'pools.main.tls.verify', value: false }, 200]])
		assert.equal((await patch(broker, content)).status, status, JSON.stringify(content));
	assert.equal((await row(broker, 'limits.batch')).value, 9);
	assert.deepEqual(await client.result('echo', [1]), [1]);
});

test('config diff: written into the file it is what runs, and nothing is left of it', async (t) => {
	const { broker, upstreams } = await setup(t, { upstreams: 2, pool: { size: 2 }, endpoint: named });
	await set(broker, 'pools.main.size', '4', '--reason', 'two nodes: # carry "it"');
	await set(broker, 'log.requests', 'slow');
	await set(broker, 'drain.timeout', '7s');
	await set(broker, 'pools.main.endpoints.u1.mode', 'drain');
	await set(broker, `listen.${broker.address}.path`, '/');
	const add = await command(['endpoint', 'add', 'main', upstreams[0].url, '--name', 'again', '--weight', '2', '--admin', `http://${broker.adminAddress}`]);
	assert.equal(add.code, 0, add.stderr);
	const { stdout } = await config(broker, 'diff');
	assert.match(stdout, /size: 4 {2}# .*wsbroker\.yaml:\d+:\d+ says 2; loopback at .*Z: two nodes: # carry "it"$/m);
	const next = merge(structuredClone(broker.config), parse(stdout));
	const before = JSON.parse((await config(broker, 'show', '-o', 'json')).stdout);
	fs.writeFileSync(broker.file, yaml(next).replace(/: off$/m, ': "off"'));
	const reload = await config(broker, 'reload');
	assert.equal(reload.code, 0, reload.lines.join());
	assert.equal(reload.stdout, 'no value has changed; certificates, keys and tokens were read again\nreloaded\n');
	assert.equal((await config(broker, 'diff')).stdout, '# Nothing that runs differs from the file.\n');
	const after = JSON.parse((await config(broker, 'show', '-o', 'json')).stdout);
	assert.deepEqual(after.map(({ key, value }) => [key, value]), before.map(({ key, value }) => [key, value]));
	assert.deepEqual(after.filter(({ source }) => source === 'runtime'), []);
});

test('config diff: a size that is pinned below its bound is written so that the file may say it', async (t) => {
	const { broker } = await setup(t, { pool: { size: 3, autoscale: { min: 2, max: 5 } }, endpoint: named });
	await set(broker, 'pools.main.size', '1');
	const next = merge(structuredClone(broker.config), parse((await config(broker, 'diff')).stdout));
	assert.deepEqual([next.pools[0].size, next.pools[0].autoscale], [1, { min: 1, max: 5 }]);
	fs.writeFileSync(broker.file, yaml(next));
	const { code, stderr } = await command(['check-config', '-c', broker.file]);
	assert.equal(code, 0, stderr);
	assert.match((await config(broker, 'reload')).stdout, /^changed: pools\.main\.autoscale\.min: 2 -> 1\nreloaded\n$/);
	assert.equal((await config(broker, 'diff')).stdout, '# Nothing that runs differs from the file.\n');
});

test('config show: a size that follows the load is what it is, and says on whose word', async (t) => {
	const { broker } = await setup(t, { pool: { size: 4, autoscale: { min: 2, max: 5, cool_down: '1s' } }, endpoint: named });
	const first = await row(broker, 'pools.main.size');
	if (first.value === 4)
		assert.deepEqual([first.source, first.who, first.when, first.why], ['file', 'autoscaler', null, 'follows the load, from 2 to 5']);
	const then = await until(async () => {
		const now = await row(broker, 'pools.main.size');
		return now.value === 2 && now;
	}, { what: 'an idle pool to be as small as it may be' });
	assert.deepEqual([then.source, then.who], ['runtime', 'autoscaler']);
	assert.match(then.why, /^idle: in_flight=/);
	assert.ok(Date.parse(then.when) <= Date.now());
	await set(broker, 'pools.main.size', '3', '--reason', 'three it is');
	const pinned = await row(broker, 'pools.main.size');
	assert.deepEqual([pinned.value, pinned.source, pinned.who, pinned.why], [3, 'runtime', 'loopback', 'three it is']);
});

test('config show: what is long comes in pages, and is whole all the same', async (t) => {
	const routes = Array.from({ length: 120 }, (_, n) => ({ method: `m${n}` }));
	const { broker } = await setup(t, { pool: { size: 2 }, endpoint: named, routes: [...routes, { method: '*' }] });
	const { json, headers } = await broker.adminGet('/v1/config');
	assert.equal(json.length, 2000);
	assert.match(headers.link, /^<\/v1\/config\?cursor=2000&limit=2000>; rel="next"$/);
	const all = JSON.parse((await config(broker, 'show', '-o', 'json')).stdout);
	assert.ok(all.length > 3000);
	assert.equal(new Set(all.map(({ key }) => key)).size, all.length);
	assert.deepEqual(all.slice(0, 2000), json);
	const some = JSON.parse((await config(broker, 'show', 'routes', '-o', 'json')).stdout);
	assert.deepEqual(some.map(({ key }) => key), all.map(({ key }) => key).filter((key) => key.startsWith('routes')));
	const page = await broker.adminGet('/v1/config?key=*.timeout&cursor=3&limit=2');
	assert.deepEqual(page.json.map(({ key }) => key), ['routes[2].timeout', 'routes[3].timeout']);
	assert.match(page.headers.link, /cursor=5&limit=2&key=%2A.timeout>/);
	assert.equal((await broker.adminGet('/v1/config?limit=2001')).status, 400);
});

test('config set takes what the files that are named hold now, and says so', async (t) => {
	const { broker } = await setup(t, { pool: { size: 2 }, endpoint: named, admin: { tokens: 'tokens.txt' },
		start: { files: { 'tokens.txt': 'o operator old-token\n' } } });
	const as = (token, ...args) => command(['config', ...args, '--admin', `http://${broker.adminAddress}`], { env: { WSBROKER_TOKEN: token } });
	const file = `${broker.directory}/tokens.txt`;
	fs.writeFileSync(file, 'o operator new-token\nbroken\n');
	const refused = await as('old-token', 'set', 'limits.batch', '9');
	assert.equal(refused.code, 1);
	assert.match(refused.stderr, /tokens\.txt/);
	fs.writeFileSync(file, 'o operator new-token\n');
	assert.match((await as('old-token', 'set', 'limits.batch', '9')).stdout,
		/^changed: admin\.tokens: \S*tokens\.txt holds something else now\nchanged: limits\.batch: 100 -> 9$/m);
	assert.equal((await as('old-token', 'show')).code, 4);
	assert.equal((await as('new-token', 'show')).code, 0);
});

test('what lies over the file is named by a reload; what waits for a restart by diff and show', async (t) => {
	const { broker } = await setup(t, { pool: { size: 2 }, endpoint: named, node: 'one' });
	await set(broker, 'pools.main.size', '4');
	fs.writeFileSync(broker.file, yaml({ ...broker.config, node: 'two', limits: { batch: 9 } }));
	const { stdout } = await config(broker, 'reload');
	assert.deepEqual(stdout.trimEnd().split('\n'), ['changed: limits.batch: 100 -> 9',
		'kept as changed at runtime: pools.main.size: 4; in the file: 2', 'needs a restart: node: one -> two', 'reloaded']);
	assert.match((await config(broker, 'diff')).stdout, /^# node: two; runs: one; .*wsbroker\.yaml:\d+:\d+$/m);
	const { value, pending, source } = await row(broker, 'node');
	assert.deepEqual([value, pending, source], ['one', 'two', 'file']);
});

test('config set outlives a restart with a state file, until the file says otherwise', async (t) => {
	const { broker } = await setup(t, { pool: { size: 2 }, endpoint: named, state: 'broker.state' });
	assert.doesNotMatch(await set(broker, 'limits.batch', '8', '--reason', 'kept'), /until the next start/);
	await broker.stop();
	await broker.start();
	const { value, source, who, why } = await row(broker, 'limits.batch');
	assert.deepEqual([value, source, who, why], [8, 'runtime', 'loopback', 'kept']);
	await broker.stop();
	fs.writeFileSync(broker.file, yaml({ ...broker.config, limits: { batch: 9 } }));
	await broker.start();
	assert.deepEqual(((each) => [each.value, each.source, each.who])(await row(broker, 'limits.batch')), [9, 'file', null]);
});

test('two brokers do not share a state file, nor an admin address', async (t) => {
	const { broker } = await setup(t, { pool: { size: 1 }, state: 'broker.state' });
	const second = async (change) => {
		const next = { ...broker.config, listen: [{ address: `127.0.0.1:${await freePort()}` }], ...change };
		fs.writeFileSync(`${broker.directory}/second.yaml`, yaml(next));
		const { code, stderr } = await command(['serve', '-c', `${broker.directory}/second.yaml`]);
		assert.equal(code, 1);
		return stderr;
	};
	assert.match(await second({ admin: { address: `127.0.0.1:${await freePort()}` } }),
		new RegExp(`^\\S+/broker\\.state: another broker keeps its changes there \\(process ${broker.pid}\\): .*\\$\\{PORT_INDEX\\}$`, 'm'));
	assert.match(await second({ state: '' }), /cannot listen: the address is in use \(.*`admin\.address`.*\$\{PORT_INDEX\}\)$/m);
	assert.equal((await broker.adminGet('/readyz')).status, 200);
	await broker.sigkill();
	await broker.start();
});

test('a state file that cannot be written, and a file that was refused, are told by status', async (t) => {
	const { broker } = await setup(t, { pool: { size: 1 }, state: 'gone/broker.state' });
	await set(broker, 'limits.batch', '8');
	const failed = () => broker.metric('wsbroker_state_writes_total', { result: 'failed' });
	await until(async () => await failed() === 1, { what: 'the failure' });
	fs.writeFileSync(broker.file, 'pools: []\n');
	assert.equal((await config(broker, 'reload')).code, 1);
	// A busy machine keeps the event loop waiting, which is told as well.
	const reasonsOf = ({ json }) => json.reasons.filter(({ text }) => !/^the event loop was/.test(text));
	const bad = await broker.adminGet('/v1/status');
	const reasons = reasonsOf(bad);
	assert.equal(bad.json.verdict, 'degraded');
	assert.deepEqual(reasons.map(({ text }) => text.slice(0, 40)), ['the state file cannot be written: No suc', 'the configuration file was refused when ']);
	fs.mkdirSync(`${broker.directory}/gone`);
	fs.writeFileSync(broker.file, yaml(broker.config));
	assert.equal((await config(broker, 'reload')).code, 0);
	await until(async () => await broker.metric('wsbroker_state_writes_total', { result: 'ok' }) >= 1, { what: 'the state file' });
	assert.deepEqual(reasonsOf(await broker.adminGet('/v1/status')), []);
	assert.equal(JSON.parse(fs.readFileSync(`${broker.directory}/gone/broker.state`)).changes[0].key, 'limits.batch');
	const { json } = await broker.adminGet('/v1/events?type=config.state*');
	assert.deepEqual(json.map(({ type }) => type), ['config.state_not_written', 'config.state_written']);
});

test('a state file that could not be written is written as soon as it can be, and before the broker ends', async (t) => {
	const { broker } = await setup(t, { pool: { size: 1 }, state: 'gone/broker.state' });
	const gone = `${broker.directory}/gone`;
	const kept = () => JSON.parse(fs.readFileSync(`${gone}/broker.state`)).changes.map(({ key, value }) => [key, value]);
	const failed = (count) => until(async () => await broker.metric('wsbroker_state_writes_total', { result: 'failed' }) >= count, { deadline: 15000, what: `${count} failures` });
	await set(broker, 'limits.batch', '8');
	await failed(2);
	assert.equal(broker.log.match(/config\.state_not_written/g).length, 1);
	fs.mkdirSync(gone);
	await until(() => fs.existsSync(`${gone}/broker.state`), { deadline: 15000, what: 'the state file' });
	assert.deepEqual(kept(), [['limits.batch', '8']]);
	await until(async () => (await broker.adminGet('/v1/status')).json.verdict === 'ok', { what: 'verdict' });
	fs.renameSync(gone, `${gone}.away`);
	await set(broker, 'limits.batch', '9');
	await failed(3);
	fs.mkdirSync(gone);
	await broker.stop();
	assert.deepEqual(kept(), [['limits.batch', '9']]);
});

test('a storm of changes, good and bad, is the same after a restart, and once it stands in the file', async (t) => {
	const below = random(t);
	const pick = (list) => list[below(list.length)];
	const { broker } = await setup(t, { upstreams: 2, pool: { size: 3, autoscale: { min: 1, max: 30 } }, endpoint: named, state: 'broker.state', log: { level: 'error' }, start: { ready: 'live' } });
	// With 250 ms for a handshake, a machine that is busy would cut off who asks here.
	const keys = (await broker.adminGet('/v1/config')).json.map(({ key }) => key).filter((key) => !/^log\.level|^drain|\.(mode|max_ejected)$|^admin|^limits\.handshake$/.test(key));
	const values = ['', '0', '1', '2', '7', '40', '-1', 'many', 'true', 'false', 'all', 'off', '1s', '250ms', '90s', '64KiB', '1MiB', '0.5', 'random', 'x y', 5, 0.25, true, 1e300];
	const change = async (method, target, content) => {
		const body = JSON.stringify({ ...content, reason: pick(['', 'ticket', 'two\nlines # "']) });
		return broker.adminGet(target, { method, body, headers: { ...JSON_BODY, 'content-length': Buffer.byteLength(body) } });
	};
	let taken = 0;
	for (let step = 0; step < 300; step++) {
		const what = below(20);
		const { status, body } = what < 15 ? await change('PATCH', '/v1/config', { key: pick(keys), value: pick(values) })
			: what < 17 ? await change('PATCH', '/v1/pools/main', pick([{ size: 9 + below(30) }, { min: below(9) }, { max: 9 + below(40) }, { balancer: 'random' }]))
				: what < 18 ? await change('POST', '/v1/pools/main/unpin', {})
					: what < 19 ? await change('PATCH', '/v1/pools/main/endpoints/u0', { weight: 1 + below(9) })
						: await change('POST', '/v1/config/reload', {});
		assert.ok([200, 202, 400, 404, 409].includes(status), `${status} ${body}`);
		taken += status < 300 ? 1 : 0;
	}
	assert.ok(taken > 30, `${taken} taken`);
	const rows = async () => (await broker.adminGet('/v1/config')).json;
	const before = await rows();
	// A size that nobody has pinned follows the load and the bounds, from wherever it was.
	const valueOf = (key) => before.find((each) => each.key === key);
	const isFree = valueOf('pools.main.size').who === 'autoscaler';
	const settled = (all) => all.filter(({ key }) => !(isFree && key === 'pools.main.size'));
	// A file cannot say that a size is pinned below its bound.
	const isBelow = !isFree && valueOf('pools.main.size').value < valueOf('pools.main.autoscale.min').value;
	const written = (all) => settled(all).filter(({ key }) => !(isBelow && key === 'pools.main.autoscale.min'));
	const { json: { yaml: text } } = await broker.adminGet('/v1/config/diff');
	await broker.stop();
	await broker.start();
	assert.deepEqual(settled(await rows()), settled(before));
	fs.writeFileSync(broker.file, stringify(merge(structuredClone(broker.config), parse(text))));
	const { code, lines } = await config(broker, 'reload');
	assert.equal(code, 0, `${lines.join('\n')}\n${text}`);
	assert.deepEqual(written(await rows()).map(({ key, value }) => [key, value]), written(before).map(({ key, value }) => [key, value]));
	assert.deepEqual((await rows()).filter(({ key, source }) => source === 'runtime' && key !== 'pools.main.size'), []);
});
