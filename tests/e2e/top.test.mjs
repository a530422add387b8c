// `wsbroker top` in a real terminal, which tmux plays.

import assert from 'node:assert/strict';
import path from 'node:path';
import { WSBROKER } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { run } from './support/child.mjs';
import { setup } from './support/setup.mjs';
import { tempDir } from './support/temp.mjs';
import { until } from './support/time.mjs';

async function terminal(t, columns, rows, line) {
	const socket = path.join(tempDir(t), 'tmux');
	const tmux = async (...args) => {
		const outcome = await run('tmux', ['-S', socket, '-f', '/dev/null', ...args]);
		assert.equal(outcome.code, 0, `tmux ${args.join(' ')}: ${outcome.stderr}`);
		return outcome.stdout;
	};
	await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), `sh -c 'trap : INT; ${line}; echo "left $?"; stty -a | grep -o -- "-\\?echo "; sleep 60'`);
	cleanup(t, () => run('tmux', ['-S', socket, 'kill-server']));
	return {
		tmux,
		keys: (...keys) => tmux('send-keys', ...keys),
		lines: async () => (await tmux('capture-pane', '-p')).split('\n'),
	};
}

test('top fills 80 x 24, follows the size, obeys keys and gives the terminal back', async (t) => {
	const { broker, connect } = await setup(t, { node: 'n1', upstreams: 2, pool: { size: 4 }, endpoint: ({ url, name }) => ({ url, name }) });
	const client = await connect();
	const { tmux, keys, lines } = await terminal(t, 80, 24, `${WSBROKER} top --admin http://${broker.adminAddress}`);
	const shows = (pattern, what) => until(async () => {
		await client.result('echo');
		const all = await lines();
		return all.some((line) => pattern.test(line)) && all;
	}, { what, every: 50 });
	const first = await shows(/^EVENTS/, 'the first screen');
	assert.match(first[0], / wsbroker .* n1 /);
	assert.match(first.join('\n'), /^main +4\/4/m);
	assert.match(first.join('\n'), /^main\/u0 +active/m);
	assert.match(first[23], /^q quit/);
	assert.ok(first.every((line) => line.length <= 80));
	await shows(/\d\.\d\/s/, 'a rate');
	await keys('c');
	await shows(/^CONNECTION/, 'the connections');
	await keys('p');
	await shows(/p pool: main/, 'the chosen pool');
	await keys('s');
	await shows(/s sort: in_flight/, 'the sorting');
	await keys('Space');
	await shows(/PAUSED/, 'the pause');
	await tmux('resize-window', '-x', '120', '-y', '30');
	const grown = await until(async () => {
		const all = await lines();
		return /^q quit/.test(all[29] ?? '') && all;
	}, { what: 'the larger screen', every: 50 });
	assert.match(grown[0], /wsbroker/);
	await tmux('resize-window', '-x', '40', '-y', '8');
	await until(async () => /^q quit/.test((await lines())[7] ?? ''), { what: 'the smaller screen', every: 50 });
	await keys('q');
	const after = await shows(/^left 0/, 'the end');
	assert.ok(!after.some((line) => /EVENTS|q quit/.test(line)), 'the other screen is gone');
	await shows(/^echo/, 'echo is on again');
});

test('a signal gives the terminal back too, and a lost broker is told', async (t) => {
	const { broker } = await setup(t);
	const { keys, lines } = await terminal(t, 80, 24, `${WSBROKER} top --admin http://${broker.adminAddress}`);
	const shows = (pattern, what) => until(async () => (await lines()).some((line) => pattern.test(line)), { what, every: 50 });
	await shows(/^EVENTS/, 'the first screen');
	await broker.stop();
	await shows(/^no broker answers/, 'the complaint');
	await keys('C-c');
	await shows(/^left 0/, 'the end');
	await shows(/^echo/, 'echo is on again');
});

test('without a terminal top says so', async (t) => {
	const { broker } = await setup(t);
	const { code, stderr } = await run(WSBROKER, ['top', '--admin', `http://${broker.adminAddress}`]);
	assert.equal(code, 1);
	assert.match(stderr, /terminal/);
});
