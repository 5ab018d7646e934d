"""Whether probes are answered during a start that holds the GIL, and whether routing works.

1. A program imports a module that burns a processor for 3 s in C, holding the GIL. `/livez` is
   asked all the time from the first answer on: of coldcache's probe, and of `http.server` in a
   thread.
2. `/readyz` is asked in a loop while the warm-up ends: from the end of the last step, stamped
   inside it, to the end of the first answer that is 200.
3. haproxy in front of two gunicorns, one warm. The second is started while 1,000 requests come in
   at a steady pace: with coldcache's hooks and checks of `/readyz`, and with gunicorn's own port
   and checks of that. Slow is what takes longer than 3 x the 99th percentile with both warm.

Exit status 1 if a target is missed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faults.servers import find_programs
from report import machine
from routing.balancer import Balancer
from routing.instance import Instance, free_port, write_application
from routing.load import Outcome, ask, at_pace, percentile

BUSY_S = 3.0
STARTS = 12
REQUESTS = 1000
EVERY_S = 0.007
JOINS_AT = 100

STEPS = """
import sys, time
import busy, coldcache
end = 0
@coldcache.step("connect")
def connect():
    time.sleep(0.05)
@coldcache.step("last", after=(connect,))
def last():
    global end
    time.sleep(0.05)
    end = time.monotonic()
coldcache.warm_up()
print(end, flush=True)
sys.stdin.readline()
"""
IN_PYTHON = """
import http.server, sys, threading
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers)
threading.Thread(target=server.serve_forever, daemon=True).start()
import busy
print("done", flush=True)
sys.stdin.readline()
"""


def start(folder: Path, command: list[str], busy_s: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env={"BUSY_SECONDS": str(busy_s), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def until(program: subprocess.Popen[str], port: int, path: str) -> Outcome:
    """Ask until the answer is 200; how that went."""
    while (outcome := ask(port, path)).status != 200:
        if program.poll() is not None:
            message = f"the program ended with {program.returncode}"
            raise RuntimeError(message)
        time.sleep(0.001)
    return outcome


def livez(folder: Path, *, with_coldcache: bool) -> list[float]:
    """Seconds that each answer took from the first one on until the import was over."""
    port = free_port()
    probe = ["-m", "coldcache.web", "--probe", str(port), "steps.py"]
    program = start(folder, probe if with_coldcache else ["in_python.py", str(port)], BUSY_S)
    try:
        first = until(program, port, "/livez")
        begin, took = first.sent, [first.seconds]
        while time.monotonic() - begin < BUSY_S:
            outcome = ask(port, "/livez")
            took.append(outcome.seconds if outcome.status == 200 else float("inf"))
            time.sleep(0.003)
        return took
    finally:
        program.kill()
        program.communicate()


def readyz(folder: Path) -> float:
    """Seconds from the end of the last step to the end of the first 200."""
    port = free_port()
    program = start(folder, ["-m", "coldcache.web", "--probe", str(port), "steps.py"], 0.2)
    try:
        until(program, port, "/readyz")
        now = time.monotonic()
        assert program.stdout is not None
        return now - float(program.stdout.readline())
    finally:
        program.kill()
        program.communicate()


def join(folder: Path, haproxy: str, *, with_coldcache: bool) -> tuple[list[Outcome], float, int]:
    """Give the requests while an instance joins, the warm p99, and how many that one answered."""
    kind = {"with_coldcache": with_coldcache, "busy_seconds": BUSY_S}
    first, second = Instance(folder, **kind), Instance(folder, **kind)
    balancer = Balancer(haproxy, folder, [first, second], by_readiness=with_coldcache)
    with first, second, balancer:
        first.start()
        while ask(balancer.port).status != 200:
            time.sleep(0.01)
        time.sleep(0.5)  # the balancer has seen by now that the second is not there

        def before(number: int) -> None:
            if number == JOINS_AT:
                second.start()

        outcomes = at_pace(balancer.port, REQUESTS, EVERY_S, before)
        first_pid = outcomes[0].body
        while len({ask(balancer.port).body for _ in range(4)}) < 2:
            time.sleep(0.05)
        warm = at_pace(balancer.port, REQUESTS, EVERY_S)
    p99 = percentile([one.seconds for one in warm], 0.99)
    return outcomes, p99, sum(one.body not in (first_pid, b"") for one in outcomes)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def main() -> int:
    missed = []
    print(machine())
    haproxy = find_programs()["haproxy"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_application(folder)
        (folder / "steps.py").write_text(STEPS)
        (folder / "in_python.py").write_text(IN_PYTHON)
        print(f"\n/livez while {BUSY_S:g} s of C code hold the GIL")
        for with_coldcache in (True, False):
            took = livez(folder, with_coldcache=with_coldcache)
            p99 = percentile(took, 0.99)
            who = "coldcache" if with_coldcache else "http.server in a thread"
            print(
                f"  {who:<24} {len(took):>5} answers, p50 {milliseconds(percentile(took, 0.5))}, "
                f"p99 {milliseconds(p99)}, longest {milliseconds(max(took))}"
            )
            if with_coldcache and p99 > 0.050:
                missed.append("livez")
        lags = [readyz(folder) for _ in range(STARTS)]
        print(f"\n/readyz after the last step, {STARTS} starts")
        print(f"  median {milliseconds(percentile(lags, 0.5))}, longest {milliseconds(max(lags))}")
        if max(lags) > 0.050:
            missed.append("readyz")
        print(f"\n{REQUESTS} requests, one every {milliseconds(EVERY_S)}, while an instance joins")
        for with_coldcache in (True, False):
            outcomes, p99, joined = join(folder, haproxy, with_coldcache=with_coldcache)
            failed = sum(one.status != 200 for one in outcomes)
            slow = sum(one.status == 200 and one.seconds > 3 * p99 for one in outcomes)
            who = "coldcache" if with_coldcache else "gunicorn alone"
            print(
                f"  {who:<24} {failed} failed, {slow} slow, longest "
                f"{milliseconds(max(one.seconds for one in outcomes))}; warm p99 "
                f"{milliseconds(p99)}; {joined} answered by the one that joined"
            )
            if with_coldcache and (failed or slow or not joined):
                missed.append("routing")
    if missed:
        print(f"targets missed: {', '.join(missed)}", file=sys.stderr)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
