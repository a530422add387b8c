// The commands of an operator against a broker that works.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { command, WSBROKER } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { startChild } from './support/child.mjs';
import { freePort } from './support/ports.mjs';
import { gate, setup } from './support/setup.mjs';
import { tempDir, writeFile } from './support/temp.mjs';
import { until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

const named = ({ url, name }) => ({ url, name });

async function stage(t, options = {}) {
	const all = await setup(t, { upstreams: 2, pool: { size: 2 }, endpoint: named, ...options });
	const run = (line, more = {}) => command([...line.split(' '), ...(more.args ?? []), '--admin', `http://${all.broker.adminAddress}`], more);
	const good = async (line, more) => {
		const outcome = await run(line, more);
		assert.equal(outcome.code, 0, `${line}: ${outcome.stdout}${outcome.stderr}`);
		return outcome.stdout;
	};
	const json = async (line, more = {}) => JSON.parse(await good(line, { ...more, args: [...(more.args ?? []), '-o', 'json'] }));
	return { ...all, run, good, json };
}

test('a pool is resized, waited for, and the change is on record', async (t) => {
	const { broker, good, json, run } = await stage(t);
	const said = await good('pool resize main 7 --wait 10s', { args: ['--reason', 'a busy night'] });
	assert.match(said, /^pool resize main: done/);
	assert.deepEqual(await broker.pool().then(({ size, ready }) => [size, ready]), [7, 7]);
	await good('pool resize main 3 --wait 10s');
	assert.equal((await broker.pool()).ready, 3);
	const [event] = await json('events --since 1h --type pool.resized');
	assert.deepEqual([event.object, event.before, event.after, event.reason, event.actor], ['main', '2', '7', 'a busy night', 'loopback']);
	assert.match(await good('operations'), /pool resize .* a busy night/);
	// A connection that came up is one line, and says whose it is; its steps are there for who asks.
	const steps = /connection\.(dialing|warming)/;
	assert.match(await good('events'), /connection\.ready +main\/\S+ connection \d+ /);
	assert.doesNotMatch(await good('events'), steps);
	assert.match(await good('events --all'), steps);
	assert.match(await good('events --type connection.warming'), steps);
	assert.ok((await json('events')).some(({ type }) => steps.test(type)));
	for (const [size, says] of [['0', /at least 1/], ['-1', /whole number/], ['100000', /1000/], ['many', /whole number/]]) {
		const { code, stderr } = await run(`pool resize main ${size}`);
		assert.ok(code === 1 || code === 2, `${size}: ${code}`);
		assert.match(stderr, says);
	}
	const { code, stderr } = await run('pool resize nain 3');
	assert.equal(code, 1);
	assert.match(stderr, /nain/);
});

test('an endpoint is drained, closed, weighed and taken back', async (t) => {
	const { broker, connect, good, json, run, upstreams } = await stage(t);
	const client = await connect();
	const state = async (name) => (await json('endpoints')).find((row) => row.name === name);
	await good('endpoint drain main/u0 --wait 5s', { args: ['--reason', 'new kernel'] });
	assert.deepEqual(await state('u0').then(({ state: now, reason, pool }) => [now, reason, pool]), ['drained', 'new kernel', 'main']);
	// Its connections stay, but no request may go to them: what counts as ready is what does.
	await good('wait pool.main.ready==2 --timeout 5s');
	assert.deepEqual((await json('connections')).map(({ endpoint }) => endpoint).sort(), ['u0', 'u1', 'u1']);
	assert.equal((await json('status')).pools[0].endpoints_up, 1);
	const before = upstreams[0].requests.length;
	for (let at = 0; at < 10; at++)
		await client.result('echo', [at]);
	assert.equal(upstreams[0].requests.length, before, 'no new request');
	const refused = await run('endpoint maint main/u1');
	assert.equal(refused.code, 1);
	assert.match(refused.stderr, /force/);
	await good('endpoint maint main/u0 --wait 5s');
	await until(() => upstreams[0].connections.size === 0, { what: 'its connections to close' });
	await good('endpoint ready main/u0 --wait 5s');
	assert.equal((await state('u0')).state, 'active');
	await good('endpoint weight main/u0 5');
	assert.equal((await state('u0')).weight, 5);
	const first = (await good('endpoints --sort -weight')).split('\n')[1];
	assert.match(first, /u0/);
	assert.equal((await broker.adminGet('/readyz')).status, 200);
	const { code, stderr } = await run('endpoint drain u0');
	assert.equal(code, 2);
	assert.match(stderr, /POOL\/NAME/);
});

test('endpoints are added and removed while the pool runs', async (t) => {
	const { good, json, upstreams } = await stage(t);
	const more = await startUpstream(t, { name: 'u2' });
	await good(`endpoint add main ${more.url} --name u2 --weight 2 --wait 5s`);
	await until(() => more.connections.size > 0, { what: 'a connection to the new one' });
	assert.deepEqual((await json('endpoints --pool main')).map(({ name }) => name).sort(), ['u0', 'u1', 'u2']);
	await good('endpoint remove main/u0 --wait 5s');
	await until(() => upstreams[0].connections.size === 0, { what: 'its connections to close' });
	assert.deepEqual((await json('endpoints')).map(({ name }) => name).sort(), ['u1', 'u2']);
});

test('a paused pool loses nothing', async (t) => {
	const held = gate();
	const { connect, good, run, upstreams } = await stage(t, { upstreams: [{ methods: { held: held.method } }] });
	const client = await connect();
	const open = client.call('held');
	await upstreams[0].seen('held', 1);
	const late = await run('pool pause main --timeout 30s --wait 300ms');
	assert.equal(late.code, 5, late.stderr);
	held.release();
	await open;
	await good('wait pool.main.in_flight==0 --timeout 5s');
	const waiting = client.call('echo', [1]);
	await good('wait pool.main.queued>=1 --timeout 5s');
	assert.match(await good('status'), /paused/);
	await good('pool resume main');
	assert.deepEqual((await waiting).result, [1]);
});

test('a client is kicked by its id', async (t) => {
	const { connect, good, json, run } = await stage(t);
	const client = await connect();
	const [row] = (await json('clients')).slice(-1);
	assert.equal(row.peer, '127.0.0.1');
	assert.match(await good('clients'), new RegExp(`${row.id} .*127.0.0.1 .*websocket`));
	await good(`client kick ${row.id}`);
	assert.deepEqual(await client.closed.then(({ code }) => code), 1008);
	const { code, stderr } = await run('client kick 999999');
	assert.equal(code, 1);
	assert.match(stderr, /999999/);
});

test('drain ends the broker, and waiting for it succeeds', async (t) => {
	const { broker, connect, good, json } = await stage(t, { drain: { timeout: '5s', spread: '100ms', delay: '100ms' } });
	const client = await connect();
	assert.match(await good('drain --wait 10s', { args: ['--reason', 'moving house'] }), /^drain: done: the broker drains$/m);
	assert.equal((await client.closed).code, 1012);
	assert.equal((await broker.child.ended).code, 0);
	assert.match(broker.log, /drain\.begin/);
	await good('wait drained --timeout 1s');
	await assert.rejects(json('status'));
});

test('SIGTERM after an asked drain only says the same', async (t) => {
	const { broker, connect, good } = await stage(t, { drain: { timeout: '5s', spread: '1s', delay: '500ms' } });
	const client = await connect();
	await good('drain');
	broker.signal('SIGTERM');
	assert.equal((await client.closed).code, 1012);
	assert.equal((await broker.child.ended).code, 0);
});

test('events are followed from where the last connection left off', async (t) => {
	const { broker, good } = await stage(t);
	const follower = startChild(t, WSBROKER, ['events', '--follow', '-o', 'json', '--type', 'pool.*', '--admin', `http://${broker.adminAddress}`]);
	const types = () => follower.stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
	await until(async () => {
		await good('pool balancer main random');
		await good('pool balancer main round-robin');
		return types().length >= 2;
	}, { what: 'two events', every: 50 });
	assert.ok(types().every(({ type, actor }) => type.startsWith('pool.') && actor === 'loopback'));
	const seen = types().length;
	await good('pool resize main 3 --wait 5s');
	await until(() => types().length > seen, { what: 'the next event' });
	assert.ok(types().some(({ type }) => type === 'pool.resized'));
	assert.equal((await follower.end('SIGINT')).signal, 'SIGINT');
});

test('requests show the slow and the failed, with why', async (t) => {
	const { connect, good, json } = await stage(t, {
		log: { level: 'info', format: 'logfmt', slow: '500ms' },
		routes: [{ method: 'hang', pool: 'main', timeout: '50ms' }, { method: '*', pool: 'main' }] });
	const client = await connect();
	await client.result('echo');
	await client.result('delay', { ms: 550 });
	await client.call('hang');
	// Unless the machine made it slow, the first one is not there.
	const kept = (await json('requests')).filter(({ method, duration_seconds: took }) => method !== 'echo' || took < 0.5);
	assert.deepEqual(kept.map(({ method, result }) => [method, result]), [['delay', 'ok'], ['hang', 'timeout']]);
	assert.deepEqual((await json('requests --failed')).map(({ method }) => method), ['hang']);
	const slow = (await json('requests --slow')).find(({ method }) => method === 'delay');
	assert.ok(slow.duration_seconds >= 0.55 && slow.upstream_seconds > 0.5 && slow.endpoint);
	assert.match(await good('requests'), /hang +timeout/);
});

test('check speaks to monitoring, report to people', async (t) => {
	const { good, run, json, upstreams } = await stage(t);
	// A busy machine keeps the event loop waiting, which is a warning for a moment.
	await until(async () => /^WSBROKER OK - main 2\/2 ready \| clients=0/.test((await run('check')).stdout), { what: 'ok', every: 50 });
	const { state, exit_code, text } = await until(() => json('check'), { what: 'ok', every: 50 });
	assert.deepEqual([state, exit_code], ['ok', 0]);
	assert.match(text, /^WSBROKER OK - main 2\/2 ready/);
	await good('pool balancer main random', { args: ['--reason', 'an experiment'] });
	const page = await good('report --since 1h');
	assert.match(page, /^# wsbroker /);
	assert.match(page, /## Changes by people[^]*pool\.balancer \| main \| least-connections \| random \| an experiment \| loopback/);
	assert.match(page, /## Endpoints[^]*main\/u0/);
	const parts = await json('report --since 1h');
	assert.deepEqual(Object.keys(parts), ['since', 'status', 'endpoints', 'events', 'requests']);
	assert.ok(parts.events.some(({ type }) => type === 'pool.balancer'));
	await upstreams[0].stop();
	await until(async () => (await run('check')).code === 1, { what: 'a warning', every: 50 });
	await upstreams[1].stop();
	await until(async () => (await run('check')).code === 2, { what: 'critical', every: 50 });
	const { code, stdout } = await command(['check', '--admin', `http://127.0.0.1:${await freePort()}`]);
	assert.equal(code, 3);
	assert.match(stdout, /^WSBROKER UNKNOWN - no broker answers/);
});

test('status names the sick endpoint and the command that acts on it', async (t) => {
	const { good, json, upstreams } = await stage(t);
	await until(async () => (await good('status')).split('\n')[0] === 'ok', { what: 'ok', every: 50 });
	await upstreams[0].stop();
	const bad = await until(async () => {
		const status = await json('status');
		return status.reasons.find(({ text }) => /main\/u0/.test(text));
	}, { what: 'a reason', every: 50 });
	assert.match(bad.command, /^wsbroker endpoint (maint|drain) main\/u0$/);
	await good(bad.command.replace('wsbroker ', ''));
	await until(async () => (await json('status')).verdict === 'ok', { what: 'ok again', every: 50 });
	assert.match(await good('status'), /wsbroker endpoint ready main\/u0/);
});

test('wait tells what it waits for in vain', async (t) => {
	const { good, run, json } = await stage(t);
	await good('wait ready --timeout 5s');
	assert.deepEqual(await json('wait ready'), { condition: 'ready', holds: true, found: 'ready' });
	assert.deepEqual(JSON.parse((await run('wait pool.main.ready>=99 --timeout 200ms -o json')).stdout),
		{ condition: 'pool.main.ready>=99', holds: false, found: '2' });
	await good('wait pool.main.ready>=2 --timeout 5s');
	await good('wait endpoint.main/u0.state==active --timeout 5s');
	const late = await run('wait pool.main.ready>=99 --timeout 200ms');
	assert.equal(late.code, 5);
	assert.match(late.stderr, /pool\.main\.ready>=99: 2/);
	assert.equal((await run('wait pool.main.redy>=99')).code, 2);
	assert.equal((await run('wait nonsense')).code, 2);
	const gone = await command(['wait', 'ready', '--timeout', '200ms', '--admin', `http://127.0.0.1:${await freePort()}`]);
	assert.equal(gone.code, 3);
});

test('tokens come from the environment or a file, and lesser roles end with 4', async (t) => {
	const { broker, run, good } = await stage(t, {
		admin: { tokens: 'tokens.txt' }, listen: [{ auth: { tokens: 'tokens.txt' } }],
		start: { files: { 'tokens.txt': 'v viewer view-token\no operator op-token\n' } } });
	assert.equal((await run('status')).code, 4);
	assert.match((await run('status')).stderr, /WSBROKER_TOKEN/);
	assert.equal((await run('status', { env: { WSBROKER_TOKEN: 'wrong' } })).code, 4);
	await good('status', { env: { WSBROKER_TOKEN: 'view-token' } });
	const refused = await run('pool resize main 3', { env: { WSBROKER_TOKEN: 'view-token' } });
	assert.equal(refused.code, 4);
	assert.match(refused.stderr, /role operator/);
	const file = writeFile(tempDir(t), 'token', 'op-token\n');
	await good(`pool resize main 3 --wait 5s --token-file ${file}`);
	const { json } = await broker.adminGet('/v1/events?type=pool.resized', { headers: { Authorization: 'Bearer op-token' } });
	assert.equal(json[0].actor, 'o');
	assert.equal((await run('status --token-file /no/such/file')).code, 2);
	const call = (line, env) => command(['call', 'wsbroker.ping', '--url', broker.url, ...line], { env });
	for (const [line, token] of [[[], 'view-token'], [['--token-file', file], 'wrong'], [['--token', 'op-token'], 'wrong']])
		assert.equal((await call(line, { WSBROKER_TOKEN: token })).code, 0, `${line}`);
	for (const env of [{}, { WSBROKER_TOKEN: 'wrong' }]) {
		const { code, stderr } = await call([], env);
		assert.equal(code, 4);
		assert.match(stderr, /WSBROKER_TOKEN or --token-file/);
	}
	const table = await call(['--token-file', writeFile(tempDir(t), 'tokens', 'v viewer view-token\n')], {});
	assert.equal(table.code, 2);
	assert.match(table.stderr, /its first line is no token/);
});

test('what is wrong with a command line is exit 2, and said', async (t) => {
	const { run } = await stage(t);
	const mistakes = [
		['watch --since abc', /since must be a position/],
		['watch --tag=', /--tag needs a value/],
		['invalidate --all --tag x', /--all stands alone/],
		['invalidate --key x --match all', /--match is about tags/],
		['invalidate --tag x --match some', /any or all/],
		['events --since abc', /since must be a time/],
		['events --since 1h --until 2h', /until must be later than since/],
		['events --follow --until 1h', /--follow/],
		['events --follow --watch 1', /--follow/],
		['requests --since yesterday', /since must be a time/],
		['report --since abc', /since must be a time/],
		['wait pool.main.ready>=x --timeout 5s', /it is a number, not x/],
		['pool resiz main 3', /unknown command pool resiz .*“pool resize”/],
		['status -x', /unknown option -x$/m],
		['status --admin http://:1', /needs a host/],
	];
	for (const [line, says] of mistakes) {
		const { code, stderr } = await run(line);
		assert.equal(code, 2, `${line}: ${stderr}`);
		assert.match(stderr, says, line);
		assert.match(stderr, /^Try: wsbroker .*--help$/m, line);
	}
	for (const args of [['pool', 'pause', ''], ['cache', 'get', '']])
		assert.match((await run('-o json', { args })).stderr, /first argument is empty/);
	// To monitoring 2 would say that the broker is critical.
	for (const line of ['check --watch 1', 'check now', 'check --nosuch', 'check --token-file /no/such/file'])
		assert.equal((await run(line)).code, 3, line);
	for (const [line, says] of [['--jsn', /unknown option --jsn/], ['-o json', /a command must be given/], ['serve --confg x', /“--config”/]]) {
		const { code, stderr } = await command(line.split(' '));
		assert.equal(code, 2, line);
		assert.match(stderr, says);
	}
});

test('a name that is not there is exit 1, and the one that was meant is told', async (t) => {
	const { run } = await stage(t);
	const mistakes = [
		['pool pause mian', 'there is no pool mian (did you mean “main”?)'],
		['endpoints --pool mian', 'there is no pool mian (did you mean “main”?)'],
		['endpoint drain mian/u0', 'there is no pool mian (did you mean “main”?)'],
		['endpoint drain main/u2', 'pool main has no endpoint u2 (did you mean “u0”?)'],
		['endpoint drain main/elsewhere', 'pool main has no endpoint elsewhere'],
	];
	for (const [line, says] of mistakes) {
		const { code, stderr } = await run(line);
		assert.equal(code, 1, line);
		assert.equal(stderr, `wsbroker: ${says}\n`, line);
	}
});

test('completion scripts are scripts', async (t) => {
	const { code, stdout } = await command(['completion', 'bash']);
	assert.equal(code, 0);
	const file = writeFile(tempDir(t), 'completion.bash', `${stdout}\nCOMP_WORDS=(wsbroker pool re) COMP_CWORD=2; _wsbroker; echo "\${COMPREPLY[*]}"\n`);
	const child = startChild(t, 'bash', [file]);
	assert.equal((await child.ended).stdout.trim(), 'resize resume reconnect');
	assert.equal((await command(['completion', 'csh'])).code, 2);
	assert.ok(fs.existsSync(file));
});

test('a reload is on record with who asked for it and why', async (t) => {
	const { broker, good, json } = await stage(t);
	fs.writeFileSync(broker.file, fs.readFileSync(broker.file, 'utf8').replace(/"?size"?: 2/, 'size: 3'));
	assert.match(await good('config reload', { args: ['--reason', 'a busy night'] }), /^changed: pools\.main\.size: 2 -> 3$/m);
	const [event] = await json('events --type config.reloaded');
	assert.deepEqual([event.actor, event.reason], ['loopback', 'a busy night']);
});
