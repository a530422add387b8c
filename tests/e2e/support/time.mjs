// Waiting, always for a condition and always with a deadline.

import { setTimeout as pause } from 'node:timers/promises';

// For what hangs. A shorter one is for what another rule would bring about later: on a machine that is
// busy, to start a program may take ten seconds.
export const PATIENCE = 30000;

const BEAT = 50;
const STALL = 250; // more than this between two beats, and this process did not get to run
let stalled = 0;
let beaten = performance.now();

setInterval(() => {
	const now = performance.now();
	stalled += stall(now);
	beaten = now;
}, BEAT).unref();

const stall = (now) => (now - beaten > STALL ? now - beaten - BEAT : 0);

// The time of deadlines, in milliseconds: it stands still while this process does, so that a machine
// that stalls makes nobody late who was not.
export function clock() {
	const now = performance.now();
	return now - stalled - stall(now);
}

// Resolves with the first truthy value of condition(), which may be async and may throw while the
// thing it looks at is still coming up. Rejects at the deadline, naming what (a text, or a function
// that tells it then) was waited for.
export async function until(condition, { deadline = PATIENCE, what = 'a condition', every = 10 } = {}) {
	const end = clock() + deadline;
	let last;
	for (;;) {
		const late = clock() > end;
		try {
			last = await condition();
			if (last)
				return last;
		} catch (error) {
			last = error;
		}
		if (late)
			throw new Error(`waited ${deadline} ms for ${typeof what === 'function' ? what() : what}; last seen: ${show(last)}`);
		await pause(every);
	}
}

// The promise's outcome, or a rejection at the deadline.
export async function within(promise, what = 'answer', deadline = PATIENCE) {
	const timer = new AbortController();
	const late = expire(deadline, timer.signal)
		.then(() => { throw new Error(`no ${what} within ${deadline} ms`); });
	late.catch(() => {});
	try {
		return await Promise.race([promise, late]);
	} finally {
		timer.abort();
	}
}

async function expire(deadline, signal) {
	const end = clock() + deadline;
	for (let left = deadline; left > 0; left = end - clock())
		await pause(Math.max(left, BEAT), null, { signal });
}

// Proves an absence: fails when condition() turns true within the given time. Used only where the
// contract says that something must NOT happen, which no event can announce.
export async function never(condition, { during = 300, what = 'this' } = {}) {
	const end = performance.now() + during;
	while (performance.now() < end) {
		if (await condition())
			throw new Error(`${what} must not happen`);
		await pause(10);
	}
}

// Scripted servers and paced load take their time with this, and never less; tests do not synchronise
// with it. A timer alone reckons from the beginning of the turn that it is set in, which may be long ago.
export async function take(ms) {
	const end = performance.now() + ms;
	let left = ms;
	do {
		await pause(Math.ceil(left));
		left = end - performance.now();
	} while (left > 0);
}

function show(value) {
	return value instanceof Error ? value.message : JSON.stringify(value);
}
