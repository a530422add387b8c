"""The processes that tests/bench/events measures, a Redis and two brokers on it, and the
conversations with them: each is begun here and handed on as a descriptor."""

import json
import socket
import subprocess
from pathlib import Path

from contestants import Broken, Server, find_program, free_port

ANSWER_DEADLINE_S = 10
WEBSOCKET = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
FOLLOW = (
    b"GET /v1/invalidations HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
)
# The log is short, so that it is full, and trimmed, before the memory is looked at. No pings: what
# reads takes the time and nothing else.
BROKER = """
node: {name}
log: {{level: warn}}
listen:
  - address: 127.0.0.1:{port}
admin: {{address: "127.0.0.1:{admin}"}}
limits: {{ping: 0}}
invalidation: {{url: "redis://127.0.0.1:{redis}/0", log_length: 20000}}
pools:
  - name: main
    endpoints:
      - {{url: "ws://127.0.0.1:{upstream}/", name: upstream}}
    size: 2
routes:
  - {{method: get, pool: main, cache: {{scope: shared, ttl: 1h, tags: ["{{params[0]}}"]}}}}
"""
# The server is the checker of its files under another name, which is in Debian's redis-tools.
REDIS = 'exec -a redis-server redis-check-rdb "$@"'


def masked(text):
    """A text frame; the key of zeros leaves the payload as it is."""
    payload = text.encode()
    return bytes([0x81, 0x80 | 126]) + len(payload).to_bytes(2, "big") + bytes(4) + payload


def conversation(port, *steps):
    """A connection on which each text of steps was sent once the one before had its answer."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_DEADLINE_S)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for sent, wanted in steps:
        peer.sendall(sent)
        heard = b""
        while wanted not in heard:
            chunk = peer.recv(65536)
            if not chunk:
                raise Broken(f"port {port} has hung up after {heard!r}")
            heard += chunk
    return peer


class Broker(Server):
    def __init__(self, build, folder, name, redis, upstream):
        self.admin = free_port()
        port = free_port()
        path = folder / f"{name}.yaml"
        path.write_text(
            BROKER.format(
                name=name, port=port, admin=self.admin, redis=redis.port, upstream=upstream.port
            )
        )
        self.program = build / "broker/wsbroker"
        super().__init__(name, [self.program, "serve", "-c", path], port, folder)
        self.command("wait", "ready", "--timeout", "10s")

    def command(self, *words):
        done = subprocess.run(
            [self.program, *words, "--admin", f"http://127.0.0.1:{self.admin}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Broken(f"wsbroker {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout


class Reader:
    """A script that follows the events: a connection, or a process whose output is read."""

    def __init__(self, source, process=None):
        self.source = source
        self.process = process

    def fileno(self):
        return self.source.fileno()

    def close(self):
        self.source.close()
        if self.process:
            self.process.terminate()
            self.process.wait()


def process_reader(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
    return Reader(process.stdout, process)


class Stage:
    def __init__(self, folder, build, cleanup):
        self.folder = folder
        self.upstream = self._keep(cleanup, self._start_upstream(build))
        self.redis = self._keep(cleanup, self._start_redis())
        self.first, self.second = (
            self._keep(cleanup, Broker(build, folder, name, self.redis, self.upstream))
            for name in ("first", "second")
        )

    @staticmethod
    def _keep(cleanup, server):
        cleanup.callback(server.stop)
        return server

    def _start_upstream(self, build):
        port = free_port()
        program = build / "tests/bench/bench_upstream"
        return Server("upstream", [program, "--port", str(port)], port, self.folder)

    def _start_redis(self):
        find_program("redis-check-rdb")
        port = free_port()
        command = ["bash", "-c", REDIS, "redis-server", "--port", str(port), "--save", ""]
        return Server("redis", [*command, "--bind", "127.0.0.1"], port, self.folder)

    def servers(self):
        return {"first": self.first, "second": self.second, "redis": self.redis}

    # The kinds of followers, all of the second broker or of Redis.

    def sse(self):
        return Reader(conversation(self.second.admin, (FOLLOW, b"\r\n\r\n")))

    def websocket(self):
        text = {
            "jsonrpc": "2.0", "id": 1, "method": "wsbroker.subscribe",
            "params": {"channel": "invalidations"},
        }  # fmt: skip
        subscribed = (masked(json.dumps(text)), b'"result"')
        return Reader(conversation(self.second.port, (WEBSOCKET, b"\r\n\r\n"), subscribed))

    def redis_cli(self):
        program = find_program("redis-cli")
        channel = "{wsbroker}:invalidations"
        return process_reader([program, "-p", str(self.redis.port), "SUBSCRIBE", channel])

    def watch(self):
        admin = f"http://127.0.0.1:{self.second.admin}"
        return process_reader([self.second.program, "watch", "--admin", admin])

    def client(self, broker):
        """A WebSocket that has been upgraded."""
        return Reader(conversation(broker.port, (WEBSOCKET, b"\r\n\r\n")))


KINDS = {
    "sse": ("SSE, /v1/invalidations", Stage.sse),
    "websocket": ("wsbroker.subscribe", Stage.websocket),
    "watch": ("wsbroker watch", Stage.watch),
    "redis-cli": ("redis-cli SUBSCRIBE", Stage.redis_cli),
}


def resident_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == "VmRSS":
            return int(rest.split()[0])
    raise Broken(f"process {pid} has ended")
