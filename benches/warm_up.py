"""Five initialisers that each wait 100 ms for a server, one of them after another one.

The critical path is two of them, 200 ms; one after the other they take 500 ms. Each sample is a
fresh process; a server on the loopback interface answers each request after 100 ms.

    python benches/warm_up.py [--quick] [--json] [--rounds N]
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import threading
import time

import tables
from interleaved import Spread

ANSWER_S = 0.1
CRITICAL_S = 0.2
LARGEST_RATIO = 1.2

SAMPLE = """
import socket, sys
import coldcache

def ask():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        return connection.recv(10)

@coldcache.once
def settings():
    return ask()

@coldcache.once(after=(settings,))
def database():
    return ask()

others = [coldcache.once(name=f"other {number}")(ask) for number in range(3)]
report = coldcache.warm_up(parallel=sys.argv[2] == "side by side")
assert report.ok and all(step.state == "done" for step in report.steps), str(report)
expected = ("settings", "database")
assert sys.argv[2] != "side by side" or report.critical_path == expected, str(report)
print(report.seconds)
"""


def serve(server: socket.socket) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            time.sleep(ANSWER_S)
            connection.sendall(b"value")

    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def sample(port: int, how: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", SAMPLE, str(port), how],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return float(done.stdout)


def main() -> int:
    """Print the table and the target; fail if it is missed."""
    parser = tables.parser(__doc__, rounds=21, quick=5)
    given = parser.parse_args()
    taken: dict[str, list[float]] = {"side by side": [], "one after the other": []}
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        port = server.getsockname()[1]
        for number in range(given.rounds + 1):  # the first one fills the caches
            for how, found in taken.items():
                seconds = sample(port, how)
                if number:
                    found.append(seconds)
    rows = [
        [how, *(f"{figure * 1000:.1f}" for figure in (min(found), statistics.median(found)))]
        for how, found in taken.items()
    ]
    note = f"Of {given.rounds} interleaved fresh processes each; the critical path is 200 ms."
    columns = ["five initialisers of 100 ms", "min, ms", "median, ms"]
    table = tables.Table("Warm-up", columns, rows, note)
    ratio = Spread.of([seconds / CRITICAL_S for seconds in taken["side by side"]])
    target = tables.Target.of("side by side / critical path", LARGEST_RATIO, ratio)
    load = f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    return tables.Outcome([table], [target], [load]).emit(given.json)


if __name__ == "__main__":
    raise SystemExit(main())
