"""The function as it is: does every event work, is its answer always the same, what is imported?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coldcache.tools.lab.errors import FunctionError, UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.failure import printable

from .case import Case, difference, log_view
from .edges import Edge, top_package
from .outcome import Outcome
from .pool import Pool
from .same import Same
from .trial import Laboratory, Trial

__all__ = ["Baseline", "in_turn", "measure_baseline", "trace"]

# A plan says nothing about how the platform's own client is loaded: its version is not the user's.
_NOT_OURS = frozenset({"awslambdaric", "runtime_client", "coldcache", "coldcache_trial"})
_NOT_OURS_EITHER = frozenset({"__main__", "runpy", "site", "sitecustomize", "usercustomize"})
_LEAST_LIMIT_S = 5.0
_SLOWER = 8.0  # a trial may take so many times what it takes without a plan


@dataclass(frozen=True)
class Baseline:
    """What is known before the search.

    Attributes:
        cases: One for each event.
        candidates: Edges that can be deferred, in the order in which they ran.
        lines: Line of each.
        parents: Module in whose course a module was loaded, and the line there.
        asked: Names of modules that any statement at module level may ask for.
    """

    cases: tuple[Case, ...]
    candidates: tuple[Edge, ...] = field(repr=False)
    lines: Mapping[Edge, int] = field(repr=False)
    parents: Mapping[str, tuple[str, int]] = field(repr=False)
    asked: frozenset[str] = field(repr=False)

    @property
    def modules(self) -> frozenset[str]:
        """Names of all modules that are loaded without a plan."""
        return frozenset().union(*(case.plain[1].modules for case in self.cases))

    @property
    def costs(self) -> dict[str, float]:
        """Milliseconds of each module's own import, the most of all events."""
        found: dict[str, float] = {}
        for case in self.cases:
            for one in case.plain[1].imports:
                found[one.name] = max(found.get(one.name, 0.0), one.self_ns / 1e6)
        return found


def measure_baseline(
    laboratory: Laboratory,
    pool: Pool,
    events: Sequence[Event],
    same: Same,
    *,
    limit_s: float,
    noted: Callable[[str], None],
) -> Baseline:
    """Run every event without a plan, and once with the engine only looking.

    Args:
        laboratory: Where trials run.
        pool: Runs them.
        events: At least one.
        same: Compares answers.
        limit_s: How long a process may take.
        noted: Called after each process with what it was for.

    Raises:
        FunctionError: An event fails as it is, or fails when imports are only watched.
        UsageError: Answers to the same event differ, or the engine does not work here.
    """
    spec = laboratory.target.spec

    def run_all(**options: Any) -> list[Outcome]:
        trials = [Trial(events=(event.body,), **options) for event in events]
        jobs = [pool.submit(laboratory.job(trial, limit_s), is_urgent=False) for trial in trials]
        return [job.wait() for job in jobs]

    # The first processes also fill the bytecode cache for all others.
    firsts = run_all(tables=True)
    for event, first in zip(events, firsts, strict=True):
        _check_works(spec, event, first)
    traced = trace(laboratory, pool, events, limit_s=limit_s, tables=True)
    cases = []
    for event, first in zip(events, firsts, strict=True):
        again = traced[event.name]
        _check_works(spec, event, again)
        _check_stable(spec, event, first, again, same)
        cases.append(
            Case(
                name=event.name,
                events=(event.body,),
                plain=(first, again),
                view=log_view(first.calls, again.calls),
                limit_s=min(limit_s, max(_LEAST_LIMIT_S, _SLOWER * again.first_ms / 1000)),
            )
        )
        noted(f"{event.name} answered without a plan")
    recordings = run_all(deferred=frozenset())
    cases = [
        dataclasses.replace(case, failing=_failing(watched))
        for case, watched in zip(cases, recordings, strict=True)
    ]
    for case, watched in zip(cases, recordings, strict=True):
        _check_watched(laboratory, case, watched, same, noted)
    lines: dict[Edge, int] = {}
    for watched in recordings:
        for row in watched.rows:
            if row.state == "eager" and _is_ours(row.edge):
                lines.setdefault(row.edge, row.line)
    asked = {name for watched in recordings for row in watched.rows for name in row.edge.targets}
    parents = _parents(traced.values())
    return Baseline(tuple(cases), tuple(lines), lines, parents, frozenset(asked))


