// Servers as processes: anvil, ganache and aria2, and our own scripted and fast ones. Each can be
// killed, started again on its port, stopped (SIGSTOP) and continued.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { WSBROKER } from './broker.mjs';
import { cleanup } from './case.mjs';
import { Child } from './child.mjs';
import { freePort } from './ports.mjs';
import { until } from './time.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const script = (kind) => ({
	command: (port) => [process.execPath, [path.join(here, 'serve.mjs'), kind, String(port)]],
	path: '/',
});

// The Ethereum nodes start from the same moment and the same accounts, so that several of a kind
// answer the same.
const MNEMONIC = 'test test test test test test test test test test test junk';
export const GENESIS_SECONDS = 1700000000;

const KINDS = {
	anvil: {
		command: (port) => [anvilBinary(), ['--host', '127.0.0.1', '--port', String(port), '--silent',
			'--timestamp', String(GENESIS_SECONDS), '--mnemonic', MNEMONIC]],
		path: '/',
	},
	ganache: {
		command: (port) => [process.execPath, [require.resolve('ganache/dist/node/cli.js'),
			'--server.host', '127.0.0.1', '--server.port', String(port), '--logging.quiet',
			'--wallet.mnemonic', MNEMONIC, '--chain.chainId', '31337',
			'--chain.time', new Date(GENESIS_SECONDS * 1000).toISOString()]],
		path: '/',
	},
	aria2: {
		command: (port) => ['aria2c', ['--enable-rpc', '--rpc-listen-port', String(port), '--no-conf',
			'--quiet', '--dht-file-path=/dev/null', '--enable-dht=false', '--stop-with-process', String(process.pid)]],
		path: '/jsonrpc',
	},
	// For load: it answers with the params, whatever the method is.
	fast: {
		command: (port) => [fastBinary(), ['--port', String(port)]],
		path: '/',
	},
	// The same, 20 ms later.
	slow: {
		command: (port) => [fastBinary(), ['--port', String(port), '--delay-ms', '20']],
		path: '/',
	},
	scripted: script('scripted'),
	'scripted-msgpack': script('scripted-msgpack'),
	platform: script('platform'),
	rpc: script('rpc'),
	'rpc-msgpack': script('rpc-msgpack'),
};

// The package installs a launcher that would stay between us and the node.
function anvilBinary() {
	const scope = path.resolve(here, '../node_modules/@foundry-rs');
	const directory = fs.readdirSync(scope).find((name) => name.startsWith('anvil-'));
	return path.join(scope, directory, 'bin', 'anvil');
}

// Built beside the broker, or in the usual place.
function fastBinary() {
	const places = [path.dirname(WSBROKER), path.resolve(here, '../../../build/broker')]
		.map((directory) => path.resolve(directory, '../tests/bench/bench_upstream'));
	const found = places.find((place) => fs.existsSync(place));
	if (!found)
		throw new Error(`not built: ${places.join(', ')}`);
	return found;
}

export async function startServer(t, kind) {
	const server = new Server(kind, await freePort());
	cleanup(t, () => server.kill());
	await server.start();
	return server;
}

export class Server {
	constructor(kind, port) {
		this.kind = kind;
		this.port = port;
		this.url = `ws://127.0.0.1:${port}${KINDS[kind].path}`;
		this.httpUrl = this.url.replace('ws:', 'http:');
	}

	async start() {
		const [command, args] = KINDS[this.kind].command(this.port);
		this.child = new Child(command, args);
		await until(() => this.child.running ? accepts(this.port) : Promise.reject(new Error(this.child.output)),
			{ deadline: 40000, what: `${this.kind} on port ${this.port}`, every: 50 });
	}

	async kill() {
		if (this.child?.running)
			await this.child.end('SIGKILL');
	}

	freeze() {
		this.child.signal('SIGSTOP');
	}

	thaw() {
		this.child.signal('SIGCONT');
	}
}

function accepts(port) {
	return new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1');
		socket.once('connect', () => { socket.destroy(); resolve(true); });
		socket.once('error', () => resolve(false));
	});
}
