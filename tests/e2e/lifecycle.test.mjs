// Start, drain, end.
//
// TEST_CLIENTS (1000) is how many come back at once after a kill.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { httpRequest } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { CLIENTS } from './support/clients.mjs';
import { upgrade } from './support/raw.mjs';
import { assertError, gate, setup } from './support/setup.mjs';
import { take, until, within } from './support/time.mjs';

const HERD = Number(process.env.TEST_CLIENTS ?? 1000);

test('SIGTERM: what is in flight is answered, clients get 1012, the exit code is 0', async (t) => {
	const held = gate();
	const { broker, connect, upstream } = await setup(t, { upstreams: [{ methods: { held: held.method } }] });
	const [busy, idle] = [await connect(), await connect()];
	busy.send('{"jsonrpc":"2.0","id":1,"method":"held","params":["kept"]}');
	await upstream.seen('held');
	broker.signal('SIGTERM');
	assert.equal((await within(idle.closed, 'close of the idle client')).code, 1012);
	held.release();
	assert.deepEqual((await busy.nextJson()).result, ['kept']);
	assert.equal((await within(busy.closed, 'close of the busy client')).code, 1012);
	assert.deepEqual(await within(broker.child.ended, 'exit').then(({ code, signal }) => ({ code, signal })), { code: 0, signal: null });
});

test('SIGTERM with 10 000 requests in flight: /readyz fails first, then each is answered, then 1012, exit code 0', async (t) => {
	const held = gate();
	const { broker, connect } = await setup(t, {
		upstreams: [{ methods: { held: held.method } }],
		pool: { size: 40, connect_rate: 0 },
		drain: { timeout: '30s', spread: '500ms' },
		log: { level: 'info' },
	});
	const clients = await Promise.all(Array.from({ length: 20 }, () => connect()));
	const calls = clients.flatMap((client, at) => Array.from({ length: 500 }, (unused, call) =>
		client.result('held', [at, call]).then((result) => assert.deepEqual(result, [at, call]))));
	await until(() => held.held.length === 10000, { what: 'all of them to be upstream' });
	broker.signal('SIGTERM');
	await until(async () => (await broker.adminGet('/readyz')).status === 503, { what: '/readyz to fail' });
	assert.ok(clients.every(({ socket }) => socket.readyState === socket.OPEN), 'nobody is closed before its answers');
	held.release();
	await Promise.all(calls);
	const closes = await within(Promise.all(clients.map(({ closed }) => closed)), 'all closes');
	assert.deepEqual([...new Set(closes.map(({ code }) => code))], [1012]);
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
});

test(`${HERD} clients come back at once after kill -9: all are served within 30 s, upstreams are dialled at their pace`, async (t) => {
	const dials = [];
	const { broker } = await setup(t, {
		upstreams: [{ server: { verifyClient: () => dials.push(performance.now()) > 0 } }],
		pool: { size: 40, connect_rate: 10 }, log: { level: 'warn' },
	});
	// Tries again until it has an answer, as a client that knows no better does.
	const comeIn = async (unused, at) => {
		for (;;) {
			const client = await connect(t, broker.url).catch(() => null);
			if (client && await client.result('echo', [at]).catch(() => null))
				return client;
			client?.socket.terminate();
			await take(50);
		}
	};
	const herd = await within(Promise.all(Array.from({ length: HERD }, comeIn)), 'all to be in', 30000);
	await broker.sigkill();
	await within(Promise.all(herd.map(({ closed }) => closed)), 'all to be out');
	const back = within(Promise.all(Array.from({ length: HERD }, comeIn)), 'all to be back', 30000);
	dials.length = 0;
	await broker.start();
	await back;
	await until(async () => (await broker.pool()).ready === 40, { what: 'the whole pool' });
	assert.ok(dials.at(-1) - dials[0] > 2000, `forty dials within ${dials.at(-1) - dials[0]} ms`);
	await until(async () => await broker.metric('wsbroker_clients') === HERD, { what: 'all others to be gone' });
});

test('viem, web3 and rpc-websockets come back by themselves to the broker that takes its place', async (t) => {
	const { broker } = await setup(t);
	const clients = await Promise.all(['viem', 'web3', 'rpc-websockets'].map(async (name) => [name, await CLIENTS[name](broker.url)]));
	for (const [name, client] of clients) {
		cleanup(t, () => client.close());
		assert.deepEqual(await client.call('echo', [name]), { result: [name] });
	}
	await broker.stop();
	await broker.start();
	await Promise.all(clients.map(([name, client]) => until(
		async () => (await client.call('echo', [name]).catch(() => ({}))).result?.[0] === name,
		{ what: `${name} to be back` })));
});