def trace(
    laboratory: Laboratory,
    pool: Pool,
    events: Sequence[Event],
    *,
    limit_s: float,
    tables: bool = False,
) -> dict[str, Outcome]:
    """A process of each event with the tracer, by name; one at a time, since they are timed."""
    return {
        event.name: pool.submit(
            laboratory.job(
                Trial(events=(event.body,), traced=True, tables=tables, fingerprints=()), limit_s
            )
        ).wait()
        for event in events
    }


def in_turn(
    laboratory: Laboratory, pool: Pool, baseline: Baseline, same: Same, *, limit_s: float
) -> Case | None:
    """All events one after the other in one process, as one more case.

    Returns:
        The case; `None` with only one event, or where that is not the same twice.
    """
    events = tuple(case.events[0] for case in baseline.cases)
    if len(events) == 1:
        return None
    jobs = [
        pool.submit(laboratory.job(trial, limit_s))
        for trial in (
            Trial(events=events, tables=True),
            Trial(events=events, tables=True, fingerprints=()),
        )
    ]
    first, second = (job.wait() for job in jobs)
    if first.how or first.error is not None or second.how or second.error is not None:
        return None  # it fails as it is; one event at a time is what was asked for
    slowest_s = max(case.limit_s for case in baseline.cases)
    case = Case(
        name="all events in turn",
        events=events,
        plain=(first, second),
        view=log_view(first.calls, second.calls),
        limit_s=min(limit_s, len(events) * slowest_s),
        failing=frozenset().union(*(case.failing for case in baseline.cases)),
    )
    return case if difference(case, second, same) is None else None


def _failing(watched: Outcome) -> frozenset[Edge]:
    return frozenset(row.edge for row in watched.rows if row.state == "failed")


def _check_works(spec: str, event: Event, outcome: Outcome) -> None:
    fault = outcome.error
    if outcome.how:
        raise FunctionError(
            f"{spec} does not work on event {event.name!r} as it is, without any plan: "
            f"{outcome.how}",
            details=outcome.tail,
        )
    if outcome.fault is not None:
        raise FunctionError(
            f"{spec} cannot be started as it is, without any plan: {printable(str(outcome.fault))}",
            details=_details(outcome),
        )
    if fault is not None:
        raise FunctionError(
            f"{spec} fails on event {event.name!r} as it is, without any plan: "
            f"{printable(str(fault))}; give events that work",
            details=_details(outcome),
        )


def _check_watched(
    laboratory: Laboratory,
    case: Case,
    watched: Outcome,
    same: Same,
    noted: Callable[[str], None],
) -> None:
    spec = laboratory.target.spec
    if not watched.how and not watched.enabled:
        raise UsageError(
            f"imports of {spec} cannot be deferred by {str(laboratory.python)!r}: "
            "the plan engine did not start there (another tool may have replaced "
            "builtins.__import__, or this interpreter works otherwise)"
        )
    found = difference(case, watched, same)
    if found is not None:
        raise FunctionError(
            f"{spec} does not go on event {case.name!r} as it goes otherwise when its imports "
            f"are only watched: {found.text}"
        )
    if watched.replaced:
        noted(
            f"builtins.__import__ is replaced by {watched.replaced}; "
            "statements that run after that stay eager"
        )


def _details(outcome: Outcome) -> str:
    fault = outcome.error
    if fault is None or not fault.trace:
        return ""
    return printable("Traceback (most recent call last):\n" + "".join(fault.trace) + str(fault))


def _check_stable(spec: str, event: Event, first: Outcome, again: Outcome, same: Same) -> None:
    before, after = first.calls[0], again.calls[0]
    if before.kind == after.kind and same(before.answer, after.answer):
        return
    raise UsageError(
        f"{spec} answers event {event.name!r} differently in two runs without any plan, so nothing "
        "can be proved about one; say with --same which answers count as equal, for example "
        "--same \"a['id'] == b['id']\""
    )


def _is_ours(edge: Edge) -> bool:
    top = top_package(edge.importer)
    return bool(top) and top not in _NOT_OURS and top not in _NOT_OURS_EITHER


def _parents(traces: Iterable[Outcome]) -> dict[str, tuple[str, int]]:
    """For each module the one in whose course it was loaded first, and the line that asked."""
    found: dict[str, tuple[str, int]] = {}
    for outcome in traces:
        imports = outcome.imports
        names = {one.id: one.name for one in imports}
        for one in imports:
            if one.kind not in {"failed", "shared"} and one.parent in names:
                found.setdefault(one.name, (names[one.parent], one.asked_line or 0))
    return found
