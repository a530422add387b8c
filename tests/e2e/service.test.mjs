// Under a service manager: what it is told (sd_notify), the watchdog, sockets that it hands over.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { WSBROKER, command, httpRequest, pool } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { run, startChild } from './support/child.mjs';
import { connect } from './support/client.mjs';
import { handOver, startManager } from './support/manager.mjs';
import { freePort } from './support/ports.mjs';
import { gate, setup } from './support/setup.mjs';
import { tempDir, writeFile } from './support/temp.mjs';
import { never, until, within } from './support/time.mjs';
import { certificates } from './support/tls.mjs';
import { startUpstream } from './support/upstream.mjs';
import { yaml } from './support/yaml.mjs';

const monotonicUs = () => Number(process.hrtime.bigint() / 1000n);

// Starts a broker that a manager hears.
async function managed(t, { abstract, env, start, ...config } = {}) {
	const manager = await startManager(t, { abstract });
	const cast = await setup(t, { start: { env: { NOTIFY_SOCKET: manager.name, ...env }, ...start }, ...config });
	return { manager, ...cast };
}

for (const abstract of [false, true])
	test(`what is said from start to end, to ${abstract ? 'an abstract name' : 'a path'}`, async (t) => {
		const { manager, broker, connect } = await managed(t, { abstract, drain: { delay: '100ms', timeout: '7s', spread: '0s' } });
		await manager.said(/^READY=1$/);
		await until(() => manager.status === 'ok: 1 of 1 pool is ready, 0 clients', { what: 'a status' });
		await connect();
		await until(() => manager.status === 'ok: 1 of 1 pool is ready, 1 client', { what: 'a client to show' });
		broker.signal('SIGTERM');
		const { text } = await manager.said(/^STOPPING=1$/m);
		assert.equal(text, 'STOPPING=1\nEXTEND_TIMEOUT_USEC=17100000', 'drain.delay, drain.timeout and ten seconds');
		await manager.said(/^STATUS=draining: 1 clients and 0 requests in flight are left$/);
		assert.equal((await within(broker.child.ended, 'exit')).code, 0);
		const kinds = manager.heard.map((message) => message.text.split('=')[0]);
		assert.equal(kinds[0], 'READY');
		assert.deepEqual([...new Set(kinds)], ['READY', 'STATUS', 'STOPPING']);
	});

test('READY comes when the listeners are open and the start has been told', async (t) => {
	const { manager, broker } = await managed(t, { upstreams: [{ started: false }], start: { ready: false } });
	await manager.said(/^READY=1$/);
	assert.match(broker.child.stdout, /^wsbroker .*\ndata .*\nadmin [^]*\nenvelope .*\n$/);
	const post = await httpRequest(`http://${broker.adminAddress}/readyz`);
	assert.equal(post.status, 503);
	await manager.said(/^STATUS=down: pool main has no ready connection.*; 0 of 1 pool is ready, 0 clients$/);
});

test('a broker that cannot start never says READY', async (t) => {
	const manager = await startManager(t);
	const file = writeFile(tempDir(t), 'broker.yaml', yaml({ pools: [pool(['ws://127.0.0.1:1/'])], listen: [{ address: 'fd:none' }] }));
	const child = startChild(t, WSBROKER, ['serve', '-c', file], { env: { NOTIFY_SOCKET: manager.name } });
	assert.equal((await within(child.ended)).code, 1);
	assert.match(child.stderr, /fd:none: no socket of this name: none was handed over/);
	assert.deepEqual(manager.heard, []);
});

test('a drain that an operator asks for is said too', async (t) => {
	const held = gate();
	const { manager, broker, connect, upstream } = await managed(t, { upstreams: [{ methods: { held: held.method } }] });
	const client = await connect();
	client.send('{"jsonrpc":"2.0","id":1,"method":"held"}');
	await upstream.seen('held');
	const asked = await command(['drain', '--admin', `http://${broker.adminAddress}`]);
	assert.equal(asked.code, 0, asked.stderr);
	await manager.said(/^STOPPING=1$/m);
	broker.signal('SIGHUP');
	await until(() => /config\.rejected .*drains/.test(broker.log), { what: 'the reload to be refused' });
	broker.signal('SIGTERM');
	held.release();
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
	assert.equal(manager.about('STOPPING').length, 2, 'the stop that came after it needs its time as well');
	assert.equal(manager.about('RELOADING').length, 0, 'it takes no other configuration any more');
});

