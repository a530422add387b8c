// HTTP POST on the data listener: one request or batch, with the same rules.

import assert from 'node:assert/strict';
import { httpRequest } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { dial } from './support/raw.mjs';
import { assertError, setup } from './support/setup.mjs';

const post = (broker, body, { path = '/', headers = {} } = {}) => httpRequest(`http://${broker.address}${path}`, {
	method: 'POST', headers: { 'Content-Type': 'application/json', ...headers },
	body: typeof body === 'string' ? body : JSON.stringify(body),
});
const echo = (value, id = 1) => ({ jsonrpc: '2.0', id, method: 'echo', params: [value] });

test('a request gets 200 with its answer', async (t) => {
	const { broker } = await setup(t);
	const { status, headers, body } = await post(broker, '{"jsonrpc":"2.0","id":"h\\u0041","method":"echo","params":["č"]}');
	assert.equal(status, 200);
	assert.match(headers['content-type'], /^application\/json/);
	assert.match(body, /"id":\s*"h\\u0041"/);
	assert.deepEqual(JSON.parse(body).result, ['č']);
});

test('a batch gets 200 with its answers in order', async (t) => {
	const { broker } = await setup(t);
	const { status, json } = await post(broker, [3, 1, 2].map((ms) => ({ jsonrpc: '2.0', id: ms, method: 'delay', params: { ms: ms * 10 } })));
	assert.equal(status, 200);
	assert.deepEqual(json.map(({ id, result }) => [id, result]), [[3, 30], [1, 10], [2, 20]]);
});

test('a notification, or a batch of them, gets 204', async (t) => {
	const { broker, upstream } = await setup(t);
	const note = { jsonrpc: '2.0', method: 'echo', params: ['note'] };
	for (const body of [note, [note, note]]) {
		const answer = await post(broker, body);
		assert.deepEqual([answer.status, answer.body], [204, '']);
	}
	await upstream.seen('echo', 3);
});

test('413 above limits.message', async (t) => {
	const { broker, upstream } = await setup(t, { limits: { message: '2KiB' } });
	assert.equal((await post(broker, echo('x'.repeat(1900)))).status, 200);
	assert.equal((await post(broker, echo('x'.repeat(4000)))).status, 413);
	assert.equal((await post(broker, echo('after'))).status, 200);
	assert.equal(upstream.of('echo').length, 2);
});

test('errors are those of the table', async (t) => {
	const { broker } = await setup(t, { routes: [{ method: 'secret', deny: true }, { method: 'hang', pool: 'main', timeout: '150ms' }] });
	assertError((await post(broker, { jsonrpc: '2.0', id: 1, method: 'secret' })).json, { id: 1, code: -32601, reason: 'method_denied' });
	assertError((await post(broker, { jsonrpc: '2.0', id: 1, method: 'hang' })).json, { id: 1, code: -32002, reason: 'timeout' });
	assertError((await post(broker, 'no JSON')).json, { id: null, code: -32700, reason: 'parse_error' });
	assertError((await post(broker, '[]')).json, { id: null, code: -32600, reason: 'invalid_request' });
});

test('refusals are those of the upgrade', async (t) => {
	const { broker } = await setup(t, {
		listen: [{ path: '/rpc', origins: ['https://app.example.com'], auth: { tokens: 'tokens.txt' } }],
		start: { files: { 'tokens.txt': 'app client secret\n' } },
	});
	const good = { Authorization: 'Bearer secret' };
	assert.equal((await post(broker, echo(1), { path: '/rpc', headers: good })).status, 200);
	assert.equal((await post(broker, echo(1), { path: '/rpc' })).status, 401);
	assert.equal((await post(broker, echo(1), { path: '/', headers: good })).status, 404);
	assert.equal((await post(broker, echo(1), { path: '/rpc', headers: { ...good, Origin: 'https://evil.example.com' } })).status, 403);
});

test('503 with Retry-After, or the error itself, when no upstream is up', async (t) => {
	const { broker } = await setup(t, {
		upstreams: [{ started: false }], pool: { queue: { age: '200ms' } }, start: { ready: 'live' },
	});
	const { status, headers, json } = await post(broker, echo(1));
	assert.ok(status === 503 ? /^\d+$/.test(headers['retry-after']) : status === 200, `status ${status}`);
	assertError(json, { id: 1, code: -32000, reason: 'unavailable', pool: 'main' });
});

