// Peers that stop reading while much is under way: what is buffered stays bounded, what had not
// left moves, and all of it arrives once there is room again.

import assert from 'node:assert/strict';
import net from 'node:net';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { freePort } from './support/ports.mjs';
import { upgrade } from './support/raw.mjs';
import { setup } from './support/setup.mjs';
import { take, until } from './support/time.mjs';
import { certificates } from './support/tls.mjs';
import { startUpstream } from './support/upstream.mjs';

const answersOf = (client, count, bytes, deadline) =>
	Promise.all(Array.from({ length: count }, (_, at) => client.call('echo', [at, 'x'.repeat(bytes)], { deadline })));

function assertEchoed(answers, bytes) {
	for (const [at, { result }] of answers.entries()) {
		assert.equal(result?.[0], at);
		assert.equal(result[1].length, bytes);
	}
}

test('a TLS upstream that stops reading in the middle of records gets every byte once it reads on', async (t) => {
	const certs = certificates(t);
	const upstream = await startUpstream(t, { tls: certs.pair('server') });
	const broker = await startBroker(t, {
		limits: { message: '4MiB', in_flight_per_client: 100 },
		pools: [pool([upstream.url], { size: 1, tls: { ca: certs.file('ca.pem') }, probe: { interval: '30s' }, queue: { age: '50s' } })],
		routes: [{ method: '*', pool: 'main', timeout: '50s' }],
	});
	const client = await connect(t, broker.url);
	const [{ socket }] = upstream.connections;
	for (let round = 0; round < 3; round++) {
		socket._socket.pause();
		const asked = answersOf(client, 40, 300001, 45000);
		await until(async () => await broker.metric('wsbroker_buffer_bytes') > 2e6, { what: 'bytes that wait for the upstream' });
		// Little by little, so that records are cut anywhere.
		for (let sip = 0; sip < 20; sip++) {
			socket._socket.resume();
			await take(1);
			socket._socket.pause();
			await take(2);
		}
		socket._socket.resume();
		assertEchoed(await asked, 300001);
	}
	assert.equal(upstream.handshakes.length, 1, 'over one and the same connection');
	assert.equal(await broker.metric('wsbroker_buffer_bytes'), 0);
});

test('a TLS client that does not read gets whole frames and 1013 once it does', async (t) => {
	const certs = certificates(t);
	const { broker } = await setup(t, {
		listen: [{ tls: { certificate: certs.file('server.pem'), key: certs.file('server.key') } }],
		limits: { send_buffer: '2MiB', in_flight_per_client: 10000 },
	});
	const deaf = await upgrade(t, broker.address, { tls: { ca: certs.read('ca.pem'), servername: 'localhost' } });
	deaf.pause();
	// Several of them share a record.
	for (let id = 0; id < 6000; id++)
		deaf.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'big', params: { bytes: 3000 } }));
	await until(() => /slow_reader/.test(broker.log), { what: 'slow_reader in the log' });
	deaf.resume();
	assert.equal((await deaf.closing()).code, 1013);
	assert.ok(deaf.frames.length > 100);
});

test('what waits behind an upstream\'s close frame moves to another connection', async (t) => {
	const { broker, connect: open, upstreams: [deaf, sound] } = await setup(t, {
		upstreams: 2,
		pool: { size: 2, balancer: 'round-robin', probe: { interval: '30s' }, queue: { age: '50s' } },
		limits: { message: '4MiB' },
		// Not idempotent: only what had not left may move.
		routes: [{ method: '*', pool: 'main', timeout: '50s' }],
	});
	const client = await open();
	const [{ socket }] = deaf.connections;
	socket._socket.pause();
	const asked = answersOf(client, 60, 300000, 45000);
	await until(() => sound.of('echo').length >= 20, { what: 'the other one to be served' });
	await until(async () => await broker.metric('wsbroker_buffer_bytes') > 300000, { what: 'bytes that wait for the deaf one' });
	socket.close(1001, 'going away');
	// It will never read the rest, so its socket is lost once the broker has said good-bye.
	const answers = await asked;
	const served = answers.filter(({ result }) => result);
	const lost = answers.filter(({ error }) => error);
	assert.ok(lost.every(({ error }) => error.data.reason === 'upstream_lost'), JSON.stringify(lost[0]));
	assert.ok(await broker.metric(/^wsbroker_.*retries.*_total$/, { reason: 'unsent' }) > 0, 'some had not left');
	const seen = [...deaf.of('echo'), ...sound.of('echo')].map(({ params: [at] }) => at);
	assert.equal(new Set(seen).size, seen.length, 'nothing was sent twice');
	assert.equal(served.length + lost.length, 60);
});

test('beyond limits.memory no upstream is read until the buffers drain', async (t) => {
	const { broker, connect: open, upstream } = await setup(t, {
		limits: { memory: '8MiB', send_buffer: '64MiB', message: '1MiB' },
		pool: { size: 2, max_in_flight: 1000 },
		routes: [{ method: '*', pool: 'main', timeout: '50s' }],
	});
	const slow = await open();
	slow.socket.pause();
	for (let id = 0; id < 100; id++)
		slow.send(JSON.stringify({ jsonrpc: '2.0', id: `s${id}`, method: 'big', params: { bytes: 500000 } }));
	await until(() => /memory\.full/.test(broker.log), { what: 'memory.full in the log' });
	const sent = () => [...upstream.connections].reduce((sum, { socket }) => sum + socket._socket.bytesWritten, 0);
	let before = -1;
	await until(() => { const now = sent(); const same = now === before; before = now; return same; },
		{ what: 'the upstream to be held back', every: 300 });
	const held = await broker.metric('wsbroker_buffer_bytes');
	assert.ok(held < 32 * 1048576, `${held} bytes buffered`);
	assert.equal((await broker.adminGet('/readyz')).status, 200);
	slow.socket.resume();
	await until(() => slow.received.length === 100, { what: 'every answer' });
	await until(() => /memory\.relieved/.test(broker.log), { what: 'memory.relieved in the log' });
	assert.deepEqual(await (await open()).result('echo', [1]), [1]);
	assert.equal(await broker.metric('wsbroker_buffer_bytes'), 0);
});