test('a reload is framed by RELOADING and READY, a broken file as well as a good one', async (t) => {
	const { manager, broker } = await managed(t);
	const text = fs.readFileSync(broker.file, 'utf8');
	for (const [turn, content] of [text, `${text}\nlimitz: {}\n`].entries()) {
		const before = monotonicUs();
		fs.writeFileSync(broker.file, content);
		broker.signal('SIGHUP');
		await until(() => manager.about('READY=1').length === turn + 2, { what: 'READY after the reload' });
		const steps = manager.heard.filter((message) => /^(READY|RELOADING)/.test(message.text)).slice(-2);
		const { at } = /^RELOADING=1\nMONOTONIC_USEC=(?<at>\d+)$/.exec(steps[0].text).groups;
		assert.ok(before <= Number(at) && Number(at) <= monotonicUs(), `${before} ${at}`);
		assert.equal(steps[1].text, 'READY=1');
	}
	assert.match(broker.log, /config\.reloaded/);
	assert.match(broker.log, /config\.rejected .*limitz/);
});

test('the watchdog hears twice in its time, nothing from a process that is stopped, and again afterwards', async (t) => {
	const { manager, broker } = await managed(t, {
		env: { WATCHDOG_USEC: '2000000' },
		start: { under: ['sh', '-c', 'WATCHDOG_PID=$$ exec "$@"', 'sh'] },
	});
	const beats = () => manager.about('WATCHDOG=1');
	await until(() => beats().length >= 4, { what: 'four beats' });
	// One that the machine has held up is followed by the next one earlier.
	const [first, , , fourth] = beats().map(({ at }) => at / 1000);
	assert.ok(fourth - first < 6000, `within the watchdog's time: ${fourth - first} ms for three`);
	assert.ok(fourth - first > 2000, `and not more often than needed: ${fourth - first} ms for three`);
	broker.signal('SIGSTOP');
	await until(() => fs.readFileSync(`/proc/${broker.pid}/stat`, 'utf8').includes(') T '), { what: 'the process to be stopped' });
	const count = beats().length;
	// One may still be on its way.
	await never(() => beats().length > count + 1, { during: 2500, what: 'a beat of a stopped process' });
	broker.signal('SIGCONT');
	await until(() => beats().length >= count + 2, { what: 'beats again' });
	await broker.stop();
	assert.doesNotMatch(broker.log, /watchdog\.withheld/);
});

test('a watchdog that is meant for another process is left alone', async (t) => {
	const { manager } = await managed(t, { env: { WATCHDOG_USEC: '200000', WATCHDOG_PID: '1' } });
	await manager.said(/^READY=1$/);
	await never(() => manager.about('WATCHDOG').length > 0, { during: 600, what: 'a beat' });
});

test('a manager that reads nothing holds nobody up, and hears the latest step later', async (t) => {
	const { manager, broker, connect } = await managed(t, { log: { level: 'info' } });
	const client = await connect();
	await manager.said(/^STATUS=ok: .* 1 client$/);
	manager.child.signal('SIGSTOP');
	for (let turn = 0; turn < 40; turn++) {
		broker.signal('SIGHUP');
		assert.deepEqual(await client.result('echo', [turn]), [turn]);
	}
	await until(() => /notify\.failed/.test(broker.log), { what: 'the full socket to be told' });
	manager.child.signal('SIGCONT');
	await until(() => manager.heard.length > 0 && manager.heard.filter((message) => /^(READY|RELOADING)/.test(message.text)).at(-1).text === 'READY=1',
		{ what: 'READY to be the last step' });
	await connect();
	await manager.said(/^STATUS=ok: .* 2 clients$/);
	assert.equal(broker.log.match(/notify\.failed/g).length, 1);
});

