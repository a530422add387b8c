// Free loopback ports, taken below the range from which the kernel serves outgoing connections. The
// files of the suite run beside each other, and a port may be promised long before it is listened on:
// each process takes its ports out of a range of its own, which is its own because it listens on the first.

import net from 'node:net';

const FIRST = 18000;
const RANGE = 400;
const RANGES = 35;
let range;
let next = 0;

export async function freePort() {
	range ??= claim();
	const first = await range;
	for (let tries = 1; tries < RANGE; tries++) {
		next = next % (RANGE - 1) + 1;
		const port = first + next;
		if (await isFree(port))
			return port;
	}
	throw new Error('no free port');
}

// The first port of a range that no other process has taken.
async function claim() {
	const start = Math.floor(Math.random() * RANGES);
	for (let tries = 0; tries < RANGES; tries++) {
		const port = FIRST + RANGE * ((start + tries) % RANGES);
		const server = await listen(port);
		if (server) {
			server.unref();
			return port;
		}
	}
	throw new Error('no free range of ports');
}

function listen(port) {
	return new Promise((resolve) => {
		const server = net.createServer((socket) => socket.destroy());
		server.once('error', () => resolve(undefined));
		server.listen({ port, host: '127.0.0.1' }, () => resolve(server));
	});
}

export async function isFree(port) {
	const server = await listen(port);
	if (server)
		await new Promise((resolve) => { server.close(resolve); });
	return server !== undefined;
}
