#!/usr/bin/env python3
"""Holds N idle WebSocket clients over TLS: idle_tls.py PORT N. Prints "ready" when all are
upgraded, after a line on standard input makes one request each and prints "answered", and keeps
them until standard input ends: as bench_load --idle does over plain TCP. How fast it is does not
matter."""

import resource
import socket
import ssl
import sys

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"echo","params":"at rest"}'


def frame(payload):
    """A masked text frame; the key of zeros leaves the payload as it is."""
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


def receive_until(client, wanted):
    data = b""
    while wanted not in data:
        chunk = client.recv(4096)
        if not chunk:
            sys.exit(f"idle_tls: connection ended after {data!r}")
        data += chunk


def connect(context, port):
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    client = context.wrap_socket(raw)
    client.sendall(UPGRADE)
    receive_until(client, ACCEPT)
    return client


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    clients = [connect(context, port) for _ in range(count)]
    print("ready", flush=True)
    if sys.stdin.readline():
        for client in clients:
            client.sendall(frame(REQUEST))
            receive_until(client, b'"at rest"')
        print("answered", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