test('a manager that goes away is told once and missed no further', async (t) => {
	const { manager, broker, connect } = await managed(t);
	await manager.said(/^STATUS=ok/);
	await manager.child.end('SIGKILL');
	const client = await connect();
	await until(() => /notify\.failed/.test(broker.log), { what: 'the loss to be told' });
	for (let turn = 0; turn < 3; turn++)
		broker.signal('SIGHUP');
	assert.deepEqual(await client.result('echo', [1]), [1]);
	await broker.stop();
	assert.equal(broker.log.match(/notify\.failed/g).length, 1);
});

for (const [where, variable, pattern] of [
	['in the journal lines begin with their priority', '$(stat -Lc %d:%i /proc/self/fd/2)', /^<([67])>ts=/],
	['elsewhere they do not, whatever the environment says', '1:2', /^ts=/],
])
	test(where, async (t) => {
		const { broker } = await setup(t, { start: { under: ['sh', '-c', `JOURNAL_STREAM=${variable} exec "$@"`, 'sh'] } });
		const lines = broker.child.stderr.trim().split('\n');
		assert.ok(lines.some((line) => line.includes('broker.started')), broker.log);
		for (const line of lines) {
			assert.match(line, pattern);
			assert.ok(!line.startsWith('<') || line.startsWith('<7>') === / level=debug /.test(line), line);
		}
	});

// A broker whose data and admin sockets are handed over. sockets: a function of their two ports.
const DATA_AND_ADMIN = (data, admin) => [{ name: 'data', tcp: ['127.0.0.1', data] }, { name: 'admin', tcp: ['127.0.0.1', admin] }];

async function adopting(t, { sockets = DATA_AND_ADMIN, start, admin: settings, ...config } = {}) {
	const [data, admin] = [await freePort(), await freePort()];
	return setup(t, {
		listen: [{ address: 'fd:data' }],
		admin: { address: 'fd:admin', ...settings },
		start: {
			under: handOver({ sockets: sockets(data, admin) }),
			reach: { data: `127.0.0.1:${data}`, admin: `127.0.0.1:${admin}` },
			...start,
		},
		...config,
	});
}

const descriptors = (broker) => fs.readdirSync(`/proc/${broker.pid}/fd`).length;

async function reload(broker, content, outcome = 'config.reloaded') {
	const count = () => broker.log.split(`${outcome} `).length;
	const before = count();
	fs.writeFileSync(broker.file, content);
	broker.signal('SIGHUP');
	await until(() => count() > before, { what: `the reload to be told: ${outcome}` });
}

test('sockets that are handed over are served, and outlive their listeners', async (t) => {
	const { broker, connect } = await adopting(t);
	assert.match(broker.log, new RegExp(`^data +ws://${broker.address}/ \\(fd:data\\)$`, 'm'));
	assert.match(broker.log, new RegExp(`^admin +http://${broker.adminAddress} \\(fd:admin\\)$`, 'm'));
	const text = fs.readFileSync(broker.file, 'utf8');
	const before = descriptors(broker);
	const client = await connect();
	await reload(broker, `${text}\nlimits: {batch: 7}\n`);
	assert.deepEqual(await client.result('echo', [1]), [1], 'the same socket, the same client');
	await reload(broker, text.replace('fd:data', `127.0.0.1:${await freePort()}`));
	await within(client.closed, 'close of the client whose listener is gone');
	await reload(broker, text.replace('fd:data', 'fd:other'), 'config.rejected');
	assert.match(broker.log, /fd:other: no socket of this name: there are data, admin/);
	await reload(broker, text);
	const again = await connect();
	assert.deepEqual(await again.result('echo', [2]), [2]);
	again.socket.close();
	await until(() => descriptors(broker) <= before, { what: 'every descriptor to be given back' });
});

