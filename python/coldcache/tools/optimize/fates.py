"""What becomes of each import statement and each distribution under the plan found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from coldcache.tools.profile.distributions import Owners
from coldcache.tools.profile.record import Phase
from coldcache.tools.profile.result import Profile

from .account import Bill
from .baseline import Baseline
from .edges import Edge
from .outcome import Outcome, Row
from .result import EdgeFate, Package, Use
from .search import SearchResult

__all__ = ["fates", "packages"]

_EARLY: tuple[Phase, ...] = ("init", "first call")


def fates(found: SearchResult, baseline: Baseline, account: Bill) -> tuple[EdgeFate, ...]:
    """The deferred edges and those that have to stay, in the order of the statements.

    Args:
        found: What the search ended with.
        baseline: Knows the order and the lines.
        account: Knows what edges save.
    """
    rows: dict[Edge, list[Row]] = {}
    for outcome in found.finding.outcomes if found.finding is not None else ():
        for row in outcome.rows:
            rows.setdefault(row.edge, []).append(row)
    deferred = frozenset(found.deferred)
    listed = []
    for edge in baseline.candidates:
        line = baseline.lines[edge]
        if edge in deferred:
            used, used_by = _use(rows.get(edge, ()))
            ms = account.edges.get(edge)
            listed.append(EdgeFate(edge, line, True, None, used, used_by, ms))
        elif edge in found.reasons:
            listed.append(EdgeFate(edge, line, False, found.reasons[edge]))
    return tuple(listed)


def _use(rows: Iterable[Row]) -> tuple[Use, str | None]:
    """When an edge is used first in any case, and where."""
    used: Use = "never"
    used_by = None
    for row in rows:
        when: Use = "never"
        if row.at_init == "resolved":
            when = "init"
        elif row.state == "resolved":
            when = "first call"
        if when != "never" and (used == "never" or when == "init"):
            used, used_by = when, row.used_by
    return used, used_by


def packages(
    profiles: Sequence[Profile], planned: Sequence[Outcome], owners: Owners
) -> tuple[Package, ...]:
    """What each distribution costs until the first answer, the most expensive first.

    Args:
        profiles: One for each event, without the plan.
        planned: A process with the plan for each of them.
        owners: Knows which file belongs to what.
    """
    names = {share.name: share for profile in profiles for share in profile.shares}
    left: Counter[str] = Counter()
    for profile, outcome in zip(profiles, planned, strict=True):
        kept: dict[str, set[str]] = {}
        for one in profile.imports:
            if one.name in outcome.modules_first and one.kind not in {"failed", "shared"}:
                kept.setdefault(owners.owner(one), set()).add(one.name)
        for name, modules in kept.items():
            left[name] = max(left[name], len(modules))
    listed = []
    for name, share in names.items():
        times = [
            sum(one.self_ms.get(phase, 0.0) for phase in _EARLY)
            for profile in profiles
            for one in profile.shares
            if one.name == name
        ]
        listed.append(
            Package(
                name=name,
                version=share.version,
                ms=fmean(times),
                resident_bytes=share.resident_bytes,
                disk_bytes=share.disk_bytes,
                modules=share.modules,
                modules_planned=left[name],
            )
        )
    return tuple(sorted(listed, key=lambda package: -package.ms))
