"""Deferred edges that gain nothing, and those that only move their cost into the first call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from .edges import Edge
from .oracle import Finding
from .outcome import Row

__all__ = [
    "costs_more",
    "loads_more_by_first",
    "moved",
    "reached",
    "without_saving",
    "without_use",
]

_LEFT = frozenset({"pending", "failed"})
_STATEMENT_MS = 0.005  # what deferring a statement costs: 5 to 10 us were measured
_UNKNOWN_MS = 1.0  # of a module that is not loaded without a plan


def reached(finding: Finding) -> frozenset[Edge]:
    """Edges whose statement ran in any case."""
    return frozenset(_rows(finding))


def without_use(
    finding: Finding, candidates: Iterable[Edge], modules: Collection[str]
) -> frozenset[Edge]:
    """Deferred edges that were used during init, or loaded before, in all cases, and save nothing.

    One that was used may still save something: of `from pkg import a, b` only what is used is
    loaded.
    """
    rows = _rows(finding)
    return frozenset(
        edge
        for edge in without_saving(finding, candidates, modules)
        if not any(map(_gains, rows.get(edge, ())))
    )


def without_saving(
    finding: Finding, candidates: Iterable[Edge], modules: Collection[str]
) -> frozenset[Edge]:
    """Deferred edges all of whose modules are loaded in time anyway, in every case.

    Args:
        finding: What the plan did.
        candidates: All edges that can be deferred.
        modules: Names of all modules that are loaded without a plan.
    """
    saving = set()
    for outcome in finding.outcomes:
        for row in outcome.rows:
            wanted = {name for name in row.edge.targets if name in modules}
            # A statement that ran after init saves what is not needed later either.
            loaded = outcome.modules if row.at_init is None else outcome.modules_init
            if not wanted <= loaded:
                saving.add(row.edge)
    return frozenset(
        edge for edge in candidates if edge not in finding.eager and edge not in saving
    )


def costs_more(costs: Mapping[str, float]) -> Callable[[Finding, Finding], bool]:
    """Tells whether a plan that defers fewer statements costs more than it spares.

    Args:
        costs: Milliseconds of each module's own import.

    Returns:
        A function of the plan that defers less and the one that defers more: whether the modules
        that only the former loads, during init or by the first answer, cost more than deferring
        those statements does.
    """

    def does(fewer: Finding, finding: Finding) -> bool:
        spared_ms = _STATEMENT_MS * len(fewer.eager - finding.eager)
        for now, before in zip(fewer.outcomes, finding.outcomes, strict=True):
            at_init = now.modules_init - before.modules_init
            by_first = now.modules_first - before.modules_first
            if max(_total_ms(costs, at_init), _total_ms(costs, by_first)) > spared_ms:
                return True
        return False

    return does


def _total_ms(costs: Mapping[str, float], modules: Collection[str]) -> float:
    return sum(costs.get(name, _UNKNOWN_MS) for name in modules)


def loads_more_by_first(fewer: Finding, finding: Finding) -> bool:
    """Whether any case loads more modules by its first answer, during init or later."""
    return any(
        len(now.modules_first) > len(before.modules_first)
        for now, before in zip(fewer.outcomes, finding.outcomes, strict=True)
    )


def moved(finding: Finding) -> frozenset[Edge]:
    """Deferred edges that the first call of every event uses."""
    found = set()
    for edge, rows in _rows(finding).items():
        late = [row for row in rows if row.at_init in _LEFT]
        if late and all(row.at_first == "resolved" for row in late):
            found.add(edge)
    return frozenset(found - finding.eager)


def _gains(row: Row) -> bool:
    return row.at_init in _LEFT or (row.at_init is None and row.state in _LEFT)


def _rows(finding: Finding) -> dict[Edge, list[Row]]:
    rows: defaultdict[Edge, list[Row]] = defaultdict(list)
    for outcome in finding.outcomes:
        for row in outcome.rows:
            rows[row.edge].append(row)
    return rows
