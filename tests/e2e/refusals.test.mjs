// Redis that says no: rights that a user lacks, keys of another kind, memory that is used up, commands
// that an old version does not have. What is refused is told once with what mends it, the rest goes on.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { command } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { run } from './support/child.mjs';
import { assertWhole, busOf, INBOX, live, LOG, member, told } from './support/member.mjs';
import { startRedis } from './support/redis.mjs';
import { until } from './support/time.mjs';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

// As a shell reads them: single quotes, and backslashes outside of them.
const words = (line) => line.match(/(?:'[^']*'|\\.|[^\s'\\])+/g).map((word) => word.replace(/'([^']*)'|\\(.)/g, '$1$2'));

// The user of README.md, and a URL under its name.
async function startGuarded(t, { without = [] } = {}) {
	const redis = await startRedis(t);
	const [, ...rule] = words(/^redis-cli (ACL SETUSER wsbroker .*)$/m.exec(README)[0]);
	redis.rights = rule.filter((word) => word.startsWith('+'));
	await redis.command(...rule.filter((word) => !without.includes(word)));
	redis.userUrl = `redis://wsbroker:PASSWORD@127.0.0.1:${redis.port}`;
	return redis;
}

const NOT_ALLOWED = /NOPERM|user executing the script can't/;

const statusOf = async (broker) => JSON.parse((await broker.adminGet('/v1/status')).body);
const refusedOf = async (broker) => (await busOf(broker)).refused;
const refused = (broker, part, state) => until(async () => part in await refusedOf(broker) === state,
	{ what: () => `${part} to be ${state ? 'refused' : 'served'}\n${broker.log.slice(-3000)}` });

// What `status` says of it, and the command that it names, which is then run against this Redis.
async function mend(broker, redis, text) {
	const reason = await until(async () => (await statusOf(broker)).reasons.find((one) => text.test(one.text)),
		{ what: () => `a reason\n${broker.log.slice(-3000)}` });
	assert.match(reason.command, /^redis-cli /);
	const { stdout } = await run('redis-cli', ['-p', String(redis.port), ...words(reason.command).slice(1)]);
	assert.match(stdout, /^OK/, reason.command);
	return reason;
}

const told1 = (broker, pattern) => assert.equal(broker.log.match(pattern)?.length, 1, broker.log);

test('the user that README.md makes can do all that a broker needs', async (t) => {
	const redis = await startGuarded(t);
	const [a, b] = [await member(t, redis.userUrl, 'a'), await member(t, redis.userUrl, 'b')];
	await a.invalidate('one');
	await redis.command('XADD', INBOX, '*', 'tags', 'two');
	await redis.command('XADD', INBOX, '*', 'tag', 'misspelt');
	await told(b, ['one', 'two']);
	await until(async () => (await redis.command('XLEN', INBOX)) === 0, { what: 'an empty inbox' });
	await until(async () => (await redis.command('PUBLISH', '{wsbroker}:invalidate', '{"tags":["x"]}')) === 2);
	const { code, stderr } = await command(['--admin', `http://${a.broker.adminAddress}`, 'invalidate', '--tag', 't', '--wait', 'all=10s']);
	assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
	await redis.command('FLUSHALL');
	await b.invalidate('after');
	await told(a, ['after']);
	for (const { broker } of [a, b]) {
		await live(broker);
		assert.deepEqual(await refusedOf(broker), {});
		assert.doesNotMatch(broker.log, /bus.refused/);
	}
});

test('each right that README.md names is needed, and one that is missing is told', async (t) => {
	const { rights } = await startGuarded(t);
	assert.ok(rights.length > 15, `${rights}`);
	// PING is answered either way.
	for (const right of rights.filter((one) => one !== '+ping')) {
		const redis = await startGuarded(t, { without: [right] });
		const a = await member(t, redis.userUrl, 'a', { waits: false });
		await a.invalidate('x');
		await until(async () => {
			const { state, detail, refused: parts } = await busOf(a.broker);
			return NOT_ALLOWED.test(`${state === 'live' ? '' : detail} ${Object.values(parts)}`);
		}, { what: () => `${right} to be missed\n${a.broker.log}` });
		await a.broker.stop();
		await redis.finish();
	}
});

