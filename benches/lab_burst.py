"""200 real cold starts in bursts within a minute: does the lab carry them, and twice alike?

    python benches/lab_burst.py [--seconds 60] [--cold 200] [--size 10]

Bursts of --size calls at once, environments that do not outlive their call, so every call is a cold
start of a real process. The experiment is run twice with one seed. Exits with 1 if a call was not
cold or failed, if the two runs differ in order or count, or if the lab's own memory grew by more
than 16 MB from the first run to the second.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
import threading
from pathlib import Path

from coldcache.tools.lab import Event, Target
from coldcache.tools.lab.load import Bursts, FixedKeepAlive, LoadPlan, LoadResult, Stream, run_load
from coldcache.tools.lab.load.digest import digest

GROWTH_LIMIT_MB = 16.0
SOURCE = """
import decimal, email.message, json
def handler(event, context):
    return json.dumps({"total": str(sum(map(decimal.Decimal, range(200))))})
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cold", type=int, default=200)
    parser.add_argument("--size", type=int, default=10, help="calls of a burst")
    given = parser.parse_args()
    every_s = given.seconds * given.size / given.cold
    results: list[LoadResult] = []
    peaks_mb: list[float] = []
    with tempfile.TemporaryDirectory() as folder, LowestMemory() as memory:
        Path(folder, "app.py").write_text(SOURCE)
        stream = Stream(
            "burst",
            Target.parse(f"{folder}:app.handler"),
            (Event("event.json", b"{}"),),
            Bursts(given.size, every_s),
        )
        for _ in range(2):
            results.append(
                run_load(
                    LoadPlan(
                        streams=(stream,),
                        duration_s=given.seconds,
                        keep_alive=FixedKeepAlive(0.0),
                        simulate="never",
                        seed=1,
                    )
                )
            )
            peaks_mb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return judge(results, peaks_mb, memory, given.cold)


def judge(results: list[LoadResult], peaks_mb: list[float], memory: LowestMemory, cold: int) -> int:
    machine = results[0].machine
    print(f"{machine.cpu}, {machine.cores} cores, {machine.python}")
    for result, peak_mb in zip(results, peaks_mb, strict=True):
        (one,) = digest(result)
        p50, _, _, p99, _ = one.latency_ms
        print(
            f"{one.calls} calls, {one.kinds['cold']} cold, {one.failed} failed, "
            f"{result.elapsed_s:.1f} s; at most {one.most_environments} environments at once; "
            f"latency p50 {p50:.0f} ms, p99 {p99:.0f} ms; lab's peak memory {peak_mb:.1f} MB"
        )
    print(f"all processes together took at most {memory.taken_mb:.0f} MB of the machine")
    orders = [
        [(row.number, row.arrived_s, row.kind, row.outcome, row.environment) for row in one.rows]
        for one in results
    ]
    failures = [
        what
        for what, is_wrong in (
            ("the two runs differ in order or count", orders[0] != orders[1]),
            (
                "not every call was a cold start",
                [r[2:4] for r in orders[0]] != [("cold", "ok")] * cold,
            ),
            ("the lab's memory grew", peaks_mb[1] - peaks_mb[0] > GROWTH_LIMIT_MB),
        )
        if is_wrong
    ]
    print("MISSED: " + ", ".join(failures) if failures else "both runs alike, call for call")
    return 1 if failures else 0


class LowestMemory:
    """Watches how much memory the machine has left, for the time of the block."""

    def __enter__(self) -> LowestMemory:
        self._begin = self._least = self._available_mb()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *ending: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def taken_mb(self) -> float:
        """Most memory that was missing, compared with the begin."""
        return self._begin - self._least

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self._least = min(self._least, self._available_mb())

    @staticmethod
    def _available_mb() -> float:
        found = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())
        return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    sys.exit(main())
