"""Plays the part of a service manager towards one process, as systemd does.

manager.py listen NAME: binds a datagram socket (a path, or @NAME in the abstract namespace) and prints
each message that comes to it as a line of JSON, with CLOCK_MONOTONIC in microseconds.

manager.py hand-over SPEC -- COMMAND...: opens sockets and runs the command with them as descriptors 3, 4
and so on. SPEC is JSON: {"sockets": [{"name", "tcp": [HOST, PORT] | "unix": PATH, "type": "stream" |
"datagram", "listens": true}], "pid": the LISTEN_PID to tell, "again": run it anew, with the same sockets,
for each line of the standard input}. Without "again" the command takes the place of this process.
"""
import ctypes
import json
import os
import socket
import sys
import time


def listen(name):
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind('\0' + name[1:] if name.startswith('@') else name)
    print(json.dumps({'listens': name}), flush=True)
    while True:
        text = heard.recv(65536).decode()
        print(json.dumps({'at': time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000, 'text': text}), flush=True)


def open_socket(spec):
    kind = socket.SOCK_DGRAM if spec.get('type') == 'datagram' else socket.SOCK_STREAM
    if 'unix' in spec:
        one = socket.socket(socket.AF_UNIX, kind)
        one.bind(spec['unix'])
    else:
        host, port = spec['tcp']
        one = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
    if spec.get('listens', kind == socket.SOCK_STREAM):
        one.listen(128)
    return one


def become(command, sockets, spec):
    """The sockets go to their places by way of numbers above those, so that none is overwritten."""
    moved = [os.dup2(one.fileno(), 100 + at) for at, one in enumerate(sockets)]
    for at, fd in enumerate(moved):
        os.dup2(fd, 3 + at, inheritable=True)
    os.closerange(3 + len(sockets), 200)
    os.environ['LISTEN_PID'] = str(spec.get('pid', os.getpid()))
    os.environ['LISTEN_FDS'] = str(len(sockets))
    os.environ['LISTEN_FDNAMES'] = ':'.join(one['name'] for one in spec['sockets'])
    os.execvp(command[0], command)


def hand_over(spec, command):
    sockets = [open_socket(one) for one in spec['sockets']]
    print('sockets are open', flush=True)
    if not spec.get('again'):
        become(command, sockets, spec)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(1, 9)  # it ends with this process
            become(command, sockets, spec)
        print(json.dumps({'ended': os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}), flush=True)


if sys.argv[1] == 'listen':
    listen(sys.argv[2])
else:
    hand_over(json.loads(sys.argv[2]), sys.argv[4:])
