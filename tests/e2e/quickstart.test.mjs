// deploy/quickstart with a broker that is built already: what a newcomer sees first.

import assert from 'node:assert/strict';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { WSBROKER } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { run, startChild } from './support/child.mjs';
import { freePort, isFree } from './support/ports.mjs';
import { until, within } from './support/time.mjs';

const QUICKSTART = fileURLToPath(new URL('../../deploy/quickstart', import.meta.url));
const DEADLINE = 120000; // with packages of npm to fetch, on a machine that has other things to do

async function somePorts() {
	const ports = [];
	while (ports.length < 8)
		ports.push(await freePort());
	return ports;
}

const settings = (ports) => ({ env: { WSBROKER, QUICKSTART_PORTS: ports.join(' ') } });

// Nothing that it started is left.
async function expectGone(ports) {
	for (const port of ports)
		assert.ok(await isFree(port), `port ${port} is still taken`);
}

for (const args of [['--once'], ['--once', '--redis']]) {
	test(`quickstart ${args.join(' ')} works and leaves nothing behind`, async () => {
		const ports = await somePorts();
		const { code, stdout, stderr } = await run(QUICKSTART, args, { ...settings(ports), deadline: DEADLINE });
		assert.equal(code, 0, stdout + stderr);
		assert.match(stdout, /"cache": "miss".*\n.*\n.*"cache": "hit", "age_ms": \d+/);
		assert.match(stdout, /"price": 250000.*"cache": "miss".*"reason": "invalidated"/);
		assert.match(stdout, /Done: everything worked/);
		if (args.includes('--redis'))
			assert.equal(stdout.match(/"tags":\["property:42"\]/g)?.length, 3, stdout);
		await expectGone(ports);
	});
}

test('quickstart runs until it is interrupted', async (t) => {
	const ports = await somePorts();
	const child = startChild(t, QUICKSTART, [], settings(ports));
	await until(() => child.stdout.includes('invalidate --tag'), { deadline: DEADLINE, what: () => `the end of the tour\n${child.output}` });
	child.signal('SIGINT');
	assert.equal((await within(child.ended, 'end')).code, 130);
	await expectGone(ports);
});

test('quickstart says what keeps it from starting', async (t) => {
	const unknown = await run(QUICKSTART, ['--twice']);
	assert.equal(unknown.code, 2);
	assert.match(unknown.stderr, /unknown argument --twice/);

	const ports = await somePorts();
	const other = net.createServer().listen(ports[0], '127.0.0.1');
	cleanup(t, () => other.close());
	const taken = await run(QUICKSTART, ['--once'], { ...settings(ports), deadline: DEADLINE });
	assert.equal(taken.code, 1);
	assert.match(taken.stderr, new RegExp(`port ${ports[0]} is taken`));
	await expectGone(ports.slice(1));
});
