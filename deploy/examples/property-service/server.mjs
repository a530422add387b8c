// An example upstream: property data over JSON-RPC 2.0 on a WebSocket, with the 15 to 25 ms that a
// database behind it would take.
//
//   node server.mjs [PORT] [NAME]
import { WebSocketServer } from 'ws';

const port = Number(process.argv[2] ?? 9101);
const name = process.argv[3] ?? `node-${port}`;
const cities = ['Bergen', 'Graz', 'Lyon', 'Porto', 'Turku', 'Utrecht'];
const prices = new Map(); // what property.update has changed

function property(id) {
  return {
    id,
    address: `${(id * 37) % 200 + 1} Harbour Street`,
    city: cities[id % cities.length],
    rooms: id % 5 + 1,
    price: prices.get(id) ?? 100_000 + (id * 7919) % 900_000,
    servedBy: name,
  };
}

class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function propertyId(params) {
  const id = params?.id;
  if (!Number.isInteger(id) || id < 1) throw new RpcError(-32602, 'params.id must be a positive integer');
  return id;
}

const methods = {
  'property.get': (params) => property(propertyId(params)),
  'property.search': (params) => {
    const city = params?.city;
    const found = [];
    for (let id = 1; id <= 1000 && found.length < 10; id++) {
      if (!city || cities[id % cities.length] === city) found.push(property(id));
    }
    return { items: found };
  },
  'property.update': (params) => {
    const id = propertyId(params);
    if (!Number.isFinite(params.price)) throw new RpcError(-32602, 'params.price must be a number');
    prices.set(id, params.price);
    return property(id);
  },
  'health.check': () => ({ status: 'ok', name }),
};

function answer(request) {
  const method = methods[request.method];
  if (!method) throw new RpcError(-32601, `no method ${request.method}`);
  return method(request.params);
}

function onMessage(socket, text) {
  let request;
  try {
    request = JSON.parse(text);
  } catch {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'not JSON' } }));
    return;
  }
  setTimeout(() => {
    const reply = { jsonrpc: '2.0', id: request.id };
    try {
      reply.result = answer(request);
    } catch (error) {
      reply.error = { code: error.code ?? -32603, message: error.message };
    }
    if (request.id !== undefined && socket.readyState === socket.OPEN) socket.send(JSON.stringify(reply));
  }, 15 + Math.random() * 10);
}

const server = new WebSocketServer({ host: '127.0.0.1', port });
server.on('connection', (socket) => {
  socket.on('message', (data) => onMessage(socket, data.toString()));
  socket.on('error', () => socket.terminate());
});
server.on('listening', () => console.log(`${name} listens on ws://127.0.0.1:${server.address().port}/`));
server.on('error', (error) => {
  console.error(`${name}: ${error.message}`);
  process.exit(1);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
