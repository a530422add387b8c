// The usual cast: scripted upstreams, a broker in front of them, a client.

import assert from 'node:assert/strict';
import { pool, startBroker } from './broker.mjs';
import { connect } from './client.mjs';
import { startUpstream } from './upstream.mjs';

// options: upstreams (how many, or a list of startUpstream options), pool (settings of the one
// pool `main`), endpoint (function upstream → endpoint object), start (startBroker settings), and
// otherwise the broker's configuration.
export async function setup(t, { upstreams = 1, pool: settings, endpoint = ({ url }) => url, start, ...config } = {}) {
	const list = Array.isArray(upstreams) ? upstreams : Array.from({ length: upstreams }, () => ({}));
	const servers = [];
	for (const [at, options] of list.entries())
		servers.push(await startUpstream(t, { name: `u${at}`, ...options }));
	const broker = await startBroker(t, { pools: [pool(servers.map(endpoint), settings)], ...config }, start);
	return {
		broker,
		upstreams: servers,
		upstream: servers[0],
		connect: (options) => connect(t, broker.url, options),
	};
}

// A method for upstreams that holds its answers until they are released, one by one in order.
export function gate() {
	const held = [];
	return {
		held,
		method: (params, { reply }) => { held.push(() => reply({ result: params ?? null })); },
		release(count = held.length) {
			for (const open of held.splice(0, count))
				open();
		},
	};
}

// Judges one error answer of the broker, the complete data included.
export function assertError(answer, { id, code, reason, pool: name, limit, retryable }) {
	const text = JSON.stringify(answer);
	assert.ok(answer.error, `an error expected: ${text}`);
	assert.ok(!('result' in answer), text);
	if (id !== undefined)
		assert.deepEqual(answer.id, id, text);
	const { error } = answer;
	assert.equal(error.code, code, text);
	assert.ok(typeof error.message === 'string' && error.message.length > 0, text);
	assert.equal(error.data?.source, 'wsbroker', text);
	assert.equal(error.data.reason, reason, text);
	assert.equal(typeof error.data.retryable, 'boolean', text);
	if (retryable !== undefined)
		assert.equal(error.data.retryable, retryable, text);
	if (name !== undefined)
		assert.equal(error.data.pool, name, text);
	if (limit !== undefined)
		assert.match(error.data.limit, limit, text);
	const known = ['source', 'reason', 'retryable', 'pool', 'endpoint', 'limit'];
	assert.deepEqual(Object.keys(error.data).filter((key) => !known.includes(key)), [], text);
}
