"""Run the benchmarks and write `benches/README.md`; nothing in that file is written by hand.

    python benches/report.py --build TEXT [--quick] [--python PATH ...]

With several interpreters (each with coldcache and the peers installed) each gets a chapter.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import tables

HERE = Path(__file__).resolve().parent
BENCHES = ["imports", "calls", "hit_ratio", "instructions", "warm_up", "preload"]
QUICK = ["imports", "calls", "hit_ratio"]
LONGEST_SECONDS = 1800

INTRODUCTION = """\
# Benchmarks

Written by `python benches/report.py`: all tables come from the runs named here, none is edited.
Every chapter is one Python; within a benchmark all subjects run interleaved in one run, so ratios
mean more than times. Ratios are medians per round with their quartiles in brackets; below 1
coldcache is faster. A target is missed if even the better quartile is beyond its limit.

| file | what |
| --- | --- |
| `imports.py` | `import X` in fresh processes |
| `calls.py` | hits, misses, evictions, threads, coroutines, mappings, lazy names |
| `hit_ratio.py` | eviction policies on seeded traces, against the best possible |
| `instructions.py` | instructions of a hit under callgrind, against `instructions.json` |
| `warm_up.py` | five initialisers that wait for a server, side by side |
| `preload.py` | workers of gunicorn and of the runtime client: ready, processor time, memory |

`interleaved.py` times, `tables.py` judges and prints, `peers.py` sets the peers up, `traces.py`
draws the traces. `make bench` runs them all; each takes `--help`.
"""

DESCRIBE = """
import json, platform, sys
sys.path.insert(0, {here!r})
import peers
print(json.dumps([platform.python_implementation() + " " + platform.python_version(),
                  platform.python_compiler(), peers.versions()]))
"""


def chapter(python: str, quick: bool) -> tuple[str, bool]:
    """The tables of one interpreter, and whether it met all targets."""
    described = ask([python, "-c", DESCRIBE.format(here=str(HERE))], 120)
    name, compiler, versions = json.loads(described.stdout)
    packages = ", ".join(f"{package} {version}" for package, version in versions.items())
    parts = [f"## {name}\n", f"{compiler}; {packages}.\n"]
    met = True
    for bench in BENCHES:
        command = [python, str(HERE / f"{bench}.py"), "--json"]
        command += ["--quick"] if quick and bench in QUICK else []
        print(f"{name}: {bench}", file=sys.stderr, flush=True)
        done = ask(command, LONGEST_SECONDS)
        met = met and done.returncode == 0
        if not done.stdout.startswith("{"):
            raise SystemExit(f"{bench}.py ended with {done.returncode}:\n{done.stderr[-2000:]}")
        outcome = json.loads(done.stdout)
        parts += [f"- {remark}\n" for remark in outcome["remarks"]]
        parts += [tables.Table(**table).as_markdown() for table in outcome["tables"]]
    return "\n".join(parts), met


def ask(command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


def machine() -> str:
    """The processor, its number, the memory and the system."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = named[0] if named else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = f"{os.cpu_count()} cores"
    return f"{processor}, {cores}, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def main() -> int:
    """Write the page; fail if a target was missed, and say so on the page as well."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--python", action="append", metavar="PATH", help="default: this one")
    options.add_argument("--quick", action="store_true", help="fewer rounds; not for publication")
    options.add_argument(
        "--build", required=True, help="what was built: the commit, and any change"
    )
    options.add_argument("--output", type=Path, default=HERE / "README.md")
    given = options.parse_args()
    load = os.getloadavg()[0]
    chapters = [chapter(python, given.quick) for python in given.python or [sys.executable]]
    facts = (
        f"Measured on {dt.datetime.now(dt.timezone.utc):%Y-%m-%d} on {machine()}; "
        f"load when it began: {load:.1f}. Build: {given.build}."
    )
    page = "\n".join([INTRODUCTION, facts + "\n", *(text for text, _ in chapters)])
    temporary = given.output.with_suffix(".md.new")
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(given.output)
    return 0 if all(met for _, met in chapters) else 1


if __name__ == "__main__":
    raise SystemExit(main())
