"""Put coldcache and its peers through real faults and write `docs/reliability.md`.

    python benches/reliability.py [--calls 500] [--subject NAME ...] [--fault NAME ...]

PostgreSQL, Redis and haproxy come from `.ci/servers`. With `--subject` or `--fault` only those are
tried, and printed instead of written; with `--update` they replace those of the last full run, and
the page is written anew and says so. Exits with 1 if coldcache did not stand a fault.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import page, scenarios
from faults.coldcache_subjects import OURS
from faults.every_subject import SUBJECTS
from faults.healthy import measure
from faults.outcome import Outcome
from faults.rotation import rotate
from faults.servers import NoServersError, find_programs
from faults.stage import Stage

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "reliability.json"
CALLS = 500
DEPENDENTS = (1, 8)


def trials(given: argparse.Namespace) -> page.Results:
    """Play every fault with every subject that it can happen to, some at a time."""
    todo = [
        (fault, name)
        for fault in given.fault
        for name in given.subject
        if scenarios.takes_part(SUBJECTS[name], fault)
    ]
    todo.reverse()
    results: page.Results = {}

    def work(_: int) -> None:
        # Servers of its own: what is done to them is nobody else's business.
        with Stage(is_loud=given.loud) as stage:
            while todo:
                fault, name = todo.pop()
                outcome = stage.play(name, fault, given.calls)
                results[fault, name] = outcome
                print(page.detail(fault, name, outcome), flush=True)

    with ThreadPoolExecutor(given.workers) as pool:
        try:
            list(pool.map(work, range(given.workers)))
        finally:
            todo.clear()  # interrupted: what is being played is the last
    return results


def kept(calls: int) -> tuple[page.Results, set[tuple[str, str]]]:
    """Give the results of the last full run, and which of them were played again since."""
    stored = json.loads(KEPT.read_text(encoding="utf-8"))
    if stored["calls"] != calls:
        raise SystemExit(f"the last full run made {stored['calls']} calls a fault, not {calls}")
    results = {(fault, name): Outcome(**one) for fault, name, one in stored["outcomes"]}
    return results, {(fault, name) for fault, name in stored["again"]}


def keep(results: page.Results, again: set[tuple[str, str]], calls: int) -> None:
    """Keep them for `--update`."""
    outcomes = [[fault, name, one.as_json()] for (fault, name), one in results.items()]
    KEPT.parent.mkdir(exist_ok=True)
    stored = {"calls": calls, "outcomes": outcomes, "again": sorted(again)}
    KEPT.write_text(json.dumps(stored), encoding="utf-8")


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = [*scenarios.FAULTS, *scenarios.EXITS]
    parser.add_argument("--calls", type=int, default=CALLS, help="a fault (%(default)s)")
    parser.add_argument("--subject", action="append", choices=list(SUBJECTS), metavar="NAME")
    parser.add_argument("--fault", action="append", choices=every, metavar="NAME")
    parser.add_argument("--workers", type=int, default=3, help="trials at a time (%(default)s)")
    parser.add_argument("--update", action="store_true", help="play only these again")
    parser.add_argument("--loud", action="store_true", help="show what trials print on stderr")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "reliability.md")
    given = parser.parse_args()
    given.is_all = given.update or not (given.subject or given.fault)
    given.subject = given.subject or list(SUBJECTS)
    given.fault = given.fault or every
    return given


def main() -> int:
    """Play everything; 1 if coldcache did not stand it."""
    given = options()
    # Ended by its supervisor: the servers have to go as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    load = os.getloadavg()[0]
    try:
        find_programs()  # once, as it may install
        results, again = kept(given.calls) if given.update else ({}, set())
        played = trials(given)
        results |= played
        again |= set(played) if given.update else set()
        if given.is_all:
            keep(results, again, given.calls)
            with Stage() as stage:
                costs = measure(stage)
                rotations = [rotate(stage, count) for count in DEPENDENTS]
    except NoServersError as reason:
        print(reason, file=sys.stderr)
        return 2
    failed = [
        (fault, name)
        for (fault, name), one in results.items()
        if name in OURS and one.is_tested and not page.is_stood(one, OURS[name].answers_at)
    ]
    if given.is_all:
        given.again = sorted(again)
        text = page.document(results, costs, rotations, given, load)
        temporary = given.output.with_suffix(".md.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(given.output)
        failed += [("rotation", str(one)) for one in rotations if not page.is_clean(one)]
        if not page.is_cheap(costs):
            failed.append(("healthy", "coldcache.resource"))
    for fault, name in failed:
        print(f"not stood: {fault}: {name}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
