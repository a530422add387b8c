// Requests, ids, batches, notifications, the built-in methods and the member `wsbroker`.

import assert from 'node:assert/strict';
import { test } from './support/case.mjs';
import { assertError, setup } from './support/setup.mjs';
import { never } from './support/time.mjs';

const IDS = ['1', '0', '-1', '"abc"', '""', '"a\\"\\\\\\/\\u0041\\n"', '"\\ud83d\\ude42 č"', '"6f1c2b1e-9a54-4f5e-8c7d-0f5a3c9b7e21"',
	'9007199254740993', '-9223372036854775809', '123456789012345678901234567890', '1.5', '-0.0', '1e2', '1E+02', '0.10', 'null',
	`"${'x'.repeat(2000)}"`];

for (const id of IDS) {
	test(`id ${id.slice(0, 60)} comes back byte for byte`, async (t) => {
		const { connect, upstream } = await setup(t);
		const client = await connect();
		for (const message of [`{"jsonrpc":"2.0","id":${id},"method":"echo","params":[7]}`,
			`{ "params" : [7] , "method" : "echo" , "id" : ${id} , "jsonrpc" : "2.0" }`,
			`{"jsonrpc":"2.0","method":"echo","params":[7],"id":${id}}`,
			`{"id":${id},"jsonrpc":"2.0","method":"echo","params":[7]}`]) {
			const answer = await client.ask(message);
			assert.ok(new RegExp(`"id"\\s*:\\s*${escaped(id)}\\s*[,}]`).test(answer), answer);
			assert.deepEqual(JSON.parse(answer).result, [7]);
		}
		for (const request of upstream.requests)
			assert.ok(Number.isInteger(request.id) && request.id > 0, `id upstream: ${request.id}`);
		const failed = await client.ask(`{"jsonrpc":"2.0","id":${id},"method":"fail","params":{"code":5}}`);
		assert.ok(new RegExp(`"id"\\s*:\\s*${escaped(id)}\\s*[,}]`).test(failed), failed);
		assert.equal(JSON.parse(failed).error.code, 5);
	});
}

function escaped(text) {
	return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

test('equal ids of many clients never mix', async (t) => {
	const { connect, upstream } = await setup(t, { pool: { size: 1 } });
	const clients = await Promise.all(Array.from({ length: 10 }, () => connect()));
	await Promise.all(clients.map(async (client, number) => {
		for (let id = 0; id < 40; id++)
			client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'delay', params: { ms: (id * 7) % 20, value: `${number}/${id}` } }));
		const seen = new Map();
		for (let at = 0; at < 40; at++) {
			const { id, result } = await client.nextJson();
			seen.set(id, result);
		}
		assert.deepEqual([...seen].sort(([a], [b]) => a - b), Array.from({ length: 40 }, (_, id) => [id, `${number}/${id}`]));
	}));
	assert.equal(new Set(upstream.requests.map(({ id }) => id)).size, 400, 'ids of its own upstream');
});

test('only the id is exchanged: everything else goes upstream as it came', async (t) => {
	const { connect, upstream } = await setup(t);
	const client = await connect();
	const text = ' { "extra" : { "id" : "inner" } ,\t"jsonrpc":"2.0", "method":"echo", "id": "mine" ,"params":[1.50, 1e2, "\\u00e9\\/", {"id":3}] } ';
	await client.ask(text);
	const sent = upstream.requests[0].text.trim();
	const [before, after] = text.trim().split('"mine"');
	assert.ok(sent.startsWith(before) && sent.endsWith(after), sent);
});

test('what the upstream answers comes as it came, but for the id', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	const text = '{"result" : {"n":1.50, "u":"\\u00e9", "id":[9007199254740993]}, "id":$id , "jsonrpc":"2.0","meta":{"a":1} }';
	const answer = await client.ask(JSON.stringify({ jsonrpc: '2.0', id: 'me', method: 'answer', params: { text } }));
	assert.equal(answer, text.replace('$id', '"me"'));
});

test('an escaped member name is the member it spells', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	const answer = await client.askJson('{"jsonrpc":"2.0","\\u0069d":"x","m\\u0065thod":"echo","params":[1]}');
	assert.deepEqual(answer, { jsonrpc: '2.0', id: 'x', result: [1] });
});

const PARSE_ERRORS = ['{', '{"jsonrpc":"2.0","id":1,"method":"echo"', 'hello', '', ' ', '{"a":1}x', '{"a":01}', "{'a':1}", '{"a":"\u0001"}',
	'{"jsonrpc":"2.0","id":1,"method":"echo","params":["\\ud800"]}', '{"jsonrpc":"2.0","id":1,"method":"echo","params":["\\udc00\\ud800"]}',
	'{"jsonrpc":"2.0","id":1,"method":"echo",}', '[{"jsonrpc":"2.0","id":1,"method":"echo"},', '{"a":"\\x"}', '{"a":nul}', '\ufeff{}', '{"a":1}{"b":2}'];

