// The units of deploy/systemd under the real systemd, installed as the README says. Needs root and
// systemd-nspawn (Debian's systemd-container); skipped without.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { WSBROKER, httpRequest } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { bootMachine, canBoot } from './support/machine.mjs';
import { freePort } from './support/ports.mjs';
import { gate } from './support/setup.mjs';
import { take, until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

const TOP = path.resolve(import.meta.dirname, '../..');
const ADMIN = 'wsbroker --admin unix:/run/wsbroker/admin.sock';

// The steps of the README, one a line.
function steps() {
	const readme = fs.readFileSync(path.join(TOP, 'README.md'), 'utf8');
	const [, block] = /^### Under systemd\n[^]*?\n\n((?: {4}.*\n)+)/m.exec(readme);
	return block.trim().split('\n').map((line) => line.trim());
}

const hasSanitizer = () => /libasan/.test(spawnSync('ldd', [WSBROKER], { encoding: 'utf8' }).stdout);

// A machine with the broker installed and running, in front of one upstream that it knows by name.
async function installed(t) {
	const machine = await bootMachine(t);
	if (!machine) {
		t.skip('no machine can be booted here');
		return null;
	}
	const held = gate();
	const upstream = await startUpstream(t, { methods: { held: held.method } });
	const port = await freePort();
	const source = path.join(machine.directory, 'source');
	fs.mkdirSync(path.join(source, 'build/broker'), { recursive: true });
	fs.copyFileSync(WSBROKER, path.join(source, 'build/broker/wsbroker'));
	fs.chmodSync(path.join(source, 'build/broker/wsbroker'), 0o755);
	fs.cpSync(path.join(TOP, 'deploy/systemd'), path.join(source, 'deploy/systemd'), { recursive: true });
	await machine.does('echo "hosts: files" >/etc/nsswitch.conf; echo "127.0.0.1 up.test" >/etc/hosts');
	const [start, ...others] = steps().reverse();
	for (const step of others.reverse())
		await machine.does(`cd /play/source; ${step}`);
	await machine.does(`sed -i 's#ws://127.0.0.1:9101/#ws://up.test:${new URL(upstream.url).port}/#; /9102/d' /etc/wsbroker/wsbroker.yaml
		mkdir -p /etc/systemd/system/wsbroker.socket.d
		printf '[Socket]\\nListenStream=\\nListenStream=127.0.0.1:${port}\\n' >/etc/systemd/system/wsbroker.socket.d/port.conf`);
	await machine.does(start);
	await until(async () => await machine.property('wsbroker', 'StatusText') === 'ok: 1 of 1 pool is ready, 0 clients', { what: 'all to be well' })
		.catch(async (error) => { throw new Error(`${error.message}\n${await machine.does('systemctl status wsbroker; journalctl -u wsbroker')}`); });
	const ask = (id, method = 'echo') => httpRequest(`http://127.0.0.1:${port}/`,
		{ method: 'POST', body: `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":[${id}]}` });
	return { machine, upstream, held, ask, main: () => machine.property('wsbroker', 'MainPID') };
}

const options = {
	timeout: 120000,
	skip: !canBoot && 'needs root and systemd-nspawn' || hasSanitizer() && 'sanitizers want more than the sandbox allows',
};

test('installed as the README says: confined, operated, reloaded, restarted, watched, stopped', options, async (t) => {
	const it = await installed(t);
	if (!it)
		return;
	const { machine, upstream, held, ask, main } = it;

	await t.test('it is confined, and serves', async () => {
		assert.deepEqual((await ask(1)).json.result, [1]);
		const status = await machine.does(`cat /proc/${await main()}/status`);
		assert.match(status, /^CapEff:\t0+$/m);
		assert.match(status, /^NoNewPrivs:\t1$/m);
		assert.match(status, /^Seccomp:\t2$/m);
		assert.doesNotMatch(status, /^Uid:\t0\t/m);
	});

	await t.test('root may operate it, others may not; what is changed outlives a restart that refuses nobody', async () => {
		await until(async () => /^ok\n/.test(await machine.does(`${ADMIN} status`)), { what: 'ok' });
		assert.equal((await machine.run(`setpriv --reuid=65534 --clear-groups ${ADMIN} status`)).code, 4);
		await machine.does(`${ADMIN} pool resize main 3 --wait 10s`);
		const before = await main();
		let [ended, late] = [false, 0];
		const restart = machine.does('systemctl restart wsbroker').finally(() => { ended = true; });
		// Whom the old one has let in just before it stops, it tells to come again.
		for (let id = 10; !ended; id++) {
			const { status, json } = await ask(id);
			late += status === 503;
			assert.ok(status === 503 || json.result[0] === id, JSON.stringify(json));
		}
		await restart;
		assert.ok(late <= 1, `${late} were let in, and not served`);
		assert.notEqual(await main(), before);
		const [pool] = JSON.parse(await machine.does(`${ADMIN} pools -o json`));
		assert.equal(pool.size, 3);
	});

	await t.test('a good file is reloaded; a broken one fails, says where and changes nothing', async () => {
		const before = await main();
		await machine.does("sed -i '$a limits: {batch: 7}' /etc/wsbroker/wsbroker.yaml; systemctl reload wsbroker");
		await until(async () => /event=config\.reloaded/.test(await machine.does('journalctl -u wsbroker')), { what: 'the reload' });
		await machine.does("sed -i '$a limitz: {}' /etc/wsbroker/wsbroker.yaml");
		assert.notEqual((await machine.run('systemctl reload wsbroker')).code, 0);
		assert.match(await machine.does('journalctl -u wsbroker'), /wsbroker\.yaml:\d+:1: unknown key "limitz"/);
		await machine.does(`kill -HUP ${before}`);
		await until(async () => /event=config\.rejected/.test(await machine.does('journalctl -p err -u wsbroker')), { what: 'an error among errors' });
		assert.doesNotMatch(await machine.does('journalctl -p err -u wsbroker'), /level=info/);
		await machine.does("sed -i '/limitz/d' /etc/wsbroker/wsbroker.yaml");
		assert.equal(await main(), before);
		assert.equal(await machine.property('wsbroker', 'ActiveState'), 'active');
		assert.deepEqual((await ask(2)).json.result, [2]);
	});

	await t.test('one that hangs is ended by the watchdog, and started anew', async () => {
		await machine.does(`mkdir -p /etc/systemd/system/wsbroker.service.d
			printf '[Service]\\nWatchdogSec=3s\\n' >/etc/systemd/system/wsbroker.service.d/watchdog.conf
			systemctl daemon-reload; systemctl restart wsbroker`);
		const before = await main();
		const fed = await machine.property('wsbroker', 'WatchdogTimestampMonotonic');
		await until(async () => await machine.property('wsbroker', 'WatchdogTimestampMonotonic') !== fed, { what: 'the watchdog to be fed' });
		await machine.does(`kill -STOP ${before}`);
		await until(async () => Number(await machine.property('wsbroker', 'NRestarts')) > 0, { what: 'the restart' });
		assert.match(await machine.does('journalctl -u wsbroker'), /Watchdog timeout \(limit 3s\)/);
		assert.deepEqual((await ask(3)).json.result, [3]);
		assert.notEqual(await main(), before);
	});

	await t.test('a drain gets the time that it needs, whatever the unit says', async () => {
		await machine.does(`printf '[Service]\\nTimeoutStopSec=1s\\n' >/etc/systemd/system/wsbroker.service.d/stop.conf; systemctl daemon-reload`);
		const answer = ask(5, 'held');
		await upstream.seen('held');
		const stop = machine.does('systemctl stop wsbroker');
		await take(2500);
		held.release();
		assert.deepEqual((await answer).json.result, [5]);
		await stop;
		assert.equal(await machine.property('wsbroker', 'Result'), 'success');
	});

	await t.test('a socket unit of another name, and a variable that only root can read', async () => {
		await machine.does(`printf '[Socket]\\nListenStream=/run/operators.sock\\nFileDescriptorName=admin\\nService=wsbroker.service\\n' \
				>/etc/systemd/system/wsbroker-admin.socket
			echo NODE=named-by-root >/etc/wsbroker/environment; chmod 600 /etc/wsbroker/environment
			sed -i 's#^admin:.*#admin: {address: "fd:admin"}#; $a node: \${NODE}' /etc/wsbroker/wsbroker.yaml
			systemctl daemon-reload; systemctl start wsbroker-admin.socket; systemctl start wsbroker`);
		const status = JSON.parse(await machine.does('wsbroker --admin unix:/run/operators.sock status -o json'));
		assert.equal(status.node, 'named-by-root');
	});

	await t.test('a stop is a drain; the next client starts it again', async () => {
		await machine.does('systemctl stop wsbroker');
		assert.equal(await machine.property('wsbroker', 'Result'), 'success');
		assert.equal(await machine.property('wsbroker', 'ActiveState'), 'inactive');
		assert.deepEqual((await ask(4)).json.result, [4]);
		assert.equal(await machine.property('wsbroker', 'ActiveState'), 'active');
	});
});
