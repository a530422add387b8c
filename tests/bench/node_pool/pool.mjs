// The pool that one would write by hand in an afternoon on the `ws` package: parse each message,
// give it an id of our own, send it to the next of ten upstream connections, and find the way back
// in a map. Usage: node pool.mjs LISTEN_PORT UPSTREAM_URL [SIZE]
import WebSocket, { WebSocketServer } from "ws";

const [port, url, size = "10"] = process.argv.slice(2);
const waiting = new Map(); // our id → { client, id }
let lastId = 0;
let turn = 0;

function onAnswer(data) {
  const answer = JSON.parse(data);
  const request = waiting.get(answer.id);
  if (!request) return;
  waiting.delete(answer.id);
  answer.id = request.id;
  request.client.send(JSON.stringify(answer));
}

function connect() {
  return new Promise((resolve, reject) => {
    const upstream = new WebSocket(url, { perMessageDeflate: false });
    upstream.on("open", () => resolve(upstream));
    upstream.on("message", onAnswer);
    upstream.on("error", reject);
  });
}

const upstreams = await Promise.all(Array.from({ length: Number(size) }, connect));
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), backlog: 4096 });
server.on("listening", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
server.on("connection", (client) => {
  client.on("error", () => client.terminate());
  client.on("message", (data) => {
    const request = JSON.parse(data);
    const id = ++lastId;
    waiting.set(id, { client, id: request.id });
    request.id = id;
    upstreams[turn++ % upstreams.length].send(JSON.stringify(request));
  });
});
