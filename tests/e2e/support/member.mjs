// A broker on the bus, what its followers are told, and the means to cause events.

import assert from 'node:assert/strict';
import { pool, startBroker } from './broker.mjs';
import { connect } from './client.mjs';
import { until } from './time.mjs';
import { startUpstream } from './upstream.mjs';

export const LOG = '{wsbroker}:invalidations:log';
export const INBOX = '{wsbroker}:inbox';

export const busOf = async (broker) => JSON.parse((await broker.adminGet('/v1/status')).body).bus;
export const live = (broker, options) => until(async () => (await busOf(broker)).state === 'live',
	{ what: () => `a live bus\n${broker.log}`, ...options });

// A broker on the bus at these URLs, its events as a client of it is told them, and the means to
// cause some.
export async function member(t, url, node, { waits = true, upstream: options, ...settings } = {}) {
	const upstream = await startUpstream(t, options);
	const broker = await startBroker(t, { node, pools: [pool([upstream.url])], invalidation: { url }, ...settings });
	const [client, watcher] = [await connect(t, broker.url), await connect(t, broker.url)];
	const seen = { broker, client, watcher, tags: [], events: [], types: [] };
	watcher.socket.on('message', (data) => {
		const message = JSON.parse(data);
		if (message.method !== 'wsbroker.event')
			return;
		const event = message.params.event ?? message.params;
		seen.events.push(event);
		seen.types.push(event.type);
		seen.tags.push(...(event.data.tags ?? []));
	});
	seen.invalidate = (...tags) => client.result('wsbroker.invalidate', { tags });
	if (waits)
		await live(broker);
	await watcher.result('wsbroker.subscribe', { channel: 'invalidations' });
	return seen;
}

export const told = (who, tags, options) => until(() => {
	const came = who.tags.length >= tags.length && new Set(who.tags);
	return came && tags.every((tag) => came.has(tag));
},
	{ what: () => `${tags.length} tags, ${who.tags.length} came\n${who.broker.log.slice(-3000)}`, ...options });

export const resyncs = (who) => who.types.filter((type) => type === 'wsbroker.cache.resync.v1').length;

// Each tag once, nothing given up.
export function assertWhole(who, tags) {
	assert.deepEqual([...who.tags].sort(), [...tags].sort());
	assert.equal(resyncs(who), 0);
	const seqs = who.events.map(({ data }) => Number(data.position.split('-')[1]));
	assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
}
