"""The search: the largest set of deferred edges under which the function does as it does.

Everything is deferred first. What fails then is followed along the traces it leaves, and the few
edges found that way are cut down to those that are needed; modules that write to registries of the
interpreter are loaded when they are loaded without a plan. What is left goes through every case
twice more before it counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from .baseline import Baseline
from .case import Case
from .edges import Edge, one_by_one, top_package
from .effects import Effects, Harm
from .ending import ROUNDS, overtime, prove, pruned
from .guide import Guide
from .minimise import minimise
from .oracle import BudgetSpent, Finding, Oracle
from .prune import reached

__all__ = ["Search", "SearchResult", "search"]

_SHARE = 0.75  # of the budget, for finding what works
_PRUNING_SHARE = 0.85  # of the budget, when leaving out what is useless ends; proofs follow
_OVERTIME_S = 8.0  # at least, for what has to follow when the time for finding is over


@dataclass(frozen=True)
class SearchResult:
    """What the search ended with.

    Attributes:
        deferred: The edges of the plan; empty when there is none that works.
        reasons: Why edges stay eager, those that are not free to be deferred.
        finding: The last proof of the plan, `None` where it has no edges.
        is_complete: Whether it was not cut short.
        runs: Processes that were started.
        seconds: How long it took.
        note: What a reader should know of how it ended, possibly empty.
        moved: Edges that could be deferred, but every first call uses them.
    """

    deferred: tuple[Edge, ...]
    reasons: dict[Edge, str]
    finding: Finding | None = field(repr=False)
    is_complete: bool
    runs: int
    seconds: float
    note: str = ""
    moved: tuple[Edge, ...] = ()


class Search:
    """One search. Its parts share the oracle and what is known so far."""

    def __init__(
        self, oracle: Oracle, baseline: Baseline, effects: Effects, say: Callable[[str], None]
    ) -> None:
        self._oracle = oracle
        self._baseline = baseline
        self._effects = effects
        self._guide = Guide(oracle.candidates, baseline.modules)
        self._say = say
        self.reasons: dict[Edge, str] = {}
        self.settled: frozenset[Edge] | None = None
        self.best: frozenset[Edge] | None = None

    def settle(self) -> frozenset[Edge]:
        """Candidates that have to stay eager.

        Raises:
            BudgetSpent: Time is over; `settled` is what is known to work, side effects and all, if
                anything is, `best` what passes at least.
        """
        eager: frozenset[Edge] = frozenset()
        for _ in range(ROUNDS):
            eager = self._pass(eager)
            more = self.keep_effects(eager)
            if not more:
                self.settled = eager
                return eager
            eager |= more
        return eager

    def _check(self, eager: Iterable[Edge], ahead: Iterable[Iterable[Edge]] = ()) -> Finding:
        finding = self._oracle.check(eager, ahead)
        if not finding.passes:
            self._guide.learn(finding)
        elif self.best is None or len(finding.eager) < len(self.best):
            self.best = finding.eager
        return finding

    def _pass(self, eager: frozenset[Edge]) -> frozenset[Edge]:
        """Add few edges to *eager* with which every case goes as it should."""
        finding = self._check(eager)
        if finding.passes:
            return eager
        self._say(f"with everything else deferred: {_told(finding)}")
        grown = self._follow(finding)
        added = [edge for edge in self._oracle.candidates if edge in grown - eager]
        return self._tidy(self._reduce(added, eager), eager)

    def _follow(self, finding: Finding) -> frozenset[Edge]:
        """Follow the traces of failures until a set passes; it need not be small."""
        eager = finding.eager
        while not finding.passes:
            failed = finding
            levels = [eager.union(level) for level in self._guide.suspects(failed)]
            for place, level in enumerate(levels):
                finding = self._check(level, levels[place + 1 : place + 2])
                if finding.passes or _signature(finding) != _signature(failed):
                    break
            if finding.eager == eager:
                return frozenset(self._oracle.candidates)  # nothing left to try: all eager
            eager = finding.eager
        return eager

    def _reduce(
        self, added: Iterable[Edge], background: frozenset[Edge], *, with_effects: bool = False
    ) -> frozenset[Edge]:
        """The needed ones of *added*, the most suspicious first: what follows them is cut off."""

        def test(
            some: tuple[tuple[Edge, ...], ...], ahead: Sequence[tuple[tuple[Edge, ...], ...]]
        ) -> bool:
            guesses = [background.union(*one) for one in ahead]
            finding = self._check(background.union(*some), guesses)
            if not finding.passes or not with_effects:
                return finding.passes
            return not self._effects.harmful(self._oracle.cases, finding)

        groups = tuple(self._guide.ranked(added))
        if len(groups) > 1:
            groups = minimise(groups, test)
        # Statements that name the same module load the same: often the first of them will do.
        firsts = tuple((group[0],) for group in groups)
        if test(firsts, ()):
            return frozenset(chain.from_iterable(firsts))
        singles = one_by_one(chain.from_iterable(groups))
        needed = minimise(singles, test)
        return frozenset(chain.from_iterable(needed))

    def _tidy(self, added: frozenset[Edge], background: frozenset[Edge]) -> frozenset[Edge]:
        """Leave out one edge after the other; those that are missed stay, and why is noted."""
        kept = set(added)
        edges = [edge for edge in self._oracle.candidates if edge in added]
        for place, edge in enumerate(edges):
            following = set(edges[place + 1 : place + 2])
            ahead = [background | (kept - {edge} - following), background | (kept - following)]
            finding = self._check(background | (kept - {edge}), ahead)
            if finding.passes:
                kept.discard(edge)
                self.reasons.pop(edge, None)
            else:
                self.reasons[edge] = f"without it: {_told(finding)}"
        return background | kept

    def keep_effects(self, eager: frozenset[Edge], *, may_search: bool = True) -> frozenset[Edge]:
        """Edges to the modules whose side effects would be missed.

        Args:
            eager: What is eager already.
            may_search: Whether to try what helps where nobody knows who did it.
        """
        finding = self._check(eager)
        if not finding.passes:
            return frozenset()
        found = self._effects.harmful(self._oracle.cases, finding)
        more: dict[Edge, str] = {}
        self._say_once_each(found)
        for harm in found:
            for edge in self._edges_against(harm, eager):
                more.setdefault(edge, f"side effect: {harm.text}")
        if found and not more and may_search:
            # Nobody knows who did it, or making that eager did not help: try what does.
            deferred = [edge for edge in self._oracle.candidates if edge not in eager]
            for edge in self._reduce(deferred, eager, with_effects=True):
                more[edge] = f"side effect: {found[0].text}"
        self.reasons.update(more)
        return frozenset(more)

    def _edges_against(self, harm: Harm, eager: frozenset[Edge]) -> list[Edge]:
        """Edges to the module that did it; if it is loaded as ever, to what it did not find.

        Those inside its own package first: mostly it is a table of that package, which nobody
        misses while the package is not loaded, so that the package as a whole may wait.
        """
        for module in (harm.owner, *harm.about):
            edges = self._effects.edges_to(module, self._oracle.candidates)
            deferred = [edge for edge in edges if edge not in eager]
            package = top_package(module)
            if inside := [edge for edge in deferred if top_package(edge.importer) == package]:
                return inside
            if deferred:
                return deferred
        return []

    def whole_packages(self, edges: Iterable[Edge]) -> frozenset[Edge]:
        """All statements in the packages in which these are: there all is as without a plan."""
        tops = {top_package(edge.importer) for edge in edges}
        return frozenset(
            edge for edge in self._oracle.candidates if top_package(edge.importer) in tops
        )

    def _say_once_each(self, found: Iterable[Harm]) -> None:
        """One line for each module: some fill a table with hundreds of entries."""
        harms: dict[str, list[str]] = {}
        for harm in found:
            harms.setdefault(harm.owner, []).append(harm.text)
        for first, *rest in harms.values():
            self._say(f"side effect: {first}" + (f" and {len(rest)} more" if rest else ""))


def search(
    oracle: Oracle,
    baseline: Baseline,
    effects: Effects,
    *,
    budget_s: float,
    extra_case: Callable[[], Case | None],
    say: Callable[[str], None],
) -> SearchResult:
    """Find a plan and prove it.

    Args:
        oracle: Asks the function.
        baseline: What is known of it.
        effects: Knows about registries.
        budget_s: Seconds for the search; what is under way then is proved and taken.
        extra_case: Makes a case of all events in turn, to be passed in the end.
        say: Takes lines for the user.
    """
    started = time.monotonic()
    oracle.deadline = started + _SHARE * budget_s  # the rest is for leaving out what is useless
    one = Search(oracle, baseline, effects, say)
    note = ""
    is_complete = True
    proof: Finding | None = None
    try:
        for _ in range(ROUNDS):
            settled = one.settle()
            oracle.deadline = started + _PRUNING_SHARE * budget_s
            eager = pruned(oracle, effects, settled, baseline)
            oracle.deadline = float("inf")  # what was found is proved, however long it took
            if len(oracle.cases) == len(baseline.cases) and (more := extra_case()) is not None:
                oracle.cases.append(more)
                oracle.forget()
            proof = prove(oracle, effects, eager)
            if proof is None and eager != settled:
                proof = prove(oracle, effects, settled)
            if proof is not None:
                break
            oracle.deadline = started + budget_s
            oracle.forget()
            say("a proof failed; the search goes on")
        else:
            note = "no plan passed all of its proofs"
    except BudgetSpent:
        is_complete = False
        left_s = started + _PRUNING_SHARE * budget_s - time.monotonic()
        proof = overtime(one, oracle, effects, baseline, max(_OVERTIME_S, left_s))
        note = f"the search was stopped after {budget_s:.0f} s"
        note += ": the best plan proved so far is used" if proof else ": nothing was proved by then"
    oracle.deadline = float("inf")
    seconds = time.monotonic() - started
    if proof is None:
        return SearchResult((), one.reasons, None, is_complete, oracle.runs, seconds, note)
    # A statement that was not reached was not tried; leaving it out changes nothing that was.
    tried = reached(proof) - proof.eager
    deferred = tuple(edge for edge in oracle.candidates if edge in tried)
    return SearchResult(deferred, one.reasons, proof, is_complete, oracle.runs, seconds, note)


def _signature(finding: Finding) -> tuple[str, str] | None:
    return None if finding.difference is None else finding.difference.signature


def _told(finding: Finding) -> str:
    found = finding.difference
    return "" if found is None else f"{found.text} ({found.case})"
