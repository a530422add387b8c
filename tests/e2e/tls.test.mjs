// TLS on both sides, and Unix sockets.

import assert from 'node:assert/strict';
import path from 'node:path';
import tls from 'node:tls';
import WebSocket from 'ws';
import { httpRequest, pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { run } from './support/child.mjs';
import { Client, connect } from './support/client.mjs';
import { dial, upgrade } from './support/raw.mjs';
import { setup } from './support/setup.mjs';
import { tempDir } from './support/temp.mjs';
import { certificates } from './support/tls.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until } from './support/time.mjs';

const nothing = () => ({});

// A wss:// upstream with the given certificate, and a broker that trusts the authority.
async function secure(t, { pair = 'server', host, upstream = nothing, tls = nothing, ready = 'ready', endpoint } = {}) {
	const certs = certificates(t);
	const server = await startUpstream(t, { host, tls: { ...certs.pair(pair), ...upstream(certs) } });
	const broker = await startBroker(t, {
		pools: [pool([endpoint?.(server) ?? server.url], { tls: { ca: certs.file('ca.pem'), ...tls(certs) }, queue: { age: '400ms' } })],
	}, { ready });
	return { certs, server, broker };
}

async function assertRefused(broker, server) {
	await until(() => /tls|certificate|verif/i.test(broker.log), { what: 'the reason in the log' });
	assert.equal((await broker.adminGet('/readyz')).status, 503);
	assert.equal(server.handshakes.length, 0, 'no upgrade was sent');
}

test('wss:// upstream: verified, with its name in SNI', async (t) => {
	const names = [];
	const { broker, server } = await secure(t, {
		upstream: () => ({ SNICallback: (name, done) => { names.push(name); done(null); } }),
	});
	const client = await connect(t, broker.url);
	assert.deepEqual(await client.result('echo', ['x'.repeat(300000)]).then(([text]) => text.length), 300000);
	assert.deepEqual([...new Set(names)], ['localhost']);
	assert.equal(server.handshakes[0].headers.host, `localhost:${server.port}`);
	assert.equal(server.handshakes[0].request.socket.alpnProtocol || 'http/1.1', 'http/1.1');
});

test('wss:// upstream of an unknown authority is refused', async (t) => {
	const { broker, server } = await secure(t, { pair: 'forged', ready: 'live' });
	await assertRefused(broker, server);
});

test('wss:// upstream with another name is refused', async (t) => {
	const { broker, server } = await secure(t, { pair: 'elsewhere', ready: 'live' });
	await assertRefused(broker, server);
});

test('wss:// upstream by address: the address is in the certificate', async (t) => {
	const { broker } = await secure(t, {
		endpoint: ({ port }) => `wss://127.0.0.1:${port}/`,
	});
	assert.deepEqual(await (await connect(t, broker.url)).result('echo', [1]), [1]);
});

test('wss:// upstream by IPv6 address', async (t) => {
	const { broker } = await secure(t, {
		host: '::1', endpoint: ({ port }) => `wss://[::1]:${port}/`,
	});
	assert.deepEqual(await (await connect(t, broker.url)).result('echo', [1]), [1]);
});

test('wss:// upstream by an address that the certificate does not hold', async (t) => {
	const { broker, server } = await secure(t, {
		pair: 'elsewhere', endpoint: ({ port }) => `wss://127.0.0.1:${port}/`, ready: 'live',
	});
	await assertRefused(broker, server);
});

test('verify: false takes any certificate', async (t) => {
	const { broker } = await secure(t, { pair: 'forged', tls: () => ({ verify: false }) });
	assert.deepEqual(await (await connect(t, broker.url)).result('echo', [1]), [1]);
});

test('a client certificate is shown to the upstream that asks', async (t) => {
	const asks = (certs) => ({ requestCert: true, rejectUnauthorized: true, ca: certs.read('ca.pem') });
	const { broker, server } = await secure(t, {
		upstream: asks, tls: (certs) => ({ certificate: certs.file('client.pem'), key: certs.file('client.key') }),
	});
	assert.deepEqual(await (await connect(t, broker.url)).result('echo', [1]), [1]);
	assert.equal(server.handshakes[0].request.socket.getPeerCertificate().subject.CN, 'client');
	const without = await secure(t, { upstream: asks, ready: 'live' });
	await until(() => /main/.test(without.broker.log), { what: 'a failed connect' });
	assert.equal((await without.broker.adminGet('/readyz')).status, 503);
});

test('a TLS upstream that dies and returns', async (t) => {
	const { broker, server } = await secure(t);
	await server.stop();
	await until(async () => (await broker.adminGet('/readyz')).status === 503, { what: 'not ready' });
	await server.start();
	await until(async () => (await broker.adminGet('/readyz')).status === 200, { what: 'ready' });
	assert.deepEqual(await (await connect(t, broker.url)).result('echo', [1]), [1]);
});

async function secureListener(t, tls = nothing) {
	const certs = certificates(t);
	const cast = await setup(t, {
		listen: [{ tls: { certificate: certs.file('server.pem'), key: certs.file('server.key'), ...tls(certs) } }],
	});
	const ca = certs.read('ca.pem');
	return { ...cast, certs, ca, url: cast.broker.url.replace('127.0.0.1', 'localhost') };
}

test('TLS listener: verified by the client', async (t) => {
	const { url, ca } = await secureListener(t);
	const client = await connect(t, url, { ca });
	assert.deepEqual(await client.result('echo', ['x'.repeat(300000)]).then(([text]) => text.length), 300000);
	const many = await Promise.all(Array.from({ length: 20 }, () => connect(t, url, { ca })));
	await Promise.all(many.map(async (each, at) => assert.deepEqual(await each.result('echo', [at]), [at])));
});

test('TLS listener: curl', async (t) => {
	const { broker, certs } = await secureListener(t);
	const { stdout, code, stderr } = await run('curl', ['--silent', '--show-error', '--cacert', certs.file('ca.pem'),
		'--data', '{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}', broker.httpUrl]);
	assert.equal(code, 0, stderr);
	assert.deepEqual(JSON.parse(stdout).result, [1]);
});

test('TLS listener: only http/1.1 is agreed upon by ALPN', async (t) => {
	const { broker, ca } = await secureListener(t);
	const agree = (protocols) => new Promise((resolve, reject) => {
		const [host, port] = broker.address.split(':');
		const socket = tls.connect({ host, port, servername: 'localhost', ca, ALPNProtocols: protocols }, () => {
			resolve(socket.alpnProtocol);
			socket.destroy();
		});
		socket.on('error', reject);
	});
	assert.equal(await agree(['h2', 'http/1.1']), 'http/1.1');
	assert.equal(await agree([]), false);
	await assert.rejects(agree(['h2']), /no application protocol/);
});

test('TLS listener: plain text gets nowhere and harms nobody', async (t) => {
	const { broker, url, ca } = await secureListener(t);
	const wire = await dial(t, broker.address);
	wire.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
	await wire.end();
	assert.deepEqual(await (await connect(t, url, { ca })).result('echo', [1]), [1]);
});

test('TLS listener with client_ca: only with a certificate', async (t) => {
	const { url, ca, certs } = await secureListener(t, ({ file }) => ({ client_ca: file('ca.pem') }));
	const { cert, key } = certs.pair('client');
	assert.deepEqual(await (await connect(t, url, { ca, cert, key })).result('echo', [1]), [1]);
	await assert.rejects(connect(t, url, { ca }));
	const forged = certs.pair('forged');
	await assert.rejects(connect(t, url, { ca, ...forged }));
});

test('Unix listener: WebSocket and HTTP', async (t) => {
	const socketPath = path.join(tempDir(t), 'data.sock');
	const { broker } = await setup(t, { listen: [{ address: `unix:${socketPath}` }] });
	const wire = await upgrade(t, broker.address);
	assert.equal(wire.response.status, 101);
	wire.send('{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}');
	assert.deepEqual(JSON.parse(await wire.nextText()).result, [1]);
	const client = new Client(new WebSocket(`ws+unix://${socketPath}:/`));
	cleanup(t, () => client.close());
	await client.opened;
	assert.deepEqual(await client.result('echo', [2]), [2]);
	const { status, json } = await httpRequest('http://localhost/', {
		method: 'POST', socketPath, body: '{"jsonrpc":"2.0","id":3,"method":"echo","params":[3]}',
	});
	assert.equal(status, 200);
	assert.deepEqual(json.result, [3]);
});
