// `wsbroker watch`: invalidations for scripts, filtered, resumed, and handed to a command at least
// once, whatever is killed.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { WSBROKER, command, pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { startChild } from './support/child.mjs';
import { freePort } from './support/ports.mjs';
import { setup } from './support/setup.mjs';
import { tempDir, writeFile } from './support/temp.mjs';
import { until } from './support/time.mjs';

const nowhere = async () => pool([`ws://127.0.0.1:${await freePort()}/`]);
const lively = async (t) => startBroker(t, { pools: [await nowhere()] }, { ready: 'live' });
const admin = (broker) => ['--admin', `http://${broker.adminAddress}`];
const watch = (t, broker, ...args) => startChild(t, WSBROKER, ['watch', ...admin(broker), ...args]);
const events = ({ stdout }) => stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
const tags = (child) => events(child).flatMap(({ data }) => data.tags);

async function invalidate(broker, ...names) {
	const { status } = await broker.adminGet('/v1/cache/invalidate', {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ tags: names }),
	});
	assert.equal(status, 200);
}

// A watch says nothing until something happens: its cursor tells that it has begun.
async function begun(t, broker, ...args) {
	const cursor = path.join(tempDir(t), 'cursor');
	await invalidate(broker, 'before');
	const child = watch(t, broker, '--cursor', cursor, ...args);
	await until(() => fs.existsSync(cursor), { what: () => `a position in ${cursor}` });
	return { child, cursor };
}

test('events are JSON, also when that is asked for', async (t) => {
	const { broker } = await setup(t);
	const admin = ['--admin', `http://${broker.adminAddress}`];
	const table = await command(['watch', '-o', 'table', ...admin]);
	assert.equal(table.code, 2);
	assert.match(table.stderr, /events are JSON, one a line/);
	const resync = await command(['watch', '-o', 'json', '--since', '1-1', '--fail-on-resync', ...admin]);
	assert.equal(resync.code, 6);
	assert.equal(JSON.parse(resync.stdout).type, 'wsbroker.cache.resync.v1');
});

test('one line for each event, and only of the tags that were asked for', async (t) => {
	const broker = await lively(t);
	const { child } = await begun(t, broker, '--tag', 'property:*', '--tag', 'city:?');
	await invalidate(broker, 'agent:1');
	await invalidate(broker, 'property:42', 'agent:1');
	await invalidate(broker, 'city:P');
	await until(() => events(child).length === 2, { what: 'two events' });
	assert.deepEqual(tags(child), ['property:42', 'agent:1', 'city:P']);
	assert.deepEqual(new Set(events(child).map(({ type }) => type)), new Set(['wsbroker.cache.invalidated.v1']));
});

test('--since start, a position and a duration say where it begins', async (t) => {
	const broker = await lively(t);
	for (const tag of ['a', 'b', 'c'])
		await invalidate(broker, tag);
	const all = watch(t, broker, '--since', 'start');
	await until(() => tags(all).length === 3, { what: 'all events' });
	const later = watch(t, broker, '--since', events(all)[0].data.position);
	const lately = watch(t, broker, '--since', '10m');
	await until(() => tags(later).length === 2 && tags(lately).length === 3, { what: 'the later events' });
	assert.deepEqual([tags(all), tags(later), tags(lately)], [['a', 'b', 'c'], ['b', 'c'], ['a', 'b', 'c']]);
});

test('goes on by itself when the broker comes back, and says that events may be missing', async (t) => {
	const broker = await lively(t);
	const { child } = await begun(t, broker);
	await invalidate(broker, 'a');
	await until(() => tags(child).includes('a'), { what: 'the first event' });
	await broker.sigkill();
	await broker.start();
	await until(() => events(child).some(({ type }) => type === 'wsbroker.cache.resync.v1'), { what: 'a resync' });
	await invalidate(broker, 'b');
	await until(() => tags(child).includes('b'), { what: 'an event after it' });
});

test('--fail-on-resync ends with 6, and the next one goes on behind it', async (t) => {
	const broker = await lively(t);
	const cursor = writeFile(tempDir(t), 'cursor', '5-5\n');
	const args = ['watch', ...admin(broker), '--cursor', cursor, '--fail-on-resync'];
	const first = await command(args);
	assert.equal(first.code, 6);
	assert.equal(events(first)[0].type, 'wsbroker.cache.resync.v1');
	const second = startChild(t, WSBROKER, args);
	await invalidate(broker, 'a');
	await until(() => tags(second).includes('a'), { what: 'the event after the resync' });
});

test('--exec gets each event, in order, again until it has dealt with it', async (t) => {
	const broker = await lively(t);
	const directory = tempDir(t);
	const done = path.join(directory, 'done');
	// Each event is refused once.
	const script = `cat > ${directory}/event; if [ -e ${directory}/tried ]; then rm ${directory}/tried; cat ${directory}/event >> ${done}; `
		+ `else touch ${directory}/tried; exit 3; fi`;
	const { child } = await begun(t, broker, '--exec', script);
	for (const tag of ['a', 'b', 'c'])
		await invalidate(broker, tag);
	const handled = () => (fs.existsSync(done) ? tags({ stdout: fs.readFileSync(done, 'utf8') }) : []);
	await until(() => handled().length === 3, { what: 'three events handled' });
	assert.deepEqual(handled(), ['a', 'b', 'c']);
	assert.match(child.stderr, /--exec: ended with 3/);
});

test('killed at any moment and started again, it misses nothing', async (t) => {
	const EVENTS = 200;
	const broker = await lively(t);
	const directory = tempDir(t);
	const done = path.join(directory, 'done');
	const { child, cursor } = await begun(t, broker, '--exec', `cat >> ${done}`);
	let current = child;
	let kills = 0;
	cleanup(t, () => current.running && current.end('SIGKILL'));
	const again = () => { current = watch(t, broker, '--cursor', cursor, '--exec', `cat >> ${done}`); };
	const handled = () => (fs.existsSync(done) ? tags({ stdout: fs.readFileSync(done, 'utf8') }) : []);
	for (let n = 0; n < EVENTS; n++) {
		await invalidate(broker, `n${n}`);
		if (n % 10 === 5) {
			await current.end('SIGKILL');
			kills++;
			again();
		}
	}
	await until(() => handled().includes(`n${EVENTS - 1}`), { what: 'the last event' });
	// At least once, and first of all in order.
	const firsts = [...new Set(handled())];
	assert.deepEqual(firsts, Array.from({ length: EVENTS }, (_, n) => `n${n}`));
	t.diagnostic(`${kills} kills, ${handled().length - EVENTS} events twice`);
});

test('what is wrong is told, with the exit code for it', async (t) => {
	const broker = await lively(t);
	const junk = writeFile(tempDir(t), 'cursor', 'junk\n');
	const run = (...args) => command(['watch', ...admin(broker), ...args]);
	assert.match((await run('--since', 'yesterday')).stderr, /since must be a position/);
	assert.match((await run('--cursor', junk)).stderr, /holds no position/);
	assert.match((await run('--cursor', '/nowhere/cursor', '--since', 'start')).stderr, /\/nowhere\/cursor: No such file or directory/);
	assert.equal((await run('--until', '1m')).code, 2);
	assert.equal((await command(['watch', '--admin', `http://127.0.0.1:${await freePort()}`])).code, 3);
});
