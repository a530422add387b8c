// proto/openapi.yaml: what the admin API promises, and whether an answer keeps it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv2020 from 'ajv/dist/2020.js';
import { parse } from 'yaml';

const here = path.dirname(fileURLToPath(import.meta.url));
const file = path.resolve(here, '../../../proto/openapi.yaml');
const METHODS = ['get', 'post', 'patch', 'put', 'delete'];

export const description = parse(fs.readFileSync(file, 'utf8'));

// Every call there is: {method, template, open, operation}.
export const calls = Object.entries(description.paths).flatMap(([template, item]) =>
	METHODS.filter((method) => item[method]).map((method) => ({
		method: method.toUpperCase(),
		template,
		open: item[method].security?.length === 1 && Object.keys(item[method].security[0]).length === 0,
		operation: item[method],
	})));

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
ajv.addSchema(description, 'openapi');

const resolve = (node) => (node?.$ref ? node.$ref.slice(2).split('/').reduce((at, key) => at[key], description) : node);

// The JSON pointer of the schema that an answer must have; undefined: its body is no JSON.
function schemaOf({ operation }, status, type) {
	const response = resolve(operation.responses[status] ?? operation.responses.default);
	assert.ok(response, `${operation.operationId}: no answer ${status} is described`);
	const content = response.content?.[type];
	assert.ok(content, `${operation.operationId}: ${status} as ${type} is not described`);
	return type.includes('json') ? content.schema : undefined;
}

const inDescription = (schema) => JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/'));

// Fails unless the answer is one that the description has for this call.
export function judge(call, { status, headers, body }) {
	const type = headers['content-type'].split(';')[0];
	const schema = schemaOf(call, status, type);
	if (!schema)
		return undefined;
	const json = JSON.parse(body);
	const validate = ajv.compile(inDescription(schema));
	assert.ok(validate(json), `${call.method} ${call.template} ${status}: ${ajv.errorsText(validate.errors)}\n${body.slice(0, 2000)}`);
	if (status === 202 && json.id !== null)
		assert.equal(headers.location, `/v1/operations/${json.id}`);
	return json;
}

export const callOf = (method, template) => {
	const found = calls.find((each) => each.method === method && each.template === template);
	assert.ok(found, `${method} ${template} is not described`);
	return found;
};
