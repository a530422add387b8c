// The home-grown platform through the broker: another form of messages, a log-in before anything
// works, clients that log in by habit, pushes of its own. With WSB_DIRECT=1, the platform itself.

import assert from 'node:assert/strict';
import { DIRECT, pool, startBroker } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { ENVELOPE, GREETING, ROUTES, openPlatformClient, startPlatform } from './support/platform.mjs';
import { never, until } from './support/time.mjs';

const config = (platforms, { greeting = GREETING, routes = ROUTES, ...others } = {}) => ({
	envelope: ENVELOPE,
	pools: [pool(platforms.map(({ url }) => url), { size: 2, on_connect: greeting })],
	routes,
	...others,
});

async function startAll(t, count = 1, options = {}) {
	const platforms = [];
	for (let at = 0; at < count; at++)
		platforms.push(await startPlatform(t));
	if (DIRECT)
		return { platforms, url: platforms[0].url };
	return { platforms, ...await withUrl(startBroker(t, config(platforms, options))) };
}

async function withUrl(starting) {
	const broker = await starting;
	return { broker, url: broker.url };
}

test('a client that logs in by habit and dials with a query is served', async (t) => {
	const { url } = await startAll(t, 2);
	const client = await openPlatformClient(t, url);
	const answer = await client.ask('property.get', { id: 42, note: 'č' });
	assert.deepEqual(answer, { type: 'property', requestId: 'req-0', payload: { id: 42, note: 'č', price: 100 } });
});

test('many clients with equal ids each get their own answers', async (t) => {
	const { url } = await startAll(t, 2);
	const clients = await Promise.all(Array.from({ length: 8 }, () => openPlatformClient(t, url)));
	await Promise.all(clients.map(async (client, number) => {
		const asked = Array.from({ length: 50 }, (_, at) => ({ id: at, note: `client ${number}` }));
		const answers = await Promise.all(asked.map((payload) => client.ask('property.get', payload)));
		assert.deepEqual(answers.map(({ payload: { id, note } }) => ({ id, note })), asked);
		assert.deepEqual(client.strays, []);
	}));
});

test('an error of the platform passes as it came', async (t) => {
	const { url } = await startAll(t);
	const client = await openPlatformClient(t, url);
	assert.deepEqual(await client.ask('nonsense', {}),
		{ type: 'error', requestId: 'req-0', error: { code: 404, message: 'no nonsense' } });
});

test('the broker logs each upstream connection in, and the clients\' log-ins stay with it', { skip: DIRECT }, async (t) => {
	const { platforms: [platform], url } = await startAll(t);
	await until(() => platform.logins === 2, { what: 'both connections to log in' });
	for (let at = 0; at < 5; at++)
		await openPlatformClient(t, url);
	assert.equal(platform.logins, 2);
	assert.equal(platform.refused, 0);
});

test('a greeting that the platform rejects leaves the pool without a connection', { skip: DIRECT }, async (t) => {
	const platform = await startPlatform(t, { token: 'another' });
	const broker = await startBroker(t, config([platform]), { ready: 'live' });
	await until(() => platform.refused > 0, { what: 'a rejected log-in' });
	const { status, body } = await broker.adminGet('/readyz');
	assert.equal(status, 503);
	assert.match(body, /main/);
	await until(() => /greeting/.test(broker.log), { what: 'the reason greeting in the log' });
	assert.doesNotMatch(broker.log, /open-sesame/, 'the secret is never shown');
});

test('a platform that says nothing at the greeting is given up after its timeout', { skip: DIRECT }, async (t) => {
	const platform = await startPlatform(t);
	const greeting = [{ send: '{"type":"property.hang"}', expect: { type: 'never' }, timeout: '200ms' }];
	platform.wss.on('connection', (socket) => { socket.loggedIn = true; });
	const broker = await startBroker(t, config([platform], { greeting }), { ready: 'live' });
	await until(() => platform.received.length >= 4, { what: 'a second try of both connections' });
	assert.equal((await broker.adminGet('/readyz')).status, 503);
	assert.match(broker.log, /greeting/);
});

test('errors of the broker take the form of the envelope', { skip: DIRECT }, async (t) => {
	const { url } = await startAll(t, 1, {
		routes: [
			{ method: 'secret.*', deny: true },
			{ method: 'property.hang', pool: 'main', timeout: '200ms' },
			...ROUTES.slice(0, 2),
		],
	});
	const client = await openPlatformClient(t, url);
	const cases = [['secret.read', -32601, 'method_denied'], ['unknown', -32601, 'no_route'], ['property.hang', -32002, 'timeout']];
	for (const [type, code, reason] of cases) {
		const { error, ...rest } = await client.ask(type, {}, { requestId: `id of ${type}` });
		assert.deepEqual(rest, { type: 'error', requestId: `id of ${type}` });
		assert.equal(error.code, code);
		assert.equal(typeof error.message, 'string');
		assert.equal(error.data.source, 'wsbroker');
		assert.equal(error.data.reason, reason);
	}
});

test('ids and all other members stay as they were', { skip: DIRECT }, async (t) => {
	const { platforms: [platform], url } = await startAll(t);
	const client = await connect(t, url);
	const text = '{ "extra" : [1, 2.50] , "type":"property.get", "payload":{"id":1e2,"note":"\\u00e9"}, "requestId": "a\\u0062\\"c" }';
	const answer = await client.ask(text);
	assert.match(answer, /"requestId": ?"a\\u0062\\"c"/);
	const sent = platform.received.find((each) => each.includes('extra'));
	const [before, after] = text.split('"a\\u0062\\"c"');
	assert.ok(sent.startsWith(before) && sent.endsWith(after), `only the id is exchanged: ${sent}`);
	assert.match(sent.slice(before.length, sent.length - after.length), /^"[^"]+"$/);
});

test('JSON-RPC works beside the envelope', { skip: DIRECT }, async (t) => {
	const { url } = await startAll(t);
	const client = await connect(t, url);
	const answer = await client.askJson('{"jsonrpc":"2.0","id":7,"method":"wsbroker.ping"}');
	assert.equal(answer.id, 7);
	assert.ok('result' in answer);
	// In the platform's own form, too: they are never routed.
	const own = (type, payload) => client.askJson({ type, requestId: type, payload });
	assert.deepEqual(await own('wsbroker.ping'), { requestId: 'wsbroker.ping', payload: 'pong' });
	assert.equal((await own('wsbroker.invalidate', { tags: ['a'] })).payload.invalidated, 0);
	const { payload: subscription } = await own('wsbroker.subscribe', { channel: 'invalidations' });
	assert.equal((await own('wsbroker.unsubscribe', { subscription })).payload, true);
	assert.equal((await own('wsbroker.unsubscribe', [subscription])).payload, false);
	assert.equal((await own('wsbroker.unknown')).error.data.reason, 'no_route');
});

test('pushes of the platform are answers to nobody', async (t) => {
	const { platforms, url } = await startAll(t);
	const [first, second] = [await openPlatformClient(t, url), await openPlatformClient(t, url)];
	await Promise.all(Array.from({ length: 20 }, (_, id) => first.ask('property.update', { id })));
	platforms[0].push({ id: 'from outside' });
	assert.equal((await second.ask('property.get', { id: 1 })).payload.id, 1);
	assert.deepEqual([...first.strays, ...second.strays], []);
	await never(() => first.socket.readyState !== 1 || second.socket.readyState !== 1,
		{ during: 100, what: 'the end of a client' });
});
