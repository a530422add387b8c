// The real client libraries behind one small face: open(url) → {call(method, params), close()}.
// call() gives {result} or {error: {code, message}}: what the server said, freed of each library's
// own wrapping, so that the same call direct and through the broker can be compared.

import { once } from 'node:events';
import { JsonRpcProvider, Network, WebSocketProvider } from 'ethers';
import { CommonClient, Client as RpcClient, WebSocket as rpcSocket } from 'rpc-websockets';
import { createPublicClient, webSocket } from 'viem';
import { Web3 } from 'web3';
import { run } from './child.mjs';
import { dataPack } from './msgpack.mjs';
import { within } from './time.mjs';

export { JsonRpcProvider };

// settings.timeout (ms) bounds each call from our side, never by an option of the library.
export const CLIENTS = {
	async ethers(url) {
		const network = Network.from(31337);
		const provider = new WebSocketProvider(url, network, { staticNetwork: network });
		provider.websocket.onerror = () => {};
		await within(provider._waitUntilReady ? opened(provider.websocket) : Promise.resolve(), '101');
		return {
			provider,
			call: (method, params) => outcome(provider.send(method, params)),
			close: () => provider.destroy(),
		};
	},

	async viem(url) {
		const client = createPublicClient({ transport: webSocket(url) });
		return {
			provider: client,
			call: (method, params) => outcome(client.request({ method, params })),
			async close() { (await client.transport.getRpcClient()).close(); },
		};
	},

	async web3(url) {
		const web3 = new Web3(url);
		web3.currentProvider.on('error', () => {});
		return {
			provider: web3,
			call: (method, params) => outcome(web3.requestManager.send({ method, params })),
			close: () => web3.currentProvider.disconnect(),
		};
	},

	'rpc-websockets': (url) => rpcClient(new RpcClient(url)),

	'rpc-websockets-msgpack': (url) => rpcClient(new CommonClient(
		(address, options) => rpcSocket(address, options), url, undefined, undefined, dataPack)),

	async curl(url) {
		let next = 0;
		return {
			async call(method, params) {
				const id = ++next;
				const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
				const { code, stdout, stderr } = await run('curl', ['--silent', '--show-error', '--fail-with-body',
					'--max-time', '30', '--header', 'Content-Type: application/json', '--data-binary', body,
					url.replace(/^ws/, 'http')], { deadline: 35000 });
				if (stdout === '')
					throw new Error(`curl ended with ${code} and no answer: ${stderr}`);
				const answer = JSON.parse(stdout);
				if (answer.id !== id)
					throw new Error(`an answer to another id: ${stdout}`);
				return answer.error ? { error: bare(answer.error) } : { result: answer.result };
			},
			close() {},
		};
	},
};

async function rpcClient(client) {
	client.on('error', () => {});
	await within(once(client, 'open'), '101');
	return {
		provider: client,
		call: (method, params) => outcome(client.call(method, params)),
		close: () => client.close(),
	};
}

function opened(socket) {
	return socket.readyState === 1 ? Promise.resolve() : once(socket, 'open');
}

async function outcome(promise, deadline = 30000) {
	try {
		return { result: await within(promise, 'answer', deadline) };
	} catch (error) {
		const said = rpcError(error);
		if (!said)
			throw error;
		return { error: said };
	}
}

// Digs the server's own error out of what a library threw.
function rpcError(error) {
	for (let depth = 0, at = error; at && depth < 8; depth++) {
		for (const candidate of [at.info?.error, at.error, at.innerError, at]) {
			if (Number.isInteger(candidate?.code))
				return bare(candidate);
		}
		at = at.cause;
	}
	return undefined;
}

const bare = ({ code, message, details, data }) => ({ code, message: details ?? message, data });
