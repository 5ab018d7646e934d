"""Edges that every first call uses only move their cost: kept deferred unless that is slower."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from statistics import median

from coldcache.tools.lab.summary import ratio_of_medians

from .case import Case
from .edges import Edge
from .effects import Effects
from .oracle import Oracle
from .pool import Pool
from .prune import moved
from .search import SearchResult
from .trial import Laboratory, Trial

__all__ = ["without_slower"]

_ROUNDS = 5


def without_slower(
    found: SearchResult,
    oracle: Oracle,
    effects: Effects,
    laboratory: Laboratory,
    pool: Pool,
    say: Callable[[str], None],
) -> SearchResult:
    """Make edges eager that only move their cost, where init and first call get slower by them.

    Both are timed in turn, one process at a time.

    Args:
        found: What the search ended with.
        oracle: Tries the plan without these edges before it is taken.
        effects: Compares registries.
        laboratory: Where trials run.
        pool: Runs them.
        say: Takes lines for the user.
    """
    if found.finding is None:
        return found
    late = moved(found.finding)
    if not late:
        return found
    kept = frozenset(found.deferred)
    slower = []
    for case in oracle.cases[: len(found.finding.outcomes)]:
        if len(case.events) > 1:
            continue
        rounds = [
            [_first_ms(laboratory, pool, case, edges) for edges in (kept, kept - late)]
            for _ in range(_ROUNDS)
        ]
        ratio = ratio_of_medians([one[0] for one in rounds], [one[1] for one in rounds])
        slower.append(ratio is not None and ratio.low > 1)
        say(
            f"{len(late)} imports only move into the first call on {case.name}: "
            f"{median(one[0] for one in rounds):.0f} ms deferred, "
            f"{median(one[1] for one in rounds):.0f} ms eager"
        )
    if not any(slower):
        return found
    finding = oracle.check(found.finding.eager | late)
    if not finding.passes or effects.harmful(oracle.cases, finding):
        return found
    deferred = tuple(edge for edge in found.deferred if edge not in late)
    return dataclasses.replace(found, deferred=deferred, finding=finding)


def _first_ms(laboratory: Laboratory, pool: Pool, case: Case, deferred: frozenset[Edge]) -> float:
    trial = Trial(events=case.events, deferred=deferred)
    run = functools.partial(laboratory.run, trial, limit_s=case.limit_s)
    return pool.submit(lambda stop: run(stop=stop)).wait().first_ms