test('what is not JSON gets a parse error with the id null', async (t) => {
	const { connect, upstream } = await setup(t);
	const client = await connect();
	for (const text of PARSE_ERRORS)
		assertError(await client.askJson(text), { id: null, code: -32700, reason: 'parse_error' });
	assert.equal(upstream.requests.length, 0);
	assert.deepEqual(await client.result('echo', [1]), [1]);
});

const INVALID = [['1', null], ['"text"', null], ['null', null], ['true', null], ['{}', null], ['{"jsonrpc":"2.0","id":1}', 1],
	['{"jsonrpc":"2.0","id":2,"method":7}', 2], ['{"jsonrpc":"2.0","id":{},"method":"echo"}', null],
	['{"jsonrpc":"2.0","id":[1],"method":"echo"}', null], ['{"jsonrpc":"2.0","id":true,"method":"echo"}', null], ['[]', null]];

test('what is not a request gets -32600', async (t) => {
	const { connect, upstream } = await setup(t);
	const client = await connect();
	for (const [text, id] of INVALID)
		assertError(await client.askJson(text), { id, code: -32600, reason: 'invalid_request' });
	assert.equal(upstream.requests.length, 0);
});

test('nesting is carried to 512 levels and refused far above', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	const nested = (depth) => `{"jsonrpc":"2.0","id":1,"method":"echo","params":${'['.repeat(depth)}${']'.repeat(depth)}}`;
	assert.equal((await client.askJson(nested(500))).id, 1);
	for (const depth of [600, 100000]) {
		const { error } = await client.askJson(nested(depth));
		assert.ok([-32700, -32600].includes(error.code), JSON.stringify(error));
	}
});

test('a batch is answered in one array in the order of its requests', async (t) => {
	const { connect } = await setup(t, { upstreams: 2 });
	const client = await connect();
	const batch = [40, 0, 20, 10, 30].map((ms, at) => ({ jsonrpc: '2.0', id: `b${at}`, method: 'delay', params: { ms, value: at } }));
	assert.deepEqual(await client.askJson(batch), batch.map(({ id }, result) => ({ jsonrpc: '2.0', id, result })));
});

test('a batch mixes answers, errors of every origin, built-ins and silence', async (t) => {
	const { connect, upstream } = await setup(t, {
		routes: [{ method: 'secret', deny: true }, { method: 'e*', pool: 'main' },
			{ method: 'fail', pool: 'main' }],
	});
	const client = await connect();
	const answers = await client.askJson([
		{ jsonrpc: '2.0', id: 1, method: 'echo', params: [1] },
		{ jsonrpc: '2.0', method: 'echo', params: ['silent'] },
		{ jsonrpc: '2.0', id: 2, method: 'fail', params: { code: 77 } },
		{ jsonrpc: '2.0', id: 3, method: 'secret' },
		{ jsonrpc: '2.0', id: 4, method: 'nowhere' },
		17,
		{ jsonrpc: '2.0', id: 5, method: 'wsbroker.ping' },
	]);
	assert.equal(answers.length, 6);
	assert.deepEqual(answers.map(({ id }) => id), [1, 2, 3, 4, null, 5]);
	assert.deepEqual(answers[0].result, [1]);
	assert.equal(answers[1].error.code, 77);
	assertError(answers[2], { code: -32601, reason: 'method_denied' });
	assertError(answers[3], { code: -32601, reason: 'no_route' });
	assertError(answers[4], { code: -32600, reason: 'invalid_request' });
	assert.ok('result' in answers[5]);
	await upstream.seen('echo', 2);
});

test('a batch of notifications alone is not answered', async (t) => {
	const { connect, upstream } = await setup(t);
	const client = await connect();
	client.send('[{"jsonrpc":"2.0","method":"echo","params":[1]},{"jsonrpc":"2.0","method":"echo","params":[2]}]');
	await upstream.seen('echo', 2);
	assert.deepEqual(await client.askJson('{"jsonrpc":"2.0","id":3,"method":"who"}').then(({ id }) => id), 3);
});

test('a batch has at most limits.batch members', async (t) => {
	const { connect, upstream } = await setup(t, { limits: { batch: 3 } });
	const client = await connect();
	const batch = (count) => Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'echo', params: [id] }));
	assert.equal((await client.askJson(batch(3))).length, 3);
	assertError(await client.askJson(batch(4)), { id: null, code: -32600, reason: 'invalid_request', limit: /^limits\.batch$/ });
	assert.equal(upstream.requests.length, 3);
});

test('equal ids inside a batch are answered each', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	const answers = await client.askJson([1, 2, 3].map((value) => ({ jsonrpc: '2.0', id: 7, method: 'echo', params: [value] })));
	assert.deepEqual(answers.map(({ result: [value] }) => value), [1, 2, 3]);
});

