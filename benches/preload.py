"""Workers of a function that uses boto3: time until all are ready, processor time, memory.

Each with and without `coldcache.preload`.
Real servers: gunicorn, and the Lambda runtime client with several workers, which forks first and
imports the handler in each child. Memory is the sum of the proportional set sizes of all processes.

    python benches/preload.py [--quick] [--json] [--rounds N] [--workers 2,8,16]
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import coldcache
import tables
from coldcache.tools.lab.runtime_api import RuntimeApi
from interleaved import Spread

APP = """
import boto3

client = boto3.client("dynamodb", region_name="us-east-1")


def handler(event, context):
    return {"ok": True}


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""

CONFIGURATION = """
import os
{first}

def post_worker_init(worker):
    os.write({pipe}, b"x")
"""

WRAPPER = str(Path(coldcache.__file__).parent / "auto" / "exec_wrapper")
TARGET_WORKERS = 8
PATIENCE_S = 120.0


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(folder),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Readiness:
    """Counts workers that are ready."""

    def __init__(self, workers: int) -> None:
        self._left = workers
        self._lock = threading.Lock()
        self._all = threading.Event()
        self.at = 0.0

    def one(self) -> None:
        """Count one more."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.at = time.monotonic()
                self._all.set()

    def wait(self) -> None:
        """Wait for the last one."""
        if not self._all.wait(PATIENCE_S):
            raise SystemExit(f"{self._left} workers are not ready after {PATIENCE_S:.0f} s")


@contextmanager
def running(command: list[str], env: dict[str, str], **options: object) -> Iterator[int]:
    process = subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def group(leader: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def pss_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(leader: int, readiness: Readiness, started: float) -> dict[str, float]:
    readiness.wait()
    members = group(leader)
    return {
        "ready_ms": (readiness.at - started) * 1000,
        "cpu_ms": sum(map(cpu_s, members)) * 1000,
        "pss_mb": sum(map(pss_mb, members)),
        "processes": len(members),
    }


def gunicorn(folder: Path, workers: int, variant: str) -> dict[str, float]:
    readiness = Readiness(workers)
    read, write = os.pipe()

    def count() -> None:
        while os.read(read, 1):
            readiness.one()
        os.close(read)

    counting = threading.Thread(target=count)
    counting.start()
    first = 'import coldcache\ncoldcache.preload("app")' if variant == "coldcache" else ""
    configuration = folder / "gunicorn_configuration.py"
    configuration.write_text(CONFIGURATION.format(first=first, pipe=write))
    command = [sys.executable, "-m", "gunicorn", "-c", str(configuration), "-w", str(workers)]
    command += ["-b", "127.0.0.1:0", "--chdir", str(folder), "app:application"]
    if variant == "own":
        command.insert(3, "--preload")
    try:
        started = time.monotonic()
        with running(command, environment(folder), pass_fds=(write,)) as leader:
            return measure(leader, readiness, started)
    finally:
        os.close(write)
        counting.join()


def runtime_client(folder: Path, workers: int, variant: str) -> dict[str, float]:
    readiness = Readiness(workers)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:preload"
    with RuntimeApi(function_arn=arn, before_next=readiness.one) as api:
        env = {
            **environment(folder),
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_MAX_CONCURRENCY": str(workers),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances",
            "LAMBDA_TASK_ROOT": str(folder),
            "_HANDLER": "app.handler",
        }
        command = [sys.executable, "-m", "awslambdaric", "app.handler"]
        if variant == "coldcache":
            env["COLDCACHE_PRELOAD"] = "1"
            command.insert(0, WRAPPER)
        started = time.monotonic()
        with running(command, env, cwd=folder) as leader:
            return measure(leader, readiness, started)


Server = Callable[[Path, int, str], dict[str, float]]
SERVERS: dict[str, tuple[Server, tuple[str, ...]]] = {
    "gunicorn": (gunicorn, ("plain", "own", "coldcache")),
    "runtime client": (runtime_client, ("plain", "coldcache")),
}
NAMES = {"plain": "as it is", "own": "gunicorn's --preload", "coldcache": "coldcache.preload"}


def main() -> int:
    """Print the table and the targets; fail if one is missed."""
    parser = tables.parser(__doc__, rounds=7, quick=3)
    parser.add_argument("--workers", default="2,8,16", help="how many (%(default)s)")
    given = parser.parse_args()
    counts = [int(count) for count in given.workers.split(",")]
    samples: dict[tuple[str, int, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app.py").write_text(APP)
        (folder / "home").mkdir()
        for number in range(given.rounds + 1):  # the first one fills the caches
            for server, (run, variants) in SERVERS.items():
                for count in counts:
                    # Who goes first alternates: what slows the machine slows all.
                    for variant in variants if number % 2 else reversed(variants):
                        sample = run(folder, count, variant)
                        if number:
                            samples.setdefault((server, count, variant), []).append(sample)
    return report(samples, given.rounds).emit(given.json)


def report(
    samples: dict[tuple[str, int, str], list[dict[str, float]]], rounds: int
) -> tables.Outcome:
    """The table of medians, and the targets as ratios round by round."""
    rows, targets = [], []
    for (server, count, variant), found in samples.items():
        plain = samples[server, count, "plain"]
        cells = [f"{server}, {count} workers, {NAMES[variant]}"]
        for figure, limit in (("ready_ms", 1 / 3), ("cpu_ms", None), ("pss_mb", 1 / 2)):
            median = statistics.median(one[figure] for one in found)
            ratio = Spread.of([a[figure] / b[figure] for a, b in zip(found, plain, strict=True)])
            cells += [f"{median:.0f}", tables.number(ratio.median)]
            if variant == "coldcache" and count == TARGET_WORKERS and limit is not None:
                what = f"{server}, {count} workers, {figure}: with / without"
                targets.append(tables.Target.of(what, round(limit, 3), ratio))
        rows.append(cells)
    columns = ["", "all ready, ms", "ratio", "CPU, ms", "ratio", "memory, MB", "ratio"]
    note = (
        f"Medians of {rounds} interleaved rounds; ratios to the same server as it is. Memory is "
        "the sum of the proportional set sizes of all processes, the parent among them."
    )
    load = f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    return tables.Outcome([tables.Table("Workers", columns, rows, note)], targets, [load])


if __name__ == "__main__":
    raise SystemExit(main())
