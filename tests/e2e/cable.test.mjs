// A cable that is cut: no FIN, no RST, nothing ever comes again. An upstream and a client live in a
// network of their own, whose link to the broker's goes down. Needs root and iproute2.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { run, startChild } from './support/child.mjs';
import { freePort } from './support/ports.mjs';
import { until } from './support/time.mjs';

const PING_MS = 500;
const NAME = `wsb${process.pid}`;
const HERE = `10.213.${process.pid % 250}.1`;
const THERE = `10.213.${process.pid % 250}.2`;

const SERVER = `
	import { WebSocketServer } from 'ws';
	const server = new WebSocketServer({ host: '${THERE}', port: 9000 });
	server.on('connection', (socket) => socket.on('message', (data) => {
		const { id, params } = JSON.parse(data);
		socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: params }));
	}));
	server.on('listening', () => console.log('listens'));`;

// Connects; a busy one keeps a request under way all the time.
const client = (url, busy) => `
	import WebSocket from 'ws';
	const socket = new WebSocket('${url}');
	const ask = () => socket.send('{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}');
	socket.on('open', () => { console.log('open'); ${busy ? 'ask();' : ''} });
	socket.on('message', () => ask());
	setInterval(() => {}, 1000);`;

async function ip(...args) {
	const { code, stderr } = await run('ip', args);
	assert.equal(code, 0, `ip ${args.join(' ')}: ${stderr}`);
}

async function layCable(t) {
	await ip('netns', 'add', NAME);
	cleanup(t, () => ip('netns', 'del', NAME));
	await ip('link', 'add', NAME, 'type', 'veth', 'peer', 'name', 'there', 'netns', NAME);
	// A network that has gone keeps its links for a while yet.
	cleanup(t, () => ip('link', 'del', NAME));
	await ip('addr', 'add', `${HERE}/30`, 'dev', NAME);
	await ip('link', 'set', NAME, 'up');
	await ip('-n', NAME, 'addr', 'add', `${THERE}/30`, 'dev', 'there');
	await ip('-n', NAME, 'link', 'set', 'there', 'up');
}

const startThere = (t, script) => startChild(t, 'ip',
	['netns', 'exec', NAME, process.execPath, '--input-type=module', '-e', script], { cwd: import.meta.dirname });

function networks() {
	const tried = spawnSync('ip', ['netns', 'add', `${NAME}-try`]);
	if (tried.status === 0)
		spawnSync('ip', ['netns', 'del', `${NAME}-try`]);
	return tried.status === 0;
}

for (const busy of [false, true]) {
	test(`a cable that is cut, ${busy ? 'busy' : 'idle'}: both sides are given up for their missing pongs`,
		{ timeout: 40000, skip: networks() ? false : 'no network namespaces here' }, async (t) => {
			await layCable(t);
			const server = startThere(t, SERVER);
			await until(() => /listens/.test(server.output), { what: 'the upstream' });
			const port = await freePort();
			const broker = await startBroker(t, {
				listen: [{ address: `${HERE}:${port}` }],
				limits: { ping: `${PING_MS}ms` },
				pools: [pool([`ws://${THERE}:9000/`], { size: 2, probe: { interval: `${PING_MS}ms`, timeout: `${PING_MS}ms` } })],
			});
			const peer = startThere(t, client(broker.url, busy));
			await until(async () => /open/.test(peer.output) && await broker.metric('wsbroker_clients') === 1, { what: 'the client' });
			await until(async () => (await broker.pool()).ready === 2, { what: 'the pool' });
			await ip('-n', NAME, 'link', 'set', 'there', 'down');
			// The kernel would give them up after many minutes.
			const patience = { deadline: 2 * PING_MS + 10000 };
			await until(async () => (await broker.pool()).ready === 0, { what: 'the upstream to be given up', ...patience });
			await until(async () => await broker.metric('wsbroker_clients') === 0, { what: 'the client to be given up', ...patience });
			await ip('-n', NAME, 'link', 'set', 'there', 'up');
			await until(async () => (await broker.pool()).ready === 2, { what: 'the pool to be back' });
		});
}
