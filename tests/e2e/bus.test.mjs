// Invalidations between brokers, through a real Redis: the log, what happens when it is away, paused,
// emptied or failed over, the inbox and the channels of scripts, and how Redis is reached.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { command } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { run } from './support/child.mjs';
import { connect } from './support/client.mjs';
import { assertWhole, busOf, INBOX, live, LOG, member, resyncs, told } from './support/member.mjs';
import { freePort } from './support/ports.mjs';
import { random } from './support/random.mjs';
import { RedisClient, startRedis } from './support/redis.mjs';
import { take, until } from './support/time.mjs';

const AOF = { args: ['--appendonly', 'yes'] };

test('an event on one broker reaches the other, the log and both channels', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	const heard = [];
	const script = await RedisClient.open(redis.port);
	cleanup(t, () => script.close());
	await script.subscribe(['{wsbroker}:invalidations', '{wsbroker}:invalidations:msgpack'],
		(channel, bytes) => heard.push([channel, bytes]));
	await a.invalidate('property:42');
	await told(a, ['property:42']);
	await told(b, ['property:42']);
	const [[id, fields]] = await redis.command('XRANGE', LOG, '-', '+');
	assert.deepEqual(fields.filter((_, at) => at % 2 === 0), ['event']);
	const event = JSON.parse(fields[1]);
	assert.equal(event.data.position, id);
	assert.equal(await redis.command('GET', '{wsbroker}:epoch'), id.split('-')[0]);
	assert.equal(id.split('-')[1], '1');
	assert.deepEqual(b.events[0], event);
	await until(() => heard.length === 2);
	assert.equal(heard[0][1].toString(), fields[1]);
	assert.ok(heard[1][1].includes(id) && heard[1][1].includes('property:42'));
	assert.match(a.broker.log, new RegExp(`bus       redis://127.0.0.1:${redis.port}/0\n`));
});

test('what one broker invalidates, or a script, the other serves no more', async (t) => {
	const redis = await startRedis(t);
	let value = 0;
	const settings = {
		upstream: { methods: { get: (_, { reply }) => reply({ result: value }) } },
		routes: [{ method: 'get', pool: 'main', cache: { scope: 'shared', ttl: '60s', tags: ['property:42'] } }, { method: '*', pool: 'main' }],
	};
	const [a, b] = [await member(t, redis.url, 'a', settings), await member(t, redis.url, 'b', settings)];
	const read = (who) => who.client.result('get', {});
	const ways = [
		() => a.invalidate('property:42'),
		() => redis.command('XADD', INBOX, '*', 'tags', 'property:*'),
		() => redis.command('PUBLISH', '{wsbroker}:invalidate', '{"tags":["property:42"]}'),
	];
	for (const way of ways) {
		const before = value;
		assert.deepEqual([await read(a), await read(b)], [before, before]);
		value++;
		assert.deepEqual([await read(a), await read(b)], [before, before], 'from the cache');
		await way();
		await until(async () => (await read(a)) === value && (await read(b)) === value, { what: `the new value, by ${way}` });
	}
});

test('an outage of Redis: what both sides cause arrives, once each, and nothing is flushed', async (t) => {
	const outage = 1000 * Math.min(30, Number(process.env.TEST_SECONDS ?? 3));
	const redis = await startRedis(t, AOF);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	const tags = ['before'];
	await a.invalidate('before');
	await told(b, tags);
	await redis.kill();
	await until(async () => (await busOf(a.broker)).state === 'suspect' && (await busOf(b.broker)).state === 'suspect');
	const end = performance.now() + outage;
	for (let i = 0; performance.now() < end || i < 1500; i++) {
		tags.push(`a${i}`, `b${i}`);
		await Promise.all([a.invalidate(`a${i}`), b.invalidate(`b${i}`)]);
		if (i >= 3000)
			await until(() => performance.now() >= end, { deadline: outage + 1000, every: 50 });
	}
	const { reasons } = JSON.parse((await a.broker.adminGet('/v1/status')).body);
	const { command: next } = reasons.find(({ text }) => /the bus is lost/.test(text));
	assert.match(next, /^wsbroker events /);
	await redis.start();
	for (const who of [a, b]) {
		await told(who, tags);
		await live(who.broker);
		assertWhole(who, tags);
		assert.equal((await busOf(who.broker)).resyncs, 0);
	}
	assert.equal(await redis.command('XLEN', LOG), tags.length);
});

