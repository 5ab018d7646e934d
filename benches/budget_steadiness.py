"""Do startup budgets hold still? An unchanged project under CPU load, then an import too many.

A project in a temporary folder has a function with some imports of the standard library, three
modules deep. Its budget is as tight as it can be: every count at what a calm run counted, memory at
what that measured, time at a quarter above. Then:

- `coldcache budget` runs again and again while a busy process for each processor keeps the machine
  loaded. Each run that says "exceeded" is a false alarm.
- `import pandas` is added to the innermost module: it has to be caught, by the right chain.
- It is removed: the budget has to be kept again.

    python benches/budget_steadiness.py [--json] [--runs N] [--pairs N] [--instructions]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import tables
from interleaved import Spread

SOURCES = {
    "app.py": "import layer\ndef handler(event, context):\n    return layer.answer()\n",
    "layer.py": "import decimal\nimport deep\ndef answer():\n    return deep.answer()\n",
    "deep.py": "import sqlite3\nimport urllib.request\ndef answer():\n    return 1\n",
}
CHAIN = ["layer", "deep", "pandas"]
TIME_SLACK = 1.25


def budget(folder: Path) -> tuple[int, dict[str, Any]]:
    """Run the command; its exit code, and what it says of the only budget."""
    out = folder / "out.json"
    command = [sys.executable, "-m", "coldcache", "budget", "--json", str(out)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode not in {0, 1}:
        raise SystemExit(f"coldcache budget ended with {done.returncode}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(out.read_text())["budgets"][0]
    return done.returncode, found


def write_limits(folder: Path, limits: dict[str, float], *, pairs: int) -> None:
    lines = ["[tool.coldcache.budget.steady]", 'function = "src:app.handler"', f"runs = {pairs}"]
    lines += [f"{name} = {value}" for name, value in limits.items()]
    (folder / "pyproject.toml").write_text("\n".join(lines) + "\n")


def tight(folder: Path, *, pairs: int, with_instructions: bool) -> dict[str, float]:
    """Limits at what a calm run counts."""
    loose = dict.fromkeys(["modules", "memory", "time_ratio"], 10**12)
    if with_instructions:
        loose["instructions"] = 10**12
    write_limits(folder, loose, pairs=pairs)
    command = [sys.executable, "-m", "coldcache", "budget", "--update"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    counts = budget(folder)[1]["counts"]
    names = ["modules", "extension_modules", "files", "bytes", "memory"]
    limits: dict[str, float] = {name: counts[name] for name in names}
    if with_instructions:
        limits["instructions"] = counts["instructions"]
    ratio = round(counts["time_ratio"]["value"] * TIME_SLACK, 2)
    return {**limits, "new_modules": 0, "time_ratio": ratio}


def main() -> int:
    """Print the table; fail on a false alarm, or if the import is not caught."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=50, help="runs under load (%(default)s)")
    parser.add_argument("--pairs", type=int, default=20, help="timed pairs a run (%(default)s)")
    parser.add_argument("--instructions", action="store_true", help="count them too; slow")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "src").mkdir()
        for name, source in SOURCES.items():
            (folder / "src" / name).write_text(source)
        limits = tight(folder, pairs=given.pairs, with_instructions=given.instructions)
        write_limits(folder, limits, pairs=given.pairs)
        return report(folder, limits, given)


def report(folder: Path, limits: dict[str, float], given: argparse.Namespace) -> int:
    began = time.monotonic()
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    alarms: Counter[str] = Counter()
    seen: dict[str, list[float]] = {name: [] for name in limits}
    try:
        for _ in range(given.runs):
            for finding in budget(folder)[1]["findings"]:
                seen[finding["limit"]].append(finding["found"])
                alarms[finding["limit"]] += finding["status"] == "exceeded"
    finally:
        for process in busy:
            process.kill()
            process.wait()
    took = time.monotonic() - began
    deep = folder / "src" / "deep.py"
    deep.write_text(f"import pandas\n{SOURCES['deep.py']}")
    caught, verdict = budget(folder)
    chains = [[edge["module"] for edge in way["chain"]] for way in verdict["ways"]]
    deep.write_text(SOURCES["deep.py"])
    kept = budget(folder)[0]
    rows = [
        [name, f"{limits[name]:,}", f"{min(found):,.2f}", f"{max(found):,.2f}", str(alarms[name])]
        for name, found in seen.items()
    ]
    note = (
        f"{given.runs} runs in {took:.0f} s beside {len(busy)} busy processes, "
        f"{given.pairs} timed pairs each; limits from a run without them."
    )
    columns = ["limit", "at most", "lowest", "highest", "false alarms"]
    table = tables.Table("Startup budgets under load", columns, rows, note)
    total = float(sum(alarms.values()))
    missed = float(caught != 1 or CHAIN not in chains)
    targets = [
        tables.Target.of("false alarms", 0, Spread(total, total, total)),
        tables.Target.of("import pandas missed, or its chain", 0, Spread(missed, missed, missed)),
        tables.Target.of("still exceeded without it", 0, Spread(kept, kept, kept)),
    ]
    return tables.Outcome([table], targets, []).emit(given.json)


if __name__ == "__main__":
    raise SystemExit(main())
