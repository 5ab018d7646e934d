"""What watching imports costs: a heavy import with and without the tracer, in interleaved pairs.

Each sample is a fresh process that imports `pandas, sklearn.linear_model, boto3`; a pair is one
process with the tracer and one without, in alternating order. What is timed starts before the
tracer is installed and ends after its records were written to a file, so that all it does is in
it. Wall time and processor time are both taken; on a busy machine the latter is the better judge.

    python benches/tracer.py [--quick] [--json] [--rounds N] [--imports NAMES]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tables
from interleaved import DISCARDED_ROUNDS, Spread

IMPORTS = "pandas, sklearn.linear_model, boto3"
LARGEST_RATIO = 1.02

SAMPLE = """
import sys
from time import perf_counter_ns, process_time_ns
import coldcache._core
wall, processor = perf_counter_ns(), process_time_ns()
if sys.argv[1]:
    tracer = coldcache._core.ImportTracer(path=sys.argv[1])
    tracer.install()
import {imports}
if sys.argv[1]:
    tracer.uninstall()
print(perf_counter_ns() - wall, process_time_ns() - processor, len(sys.modules), flush=True)
import os
os._exit(0)
"""


def sample(imports: str, path: str) -> tuple[float, float, int]:
    """Milliseconds of wall and processor time, and the number of modules."""
    program = SAMPLE.format(imports=imports)
    command = [sys.executable, "-c", program, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    wall, processor, modules = map(int, done.stdout.split())
    return wall / 1e6, processor / 1e6, modules


def main() -> int:
    """Print the table and the target; fail if it is missed."""
    parser = tables.parser(__doc__, rounds=11, quick=5)
    parser.add_argument("--imports", default=IMPORTS, help="what to import")
    given = parser.parse_args()
    taken: dict[bool, list[tuple[float, float, int]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds + DISCARDED_ROUNDS):
            order = (False, True) if number % 2 else (True, False)
            for traced in order:
                path = str(Path(folder, f"{number}.jsonl")) if traced else ""
                seen = sample(given.imports, path)
                if number >= DISCARDED_ROUNDS:
                    taken[traced].append(seen)
    rows, targets = [], []
    for column, name in enumerate(("wall", "processor")):
        plain = [one[column] for one in taken[False]]
        traced = [one[column] for one in taken[True]]
        ratio = Spread.of([a / b for a, b in zip(traced, plain, strict=True)])
        medians = [f"{statistics.median(values):.1f}" for values in (plain, traced)]
        rows.append([name, *medians, tables.ratio(ratio)])
        targets.append(tables.Target.of(f"traced / plain, {name} time", LARGEST_RATIO, ratio))
    note = (
        f"Medians of {given.rounds} interleaved pairs of fresh processes, "
        f"{taken[False][0][2]} modules; quartiles in brackets."
    )
    columns = ["time", "plain, ms", "traced, ms", "traced / plain"]
    table = tables.Table("Import tracer", columns, rows, note)
    return tables.Outcome([table], targets, [f"import {given.imports}"]).emit(given.json)


if __name__ == "__main__":
    raise SystemExit(main())