test('connections that are killed again and again lose nothing and double nothing', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	const tags = [];
	const below = random(t);
	let kills = 0;
	const storm = async () => {
		while (tags.length < 6000) {
			for (const type of ['normal', 'pubsub'])
				kills += await redis.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
			await take(below(150));
		}
	};
	const storming = storm();
	while (tags.length < 6000) {
		const some = Array.from({ length: 20 }, (_, i) => `t${tags.length + i}`);
		tags.push(...some);
		await Promise.all(some.map((tag, i) => (i % 2 ? a : b).invalidate(tag)));
		await take(2);
	}
	await storming;
	for (const who of [a, b]) {
		await told(who, tags);
		await live(who.broker);
		assertWhole(who, tags);
	}
	assert.equal(await redis.command('XLEN', LOG), tags.length);
	assert.ok(kills > 20, `${kills} kills`);
});

// The broker's own script, as another broker would call it: with the numbers of one that nobody else
// is. Each event is [entry of the inbox, text before and behind the position, the same in MessagePack].
async function scriptOf(redis, a) {
	await redis.command('CONFIG', 'SET', 'slowlog-log-slower-than', 0);
	await a.invalidate('own');
	await told(a, ['own']);
	const [, hash, , ...keys] = (await redis.command('SLOWLOG', 'GET', 128)).map(([, , , words]) => words)
		.find(([word]) => word === 'EVALSHA');
	keys.splice(5);
	keys[3] = '{wsbroker}:source:/wsbroker/z/1';
	const event = (number) => ['', `{"specversion":"1.0","type":"wsbroker.cache.invalidated.v1","source":"/wsbroker/z/1","id":"z${number}","data":{"position":`,
		`,"op":"invalidate","mode":"hard","tags":["z${number}"],"match":"any","keys":[],"methods":[],"cause":"admin"}}`, '', ''];
	return (first, last = first) => redis.command('EVALSHA', hash, 5, ...keys, first, 1, 1000, 'json', 'msgpack',
		...Array.from({ length: last - first + 1 }, (_, i) => event(first + i)).flat());
}

// What the script does with numbers that come again, or never came.
test('an event that was refused between two that were not is logged when it comes again', async (t) => {
	const redis = await startRedis(t);
	const a = await member(t, redis.url, 'a');
	const publish = await scriptOf(redis, a);
	await publish(1);
	const third = await publish(3);
	await publish(2);
	assert.deepEqual(await publish(3), third);
	const fourth = await publish(4);
	assert.deepEqual(await publish(3), fourth);
	await told(a, ['own', 'z1', 'z3', 'z2', 'z4']);
	assertWhole(a, ['own', 'z1', 'z3', 'z2', 'z4']);
	assert.equal(await redis.command('XLEN', LOG), 5);
});

test('of a batch that comes again, what is in the log is not logged twice', async (t) => {
	const redis = await startRedis(t);
	const a = await member(t, redis.url, 'a');
	const publish = await scriptOf(redis, a);
	const epoch = await redis.command('GET', '{wsbroker}:epoch');
	assert.deepEqual(await publish(1, 3), [3, 3, `${epoch}-4`, '', '']);
	// Cut at another place than before: two that are there, two that are new.
	assert.deepEqual(await publish(2, 5), [4, 4, `${epoch}-6`, '', '']);
	assert.deepEqual(await publish(1, 5), [5, 5, `${epoch}-6`, '', '']);
	await told(a, ['own', 'z1', 'z2', 'z3', 'z4', 'z5']);
	assertWhole(a, ['own', 'z1', 'z2', 'z3', 'z4', 'z5']);
	// A gap: what lies before it is rather logged twice, and readers know it by its id.
	assert.deepEqual(await publish(7), [1, 1, `${epoch}-7`, '', '']);
	assert.deepEqual(await publish(5, 8), [4, 4, `${epoch}-10`, '', '']);
	await told(a, ['own', 'z1', 'z2', 'z3', 'z4', 'z5', 'z6', 'z7', 'z8']);
	assert.deepEqual(a.tags.filter((tag) => tag === 'z5'), ['z5']);
	assert.equal(await redis.command('XLEN', LOG), 10);
	assert.equal(resyncs(a), 0);
});