test('one connection carries many requests, in any slicing', async (t) => {
	const { broker } = await setup(t);
	const wire = await dial(t, broker.address);
	for (let id = 1; id <= 3; id++) {
		const body = JSON.stringify(echo(`k${id}`, id));
		await wire.writeSliced(Buffer.from(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`), id === 2 ? 1 : 4096);
		const response = await wire.readHead();
		assert.equal(response.status, 200);
		assert.deepEqual(JSON.parse(response.body).result, [`k${id}`]);
	}
});

// As many clients send what they write piece by piece, or whose length they do not know.
const chunked = (chunks, head = '') => `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n${head}\r\n`
	+ `${chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)};x=y\r\n${chunk}\r\n`).join('')}0\r\nX-Sum: 1\r\n\r\n`;

test('a body may come in chunks, and another request after it', async (t) => {
	const { broker } = await setup(t);
	const wire = await dial(t, broker.address);
	for (const step of [1, 7, 4096]) {
		const [one, two] = ['č', 'two'].map((value, id) => JSON.stringify(echo(value, id)));
		await wire.writeSliced(Buffer.from(chunked([...one]) + chunked([two.slice(0, 3), two.slice(3)])), step);
		assert.deepEqual(JSON.parse((await wire.readHead()).body).result, ['č']);
		assert.deepEqual(JSON.parse((await wire.readHead()).body).result, ['two']);
	}
});

test('chunks are read within limits.message, strictly, and nothing else is taken for them', async (t) => {
	const { broker, upstream } = await setup(t, { limits: { message: '2KiB' } });
	const refused = [
		[413, chunked([JSON.stringify(echo('x'.repeat(1000))), ' '.repeat(2000)])],
		[413, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n'],
		[400, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n'],
		[501, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
		[411, 'POST / HTTP/1.1\r\nHost: x\r\n\r\n'],
	];
	for (const [status, bytes] of refused) {
		const wire = await dial(t, broker.address);
		wire.write(bytes);
		assert.equal((await wire.readHead()).status, status, bytes);
		await wire.end();
		await assert.rejects(wire.readHead(10), /hung up/);
	}
	assert.equal(upstream.of('echo').length, 0);
	assert.equal((await post(broker, echo('after'))).status, 200);
});

for (const [what, method] of [['built-in', 'wsbroker.ping'], ['forwarded', 'echo']]) {
	test(`requests that are pipelined behind a ${what} one are answered in order`, async (t) => {
		const { broker } = await setup(t);
		const whole = (id) => {
			const body = JSON.stringify({ jsonrpc: '2.0', id, method });
			return `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
		};
		const wire = await dial(t, broker.address);
		wire.write(`${whole(1)}\r\n${whole(2)}GET / HTTP/1.1\r\nHost: x\r\n\r\n${whole(3)}${whole(4)}`);
		const seen = [];
		for (let at = 0; at < 5; at++) {
			const { status, body } = await wire.readHead();
			seen.push(status === 200 ? JSON.parse(body).id : status);
		}
		assert.deepEqual(seen, [1, 2, 400, 3, 4]);
	});
}

test('a request whose body nobody takes is the last one of its connection', async (t) => {
	const { broker } = await setup(t);
	for (const body of ['Content-Length: 20', 'Transfer-Encoding: chunked']) {
		const wire = await dial(t, broker.address);
		wire.write(`PUT / HTTP/1.1\r\nHost: x\r\n${body}\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
		assert.equal((await wire.readHead()).status, 400);
		await wire.end();
		await assert.rejects(wire.readHead(10), /hung up/);
	}
});

test('a body that never comes does not hold anything else up', async (t) => {
	const { broker, connect } = await setup(t, { limits: { handshake: '2s' } });
	const wire = await dial(t, broker.address);
	wire.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"jsonrpc"');
	assert.deepEqual(await (await connect()).result('echo', [1]), [1]);
	await wire.end(8000);
});

test('a client that goes before its answer leaves nothing behind', async (t) => {
	const { broker, upstream } = await setup(t);
	const wire = await dial(t, broker.address);
	const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'delay', params: { ms: 100 } });
	wire.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
	await upstream.seen('delay');
	wire.socket.destroy();
	assert.equal((await post(broker, echo('next'))).status, 200);
});

test('429 with Retry-After when the budget of requests is used up, over all requests of a peer', async (t) => {
	const { broker } = await setup(t, { limits: { rate_per_client: 3 } });
	const answers = [];
	for (let at = 0; at < 6; at++) answers.push(await post(broker, echo(at)));
	const refused = answers.filter(({ status }) => status === 429);
	assert.ok(refused.length >= 2, answers.map(({ status }) => status).join());
	assert.ok(Number(refused[0].headers['retry-after']) >= 1);
	assertError(refused[0].json, { code: -32004, reason: 'rate_limited', retryable: true, limit: /^limits.rate_per_client$/ });
	assert.equal(answers[0].status, 200);
});
