// A child process: its output collected line by line, its end awaited, never left behind. input: what
// it reads; open: its standard input stays open for more.

import { spawn } from 'node:child_process';
import { cleanup } from './case.mjs';
import { within } from './time.mjs';

export class Child {
	constructor(command, args = [], { env, cwd, input, open = false } = {}) {
		this.stdout = '';
		this.stderr = '';
		this.process = spawn(command, args, {
			cwd,
			env: { ...process.env, ...env },
			stdio: [input === undefined && !open ? 'ignore' : 'pipe', 'pipe', 'pipe'],
		});
		this.pid = this.process.pid;
		this.process.stdout.setEncoding('utf8').on('data', (text) => { this.stdout += text; });
		this.process.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text; });
		this.ended = new Promise((resolve) => {
			this.process.once('error', (error) => this.#end(resolve, { code: null, error }));
			this.process.once('close', (code, signal) => this.#end(resolve, { code, signal }));
		});
		if (input !== undefined)
			this.process.stdin.end(input);
	}

	#end(resolve, outcome) {
		this.outcome = outcome;
		resolve({ ...outcome, stdout: this.stdout, stderr: this.stderr });
	}

	get output() {
		return this.stdout + this.stderr;
	}

	get running() {
		return this.outcome === undefined;
	}

	signal(name) {
		if (this.running)
			this.process.kill(name);
	}

	async end(signal = 'SIGTERM', deadline) {
		this.signal('SIGCONT');
		this.signal(signal);
		try {
			return await within(this.ended, `end of process ${this.process.spawnfile}`, deadline);
		} catch (error) {
			this.signal('SIGKILL');
			await this.ended;
			throw error;
		}
	}
}

// Starts a child that lives as long as the test t.
export function startChild(t, command, args, options) {
	const child = new Child(command, args, options);
	cleanup(t, () => child.running && child.end('SIGKILL'));
	return child;
}

// Runs a command to its end: {code, signal, stdout, stderr}.
export async function run(command, args, { deadline = 60000, ...options } = {}) {
	const child = new Child(command, args, options);
	try {
		const outcome = await within(child.ended, `end of ${command} ${args.join(' ')}`, deadline);
		if (outcome.error)
			throw outcome.error;
		return outcome;
	} catch (error) {
		child.signal('SIGKILL');
		throw error;
	}
}
