// The subcommands of the one binary.

import assert from 'node:assert/strict';
import http from 'node:http';
import { WSBROKER, command } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { run, startChild } from './support/child.mjs';
import { connect } from './support/client.mjs';
import { freePort, isFree } from './support/ports.mjs';
import { setup } from './support/setup.mjs';
import { tempDir, writeFile } from './support/temp.mjs';
import { until } from './support/time.mjs';
import { startUpstream } from './support/upstream.mjs';

const GOOD = `
pools:
  - name: main
    endpoints:
      - url: ws://127.0.0.1:9101/
`;

async function check(t, text, { env } = {}) {
	const file = writeFile(tempDir(t), 'broker.yaml', text);
	return { file, ...await command(['check-config', '-c', file], { env }) };
}

test('--help names every command, --version one version', async () => {
	const help = await command(['--help']);
	assert.equal(help.code, 0);
	for (const name of ['serve', 'check-config', 'call', 'bench', 'status', 'pools', 'connections'])
		assert.match(help.stdout, new RegExp(`\\b${name}\\b`));
	const version = await command(['--version']);
	assert.equal(version.code, 0);
	assert.match(version.stdout, /^wsbroker \d+\.\d+\.\d+\S*\n$/);
});

test('each command explains itself', async () => {
	for (const name of ['serve', 'check-config', 'call', 'bench', 'status', 'pools', 'connections', 'cache', 'pool', 'cache get']) {
		const { code, stdout } = await command([...name.split(' '), '--help']);
		assert.equal(code, 0, name);
		assert.match(stdout, new RegExp(`^Usage: wsbroker ${name}`));
		assert.doesNotMatch(stdout, /[ \t]$/m, name);
	}
});

test('usage errors exit with 2 and say what is wrong', async () => {
	for (const args of [[], ['serv'], ['serve'], ['serve', '--nonsense'], ['call'], ['pools', '-o', 'xml'], ['check-config'], ['serve', 'http://x/']]) {
		const { code, stderr } = await command(args);
		assert.equal(code, 2, `${args}: ${stderr}`);
		assert.ok(stderr.length > 0, `${args}`);
	}
	const meant = [['serv', 'serve'], ['bnech', 'bench'], ['poool', 'pool'], ['resize main 3', 'pool resize'], ['pool resiz main 3', 'pool resize'],
		['pools --sotr name', '--sort'], ['call --paralel 3 x', '--parallel']];
	for (const [line, word] of meant) {
		const { code, stderr } = await command(line.split(' '));
		assert.equal(code, 2, line);
		assert.match(stderr, new RegExp(`did you mean “${word}”`), line);
	}
});

test('what cannot be written has not been done', async () => {
	for (const line of ['--help', '--version', 'cache --help', 'call --help', '--print-options', 'completion bash']) {
		const child = await run('bash', ['-c', `"$0" ${line} > /dev/full`, WSBROKER]);
		assert.equal(child.code, 1, line);
	}
});

test('an unreachable broker is exit 3', async () => {
	const address = `127.0.0.1:${await freePort()}`;
	for (const args of [['status'], ['pools'], ['connections', '-o', 'json']]) {
		const { code, stderr } = await command([...args, '--admin', `http://${address}`]);
		assert.equal(code, 3, `${args}: ${stderr}`);
		assert.match(stderr, new RegExp(address.replaceAll('.', '\\.')));
	}
	const { code } = await command(['call', 'echo', '--url', `ws://${address}/`]);
	assert.equal(code, 3);
});

test('what answers but is no broker is told so, and cannot steer the terminal', async (t) => {
	const port = await freePort();
	let answer;
	const server = http.createServer((request, response) => {
		response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answer.body);
	});
	cleanup(t, () => server.close());
	await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
	for (const [name, status, body, says] of [
		['status', 200, '[]', /not that of a broker/],
		['pools', 200, '{}', /not that of a broker/],
		['connections', 200, 'no JSON', /not that of a broker/],
		['status', 403, '{"detail": "no\\u001b[2J"}', /403: no\\u001b/],
		['status', 200, '{"verdict": "\\u001b[2J", "node": "\\u001b"}', /^$/],
	]) {
		answer = { status, body };
		const { stdout, stderr } = await command([name, '--admin', `http://127.0.0.1:${port}`]);
		assert.match(stderr.trimEnd(), says, body);
		assert.ok(!(stdout + stderr).includes('\x1b'), body);
	}
});

