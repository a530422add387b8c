// The real broker: a configuration file in a directory of its own, a process, its log and its
// admin listener.

import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanup } from './case.mjs';
import { Child, run } from './child.mjs';
import { parseMetrics } from './metrics.mjs';
import { freePort } from './ports.mjs';
import { tempDir, writeFile } from './temp.mjs';
import { until } from './time.mjs';
import { yaml } from './yaml.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

export const WSBROKER = process.env.WSBROKER
	? path.resolve(process.env.WSBROKER)
	: path.resolve(here, '../../../build/broker/wsbroker');

// In direct mode nothing stands between client and server: what the transparent tests then show is
// the servers' own behaviour, against which the broker's is judged.
export const DIRECT = process.env.WSB_DIRECT === '1';

// Runs one subcommand to its end.
export const command = (args, options) => run(WSBROKER, args, options);

// A pool of the given upstream URLs (or endpoint objects) with small, quick defaults. An upstream of this
// process that has much to do owes its pongs for longer than usual: it is not given up for that.
export function pool(endpoints, settings = {}) {
	return {
		name: 'main',
		size: endpoints.length,
		endpoints: endpoints.map((endpoint) =>
			(typeof endpoint === 'string' ? { url: endpoint } : endpoint)),
		...settings,
		probe: { timeout: '20s', ...settings.probe },
	};
}

// Starts a broker that lives as long as the test t and must then end with exit code 0.
// config: `pools` is needed; listen, admin, log and drain are filled in. settings.ready:
// 'ready' waits for /readyz, 'live' for /livez, false for nothing; settings.under: the words of a
// command that runs it; settings.reach: {data, admin} as HOST:PORT, where the configuration does
// not say.
export async function startBroker(t, config, settings = {}) {
	const broker = new Broker(tempDir(t), await withDefaults(config), settings);
	cleanup(t, () => broker.finish());
	await broker.start();
	return broker;
}

async function withDefaults(config) {
	const [first = {}, ...others] = config.listen ?? [];
	return {
		log: { level: 'debug', format: 'logfmt' },
		drain: { timeout: '5s', spread: '0s' },
		...config,
		admin: { address: `127.0.0.1:${await freePort()}`, ...config.admin },
		listen: [{ address: `127.0.0.1:${await freePort()}`, ...first }, ...others],
	};
}

class Broker {
	constructor(directory, config, { ready = 'ready', env, files = {}, under = [], reach = {} }) {
		this.under = under;
		this.directory = directory;
		this.config = config;
		this.awaited = ready;
		this.env = env;
		for (const [name, text] of Object.entries(files))
			writeFile(directory, name, text);
		this.file = writeFile(directory, 'wsbroker.yaml', yaml(config));
		this.adminAddress = reach.admin ?? config.admin.address;
		const [{ address: configured, path: listenPath = '/', tls }] = config.listen;
		const address = reach.data ?? configured;
		this.address = address;
		this.path = listenPath;
		this.url = `${tls ? 'wss' : 'ws'}://${address}${listenPath}`;
		this.httpUrl = `${tls ? 'https' : 'http'}://${address}${listenPath}`;
	}

	async start() {
		const [program, ...args] = [...this.under, WSBROKER, 'serve', '-c', this.file];
		this.child = new Child(program, args,
			{ cwd: this.directory, env: this.env });
		if (this.awaited) {
			const page = this.awaited === 'live' ? '/livez' : '/readyz';
			await until(async () => !this.child.running || this.#answers(page), { what: `${page} of the broker` })
				.catch((error) => { throw new Error(`${error.message}\n${this.log}`); });
			if (!this.child.running)
				throw new Error(`the broker has ended\n${this.log}`);
		}
	}

	async #answers(page) {
		return (await this.adminGet(page)).status === 200;
	}

	get pid() {
		return this.child.pid;
	}

	get log() {
		return this.child.output;
	}

	signal(name) {
		this.child.signal(name);
	}

	// SIGTERM, and the exit code that the contract promises.
	async stop({ deadline } = {}) {
		const { code, signal } = await this.child.end('SIGTERM', deadline);
		assert.deepEqual({ code, signal }, { code: 0, signal: null }, `exit of the broker:\n${this.log}`);
	}

	async sigkill() {
		await this.child.end('SIGKILL');
	}

	async finish() {
		if (this.child?.running)
			await this.stop();
		const fault = /(AddressSanitizer|LeakSanitizer|runtime error:|Assertion .* failed).*/.exec(this.log);
		assert.equal(fault, null, `fault in the broker:\n${this.log}`);
		assert.notEqual(this.child?.outcome?.signal, 'SIGSEGV');
		assert.notEqual(this.child?.outcome?.signal, 'SIGABRT');
	}

	adminGet(target, options) {
		return httpRequest(`http://${this.adminAddress}${target}`, options);
	}

	async metrics() {
		const { status, body } = await this.adminGet('/metrics');
		assert.equal(status, 200);
		return parseMetrics(body);
	}

	// Sum of the samples of one metric (a name, or a pattern for the name) whose labels include
	// the given ones.
	async metric(name, labels = {}) {
		return (await this.metrics()).sum(name, labels);
	}

	// Sum of all counters that speak of the pattern, in their name or in a label.
	async counted(pattern) {
		return (await this.metrics()).about(pattern);
	}

	async pool(name = 'main') {
		const { json } = await this.adminGet('/v1/pools');
		return json.find((entry) => entry.name === name);
	}
}

// One HTTP request over TCP, or over a Unix socket with options.socketPath.
export function httpRequest(url, { method = 'GET', headers = {}, body, ...options } = {}) {
	return new Promise((resolve, reject) => {
		const request = http.request(url, { method, headers, agent: false, timeout: 30000, ...options });
		request.once('error', reject);
		request.once('timeout', () => request.destroy(new Error(`no answer from ${url}`)));
		request.once('response', (response) => {
			let text = '';
			response.setEncoding('utf8');
			response.on('data', (part) => { text += part; });
			response.once('error', reject);
			response.once('end', () => resolve({
				status: response.statusCode,
				headers: response.headers,
				body: text,
				get json() { return JSON.parse(text); },
			}));
		});
		request.end(body);
	});
}
