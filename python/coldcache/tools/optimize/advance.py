"""Edges that every first call uses only move their cost: they are made at init, as without a plan.

A user waits for init and first answer together, so nothing is gained by moving; and on Lambda init
runs with a full processor whatever the memory size, while a call does not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .effects import Effects
from .fewer import with_eager
from .oracle import Oracle
from .prune import loads_more_by_first, moved
from .search import SearchResult

__all__ = ["without_moved"]

_TRIES = 7
_ROUNDS = 2


def without_moved(
    found: SearchResult, oracle: Oracle, effects: Effects, say: Callable[[str], None]
) -> SearchResult:
    """Make edges eager that the first call of every event uses, as far as that works.

    Args:
        found: What the search ended with.
        oracle: Tries the plan without these edges before it is taken.
        effects: Compares registries.
        say: Takes lines for the user.
    """
    if found.finding is None:
        return found
    finding = found.finding
    # What an eager import runs at init may use more of what is deferred there.
    for _ in range(_ROUNDS):
        late = moved(finding)
        edges = tuple(edge for edge in found.deferred if edge in late)
        if not edges:
            break
        finding = with_eager(oracle, effects, finding, edges, _TRIES, loads_more_by_first)
    kept = tuple(edge for edge in found.deferred if edge not in finding.eager)
    if kept == found.deferred:
        return found
    back = tuple(edge for edge in found.deferred if edge in finding.eager)
    say(f"{len(back)} imports that every first call uses stay at init")
    return dataclasses.replace(found, deferred=kept, finding=finding, runs=oracle.runs, moved=back)
