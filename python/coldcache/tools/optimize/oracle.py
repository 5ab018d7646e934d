"""Asks the function itself: with these edges eager and all others deferred, is all as it is?"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .case import Case, Difference, difference
from .edges import Edge
from .outcome import Outcome
from .pool import Job, Pool
from .same import Same
from .trial import Laboratory, Trial

__all__ = ["BudgetSpent", "Finding", "Oracle"]


class BudgetSpent(Exception):  # noqa: N818 - an outcome
    """The time for the search is over."""


@dataclass(frozen=True)
class Finding:
    """What came of one set of edges.

    Attributes:
        eager: The candidates that were not deferred.
        difference: The first thing that differs; `None` when the function does as it does.
        outcomes: Of each case up to the one that differs.
    """

    eager: frozenset[Edge]
    difference: Difference | None
    outcomes: tuple[Outcome, ...]

    @property
    def passes(self) -> bool:
        """Whether every case went as it goes without a plan."""
        return self.difference is None


class Oracle:
    """Runs trials, remembers what came of them, and starts likely ones ahead.

    Args:
        laboratory: Where trials run.
        pool: Runs them side by side.
        cases: What each set of edges has to pass; may grow.
        candidates: All edges that can be deferred, in the order in which they ran.
        same: Compares answers.
        noted: Called with each finding, for progress.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        pool: Pool,
        cases: Sequence[Case],
        candidates: Sequence[Edge],
        same: Same,
        noted: Callable[[Finding], None] = lambda _: None,
    ) -> None:
        self.laboratory = laboratory
        self.pool = pool
        self.cases = list(cases)
        self.candidates = tuple(candidates)
        self.deadline = float("inf")
        self.runs = 0
        self._same = same
        self._noted = noted
        self._known: dict[frozenset[Edge], Finding] = {}
        self._guesses: dict[frozenset[Edge], list[Job]] = {}

    def check(
        self, eager: Iterable[Edge], ahead: Iterable[Iterable[Edge]] = (), *, again: bool = False
    ) -> Finding:
        """Try one set.

        Args:
            eager: Candidates that are not deferred.
            ahead: Sets that may be asked for next, for cores that have nothing to do.
            again: Do not answer from memory.

        Raises:
            BudgetSpent: The deadline has passed, and the answer is not known yet.
        """
        wanted = frozenset(eager)
        if not again and wanted in self._known:
            return self._known[wanted]
        if time.monotonic() > self.deadline:
            raise BudgetSpent
        guesses = [frozenset(one) for one in ahead]
        self._drop_all_but({wanted, *guesses})
        jobs = self._guesses.pop(wanted, None) or self._start(wanted, is_urgent=True)
        idle = self.pool.workers - len(jobs)
        for guess in guesses[: max(0, idle)]:
            if guess not in self._guesses and guess not in self._known:
                self._guesses[guess] = self._start(guess, is_urgent=False)
        finding = self._wait(wanted, jobs)
        self._known[wanted] = finding
        self._noted(finding)
        return finding

    def forget(self) -> None:
        """Forget what is known: there are other cases now."""
        self._drop_all_but(set())
        self._known.clear()

    def _wait(self, eager: frozenset[Edge], jobs: list[Job]) -> Finding:
        outcomes = []
        for case, job in zip(self.cases, jobs, strict=True):
            outcomes.append(job.wait())
            found = difference(case, outcomes[-1], self._same)
            if found is not None:
                for other in jobs:
                    other.drop()
                # What did not pass is asked for its traces only; tables are large.
                slim = tuple(dataclasses.replace(one, registries={}) for one in outcomes)
                return Finding(eager, found, slim)
        return Finding(eager, None, tuple(outcomes))

    def _start(self, eager: frozenset[Edge], *, is_urgent: bool) -> list[Job]:
        deferred = frozenset(self.candidates) - eager
        jobs = []
        # Urgent ones are put in front one by one, so the last comes first.
        for case in reversed(self.cases) if is_urgent else self.cases:
            trial = Trial(events=case.events, deferred=deferred)
            self.runs += 1
            run = self.laboratory.job(trial, case.limit_s)
            jobs.append(self.pool.submit(run, is_urgent=is_urgent))
        return jobs[::-1] if is_urgent else jobs

    def _drop_all_but(self, wanted: set[frozenset[Edge]]) -> None:
        for eager in [one for one in self._guesses if one not in wanted]:
            for job in self._guesses.pop(eager):
                job.drop()
