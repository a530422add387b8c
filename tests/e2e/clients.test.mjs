// Real client libraries and real servers, none with a setting changed: what a client gets through
// the broker is what it gets from the server itself. With WSB_DIRECT=1 the same calls go to the
// servers directly.

import assert from 'node:assert/strict';
import { DIRECT } from './support/broker.mjs';
import { cleanup, test } from './support/case.mjs';
import { CLIENTS } from './support/clients.mjs';
import { startFront } from './support/front.mjs';
import { startServer } from './support/servers.mjs';
import { until } from './support/time.mjs';

const ACCOUNT = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';

const ETHEREUM = [
	['eth_chainId', []],
	['net_version', []],
	['eth_blockNumber', []],
	['eth_accounts', []],
	['eth_getBalance', [ACCOUNT, 'latest']],
	['eth_getBlockByNumber', ['0x0', false]],
	['web3_sha3', ['0x68656c6c6f']],
	['eth_call', [{ to: ACCOUNT, data: '0x' }, 'latest']],
	['eth_getBalance', ['not an address', 'latest']],
	['eth_no_such_method', []],
];
const RPC = [
	['echo', ['text', 1, -0.5, true, null, { deep: [[]] }]],
	['echo', { unicode: 'č 漢 🙂 "\\/' }],
	['sum', [2, 3]],
	['delay', { ms: 20, value: 'late' }],
	['fail', []],
	['no_such_method', []],
];
const ARIA2 = [
	['aria2.getVersion', []],
	['system.listMethods', []],
	['aria2.tellActive', []],
	['aria2.tellStatus', ['00000000000000ab']],
	['no_such_method', []],
];

// echo: a call whose answer proves which call it belongs to.
const sha = (number) => ['web3_sha3', [`0x${number.toString(16).padStart(8, '0')}`]];
const SERVERS = {
	'anvil × 2': { kinds: ['anvil', 'anvil'], calls: ETHEREUM, echo: sha },
	ganache: { kinds: ['ganache'], calls: ETHEREUM, echo: sha },
	'rpc-websockets': { kinds: ['rpc', 'rpc'], calls: RPC, echo: (number) => ['echo', [number]] },
	'rpc-websockets in MessagePack': {
		kinds: ['rpc-msgpack', 'rpc-msgpack'], encoding: 'msgpack', calls: RPC, echo: (number) => ['echo', [number]],
	},
	aria2: {
		kinds: ['aria2'], calls: ARIA2,
		echo: (number) => ['aria2.tellStatus', [number.toString(16).padStart(16, '0')]],
	},
};

const speaksNatively = (client, encoding) =>
	(encoding === 'msgpack') === (client === 'rpc-websockets-msgpack') && client !== 'curl';

// The client that stands for the server itself where the client under test cannot talk to it, or
// where the server answers HTTP in other words than WebSocket (anvil).
const judge = (client, encoding) => {
	if (speaksNatively(client, encoding))
		return client;
	return encoding === 'msgpack' ? 'rpc-websockets-msgpack' : 'rpc-websockets';
};

async function open(t, kind, url) {
	const client = await CLIENTS[kind](url);
	cleanup(t, () => client.close());
	return client;
}

async function outcomes(client, calls) {
	const list = [];
	for (const [method, params] of calls)
		list.push({ method, ...await client.call(method, params) });
	return list;
}

for (const [name, { kinds, encoding = 'json', calls, echo }] of Object.entries(SERVERS)) {
	test(`${name}: every client gets what the server says`, async (t) => {
		const servers = await Promise.all(kinds.map((kind) => startServer(t, kind)));
		const front = await startFront(t, servers, {}, { encoding, size: 4 });
		for (const kind of Object.keys(CLIENTS)) {
			if (DIRECT && !speaksNatively(kind, encoding))
				continue;
			await t.test(kind, async (s) => {
				const expected = await outcomes(await open(s, judge(kind, encoding), servers[0].url), calls);
				const client = await open(s, kind, front.url);
				const actual = await outcomes(client, calls);
				// viem keeps no data of an error.
				const bare = (list) => list.map(({ error, ...rest }) =>
					({ ...rest, error: error && { code: error.code, message: error.message } }));
				assert.deepEqual(bare(actual), bare(expected));
				await oneAnswerEach(client, await open(s, judge(kind, encoding), servers[0].url), echo,
					kind === 'curl' ? 8 : 60);
			});
		}
	});
}