test('the words of a peer that closes cannot steer the terminal of a caller', async (t) => {
	const upstream = await startUpstream(t);
	const { code, stderr } = await command(['call', 'close', '{"code":1011,"reason":"bye \\u001b[2J"}', '--url', upstream.url]);
	assert.equal(code, 1);
	assert.match(stderr, /bye \\u001b/);
});

test('check-config accepts a good file', async (t) => {
	const { code, stderr } = await check(t, GOOD);
	assert.equal(code, 0, stderr);
	assert.equal(stderr, '');
});

// at: the line, and the words at one of which the column may point: the value or its key.
const BAD_FILES = [
	{ what: 'an unknown key', text: `${GOOD}    sise: 3\n`, at: [6, 'sise'], says: /did you mean .*size/ },
	{ what: 'an unknown top-level key', text: `lisen: []\n${GOOD}`, at: [1, 'lisen'], says: /did you mean .*listen/ },
	{ what: 'a value out of range', text: `${GOOD}    size: 0\n`, at: [6, 'size', '0'] },
	{ what: 'a duration that is none', text: `${GOOD}    queue: {age: soon}\n`, at: [6, 'age', 'soon'] },
	{ what: 'a size that is none', text: `${GOOD}    queue: {bytes: 12XB}\n`, at: [6, 'bytes', '12XB'] },
	{ what: 'an unknown word', text: `${GOOD}    balancer: round-robbin\n`, at: [6, 'balancer', 'round-robbin'], says: /round-robin/ },
	{ what: 'a mapping where a list belongs', text: 'pools: {name: main}\n', at: [1, 'pools', '{'] },
	{ what: 'no pools', text: 'node: x\n', says: /pools/ },
	{ what: 'an unset variable', text: `${GOOD}    headers: {A: "\${NO_SUCH_VARIABLE}"}\n`, at: [6, 'A:', '"$'], says: /NO_SUCH_VARIABLE/ },
	{ what: 'a pool that no one defined', text: `${GOOD}routes:\n  - {method: "*", pool: mian}\n`, at: [7, 'pool', 'mian'], says: /mian/ },
	{ what: 'a URL that is none', text: GOOD.replace('ws://127.0.0.1:9101/', 'tcp:1'), at: [5, 'url', 'tcp:1'] },
	{ what: 'a duplicate key', text: `${GOOD}    size: 1\n    size: 2\n`, at: [7, 'size', '2'] },
	{ what: 'two pools of a name', text: `${GOOD}  - name: main\n    endpoints: [{url: "ws://127.0.0.1:1/"}]\n`, at: [6, 'name', 'main'] },
	{ what: 'broken YAML', text: 'pools: [\n' },
	{ what: 'tabs', text: 'pools:\n\t- name: x\n' },
	{ what: 'a respond text that is not JSON', text: `${GOOD}routes:\n  - {method: a, respond: "{"}\n`, at: [7, 'respond', '"{"'] },
	{ what: 'a bad envelope pointer', text: `envelope: {id: requestId, method: /type}\n${GOOD}`, at: [1, 'id:', 'requestId'] },
];

for (const { what, text, at: [line, ...words] = [], says } of BAD_FILES) {
	test(`check-config finds ${what} with its place`, async (t) => {
		const { code, stdout, stderr, file } = await check(t, text);
		const output = stdout + stderr;
		assert.equal(code, 1, output);
		const place = /^(.*?):(\d+):(\d+): (.+)$/m.exec(output);
		assert.ok(place, `FILE:LINE:COL: message expected: ${output}`);
		assert.equal(place[1], file);
		if (line) {
			assert.equal(Number(place[2]), line, output);
			const columns = words.map((word) => text.split('\n')[line - 1].indexOf(word) + 1);
			assert.ok(columns.includes(Number(place[3])), `column ${columns}: ${output}`);
		}
		if (says)
			assert.match(output, says);
	});
}