test('channels that a user may not hear: told once, with the command that mends it', async (t) => {
	const redis = await startGuarded(t, { without: ['&{wsbroker}:*'] });
	const a = await member(t, redis.userUrl, 'a');
	await refused(a.broker, 'channels', true);
	assert.equal(await a.broker.metric('wsbroker_bus_refused', { reason: 'channels' }), 1);
	const waited = await command(['--admin', `http://${a.broker.adminAddress}`, 'invalidate', '--tag', 'x', '--wait', 'all=1s']);
	assert.equal(waited.code, 5);
	assert.match(waited.stderr, /not applied yet by a \(.*NOPERM/);
	const { text } = await mend(a.broker, redis, /channels on Redis are not heard/);
	assert.match(text, /NOPERM/);
	await refused(a.broker, 'channels', false);
	await a.invalidate('y');
	await told(a, ['y']);
	told1(a.broker, /event=bus.refused part=channels refused=yes .*NOPERM/g);
	told1(a.broker, /event=bus.refused part=channels refused=no/g);
	const events = JSON.parse((await a.broker.adminGet('/v1/events?type=bus.refused')).body);
	assert.ok(events.some(({ reason, after, detail }) => reason === 'channels' && after === 'refused' && /NOPERM/.test(detail)), JSON.stringify(events));
});

test('an inbox of another kind: the rest of the bus works, and the key can be put aside', async (t) => {
	const redis = await startRedis(t);
	await redis.command('SET', INBOX, 'no stream');
	const a = await member(t, redis.url, 'a');
	await refused(a.broker, 'inbox', true);
	await a.invalidate('own');
	await told(a, ['own']);
	const { text } = await mend(a.broker, redis, /the inbox on Redis is not read/);
	assert.match(text, /WRONGTYPE/);
	await redis.command('XADD', INBOX, '*', 'tags', 'asked');
	await told(a, ['own', 'asked']);
	told1(a.broker, /event=bus.refused part=inbox refused=yes .*WRONGTYPE/g);
});

test('a log of another kind: the bus is suspect for this reason, and the key can be put aside', async (t) => {
	const redis = await startRedis(t);
	await redis.command('SET', LOG, 'no stream');
	const a = await member(t, redis.url, 'a', { waits: false });
	await a.invalidate('own');
	await mend(a.broker, redis, /the bus is lost .*WRONGTYPE/);
	await live(a.broker);
	await told(a, ['own']);
	told1(a.broker, /event=bus.state .*reason=refused .*WRONGTYPE/g);
});

test('memory that is used up: events wait, what others did is known, and Redis is left in peace', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	await a.invalidate('before');
	await told(b, ['before']);
	await redis.command('CONFIG', 'SET', 'maxmemory', 1);
	await redis.command('CONFIG', 'RESETSTAT');
	const tags = Array.from({ length: 50 }, (_, i) => `t${i}`);
	const began = performance.now();
	for (const tag of tags)
		await a.invalidate(tag);
	await refused(a.broker, 'publish', true);
	await until(() => performance.now() - began > 3000);
	assert.equal((await busOf(a.broker)).state, 'live');
	const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.command('INFO', 'commandstats'))[1]);
	assert.ok(calls < 100, `${calls} tries`);
	assert.ok((await statusOf(a.broker)).reasons.some(({ text }) => /are not logged on Redis and wait \(.*OOM/.test(text)));
	await redis.command('CONFIG', 'SET', 'maxmemory', 0);
	await told(b, ['before', ...tags]);
	await refused(a.broker, 'publish', false);
	assertWhole(b, ['before', ...tags]);
	told1(a.broker, /event=bus.refused part=publish refused=yes .*OOM/g);
	assert.equal(await a.broker.metric('wsbroker_bus_resyncs_total'), 0);
});

test('an old Redis without XAUTOCLAIM: what a dead broker left is taken over all the same', async (t) => {
	const redis = await startRedis(t, { args: ['--rename-command', 'XAUTOCLAIM', ''] });
	await redis.command('XGROUP', 'CREATE', INBOX, 'brokers', '0', 'MKSTREAM');
	for (let i = 0; i < 100; i++)
		await redis.command('XADD', INBOX, '*', 'tags', `orphan${i}`);
	await redis.command('XREADGROUP', 'GROUP', 'brokers', 'dead', 'STREAMS', INBOX, '>');
	const a = await member(t, redis.url, 'a');
	await redis.command('XADD', INBOX, '*', 'tags', 'new');
	await told(a, ['new', ...Array.from({ length: 100 }, (_, i) => `orphan${i}`)]);
	await until(async () => (await redis.command('XLEN', INBOX)) === 0, { what: 'an empty inbox' });
	assert.deepEqual(await refusedOf(a.broker), {});
});
