// Clients and upstreams that send whatever bytes they like, on many sockets at once, while others
// work. From a seed (TEST_SEED; the name of the test tells it), for TEST_SECONDS / 4.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { pool, startBroker } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { connect } from './support/client.mjs';
import { freePort } from './support/ports.mjs';
import { SEED, seeded } from './support/random.mjs';
import { BINARY, CLOSE, frame, PING, PONG, TEXT, upgradeHead } from './support/raw.mjs';
import { take, until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

const MS = Number(process.env.TEST_SECONDS ?? 20) * 250;
const below = seeded();
const pick = (list) => list[below(list.length)];
const noise = (length) => Buffer.from(Array.from({ length }, () => below(256)));
const times = (count, make) => Buffer.concat(Array.from({ length: count }, make));

const IDS = ['1', '-1', '0', '"x"', 'null', '1.5', '12345678901234567890123', '-0', '"\\u0000"', '"\\ud800"', '{}', '[]', 'true', '""',
	'1E400', `"${'a'.repeat(5000)}"`, '01', '+1', 'NaN', '"\\ud83d\\ude00"'];
const METHODS = ['"echo"', '"\\u0065cho"', '"\\u0064elay"', '"wsbroker.ping"', '"wsbroker.info"', '"wsbroker.subscribe"', '"wsbroker.nothing"', '"delay"', '"drop"',
	'""', 'null', '1', `"${'m'.repeat(70000)}"`];
const PARAMS = ['[1]', '{}', 'null', '{"ms":50}', '[NaN]', '{"a":1,"a":2}', `${'['.repeat(400)}${']'.repeat(400)}`, '['.repeat(100000),
	`"${'z'.repeat(300000)}"`, '[1,]', '"\\x"', '1e999', '{"channel":"push"}'];
const EXTRAS = ['', '', '"wsbroker":{"explain":true},', '"wsbroker":{"timeout":"1ms"},', '"wsbroker":1,', '"id":2,', '"\\u0069d":3,', '"jsonrpc":"1.0",'];
const text = () => `{"jsonrpc":"2.0",${pick(EXTRAS)}${below(5) ? `"id":${pick(IDS)},` : ''}"method":${pick(METHODS)},"params":${pick(PARAMS)}}`;

function damaged() {
	const bytes = Buffer.from(text());
	for (let at = 0; at <= below(3); at++)
		bytes[below(bytes.length)] = below(256);
	return bytes;
}

// {"jsonrpc": "2.0", "id": …, "method": "echo", "params": …} with ids and values that JSON does not have.
const packed = () => Buffer.concat([
	Buffer.from('84a76a736f6e727063a3322e30a26964', 'hex'),
	Buffer.from(pick(['01', 'c4020102', 'c7010501', 'd40101', 'cb7ff8000000000000', 'c0', 'cfffffffffffffffff', 'd38000000000000000', '80']), 'hex'),
	Buffer.from('a66d6574686f64a46563686fa6706172616d73', 'hex'),
	Buffer.from(pick(['9101', 'c403fffe00', 'cb7ff0000000000000', '8201020103', '81c001', 'a2fffe', 'd903eda080', 'c1', 'dfffffffff']), 'hex'),
]);

const FROM_CLIENTS = [
	() => frame(TEXT, text()),
	() => frame(TEXT, text()),
	() => frame(BINARY, packed()),
	() => frame(BINARY, text()),
	() => frame(TEXT, damaged()),
	() => frame(BINARY, noise(below(64))),
	() => frame(TEXT, `[${Array.from({ length: below(150) }, text).join(',')}]`),
	() => { const all = Buffer.from(text()); const at = below(all.length); return Buffer.concat([frame(TEXT, all.subarray(0, at), { fin: false }), frame(PING), frame(0, all.subarray(at))]); },
	() => Buffer.concat([frame(TEXT, '{', { fin: false }), times(below(1200), () => frame(0, '', { fin: false }))]),
	() => frame(below(16), noise(below(200)), { fin: !below(2), rsv: below(8), mask: below(4) > 0 }),
	() => frame(CLOSE, Buffer.concat([Buffer.from([below(20), below(256)]), Buffer.from('bye')])),
	() => times(500, () => frame(PING, 'p')),
	() => Buffer.from([0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]),
	() => noise(below(3000)),
	() => frame(TEXT, ' '.repeat(1000000)),
	() => frame(TEXT, `"${'a'.repeat(1100000)}"`),
	() => times(300, () => frame(TEXT, '{"jsonrpc":"2.0","method":"echo","params":["n"]}')),
	() => times(300, () => frame(TEXT, '{"jsonrpc":"2.0","id":7,"method":"echo","params":["n"]}')),
];

const HEADS = [
	() => upgradeHead('/'),
	() => upgradeHead('/'),
	() => upgradeHead('/'),
	() => upgradeHead(`/?${'a&'.repeat(below(300))}`),
	() => upgradeHead('http://x/%00%ff'),
	() => upgradeHead('/', { Cookie: 'c'.repeat(below(20000)) }),
	() => upgradeHead('/', Object.fromEntries(Array.from({ length: below(400) }, (_, at) => [`X-${at}`, 'v']))),
	() => noise(below(5000)).toString('latin1'),
	() => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${pick(['5', '99999999999999999999', '-1', '0', 'x', '10\r\nContent-Length: 5'])}\r\n\r\nhello`,
	() => `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${pick(['5\r\nhello\r\n0\r\n\r\n', 'ffffffffffffffff\r\nx', 'zz\r\n', '1\r\nhello'])}`,
	() => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}${upgradeHead('/')}`,
];

// One socket after the other until it is over.
async function attack(address, running) {
	const [host, port] = address.split(':');
	while (running()) {
		const socket = net.connect({ host, port });
		socket.on('error', () => {});
		if (below(5))
			socket.resume();
		const head = Buffer.from(pick(HEADS)(), 'latin1');
		// Some do not wait for the 101.
		socket.write(below(6) ? head : Buffer.concat([head, pick(FROM_CLIENTS)()]));
		for (let left = below(15); left > 0 && !socket.destroyed && running(); left--) {
			await take(below(15));
			const bytes = pick(FROM_CLIENTS)();
			if (socket.writableLength < 3e6)
				socket.write(below(4) ? bytes : bytes.subarray(0, below(bytes.length)));
		}
		pick([() => socket.destroy(), () => socket.resetAndDestroy(), () => { socket.end(); socket.destroySoon(); }])();
		socket.destroy();
	}
}

const FROM_UPSTREAMS = [
	(id) => frame(TEXT, `{"jsonrpc":"2.0","id":${id},${pick(['"error":"text"', '"result":1e999', '"result":1,"result":2', '"result":"\\ud800"'])}}`, { mask: false }),
	(id) => frame(BINARY, `{"jsonrpc":"2.0","id":${id},"result":1}`, { mask: false }),
	() => frame(TEXT, noise(below(300)), { mask: false }),
	() => frame(below(16), noise(below(120)), { mask: !below(5), fin: !!below(2), rsv: below(8) }),
	() => frame(CLOSE, Buffer.concat([Buffer.from([3, below(256)]), Buffer.from('\x1b[31mbye')]), { mask: false }),
	() => times(2000, () => frame(PING, 'ping', { mask: false })),
	() => Buffer.concat([frame(TEXT, '{"a":', { fin: false, mask: false }), times(5000, () => frame(0, ' ', { fin: false, mask: false }))]),
	() => frame(TEXT, '{"jsonrpc":"2.0","method":"push","params":"\\u0000"}', { mask: false }),
	() => frame(TEXT, `"${'b'.repeat(5e6)}"`, { mask: false }),
	() => noise(500),
];

async function hostileUpstream(t) {
	const port = await freePort();
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		let head = '';
		const onHead = (part) => {
			head += part.toString('latin1');
			const key = /Sec-WebSocket-Key: (\S+)/i.exec(head)?.[1];
			if (!key || !head.includes('\r\n\r\n'))
				return;
			socket.off('data', onHead).resume();
			const accept = crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
			socket.write(below(8) ? `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
				: pick(['HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(100000), 'HTTP/1.1 401 \x1b[31mred\r\n\r\n']));
			// Whoever answers the first ping gets requests.
			socket.write(frame(PONG, 'wsb', { mask: false }));
			misbehave(socket);
		};
		socket.on('data', onHead);
	});
	server.listen(port, '127.0.0.1');
	cleanup(t, () => server.close());
	return `ws://127.0.0.1:${port}/`;
}

async function misbehave(socket) {
	for (let left = below(40); left > 0 && !socket.destroyed; left--) {
		await take(below(20));
		if (socket.writableLength < 8e6)
			socket.write(pick(FROM_UPSTREAMS)(below(50)));
	}
	pick([() => socket.destroy(), () => socket.resetAndDestroy(), () => socket.end()])();
}

const descriptors = (broker) => fs.readdirSync(`/proc/${broker.pid}/fd`).length;

test(`whatever bytes clients and upstreams send, others are served (seed ${SEED})`, { timeout: MS + 120000 }, async (t) => {
	const servers = [await startUpstream(t), await startUpstream(t)];
	const broker = await startBroker(t, {
		limits: { handshake: '2s', memory: '64MiB' },
		log: { level: 'warn', format: 'logfmt' },
		pools: [
			pool(servers.map(({ url }) => url), { size: 4, queue: { age: '10s' } }),
			pool([await hostileUpstream(t)], { name: 'evil', size: 8, queue: { age: '200ms' } }),
		],
		routes: [
			{ method: 'wsbroker.nothing', deny: true },
			{ method: 'delay', pool: 'evil', timeout: '300ms', idempotent: true },
			// It ends the connection it is read on: a good call that met it three times would be lost rightly.
			{ method: 'drop', pool: 'evil', timeout: '300ms', idempotent: true },
			{ method: '*', pool: 'main', timeout: '10s', idempotent: true },
		],
		admin: { address: `127.0.0.1:${await freePort()}`, ready: 'any' },
	});
	const good = await connect(t, broker.url);
	const before = descriptors(broker);
	const end = performance.now() + MS;
	const running = () => performance.now() < end;
	const attacks = Array.from({ length: 25 }, () => attack(broker.address, running));
	for (let call = 0; running(); call++) {
		assert.deepEqual(await good.result('echo', [call]), [call]);
		await take(2);
	}
	await Promise.all(attacks);
	await until(async () => await broker.metric('wsbroker_clients') === 1, { what: 'all but one to be gone' });
	await until(() => descriptors(broker) <= before + 8, { what: 'every descriptor to be given back' });
	await until(async () => await broker.metric('wsbroker_buffer_bytes') === 0, { what: 'every buffer to be given back' });
});
