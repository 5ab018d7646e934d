"""How a search ends: what gains nothing is left out, and every case is run anew as a proof."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .baseline import Baseline
from .edges import Edge
from .effects import Effects
from .fewer import with_eager
from .oracle import BudgetSpent, Finding, Oracle
from .prune import costs_more, reached, without_saving, without_use

if TYPE_CHECKING:
    from .search import Search

__all__ = ["ROUNDS", "overtime", "prove", "pruned"]

ROUNDS = 8  # of passing every case, then keeping side effects, at most
_PROOFS = 2
_PRUNINGS = 15  # attempts to leave out what gains nothing, for each reason


def overtime(
    one: Search, oracle: Oracle, effects: Effects, baseline: Baseline, within_s: float
) -> Finding | None:
    """Prove the best that is known: side effects, what is of no use, and every case anew.

    Args:
        one: The search that ran out of time.
        oracle: Asks the function.
        effects: Knows about registries.
        baseline: What the function is without a plan.
        within_s: Seconds for the least that has to be tried before the proof.
    """
    eager = one.best if one.settled is None else one.settled
    if eager is None:
        return None
    oracle.deadline = time.monotonic() + within_s
    try:
        for _ in range(ROUNDS):
            more = one.keep_effects(eager, may_search=False)
            if not more:
                break
            eager |= more
            if not oracle.check(eager, [eager | one.whole_packages(more)]).passes:
                eager |= one.whole_packages(more)
        eager = pruned(oracle, effects, eager, baseline)
    except BudgetSpent:
        pass  # the proof says whether it works as it is
    oracle.deadline = float("inf")
    return prove(oracle, effects, eager)


def pruned(
    oracle: Oracle,
    effects: Effects,
    eager: frozenset[Edge],
    baseline: Baseline,
) -> frozenset[Edge]:
    """Make eager what gains nothing, as far as the function still does as it does."""
    finding = oracle.check(eager)
    if not finding.passes:
        return eager
    # What is loaded during init anyway goes last: the order of loading changes with it.
    for rule in (without_use, without_saving):
        useless = rule(finding, oracle.candidates, baseline.modules) & reached(finding)
        edges = tuple(edge for edge in oracle.candidates if edge in useless)
        finding = with_eager(oracle, effects, finding, edges, _PRUNINGS, costs_more(baseline.costs))
    return finding.eager


def prove(oracle: Oracle, effects: Effects, eager: frozenset[Edge]) -> Finding | None:
    """Run every case anew, more than once."""
    finding = None
    for _ in range(_PROOFS):
        finding = oracle.check(eager, again=True)
        if not finding.passes or effects.harmful(oracle.cases, finding):
            return None
    return finding