// Redis' Lua counts in doubles, which end at 2^53: the only way to have it refuse an event in the
// middle of a batch, and it goes on refusing.
test('a batch that Redis refuses in its middle: half is in the log, the rest follows in a new numbering', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	await a.invalidate('first');
	await told(b, ['first']);
	await redis.command('SET', '{wsbroker}:position', String(2 ** 53 - 2));
	a.client.send(JSON.stringify(['v', 'w', 'x', 'y', 'z'].map((tag) =>
		({ jsonrpc: '2.0', method: 'wsbroker.invalidate', params: { tags: [tag] } }))));
	await told(b, ['first', 'v', 'w']);
	await told(b, ['first', 'v', 'w', 'x', 'y', 'z']);
	await told(a, ['first', 'v', 'w', 'x', 'y', 'z']);
	for (const who of [a, b])
		assert.deepEqual(who.tags, ['first', 'v', 'w', 'x', 'y', 'z']);
	assert.equal(resyncs(b), 2, 'the hole before them, and the new numbering');
	const { position } = await busOf(b.broker);
	assert.ok(Number(position.split('-')[1]) < 10, position);
	await until(async () => (await busOf(a.broker)).queued === 0);
});

test('who may log but not publish is told so, and the brokers go on', async (t) => {
	const redis = await startRedis(t);
	await redis.command('ACL', 'SETUSER', 'deaf', 'on', '>pw', '~*', '+@all', 'resetchannels', '&{wsbroker}:invalidate', '&{wsbroker}:brokers*');
	const url = `redis://deaf:pw@127.0.0.1:${redis.port}/0`;
	const [a, b] = [await member(t, url, 'a'), await member(t, url, 'b')];
	await a.invalidate('quiet');
	await told(b, ['quiet']);
	assertWhole(b, ['quiet']);
	await until(() => /event=bus.refused part=copies .*channel/.test(a.broker.log), { what: () => a.broker.log });
	assert.equal((await busOf(a.broker)).state, 'live');
});

// What has been accepted leaves before the broker does, also when the connection has just been lost.
test('a broker that is told to stop says first what it has to say', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a', { limits: { in_flight_per_client: 100000 } }), await member(t, redis.url, 'b')];
	const tags = Array.from({ length: 4000 }, (_, i) => `t${i}`);
	redis.signal('SIGSTOP');
	for (const tag of tags)
		a.client.send(`{"jsonrpc":"2.0","method":"wsbroker.invalidate","params":{"tags":["${tag}"]}}`);
	await a.invalidate('last');
	const ending = a.broker.stop();
	await until(() => /event=drain.begin/.test(a.broker.log), { what: 'the drain' });
	redis.signal('SIGCONT');
	await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
	await ending;
	await told(b, [...tags, 'last']);
	assertWhole(b, [...tags, 'last']);
	assert.doesNotMatch(a.broker.log, /event=bus.unsent/);
});

test('a pause of Redis is noticed in 2.5 s and costs nothing', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	redis.signal('SIGSTOP');
	cleanup(t, () => redis.signal('SIGCONT'));
	const began = performance.now();
	const tags = Array.from({ length: 50 }, (_, i) => `t${i}`);
	await Promise.all(tags.map((tag) => a.invalidate(tag)));
	await until(async () => (await busOf(a.broker)).state === 'suspect', { every: 20, deadline: 8000 });
	t.diagnostic(`after ${Math.round(performance.now() - began)} ms`);
	redis.signal('SIGCONT');
	for (const who of [a, b]) {
		await told(who, tags);
		await live(who.broker);
		assertWhole(who, tags);
	}
});

