"""Put coldcache and its peers to the torture and write `docs/comparison.md`.

Every cell is one scenario in a process of its own, with a time limit.

    python benches/torture.py [--limit 12] [--output docs/comparison.md] [SUBJECT ...]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "torture"))

from subjects import SUBJECTS  # noqa: E402
from trial import GROUPS, takes_part, trial  # noqa: E402
from verdict import Verdict  # noqa: E402

HEADINGS = {
    "threads": "Plain functions and threads",
    "tasks": "Coroutine functions and tasks",
    "clocks": "Clocks that do not agree",
}

# What the words in the cells mean. Any other word is the name of the exception that came out.
WORDS = {
    "1 load": "one load for all callers, and what was asked for besides",
    "N loads": "so many loads where one would do",
    "own": "every caller got an exception object of its own",
    "shared, N frames": "all raised one exception object, whose traceback grew to N frames",
    "old error later": "a later call, with the source healthy again, got the old error",
    "other errors": "callers got something else than the error of the load",
    "runs twice": "no single flight: the inner call ran the function again, and nothing hung",
    "hangs": "no answer within the time limit",
    "child loads": "the forked child ran the load itself and got its answer",
    "child hangs": "the forked child waited for a thread that does not exist there",
    "N ms": "median time from a signal to its Python handler in a thread that waits (limit 50 ms)",
    "does not wait": "no single flight: the second caller ran the function itself",
    "discarded": "what the overtaken load brought was not kept",
    "clear waits": "not kept either, but `clear` blocked until the load had ended",
    "old value kept": "what the overtaken load brought was kept and served for a full lifetime",
    "others spared": "the other callers got the value",
    "others cancelled": "the other callers got CancelledError",
    "key poisoned": "and so did every later call for that key",
    "next one loads": "the next invocation loaded anew and got its value",
    "next one hangs": "the next invocation got no answer",
    "N of 4 answered": "the other event loops got an error or no answer; N may vary",
    "expired": "the entry counted as too old, as it was",
    "served": "the entry was served although it was too old",
    "crash": "the process died of a signal",
    "not tested": "this machine cannot do it",
}

INTRODUCTION = """\
# Comparison: what caches do when it gets rough

<!-- Written by benches/torture.py; do not edit by hand. -->

Each cell is one scenario, run in a process of its own with a time limit of {limit:g} s.
**Bold** means that the subject stood it; who does not offer what a table is about is not in it.
Every subject is set up as its own documentation recommends for threads and against stampedes;
the settings are in `tests/torture/subjects.py`, the scenarios in `tests/torture/with_*.py`.
Not every difference is a defect: `functools.lru_cache`, for one, never promised a single flight.

- Date: {date}
- Machine: {machine}, {processors} processors, {system}
- Python: {python}
- Command: `python benches/torture.py`
"""

CLOCKS = """\
The clocks are shifted inside the process, at the kernel's vDSO (`tests/torture/clock_shift.c`).
A preloaded library would not do: native code that asks the vDSO directly never sees it.
{by_hand}
"""


def title(group: str, scenario: str) -> str:
    """The first line of the docstring of the scenario."""
    return (GROUPS[group][scenario].__doc__ or "").strip().splitlines()[0]


def cell(verdict: Verdict) -> str:
    return f"**{verdict.word}**" if verdict.is_ok else verdict.word


def table(group: str, names: list[str], limit_s: float) -> list[str]:
    names = [name for name in names if takes_part(name, group)]
    lines = [f"## {HEADINGS[group]}", ""]
    if group == "clocks":
        by_hand = [
            f"{scenario}: {cell(trial('clocks by hand', scenario, 'coldcache', limit_s))}"
            for scenario in GROUPS[group]
        ]
        told = "With coldcache's own clock for tests instead: " + ", ".join(by_hand) + "."
        lines += [*CLOCKS.format(by_hand=told).splitlines(), ""]
    rows = [(scenario, name) for scenario in GROUPS[group] for name in names]
    # Two at a time: most of them only wait.
    with ThreadPoolExecutor(2) as pool:
        verdicts = dict(
            zip(rows, pool.map(lambda row: trial(group, *row, limit_s), rows), strict=True)
        )
    lines.append("| scenario | " + " | ".join(names) + " |")
    lines.append("| --- |" + " --- |" * len(names))
    for scenario in GROUPS[group]:
        cells = [cell(verdicts[scenario, name]) for name in names]
        lines.append(f"| {title(group, scenario)} | " + " | ".join(cells) + " |")
        print(group, scenario, *cells, sep="\t", flush=True)
    return [*lines, ""]


def document(names: list[str], limit_s: float) -> str:
    now = dt.datetime.now(dt.timezone.utc)
    processor = processor_name()
    lines = INTRODUCTION.format(
        limit=limit_s,
        date=f"{now:%Y-%m-%d}",
        machine=processor,
        processors=os.cpu_count(),
        system=f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
    ).splitlines()
    versions = [f"{name} {SUBJECTS[name].version}" for name in names]
    lines += ["- Versions: " + ", ".join(versions), ""]
    for group in GROUPS:
        lines += table(group, names, limit_s)
    lines += ["## The words", "", "| word | meaning |", "| --- | --- |"]
    lines += [f"| {word} | {meaning} |" for word, meaning in WORDS.items()]
    lines.append(
        "| any other | the exception that came out; bold where an exception is an answer |"
    )
    return "\n".join([*lines, ""])


def processor_name() -> str:
    """The model the kernel reports, or the architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
            models = [line.partition(":")[2].strip() for line in cpuinfo if "model name" in line]
    except OSError:
        models = []
    return models[0] if models else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help="default: all")
    parser.add_argument("--limit", type=float, default=12, help="seconds for one scenario")
    parser.add_argument(
        "--output", type=Path, default=HERE.parent / "docs" / "comparison.md", help="where to write"
    )
    given = parser.parse_args()
    unknown = set(given.subjects) - set(SUBJECTS)
    if unknown:
        parser.error(f"no such subject: {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    text = document(given.subjects or list(SUBJECTS), given.limit)
    given.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
