// Ethereum nodes that are kept equally far: each block holds one transaction to a contract that logs
// under two addresses, so that heads and logs can be counted, and nodes of one kind word the same
// block alike.

import { GENESIS_SECONDS } from './servers.mjs';

export const LOGGERS = ['0x00000000000000000000000000000000000000aa', '0x00000000000000000000000000000000000000bb'];

// LOG0 with nothing in it; the first logger then calls the other one.
const LOG = '60006000a0';
const CALL_OTHER = '6000600060006000600060bb5af150';
const CODES = [`0x${LOG}${CALL_OTHER}00`, `0x${LOG}00`];
const BLOCK_SECONDS = 12;

// How each kind is told to wait for evm_mine, and given a contract.
const DIALECTS = {
	anvil: { wait: ['evm_setAutomine', [false]], setCode: 'anvil_setCode' },
	ganache: { wait: ['miner_stop', []], setCode: 'evm_setAccountCode' },
};

async function ask({ httpUrl }, method, params) {
	const response = await fetch(httpUrl, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
	});
	const { result, error } = await response.json();
	if (error)
		throw new Error(`${method}: ${error.message}`);
	return result;
}

export class Chain {
	#members = new Map();

	height = 0;

	// A node that has just been started, and knows nothing: up to where the others are.
	async join(server) {
		const { wait, setCode } = DIALECTS[server.kind];
		await ask(server, ...wait);
		for (const [at, address] of LOGGERS.entries())
			await ask(server, setCode, [address, CODES[at]]);
		const [account] = await ask(server, 'eth_accounts', []);
		// Blocks that come into being meanwhile are this one's as well.
		let own = 0;
		while (own < this.height)
			await mine(server, account, own++);
		this.#members.set(server, account);
	}

	// Before it is killed.
	leave(server) {
		this.#members.delete(server);
	}

	// One more block on all that have joined.
	async grow() {
		const before = this.height++;
		await Promise.all([...this.#members].map(([server, account]) =>
			mine(server, account, before).catch((error) => {
				if (this.#members.has(server))
					throw error;
			})));
	}
}

async function mine(server, from, before) {
	await ask(server, 'eth_sendTransaction', [{
		from, to: LOGGERS[0], gas: '0x186a0', gasPrice: '0x77359400', nonce: `0x${before.toString(16)}`,
	}]);
	await ask(server, 'evm_mine', [GENESIS_SECONDS + (before + 1) * BLOCK_SECONDS]);
}