test('a broker that was stopped is suspect until it has read what it missed', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	b.broker.signal('SIGSTOP');
	cleanup(t, () => b.broker.signal('SIGCONT'));
	const began = performance.now();
	for (let i = 0; i < 20; i++)
		await a.invalidate(`t${i}`);
	await until(() => performance.now() - began > 4000);
	b.broker.signal('SIGCONT');
	await told(b, ['t0', 't19']);
	assertWhole(b, Array.from({ length: 20 }, (_, i) => `t${i}`));
});

// What had come before it was stopped may be read before the tick, in one piece with what came since.
test('a broker that was stopped asks before it serves, whatever it reads first', async (t) => {
	const redis = await startRedis(t);
	let value = 0;
	const cached = { method: 'get', pool: 'main', cache: { strategy: 'conservative', scope: 'shared', ttl: '60s', tags: ['t'] } };
	const settings = {
		upstream: { methods: { get: (_, { reply }) => reply({ result: value }) } },
		routes: [cached, { method: '*', pool: 'main' }],
	};
	const [a, b] = [await member(t, redis.url, 'a', settings), await member(t, redis.url, 'b', settings)];
	cleanup(t, () => b.broker.signal('SIGCONT'));
	const read = () => b.client.result('get', {});
	for (let round = 0; round < 3; round++) {
		assert.deepEqual([await read(), await read()], [value, value]);
		b.broker.signal('SIGSTOP');
		const before = read();
		await take(3000);
		value++;
		await a.invalidate('t');
		const after = read();
		b.broker.signal('SIGCONT');
		await before;
		assert.equal(await after, value);
		await live(b.broker);
	}
});

test('Redis that has lost its data: a resync, a higher epoch, and on it goes', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	for (let i = 0; i < 5; i++)
		await a.invalidate(`old${i}`);
	await told(b, ['old4']);
	const epoch = Number(await redis.command('GET', '{wsbroker}:epoch'));
	await redis.kill();
	await redis.start();
	await until(() => resyncs(a) === 1 && resyncs(b) === 1);
	await live(a.broker);
	await live(b.broker);
	assert.ok(Number(await redis.command('GET', '{wsbroker}:epoch')) > epoch);
	await b.invalidate('new');
	await told(a, ['new']);
	assert.equal(resyncs(a), 1);
	assert.equal(resyncs(b), 1);
});

test('FLUSHALL while everybody is connected is noticed by the next event, or within seconds', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	for (let i = 0; i < 5; i++)
		await a.invalidate(`old${i}`);
	await told(b, ['old4']);
	await redis.command('FLUSHALL');
	await b.invalidate('new');
	await told(a, ['new']);
	await told(b, ['new']);
	assert.equal(resyncs(a), 1);
	assert.equal(resyncs(b), 1);
	await redis.command('FLUSHALL');
	await until(() => resyncs(a) === 2 && resyncs(b) === 2);
	await redis.command('XADD', INBOX, '*', 'tags', 'after');
	await told(a, ['after']);
	for (const { broker } of [a, b])
		assert.equal(await broker.metric('wsbroker_invalidation_events_ignored_total', { reason: 'unknown_type' }), 0);
});

test('who follows a broker that finds Redis late is told that events may be missing', async (t) => {
	const redis = await startRedis(t, AOF);
	const b = await member(t, redis.url, 'b');
	await b.invalidate('missed');
	await told(b, ['missed']);
	await redis.kill();
	const a = await member(t, redis.url, 'a', { waits: false });
	await redis.start();
	await live(a.broker);
	await until(() => resyncs(a) === 1);
	await live(b.broker);
	await a.invalidate('new');
	await told(a, ['new']);
	await told(b, ['missed', 'new']);
	assert.equal(resyncs(a), 1);
	assertWhole(b, ['missed', 'new']);
});

