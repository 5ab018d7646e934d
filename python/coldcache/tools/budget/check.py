"""One budget checked: counted, judged, counted once more if exceeded, and explained."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.profile.distributions import FUNCTION

from .baseline import Baseline, Entry, minor
from .bench import Bench
from .case import Case
from .edges import Edge, ImportGraph
from .judge import COUNTS, Finding, changes, judge
from .limits import Budget
from .sample import added_memory, time_ratio
from .startup import Startup

__all__ = ["Difference", "Group", "Verdict", "check", "measure"]

_MEMORY_RUNS = 5


@dataclass(frozen=True)
class Group:
    """Modules that came by one way.

    Attributes:
        entry: The first of them.
        modules: All of them, the entry included.
        chain: The shortest chain of imports from the handler's module to the entry; empty where
            no import statement of the function leads there.
    """

    entry: str
    modules: tuple[str, ...]
    chain: tuple[Edge, ...]


@dataclass(frozen=True)
class Difference:
    """What changed since the baseline.

    Attributes:
        counts: By how much counts have changed, where they have.
        new: Modules that were not there then.
        gone: Modules that are no longer there.
        packages: Which versions have changed, in words.
    """

    counts: dict[str, int]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    packages: tuple[str, ...]

    @classmethod
    def since(cls, entry: Entry, startup: Startup) -> Difference:
        """The difference of a start to a baseline."""
        now = Entry.of(startup)
        return cls(
            counts=changes(entry.counts, now.counts),
            new=tuple(sorted(now.modules - entry.modules)),
            gone=tuple(sorted(entry.modules - now.modules)),
            packages=tuple(entry.changed_packages(now)),
        )


@dataclass(frozen=True)
class Verdict:
    """What is to be said about one budget.

    Attributes:
        budget: The limits.
        startup: What was counted.
        findings: A limit each.
        difference: To the baseline, ``None`` without one.
        forbidden: Ways of forbidden modules.
        ways: Ways of new modules; without a baseline, of all that are not the function's own.
            Only where a limit is exceeded.
        notes: What else a reader must know.
    """

    budget: Budget
    startup: Startup
    findings: tuple[Finding, ...]
    difference: Difference | None
    forbidden: tuple[Group, ...]
    ways: tuple[Group, ...]
    notes: tuple[str, ...]

    @property
    def is_exceeded(self) -> bool:
        """Whether a limit is."""
        return any(one.status == "exceeded" for one in self.findings)


def measure(bench: Bench, budget: Budget, case: Case, *, with_memory: bool = False) -> Startup:
    """Count what the limits of a budget are about.

    Args:
        bench: Runs the processes.
        budget: The limits.
        case: What it is about.
        with_memory: Count memory though there is no limit of it.
    """
    memory = ratio = instructions = None
    not_counted: dict[str, str] = {}
    if with_memory or budget.memory is not None or budget.time_ratio is not None:
        runs = _MEMORY_RUNS if budget.time_ratio is None else budget.runs
        samples = bench.samples(case, runs=runs)
        memory = added_memory(samples)
        if memory is None:
            not_counted["memory"] = "this system does not tell the peak memory of a process"
        if budget.time_ratio is not None:
            ratio = time_ratio(samples)
    if budget.instructions is not None:
        instructions, reason = bench.instructions(case)
        if instructions is None:
            not_counted["instructions"] = reason
    return Startup(
        function=budget.function,
        until=case.until,
        counts=bench.counts(case),
        memory_bytes=memory,
        instructions=instructions,
        time_ratio=ratio,
        not_counted=not_counted,
    )


def check(bench: Bench, budget: Budget, case: Case, baseline: Baseline) -> Verdict:
    """Check one budget.

    A count that is above its limit is taken once more, and what is not in both does not count: a
    thread of the function may or may not have got to an import when init ended.

    Raises:
        UsageError: There is no baseline for a limit that needs one, or a forbidden module is one
            of the runtime client's; and what the bench raises.
        FunctionError: What the bench raises.
    """
    startup = measure(bench, budget, case)
    python = startup.counts.python
    entry = baseline.entry(budget.name, budget.function, python)
    if entry is not None and entry.until != startup.until:
        entry = None
    if entry is None and budget.new_modules is not None:
        raise UsageError(_no_entry(baseline, budget, startup))
    findings = judge(budget, startup, entry)
    if any(one.status == "exceeded" and one.limit.split()[0] in COUNTS for one in findings):
        counts = startup.counts.both(bench.count_again(case))
        startup = dataclasses.replace(startup, counts=counts)
        findings = judge(budget, startup, entry)
    difference = None if entry is None else Difference.since(entry, startup)
    forbidden: tuple[Group, ...] = ()
    ways: tuple[Group, ...] = ()
    if any(one.status == "exceeded" for one in findings):
        graph = bench.graph(case)
        forbidden = _groups(graph, [name for one in findings for name in one.modules])
        explained = difference.new if difference is not None else _foreign(startup)
        ways = _groups(graph, explained)
    notes = []
    if entry is None:
        notes.append(_no_entry(baseline, budget, startup))
    elif difference is not None and difference.packages:
        notes.append(f"versions differ from the baseline: {', '.join(difference.packages)}")
    return Verdict(budget, startup, tuple(findings), difference, forbidden, ways, tuple(notes))


def _groups(graph: ImportGraph, modules: Collection[str]) -> tuple[Group, ...]:
    return tuple(
        Group(entry, tuple(found), graph.chain(entry))
        for entry, found in graph.grouped(modules).items()
    )


def _foreign(startup: Startup) -> list[str]:
    return [name for name, one in startup.modules.items() if one.package != FUNCTION]


def _no_entry(baseline: Baseline, budget: Budget, startup: Startup) -> str:
    there = baseline.versions(budget.name)
    python = minor(startup.counts.python)
    if not there:
        why = f"the baseline has no entry for budget {budget.name!r}"
    elif python not in there:
        why = (
            f"the baseline of budget {budget.name!r} was made with Python {', '.join(there)}, "
            f"this is {python}"
        )
    else:
        why = f"the baseline of budget {budget.name!r} is of another function or event"
    return f"{why}; write one with: coldcache budget --update"
