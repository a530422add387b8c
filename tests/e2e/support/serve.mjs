// One of our own servers as a process, so that it can be killed and stopped like any other:
// node serve.mjs scripted|scripted-msgpack|platform|rpc|rpc-msgpack PORT

import { Platform } from './platform.mjs';
import { openRpcServer } from './rpcserver.mjs';
import { Upstream } from './upstream.mjs';

const KINDS = {
	scripted: (port) => new Upstream(port).start(),
	'scripted-msgpack': (port) => new Upstream(port, { encoding: 'msgpack' }).start(),
	platform: (port) => new Platform(port).start(),
	rpc: (port) => openRpcServer(port),
	'rpc-msgpack': (port) => openRpcServer(port, { msgpack: true }),
};

const [kind, port] = process.argv.slice(2);
await KINDS[kind](Number(port));