// Many calls at once: each answer is the one of its own call.
async function oneAnswerEach(client, direct, echo, count) {
	const numbers = Array.from({ length: count }, (_, at) => at + 1);
	const ask = (each) => Promise.all(numbers.map((number) => each.call(...echo(number))));
	const simple = ({ result, error }) => JSON.stringify(result ?? error.message);
	const answers = (await ask(client)).map(simple);
	assert.equal(new Set(answers).size, count, 'distinct answers');
	assert.deepEqual(answers, (await ask(direct)).map(simple));
}

// The libraries' own ways of asking, not just raw calls.
const LIBRARIES = {
	ethers: async ({ provider }) => ({
		chain: (await provider.getNetwork()).chainId,
		balance: await provider.getBalance(ACCOUNT),
		genesis: (await provider.getBlock(0)).hash,
		code: await provider.getCode(ACCOUNT),
	}),
	viem: async ({ provider }) => ({
		chain: BigInt(await provider.getChainId()),
		balance: await provider.getBalance({ address: ACCOUNT }),
		genesis: (await provider.getBlock({ blockNumber: 0n })).hash,
		code: await provider.getCode({ address: ACCOUNT }) ?? '0x',
	}),
	web3: async ({ provider }) => ({
		chain: await provider.eth.getChainId(),
		balance: await provider.eth.getBalance(ACCOUNT),
		genesis: (await provider.eth.getBlock(0)).hash,
		code: await provider.eth.getCode(ACCOUNT),
	}),
};

test('ethers, viem and web3 agree about the chain', async (t) => {
	const servers = await Promise.all(['anvil', 'anvil'].map((kind) => startServer(t, kind)));
	const front = await startFront(t, servers);
	const direct = await LIBRARIES.ethers(await open(t, 'ethers', servers[0].url));
	assert.equal(direct.balance, 10000n * 10n ** 18n);
	for (const [kind, ask] of Object.entries(LIBRARIES))
		assert.deepEqual(await ask(await open(t, kind, front.url)), direct, kind);
});

test('a transaction sent through a library is seen by the next call', async (t) => {
	const front = await startFront(t, [await startServer(t, 'anvil')]);
	const client = await open(t, 'viem', front.url);
	const to = '0x00000000000000000000000000000000000000aa';
	const { result: hash } = await client.call('eth_sendTransaction', [{ from: ACCOUNT, to, value: '0x1234' }]);
	assert.match(hash, /^0x[0-9a-f]{64}$/);
	const receipt = await until(async () =>
		(await client.call('eth_getTransactionReceipt', [hash])).result, { what: 'the receipt' });
	assert.equal(receipt.status, '0x1');
	assert.deepEqual(await client.call('eth_getBalance', [to, 'latest']), { result: '0x1234' });
});

test('web3 finds its batch again', async (t) => {
	const front = await startFront(t, [await startServer(t, 'anvil')]);
	const { provider: web3 } = await open(t, 'web3', front.url);
	const batch = new web3.BatchRequest();
	const numbers = [1, 2, 3, 4, 5];
	const pending = numbers.map((id) => {
		const [method, params] = sha(id);
		return batch.add({ jsonrpc: '2.0', id, method, params });
	});
	const answers = await batch.execute({ timeout: 8000 });
	assert.deepEqual(answers.map(({ id }) => id), numbers);
	assert.deepEqual(answers.map(({ result }) => result), await Promise.all(pending));
	assert.equal(new Set(answers.map(({ result }) => result)).size, numbers.length);
});

test('rpc-websockets, web3 and viem come back after the broker restarts them', { skip: DIRECT }, async (t) => {
	const servers = [await startServer(t, 'rpc')];
	const front = await startFront(t, servers);
	const clients = await Promise.all(['rpc-websockets', 'web3', 'viem'].map((kind) => open(t, kind, front.url)));
	await Promise.all(clients.map((client) => client.call('echo', ['before'])));
	await front.stop();
	await front.start();
	for (const client of clients) {
		const answer = await until(() => client.call('echo', ['after']).catch(() => null),
			{ what: 'an answer after the restart', every: 200 });
		assert.deepEqual(answer, { result: ['after'] });
	}
});
