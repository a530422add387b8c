// An example upstream: property data over JSON-RPC 2.0 on a WebSocket, with the 15 to 25 ms that a
// database behind it would take. Whoever is connected hears which property was updated.
//
//   node server.mjs [PORT] [NAME] [DATABASE]
//
// DATABASE is a file that several servers may share: what is updated at one is seen at all.
import fs from 'node:fs';
import { WebSocketServer } from 'ws';

const port = Number(process.argv[2] ?? 9101);
const name = process.argv[3] ?? `node-${port}`;
const cities = ['Bergen', 'Graz', 'Lyon', 'Porto', 'Turku', 'Utrecht'];
const prices = new Map(); // what property.update has changed
const database = process.argv[4] && fs.openSync(process.argv[4], 'a+'); // "ID PRICE" a line
let known = 0; // bytes of it

function remember(id, price) {
  prices.set(id, price);
  publish({ jsonrpc: '2.0', method: 'property.updated', params: { id, price } });
}

// Takes in what any of the servers has written since.
function refresh() {
  if (!database) return;
  const bytes = Buffer.alloc(fs.fstatSync(database).size - known);
  fs.readSync(database, bytes, 0, bytes.length, known);
  const whole = bytes.lastIndexOf('\n') + 1;
  known += whole;
  for (const line of bytes.toString('utf8', 0, whole).split('\n').slice(0, -1)) remember(...line.split(' ').map(Number));
}

function write(id, price) {
  if (!database) return remember(id, price);
  fs.writeSync(database, `${id} ${price}\n`);
  refresh();
}

function property(id) {
  refresh();
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
    write(id, params.price);
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

function publish(event) {
  const text = JSON.stringify(event);
  for (const socket of server.clients) if (socket.readyState === socket.OPEN) socket.send(text);
}

if (database) fs.watch(process.argv[4], refresh);
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
