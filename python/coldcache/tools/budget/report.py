"""Verdicts as a text for people: on a terminal, in the log of a CI run, in a failing test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coldcache.tools.lab.failure import printable

from .check import Group, Verdict
from .judge import Finding

__all__ = ["describe", "figure"]

_MOST_WAYS = 6
_MOST_NAMES = 6
_BYTES = frozenset({"bytes", "memory"})


def describe(verdict: Verdict) -> str:
    """What there is to say about one budget, several lines."""
    return printable("\n".join(_lines(verdict)))


def figure(limit: str, value: float | None) -> str:
    """A figure in the unit of its limit."""
    if value is None:
        return "?"
    if limit == "time_ratio":
        return f"{value:.2f}x"
    return f"{value:,.0f} B" if limit in _BYTES else f"{value:,.0f}"


def _lines(verdict: Verdict) -> Iterator[str]:
    startup, budget = verdict.startup, verdict.budget
    state = "EXCEEDED" if verdict.is_exceeded else "within"
    until = f"until {'the end of init' if startup.until == 'init' else 'its first answer'}"
    yield f"{budget.name}: {state}   {startup.function} {until}, Python {startup.counts.python}"
    cells = [_cells(one) for one in verdict.findings]
    widths = [max(len(row[at]) for row in cells) for at in range(3)] if cells else []
    for row in cells:
        name, found, allowed = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield f"  {name}  {found}  {allowed}  {row[3]}".rstrip()
    # What came with it need not be forbidden itself.
    whole = {group.entry: group for group in verdict.ways}
    for group in verdict.forbidden:
        yield from _way(whole.get(group.entry, group), "forbidden")
    yield from _difference(verdict)
    for note in verdict.notes:
        yield f"  note: {note}"


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    limit = finding.limit.partition(" ")[0]
    allowed = "" if limit == "forbid" else f"at most {figure(limit, finding.allowed)}"
    status = {"within": "ok", "exceeded": "EXCEEDED", "not counted": "NOT COUNTED"}[finding.status]
    found = figure(limit, finding.found)
    if limit == "forbid":
        found = "not loaded" if not finding.modules else _many(len(finding.modules))
    return finding.limit, found, allowed, f"{status}  {finding.note}".rstrip()


def _difference(verdict: Verdict) -> Iterator[str]:
    difference = verdict.difference
    if difference is not None:
        if not (difference.counts or difference.new or difference.gone):
            yield "  as in the baseline"
        else:
            changed = [
                f"{name.replace('_', ' ')} {change:+,}"
                for name, change in difference.counts.items()
            ]
            yield f"  since the baseline: {', '.join(changed) or 'the same counts'}"
        if difference.gone:
            yield f"  gone: {_names(difference.gone)}"
        if difference.new and not verdict.ways:
            yield f"  new: {_names(difference.new)}"
    elif verdict.ways:
        yield "  what brings most modules:"
    known = {group.entry for group in verdict.forbidden}
    ways = [group for group in verdict.ways if group.entry not in known]
    for group in ways[:_MOST_WAYS]:
        yield from _way(group, "new" if difference is not None else "")
    if len(ways) > _MOST_WAYS:
        left = sum(len(group.modules) for group in ways[_MOST_WAYS:])
        yield f"  and {_many(left)} more by {len(ways) - _MOST_WAYS} other ways"


def _way(group: Group, kind: str) -> Iterator[str]:
    more = len(group.modules) - 1
    yield f"  {kind} {group.entry}".replace("   ", "  ") + (
        f" and {_many(more)} that came with it" if more else ""
    )
    if not group.chain:
        yield "    no import statement of the function leads there"
        return
    places = [f"{edge.file}:{edge.line}" for edge in group.chain]
    width = max(map(len, places))
    for place, edge in zip(places, group.chain, strict=True):
        yield f"    {place.ljust(width)}  {edge.importer} imports {edge.module}"


def _many(count: int) -> str:
    return "1 module" if count == 1 else f"{count:,} modules"


def _names(names: Sequence[str]) -> str:
    left = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {left} more" if left > 0 else "")