test('check-config tells all errors in one run, in order', async (t) => {
	const { code, stdout, stderr } = await check(t, `lisen: []\nlimits: {clients: -1, messag: 1MiB}\n${GOOD}    sise: 3\n    balancer: fair\n`);
	assert.equal(code, 1);
	const lines = [...(stdout + stderr).matchAll(/^.*?:(\d+):\d+: .+$/gm)].map(([, line]) => Number(line));
	assert.deepEqual(lines, [1, 2, 2, 8, 9]);
});

test('check-config expands the environment and loads the files that are named', async (t) => {
	const text = `${GOOD}    headers: {A: "Bearer \${A_TOKEN}", B: "costs $$5"}\n`;
	assert.equal((await check(t, text, { env: { A_TOKEN: 'x' } })).code, 0);
	const missing = await check(t, `listen:\n  - address: 127.0.0.1:7080\n    tls: {certificate: none.pem, key: none.key}\n${GOOD}`);
	assert.equal(missing.code, 1);
	assert.match(missing.stdout + missing.stderr, /:3:\d+: .*none\.pem/);
});

test('check-config: a file that is not there', async () => {
	const { code, stderr } = await command(['check-config', '-c', '/no/such/file.yaml']);
	assert.equal(code, 1);
	assert.match(stderr, /\/no\/such\/file\.yaml/);
});

test('serve refuses a bad file with the same words', async (t) => {
	const file = writeFile(tempDir(t), 'broker.yaml', `${GOOD}    sise: 3\n`);
	const { code, stdout, stderr } = await command(['serve', '-c', file]);
	assert.equal(code, 1);
	assert.match(stdout + stderr, /broker\.yaml:6:5: .*size/);
});

test('serve refuses an address that is taken, and admin beyond loopback without tokens', async (t) => {
	const { broker } = await setup(t);
	const twin = await command(['serve', '-c', broker.file]);
	assert.equal(twin.code, 1);
	assert.ok((twin.stdout + twin.stderr).includes(broker.address.split(':')[1]), twin.stderr);
	const open = await check(t, `admin: {address: "0.0.0.0:7081"}\n${GOOD}`);
	assert.equal(open.code, 1);
	assert.match(open.stdout + open.stderr, /token/);
});

test('serve URL… needs no file', async (t) => {
	if (!await isFree(7080) || !await isFree(7081))
		return t.skip('the default ports are in use');
	const upstreams = [await startUpstream(t), await startUpstream(t)];
	const child = startChild(t, WSBROKER, ['serve', ...upstreams.map(({ url }) => url)]);
	const ready = async () => (await run('curl', ['--silent', '--fail', 'http://127.0.0.1:7081/readyz'])).code === 0;
	await until(ready, { what: 'the default broker' });
	const client = await connect(t, 'ws://127.0.0.1:7080/');
	assert.deepEqual(await client.result('echo', [1]), [1]);
	const pools = await command(['pools', '-o', 'json']);
	assert.deepEqual(JSON.parse(pools.stdout).map(({ name, size }) => [name, size]), [['main', 10]]);
	await client.close();
	assert.equal((await child.end()).code, 0);
});

test('status, pools and connections as table and as JSON, options before or after', async (t) => {
	const { broker, upstream } = await setup(t, { pool: { size: 2 } });
	await until(() => upstream.connections.size === 2, { what: 'two connections' });
	const admin = ['--admin', `http://${broker.adminAddress}`];
	for (const name of ['status', 'pools', 'connections']) {
		const table = await command([name, ...admin]);
		assert.equal(table.code, 0, table.stderr);
		assert.match(table.stdout, /main/);
		const after = await command([name, ...admin, '-o', 'json']);
		const before = await command(['-o', 'json', ...admin, name]);
		const environment = await command([name, '-o', 'json'], { env: { WSBROKER_ADMIN: admin[1] } });
		for (const each of [after, before, environment]) {
			assert.equal(each.code, 0, each.stderr);
			assert.match(JSON.stringify(JSON.parse(each.stdout)), /main/);
		}
	}
	const [row] = JSON.parse((await command(['pools', '-o', 'json', ...admin])).stdout);
	for (const key of ['name', 'size', 'ready', 'in_flight', 'queued', 'oldest_wait_seconds', 'balancer'])
		assert.ok(key in row, `${key} in ${JSON.stringify(row)}`);
	assert.equal(JSON.parse((await command(['connections', '-o', 'json', ...admin])).stdout).length, 2);
});

