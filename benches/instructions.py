"""Instructions a hit takes, counted by callgrind: a guard that no busy machine can blur.

A small program makes N hits, then 2 N in another process; the difference is N hits and nothing of
the start. Counted are all instructions of the process, and those inside coldcache's own module. The
baseline holds both by Python version and architecture. The own ones must not grow by more than
`MOST_GROWTH`; neither may all of them, but they belong to the interpreter as it was built, so they
are compared only if it is the very build of the baseline. What the kernel does is not counted.

    python benches/instructions.py [--update] [--json] [--hits N]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import tables

BASELINE = Path(__file__).with_name("instructions.json")
MOST_GROWTH = 1.02
OWN_MODULE = "_core.cpython"

CASES = {
    "once": "o()",
    "hit, 0 args": "f()",
    "hit, str": "f(k)",
    "hit, int": "f(n)",
    "hit, 2 args": "f(k, n)",
    "Cache[key]": "c[k]",
    "lru_cache, str": "g(k)",
    "(empty loop)": "pass",
}
"""Statements; the last two are for comparison."""
COMPARED = ["lru_cache, str", "(empty loop)"]

PROGRAM = """
import sys
sys.path.append({site!r})
import functools, gc, itertools
import coldcache
def load(a=None, b=None):
    return a
f = coldcache.cached(ttl=3600)(load)
o = coldcache.once(load)
g = functools.lru_cache(load)
c = coldcache.Cache(ttl=3600)
k, n = "database-url", 123456
c[k] = k
def run(count):
    for _ in itertools.repeat(None, count):
        {statement}
run(100)
gc.disable()
run({count})
"""


class Count(NamedTuple):
    """Instructions: of the whole process, and inside coldcache's own module."""

    all: float
    own: float


def parse(profile: str) -> Count:
    """Add up a file in callgrind's format; the cost of calls is in the callee already."""
    everything = own = 0
    names: dict[str, str] = {}
    in_own = skip = False
    for line in profile.splitlines():
        if line.startswith("ob="):
            number, _, name = line[3:].partition(" ")
            names.setdefault(number, name)
            in_own = OWN_MODULE in names[number]
        elif line.startswith("calls="):
            skip = True  # the next line is what the callee took
        elif re.match(r"[0-9+*-]", line):
            if not skip:
                cost = int(line.split()[1])
                everything += cost
                own += cost if in_own else 0
            skip = False
        else:
            # Names are introduced where they are first used, also as the callee's.
            found = re.match(r"cob=(\(\d+\)) (.+)", line)
            if found:
                names.setdefault(*found.groups())
    return Count(everything, own)


def counted(statement: str, count: int) -> Count:
    """The instructions of one process that makes so many hits."""
    program = PROGRAM.format(site=sysconfig.get_path("platlib"), statement=statement, count=count)
    environment = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind.out")
        command = [*still(), "valgrind", "--tool=callgrind", "--quiet"]
        command += [f"--callgrind-out-file={out}", sys.executable, "-S", "-s", "-c", program]
        done = subprocess.run(
            command, check=False, timeout=300, env=environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            ended = f"{statement!r} ended with {done.returncode} under callgrind"
            raise SystemExit(f"{ended}:\n{done.stderr[-2000:]}")
        return parse(out.read_text(encoding="utf-8", errors="replace"))


def still() -> list[str]:
    """What keeps addresses in their places, if this machine allows it."""
    fixed = ["setarch", platform.machine(), "-R"]
    if shutil.which("setarch") is None:
        return []
    allowed = subprocess.run([*fixed, "true"], capture_output=True, check=False).returncode == 0
    return fixed if allowed else []


def per_hit(statement: str, hits: int) -> Count:
    """Instructions of one pass of the loop."""
    once, twice = counted(statement, hits), counted(statement, 2 * hits)
    return Count((twice.all - once.all) / hits, (twice.own - once.own) / hits)


def build() -> str:
    """A fingerprint of the interpreter: two builds of one version differ in their instructions."""
    facts = f"{sys.version} {sysconfig.get_config_var('CONFIG_ARGS')}"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def place() -> str:
    """Where in the baseline this Python's numbers are."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.python_implementation().lower()}-{version}-{platform.machine()}"


def main() -> int:
    """Print the table; fail if a hit takes more than the baseline allows."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--hits", type=int, default=5_000, help="N (%(default)s)")
    options.add_argument("--update", action="store_true", help="make this run the baseline")
    options.add_argument("--json", action="store_true", help="print JSON instead of tables")
    given = options.parse_args()
    if shutil.which("valgrind") is None:
        remark = "SKIPPED (no valgrind on the PATH): instructions of a hit were NOT counted"
        return tables.Outcome([], [], [remark]).emit(given.json)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        counts = dict(
            zip(CASES, workers.map(lambda it: per_hit(it, given.hits), CASES.values()), strict=True)
        )
    return report(counts, given)


def report(counts: dict[str, Count], given: argparse.Namespace) -> int:
    remarks = []
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    before = known.get(place())
    if given.update:
        numbers = {name: count._asdict() for name, count in counts.items()}
        known[place()] = before = {
            "python": platform.python_version(),
            "build": build(),
            "instructions": numbers,
        }
        BASELINE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        remarks.append(f"The baseline of {place()} is now that of this run.")
    if before is None:
        remarks.append(f"NOT COMPARED: {BASELINE.name} has no numbers for {place()}")
    elif before["build"] != build():
        remarks.append(
            f"COMPARED IN PART: the baseline of {place()} was made with another build of Python, "
            f"{before['python']}; only the instructions inside coldcache are compared"
        )
    rows = [
        [name, f"{count.all:.1f}", f"{count.own:.1f}", was(before, name)]
        for name, count in counts.items()
    ]
    note = f"Per pass of the loop, from {given.hits} and {2 * given.hits} passes under callgrind."
    columns = ["case", "all", "inside coldcache", "baseline, all / inside"]
    table = tables.Table("Instructions of a hit", columns, rows, note)
    return tables.Outcome([table], targets(counts, before), remarks).emit(given.json)


def was(before: dict[str, dict[str, dict[str, float]]] | None, name: str) -> str:
    if before is None or name not in before["instructions"]:
        return ""
    old = Count(**before["instructions"][name])
    return f"{old.all:.1f} / {old.own:.1f}"


def targets(
    counts: dict[str, Count], before: dict[str, dict[str, dict[str, float]]] | None
) -> list[tables.Target]:
    if before is None:
        return []
    found = []
    for name, count in counts.items():
        old = before["instructions"].get(name)
        if old is None or name in COMPARED:
            continue
        compared = ["own", "all"] if before["build"] == build() else ["own"]
        for part in compared:
            growth = getattr(count, part) / old[part]
            what = f"{name}: {'inside coldcache' if part == 'own' else 'all'}, now / baseline"
            found.append(tables.Target.of(what, MOST_GROWTH, tables.Spread(growth, growth, growth)))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
