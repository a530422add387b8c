"""The processes that tests/bench/compare puts side by side: how each is configured, started on
loopback, watched and ended. Everything that listens does so on 127.0.0.1."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

START_DEADLINE_S = 15
STOP_DEADLINE_S = 5
HERE = Path(__file__).resolve().parent
PROTOTYPE = "tests/bench/bench_prototype"


class Missing(Exception):
    """The contestant cannot run here; the text says why."""


class Broken(Exception):
    """A process did not do what it has to; the text says which and how."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{name} is not installed")
    return path


def is_target(build, name):
    """Whether that build directory knows how to build it: what it lacks the library for is none."""
    return f"build {name}: " in (build / "build.ninja").read_text()


def descendants(pid):
    """The process and all below it: nginx works in a child of its master."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []
    return [pid] + [below for child in children for below in descendants(int(child))]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Server:
    """One foreground process that listens on a port of its own."""

    def __init__(self, name, command, port, folder):
        self.name = name
        self.port = port
        self.log = folder / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
            )
        try:
            self._wait_until_listening()
        except BaseException:
            self.stop()
            raise

    def _wait_until_listening(self):
        deadline = time.monotonic() + START_DEADLINE_S
        while not accepts(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-2000:]
                raise Broken(f"{self.name} does not listen on port {self.port}:\n{tail}")
            time.sleep(0.02)

    def pids(self):
        return descendants(self.process.pid)

    def memory_kib(self):
        """Resident and proportional set size of all its processes."""
        total = {"Rss": 0, "Pss": 0}
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                key, _, rest = line.partition(":")
                if key in total:
                    total[key] += int(rest.split()[0])
        return total

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                pass


NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 18000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
        }}
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
    maxconn 9000
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
listen websocket
    bind 127.0.0.1:{port} backlog 4096
    server upstream 127.0.0.1:{upstream}
"""

WSBROKER = """
log: {{level: warn}}
listen:
  - address: 127.0.0.1:{port}
{tls}
admin: {{address: "127.0.0.1:{admin}"}}
pools:
  - name: main
    endpoints:
      - {{url: "ws://127.0.0.1:{upstream}/", name: upstream}}
    size: {size}
    max_in_flight: 4096
routes:
  - {{method: "*", pool: main{cache}}}
"""


class Stage:
    """Starts the contestants in front of one upstream. With tls, only wsbroker can be asked for."""

    def __init__(self, folder, build, size):
        self.folder = folder
        self.build = build
        self.size = size
        self.upstream_port = free_port()

    def start_upstream(self):
        program = self.build / "tests/bench/bench_upstream"
        command = [program, "--port", str(self.upstream_port)]
        return Server("upstream", command, self.upstream_port, self.folder)

    def _write(self, name, text, **values):
        path = self.folder / name
        path.write_text(text.format(folder=self.folder, upstream=self.upstream_port, **values))
        return path

    def nginx(self):
        program = find_program("nginx")
        port = free_port()
        path = self._write("nginx.conf", NGINX, port=port)
        command = [program, "-p", self.folder, "-e", "stderr", "-c", path]
        return Server("nginx", command, port, self.folder)

    def haproxy(self):
        program = find_program("haproxy")
        port = free_port()
        path = self._write("haproxy.cfg", HAPROXY, port=port)
        return Server("haproxy", [program, "-db", "-q", "-f", path], port, self.folder)

    def node(self):
        program = find_program("node")
        home = HERE / "node_pool"
        if not (home / "node_modules/ws").exists():
            command = [find_program("npm"), "ci", "--no-audit", "--no-fund", "--silent"]
            if subprocess.run(command, cwd=home, check=False).returncode:
                raise Missing("`npm ci` failed in tests/bench/node_pool")
        port = free_port()
        url = f"ws://127.0.0.1:{self.upstream_port}/"
        command = [program, home / "pool.mjs", str(port), url, str(self.size)]
        return Server("node", command, port, self.folder)

    def prototype(self):
        program = self.build / PROTOTYPE
        if not is_target(self.build, PROTOTYPE):
            raise Missing("it was not built, since libwebsockets-dev was missing at `meson setup`")
        port = free_port()
        command = [program, str(port), str(self.upstream_port), str(self.size)]
        return Server("prototype", command, port, self.folder)

    def cached(self):
        return self.wsbroker(cache=", cache: {scope: shared, ttl: 1h}")

    def wsbroker(self, tls=False, cache=""):
        program = self.build / "broker/wsbroker"
        if not program.exists():
            raise Missing(f"{program} does not exist; build it first")
        port = free_port()
        lines = ""
        if tls:
            certificate, key = self._certificate()
            lines = f'    tls: {{certificate: "{certificate}", key: "{key}"}}'
        name = "cached" if cache else "wsbroker"
        path = self._write(
            f"{name}.yaml", WSBROKER, port=port, admin=free_port(), size=self.size, tls=lines,
            cache=cache,
        )  # fmt: skip
        return Server(name, [program, "serve", "-c", path], port, self.folder)

    def _certificate(self):
        certificate, key = self.folder / "server.pem", self.folder / "server.key"
        command = [find_program("openssl"), "req", "-x509", "-nodes", "-days", "2"]
        command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        command += ["-keyout", key, "-out", certificate]
        made = subprocess.run(command, capture_output=True, check=False, text=True)
        if made.returncode:
            raise Broken(f"openssl cannot make a certificate:\n{made.stderr}")
        return certificate, key
