// Waiting, always for a condition and always with a deadline.

import { setTimeout as pause } from 'node:timers/promises';

// Resolves with the first truthy value of condition(), which may be async and may throw while the
// thing it looks at is still coming up. Rejects at the deadline, naming what (a text, or a function
// that tells it then) was waited for.
export async function until(condition, { deadline = 8000, what = 'a condition', every = 10 } = {}) {
	const end = performance.now() + deadline;
	let last;
	for (;;) {
		try {
			last = await condition();
			if (last)
				return last;
		} catch (error) {
			last = error;
		}
		if (performance.now() > end)
			throw new Error(`waited ${deadline} ms for ${typeof what === 'function' ? what() : what}; last seen: ${show(last)}`);
		await pause(every);
	}
}

// The promise's outcome, or a rejection at the deadline.
export async function within(promise, deadline = 8000, what = 'an answer') {
	const timer = new AbortController();
	const late = pause(deadline, null, { signal: timer.signal })
		.then(() => { throw new Error(`no ${what} within ${deadline} ms`); });
	late.catch(() => {});
	try {
		return await Promise.race([promise, late]);
	} finally {
		timer.abort();
	}
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

// Scripted servers and paced load take their time with this; tests do not synchronise with it.
export const take = (ms) => pause(ms);

function show(value) {
	return value instanceof Error ? value.message : JSON.stringify(value);
}
