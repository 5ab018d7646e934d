"""The bill: what each import cost without the plan, what the plan removes and what it moves."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from coldcache.tools.profile.distributions import Owners, shares
from coldcache.tools.profile.record import Import, Phase
from coldcache.tools.profile.result import Profile
from coldcache.tools.profile.tree import Tree

from .edges import Edge
from .outcome import Outcome

__all__ = ["Bill", "bill", "profile_of"]

_NOT_LOADED = frozenset({"failed", "shared"})


@dataclass(frozen=True)
class Bill:
    """Milliseconds of import, a mean over the events.

    Attributes:
        removed_ms: Of modules that init and first call no longer load.
        moved_ms: Of modules that the first call loads instead of init.
        edges: What deferring an edge keeps out of init, where it is known.
    """

    removed_ms: float
    moved_ms: float
    edges: Mapping[Edge, float]


def bill(
    profiles: Sequence[Profile],
    planned: Sequence[Outcome],
    deferred: Sequence[Edge],
    lines: Mapping[Edge, int],
) -> Bill:
    """Compare what was loaded without the plan with what is loaded with it.

    Args:
        profiles: One for each event, without the plan.
        planned: A process with the plan for each of them.
        deferred: The edges of the plan.
        lines: Line of each edge.
    """
    removed, moved = [], []
    edges: dict[Edge, float] = {}
    for profile, outcome in zip(profiles, planned, strict=True):
        loaded = [
            one
            for one in profile.imports
            if one.phase in {"init", "first call"} and one.kind not in _NOT_LOADED
        ]
        removed.append(
            sum(one.self_ns for one in loaded if one.name not in outcome.modules_first) / 1e6
        )
        moved.append(
            sum(
                one.self_ns
                for one in loaded
                if one.phase == "init" and one.name in outcome.modules_first - outcome.modules_init
            )
            / 1e6
        )
        for edge, ms in _per_edge(profile, outcome, deferred, lines).items():
            edges[edge] = max(ms, edges.get(edge, 0.0))
    return Bill(fmean(removed), fmean(moved), edges)


def profile_of(event: str, traces: Sequence[Outcome], owners: Owners) -> Profile:
    """A profile as `coldcache profile` makes it, of the trace with the median init."""
    ranked = sorted(traces, key=lambda trace: trace.init_ms)
    chosen = ranked[(len(ranked) - 1) // 2]
    imports = tuple(_placed(one, chosen) for one in chosen.imports)
    return Profile(
        event=event,
        init_ms=chosen.init_ms,
        start_ms=(chosen.totals.installed_ns - chosen.spawned_ns) / 1e6,
        call_ms=tuple(call.ms for call in chosen.calls),
        tracer_ms=chosen.totals.own_ns / 1e6,
        dropped=chosen.totals.dropped,
        all_init_ms=tuple(trace.init_ms for trace in traces),
        imports=imports,
        shares=shares(Tree(imports), owners),
    )


def _placed(one: Import, trace: Outcome) -> Import:
    """The import with its phase, and with times that count from the spawn."""
    phase: Phase = "later calls"
    first = trace.calls[0]
    if one.start_ns < first.handed_ns:
        phase = "init"
    elif one.start_ns < first.answered_ns:
        phase = "first call"
    return dataclasses.replace(
        one,
        phase=phase,
        start_ns=one.start_ns - trace.spawned_ns,
        end_ns=one.end_ns - trace.spawned_ns,
    )


def _per_edge(
    profile: Profile, outcome: Outcome, deferred: Sequence[Edge], lines: Mapping[Edge, int]
) -> dict[Edge, float]:
    """What each statement had loaded during init and no longer does, itself and all inside it."""
    tree = Tree(profile.imports)
    asked: defaultdict[tuple[str | None, int | None], list[Import]] = defaultdict(list)
    for one in profile.imports:
        if one.phase == "init":
            asked[one.asked_by, one.asked_line].append(one)
    found: dict[Edge, float] = {}
    for edge in deferred:
        total_ns, pending = 0, list(asked[edge.importer, lines[edge]])
        while pending:
            one = pending.pop()
            pending += tree.inside(one)
            if one.kind not in _NOT_LOADED and one.name not in outcome.modules_init:
                total_ns += one.self_ns
        if total_ns:
            found[edge] = total_ns / 1e6
    return found
