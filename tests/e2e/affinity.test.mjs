// Clients that stay on one connection of the pool.

import assert from 'node:assert/strict';
import { test } from './support/case.mjs';
import { setup } from './support/setup.mjs';
import { until } from './support/time.mjs';

const seat = ({ name, connection }) => `${name}/${connection}`;

const spread = (seats) => [...new Set(seats)].map((one) => seats.filter((other) => other === one).length);

async function scene(t, settings = {}) {
	const { pool, ...more } = settings;
	const all = await setup(t, {
		upstreams: 2, pool: { size: 4, affinity: 'client', ...pool },
		routes: [{ method: '*', pool: 'main', timeout: '10s', idempotent: true }], ...more,
	});
	await until(() => all.upstreams.every(({ connections }) => connections.size === 2), { what: 'four connections' });
	return all;
}

test('clients spread evenly and each stays on its connection', async (t) => {
	const { connect, broker } = await scene(t);
	const clients = await Promise.all(Array.from({ length: 12 }, () => connect()));
	const first = [];
	for (const client of clients)
		first.push(seat(await client.result('who')));
	assert.deepEqual(spread(first), [3, 3, 3, 3]);
	for (let round = 0; round < 5; round++)
		assert.deepEqual((await Promise.all(clients.map((client) => client.result('who')))).map(seat), first);
	const { json } = await broker.adminGet('/v1/connections');
	assert.deepEqual(json.map(({ clients: count }) => count), [3, 3, 3, 3]);
	assert.equal((await broker.metrics()).sum('wsbroker_affinity_total', { reason: 'first' }), 12);
});

test('what a client sends keeps its order while its connections are killed', async (t) => {
	const { connect, upstreams, broker } = await scene(t, { pool: { max_in_flight: 4 } });
	const client = await connect();
	const rounds = 12;
	for (let at = 0; at < 600; at++) {
		client.send(JSON.stringify({ jsonrpc: '2.0', method: 'echo', params: { at } }));
		client.result('echo', { at }).catch(() => {});
		if (at % (600 / rounds) === 17) {
			const { connection, name } = await client.result('who');
			const mine = upstreams.find((upstream) => upstream.name === name);
			[...mine.connections].find(({ number }) => number === connection).socket.terminate();
		}
	}
	const last = await client.result('who');
	assert.ok(last);
	const seen = upstreams.flatMap(({ requests }) => requests)
		.filter(({ method }) => method === 'echo').sort((a, b) => a.at - b.at);
	// A request that had been written before its connection died is written again, so only first
	// sightings are in order; a notification comes once at most.
	const known = new Set();
	let newest = -1;
	for (const { id, params } of seen) {
		const key = `${id === undefined ? 'n' : 'r'}${params.at}`;
		if (known.has(key)) {
			assert.notEqual(id, undefined, `notification ${params.at} came twice`);
			continue;
		}
		known.add(key);
		assert.ok(params.at >= newest, `${key} after ${newest}`);
		newest = params.at;
	}
	assert.ok((await broker.metrics()).sum('wsbroker_affinity_total', { reason: 'moved' }) >= 1);
});

test('explain says whether the client was moved', async (t) => {
	const { connect, upstreams } = await scene(t);
	const client = await connect();
	const explained = async () => 
		(await client.call('who', undefined, { wsbroker: { explain: true } })).wsbroker.affinity;
	assert.equal(await explained(), 'assigned');
	assert.equal(await explained(), 'kept');
	for (const { connections } of upstreams)
		for (const { socket } of connections)
			socket.terminate();
	assert.equal(await explained(), 'moved');
});
