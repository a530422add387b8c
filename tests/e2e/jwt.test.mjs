// Clients that come with a token which somebody else has signed.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { command, httpRequest } from './support/broker.mjs';
import { test } from './support/case.mjs';
import { upgrade } from './support/raw.mjs';
import { setup } from './support/setup.mjs';
import { tempDir, writeFile } from './support/temp.mjs';
import { until } from './support/time.mjs';

const KINDS = {
	RS256: ['rsa', { modulusLength: 2048 }, 'sha256'],
	RS384: ['rsa', { modulusLength: 2048 }, 'sha384'],
	RS512: ['rsa', { modulusLength: 3072 }, 'sha512'],
	PS256: ['rsa', { modulusLength: 2048 }, 'sha256'],
	PS384: ['rsa', { modulusLength: 2048 }, 'sha384'],
	PS512: ['rsa', { modulusLength: 2048 }, 'sha512'],
	ES256: ['ec', { namedCurve: 'P-256' }, 'sha256'],
	ES384: ['ec', { namedCurve: 'P-384' }, 'sha384'],
	ES512: ['ec', { namedCurve: 'P-521' }, 'sha512'],
	EdDSA: ['ed25519', {}, null],
};
const SECRET = crypto.randomBytes(64);

// By way of their text: Node 20 hangs when a key that it has made itself is exported as a JWK just
// as what made it is collected.
function pairOf(type, options) {
	const { privateKey: text } = crypto.generateKeyPairSync(type, {
		...options,
		publicKeyEncoding: { type: 'spki', format: 'pem' },
		privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
	});
	const privateKey = crypto.createPrivateKey(text);
	return { privateKey, publicKey: crypto.createPublicKey(privateKey) };
}

const keys = Object.fromEntries(Object.entries(KINDS)
	.map(([alg, [type, options]]) => [alg, pairOf(type, options)]));

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

// The form in which JWS wants it: r and s one behind the other, salts as long as the digest.
function signatureOf(alg, text, key) {
	if (alg.startsWith('HS'))
		return crypto.createHmac(`sha${alg.slice(2)}`, key).update(text).digest();
	const padding = alg.startsWith('PS')
		? { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST }
		: {};
	return crypto.sign(KINDS[alg][2], Buffer.from(text), { key, dsaEncoding: 'ieee-p1363', ...padding });
}

function sign(claims = {}, { alg = 'ES256', header = {}, key } = {}) {
	const text = `${part({ alg, kid: alg, ...header })}.${part({ aud: 'wsbroker', exp: now() + 3600, sub: 'alice', ...claims })}`;
	return `${text}.${signatureOf(alg, text, key ?? (alg.startsWith('HS') ? SECRET : keys[alg].privateKey)).toString('base64url')}`;
}

const jwks = () => ({ keys: [
	...Object.entries(keys).map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid })),
	{ kty: 'oct', k: SECRET.toString('base64url'), kid: 'HS256' },
	{ kty: 'RSA', use: 'enc', alg: 'RSA-OAEP', kid: 'not for signatures' },
] });

const cast = (t, jwt = {}, auth = {}, files = {}) => setup(t, {
	listen: [{ auth: { jwt: { keys: 'jwks.json', audience: 'wsbroker', ...jwt }, query: 'token', ...auth } }],
	start: { files: { 'jwks.json': JSON.stringify(jwks()), ...files } },
});

const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
const statusOf = async (t, broker, options) => (await upgrade(t, broker.address, options)).response.status;

test('every algorithm opens the door, in the header, the query and a POST', async (t) => {
	const { broker } = await cast(t);
	for (const alg of [...Object.keys(KINDS), 'HS256']) {
		assert.equal(await statusOf(t, broker, bearer(sign({}, { alg }))), 101, alg);
		assert.equal(await statusOf(t, broker, { path: `/?token=${sign({}, { alg })}` }), 101, alg);
	}
	const post = await httpRequest(broker.httpUrl, { method: 'POST', ...bearer(sign()),
		body: '{"jsonrpc":"2.0","id":1,"method":"wsbroker.ping"}' });
	assert.equal(post.status, 200);
	assert.doesNotMatch(broker.log, /eyJ/, 'no token in the log');
});

