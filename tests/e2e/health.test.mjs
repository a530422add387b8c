// Upstreams that fall ill: what the broker notices, who still gets requests, and that no
// idempotent one fails meanwhile.

import assert from 'node:assert/strict';
import { test } from './support/case.mjs';
import { setup } from './support/setup.mjs';
import { startServer } from './support/servers.mjs';
import { pool, startBroker } from './support/broker.mjs';
import { connect as connectTo } from './support/client.mjs';
import { take, until } from './support/time.mjs';

const SICK = -32050;
const EJECTION = { consecutive: 5, errors: [SICK], base: '1s', max: '2s', window: '2s' };
const GENEROUS = { budget: 1, per_second: 10000 };
const IDEMPOTENT = [{ method: '*', pool: 'main', timeout: '10s', attempt_timeout: '600ms', idempotent: true }];

// An upstream that can fall ill: mood is well, hang or error; ms is how long an answer takes.
function patient() {
	const state = { mood: 'well', ms: 2, works: 0 };
	const methods = {
		async work(params, { reply }) {
			state.works++;
			if (state.mood === 'hang')
				return undefined;
			if (state.mood === 'error') {
				reply({ error: { code: SICK, message: 'out of order' } });
				return undefined;
			}
			await take(state.ms);
			return params;
		},
		'health.check': (params, { reply }) => {
			if (state.mood === 'hang')
				return undefined;
			if (state.mood === 'error') {
				reply({ error: { code: 1, message: 'ill' } });
				return undefined;
			}
			return { status: state.mood === 'ill' ? 'ill' : 'ok', more: [1] };
		},
	};
	return Object.assign(state, { methods });
}

async function ward(t, count, { pool: settings, routes = IDEMPOTENT, ...config } = {}) {
	const patients = Array.from({ length: count }, patient);
	const cast = await setup(t, {
		upstreams: patients.map(({ methods }) => ({ methods })),
		pool: { size: count, ejection: EJECTION, retry: GENEROUS, slow_start: '1s', ...settings },
		routes, log: { level: 'info', format: 'logfmt' }, ...config,
	});
	await until(async () => (await endpoints(cast.broker)).every(({ state }) => state === 'active'), { what: 'all to be ready' });
	return { ...cast, patients };
}

const endpoints = async (broker) => (await broker.pool()).endpoints;
const events = async (broker) => {
	const { json } = await broker.adminGet('/v1/events');
	return json.map(({ type }) => type);
};

// Requests in a closed loop of `depth` on each of `clients`, until stopped; none of them may fail.
async function load(connect, { clients = 4, depth = 4, method = 'work' } = {}) {
	const state = { running: true, done: 0, failures: [] };
	const loops = [];
	for (let number = 0; number < clients; number++) {
		const client = await connect();
		for (let lane = 0; lane < depth; lane++)
			loops.push((async () => {
				while (state.running) {
					const value = [number, lane, state.done];
					const answer = await client.call(method, value);
					if (answer.error || JSON.stringify(answer.result) !== JSON.stringify(value))
						state.failures.push(answer);
					state.done++;
				}
			})());
	}
	state.more = (count, deadline = 15000) => {
		const goal = state.done + count;
		return until(() => state.done >= goal, { deadline, what: `${count} more answers` });
	};
	state.stop = async () => {
		state.running = false;
		await Promise.all(loops);
		assert.deepEqual(state.failures.slice(0, 3), [], `${state.failures.length} of ${state.done} failed`);
	};
	return state;
}

// Requests that do not wait for each other, every few milliseconds, for so long and at least so many,
// or until stopped.
async function stream(connect, { every = 2, ms = 2000, least = 0, method = 'work', stopped = () => false } = {}) {
	const client = await connect();
	const end = performance.now() + ms;
	let id = 0;
	while ((performance.now() < end || id < least) && !stopped()) {
		client.send(JSON.stringify({ jsonrpc: '2.0', id: id++, method, params: [id] }));
		await take(every);
	}
	return id;
}

// Less than a twentieth; a trial now and then, by the clock, weighs more where a busy machine sends little.
const few = (sent) => Math.max(12, sent * 0.05);

const total = (counts) => counts.reduce((sum, count) => sum + count, 0);

// How the next so many requests are shared out, or a few more of them.
async function next(patients, requests) {
	const before = patients.map(({ works }) => works);
	const since = () => patients.map(({ works }, at) => works - before[at]);
	await until(() => total(since()) >= requests, { what: `${requests} requests` });
	return since();
}

