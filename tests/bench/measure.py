"""One measurement at a time: runs the load generator against a port and returns plain numbers."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from contestants import Broken
from report import is_disturbed

OPEN_LOOP_CLIENTS = 64
OPEN_LOOP_RATE = 2000
ATTEMPTS = 3
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
HERE = Path(__file__).resolve().parent


def _run_generators(commands):
    """Runs all at once; returns what each printed."""
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    outputs = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise Broken("load generator: " + " ".join(output.strip() for output in outputs))
    return [json.loads(output) for output in outputs]


def _merge(results):
    """Counts and CPU times add up, and of the percentiles the worst counts."""
    merged = dict(results[0])
    for result in results[1:]:
        for key in ("requests", "rate", "own_cpu_s"):
            merged[key] += result[key]
        for key in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us"):
            merged[key] = max(merged[key], result[key])
    return merged


def _describe(result):
    """The load generator's line in the terms of the table. CPU is in µs per request, busy in
    cores."""
    upstream, *proxy = result["watched_cpu_s"]
    per_request = 1e6 / result["requests"]
    return {
        "rate": result["rate"],
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
        "cpu_proxy_us": sum(proxy) * per_request,
        "cpu_upstream_us": upstream * per_request,
        "busy_proxy": sum(proxy) / result["seconds"],
        "busy_upstream": upstream / result["seconds"],
        "busy_generator": result["own_cpu_s"] / result["seconds"],
        "requests": result["requests"],
    }


class Bystanders:
    """How many cores were taken by processes that are not part of the bench, or by the host of a
    virtual machine, since this was created."""

    def __init__(self, pids):
        self.pids = pids
        self.start = time.monotonic()
        self.before = self._others_s()

    def _others_s(self):
        user, nice, system, _idle, _iowait, irq, softirq, steal = (
            int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
        )
        total = (user + nice + system + irq + softirq + steal) / TICKS_PER_S
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total -= (int(fields[11]) + int(fields[12])) / TICKS_PER_S
        for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF):
            used = resource.getrusage(who)
            total -= used.ru_utime + used.ru_stime
        return total

    def cores(self):
        return max(0.0, (self._others_s() - self.before) / (time.monotonic() - self.start))


def undisturbed(pids, measure):
    """What measure() returns, the least disturbed of a few attempts where the machine is busy."""
    best = None
    for _ in range(ATTEMPTS):
        bystanders = Bystanders(pids)
        found = measure()
        found["busy_others"] = bystanders.cores()
        if best is None or found["busy_others"] < best["busy_others"]:
            best = found
        if not is_disturbed(best):
            break
    return best


class Meter:
    """Knows the generator, the watched upstream and the timing of all measurements."""

    def __init__(self, load, upstream, seconds, warmup, generators, keys=0):
        self.load = load
        self.upstream = upstream
        self.timing = ["--seconds", str(seconds), "--warmup", str(warmup)]
        if keys:
            self.timing += ["--keys", str(keys)]
        self.generators = generators

    def _run(self, port, proxy_pids, *loads):
        """One generator for each of loads, its own arguments."""
        pids = self.upstream.pids() + proxy_pids
        watched = [argument for pid in pids for argument in ("--watch", str(pid))]
        command = [self.load, "--port", str(port), *self.timing, *watched]
        commands = [[*command, *load] for load in loads]
        return undisturbed(pids, lambda: _describe(_merge(_run_generators(commands))))

    def closed_loop(self, port, proxy_pids, clients, depth):
        share, rest = divmod(clients, self.generators)
        counts = [share + (index < rest) for index in range(self.generators)]
        loads = [["--clients", str(count), "--depth", str(depth)] for count in counts]
        return self._run(port, proxy_pids, *loads)

    def open_loop(self, port, proxy_pids, sleeps=False):
        load = ["--clients", str(OPEN_LOOP_CLIENTS), "--rate", str(OPEN_LOOP_RATE)]
        if sleeps:
            load.append("--sleep")
        return self._run(port, proxy_pids, load)

    def _idle(self, command, server, count):
        """Memory per client that never spoke, and after one request each."""
        before = server.memory_kib()
        found = {"clients": count}

        def grown(suffix):
            for kind, kib in server.memory_kib().items():
                found[f"{kind.lower()}{suffix}_kib"] = (kib - before[kind]) / count

        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            if holder.stdout.readline().strip() == "ready":
                grown("")
                holder.stdin.write("request\n")
                holder.stdin.flush()
                if holder.stdout.readline().strip() == "answered":
                    grown("_spoken")
            holder.stdin.close()
        if holder.returncode or "pss_spoken_kib" not in found:
            raise Broken(f"{count} idle clients could not be held by {server.name}")
        return found

    def idle(self, server, count):
        command = [self.load, "--port", str(server.port), "--clients", str(count), "--idle"]
        return self._idle(command, server, count)

    def idle_tls(self, server, count):
        command = [sys.executable, HERE / "idle_tls.py", str(server.port), str(count)]
        return self._idle(command, server, count)