test('a token that is not good gets 401 and its reason', async (t) => {
	const { broker } = await cast(t, { issuer: 'https://id.example.com' });
	const iss = 'https://id.example.com';
	const good = sign({ iss });
	const [header, claims, signature] = good.split('.');
	const pem = keys.RS256.publicKey.export({ format: 'pem', type: 'spki' });
	const stranger = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
	const unsigned = `${part({ alg: 'none' })}.${claims}.`;
	assert.equal(await statusOf(t, broker, bearer(good)), 101);
	for (const [token, reason] of [
		[sign({ iss, exp: now() - 61 }), /expired/],
		[sign({ iss, exp: undefined }), /no time of expiry/],
		[sign({ iss, nbf: now() + 120 }), /does not hold yet/],
		[sign({ iss, aud: 'other' }), /audience/],
		[sign({ iss, aud: undefined }), /audience/],
		[sign({ iss: 'https://evil.example.com' }), /issuer/],
		[sign({}), /issuer/],
		[sign({ iss }, { key: stranger }), /signature/],
		[sign({ iss }, { header: { kid: 'unknown' } }), /no key/],
		[unsigned, /no algorithm/],
		[`${part({ alg: 'HS256' })}.${claims}.${signature}`, /signature/],
		[sign({ iss }, { alg: 'HS256', key: pem, header: { kid: 'RS256' } }), /no key/],
		[sign({ iss }, { alg: 'HS256', key: pem, header: { kid: undefined } }), /signature/],
		[sign({ iss }, { alg: 'RS256', header: { alg: 'PS256' } }), /no key|signature/],
		[`${header}.${part({ ...JSON.parse(Buffer.from(claims, 'base64url')), role: 'operator' })}.${signature}`, /signature/],
		[`${good}A`, /base64url|signature/],
		[good.slice(0, -1), /base64url|signature/],
		[`${header}.${claims}`, /not known/],
		['s3cret', /not known/],
	]) {
		const { response } = await upgrade(t, broker.address, bearer(token));
		assert.equal(response.status, 401, token);
		assert.match(JSON.parse(response.body).detail, reason, token);
	}
	assert.equal(await statusOf(t, broker, bearer(sign({ iss, exp: now() - 30 }))), 101, 'clocks may differ');
	assert.equal(await statusOf(t, broker, bearer(sign({ iss, nbf: now() + 30, aud: ['a', 'wsbroker'] }))), 101);
	assert.equal(await statusOf(t, broker), 401);
});

test('a client whose token expires is closed with 1008 at that time', async (t) => {
	const { broker } = await cast(t);
	const exp = now() + 2;
	const wire = await upgrade(t, broker.address, bearer(sign({ exp })));
	const lasting = await upgrade(t, broker.address, bearer(sign()));
	const { code, reason } = await wire.closing();
	assert.deepEqual({ code, reason }, { code: 1008, reason: 'credentials expired' });
	assert.ok(Date.now() >= exp * 1000 - 20, 'not earlier');
	assert.ok(Date.now() < exp * 1000 + 20000, 'nor as late as one that comes anew would be let in');
	lasting.send('{"jsonrpc":"2.0","id":1,"method":"wsbroker.ping"}');
	assert.match(await lasting.nextText(), /"id":1/);
	await until(() => /client\.expired/.test(broker.log), { what: 'the line' });
});

test('a token file is asked first, then the keys', async (t) => {
	const { broker } = await cast(t, {}, { tokens: 'tokens.txt' }, { 'tokens.txt': 'app client s3cret\n' });
	assert.equal(await statusOf(t, broker, bearer('s3cret')), 101);
	assert.equal(await statusOf(t, broker, bearer(sign())), 101);
	assert.equal(await statusOf(t, broker, bearer('wrong')), 401);
});

test('check-config tells what is wrong with a key file', async (t) => {
	const directory = tempDir(t);
	const point = keys.ES256.publicKey.export({ format: 'jwk' });
	const file = writeFile(directory, 'wsbroker.yaml',
		'listen:\n  - auth:\n      jwt: {keys: jwks.json}\npools: [{name: main, endpoints: [ws://127.0.0.1:1/]}]\n');
	for (const [text, error] of [
		['{"keys":[', /^\S+wsbroker\.yaml:3:19: \S+jwks\.json:1:9: not valid JSON\n$/],
		['{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}', /^\S+wsbroker\.yaml:3:19: \S+jwks\.json: key 1: n must have 2048/],
		[JSON.stringify({ keys: [{ ...point, y: point.x, kid: 'k' }] }), /^\S+jwks\.json: the key k: its numbers make no key/],
	]) {
		writeFile(directory, 'jwks.json', text);
		const { code, stderr } = await command(['check-config', '-c', file]);
		assert.equal(code, 1, text);
		assert.match(stderr, error);
	}
	writeFile(directory, 'jwks.json', JSON.stringify(jwks()));
	assert.equal((await command(['check-config', '-c', file])).code, 0);
});
