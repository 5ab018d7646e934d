"""Can the lab's verdicts be trusted? The same function twice, and one that sleeps at import.

    python benches/lab_verdicts.py [--runs 20] [--samples 30] [--busy N] [--json OUT]

Each run is a whole comparison of ``coldcache lab``. Two functions that are the same must be "no
difference" in at least 19 of 20 runs, on all figures together; a ``time.sleep(0.02)`` added at
import must be "worse" in at least 19 of 20. With ``--busy`` as many other processes compute all the
while. Exits with 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coldcache.tools.lab import Event, LabPlan, LabResult, Target, run_lab

PLAIN = "import json\n\ndef handler(event, context):\n    return event\n"
SLEEPY = "import time\n\ntime.sleep(0.02)\n" + PLAIN
PROMISED_SHARE = 19 / 20


def main(argv: list[str] | None = None) -> int:
    """Run both checks and print how often each verdict was given."""
    options = parser().parse_args(argv)
    load = os.getloadavg()[0]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, busy(options.busy):
        checks = [
            check("A/A, the same function twice", folder, PLAIN, "no difference", options),
            check("time.sleep(0.02) at import", folder, SLEEPY, "worse", options),
        ]
    print(
        f"{options.runs} runs of {options.samples} rounds each; load when it began {load:.1f}, "
        f"now {os.getloadavg()[0]:.1f}; {options.busy} busy processes of its own; "
        f"{time.monotonic() - began:.0f} s"
    )
    for one in checks:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in one["verdicts"].items())
        print(f"{'kept' if one['kept'] else 'BROKEN'}: {one['check']}: {counts}")
        for alarm in one["unexpected"]:
            print(f"    {alarm}")
    if options.json:
        facts = {"runs": options.runs, "samples": options.samples, "load": load}
        options.json.write_text(json.dumps({**facts, "checks": checks}, indent=2) + "\n")
    return 0 if all(one["kept"] for one in checks) else 1


def check(
    name: str, folder: str, source: str, wanted: str, options: argparse.Namespace
) -> dict[str, Any]:
    """Compare a changed function with the plain one again and again."""
    baseline = write(Path(folder) / "plain", PLAIN)
    target = baseline if source == PLAIN else write(Path(folder) / "changed", source)
    verdicts: Counter[str] = Counter()
    unexpected = []
    for seed in range(options.runs):
        plan = LabPlan(
            target=target,
            baseline=baseline,
            events=(Event("event.json", b'{"name": "world"}'),),
            runs=options.samples,
            seed=seed,
        )
        result = run_lab(plan)
        verdicts[str(result.verdict)] += 1
        if result.verdict != wanted:
            unexpected.append(told(result))
        print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return {
        "check": name,
        "wanted": wanted,
        "verdicts": dict(verdicts.most_common()),
        "kept": verdicts[wanted] >= PROMISED_SHARE * options.runs,
        "unexpected": unexpected,
    }


def told(result: LabResult) -> str:
    """The differences of a run, one a figure."""
    [event] = result.events
    return "; ".join(
        f"{metric} {effect.difference:.3g} [{effect.low:.3g}, {effect.high:.3g}] {effect.verdict}"
        for metric, figures in event.metrics.items()
        if (effect := figures.effect) is not None
        and effect.low is not None
        and effect.high is not None
    )


def write(folder: Path, source: str) -> Target:
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(source)
    return Target.parse(f"{folder}:app.handler")


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Let so many processes compute meanwhile."""
    compute = "while True: sum(range(100_000))"
    processes = [subprocess.Popen([sys.executable, "-c", compute]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    described = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    described.add_argument("--runs", type=int, default=20, help="comparisons of each kind (20)")
    described.add_argument("--samples", type=int, default=30, help="rounds of each of them (30)")
    described.add_argument("--busy", type=int, default=0, metavar="N", help="other processes (0)")
    described.add_argument("--json", type=Path, metavar="OUT", help="write the counts as well")
    return described


if __name__ == "__main__":
    sys.exit(main())
