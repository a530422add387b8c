// Chance that can be had again. The seed is the same in every run, so that what passed once passes
// again; TEST_SEED is another one, and a long run (TEST_SECONDS above 20) takes a new one each time.

import crypto from 'node:crypto';

const isLong = Number(process.env.TEST_SECONDS ?? 20) > 20;

export const SEED = Number(process.env.TEST_SEED ?? (isLong ? crypto.randomInt(1, 2 ** 31) : 1));

// A source of whole numbers below a limit, or of fractions below 1 without one. Xorshift.
export function seeded() {
	let state = (SEED ^ 0x9e3779b9) || 1;
	return (limit) => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		const fraction = (state >>> 0) / 2 ** 32;
		return limit === undefined ? fraction : Math.floor(fraction * limit);
	};
}

// The same for the test t, whose report then tells the seed.
export function random(t) {
	t.diagnostic(`TEST_SEED=${SEED}`);
	return seeded();
}