test('a failover that lost the tail and gives its numbers out again is a hole', async (t) => {
	const primary = await startRedis(t);
	const replica = await startRedis(t, { replicaOf: primary });
	const [a, b] = [await member(t, [primary.url, replica.url], 'a'), await member(t, [primary.url, replica.url], 'b')];
	await a.invalidate('kept');
	await told(b, ['kept']);
	const synced = async () => (await replica.command('XLEN', LOG)) === 1;
	await until(synced, { what: 'the replica' });
	// The link between them is cut: the tail never reaches the replica.
	await replica.command('REPLICAOF', 'NO', 'ONE');
	for (const tag of ['lost1', 'lost2', 'lost3'])
		await a.invalidate(tag);
	await told(b, ['lost3']);
	// Others are there first, and give out the same numbers for events of their own.
	for (const who of [a, b]) {
		who.broker.signal('SIGSTOP');
		cleanup(t, () => who.broker.signal('SIGCONT'));
	}
	await primary.kill();
	const epoch = await replica.command('GET', '{wsbroker}:epoch');
	const forged = (seq) => JSON.stringify({ specversion: '1.0', type: 'wsbroker.cache.invalidated.v1', source: '/wsbroker/c/1', id: `other${seq}`,
		data: { position: `${epoch}-${seq}`, op: 'invalidate', mode: 'hard', tags: [`other${seq}`], match: 'any', keys: [], methods: [], cause: 'admin' } });
	for (let seq = 2; seq <= 6; seq++)
		await replica.command('XADD', LOG, `${epoch}-${seq}`, 'event', forged(seq));
	await replica.command('SET', '{wsbroker}:position', 6);
	for (const who of [a, b])
		who.broker.signal('SIGCONT');
	for (const who of [a, b])
		await until(() => resyncs(who) >= 1, { what: () => `a resync\n${who.broker.log.slice(-2000)}` });
	await live(a.broker);
	await live(b.broker);
	assert.ok(Number(await replica.command('GET', '{wsbroker}:epoch')) > Number(epoch));
	await a.invalidate('new');
	await told(b, ['new']);
});

test('a master that becomes a replica is left for the new one', async (t) => {
	const first = await startRedis(t);
	const second = await startRedis(t, { replicaOf: first });
	const [a, b] = [await member(t, [first.url, second.url], 'a'), await member(t, [first.url, second.url], 'b')];
	await a.invalidate('one');
	await told(b, ['one']);
	await until(async () => (await second.command('XLEN', LOG)) === 1);
	await second.command('REPLICAOF', 'NO', 'ONE');
	await first.command('REPLICAOF', '127.0.0.1', second.port);
	await until(async () => (await busOf(a.broker)).url?.includes(second.port));
	await a.invalidate('two');
	await told(b, ['two']);
	assertWhole(b, ['one', 'two']);
});

test('the log that was trimmed past a broker is a hole without a new epoch', async (t) => {
	const redis = await startRedis(t, AOF);
	const settings = { invalidation: { url: redis.url, log_length: 100 } };
	const [a, b] = [await member(t, redis.url, 'a', settings), await member(t, redis.url, 'b', settings)];
	await a.invalidate('first');
	await told(b, ['first']);
	const epoch = await redis.command('GET', '{wsbroker}:epoch');
	b.broker.signal('SIGSTOP');
	cleanup(t, () => b.broker.signal('SIGCONT'));
	for (let i = 0; i < 1000; i++)
		await a.invalidate(`t${i}`);
	assert.ok((await redis.command('XLEN', LOG)) < 400);
	// Its connections go, or what is in their buffers would still be whole.
	await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
	b.broker.signal('SIGCONT');
	await until(() => resyncs(b) === 1);
	await a.invalidate('last');
	await told(b, ['last']);
	assert.equal(await redis.command('GET', '{wsbroker}:epoch'), epoch);
});

test('the inbox: read by one, logged once, and waiting while nobody is there', async (t) => {
	const redis = await startRedis(t);
	await redis.command('XADD', INBOX, '*', 'tags', 'early');
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	const { code } = await run('redis-cli', ['-p', String(redis.port), 'XADD', INBOX, '*', 'tags', 'property:42']);
	assert.equal(code, 0);
	await redis.command('XADD', INBOX, '*', 'tags', '["x","y"]', 'mode', 'soft');
	await redis.command('XADD', INBOX, '*', 'tag', 'misspelt');
	for (let i = 0; i < 200; i++)
		await redis.command('XADD', INBOX, '*', 'tags', `t${i}`);
	const tags = ['property:42', 'x', 'y', ...Array.from({ length: 200 }, (_, i) => `t${i}`)];
	await told(a, tags);
	await told(b, tags);
	const logged = (await redis.command('XRANGE', LOG, '-', '+')).map(([, [, text]]) => JSON.parse(text).data);
	assert.deepEqual(logged.flatMap((data) => data.tags).sort(), ['early', ...tags].sort());
	assert.equal(logged.find((data) => data.tags.includes('x')).mode, 'soft');
	assert.ok(logged.every((data) => data.cause === 'inbox'));
	await until(async () => (await redis.command('XLEN', INBOX)) === 0, { what: 'an empty inbox' });
	await until(() => /event=bus.unreadable where=inbox why=.*tag/.test(a.broker.log + b.broker.log));
});

