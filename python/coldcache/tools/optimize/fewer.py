"""Make edges eager again, as many of some as can be had by trying a few times."""

from __future__ import annotations

from collections.abc import Callable

from .edges import Edge
from .effects import Effects
from .oracle import BudgetSpent, Finding, Oracle

__all__ = ["with_eager"]


def with_eager(
    oracle: Oracle,
    effects: Effects,
    finding: Finding,
    edges: tuple[Edge, ...],
    tries: int,
    costs_more: Callable[[Finding, Finding], bool],
) -> Finding:
    """The finding with as many of *edges* eager as work.

    Args:
        oracle: Asks the function. When its time is over, what is known by then is the result.
        effects: Compares registries.
        finding: A plan that passes.
        edges: What it should not defer; halves of them are tried where all of them do not work.
        tries: How often to ask at most.
        costs_more: Whether a finding costs more than the one before it; then it is not taken.
    """
    if not edges or tries < 1:
        return finding
    middle = len(edges) // 2
    halves = (edges[middle:], edges[:middle])
    ahead = [finding.eager.union(half) for half in halves if half and tries > 1]
    try:
        fewer = oracle.check(finding.eager.union(edges), ahead)
    except BudgetSpent:
        return finding
    works = fewer.passes and not costs_more(fewer, finding)
    if works and not effects.harmful(oracle.cases, fewer):
        return fewer
    for half in halves if middle else ():
        finding = with_eager(oracle, effects, finding, half, (tries - 1) // 2, costs_more)
    return finding
