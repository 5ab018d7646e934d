"""What `import X` costs in a fresh process, against peers, as ratios in one interleaved run.

Each sample is a new interpreter (`-I -S`: `site` would import modules the packages need, and hide
their cost) that times the import statement alone. Beside it stands the wall time of the whole
process, the start of the interpreter included. Bytecode is written by the discarded rounds, for all
alike; a sample that had to compile is refused. Ratios are taken per round.

    python benches/imports.py [--quick] [--json] [--rounds N]
"""

from __future__ import annotations

import random
import subprocess
import sys
import sysconfig
from time import perf_counter_ns

import tables
from interleaved import DISCARDED_ROUNDS, Spread
from peers import missing, versions

OURS = "coldcache"
PEERS = ["cachetools", "cachebox", "moka_py", "theine", "async_lru", "aiocache", "lazy_loader"]
NOTHING = "(nothing)"

SAMPLE = """
import sys
from time import perf_counter_ns
sys.path.append({site!r})
before = set(sys.modules)
start = perf_counter_ns()
{statement}
took = perf_counter_ns() - start
added = sorted(set(sys.modules) - before)
import os
specs = [getattr(sys.modules[name], "__spec__", None) for name in added]
paths = [getattr(spec, "cached", None) for spec in specs]
cold = sum(path is not None and not os.path.exists(path) for path in paths)
print(took, cold, ",".join(added), flush=True)
os._exit(0)  # a thread that a package started is not waited for
"""

LIMITS = {"cachetools": 0.25, "cachebox": 0.03}
MOST_MILLISECONDS = 1.0
MOST_MODULES = 4


class Samples:
    """All samples of one package."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.milliseconds: list[float] = []
        self.process: list[float] = []
        self.modules: list[str] = []

    def take(self, counts: bool) -> None:
        """Import once in a fresh interpreter."""
        statement = "pass" if self.name == NOTHING else f"import {self.name}"
        program = SAMPLE.format(site=sysconfig.get_path("purelib"), statement=statement)
        command = [sys.executable, "-I", "-S", "-c", program]
        start = perf_counter_ns()
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        process = perf_counter_ns() - start
        took, cold, modules = done.stdout.rstrip("\n").split(" ")
        if not counts:
            return
        if int(cold):
            message = (
                f"import {self.name} compiled {cold} modules: their bytecode cannot be written"
            )
            raise SystemExit(message)
        self.milliseconds.append(int(took) / 1e6)
        self.process.append(process / 1e6)
        self.modules = [name for name in modules.split(",") if name]

    def ratio_of(self, ours: Samples) -> Spread:
        """Our time divided by this one's, round by round."""
        pairs = zip(ours.milliseconds, self.milliseconds, strict=True)
        return Spread.of([a / b for a, b in pairs])


def measure(names: list[str], rounds: int) -> dict[str, Samples]:
    order = random.Random(0)
    samples = {name: Samples(name) for name in names}
    for number in range(rounds + DISCARDED_ROUNDS):
        for name in order.sample(names, len(names)):
            samples[name].take(counts=number >= DISCARDED_ROUNDS)
    return samples


def main() -> int:
    """Print the table and the targets; fail if one is missed or a peer is cheaper."""
    given = tables.parser(__doc__, rounds=25, quick=7).parse_args()
    here = versions()
    names = [NOTHING, OURS, *(peer for peer in PEERS if peer in here)]
    samples = measure(names, given.rounds)
    ours = samples[OURS]
    rows = []
    for name in names:
        it = samples[name]
        ratio = "" if name in {NOTHING, OURS} else tables.ratio(it.ratio_of(ours))
        own, process = Spread.of(it.milliseconds), Spread.of(it.process)
        count = str(len(it.modules))
        rows.append([name, count, f"{own.median:.2f}", f"{process.median:.1f}", ratio])
    columns = ["import", "new modules", "ms", "whole process, ms", "coldcache / it"]
    note = f"Wall time, medians of {given.rounds} interleaved rounds, quartiles in brackets."
    modules = float(len(ours.modules))
    targets = [
        tables.Target.of("import coldcache, ms", MOST_MILLISECONDS, Spread.of(ours.milliseconds)),
        tables.Target.of("import coldcache, modules", MOST_MODULES, Spread(*[modules] * 3)),
        *(
            tables.Target.of(
                f"import: coldcache / {name}", LIMITS.get(name, 1.0), samples[name].ratio_of(ours)
            )
            for name in names[2:]
        ),
    ]
    imports = tables.Table("Imports", columns, rows, note)
    remarks = [*missing(), f"import coldcache adds {', '.join(ours.modules)}"]
    return tables.Outcome([imports], targets, remarks).emit(given.json)


if __name__ == "__main__":
    raise SystemExit(main())
