// Session listeners: every client has an upstream connection of its own, bytes untouched.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import { command, httpRequest, pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { freePort } from './support/ports.mjs';
import { BINARY, CLOSE, TEXT, frame, upgrade } from './support/raw.mjs';
import { tempDir } from './support/temp.mjs';
import { certificates } from './support/tls.mjs';
import { take, until, within } from './support/time.mjs';

// A server of WebSockets that does not care what they say: `act` is called with each new socket.
async function startServer(t, { act = echo, tls, port, host = '127.0.0.1', ...options } = {}) {
	const server = {
		port: port ?? await freePort(), sockets: new Set(), requests: [], accepting: true,
		get url() { return `${tls ? 'wss' : 'ws'}://${tls ? 'localhost' : host}:${this.port}/`; },
	};
	server.start = async () => {
		server.http = tls ? https.createServer(tls) : http.createServer();
		server.wss = new WebSocketServer({ server: server.http, perMessageDeflate: false, ...options });
		server.wss.on('connection', (socket, request) => {
			server.sockets.add(socket);
			server.requests.push(request);
			socket.on('error', () => {});
			socket.on('close', (code, reason) => {
				socket.end = { code, reason: reason.toString() };
				server.sockets.delete(socket);
			});
			act(socket, request);
		});
		server.http.listen(server.port, host);
		await once(server.http, 'listening');
	};
	server.stop = async () => {
		if (!server.wss)
			return;
		const { wss, http: listener } = server;
		server.wss = undefined;
		for (const socket of server.sockets)
			socket.terminate();
		wss.close();
		listener.closeAllConnections();
		await new Promise((resolve) => { listener.close(resolve); });
	};
	cleanup(t, server.stop);
	await server.start();
	return server;
}

function echo(socket) {
	socket.on('message', (data, binary) => socket.send(data, { binary }));
}

// A broker with one session listener for these servers. settings: of the pool; listener: more of it.
async function startSessions(t, servers, { settings, listener, endpoint = ({ url }) => url, ...config } = {}) {
	return startBroker(t, {
		listen: [{ session: 'main', ...listener }],
		pools: [pool(servers.map(endpoint), { size: 10, ...settings })],
		...config,
	});
}

async function open(t, url, protocols = [], options = {}) {
	const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
	socket.received = [];
	socket.on('error', () => {});
	socket.on('message', (data, binary) => socket.received.push({ data, binary }));
	socket.ended = new Promise((resolve) => {
		socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
	});
	cleanup(t, () => socket.terminate());
	await within(once(socket, 'open'), `101 from ${url}`);
	return socket;
}

// What an upgrade that is refused gets: status, headers and body.
function refused(t, url, options = {}) {
	const socket = new WebSocket(url, [], options);
	cleanup(t, () => socket.terminate());
	return within(new Promise((resolve, reject) => {
		socket.once('open', () => reject(new Error('it was let in')));
		socket.once('error', () => {});
		socket.once('unexpected-response', (request, response) => {
			let body = '';
			response.on('data', (part) => { body += part; });
			response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
		});
	}), 'a refusal');
}

const next = (socket) => until(() => socket.received.shift(), { what: 'a message', every: 2 });

const sessions = async (broker) => broker.metric('wsbroker_sessions');

const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

