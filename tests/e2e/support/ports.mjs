// Free loopback ports, taken below the range from which the kernel serves outgoing connections.

import net from 'node:net';

const FIRST = 18000;
const COUNT = 14000;
let next = Math.floor(Math.random() * COUNT);

export async function freePort() {
	for (let tries = 0; tries < 200; tries++) {
		const port = FIRST + next;
		next = (next + 1) % COUNT;
		if (await isFree(port))
			return port;
	}
	throw new Error('no free port');
}

export function isFree(port) {
	return new Promise((resolve) => {
		const server = net.createServer();
		server.once('error', () => resolve(false));
		server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
	});
}
