// A server on the npm package `rpc-websockets`, in text or, with its data pack, in MessagePack.

import { once } from 'node:events';
import { Server } from 'rpc-websockets';
import { cleanup } from './case.mjs';
import { dataPack } from './msgpack.mjs';
import { freePort } from './ports.mjs';
import { take } from './time.mjs';

export async function openRpcServer(port, { msgpack = false } = {}) {
	const server = new Server({ port, host: '127.0.0.1' }, msgpack ? dataPack : undefined);
	server.on('error', () => {});
	for (const name of ['echo', 'rpc.echo', 'packed.echo'])
		server.register(name, (params) => params);
	server.register('sum', ([a, b]) => a + b);
	server.register('delay', async ({ ms, value }) => { await take(ms); return value; });
	server.event('feed');
	server.register('emit', ([name, ...args]) => server.emit(name, ...args));
	server.register('fail', () => { throw new Error('as asked'); });
	await once(server, 'listening');
	return server;
}

export async function startRpcServer(t, options) {
	const port = await freePort();
	const server = await openRpcServer(port, options);
	cleanup(t, () => server.close());
	return { port, url: `ws://127.0.0.1:${port}/` };
}
