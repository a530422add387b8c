// An operator at the admin API: changes, and the operations that they begin.

import assert from 'node:assert/strict';
import { until } from './time.mjs';

export function ask(broker, method, target, content) {
	const body = JSON.stringify(content);
	return broker.adminGet(target, {
		method, body, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
	});
}

// Sends a change; the body of a 2xx answer.
export async function change(broker, method, target, content = {}) {
	const answer = await ask(broker, method, target, content);
	assert.ok(answer.status < 300, `${method} ${target}: ${answer.status} ${answer.body}`);
	return answer.json;
}

export const operation = async (broker, { id }) => (await broker.adminGet(`/v1/operations/${id}`)).json;

export async function done(broker, begun, deadline) {
	let latest;
	await until(async () => (latest = await operation(broker, begun)).state !== 'running',
		{ deadline, what: `operation ${begun.id} to end` });
	assert.equal(latest.state, 'done', JSON.stringify(latest));
	return latest;
}