test('TLS on a socket that is handed over', async (t) => {
	const pems = certificates(t);
	const { broker } = await adopting(t, {
		listen: [{ address: 'fd:data', tls: { certificate: pems.file('server.pem'), key: pems.file('server.key') } }],
	});
	assert.match(broker.log, /^data +wss:\/\//m);
	const client = await connect(t, broker.url, { ca: pems.read('ca.pem') });
	assert.deepEqual(await client.result('echo', [1]), [1]);
});

test('over a Unix socket that is handed over, users count; the file stays when the broker goes', async (t) => {
	const [data, file] = [await freePort(), path.join(tempDir(t), 'admin.sock')];
	const { broker } = await adopting(t, {
		sockets: (unused, admin) => [{ name: 'data', tcp: ['127.0.0.1', data] }, { name: 'admin', unix: file, admin }],
		start: { ready: false, reach: { data: `127.0.0.1:${data}` } },
	});
	await until(async () => (await httpRequest('http://x/readyz', { socketPath: file })).status === 200, { what: 'the broker to be ready' });
	const status = await httpRequest('http://localhost/v1/status', { socketPath: file });
	assert.equal(status.status, 200, status.body);
	assert.match(broker.log, new RegExp(`^admin +unix:${file} \\(fd:admin\\)$`, 'm'));
	fs.chmodSync(path.dirname(file), 0o755);
	fs.chmodSync(file, 0o777);
	if (process.getuid() === 0) {
		const curl = spawnSync('setpriv', ['--reuid=65534', '--clear-groups', 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}',
			'--unix-socket', file, 'http://localhost/v1/status'], { encoding: 'utf8' });
		assert.equal(curl.stdout, '403', curl.stderr);
	}
	await broker.stop();
	assert.ok(fs.existsSync(file), 'it is not ours to remove');
});

test('an admin socket that other machines can reach needs tokens, at start and after a reload', async (t) => {
	const everywhere = (data, admin) => [{ name: 'data', tcp: ['127.0.0.1', data] }, { name: 'admin', tcp: ['0.0.0.0', admin] }];
	const { broker } = await adopting(t, {
		sockets: everywhere,
		admin: { tokens: 'tokens.txt' },
		start: { files: { 'tokens.txt': 'anna operator secret\n' } },
	});
	await reload(broker, yaml({ ...broker.config, admin: { address: 'fd:admin' } }), 'config.rejected');
	assert.match(broker.log, /fd:admin: other machines can reach this socket \(0\.0\.0\.0:\d+\): the admin listener needs `admin\.tokens`/);
	assert.equal((await broker.adminGet('/v1/status')).status, 401, 'nothing has changed');
	const file = writeFile(tempDir(t), 'broker.yaml', yaml({ ...broker.config, admin: { address: 'fd:admin' } }));
	const [program, ...args] = [...handOver({ sockets: everywhere(await freePort(), await freePort()) }), WSBROKER, 'serve', '-c', file];
	const outcome = await run(program, args);
	assert.equal(outcome.code, 1);
	assert.match(outcome.stderr, /fd:admin: other machines can reach this socket/);
});

const CANNOT_SERVE = [
	['a name that nobody has handed over', { sockets: [{ name: 'date' }] }, /fd:data: no socket of this name: there are date$/m],
	['two of one name', { sockets: [{ name: 'data' }, { name: 'data' }] }, /fd:data: 2 sockets have this name: each needs one of its own/],
	['a datagram socket', { sockets: [{ name: 'data', type: 'datagram' }] }, /fd:data: what was handed over is not a listening stream socket/],
	['a socket that does not listen', { sockets: [{ name: 'data', listens: false }] }, /fd:data: what was handed over is not a listening stream socket/],
	['sockets of another process', { sockets: [{ name: 'data' }], pid: 1 }, /fd:data: no socket of this name: none was handed over/],
];

