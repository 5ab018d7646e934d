"""Side effects of importing: whose they are, and which imports have to stay where they are."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .baseline import Baseline
from .case import Case
from .edges import Edge
from .oracle import Finding
from .outcome import Outcome
from .pool import Pool
from .registry import Entry, describe, differing, homes, is_harmless
from .trial import Laboratory, Trial

__all__ = ["Effects", "Harm"]


@dataclass(frozen=True)
class Harm:
    """A change of a registry that would be missed, or that comes unasked.

    Attributes:
        owner: The module that makes it; empty where that is not known.
        text: For a reader.
        about: Modules of the things that are missing: with them loaded earlier, the owner might
            have found them.
    """

    owner: str
    text: str
    about: tuple[str, ...] = ()


class Effects:
    """Compares registries, and asks the function itself which module wrote to them.

    Args:
        laboratory: Where trials run.
        pool: Runs them.
        baseline: The function as it is.
        candidates: All edges that can be deferred.
    """

    def __init__(self, laboratory: Laboratory, pool: Pool, baseline: Baseline) -> None:
        self._laboratory = laboratory
        self._pool = pool
        self._baseline = baseline
        self._owners: dict[tuple[str, tuple[str, str], bool], str] = {}
        self._tables: dict[tuple[str, frozenset[Edge]], Outcome] = {}
        self.harmless: dict[tuple[str, str], str] = {}

    def harmful(self, cases: Sequence[Case], finding: Finding) -> list[Harm]:
        """What is not as it is without a plan, and matters.

        Args:
            cases: Those of the finding.
            finding: A set of edges with which every case went well.
        """
        found: dict[str, Harm] = {}
        for case, outcome in zip(cases, finding.outcomes, strict=True):
            entries = list(differing(case, self._with_tables(case, finding, outcome)))
            self._attribute(case, entries, finding)
            for entry in entries:
                owner = self._owners[_place(case, entry)]
                if is_harmless(entry, owner, outcome.modules, self._baseline.asked):
                    self.harmless[entry.place] = owner
                else:
                    text = describe(entry, owner)
                    found.setdefault(text, Harm(owner, text, homes(entry)))
        return list(found.values())

    def _with_tables(self, case: Case, finding: Finding, outcome: Outcome) -> Outcome:
        """The outcome with the tables of packages, which only one process of each plan lists."""
        place = (case.name, finding.eager)
        if place not in self._tables:
            deferred = frozenset(self._baseline.candidates) - finding.eager
            trial = Trial(events=case.events, deferred=deferred, tables=True)
            seen = self._pool.submit(self._laboratory.job(trial, 2 * case.limit_s)).wait()
            if any(eager != finding.eager for _, eager in self._tables):
                self._tables.clear()  # they are large; the last plan is the one asked about
            self._tables[place] = seen
        seen = self._tables[place]
        if "tables" not in seen.registries:
            return outcome  # that process did not come to its end; the others say what is wrong
        registries = {**outcome.registries, "tables": seen.registries["tables"]}
        return dataclasses.replace(outcome, registries=registries)

    def edges_to(self, owner: str, candidates: Iterable[Edge]) -> list[Edge]:
        """The edges along which a module is loaded without a plan, from the function down."""
        by_importer: defaultdict[str, list[Edge]] = defaultdict(list)
        for edge in candidates:
            by_importer[edge.importer].append(edge)
        found: list[Edge] = []
        module = owner
        seen: set[str] = set()
        while module in self._baseline.parents and module not in seen:
            seen.add(module)
            parent, line = self._baseline.parents[module]
            edges = [edge for edge in by_importer[parent] if module in edge.targets]
            at_line = [edge for edge in edges if self._baseline.lines[edge] == line]
            found += (at_line or edges)[:1]
            module = parent
        return found[::-1]

    def _attribute(self, case: Case, entries: Sequence[Entry], finding: Finding) -> None:
        """Run the case once more and watch who writes; entries the plan adds are watched in it."""
        for is_added in (False, True):
            open_ones = [
                entry
                for entry in entries
                if (entry.before is None) == is_added and _place(case, entry) not in self._owners
            ]
            if not open_ones:
                continue
            watch: defaultdict[str, list[str]] = defaultdict(list)
            for entry in open_ones:
                watch[entry.category].append(entry.key)
            deferred = None
            if is_added:
                deferred = frozenset(self._baseline.candidates) - finding.eager
            outcome = self._run(case, watch, deferred)
            for entry in open_ones:
                self._owners[_place(case, entry)] = outcome.effects.get(entry.place, "")

    def _run(
        self,
        case: Case,
        watch: dict[str, list[str]],
        deferred: Collection[Edge] | None,
    ) -> Outcome:
        plan = None if deferred is None else frozenset(deferred)
        trial = Trial(events=case.events, deferred=plan, watch=watch)
        # Looking at registries around every module takes time.
        return self._pool.submit(self._laboratory.job(trial, 4 * case.limit_s)).wait()


def _place(case: Case, entry: Entry) -> tuple[str, tuple[str, str], bool]:
    return case.name, entry.place, entry.before is None
