// All kinds of clients on all kinds of servers at once, while servers are killed, stopped and
// started again. The books must balance: every call ends in exactly one answer, which names the
// client and the number of its own call, or in an error of the broker's table.
// TEST_SECONDS (20) is how long the mixing lasts.

import assert from 'node:assert/strict';
import { test } from './support/case.mjs';
import { Book, PATIENCE } from './support/book.mjs';
import { pool, startBroker } from './support/broker.mjs';
import { LIBRARY_CLIENTS, platformClients, rawClients } from './support/crowd.mjs';
import { ENVELOPE, GREETING } from './support/platform.mjs';
import { startServer } from './support/servers.mjs';
import { take, until } from './support/time.mjs';

const SECONDS = Number(process.env.TEST_SECONDS ?? 20);
const ALL_DOWN_SECONDS = 5;

const FLEET = {
	eth: ['anvil', 'anvil', 'ganache'],
	rpc: ['rpc', 'rpc'],
	packed: ['rpc-msgpack', 'rpc-msgpack'],
	files: ['aria2', 'aria2'],
	plain: ['scripted', 'scripted'],
};
const ROUTES = [
	['web3_*', 'eth'], ['eth_*', 'eth'], ['net_*', 'eth'], ['packed.*', 'packed'], ['aria2.*', 'files'], ['rpc.*', 'rpc'], ['*', 'plain'],
];
const SETTINGS = {
	size: 4,
	queue: { age: '15s' },
	probe: { interval: '500ms', timeout: '500ms' },
	retry: { budget: 1, per_second: 1000 },
};
const rule = ([method, name]) => ({ method, pool: name, timeout: '20s', attempt_timeout: '2s', idempotent: true });

async function launch(t, kinds) {
	return Promise.all(kinds.map((kind) => startServer(t, kind)));
}

test(`${SECONDS} s of kills and stalls: nothing is lost, doubled or given to another`, { timeout: (SECONDS + 150) * 1000 }, async (t) => {
	const fleet = {};
	for (const [name, kinds] of Object.entries(FLEET))
		fleet[name] = await launch(t, kinds);
	const platforms = await launch(t, ['platform', 'platform']);
	const log = { level: 'info', format: 'logfmt' };
	const broker = await startBroker(t, {
		log,
		pools: Object.entries(fleet).map(([name, servers]) => pool(servers.map(({ url }) => url),
			{ ...SETTINGS, name, encoding: name === 'packed' ? 'msgpack' : 'json' })),
		routes: ROUTES.map(rule),
	});
	const home = await startBroker(t, {
		log,
		envelope: ENVELOPE,
		pools: [pool(platforms.map(({ url }) => url), { ...SETTINGS, on_connect: GREETING })],
		routes: [{ method: 'authenticate', respond: '{"type":"auth_success"}' }, rule(['*', 'main'])],
	});

	const book = new Book();
	const end = performance.now() + SECONDS * 1000;
	const running = () => performance.now() < end;
	const crowd = [
		...await rawClients(t, broker.url, 6),
		...await platformClients(t, home.url, 2),
	];
	for (const open of LIBRARY_CLIENTS)
		crowd.push(await open(t, broker.url));
	const work = crowd.map((client, number) => client.work(book, number, running));
	const servers = [...Object.values(fleet).flat(), ...platforms];
	const trouble = disturb(servers, running, end);
	await Promise.all([...work, trouble]);

	await until(() => book.open === 0, { deadline: PATIENCE, what: 'every call to end' });
	t.diagnostic(book.report());
	assert.deepEqual(book.faults, []);
	assert.ok(book.answered > SECONDS * 10, `${book.answered} answers`);
	assert.ok(book.answered > book.refused * 2, `more answers than errors: ${book.report()}`);
	const lost = book.reasons.get('upstream_lost') ?? 0;
	assert.ok(lost <= 5 + book.answered / 1000000, `hardly one is written to three servers in a row that die: ${book.report()}`);
	for (const [kind, { answered }] of book.kinds)
		assert.ok(answered > 0, `${kind} got answers`);
	for (const each of [broker, home]) {
		assert.equal(await each.metric(/^wsbroker_.*in_flight$/), 0, 'nothing in flight is left');
		assertGivenUpLate(t, (await each.adminGet('/v1/requests?failed=true')).json);
	}
});

// Every route is idempotent and the budget is never used up: whatever was lost had been written
// three times, each time to a server that died of it, for all that the broker knows.
function assertGivenUpLate(t, requests) {
	const lost = requests.filter(({ reason }) => reason === 'upstream_lost');
	for (const { method, attempts, endpoint, duration_seconds: seconds } of lost)
		t.diagnostic(`lost: ${method} at ${endpoint} after ${attempts} attempts, ${seconds} s`);
	assert.deepEqual(lost.filter(({ attempts }) => attempts < 3), []);
}

// One server at a time is killed or stopped; once, halfway, all of them for ALL_DOWN_SECONDS.
async function disturb(servers, running, end) {
	const halfway = performance.now() + (end - performance.now()) / 2;
	let blackout = false;
	for (let round = 0; running(); round++) {
		const server = servers[(round * 5) % servers.length];
		if (!blackout && performance.now() > halfway) {
			blackout = true;
			await Promise.all(servers.map((each) => each.kill()));
			await take(ALL_DOWN_SECONDS * 1000);
			await Promise.all(servers.map((each) => each.start()));
		} else if (round % 2) {
			server.freeze();
			await take(700);
			server.thaw();
		} else {
			await server.kill();
			await take(200);
			await server.start();
		}
		await take(300);
	}
}
