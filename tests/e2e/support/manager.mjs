// The service manager: hears what a broker says of itself, and hands sockets over to it.

import path from 'node:path';
import { startChild } from './child.mjs';
import { tempDir } from './temp.mjs';
import { until } from './time.mjs';

const PLAYER = path.join(import.meta.dirname, 'manager.py');

let count = 0;

// Listens on a path, or on an abstract name, for as long as the test lives.
export async function startManager(t, { abstract = false } = {}) {
	const name = abstract ? `@wsbroker-e2e.${process.pid}.${count++}` : path.join(tempDir(t), 'notify.sock');
	const manager = new Manager(name, startChild(t, 'python3', ['-B', PLAYER, 'listen', name]));
	await until(() => manager.child.stdout.includes('listens'), { what: 'the manager to listen' });
	return manager;
}

class Manager {
	constructor(name, child) {
		this.name = name;
		this.child = child;
	}

	// What has been heard: [{at, text}], at in microseconds of the monotonic clock.
	get heard() {
		return this.child.stdout.split('\n').slice(1, -1).map((line) => JSON.parse(line));
	}

	// All messages that begin with the given text.
	about(text) {
		return this.heard.filter((message) => message.text.startsWith(text));
	}

	// Waits for a message that fits the pattern, and returns the first one.
	said(pattern, { deadline } = {}) {
		return until(() => this.heard.find(({ text }) => pattern.test(text)),
			{ what: `${pattern} to be said`, deadline });
	}

	get status() {
		return this.about('STATUS=').at(-1)?.text.slice('STATUS='.length);
	}
}

// The words before a command that have it run with the sockets of the specification.
export const handOver = (spec) => ['python3', '-B', PLAYER, 'hand-over', JSON.stringify(spec), '--'];