test('an entry that a broker took and did not acknowledge is taken over', async (t) => {
	const redis = await startRedis(t);
	await redis.command('XGROUP', 'CREATE', INBOX, 'brokers', '0', 'MKSTREAM');
	await redis.command('XADD', INBOX, '*', 'tags', 'orphan');
	await redis.command('XREADGROUP', 'GROUP', 'brokers', 'dead', 'STREAMS', INBOX, '>');
	const a = await member(t, redis.url, 'a');
	await told(a, ['orphan']);
	assert.equal(await redis.command('XLEN', LOG), 1);
});

test('PUBLISH is heard by each broker, applied and not logged', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	const heard = (who) => who.broker.metric('wsbroker_invalidations_total', { cause: 'script' });
	await until(async () => (await redis.command('PUBLISH', '{wsbroker}:invalidate', '{"tags":["property:42"]}')) === 2);
	await redis.command('PUBLISH', '{wsbroker}:invalidate', 'nonsense');
	for (const who of [a, b])
		await until(async () => (await heard(who)) === 1);
	assert.equal(await redis.command('XLEN', LOG), 0);
});

test('a user and password, a database, a Unix socket, a name', async (t) => {
	const redis = await startRedis(t);
	await redis.command('ACL', 'SETUSER', 'wsb', 'on', '>pass/word', '~{wsbroker}:*', '&{wsbroker}:*', '+@all');
	for (const url of [
		`redis://wsb:pass%2fword@127.0.0.1:${redis.port}/3`,
		`redis+unix://wsb:pass%2fword@${redis.socket}?db=3`,
		`unix:${redis.socket}?db=3`,
		`redis://localhost:${redis.port}/3`,
	]) {
		const a = await member(t, url, 'a');
		await a.invalidate('tag');
		await told(a, ['tag']);
		assert.equal(JSON.stringify(await busOf(a.broker)).includes('word'), false);
		assert.doesNotMatch(a.broker.log, /pass.?word/);
		await a.broker.stop();
	}
	assert.deepEqual(await redis.command('DBSIZE'), 0);
});

test('what keeps it from Redis is told: password, role, nobody there', async (t) => {
	const redis = await startRedis(t, { args: ['--requirepass', 'secret'] });
	for (const [url, reason] of [
		[`redis://:wrong@127.0.0.1:${redis.port}`, /reason=auth .*WRONGPASS/],
		[`redis://127.0.0.1:${redis.port}`, /reason=refused .*NOAUTH/],
		[`redis://127.0.0.1:${await freePort()}`, /reason=connect .*refused/],
		['redis://no.such.name.invalid', /reason=dns/],
		['redis+unix:///nowhere.sock', /reason=connect/],
	]) {
		const a = await member(t, url, 'a', { waits: false });
		await until(() => reason.test(a.broker.log), { what: () => `${reason}\n${a.broker.log}` });
		assert.equal((await busOf(a.broker)).state, 'suspect');
		await a.invalidate('x');
		await a.broker.stop();
	}
});

test('brokers know each other, and how far each has read', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	await a.invalidate('x');
	await told(b, ['x']);
	const rows = async () => JSON.parse((await a.broker.adminGet('/v1/brokers')).body);
	const both = await until(async () => {
		const list = await rows();
		return list.length === 2 && list.every(({ position, lag_events: lag }) => position?.endsWith('-1') && lag === 0) && list;
	}, { what: 'both brokers at the same place' });
	assert.deepEqual(both.map(({ node, self, live: lives }) => [node, self, lives]), [['a', true, true], ['b', false, true]]);
	assert.equal(both[1].clients, 2);
	await b.broker.stop();
	await until(async () => (await rows()).length === 1, { what: 'a good-bye' });
});

