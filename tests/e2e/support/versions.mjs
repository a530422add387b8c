// Values that know their age: a database whose items carry a version that each write raises, servers
// in front of it that answer late and out of order, and the books of who may still see what.

import { seeded } from './random.mjs';
import { clock, take } from './time.mjs';
import { startUpstream } from './upstream.mjs';

export class Database {
	#items = new Map();

	// When each version of the key was written, by the clock of deadlines; the index is the version.
	#history(key) {
		if (!this.#items.has(key))
			this.#items.set(key, [0]);
		return this.#items.get(key);
	}

	version(key) {
		return this.#history(key).length - 1;
	}

	write(key) {
		return this.#history(key).push(clock()) - 1;
	}

	// For how long the version had been overwritten at that time, in milliseconds; 0: it had not.
	staleness(key, version, at) {
		const overwritten = this.#history(key)[version + 1];
		return overwritten === undefined || overwritten > at ? 0 : at - overwritten;
	}
}

// Servers of the same data. A read takes its value when it arrives and answers after 0 to lateMs; a
// write tells every connection of every server, before or after its own answer, as chance has it, if
// the key is one that is told of.
export async function startVersioned(t, database, count, { lateMs = 20, isTold = () => true } = {}) {
	const servers = [];
	const chance = seeded();
	const late = () => take(chance() * lateMs);
	const tell = async (key, version) => {
		await late();
		const push = JSON.stringify({ jsonrpc: '2.0', method: 'item.changed', params: { key, version } });
		for (const server of servers)
			server.broadcast(push);
	};
	const read = async ({ key }) => {
		const version = database.version(key);
		await late();
		return { key, version, text: 'x'.repeat(64) };
	};
	const methods = {
		'item.get': read,
		'strict.get': read,
		'lasting.get': read,
		async 'item.set'({ key }) {
			const version = database.write(key);
			if (isTold(key))
				tell(key, version);
			await late();
			return { key, version };
		},
	};
	for (let i = 0; i < count; i++)
		servers.push(await startUpstream(t, { methods }));
	return servers;
}

// What was read and when. A floor is the least version that an answer may have: raised where a write
// or an invalidation has been acknowledged.
export class Books {
	#floors = new Map();

	constructor(database) {
		this.database = database;
		this.faults = [];
		this.reads = 0;
		this.writes = 0;
		this.everywhere = 0;
		this.stale = 0;
		this.worstMs = new Map();
		this.refused = new Map();
	}

	acknowledge(places, key, version) {
		for (const place of places) {
			const name = `${place} ${key}`;
			this.#floors.set(name, Math.max(version, this.#floors.get(name) ?? 0));
		}
	}

	floor(place, key) {
		return this.#floors.get(`${place} ${key}`) ?? 0;
	}

	// asked: {method, key, place, floor, at}, taken down before the request was sent.
	read(asked, version, boundMs) {
		const stale = this.database.staleness(asked.key, version, asked.at);
		this.reads++;
		if (version < asked.floor)
			this.faults.push(`${asked.method} ${asked.key} at ${asked.place}: version ${version} after ${asked.floor} was acknowledged, ${stale.toFixed(1)} ms late`);
		else if (stale > boundMs)
			this.faults.push(`${asked.method} ${asked.key} at ${asked.place}: ${stale.toFixed(0)} ms stale, allowed ${boundMs}`);
		if (stale > 0)
			this.stale++;
		this.worstMs.set(asked.method, Math.max(stale, this.worstMs.get(asked.method) ?? 0));
	}

	refuse(error) {
		const reason = error?.data?.reason ?? `code ${error?.code}`;
		this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
	}

	report() {
		const worst = [...this.worstMs].map(([method, ms]) => `${method} ${ms.toFixed(0)} ms`).join(', ');
		const refused = [...this.refused].map(([reason, count]) => `${reason} ${count}`).join(', ') || 'none';
		return `${this.reads} reads (${this.stale} of a version overwritten before they were asked; worst: ${worst}), `
			+ `${this.writes} writes, ${this.everywhere} invalidations that all had applied, refused: ${refused}, faults: ${this.faults.length}`;
	}
}