function orders(list) {
	if (list.length < 2)
		return [list];
	return list.flatMap((first, at) => orders(list.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}

// Every order of the three ways to fall ill, the healthy one another each time.
for (const [round, order] of orders(['dead', 'hang', 'error']).entries()) {
	const healthy = round % 4;

	test(`${order.join(', then ')} beside one healthy endpoint: no idempotent request fails`, async (t) => {
		const { broker, connect, upstreams, patients } = await ward(t, 4, { pool: { size: 8 } });
		const traffic = await load(connect);
		const ill = [0, 1, 2, 3].filter((at) => at !== healthy);
		await traffic.more(200);
		for (const [at, mood] of order.entries()) {
			const whom = ill[at];
			if (mood === 'dead')
				await upstreams[whom].stop();
			else
				patients[whom].mood = mood;
			await until(async () => {
				const endpoint = (await endpoints(broker))[whom];
				return ['down', 'ejected', 'trial'].includes(endpoint.state) || endpoint.finding || (await broker.pool()).panic;
			}, { what: `${mood} to be noticed` });
			await traffic.more(200);
		}
		await until(async () => (await broker.pool()).panic, { what: 'panic' });
		assert.equal(await broker.metric('wsbroker_pool_panic', { pool: 'main' }), 1);
		const status = (await broker.adminGet('/v1/status')).json;
		assert.ok(status.reasons.some(({ text }) => /panic/.test(text)), JSON.stringify(status.reasons));
		await traffic.more(300);

		for (const patient of patients)
			patient.mood = 'well';
		await upstreams[ill[order.indexOf('dead')]].start();
		await until(async () => (await endpoints(broker)).every(({ state, share }) => state === 'active' && share === 1),
			{ what: 'all to be well again', deadline: 40000 });
		assert.equal(await broker.metric('wsbroker_pool_panic', { pool: 'main' }), 0);
		const before = patients.map(({ works }) => works);
		await traffic.more(400);
		for (const [at, { works }] of patients.entries())
			assert.ok(works - before[at] > 20, `endpoint ${at} is used again`);
		await traffic.stop();
		const seen = await events(broker);
		for (const type of ['endpoint.ejected', 'endpoint.trial', 'endpoint.restored', 'endpoint.down', 'pool.panic', 'pool.calm'])
			assert.ok(seen.includes(type), `${type} in ${[...new Set(seen)]}`);
		assert.ok(await broker.metric('wsbroker_ejections_total', { reason: 'error' }) > 0);
	});
}

test('an error that is not listed is the application\'s own', async (t) => {
	const { broker, connect } = await ward(t, 2);
	const client = await connect();
	for (let at = 0; at < 40; at++)
		assert.equal((await client.call('fail', { code: 7 })).error.code, 7);
	assert.ok((await endpoints(broker)).every(({ state, errors }) => state === 'active' && errors === 0));
	assert.equal(await broker.metric('wsbroker_ejections_total'), 0);
});

test('a listed error reaches the client when nobody else can be asked, and ejects', async (t) => {
	const { broker, connect, patients } = await ward(t, 2, { routes: [{ method: '*', pool: 'main', timeout: '5s' }] });
	const client = await connect();
	patients[0].mood = 'error';
	const answers = [];
	await until(async () => {
		answers.push(await client.call('work', [answers.length]));
		return (await endpoints(broker))[0].state !== 'active';
	}, { what: 'its ejection', every: 1 });
	const failed = answers.filter(({ error }) => error);
	assert.equal(failed.length, 5, `${failed.length} of ${answers.length} failed`);
	assert.equal(failed[0].error.code, SICK);
	const [{ state, reason, finding }] = await endpoints(broker);
	assert.ok(['ejected', 'trial'].includes(state), state);
	assert.equal(reason, 'error', finding);
	const { json: { reasons } } = await broker.adminGet('/v1/status');
	assert.ok(reasons.some(({ text, command }) => /is ejected \(error\)/.test(text) && /^wsbroker endpoint drain main\//.test(command)), JSON.stringify(reasons));
});

for (const balancer of ['round-robin', 'least-connections', 'random', 'peak-ewma']) {
	for (const idempotent of [true, false]) {
		test(`${balancer}: a black hole gets less than 5 % after two seconds, ${idempotent ? '' : 'not '}idempotent`, async (t) => {
			const { connect, patients } = await ward(t, 4, {
				pool: { size: 4, balancer, ejection: { consecutive: 5 } },
				routes: [{ method: '*', pool: 'main', timeout: '30s', idempotent }],
			});
			await stream(connect, { ms: 500 });
			patients[2].mood = 'hang';
			await stream(connect, { ms: 2000 });
			const before = patients.map(({ works }) => works);
			const sent = await stream(connect, { ms: 1500, least: 100 });
			const got = patients[2].works - before[2];
			t.diagnostic(`${got} of ${sent}`);
			assert.ok(got < few(sent), `${got} of ${sent}`);
		});
	}

	test(`${balancer}: who fails fast attracts no traffic`, async (t) => {
		const { connect, patients } = await ward(t, 4, {
			pool: { size: 4, balancer, ejection: { consecutive: 0, ratio: 0, errors: [SICK] } },
			routes: [{ method: '*', pool: 'main', timeout: '5s' }],
		});
		for (const patient of patients)
			patient.ms = 20;
		await stream(connect, { ms: 500 });
		patients[1].mood = 'error';
		await stream(connect, { ms: 500 });
		const before = patients[1].works;
		const sent = await stream(connect, { ms: 1500, least: 100 });
		const got = patients[1].works - before;
		t.diagnostic(`${got} of ${sent}`);
		assert.ok(got < few(sent), `${got} of ${sent}`);
	});

	test(`${balancer}: an endpoint that comes back starts slowly`, async (t) => {
		const { broker, connect, upstreams, patients } = await ward(t, 2, { pool: { size: 4, balancer, slow_start: '4s' } });
		await upstreams[1].stop();
		await until(async () => (await endpoints(broker))[1].state === 'down', { what: 'down' });
		// The connections that the other one gets for it start slowly too: until then they are no measure.
		await until(async () => {
			const [{ ready, ramping }] = await endpoints(broker);
			return ready === 4 && ramping === 0;
		}, { what: 'the other to carry it all' });
		assert.equal(await broker.metric('wsbroker_endpoint_ramping'), 0);
		await upstreams[1].start();
		// It has been away for seconds, so that the next dial may be as far off.
		await until(async () => (await endpoints(broker))[1].state === 'active', { what: 'its return' });
		let over = false;
		const flow = stream(connect, { ms: 60000, every: 3, stopped: () => over });
		const name = (await endpoints(broker))[1].name;
		const share = () => broker.metric('wsbroker_endpoint_share', { endpoint: name });
		const begun = await share();
		assert.ok(begun < 1, `share ${begun}`);
		assert.ok((await endpoints(broker))[1].ramping > 0);
		const early = await next(patients, 200);
		// A busy machine takes long for them, and the share grows meanwhile.
		const grown = await share();
		await until(async () => await share() === 1, { what: 'its full share' });
		const late = await next(patients, 200);
		over = true;
		await flow;
		t.diagnostic(`${early} with a share of ${begun} to ${grown}, then ${late}`);
		// Equal servers differ by the noise of their answer times, and peak-ewma goes by that: of
		// it the share is judged alone.
		if (balancer === 'peak-ewma')
			return;
		assert.ok(early[1] < early[0] * Math.max(0.6, grown + 0.25), `${early} with a share of ${begun} to ${grown}`);
		assert.ok(late[1] > late[0] * 0.5, `${late} in the end`);
	});
}

for (const [how, options] of [['from idle', { clients: 1, depth: 1 }], ['under load', { clients: 4, depth: 8 }]]) {
	test(`peak-ewma starves an endpoint that is twenty times slower, ${how}`, async (t) => {
		const { connect, patients } = await ward(t, 4, { pool: { size: 8, balancer: 'peak-ewma' } });
		for (const patient of patients)
			patient.ms = 3;
		patients[3].ms = 60;
		const traffic = await load(connect, options);
		// Less than a third of its fair share within ten seconds.
		await until(async () => {
			const got = await next(patients, 600);
			t.diagnostic(`${got}`);
			return got[3] < total(got) / 4 / 3;
		}, { what: 'the slow one to be starved' });
		await traffic.stop();
	});
}

test('a probing call finds the ill endpoint before a request does, and brings it back', async (t) => {
	const { broker, connect, patients, upstreams } = await ward(t, 2, {
		pool: { size: 4, probe: { interval: '300ms', timeout: '1s', method: 'health.check', params: { deep: true }, expect: { status: 'ok' }, fall: 2 } },
	});
	assert.ok(upstreams[0].of('health.check').length >= 2, 'asked on each connection before it is used');
	assert.deepEqual(upstreams[0].of('health.check')[0].params, { deep: true });
	const client = await connect();
	for (const mood of ['ill', 'error', 'hang']) {
		patients[0].mood = mood;
		await until(async () => (await endpoints(broker))[0].state === 'unhealthy', { what: `${mood} to be noticed` });
		const before = patients[0].works;
		for (let at = 0; at < 20; at++)
			await client.result('work', [at]);
		assert.equal(patients[0].works, before, 'no request goes there');
		patients[0].mood = 'well';
		await until(async () => (await endpoints(broker))[0].state === 'active', { what: 'its recovery' });
	}
	const name = (await endpoints(broker))[0].name;
	for (const result of ['passed', 'refused', 'timeout'])
		assert.ok(await broker.metric('wsbroker_probes_total', { endpoint: name, result }) > 0, result);
	assert.ok(await broker.metric('wsbroker_probe_rtt_seconds', { endpoint: name }) > 0);
	const seen = await events(broker);
	assert.ok(seen.includes('probe.failed') && seen.includes('endpoint.unhealthy') && seen.includes('endpoint.restored'), `${[...new Set(seen)]}`);
});

test('an upstream that answers pings but no call is never used', async (t) => {
	const sick = patient();
	sick.mood = 'ill';
	const well = patient();
	const { broker, connect } = await setup(t, {
		upstreams: [{ methods: sick.methods }, { methods: well.methods }],
		pool: { size: 2, probe: { interval: '300ms', timeout: '2s', method: 'health.check', expect: { status: 'ok' } } },
	});
	const client = await connect();
	for (let at = 0; at < 10; at++)
		await client.result('work', [at]);
	assert.equal(sick.works, 0);
	assert.ok((await broker.pool()).endpoints[0].faults.probe > 0);
});

test('a probing call in a form of one\'s own', async (t) => {
	const asked = [];
	const greet = (text, { socket }) => {
		const { requestId, type, payload } = JSON.parse(text);
		asked.push({ type, payload, requestId });
		socket.send(JSON.stringify({ requestId, type, payload: { status: 'ok', echo: payload } }));
		return true;
	};
	const { broker } = await setup(t, {
		upstreams: [{ greet }],
		pool: { probe: { interval: '200ms', timeout: '5s', method: 'health.check', expect: { status: 'ok' } } },
		envelope: {
			id: '/requestId', method: '/type', params: '/payload', result: '/payload', error: '/error', ids: 'string',
			reply: '{"type":"error","requestId":$id,"error":{"code":$code,"message":$message,"data":$data}}',
		},
	});
	await until(() => asked.length >= 3, { what: 'three calls' });
	assert.ok(asked.every(({ type, requestId }) => type === 'health.check' && typeof requestId === 'string'));
	assert.ok(await broker.metric('wsbroker_probes_total', { result: 'passed' }) >= 2);
});

test('a hedged request does not wait for the slow one in twenty', async (t) => {
	const { broker, connect, patients } = await ward(t, 2, {
		pool: { size: 2, balancer: 'round-robin', retry: GENEROUS },
		routes: [{ method: '*', pool: 'main', timeout: '10s', idempotent: true, hedge: true }],
	});
	const client = await connect();
	for (let at = 0; at < 150; at++)
		await client.result('work', [at]);
	// From now on it knows how long answers take.
	patients[0].ms = 60;
	await until(async () => {
		await client.result('work', [0]);
		return await broker.metric('wsbroker_hedges_total') > 0;
	}, { what: 'a hedge' });
	patients[0].ms = 5000;
	const times = [];
	for (let at = 0; at < 20; at++) {
		const begun = performance.now();
		await client.result('work', [at]);
		times.push(performance.now() - begun);
	}
	t.diagnostic(times.map((ms) => ms.toFixed(0)).join(' '));
	assert.ok(Math.max(...times) < 4000, 'nobody waits for the slow one');
	assert.ok(await broker.metric('wsbroker_hedges_total', { result: 'won' }) > 0);
	assert.ok((await endpoints(broker)).every(({ ejections }) => ejections === 0), 'slow is not failing');
});

test('hedge needs idempotent', async (t) => {
	await assert.rejects(setup(t, { routes: [{ method: '*', pool: 'main', hedge: true }], start: { ready: 'live' } }), /needs `idempotent`/);
});

test('max_age replaces connections one by one, and nobody notices', async (t) => {
	const { broker, connect, upstreams } = await ward(t, 2, { pool: { size: 4, max_age: '1s' } });
	const traffic = await load(connect);
	await until(() => upstreams.every(({ handshakes }) => handshakes.length >= 6), { what: 'new connections' });
	assert.ok(upstreams.every(({ connections }) => connections.size >= 2 && connections.size <= 4));
	assert.ok((await broker.pool()).ready >= 4);
	await traffic.stop();
});

// A peer that is stopped, or whose cable is cut: its kernel still takes what we send.
for (const busy of [false, true]) {
	test(`a stopped upstream is noticed within interval + timeout, ${busy ? 'busy' : 'idle'}`, async (t) => {
		const servers = [await startServer(t, 'scripted'), await startServer(t, 'scripted')];
		const broker = await startBroker(t, {
			pools: [pool(servers.map(({ url }) => url), { size: 4, retry: GENEROUS, ejection: EJECTION, probe: { interval: '1s', timeout: '500ms' } })],
			routes: [{ method: '*', pool: 'main', timeout: '10s', attempt_timeout: '400ms', idempotent: true }],
		});
		await until(async () => (await broker.pool()).ready === 4, { what: 'all connections' });
		const traffic = busy ? await load(() => connectTo(t, broker.url), { method: 'echo' }) : undefined;
		if (traffic)
			await traffic.more(100);
		servers[0].freeze();
		const begun = performance.now();
		await until(async () => (await endpoints(broker))[0].ready === 0, { what: 'the loss of its connections' });
		const took = performance.now() - begun;
		t.diagnostic(`${took.toFixed(0)} ms`);
		// Its kernel would give up after many minutes.
		assert.ok(took < 1000 * 1.1 + 500 + 10000, `${took} ms`);
		if (traffic)
			await traffic.more(100);
		servers[0].thaw();
		await until(async () => (await endpoints(broker))[0].state === 'active', { what: 'its return' });
		await traffic?.stop();
	});
}

test('the broker stopped for a while blames nobody', async (t) => {
	const { broker, connect, upstreams } = await ward(t, 2, { routes: [{ method: '*', pool: 'main', timeout: '3s', attempt_timeout: '1500ms', idempotent: true }] });
	const client = await connect();
	for (let at = 0; at < 40; at++)
		client.send(JSON.stringify({ jsonrpc: '2.0', id: at, method: 'delay', params: { ms: 300 } }));
	await until(() => upstreams.reduce((sum, upstream) => sum + upstream.of('delay').length, 0) >= 40, { what: 'all to be asked', every: 2 });
	broker.signal('SIGSTOP');
	// As long as it is stopped nothing can be seen of it.
	await take(4000);
	broker.signal('SIGCONT');
	await until(() => client.received.length === 40, { what: 'forty answers' });
	assert.equal(await broker.metric('wsbroker_ejections_total'), 0);
	assert.ok((await endpoints(broker)).every(({ state }) => state === 'active'));
});

test('each address of a name is an endpoint', async (t) => {
	const { broker, connect } = await setup(t, {
		endpoint: ({ port }) => ({ url: `ws://localhost:${port}/`, name: 'api', resolve: { all: true, interval: '200ms' } }),
	});
	const client = await connect();
	assert.deepEqual(await client.result('echo', [1]), [1]);
	const rows = await endpoints(broker);
	assert.equal(rows.find(({ name }) => name === 'api').connections, 0, 'the name itself carries nothing');
	assert.equal(rows.find(({ name }) => name === 'api@127.0.0.1').state, 'active');
});

test('a name that has no address is looked up again', async (t) => {
	const { broker } = await setup(t, {
		endpoint: ({ port }) => ({ url: `ws://no-such-host.invalid:${port}/`, name: 'api', resolve: { all: true, interval: '200ms' } }),
		start: { ready: 'live' },
	});
	await until(async () => await broker.metric('wsbroker_endpoint_faults_total', { endpoint: 'api', reason: 'dns' }) >= 2, { what: 'two look-ups' });
	assert.equal((await broker.adminGet('/v1/pools')).json[0].endpoints.length, 1);
});
