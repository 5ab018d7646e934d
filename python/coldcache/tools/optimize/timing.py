"""Edges that every first call uses only move their cost: kept deferred unless that is slower."""

from __future__ import annotations

import dataclasses
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
_LOOKS = 2


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
    singles = [case for case in oracle.cases if len(case.events) == 1]
    if not any(_is_slower(laboratory, pool, case, kept, late, say) for case in singles):
        return found
    finding = oracle.check(found.finding.eager | late)
    if not finding.passes or effects.harmful(oracle.cases, finding):
        return found
    deferred = tuple(edge for edge in found.deferred if edge not in late)
    return dataclasses.replace(found, deferred=deferred, finding=finding)


def _is_slower(
    laboratory: Laboratory,
    pool: Pool,
    case: Case,
    deferred: frozenset[Edge],
    late: frozenset[Edge],
    say: Callable[[str], None],
) -> bool:
    """Whether init and first call take longer with some edges deferred, seen twice.

    One look at a handful of processes is easily deceived by what else the machine does.
    """
    for _ in range(_LOOKS):
        rounds = [
            [_first_ms(laboratory, pool, case, edges) for edges in (deferred, deferred - late)]
            for _ in range(_ROUNDS)
        ]
        with_ms, without_ms = ([one[side] for one in rounds] for side in (0, 1))
        ratio = ratio_of_medians(with_ms, without_ms)
        if ratio is None or ratio.low <= 1:
            break
    else:
        say(
            f"{len(late)} imports that only move into the first call on {case.name} stay eager: "
            f"{median(with_ms):.0f} ms with them deferred, {median(without_ms):.0f} ms without"
        )
        return True
    return False


def _first_ms(laboratory: Laboratory, pool: Pool, case: Case, deferred: frozenset[Edge]) -> float:
    trial = Trial(events=case.events, deferred=deferred)
    return pool.submit(laboratory.job(trial, case.limit_s)).wait().first_ms