test('a notification goes to one connection and is not answered', async (t) => {
	const { connect, upstreams } = await setup(t, { upstreams: 3 });
	const client = await connect();
	client.send('{"jsonrpc":"2.0","method":"echo","params":["note"]}');
	const all = () => upstreams.flatMap((upstream) => upstream.of('echo'));
	assert.deepEqual(await client.result('who').then(() => true), true);
	await never(() => all().length > 1 || client.received.length > 0, { during: 150, what: 'an answer or a copy' });
	assert.equal(all().length, 1);
	assert.ok(!('id' in JSON.parse(all()[0].text)));
});

test('an answer to a notification is dropped', async (t) => {
	const { connect } = await setup(t, { upstreams: [{ methods: {
		chatty: (params, { connection }) => void connection.socket.send('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"?"}}'),
	} }] });
	const client = await connect();
	client.send('{"jsonrpc":"2.0","method":"chatty"}');
	assert.deepEqual((await client.askJson('{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}')).result, [1]);
});

test('the built-in methods are answered by the broker', async (t) => {
	const { connect, upstream } = await setup(t, { node: 'broker-under-test' });
	const client = await connect();
	const ping = await client.askJson('{"jsonrpc":"2.0","id":"p","method":"wsbroker.ping"}');
	assert.equal(ping.id, 'p');
	assert.equal(ping.result, 'pong');
	const info = await client.askJson('{"jsonrpc":"2.0","id":"i","method":"wsbroker.info"}');
	assert.equal(typeof info.result, 'object');
	assert.match(JSON.stringify(info.result), /broker-under-test/);
	const unknown = await client.askJson('{"jsonrpc":"2.0","id":1,"method":"wsbroker.nonsense"}');
	assert.equal(unknown.error.code, -32601);
	assert.equal(upstream.requests.length, 0, 'never routed');
});

test('the built-in methods work while every upstream is down', async (t) => {
	const { connect } = await setup(t, { upstreams: [{ started: false }], start: { ready: 'live' } });
	const client = await connect();
	assert.ok('result' in await client.askJson('{"jsonrpc":"2.0","id":1,"method":"wsbroker.ping"}'));
});

test('the member wsbroker is stripped wherever it stands', async (t) => {
	const { connect, upstream } = await setup(t);
	const client = await connect();
	const members = ['"jsonrpc":"2.0"', '"id":1', '"method":"echo"', '"params":[{"wsbroker":"mine"}]'];
	const own = '"wsbroker":{"timeout":"5s","explain":false}';
	for (let at = 0; at <= members.length; at++) {
		const text = `{${[...members.slice(0, at), own, ...members.slice(at)].join(',')}}`;
		assert.deepEqual((await client.askJson(text)).result, [{ wsbroker: 'mine' }]);
	}
	for (const { text } of upstream.requests) {
		assert.deepEqual(Object.keys(JSON.parse(text)).sort(), ['id', 'jsonrpc', 'method', 'params']);
	}
});

test('wsbroker.timeout is the deadline of one request', async (t) => {
	const { connect } = await setup(t);
	const client = await connect();
	const begun = performance.now();
	assertError(await client.call('hang', [], { wsbroker: { timeout: '200ms' } }), { code: -32002, reason: 'timeout', pool: 'main' });
	const took = performance.now() - begun;
	assert.ok(took >= 190 && took < 10000, `${took} ms`);
});

test('wsbroker.explain says why the call went as it did', async (t) => {
	const { connect } = await setup(t, { endpoint: ({ url }) => ({ url, name: 'north' }) });
	const client = await connect();
	const { result, wsbroker } = await client.call('delay', { ms: 50 }, { wsbroker: { explain: true } });
	assert.equal(result, 50);
	assert.equal(wsbroker.pool, 'main');
	assert.match(String(wsbroker.endpoint), /^(main\/)?north$/);
	assert.equal(wsbroker.attempts, 1);
	assert.ok(wsbroker.upstream_us >= 45000 && wsbroker.upstream_us < 5e6, `upstream_us ${wsbroker.upstream_us}`);
	assert.ok(wsbroker.queued_us >= 0, `queued_us ${wsbroker.queued_us}`);
	for (const member of ['cache', 'age_ms', 'connection', 'reason'])
		assert.ok(member in wsbroker, `${member} in ${JSON.stringify(wsbroker)}`);
	assert.ok(!('wsbroker' in await client.call('echo', [])), 'only when asked for');
});

test('a member wsbroker that makes no sense is refused', async (t) => {
	const { connect, upstream } = await setup(t);
	const client = await connect();
	for (const wsbroker of [{ timeout: 'soon' }, 7, { explain: 'x' }])
		assertError(await client.call('echo', [], { wsbroker }), { code: -32600, reason: 'invalid_request' });
	assert.equal(upstream.requests.length, 0);
});
