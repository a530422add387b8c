// What a transparent test connects to: a broker in front of the servers, or in direct mode the
// first server itself.

import { DIRECT, pool, startBroker } from './broker.mjs';

// config: more of the broker's configuration; settings: more of its one pool's.
export async function startFront(t, servers, config = {}, settings = {}) {
	if (DIRECT)
		return { url: servers[0].url, httpUrl: servers[0].httpUrl };
	return startBroker(t, { pools: [pool(servers.map(({ url }) => url), settings)], ...config });
}