test('status gives its verdict first', async (t) => {
	const { broker, upstream } = await setup(t);
	const first = async () => (await command(['status', '--admin', `http://${broker.adminAddress}`])).stdout.split('\n')[0];
	const good = await first();
	await upstream.stop();
	await until(async () => await first() !== good, { what: 'another verdict', every: 50 });
});

test('call sends one request and prints its answer', async (t) => {
	const { broker, upstream } = await setup(t);
	const url = ['--url', broker.url];
	const good = await command(['call', 'echo', '[1,"č"]', ...url]);
	assert.equal(good.code, 0, good.stderr);
	assert.match(good.stdout, /1,\s*"č"/);
	const before = await command([...url, 'call', 'echo']);
	assert.equal(before.code, 0, before.stderr);
	const bad = await command(['call', 'fail', '{"code":77,"message":"as asked"}', ...url]);
	assert.equal(bad.code, 1);
	assert.match(bad.stdout + bad.stderr, /77/);
	assert.match(bad.stdout + bad.stderr, /as asked/);
	const usage = await command(['call', 'echo', '{not json', ...url]);
	assert.equal(usage.code, 2);
	assert.equal(upstream.of('echo').length, 2);
});

test('call --count --parallel sends many', async (t) => {
	const { broker, upstreams } = await setup(t, { upstreams: 2 });
	const { code, stdout, stderr } = await command(['call', 'echo', '[7]', '--count', '50', '--parallel', '5', '--url', broker.url]);
	assert.equal(code, 0, stderr);
	assert.equal(upstreams.flatMap((upstream) => upstream.of('echo')).length, 50);
	assert.match(stdout, /50/);
});

test('bench prints its numbers as JSON', async (t) => {
	const { broker, upstream } = await setup(t, { log: { level: 'info', format: 'logfmt' } });
	const { code, stdout, stderr } = await command(['bench', '--url', broker.url, '--method', 'echo',
		'--connections', '4', '--depth', '4', '--warm-up', '200ms', '--duration', '1s', '-o', 'json']);
	assert.equal(code, 0, stderr);
	const text = stdout.trim();
	const numbers = JSON.parse(text);
	for (const word of ['p50', 'p90', 'p99', 'p99.?9', 'max', 'errors', 'wrong'])
		assert.match(text, new RegExp(`"[a-z_]*${word}[a-z_]*"`), `${word} in ${text}`);
	assert.ok(upstream.of('echo').length > 10);
	assert.ok(Object.values(numbers).some((value) => typeof value === 'number' || typeof value === 'object'));
});

test('bench finds wrong answers and errors', async (t) => {
	let count = 0;
	const { broker } = await setup(t, { upstreams: [{ methods: {
		echo: (params, { reply }) => (++count % 5 ? params ?? null : void reply({ error: { code: 1, message: 'now and then' } })),
	} }] });
	const { stdout } = await command(['bench', '--url', broker.url, '--method', 'echo', '--connections', '2', '--depth', '2',
		'--warm-up', '0s', '--duration', '1s', '-o', 'json']);
	const [, errors] = /"errors":\s*(\d+)/.exec(stdout);
	assert.ok(Number(errors) > 0, stdout);
});

test('bench holds an open-loop rate', async (t) => {
	const { broker, upstream } = await setup(t, { log: { level: 'info', format: 'logfmt' } });
	const { code, stderr } = await command(['bench', '--url', broker.url, '--method', 'echo', '--connections', '4',
		'--rate', '200', '--warm-up', '0s', '--duration', '2s', '-o', 'json']);
	assert.equal(code, 0, stderr);
	const sent = upstream.of('echo').length;
	// Those that are due are sent, late or not, up to the end: a machine may stand still just then.
	assert.ok(sent > 200 && sent <= 400, `${sent} requests at 200/s for 2 s`);
});
