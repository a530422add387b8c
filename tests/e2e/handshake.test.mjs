// What happens before the 101: the upgrade itself, every refusal, limits on the head.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from './support/case.mjs';
import { freePort } from './support/ports.mjs';
import { TEXT, dial, frame, upgrade, upgradeHead } from './support/raw.mjs';
import { setup } from './support/setup.mjs';
import { until } from './support/time.mjs';

function assertProblem(response, status) {
	assert.equal(response.status, status, response.body);
	assert.match(response.headers['content-type'] ?? '', /^application\/problem\+json/);
	const problem = JSON.parse(response.body);
	assert.equal(problem.status, status);
	assert.ok(typeof problem.title === 'string' && problem.title.length > 0, response.body);
}

const statusOf = async (t, broker, options) => (await upgrade(t, broker.address, options)).response.status;

test('a good upgrade gets 101 with the right accept key and no extension', async (t) => {
	const { broker } = await setup(t);
	const key = crypto.randomBytes(16).toString('base64');
	const { response } = await upgrade(t, broker.address, { headers: {
		'Sec-WebSocket-Key': key,
		'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
	} });
	assert.equal(response.status, 101);
	assert.equal(response.headers['sec-websocket-accept'],
		crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'));
	assert.equal(response.headers['sec-websocket-extensions'], undefined, 'deflate is declined');
	assert.equal(response.headers['sec-websocket-protocol'], undefined, 'none was asked for');
});

const BAD_UPGRADES = {
	'an unknown version': { headers: { 'Sec-WebSocket-Version': '12' } },
	'no version': { headers: { 'Sec-WebSocket-Version': null } },
	'no key': { headers: { 'Sec-WebSocket-Key': null } },
	'a key that is none': { headers: { 'Sec-WebSocket-Key': 'short' } },
	'an upgrade to something else': { headers: { Upgrade: 'h2c' } },
	'no upgrade': { headers: { Upgrade: null, Connection: null, 'Sec-WebSocket-Key': null, 'Sec-WebSocket-Version': null } },
	'an unknown subprotocol': { headers: { 'Sec-WebSocket-Protocol': 'chat' } },
	'an escape that cannot be read': { path: '/%zz' },
	'an escaped control character': { path: '/%00' },
	'a target that is no path': { path: 'rpc' },
	'no Host header': { headers: { Host: null } },
	'a second key': { headers: { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' } },
	'a body': { headers: { 'Content-Length': '1' } },
	'a Connection header that does not say Upgrade': { headers: { Connection: 'keep-alive' } },
	'a long list of unknown subprotocols': { headers: { 'Sec-WebSocket-Protocol': Array.from({ length: 60 }, (_, at) => `chat${at}`).join(', ') } },
};

for (const [what, options] of Object.entries(BAD_UPGRADES)) {
	test(`400 for ${what}`, async (t) => {
		const { broker } = await setup(t);
		assertProblem((await upgrade(t, broker.address, options)).response, 400);
		assert.equal(await statusOf(t, broker), 101, 'the next one is welcome');
	});
}

for (const method of ['PUT', 'POST', 'CONNECT', 'BREW']) {
	test(`400 for the method ${method}`, async (t) => {
		const { broker } = await setup(t);
		const wire = await dial(t, broker.address);
		wire.write(upgradeHead('/', {}, method));
		assertProblem(await wire.readHead(), 400);
	});
}

test('a target may be absolute, hold escapes and have a long query', async (t) => {
	const { broker } = await setup(t, { listen: [{ path: '/rpc' }] });
	assert.equal(await statusOf(t, broker, { path: 'http://broker.test/rpc' }), 101);
	assert.equal(await statusOf(t, broker, { path: 'ws://broker.test:80/rpc?x' }), 101);
	assert.equal(await statusOf(t, broker, { path: '/r%70c' }), 101);
	assert.equal(await statusOf(t, broker, { path: `/rpc?${'a=%00&'.repeat(2000)}` }), 101);
	assert.equal(await statusOf(t, broker, { path: 'http://broker.test' }), 404);
});

test('a subprotocol may be asked for in a list of headers', async (t) => {
	const { broker } = await setup(t);
	const { response } = await upgrade(t, broker.address, { headers: {
		'Sec-WebSocket-Protocol': 'unknown.one', 'sec-websocket-protocol': 'jsonrpc.2.json' } });
	assert.equal(response.status, 101);
	assert.equal(response.headers['sec-websocket-protocol'], 'jsonrpc.2.json');
});

test('frames that come with the request are read', async (t) => {
	const { broker } = await setup(t);
	const wire = await dial(t, broker.address);
	wire.write(Buffer.concat([Buffer.from(upgradeHead('/')), frame(TEXT, '{"jsonrpc":"2.0","id":1,"method":"wsbroker.ping"}')]));
	assert.equal((await wire.readHead()).status, 101);
	wire.upgraded = true;
	assert.equal(JSON.parse(await wire.nextText()).id, 1);
});

test('a head that is not HTTP/1.1 is refused and ends the connection and nothing else', async (t) => {
	const { broker } = await setup(t);
	const heads = { '\x16\x03\x01\x02\x00\x01\x00': 400, 'GET\r\n\r\n': 400, '\0\0\0\0\r\n\r\n': 400,
		'GET / HTTP/9.9\r\n\r\n': 505, 'GET / HTTP/1.1\r\nHost : x\r\n\r\n': 400, 'GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n': 400,
		'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n': 400 };
	for (const [bytes, status] of Object.entries(heads)) {
		const wire = await dial(t, broker.address);
		wire.write(Buffer.from(bytes, 'latin1'));
		assertProblem(await wire.readHead(), status);
		await wire.end();
	}
	assert.equal(await statusOf(t, broker), 101);
});

test('401 without, with a wrong and with a right token', async (t) => {
	const hash = crypto.createHash('sha256').update('second-secret').digest('hex');
	const { broker } = await setup(t, {
		listen: [{ auth: { tokens: 'tokens.txt', query: 'token' } }],
		start: { files: { 'tokens.txt': `app client first-secret\nother client sha256:${hash}\n` } },
	});
	const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
	assertProblem((await upgrade(t, broker.address)).response, 401);
	assertProblem((await upgrade(t, broker.address, bearer('wrong'))).response, 401);
	assertProblem((await upgrade(t, broker.address, bearer('first-secre'))).response, 401);
	assertProblem((await upgrade(t, broker.address, bearer(`sha256:${hash}`))).response, 401);
	assertProblem((await upgrade(t, broker.address, { headers: { Authorization: 'Basic first-secret' } })).response, 401);
	assertProblem((await upgrade(t, broker.address, { path: '/?token=wrong' })).response, 401);
	assert.equal(await statusOf(t, broker, bearer('first-secret')), 101);
	assert.equal(await statusOf(t, broker, bearer('second-secret')), 101);
	assert.equal(await statusOf(t, broker, { path: '/?a=b&token=first-secret' }), 101);
	assert.doesNotMatch(broker.log, /first-secret|second-secret/, 'no secret in the log');
});

test('403 for an origin that is not listed', async (t) => {
	const { broker } = await setup(t, { listen: [{ origins: ['https://app.example.com'] }] });
	assertProblem((await upgrade(t, broker.address, { headers: { Origin: 'https://evil.example.com' } })).response, 403);
	assertProblem((await upgrade(t, broker.address, { headers: { Origin: 'https://app.example.com.evil.com' } })).response, 403);
	assert.equal(await statusOf(t, broker, { headers: { Origin: 'https://app.example.com' } }), 101);
	assert.equal(await statusOf(t, broker), 101, 'application servers send no origin');
});

test('404 for another path; the query is not part of it', async (t) => {
	const { broker } = await setup(t, { listen: [{ path: '/rpc' }] });
	for (const path of ['/', '/rpc/', '/rpcx', '/other?/rpc'])
		assertProblem((await upgrade(t, broker.address, { path })).response, 404);
	assert.equal(await statusOf(t, broker, { path: '/rpc' }), 101);
	assert.equal(await statusOf(t, broker, { path: '/rpc?client=7&x=/y' }), 101);
});

test('503 with Retry-After when all places are taken, and 101 when one is free again', async (t) => {
	const { broker } = await setup(t, { limits: { clients: 2 } });
	const first = await upgrade(t, broker.address);
	assert.equal((await upgrade(t, broker.address)).response.status, 101);
	const { response } = await upgrade(t, broker.address);
	assertProblem(response, 503);
	assert.match(response.headers['retry-after'] ?? '', /^\d+$/);
	first.socket.destroy();
	await until(async () => await statusOf(t, broker) === 101, { what: 'a free place' });
});

test('a herd gets no more places than there are', async (t) => {
	const { broker } = await setup(t, { limits: { clients: 10 } });
	const herd = await Promise.all(Array.from({ length: 40 }, () => dial(t, broker.address)));
	// All of them ask within one turn of the loop.
	broker.signal('SIGSTOP');
	for (const wire of herd)
		wire.write(upgradeHead('/'));
	broker.signal('SIGCONT');
	const statuses = (await Promise.all(herd.map((wire) => wire.readHead()))).map(({ status }) => status);
	assert.deepEqual([101, 503].map((wanted) => statuses.filter((status) => status === wanted).length), [10, 30]);
	for (const wire of herd)
		wire.socket.destroy();
	// One line says so.
	const told = broker.log.match(/event=client\.refused .*/g);
	assert.equal(told.length, 1, told.join('\n'));
	assert.match(told[0], /reason=full status=503 peer=127\.0\.0\.1 count=1 detail=".*limits\.clients/);
	// Places are free again, of those too that went before they heard the 101.
	const hasty = await Promise.all(Array.from({ length: 10 }, () => dial(t, broker.address)));
	broker.signal('SIGSTOP');
	for (const wire of hasty) {
		wire.write(upgradeHead('/'));
		wire.socket.resetAndDestroy();
	}
	broker.signal('SIGCONT');
	await until(async () => (await broker.adminGet('/v1/status')).json.clients === 0, { what: 'all to be gone' });
	for (let at = 0; at < 10; at++)
		assert.equal(await statusOf(t, broker), 101);
	assert.equal(await statusOf(t, broker), 503);
});

test('heads up to 16 KiB are read, in any slicing', async (t) => {
	const { broker } = await setup(t);
	const filler = (bytes) => ({ headers: { 'X-Filler': 'f'.repeat(bytes) } });
	assert.equal(await statusOf(t, broker, filler(7000)), 101);
	assert.equal(await statusOf(t, broker, filler(15500)), 101);
	const wire = await dial(t, broker.address);
	await wire.writeSliced(Buffer.from(upgradeHead('/', filler(300).headers)), 1);
	assert.equal((await wire.readHead()).status, 101);
});

test('a head above 16 KiB is refused', async (t) => {
	const { broker } = await setup(t);
	const wire = await dial(t, broker.address);
	wire.write(upgradeHead('/', { 'X-Filler': 'f'.repeat(40000) }));
	assertProblem(await wire.readHead(), 431);
	assert.equal(await statusOf(t, broker), 101);
});

test('a client that does not finish its head is cut after limits.handshake', async (t) => {
	const { broker } = await setup(t, { limits: { handshake: '300ms' } });
	const [silent, half] = [await dial(t, broker.address), await dial(t, broker.address)];
	half.write('GET / HTTP/1.1\r\nHost: x\r\n');
	// Long before the ten seconds that are usual.
	await Promise.all([silent.end(8000), half.end(8000)]);
});

test('subprotocols: the first known one is chosen', async (t) => {
	const { broker } = await setup(t);
	const chosen = async (offer) => (await upgrade(t, broker.address, { headers: { 'Sec-WebSocket-Protocol': offer } }))
		.response.headers['sec-websocket-protocol'];
	assert.equal(await chosen('jsonrpc.2.json'), 'jsonrpc.2.json');
	assert.equal(await chosen('jsonrpc.2.msgpack'), 'jsonrpc.2.msgpack');
	assert.equal(await chosen('unknown.one, jsonrpc.2.msgpack'), 'jsonrpc.2.msgpack');
});

test('several listeners each have their own rules', async (t) => {
	const second = `127.0.0.1:${await freePort()}`;
	const { broker } = await setup(t, { listen: [{ path: '/a' }, { address: second, path: '/b' }] });
	assert.equal(await statusOf(t, broker, { path: '/a' }), 101);
	assert.equal(await statusOf(t, broker, { path: '/b' }), 404);
	assert.equal((await upgrade(t, second, { path: '/b' })).response.status, 101);
	assert.equal((await upgrade(t, second, { path: '/a' })).response.status, 404);
});