test('path, query, subprotocol and headers travel; the answer comes back', async (t) => {
	const server = await startServer(t, { handleProtocols: (offered) => [...offered].at(-1) });
	const broker = await startSessions(t, [server], { settings: { headers: { 'X-Pool': 'main', 'X-Both': 'pool' } } });
	const key = crypto.randomBytes(16).toString('base64');
	const client = await open(t, `ws://${broker.address}/socket.io/room%201?EIO=4&sid=a%26b`, ['soap', 'graphql-transport-ws'], {
		headers: { Cookie: 'a=1', Authorization: 'Bearer for-the-upstream', 'X-Both': 'client', 'X-Hop': 'no', 'X-Forwarded-For': '198.51.100.7' },
	});
	assert.equal(client.protocol, 'graphql-transport-ws');
	const [{ url, headers }] = server.requests;
	assert.equal(url, '/socket.io/room%201?EIO=4&sid=a%26b');
	assert.equal(headers.cookie, 'a=1');
	assert.equal(headers.authorization, 'Bearer for-the-upstream');
	assert.equal(headers['x-pool'], 'main');
	assert.equal(headers['x-both'], 'pool');
	assert.equal(headers.host, `127.0.0.1:${server.port}`);
	assert.equal(headers['x-forwarded-for'], '198.51.100.7, 127.0.0.1');
	assert.equal(headers['x-forwarded-proto'], 'http');
	assert.equal(headers['x-forwarded-host'], broker.address);
	const raw = await upgrade(t, broker.address, {
		headers: { 'Sec-WebSocket-Key': key, Connection: 'Upgrade, X-Hop', 'X-Hop': 'no', 'Proxy-Authorization': 'x' },
	});
	assert.equal(raw.response.status, 101);
	assert.equal(raw.response.headers['sec-websocket-accept'],
		crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'));
	assert.equal(server.requests[1].headers['sec-websocket-key'], key);
	assert.equal(server.requests[1].headers['x-hop'], undefined);
	assert.equal(server.requests[1].headers['proxy-authorization'], undefined);
});

test('what authenticates a client to the broker goes no further', async (t) => {
	const server = await startServer(t);
	const broker = await startBroker(t, {
		listen: [{ session: 'main', auth: { tokens: 'tokens.txt', query: 'token' }, origins: ['https://app.example.com'] }],
		pools: [pool([server.url], { size: 5 })],
	}, { files: { 'tokens.txt': 'app client s3cret\n' } });
	assert.equal((await refused(t, broker.url)).status, 401);
	assert.equal((await refused(t, broker.url, { headers: { Authorization: 'Bearer wrong' } })).status, 401);
	assert.equal((await refused(t, broker.url, { headers: { Authorization: 'Bearer s3cret', Origin: 'https://evil.example' } })).status, 403);
	assert.equal(server.requests.length, 0, 'nothing was dialled');
	await open(t, broker.url, [], { headers: { Authorization: 'Bearer s3cret' } });
	await open(t, `${broker.url}?a=1&token=s3cret&b=2`);
	assert.equal(server.requests[0].headers.authorization, undefined);
	assert.equal(server.requests[1].url, '/?a=1&b=2');
	assert.doesNotMatch(broker.log, /s3cret/);
});

test('permessage-deflate works from end to end', async (t) => {
	const deflate = { serverNoContextTakeover: false, threshold: 0 };
	const server = await startServer(t, { perMessageDeflate: deflate });
	const broker = await startSessions(t, [server]);
	const client = await open(t, broker.url, [], { perMessageDeflate: deflate });
	assert.match(client.extensions, /permessage-deflate/);
	for (let at = 0; at < 50; at++) {
		const text = JSON.stringify({ at, filler: 'the same words again and again '.repeat(40) });
		client.send(text);
		assert.equal((await next(client)).data.toString(), text);
	}
	const carried = await broker.metric('wsbroker_session_bytes_total', { direction: 'up' });
	assert.ok(carried > 0 && carried < 20000, `${carried} bytes for 60 kB`);
});

test('text that is no JSON, binary junk and fragments pass unchanged', async (t) => {
	const server = await startServer(t);
	const broker = await startSessions(t, [server]);
	const client = await open(t, broker.url);
	const junk = crypto.randomBytes(70000);
	client.send('42["chat message","hello"]');
	assert.equal((await next(client)).data.toString(), '42["chat message","hello"]');
	client.send(junk);
	const { data, binary } = await next(client);
	assert.ok(binary && data.equals(junk));
	const pong = once(client, 'pong');
	client.send('one', { fin: false });
	client.send('two', { fin: false });
	client.ping('between');
	client.send('three', { fin: true });
	assert.equal((await next(client)).data.toString(), 'onetwothree');
	const [ping] = await within(pong, 'the pong of the upstream');
	assert.equal(ping.toString(), 'between');
});

test('what no WebSocket would say passes too, in any slicing', async (t) => {
	const heard = [];
	const server = net.createServer((socket) => {
		socket.once('data', (head) => {
			const key = /sec-websocket-key: (.*)\r\n/i.exec(head)[1];
			const accept = crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
			socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
			socket.on('data', (part) => heard.push(part));
		});
		socket.on('error', () => {});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	cleanup(t, () => server.close());
	const broker = await startSessions(t, [{ url: `ws://127.0.0.1:${server.address().port}/` }]);
	const wire = await upgrade(t, broker.address);
	const bytes = Buffer.concat([
		frame(TEXT, 'rsv', { rsv: 7 }), frame(3, 'reserved opcode'), frame(BINARY, 'unmasked', { mask: false }),
		crypto.randomBytes(500),
	]);
	await wire.writeSliced(bytes, 3);
	await until(() => Buffer.concat(heard).length >= bytes.length, { what: 'all bytes' });
	assert.ok(Buffer.concat(heard).equals(bytes));
	wire.socket.destroy();
});

for (const code of [1000, 1001, 1008, 1011, 4321]) {
	test(`close code ${code} is carried across, both ways`, async (t) => {
		const server = await startServer(t, {
			act: (socket) => socket.on('message', (text) => (text.toString() === 'go' ? socket.close(code, 'from up') : undefined)),
		});
		const broker = await startSessions(t, [server]);
		const first = await open(t, broker.url);
		first.send('go');
		assert.deepEqual(await within(first.ended, 'close'), { code, reason: 'from up' });
		const second = await open(t, broker.url);
		const [peer] = server.sockets;
		const ended = once(peer, 'close');
		second.close(code === 1001 || code === 1008 || code === 1011 ? 1000 : code, 'from below');
		const [seen, reason] = await within(ended, 'close upstream');
		assert.equal(reason.toString(), 'from below');
		assert.equal(seen, code === 1001 || code === 1008 || code === 1011 ? 1000 : code);
		await until(async () => await sessions(broker) === 0, { what: 'no session' });
		const name = code < 4000 ? String(code) : 'other';
		assert.equal(await broker.metric('wsbroker_closes_total', { side: 'upstream', code: name }), 1);
	});
}

test('64 MiB pass in both directions, whole', async (t) => {
	const server = await startServer(t, { maxPayload: 128 << 20 });
	const broker = await startSessions(t, [server]);
	const client = await open(t, broker.url, [], { maxPayload: 128 << 20 });
	const body = crypto.randomBytes(64 << 20);
	const before = rss(broker.pid);
	client.send(body);
	const { data } = await until(() => client.received.shift(), { deadline: 50000, what: '64 MiB' });
	assert.ok(data.equals(body));
	assert.ok(rss(broker.pid) - before < 8 << 20, `${rss(broker.pid) - before} bytes more`);
	assert.ok(await broker.metric('wsbroker_session_bytes_total', { direction: 'down' }) > 64 << 20);
});

test('a side that does not read is waited for, with bounded memory', async (t) => {
	const chunk = crypto.randomBytes(64 << 10);
	const total = 48 << 20;
	const server = await startServer(t, {
		act: async (socket) => {
			let got = 0;
			socket.on('message', (data) => {
				got += data.length;
				if (got === total)
					socket.send('all of it');
			});
			socket.pause();
			server.flood = async () => {
				for (let sent = 0; sent < total; sent += chunk.length) {
					socket.send(chunk);
					if (socket.bufferedAmount > 1 << 20)
						await once(socket._socket, 'drain');
				}
			};
		},
	});
	const broker = await startSessions(t, [server]);
	const client = await open(t, broker.url);
	const before = rss(broker.pid);
	// Upstream does not read.
	for (let sent = 0; sent < total; sent += chunk.length)
		client.send(chunk);
	await until(() => client.bufferedAmount < total - (1 << 20), { what: 'some to leave' });
	await take(300);
	assert.ok(client.bufferedAmount > total / 2, 'it is held back');
	assert.ok(rss(broker.pid) - before < 8 << 20, `${rss(broker.pid) - before} bytes more`);
	for (const socket of server.sockets)
		socket.resume();
	await until(() => client.received.some(({ data }) => data.toString() === 'all of it'), { what: 'all' });
	client.received.length = 0;
	// The client does not read.
	client.pause();
	const flood = server.flood();
	await take(300);
	const carried = await broker.metric('wsbroker_session_bytes_total', { direction: 'down' });
	assert.ok(carried < total / 2, `${carried} carried`);
	assert.ok(rss(broker.pid) - before < 8 << 20, `${rss(broker.pid) - before} bytes more`);
	client.resume();
	await flood;
	await until(() => client.received.length === total / chunk.length, { what: 'all chunks' });
	assert.ok(client.received.every(({ data }) => data.equals(chunk)));
});

const ANSWERS = [
	{ name: 'with a length', head: 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\nWWW-Authenticate: Basic realm="up"\r\n\r\nwho, you?', status: 401, body: 'who, you?' },
	{ name: 'in chunks', head: 'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno,\r\n4\r\n you\r\n0\r\n\r\n', status: 403, body: 'no, you' },
	{ name: 'that ends with the connection', head: 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\nlater', status: 503, body: 'later', ends: true },
	{ name: 'after an early hint', head: 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', status: 404, body: '' },
	{ name: 'after thousands of hints', head: 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(5000) + 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', status: 404, body: '' },
];

for (const { name, head, status, body, ends } of ANSWERS) {
	test(`an upstream's refusal ${name} is passed on`, async (t) => {
		const server = net.createServer((socket) => {
			socket.on('error', () => {});
			socket.once('data', () => (ends ? socket.end(head) : socket.write(head)));
		});
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		cleanup(t, () => server.close());
		const broker = await startSessions(t, [{ url: `ws://127.0.0.1:${server.address().port}/` }]);
		const answer = await refused(t, broker.url);
		assert.equal(answer.status, status);
		assert.equal(answer.body, body);
		assert.equal(answer.headers.connection, 'close');
		assert.equal(await broker.metric('wsbroker_session_refusals_total', { reason: 'upstream' }), 1);
		await until(async () => (await broker.adminGet('/v1/connections')).json.length === 0, { what: 'the end of it' });
		assert.equal((await broker.adminGet('/readyz')).status, 200, 'it is alive');
	});
}

test('the next endpoint is tried before the 101; with all away 502, then 503, and back again', async (t) => {
	const [a, b] = [await startServer(t), await startServer(t)];
	const broker = await startSessions(t, [a, b]);
	await a.stop();
	for (let at = 0; at < 6; at++)
		await open(t, broker.url);
	assert.equal(b.sockets.size, 6);
	await b.stop();
	const first = await refused(t, broker.url);
	assert.ok([502, 503].includes(first.status), `${first.status}`);
	assert.match(first.headers['content-type'], /problem\+json/);
	assert.ok(first.headers['retry-after']);
	await until(async () => (await broker.adminGet('/readyz')).status === 503, { what: '/readyz to fail' });
	await a.start();
	await until(async () => (await broker.adminGet('/readyz')).status === 200, { what: '/readyz' });
	const client = await open(t, broker.url);
	client.send('back');
	assert.equal((await next(client)).data.toString(), 'back');
});

test('size is the most at once: above it 503 with Retry-After', async (t) => {
	const server = await startServer(t);
	const broker = await startSessions(t, [server], { settings: { size: 2 } });
	const first = await open(t, broker.url);
	await open(t, broker.url);
	const answer = await refused(t, broker.url);
	assert.equal(answer.status, 503);
	assert.equal(answer.headers['retry-after'], '1');
	assert.match(answer.body, /pools\.size/);
	assert.equal(server.requests.length, 2);
	first.close();
	await until(async () => await sessions(broker) === 1, { what: 'room' });
	await open(t, broker.url);
	assert.equal(await broker.metric('wsbroker_session_refusals_total', { reason: 'full' }), 1);
});

test('one connection for each client, closed with it and never used again', async (t) => {
	const server = await startServer(t);
	const broker = await startSessions(t, [server], { settings: { size: 4 } });
	assert.equal(server.requests.length, 0, 'none is held without a client');
	assert.equal((await broker.adminGet('/readyz')).status, 200);
	for (let at = 0; at < 5; at++) {
		const client = await open(t, broker.url);
		assert.equal(server.sockets.size, 1);
		client.terminate();
		await until(() => server.sockets.size === 0, { what: 'its end upstream' });
	}
	assert.equal(server.requests.length, 5);
	const client = await open(t, broker.url);
	const [row] = (await broker.adminGet('/v1/connections')).json;
	assert.equal(row.state, 'ready');
	assert.equal(typeof row.client, 'number');
	for (const socket of server.sockets)
		socket.terminate();
	assert.equal((await within(client.ended, 'end')).code, 1006);
});

test('POST and plain GET are told what this listener is', async (t) => {
	const server = await startServer(t);
	const broker = await startSessions(t, [server], { listener: { path: '/chat' } });
	const post = await httpRequest(broker.httpUrl, { method: 'POST', body: '{}' });
	assert.equal(post.status, 405);
	assert.equal(post.headers.allow, 'GET');
	assert.match(post.body, /WebSocket/);
	assert.equal((await httpRequest(broker.httpUrl)).status, 426);
	assert.equal((await refused(t, `ws://${broker.address}/elsewhere`)).status, 404);
	await open(t, `ws://${broker.address}/chat/room/1`);
	assert.equal(server.requests[0].url, '/chat/room/1');
});

test('wss:// upstream, TLS and Unix listeners', async (t) => {
	const certs = certificates(t);
	const server = await startServer(t, { tls: certs.pair('server'), maxPayload: 64 << 20 });
	const file = path.join(tempDir(t), 'data.sock');
	const broker = await startBroker(t, {
		listen: [
			{ session: 'main', tls: { certificate: certs.file('server.pem'), key: certs.file('server.key') } },
			{ session: 'main', address: `unix:${file}` },
		],
		pools: [pool([server.url], { size: 10, tls: { ca: certs.file('ca.pem') } })],
	});
	const body = crypto.randomBytes(8 << 20);
	const urls = [[broker.url, { ca: certs.read('ca.pem'), maxPayload: 64 << 20 }], [`ws+unix://${file}:/`, { maxPayload: 64 << 20 }]];
	for (const [url, options] of urls) {
		const client = await open(t, url, [], options);
		client.send(body);
		assert.ok((await next(client)).data.equals(body));
		client.close(4000, 'done');
		assert.deepEqual(await within(client.ended, 'close'), { code: 4000, reason: 'done' });
	}
	assert.equal(server.requests[0].headers['x-forwarded-proto'], 'https');
	await until(() => server.sockets.size === 0, { what: 'ends upstream' });
});

test('a drain says 1012 between two frames, spread, and to both sides', async (t) => {
	const server = await startServer(t);
	const broker = await startSessions(t, [server], { drain: { timeout: '5s', spread: '300ms' } });
	const clients = await Promise.all(Array.from({ length: 6 }, () => open(t, broker.url)));
	const peers = [...server.sockets].map((socket) => once(socket, 'close'));
	const begun = performance.now();
	const ends = clients.map((client) => client.ended.then((end) => ({ ...end, at: performance.now() - begun })));
	broker.signal('SIGTERM');
	const seen = await within(Promise.all(ends), 'all to end');
	for (const { code } of seen)
		assert.equal(code, 1012);
	assert.ok(Math.max(...seen.map(({ at }) => at)) >= 150, 'spread');
	for (const [code] of await within(Promise.all(peers), 'upstreams'))
		assert.equal(code, 1012);
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
});

test('a close frame waits for the end of the frame under way', async (t) => {
	let peer;
	const server = await startServer(t, { act: (socket) => { peer = socket; } });
	const broker = await startSessions(t, [server]);
	const wire = await upgrade(t, broker.address);
	await until(() => peer, { what: 'the upstream' });
	// The first half of a frame of 100 bytes.
	peer._socket.write(Buffer.concat([Buffer.from([0x82, 100]), Buffer.alloc(50, 'a')]));
	await until(async () => await broker.metric('wsbroker_session_bytes_total', { direction: 'down' }) === 52, { what: 'half' });
	broker.signal('SIGTERM');
	await until(() => /drain\.begin/.test(broker.log), { what: 'the drain' });
	await take(100);
	assert.equal(wire.frames.length, 0);
	// The second half, and a frame that comes too late.
	peer._socket.write(Buffer.concat([Buffer.alloc(50, 'b'), Buffer.from([0x81, 2]), Buffer.from('no')]));
	await until(() => wire.frames.length >= 2, { what: 'both frames' });
	assert.equal(wire.frames[0].payload.toString(), 'a'.repeat(50) + 'b'.repeat(50));
	assert.equal(wire.frames[1].opcode, CLOSE);
	assert.equal(wire.frames[1].payload.readUInt16BE(0), 1012);
	assert.equal(wire.frames.length, 2);
	wire.send(wire.frames[1].payload, CLOSE);
	assert.equal((await within(broker.child.ended, 'exit')).code, 0);
});

test('half an end is passed on, and the other half may finish', async (t) => {
	const server = net.createServer({ allowHalfOpen: true }, (socket) => {
		socket.on('error', () => {});
		socket.once('data', (head) => {
			const key = /sec-websocket-key: (.*)\r\n/i.exec(head)[1];
			const accept = crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
			socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
			socket.on('end', () => {
				socket.write(Buffer.concat([Buffer.from([0x81, 8]), Buffer.from('last one')]));
				socket.end();
			});
			socket.resume();
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	cleanup(t, () => server.close());
	const broker = await startSessions(t, [{ url: `ws://127.0.0.1:${server.address().port}/` }]);
	const wire = await upgrade(t, broker.address, { allowHalfOpen: true });
	wire.socket.end();
	await until(() => wire.frames.length === 1, { what: 'what was said after our end' });
	assert.equal(wire.frames[0].payload.toString(), 'last one');
	await until(() => wire.ended, { what: 'the end' });
	await until(async () => await sessions(broker) === 0, { what: 'no session' });
});

test('clients come and go by the hundred: descriptors and memory return', async (t) => {
	const server = await startServer(t);
	const broker = await startSessions(t, [server], { settings: { size: 100, balancer: 'round-robin' } });
	const round = async () => {
		const clients = await Promise.all(Array.from({ length: 80 }, () => open(t, broker.url)));
		for (const client of clients)
			client.send('x'.repeat(20000));
		await Promise.all(clients.map(next));
		clients.forEach((client, at) => (at % 2 ? client.close() : client.terminate()));
		await until(async () => await sessions(broker) === 0, { what: 'no session' });
		await until(() => server.sockets.size === 0, { what: 'no upstream socket' });
	};
	await round();
	await round();
	const before = { memory: rss(broker.pid), files: descriptors(broker.pid) };
	for (let at = 0; at < 8; at++)
		await round();
	await until(() => descriptors(broker.pid) <= before.files, { what: 'descriptors to return' });
	assert.ok(rss(broker.pid) < before.memory * 1.5 + (4 << 20), `${rss(broker.pid) - before.memory} bytes more`);
	assert.equal(await broker.metric('wsbroker_sessions_total'), 800);
});

test('messages and sessions go side by side on listeners of their own', async (t) => {
	const server = await startServer(t);
	const rpc = await startServer(t, {
		act: (socket) => socket.on('message', (text) => {
			const { id, params } = JSON.parse(text);
			socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: params }));
		}),
	});
	const address = `127.0.0.1:${await freePort()}`;
	const broker = await startBroker(t, {
		listen: [{ session: 'chat' }, { address }],
		pools: [{ name: 'chat', size: 5, endpoints: [{ url: server.url }] }, pool([rpc.url])],
	});
	const chat = await open(t, broker.url);
	const calls = await open(t, `ws://${address}/`);
	chat.send('not json');
	assert.equal((await next(chat)).data.toString(), 'not json');
	calls.send('{"jsonrpc":"2.0","id":7,"method":"m","params":[1]}');
	assert.deepEqual(JSON.parse((await next(calls)).data), { jsonrpc: '2.0', id: 7, result: [1] });
});

// One command against the broker's admin API.
async function ctl(broker, ...args) {
	const outcome = await command(['--admin', `http://${broker.adminAddress}`, ...args]);
	assert.equal(outcome.code, 0, `${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
	return outcome.stdout;
}

test('operators see sessions and end one', async (t) => {
	const server = await startServer(t);
	const broker = await startSessions(t, [server]);
	const [kicked, other] = [await open(t, broker.url), await open(t, broker.url)];
	kicked.send('hello');
	await next(kicked);
	const clients = JSON.parse(await ctl(broker, 'clients', '-o', 'json'));
	assert.deepEqual(clients.map(({ kind, pool: name }) => [kind, name]), [['session', 'main'], ['session', 'main']]);
	const connections = JSON.parse(await ctl(broker, 'connections', '-o', 'json'));
	assert.deepEqual(connections.map(({ client }) => client).sort(), clients.map(({ id }) => id).sort());
	assert.deepEqual(connections.map(({ id }) => id).sort(), clients.map(({ connection }) => connection).sort());
	const [row] = JSON.parse(await ctl(broker, 'pools', '-o', 'json'));
	assert.equal(row.sessions.open, 2);
	assert.equal(row.sessions.total, 2);
	// A busy machine keeps the event loop waiting, and is told of for a moment.
	await until(async () => /^ok\n/.test(await ctl(broker, 'status')), { what: 'ok', every: 50 });
	const peers = [...server.sockets];
	await ctl(broker, 'client', 'kick', String(clients.find(({ bytes_out: bytes }) => bytes > 0).id));
	assert.equal((await within(kicked.ended, 'close')).code, 1008);
	await until(() => peers[0].end, { what: 'the end upstream' });
	assert.equal(peers[0].end.code, 1008);
	other.send('still here');
	assert.equal((await next(other)).data.toString(), 'still here');
});

test('a drained endpoint lets its sessions end and gets no new ones', async (t) => {
	const servers = [await startServer(t), await startServer(t)];
	const broker = await startSessions(t, servers, {
		settings: { balancer: 'round-robin' },
		endpoint: ({ url, port }) => ({ url, name: port === servers[0].port ? 'a' : 'b' }),
	});
	const clients = [];
	for (let at = 0; at < 4; at++)
		clients.push(await open(t, broker.url));
	assert.deepEqual(servers.map(({ sockets }) => sockets.size), [2, 2]);
	await ctl(broker, 'endpoint', 'drain', 'main/a');
	for (let at = 0; at < 3; at++)
		clients.push(await open(t, broker.url));
	assert.deepEqual(servers.map(({ sockets }) => sockets.size), [2, 5]);
	const state = async () => (await broker.pool()).endpoints.find(({ name }) => name === 'a').state;
	assert.equal(await state(), 'draining');
	for (const socket of servers[0].sockets)
		socket.close(1000);
	await until(async () => await state() === 'drained', { what: 'drained' });
	await ctl(broker, 'endpoint', 'ready', 'main/a', '--wait', '5s');
	await open(t, broker.url);
	await open(t, broker.url);
	assert.ok(servers[0].sockets.size >= 1);
	await ctl(broker, 'endpoint', 'remove', 'main/b');
	assert.equal((await broker.pool()).endpoints.length, 2, 'its sessions go on');
	for (const socket of servers[1].sockets)
		socket.close(1000);
	await until(async () => (await broker.pool()).endpoints.length === 1, { what: 'b to be forgotten' });
});

test('resize and pause act on who may come in', async (t) => {
	const server = await startServer(t);
	const broker = await startSessions(t, [server], { settings: { size: 3 } });
	const clients = [await open(t, broker.url), await open(t, broker.url)];
	await ctl(broker, 'pool', 'resize', 'main', '1');
	assert.equal((await refused(t, broker.url)).status, 503);
	clients.pop().close();
	await until(async () => await sessions(broker) === 1, { what: 'one session' });
	assert.equal((await refused(t, broker.url)).status, 503);
	await ctl(broker, 'pool', 'resize', 'main', '5', '--wait', '5s');
	await open(t, broker.url);
	await ctl(broker, 'pool', 'pause', 'main');
	const paused = await refused(t, broker.url);
	assert.equal(paused.status, 503);
	assert.match(paused.body, /paused/);
	clients[0].send('goes on');
	assert.equal((await next(clients[0])).data.toString(), 'goes on');
	await ctl(broker, 'pool', 'resume', 'main');
	await open(t, broker.url);
});