test('during drain.delay the listeners answer 503 and /readyz fails, but clients are served', async (t) => {
	const { broker, connect } = await setup(t, { drain: { delay: '4s', timeout: '5s', spread: '0s' } });
	const client = await connect();
	broker.signal('SIGTERM');
	await until(async () => (await broker.adminGet('/readyz')).status === 503, { what: '/readyz to fail' });
	assert.equal((await broker.adminGet('/livez')).status, 200);
	const { response } = await upgrade(t, broker.address);
	assert.equal(response.status, 503);
	assert.match(response.headers['retry-after'] ?? '', /^\d+$/);
	assert.match(response.headers['content-type'], /^application\/problem\+json/);
	const post = await httpRequest(broker.httpUrl, { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}' });
	assert.equal(post.status, 503);
	assert.match(post.headers['retry-after'] ?? '', /^\d+$/);
	assert.deepEqual(await client.result('echo', [1]), [1]);
	assert.equal((await within(client.closed, 'close')).code, 1012);
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
});

test('drain.spread spreads the closes', async (t) => {
	const { broker, connect } = await setup(t, { drain: { timeout: '10s', spread: '1s' } });
	const clients = await Promise.all(Array.from({ length: 20 }, () => connect()));
	const times = clients.map((client) => client.closed.then(({ code }) => ({ code, at: performance.now() })));
	broker.signal('SIGTERM');
	const closes = await within(Promise.all(times), 'all closes');
	assert.deepEqual([...new Set(closes.map(({ code }) => code))], [1012]);
	const at = closes.map((close) => close.at);
	const span = Math.max(...at) - Math.min(...at);
	assert.ok(span > 300, `closes within ${span} ms`);
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
});

test('drain.code is the code of the close', async (t) => {
	const { broker, connect } = await setup(t, { drain: { spread: '0s', code: 1001 } });
	const client = await connect();
	broker.signal('SIGTERM');
	assert.equal((await within(client.closed, 'close')).code, 1001);
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
});

test('a drain ends at drain.timeout, each open request answered', async (t) => {
	const { broker, connect, upstream } = await setup(t, { drain: { timeout: '600ms', spread: '0s' } });
	const client = await connect();
	client.send('{"jsonrpc":"2.0","id":"open","method":"hang"}');
	await upstream.seen('hang');
	const begun = performance.now();
	broker.signal('SIGTERM');
	const answer = await client.answer('open');
	assert.equal(answer.error.data.source, 'wsbroker');
	assert.equal((await within(client.closed, 'close')).code, 1012);
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
	assert.ok(performance.now() - begun >= 550, 'not before the timeout');
});

test('a second SIGTERM ends at once', async (t) => {
	const { broker, connect, upstream } = await setup(t, { drain: { timeout: '60s', spread: '0s' } });
	const client = await connect();
	client.send('{"jsonrpc":"2.0","id":1,"method":"hang"}');
	await upstream.seen('hang');
	broker.signal('SIGTERM');
	await until(async () => (await broker.adminGet('/readyz')).status === 503, { what: 'the drain to begin' });
	broker.signal('SIGTERM');
	await within(broker.child.ended, 'exit, long before drain.timeout');
});

test('SIGTERM while no upstream was ever up', async (t) => {
	const { broker, connect } = await setup(t, { upstreams: [{ started: false }], start: { ready: 'live' } });
	const client = await connect();
	client.send('{"jsonrpc":"2.0","id":"waits","method":"echo"}');
	await client.call('wsbroker.ping');
	broker.signal('SIGTERM');
	const answer = await client.answer('waits');
	assertError(answer, { code: -32000, reason: 'unavailable', pool: 'main' });
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
});

test('SIGPIPE and peers that vanish do not end the broker', async (t) => {
	const { broker, connect } = await setup(t);
	for (let round = 0; round < 20; round++) {
		const client = await connect();
		client.send('{"jsonrpc":"2.0","id":1,"method":"big","params":{"bytes":500000}}');
		client.socket.terminate();
	}
	broker.signal('SIGPIPE');
	assert.deepEqual(await (await connect()).result('echo', [1]), [1]);
});

for (const format of ['logfmt', 'json']) {
	test(`the log is ${format}, one record a line`, async (t) => {
		const { broker, connect } = await setup(t, { log: { level: 'debug', format } });
		await (await connect()).result('echo', [1]);
		await broker.stop();
		const lines = broker.child.stderr.split('\n').filter(Boolean);
		assert.ok(lines.length > 0, broker.log);
		for (const line of lines) {
			if (format === 'json')
				assert.equal(typeof JSON.parse(line), 'object');
			else
				assert.match(line, /^\S+.*\s[a-z_]+=\S/);
		}
	});
}

test('the start prints addresses, pools and envelope', async (t) => {
	const { broker } = await setup(t);
	for (const word of [broker.address, broker.adminAddress, 'main', 'jsonrpc'])
		assert.ok(broker.log.includes(word), `${word} in:\n${broker.log}`);
});

test('memory returns to where it was', async (t) => {
	const { broker, connect } = await setup(t, { log: { level: 'info', format: 'logfmt' } });
	const resident = async () => Number(/VmRSS:\s+(\d+)/.exec(await fs.readFile(`/proc/${broker.pid}/status`, 'utf8'))[1]);
	const round = async () => {
		const clients = await Promise.all(Array.from({ length: 60 }, () => connect()));
		await Promise.all(clients.map((client) => client.result('big', { bytes: 200000 })));
		await Promise.all(clients.map((client) => client.close()));
	};
	await round();
	await round();
	const before = await resident();
	for (let at = 0; at < 8; at++)
		await round();
	const after = await resident();
	assert.ok(after < before * 1.5 + 4096, `${before} KiB before, ${after} KiB after`);
});
