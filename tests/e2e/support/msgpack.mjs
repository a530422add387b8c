// MessagePack as data pack of rpc-websockets, and for clients of our own.

import { decode, encode } from '@msgpack/msgpack';

export const dataPack = {
	encode: (value) => Buffer.from(encode(value)),
	decode: (data) => decode(data instanceof ArrayBuffer ? new Uint8Array(data) : data),
};

export const pack = (value) => Buffer.from(encode(value, { useBigInt64: true }));
export const unpack = (data) => decode(data, { useBigInt64: true });
