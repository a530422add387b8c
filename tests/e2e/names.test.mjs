// A name that leads to several places, of which the first is of no use. The names are those of a file
// that stands in the place of /etc/hosts for the broker alone, which needs root and unshare.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { startChild } from './support/child.mjs';
import { busOf, live } from './support/member.mjs';
import { freePort } from './support/ports.mjs';
import { startRedis } from './support/redis.mjs';
import { tempDir, writeFile } from './support/temp.mjs';
import { until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

const BAD = '127.0.0.1';
const GOOD = '127.0.0.2';
const skip = spawnSync('unshare', ['-m', 'true']).status === 0 ? false : 'no mount namespaces here';

async function listen(t, host, port, connected) {
	const sockets = new Set();
	const server = net.createServer((socket) => {
		sockets.add(socket.on('error', () => {}));
		connected(socket);
	});
	await new Promise((resolve, reject) => { server.once('error', reject).listen(port, host, resolve); });
	cleanup(t, () => {
		sockets.forEach((socket) => socket.destroy());
		server.close();
	});
}

const forwarder = (t, host, port, redis) => listen(t, host, port, (socket) => {
	const onward = net.connect(redis.port, '127.0.0.1').on('error', () => socket.destroy());
	socket.pipe(onward).pipe(socket).on('close', () => onward.destroy());
});

// A place where no handshake is answered any more: nobody accepts, and who waits to be accepted
// fills the queue.
async function silence(t, host, port) {
	const script = `require('node:net').createServer().listen({ host: '${host}', port: ${port}, backlog: 1 }, () => console.log('listens'))`;
	const child = startChild(t, process.execPath, ['-e', script]);
	await until(() => /listens/.test(child.output), { what: 'a listener' });
	child.signal('SIGSTOP');
	cleanup(t, () => child.signal('SIGCONT'));
	for (let reached = true; reached;) {
		const socket = net.connect(port, host).on('error', () => {});
		cleanup(t, () => socket.destroy());
		reached = await Promise.race([
			new Promise((resolve) => { socket.once('connect', () => resolve(true)); }),
			new Promise((resolve) => { setTimeout(resolve, 500, false); }),
		]);
	}
}

// The bus of a broker to which redis.test is the bad place, then the good one.
async function reach(t, port) {
	const directory = tempDir(t);
	const hosts = writeFile(directory, 'hosts', `${BAD} redis.test\n${GOOD} redis.test\n`);
	const upstream = await startUpstream(t);
	const broker = await startBroker(t,
		{ pools: [pool([upstream.url])], invalidation: { url: `redis://redis.test:${port}` } },
		{ under: ['unshare', '-m', 'bash', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts] });
	await live(broker);
	await until(async () => Object.keys((await busOf(broker)).refused).length === 0);
	return broker;
}

test('a host that says nothing costs a moment', { skip }, async (t) => {
	const redis = await startRedis(t);
	const port = await freePort();
	await silence(t, BAD, port);
	await forwarder(t, GOOD, port, redis);
	const broker = await reach(t, port);
	// Not even the time that a connect may take.
	assert.doesNotMatch(broker.log, /event=bus.state .*reason=connect/);
	// All four connections are there.
	await until(async () => (await redis.command('PUBSUB', 'NUMSUB', '{wsbroker}:invalidate'))[1] === 1);
	await redis.command('XADD', '{wsbroker}:inbox', '*', 'tags', 'x');
	await until(async () => (await redis.command('XLEN', '{wsbroker}:invalidations:log')) === 1, { what: 'an event' });
});

test('a host that refuses costs nothing', { skip }, async (t) => {
	const redis = await startRedis(t);
	const port = await freePort();
	await forwarder(t, GOOD, port, redis);
	const broker = await reach(t, port);
	assert.doesNotMatch(broker.log, /event=bus.state .*reason=connect/);
});

test('a host that is a replica is left for the other, by all connections', { skip }, async (t) => {
	const redis = await startRedis(t);
	const replica = await startRedis(t, { replicaOf: redis });
	const port = await freePort();
	await forwarder(t, BAD, port, replica);
	await forwarder(t, GOOD, port, redis);
	const broker = await reach(t, port);
	assert.match(broker.log, /reason=replica/);
	await until(async () => (await redis.command('PUBSUB', 'NUMSUB', '{wsbroker}:invalidate'))[1] === 1);
	assert.equal((await replica.command('PUBSUB', 'NUMSUB', '{wsbroker}:invalidate'))[1], 0);
});

test('a host that accepts and says nothing is left for the other', { skip }, async (t) => {
	const redis = await startRedis(t);
	const port = await freePort();
	await listen(t, BAD, port, () => {});
	await forwarder(t, GOOD, port, redis);
	const broker = await reach(t, port);
	assert.match(broker.log, /reason=silent/);
});