test('invalidate --wait all returns when every live broker has applied it, or names the others', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'a'), await member(t, redis.url, 'b')];
	const invalidate = (tag, wait = 'all=5s') => command(['--admin', `http://${a.broker.adminAddress}`, 'invalidate', '--tag', tag, '--wait', wait]);
	await until(async () => JSON.parse((await a.broker.adminGet('/v1/brokers')).body).length === 2);
	for (let i = 0; i < 5; i++) {
		const { code, stderr } = await invalidate(`t${i}`);
		assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
		assert.ok(b.tags.includes(`t${i}`), 'it has been applied there');
	}
	b.broker.signal('SIGSTOP');
	cleanup(t, () => b.broker.signal('SIGCONT'));
	const late = await invalidate('late', 'all=1s');
	assert.equal(late.code, 5);
	assert.match(late.stderr, /not applied yet by b/);
	// Who is not heard of any more is not waited for.
	assert.equal((await invalidate('gone', 'all=6s')).code, 0);
	b.broker.signal('SIGCONT');
	await told(b, ['late', 'gone']);
	await redis.kill();
	const alone = await invalidate('alone', 'all=1s');
	assert.equal(alone.code, 5);
	assert.match(alone.stderr, /not applied yet by a/);
});

test('two brokers of one name: each hears all, and what the inbox asks is logged once', async (t) => {
	const redis = await startRedis(t);
	const [a, b] = [await member(t, redis.url, 'twin'), await member(t, redis.url, 'twin')];
	const asked = Array.from({ length: 100 }, (_, i) => `t${i}`);
	for (const tag of asked)
		await redis.command('XADD', INBOX, '*', 'tags', tag);
	await Promise.all([a.invalidate('a'), b.invalidate('b')]);
	for (const who of [a, b])
		await told(who, ['a', 'b', ...asked]);
	for (const who of [a, b])
		assertWhole(who, ['a', 'b', ...asked]);
	await until(async () => JSON.parse((await a.broker.adminGet('/v1/brokers')).body).filter(({ live: lives }) => lives).length === 2);
	const { code } = await command(['--admin', `http://${a.broker.adminAddress}`, 'invalidate', '--tag', 'x', '--wait', 'all=5s']);
	assert.equal(code, 0);
	assert.ok(b.tags.includes('x'));
});

const percentile = (values, share) => [...values].sort((x, y) => x - y)[Math.min(values.length - 1, Math.floor(values.length * share))];

// Figures, not limits: the machine is shared.
test('how long an event takes, from call to every listener', async (t) => {
	const redis = await startRedis(t);
	const quiet = { log: { level: 'warn' } };
	const [a, b] = [await member(t, redis.url, 'a', quiet), await member(t, redis.url, 'b', quiet)];
	const script = await RedisClient.open(redis.port);
	cleanup(t, () => script.close());
	const sent = new Map();
	const took = { 'same broker': [], 'other broker': [], 'SUBSCRIBE': [] };
	const arrive = (list, tag) => list.push(performance.now() - sent.get(tag));
	const listen = (who, list) => who.watcher.socket.on('message', (data) => {
		const tag = /"tags":\["([^"]*)"/.exec(data)?.[1];
		if (tag)
			arrive(list, tag);
	});
	listen(a, took['same broker']);
	listen(b, took['other broker']);
	await script.subscribe(['{wsbroker}:invalidations'], (_, bytes) => arrive(took.SUBSCRIBE, /"tags":\["([^"]*)"/.exec(bytes)[1]));
	for (let i = 0; i < 1000; i++) {
		sent.set(`t${i}`, performance.now());
		a.client.send(`{"jsonrpc":"2.0","id":${i},"method":"wsbroker.invalidate","params":{"tags":["t${i}"]}}`);
		await take(2);
	}
	await until(() => Object.values(took).every((list) => list.length === 1000));
	for (const [what, list] of Object.entries(took))
		t.diagnostic(`${what}: p50 ${percentile(list, 0.5).toFixed(2)} ms, p99 ${percentile(list, 0.99).toFixed(2)} ms`);
});