test('what cannot be served is told at the start, with exit code 1', async (t) => {
	const config = { pools: [pool(['ws://127.0.0.1:1/'])], listen: [{ address: 'fd:data' }], admin: { address: `127.0.0.1:${await freePort()}` } };
	const file = writeFile(tempDir(t), 'broker.yaml', yaml(config));
	for (const [name, spec, pattern] of CANNOT_SERVE) {
		const [program, ...args] = [...handOver({ ...spec, sockets: spec.sockets.map((one) => ({ tcp: ['127.0.0.1', 0], ...one })) }),
			WSBROKER, 'serve', '-c', file];
		const { code, stderr } = await run(program, args);
		assert.equal(code, 1, name);
		assert.match(stderr, pattern, name);
	}
});

test('a socket that no address asks for is warned of', async (t) => {
	const { broker } = await adopting(t, {
		sockets: (data, admin) => [...DATA_AND_ADMIN(data, admin), { name: 'spare one', tcp: ['127.0.0.1', 0] }],
	});
	assert.match(broker.log, /listener\.socket_unused name="spare one"/);
	assert.equal(broker.log.match(/socket_unused/g).length, 1);
});

test('who connects while the broker is being restarted waits, and is served', async (t) => {
	const upstream = await startUpstream(t, {});
	const [data, admin] = [await freePort(), await freePort()];
	const config = {
		pools: [pool([upstream.url])], listen: [{ address: 'fd:data' }], admin: { address: 'fd:admin' }, drain: { spread: '0s' },
	};
	const file = writeFile(tempDir(t), 'broker.yaml', yaml(config));
	const [program, ...args] = [...handOver({ sockets: DATA_AND_ADMIN(data, admin), again: true }), WSBROKER, 'serve', '-c', file];
	const holder = startChild(t, program, args, { open: true });
	await until(() => holder.stdout.includes('sockets are open'), { what: 'the sockets' });
	const ask = (id) => httpRequest(`http://127.0.0.1:${data}/`, { method: 'POST', body: `{"jsonrpc":"2.0","id":${id},"method":"echo","params":[${id}]}` });
	for (let turn = 1; turn <= 3; turn++) {
		const early = Array.from({ length: 10 }, (unused, at) => ask(turn * 100 + at));
		holder.process.stdin.write('start\n');
		for (const [at, answer] of (await within(Promise.all(early), 'every answer')).entries())
			assert.deepEqual(answer.json, { jsonrpc: '2.0', id: turn * 100 + at, result: [turn * 100 + at] });
		assert.equal((await httpRequest(`http://127.0.0.1:${admin}/readyz`)).status, 200);
		assert.equal((await command(['drain', '--admin', `http://127.0.0.1:${admin}`])).code, 0);
		await until(() => holder.stdout.split('{"ended": 0}').length === turn + 1, { what: 'its end' });
	}
});

const activates = spawnSync('systemd-socket-activate', ['--version']).status === 0;

test("systemd's own activation: the first client starts the broker", { skip: !activates && 'systemd-socket-activate is not installed' }, async (t) => {
	const upstream = await startUpstream(t, {});
	const [data, directory] = [await freePort(), tempDir(t)];
	const socket = path.join(directory, 'admin.sock');
	const file = writeFile(directory, 'broker.yaml', yaml({
		pools: [pool([upstream.url])], listen: [{ address: 'fd:data' }], admin: { address: 'fd:admin' }, drain: { spread: '0s' },
	}));
	const child = startChild(t, 'systemd-socket-activate', ['-l', `127.0.0.1:${data}`, '-l', socket, '--fdname=data:admin',
		...Object.keys(process.env).filter((name) => /SAN_OPTIONS$/.test(name)).map((name) => `--setenv=${name}`),
		WSBROKER, 'serve', '-c', file]);
	await until(() => fs.existsSync(socket), { what: 'the sockets' });
	const client = await connect(t, `ws://127.0.0.1:${data}/`);
	assert.deepEqual(await client.result('echo', ['first']), ['first']);
	const status = await command(['status', '--admin', `unix:${socket}`]);
	assert.equal(status.code, 0, status.stderr);
	child.signal('SIGTERM');
	assert.equal((await within(client.closed, 'close')).code, 1012);
	assert.equal((await within(child.ended, 'exit')).code, 0, child.output);
});
