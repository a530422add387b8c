// One test case: a deadline for all of it, and clean-up in reverse order of creation, so that
// clients go before the broker and the broker before its upstreams.

import nodeTest from 'node:test';

const stacks = new WeakMap();

export function test(name, options, body) {
	if (typeof options === 'function')
		[options, body] = [{}, options];
	return nodeTest(name, { timeout: 120000, ...options }, body);
}

// Runs undo when the test t has ended, whatever its outcome. All undo functions run, the first
// failure is reported as the test's.
export function cleanup(t, undo) {
	let stack = stacks.get(t);
	if (!stack) {
		stack = [];
		stacks.set(t, stack);
		t.after(() => unwind(stack));
	}
	stack.push(undo);
}

async function unwind(stack) {
	const failures = [];
	while (stack.length) {
		try {
			await stack.pop()();
		} catch (error) {
			failures.push(error);
		}
	}
	if (failures.length)
		throw failures[0];
}
