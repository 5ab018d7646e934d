"""The top of the page: the finding in one or two sentences, and the figures behind it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from .figures import NO_BREAK, count, megabytes, ms, percent, thousands, times
from .markup import Content, Html, element
from .outcome import Outcome
from .packages import Packages
from .traces import Run, Trace

__all__ = ["Figure", "outcome_headline", "run_headline", "top"]

Figure = tuple[str, str, str]
"""A number with its unit, what it is, and what else there is to say of it."""

_WORTH_NAMING = 0.08


def run_headline(run: Run, packages: Packages) -> Html:
    """The top of a profile's page."""
    first = run.traces[0]
    if first.init_ms is None:
        total_ms = sum(one.total_ns for one in first.during("init").roots) / 1e6
        finding = [f"The imports take {ms(total_ms)}{NO_BREAK}ms. ", *_largest(run, packages)]
        figures = [
            (f"{ms(total_ms)} ms", "imports", "wall time, as the interpreter wrote it"),
            (thousands(len(first.imports)), "modules", "each loaded once"),
        ]
        if run.cached:
            figures.append((thousands(run.cached), "repeats", "asked for, but there already"))
        return top(finding, figures)
    init = [value for trace in run.traces for value in trace.all_init_ms or (trace.init_ms or 0.0,)]
    finding = [f"A cold start spends {ms(statistics.median(init))}{NO_BREAK}ms on init. "]
    return top([*finding, *_largest(run, packages)], _run_figures(run, init))


def outcome_headline(outcome: Outcome) -> Html:
    """The top of an optimisation's page."""
    init, both = outcome.init_ratio, outcome.init_plus_first_ratio
    if outcome.verdict == "better" and init is not None:
        finding: list[Content] = [
            f"With the plan, init takes {percent(init, 1)} of the time it took. "
        ]
        if outcome.events and all(event.answers_equal for event in outcome.events):
            many = len(outcome.events)
            who = "The event is" if many == 1 else f"All {many} events are"
            finding.append(element("span", f"{who} answered as before.", class_="aside"))
    elif outcome.verdict == "only moved":
        finding = ["Deferring imports would only move their cost into the first request. "]
        finding.append(element("span", "No plan was written.", class_="aside"))
    else:
        finding = ["No plan is faster beyond the noise. "]
        finding.append(element("span", "None was written.", class_="aside"))
    deferred = sum(edge.state == "deferred" for edge in outcome.edges)
    figures: list[Figure] = []
    if init is not None:
        figures.append((times(init), "init", _medians(outcome, "init_ms")))
    if both is not None:
        span = _medians(outcome, "init_plus_first_ms")
        figures.append((times(both), "init + first answer", span))
    figures += [
        (f"{ms(outcome.removed_ms)} ms", "removed", "of imports that no event needed"),
        (f"{ms(outcome.moved_ms)} ms", "moved", "from init into the first call"),
        (thousands(deferred), "deferred", f"of {count(len(outcome.edges), 'import statement')}"),
    ]
    head = top(finding, figures)
    if not outcome.reason:
        return head
    reason = outcome.reason[0].upper() + outcome.reason[1:]
    return Html(head + element("p", reason, class_="reason"))


def top(finding: Sequence[Content], figures: Sequence[Figure]) -> Html:
    """The finding as a sentence, and the figures below it."""
    items = [
        element(
            "div", element("dt", what), element("dd", element("b", number), element("small", note))
        )
        for number, what, note in figures
    ]
    return Html(element("p", *finding, class_="finding") + element("dl", items, class_="figures"))


def _run_figures(run: Run, init: Sequence[float]) -> list[Figure]:
    calls = [trace.call_ms[0] for trace in run.traces if trace.call_ms]
    loaded = [trace.loaded("init") for trace in run.traces]
    late = [trace.loaded("first call") for trace in run.traces]
    grown = [size for trace in run.traces if (size := trace.resident_bytes) is not None]
    figures = [
        (
            f"{ms(statistics.median(init))} ms",
            "init",
            f"median of {count(len(init), 'process', 'processes')}, {_range(init)}",
        )
    ]
    if calls:
        note = f"{count(len(calls), 'event')}, {_range(calls)}" if len(calls) > 1 else "its answer"
        figures.append((f"{ms(statistics.median(calls))} ms", "first call", note))
    figures.append(
        (
            thousands(round(statistics.median(loaded))),
            "modules",
            f"in init, and up to {max(late)} more in the first call",
        )
    )
    if grown:
        figures.append((f"{megabytes(statistics.median(grown))} MB", "memory", "grown by imports"))
    return figures


def _range(values: Sequence[float]) -> str:
    return f"{ms(min(values))} to {ms(max(values))}"


def _largest(run: Run, packages: Packages) -> list[Content]:
    """Which packages most of it belongs to."""
    took: Counter[str] = Counter()
    for trace in run.traces:
        for one in trace.imports:
            if one.phase == "init":
                took[packages.group(one).label] += one.self_ns
    whole = sum(_whole_ns(trace) for trace in run.traces)
    named = [it.label for it in packages.groups if it.style.startswith("p")]
    large = [name for name in named if took[name] >= _WORTH_NAMING * whole][:3]
    if not large:
        return []
    names: list[Content] = []
    for place, name in enumerate(large):
        names += ["" if not place else " and " if place == len(large) - 1 else ", "]
        names.append(element("em", name))
    share = percent(sum(took[name] for name in large), whole)
    verb = "is" if len(large) == 1 else "are"
    return [element("span", *names, f" {verb} {share} of that.", class_="aside")]


def _whole_ns(trace: Trace) -> float:
    if trace.init_ms is not None:
        return trace.init_ms * 1e6
    return sum(one.total_ns for one in trace.during("init").roots)


def _medians(outcome: Outcome, name: str) -> str:
    """Both medians of the only event, or how many events a mean is over."""
    if len(outcome.events) != 1:
        return f"geometric mean over {count(len(outcome.events), 'event')}"
    for metric in outcome.events[0].metrics:
        if metric.name == name:
            plain, planned = metric.spreads["plain"], metric.spreads["planned"]
            return f"{ms(plain.median)} to {ms(planned.median)} ms"
    return ""
