// The examples of proto/PROTOCOL.md, run as they stand there, but for the ports.

import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { startChild } from './support/child.mjs';
import { connect } from './support/client.mjs';
import { startRedis } from './support/redis.mjs';
import { tempDir, writeFile } from './support/temp.mjs';
import { until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const page = readFileSync(path.join(here, '../../proto/PROTOCOL.md'), 'utf8');
const EXAMPLES = new Map([...page.matchAll(/```(\w+)\n(?:#|\/\/) example: (\S+)\n(.*?)```/gs)]
	.map(([, language, name, text]) => [name, { language, text }]));

const PROGRAMS = { sh: ['sh', 'sh'], js: [process.execPath, 'mjs'], python: ['python3', 'py'] };

// Runs an example against these servers, for as long as the test t, in a folder that can be used again.
function start(t, name, { broker, redis, folder = tempDir(t) }) {
	const { language, text } = EXAMPLES.get(name);
	const [program, suffix] = PROGRAMS[language];
	const told = text.replaceAll('127.0.0.1:7080', broker.address).replaceAll('127.0.0.1:7081', broker.adminAddress)
		.replaceAll('6379', String(redis?.port ?? 6379));
	// With it go the programs that it has started.
	const child = startChild(t, 'timeout', ['100', program, writeFile(folder, `example.${suffix}`, told)], { cwd: folder });
	cleanup(t, () => child.running && child.end('SIGTERM'));
	child.folder = folder;
	child.seen = (text, options) => until(() => child.stdout.includes(text), { what: () => `${text} from ${name}\n${child.output}`, ...options });
	return child;
}

async function scene(t, config = {}) {
	const upstream = await startUpstream(t);
	const broker = await startBroker(t, { pools: [pool([upstream.url])], ...config });
	const client = await connect(t, broker.url);
	return { broker, invalidate: (...tags) => client.result('wsbroker.invalidate', { tags }) };
}

test('every example of the page has a test here', () => {
	assert.deepEqual([...EXAMPLES.keys()].sort(),
		['cause', 'curl', 'node', 'python', 'redis', 'redis-cli', 'see', 'websocket']);
	const event = JSON.parse(/```json\n(.*?)```/s.exec(page)[1]);
	assert.equal(event.type, 'wsbroker.cache.invalidated.v1');
});

test('see and cause', async (t) => {
	const { broker, invalidate } = await scene(t);
	await invalidate('property:1');
	const see = start(t, 'see', { broker });
	await see.seen('"tags":["property:1"]');
	const cause = start(t, 'cause', { broker });
	assert.equal((await cause.ended).code, 0);
	assert.match(cause.stdout, /"invalidated": 0,\s+"position": "\d+-2"/);
	assert.match(cause.stdout, /"result":\{"invalidated":0,"position":"\d+-3"\}/);
	await see.seen('"tags":["property:43"]');
});

for (const [name, line] of [['curl', (tag) => `"tags":["${tag}"]`], ['node', (tag) => `invalidate ${tag}`], ['python', (tag) => `invalidate ${tag}`]]) {
	test(`follow and come back with ${name}`, async (t) => {
		const { broker, invalidate } = await scene(t);
		const first = start(t, name, { broker });
		// Its place is known as soon as the stream has begun.
		const reaches = (end) => until(() => readFileSync(path.join(first.folder, 'cursor'), 'utf8').trim().endsWith(end), { what: () => `a cursor\n${first.output}` });
		await reaches('-0');
		await invalidate('a');
		await first.seen(line('a'));
		await reaches('-1');
		await first.end('SIGTERM');
		await invalidate('b');
		const second = start(t, name, { broker, folder: first.folder });
		await second.seen(line('b'));
		assert.ok(!second.stdout.includes(line('a')));
		await invalidate('c');
		await second.seen(line('c'));
		// A broker that was started anew remembers nothing of it.
		await broker.stop();
		await broker.start();
		await second.seen(name === 'curl' ? 'wsbroker.cache.resync.v1' : 'forget everything');
	});
}

test('follow over a WebSocket', async (t) => {
	const { broker, invalidate } = await scene(t);
	const folder = tempDir(t);
	symlinkSync(path.join(here, 'node_modules'), path.join(folder, 'node_modules'));
	await invalidate('property:1', 'x');
	const follower = start(t, 'websocket', { broker, folder });
	await follower.seen('invalidate property:1 x');
	await invalidate('agent:1');
	await invalidate('property:2');
	await follower.seen('invalidate property:2');
	assert.ok(!follower.stdout.includes('agent'));
});

// What Redis is while it reads its files.
async function startLoading(t, port) {
	const sockets = new Set();
	const asked = [];
	const server = net.createServer((socket) => {
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('data', (bytes) => {
			asked.push(String(bytes));
			socket.write('-LOADING Redis is loading the dataset in memory\r\n');
		});
	});
	const end = () => new Promise((ended) => {
		server.close(ended);
		for (const socket of sockets)
			socket.destroy();
	});
	cleanup(t, end);
	await new Promise((open) => { server.listen(port, '127.0.0.1', open); });
	return { asked, end };
}

test('read the log on Redis and cause events there', async (t) => {
	const redis = await startRedis(t);
	const { broker, invalidate } = await scene(t, { invalidation: { url: redis.url } });
	await until(async () => JSON.parse((await broker.adminGet('/v1/status')).body).bus.state === 'live');
	await invalidate('a');
	const reader = start(t, 'redis', { broker, redis });
	// It begins behind what is there already.
	await until(async () => {
		await invalidate('again');
		return reader.stdout.includes('again');
	}, { what: () => `the reader\n${reader.output}`, every: 50 });
	const cli = start(t, 'redis-cli', { broker, redis });
	assert.equal((await cli.ended).code, 0);
	await reader.seen('invalidate property:44\n');
	await reader.seen('invalidate property:45 city:*\n');
	// What was published is applied and never logged.
	await until(async () => await broker.metric('wsbroker_invalidations_total', { cause: 'script' }) === 1);
	assert.ok(!reader.stdout.includes('property:46'));
	await reader.end('SIGTERM');
	await invalidate('b');
	const again = start(t, 'redis', { broker, redis, folder: reader.folder });
	await again.seen('invalidate b\n');
	assert.ok(!again.stdout.includes('forget'));
	// Redis loses everything: numbers begin anew, and the reader knows. Until it serves it refuses all.
	await redis.kill();
	const loading = await startLoading(t, redis.port);
	await until(() => loading.asked.filter((text) => text.includes('XRANGE')).length >= 2, { what: () => `the reader\n${again.output}` });
	await loading.end();
	await redis.start();
	await again.seen('forget everything');
});
