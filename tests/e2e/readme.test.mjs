// What the pages for people show is what the program takes: each piece of YAML is a configuration, or the rest of one, and
// each command with its options is there.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { command } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { tempDir, writeFile } from './support/temp.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (page) => fs.readFileSync(path.join(root, page), 'utf8');
const KEYS = { keys: [{ kty: 'oct', alg: 'HS256', k: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU' }] };
const ENV = { UPSTREAM_TOKEN: 't', TOKEN: 't' };

// The blocks of code of a page: {kind, text, line}; indented ones have no kind.
function blocks(page) {
	const found = [];
	let open = null;
	for (const [at, line] of read(page).split('\n').entries()) {
		const fence = /^```(\w*)/.exec(line);
		const indented = /^ {4}(.*)/.exec(line);
		if (fence && open?.fenced) {
			open = null;
		} else if (fence) {
			found.push(open = { kind: fence[1], text: '', line: at + 1, fenced: true });
		} else if (open?.fenced) {
			open.text += `${line}\n`;
		} else if (indented) {
			if (!open)
				found.push(open = { kind: '', text: '', line: at + 1, fenced: false });
			open.text += `${indented[1]}\n`;
		} else {
			open = null;
		}
	}
	return found;
}

// A folder with the files that examples name.
function folder(t) {
	const directory = tempDir(t);
	for (const name of ['tokens.txt', 'admin-tokens.txt'])
		writeFile(directory, name, 'anna operator secret\n');
	writeFile(directory, 'jwks.json', JSON.stringify(KEYS));
	return directory;
}

// Routes and rules alone are the rest of a file; a pool that is shown is shown whole.
const whole = (text) => ('pools' in parse(text) ? text : `${text}\n${stringify({ pools: [{ name: 'main', endpoints: ['ws://127.0.0.1:1/'] }] })}`);

for (const page of ['README.md', 'proto/PROTOCOL.md']) {
	test(`${page}: each configuration can be loaded`, async (t) => {
		const directory = folder(t);
		const pieces = blocks(page).filter(({ kind }) => kind === 'yaml');
		assert.ok(pieces.length > 0 || page !== 'README.md');
		for (const { text, line } of pieces) {
			const file = writeFile(directory, `${path.basename(page)}-${line}.yaml`, whole(text));
			const { code, stderr } = await command(['check-config', '-c', file], { env: ENV });
			assert.equal(code, 0, `${page}:${line}: ${stderr}`);
		}
	});
}

test('README.md: options that stand in the text for themselves can be loaded', async (t) => {
	const directory = folder(t);
	const pieces = [...read('README.md').matchAll(/`((?:admin|invalidation|autoscale|auth): \{[^`]*\})`/g)].map(([, text]) => text);
	assert.ok(pieces.length >= 2, `${pieces}`);
	for (const [at, text] of pieces.entries()) {
		const config = parse(text);
		const pool = { name: 'main', endpoints: ['ws://127.0.0.1:1/'] };
		if (config.autoscale)
			pool.autoscale = config.autoscale;
		const file = writeFile(directory, `${at}.yaml`, stringify({ pools: [pool],
			...config.autoscale ? {} : config.auth ? { listen: [config] } : config }));
		const { code, stderr } = await command(['check-config', '-c', file], { env: ENV });
		assert.equal(code, 0, `${text}: ${stderr}`);
	}
});

for (const name of ['deploy/examples/quickstart.yaml', 'deploy/systemd/wsbroker.yaml']) {
	test(`${name} can be loaded`, async () => {
		const { code, stderr } = await command(['check-config', '-c', path.join(root, name)], { env: ENV });
		assert.equal(code, 0, stderr);
	});
}

// The words of a command line, quotes taken off; comments are none.
const words = (line) => [...line.matchAll(/'([^']*)'|"([^"]*)"|(#.*)|([^\s'"]+)/g)]
	.filter(([, , , comment]) => !comment).map(([, single, double, , plain]) => single ?? double ?? plain);

test('README.md and PROTOCOL.md: each command is there, with its options', async () => {
	const lines = ['README.md', 'proto/PROTOCOL.md'].flatMap((page) => [
		...blocks(page).flatMap(({ text }) => text.split('\n')),
		...[...read(page).matchAll(/`(wsbroker [^`]+)`/g)].map(([, text]) => text),
	]).map((line) => /^(?:\$ )?(?:build\/broker\/)?wsbroker ((?:\S).*)/.exec(line)?.[1]).filter(Boolean);
	assert.ok(lines.length > 30, `${lines.length} commands`);
	for (const line of lines) {
		const all = words(line.replace(/[|;&>].*/, ''));
		// Options before the command have a value each.
		while (all[0]?.startsWith('--') && all.length > 2)
			all.push(...all.splice(0, 2));
		const options = all.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split('=')[0]);
		const first = all.findIndex((word) => word.startsWith('-'));
		const name = all.slice(0, first < 0 ? 2 : Math.min(first, 2));
		const { code, stdout, stderr } = await command([...name, '--help']);
		assert.equal(code, 0, `${line}: ${stderr}`);
		for (const option of options.filter((each) => !['-c', '--help'].includes(each)))
			assert.match(stdout, new RegExp(`(^|\\s)${option}\\b`, 'm'), `wsbroker ${line}`);
	}
});