test('as many events as it takes, for some seconds, without growth', { timeout: 200000 }, async (t) => {
	const seconds = Math.min(30, Number(process.env.TEST_SECONDS ?? 3));
	const redis = await startRedis(t);
	const quiet = { log: { level: 'warn' }, limits: { in_flight_per_client: 100000 } };
	const [a, b] = [await member(t, redis.url, 'a', quiet), await member(t, redis.url, 'b', quiet)];
	const seqOf = async (who) => Number((await busOf(who.broker)).position.split('-')[1]);
	for (const who of [a, b])
		await who.watcher.result('wsbroker.unsubscribe', { channel: 'invalidations' }).catch(() => {});
	const cpuOf = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((x, y) => x + Number(y), 0) / 100;
	const rssOf = (who) => Number(readFileSync(`/proc/${who.broker.pid}/statm`, 'utf8').split(' ')[1]) * 4096;
	const began = performance.now();
	let sent = 0;
	let warm;
	while (performance.now() - began < seconds * 1000) {
		const behind = 10 * (performance.now() - began);
		for (; sent < behind; sent++)
			a.client.send(`{"jsonrpc":"2.0","method":"wsbroker.invalidate","params":{"tags":["property:${sent % 50000}"]}}`);
		if (!warm && performance.now() - began > 1000)
			warm = rssOf(a) + rssOf(b);
		await take(5);
	}
	await until(async () => (await busOf(a.broker)).queued === 0 && (await seqOf(b)) === (await seqOf(a)), { deadline: 120000 });
	const took = (performance.now() - began) / 1000;
	const merged = await a.broker.metric('wsbroker_bus_events_merged_total');
	assert.equal((await seqOf(b)) + merged, sent);
	assert.equal(await b.broker.metric('wsbroker_bus_resyncs_total'), 0);
	t.diagnostic(`${sent} calls in ${seconds} s, ${await seqOf(b)} events (${merged} merged) at both brokers after ${took.toFixed(1)} s: `
		+ `${Math.round(await seqOf(b) / took)}/s; memory ${((rssOf(a) + rssOf(b) - warm) / 1048576).toFixed(1)} MiB more than after one second; `
		+ `CPU µs an event: ${[['a', a.broker.pid], ['b', b.broker.pid], ['Redis', redis.pid]].map(([name, pid]) => `${name} ${Math.round(cpuOf(pid) * 1e6 / sent)}`).join(', ')}`);
});

test('who comes back to another broker, or to one that was restarted, misses nothing', async (t) => {
	const redis = await startRedis(t);
	const a = await member(t, redis.url, 'a');
	const tags = Array.from({ length: 300 }, (_, at) => `t:${at}`);
	await a.invalidate('before');
	await told(a, ['before']);
	const since = a.events[0].data.position;
	for (const tag of tags)
		await a.invalidate(tag);
	await told(a, tags);
	const b = await member(t, redis.url, 'b');
	await a.broker.sigkill();
	await a.broker.start();
	await live(a.broker);
	for (const { broker } of [a, b]) {
		// The latest events are there with the first answer of Redis, all of them a moment later.
		const heard = async (from) => {
			const client = await connect(t, broker.url);
			await client.result('wsbroker.subscribe', { channel: 'invalidations', since: from });
			const { params: { event } } = await client.nextJson();
			return event.type === 'wsbroker.cache.resync.v1' ? undefined : { client, first: event };
		};
		const whole = await until(() => heard(since), { what: 'the events from before' });
		assert.equal(whole.first.data.tags[0], 't:0');
		for (const tag of tags.slice(1))
			assert.equal((await whole.client.nextJson()).params.event.data.tags[0], tag);
		for (const from of ['start', '10m'])
			assert.equal((await until(() => heard(from), { what: `the events since ${from}` })).first.data.tags[0], 'before');
	}
	assert.equal(await b.broker.metric('wsbroker_invalidations_total', { cause: 'bus' }), 0);
	assert.deepEqual(b.events, []);
});
