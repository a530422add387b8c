// The clients of the chaos test. Each works through calls that carry who asks and which call it is,
// in the words of the server it talks to, and enters them in the book.

import { keccak256 } from 'ethers';
import { PATIENCE } from './book.mjs';
import { cleanup } from './case.mjs';
import { connect } from './client.mjs';
import { CLIENTS } from './clients.mjs';
import { openPlatformClient } from './platform.mjs';
import { take, until } from './time.mjs';

const hex16 = (client, call) => ((BigInt(client + 1) << 32n) | BigInt(call)).toString(16).padStart(16, '0');

// How to ask each kind of server, and what its answer says about whom it answers.
const DIALECTS = {
	// The hash of the call's own number.
	eth: {
		ask: (client, call) => ['web3_sha3', [`0x${hex16(client, call)}`]],
		echo: (call, expected, { result }) => (result === keccak256(expected[1][0]) ? call : result),
	},
	// The words of the call itself.
	plain: {
		ask: (client, call) => ['echo', [`${client}/${call}`]],
		echo: (call, expected, { result }) => (JSON.stringify(result) === JSON.stringify(expected[1]) ? call : JSON.stringify(result)),
	},
	// An error of the server's that names the number.
	files: {
		ask: (client, call) => ['aria2.tellStatus', [hex16(client, call)]],
		echo: (call, expected, { error }) => (error?.message?.includes(expected[1][0]) ? call : error?.message),
	},
};
DIALECTS.rpc = { ...DIALECTS.plain, ask: (client, call) => ['rpc.echo', [`${client}/${call}`]] };
DIALECTS.packed = { ...DIALECTS.plain, ask: (client, call) => ['packed.echo', [`${client}/${call}`]] };

// The server's own errors are answers; the broker's are refusals.
const isAnswer = ({ error }) => error === undefined || error.code === 1;

// Clients on the bare package `ws`: all use the same ids, several calls at once.
export async function rawClients(t, url, count) {
	const clients = await Promise.all(Array.from({ length: count }, () => connect(t, url)));
	return clients.map((client) => ({
		work: (book, number, running) => workRaw(client, book, number, running),
	}));
}

const AT_ONCE = 6;

async function workRaw(client, book, number, running) {
	const names = Object.keys(DIALECTS);
	const open = new Map();
	let next = 0;
	client.socket.on('message', (data) => {
		const answer = JSON.parse(data.toString());
		const entry = open.get(answer.id);
		if (!entry)
			return book.stray('ws', data);
		open.delete(answer.id);
		return isAnswer(answer)
			? book.answer(entry.call, entry.dialect.echo(entry.call, entry.asked, answer))
			: book.refuse(entry.call, answer.error);
	});
	client.socket.on('close', (code) => book.stray('ws', `close ${code}`));
	while (running()) {
		if (open.size >= AT_ONCE) {
			await take(2);
			continue;
		}
		const id = next++;
		const name = names[id % names.length];
		const dialect = DIALECTS[name];
		const asked = dialect.ask(number, id);
		const call = book.begin(`ws on ${name}`, `${number}/${id}`);
		open.set(id, { call, dialect, asked });
		client.send(JSON.stringify({ jsonrpc: '2.0', id, method: asked[0], params: asked[1] }));
	}
	await until(() => open.size === 0, { deadline: PATIENCE, what: 'the last answers' }).catch(() => {});
	for (const { call } of open.values())
		book.lost(call, 'never answered');
	client.socket.removeAllListeners('close');
}

// Library clients: each with the dialects that it can ask.
const library = (kind, names, atOnce) => async (t, url) => {
	const client = await CLIENTS[kind](url);
	cleanup(t, () => client.close());
	return { work: (book, number, running) => workLibrary(client, kind, names, atOnce, book, number, running) };
};

const EVERY = Object.keys(DIALECTS);

export const LIBRARY_CLIENTS = [
	library('ethers', EVERY, 3),
	library('viem', EVERY, 3),
	library('web3', EVERY, 3),
	library('rpc-websockets', EVERY, 3),
	library('rpc-websockets-msgpack', EVERY, 3),
	library('curl', EVERY, 1),
];

async function workLibrary(client, kind, names, atOnce, book, number, running) {
	let next = 0;
	const lane = async () => {
		while (running()) {
			const id = next++;
			const name = names[id % names.length];
			const dialect = DIALECTS[name];
			const asked = dialect.ask(number, id);
			const call = book.begin(`${kind} on ${name}`, `${number}/${id}`);
			try {
				const outcome = await client.call(...asked);
				if (isAnswer(outcome))
					book.answer(call, dialect.echo(call, asked, outcome));
				else
					book.refuse(call, outcome.error);
			} catch (error) {
				book.lost(call, error.message);
			}
		}
	};
	await Promise.all(Array.from({ length: atOnce }, lane));
}

// Clients of the home-grown platform, with equal ids.
export async function platformClients(t, url, count) {
	const clients = [];
	for (let at = 0; at < count; at++)
		clients.push(await openPlatformClient(t, url));
	return clients.map((client) => ({
		work: (book, number, running) => workPlatform(client, book, number, running),
	}));
}

async function workPlatform(client, book, number, running) {
	let next = 0;
	const lane = async () => {
		while (running()) {
			const id = next++;
			const call = book.begin('platform', `${number}/${id}`);
			const type = id % 10 === 9 ? 'property.update' : 'property.get';
			const { payload, error } = await client.ask(type, { id, note: call });
			if (error)
				book.refuse(call, error);
			else
				book.answer(call, payload.note);
		}
	};
	await Promise.all([lane(), lane(), lane()]);
	for (const stray of client.strays)
		book.stray('platform', JSON.stringify(stray));
}

