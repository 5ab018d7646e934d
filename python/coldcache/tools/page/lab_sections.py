"""The page of a run of the lab: its head, and the parts below."""

from __future__ import annotations

from collections.abc import Sequence

from .comparison import comparison
from .distribution import distribution
from .estimates import estimate_table
from .figures import NO_BREAK, count, ms, thousands, times
from .headline import Figure, top
from .lab import Lab, LabEvent
from .markup import Content, Html, element
from .rounds import rounds
from .sections import Section, facts, machine_facts

__all__ = ["lab_headline", "lab_sections"]

_NAMES = {
    "init_ms": ("init", "ms"),
    "first_answer_ms": ("first answer", "ms"),
    "init_plus_first_ms": ("init + first answer", "ms"),
    "warm_answer_ms": ("warm answer", "ms"),
    "peak_memory_mb": ("memory", "MB"),
}
_WHOLE = "init_plus_first_ms"


def lab_headline(lab: Lab) -> Html:
    """The top of the page."""
    first = lab.events[0]
    whole, init = first.series[_WHOLE][0], first.series["init_ms"][0]
    middle = whole.quantiles["p50"]
    finding: list[Content] = []
    if lab.verdict is None:
        finding = [f"A cold start answers after {ms(middle.value)}{NO_BREAK}ms. "]
        share = f"{ms(init.quantiles['p50'].value)}{NO_BREAK}ms of that are init."
        finding.append(element("span", share, class_="aside"))
    else:
        finding = _compared(lab)
    figures: list[Figure] = [
        (f"{ms(middle.value)} ms", "init + first answer", f"median of {thousands(whole.n)}"),
        (f"{ms(whole.quantiles['p95'].value)} ms", "the same, p95", f"on {first.event}"),
        (f"{ms(init.quantiles['p50'].value)} ms", "init", "median"),
    ]
    memory = first.series["peak_memory_mb"][0].quantiles["p50"].value
    figures.append((f"{memory:.1f} MB", "memory", "largest resident set"))
    figures.append((thousands(next(iter(first.modules.values()))), "modules", "first answer"))
    return top(finding, figures)


def _compared(lab: Lab) -> list[Content]:
    told = {
        verdict: [
            f"{_NAMES[name][0]} on {event.event}" if len(lab.events) > 1 else _NAMES[name][0]
            for event in lab.events
            for name, one in event.judged.items()
            if one.verdict == verdict
        ]
        for verdict in ("worse", "better")
    }
    names = list(lab.labels.values())
    who = [element("em", names[0]), " against ", element("em", names[1])]
    if lab.verdict == "too few rounds":
        return [*who, ": ", "too few rounds for a verdict."]
    if lab.verdict == "no difference":
        return [*who, ": no difference beyond noise."]
    parts: list[Content] = [*who, ": "]
    first = lab.events[0]
    measured = first.measured
    if measured is not None:
        ratio = next(one.ratio for one in measured.metrics if one.name == _WHOLE)
        if ratio is not None:
            parts = [*who, f", {times(ratio.median)} the time to the first answer. "]
    asides = [
        f"{verdict.capitalize()} in {', '.join(found)}." for verdict, found in told.items() if found
    ]
    return [*parts, element("span", " ".join(asides), class_="aside")]


def lab_sections(lab: Lab) -> list[Section]:
    """The parts of the page below its head."""
    sections = []
    if lab.baseline is not None:
        sections.append(Section("compared", "Compared", _comparisons(lab)))
    sections += [
        Section("distributions", "How the samples are spread", _distributions(lab)),
        Section("rounds", "Round by round", _rounds(lab)),
        Section("figures", "Figures with intervals", _figures(lab)),
        Section("method", "How it was measured", _method(lab)),
    ]
    return sections


def _comparisons(lab: Lab) -> Html:
    note = (
        "Fresh processes of the real runtime client, in turns. A bar ends at the median, on a "
        "scale from zero that is its row's own; the line across it is the interval below the "
        "figure, each dot is one process. Beside the verdict: how much the fastest quarters differ."
    )
    parts = [element("p", note, class_="note")]
    labels = list(lab.labels.values())
    names = {"planned": labels[0], "plain": labels[-1]}
    for event in lab.events:
        if event.measured is not None:
            style = "state deferred" if event.answers == "equal" else "state differs"
            mark = element("span", f"answers {event.answers}", class_=style)
            parts.append(element("h3", event.event, " ", mark))
            parts.append(comparison(event.measured, names=names, judged=event.judged))
    return Html("".join(parts))


def _distributions(lab: Lab) -> Html:
    note = (
        "Above, how many samples fall into each step; below, the share of samples that took at "
        "most so long. Lines are at 50, 90 and 100 %."
    )
    parts = [element("p", note, class_="note")]
    for event in lab.events:
        for name in (_WHOLE, "init_ms", "warm_answer_ms"):
            title, unit = _NAMES[name]
            parts.append(element("h3", _titled(lab, event, title)))
            parts += _present(distribution(event.series[name], unit))
    return Html("".join(parts))


def _rounds(lab: Lab) -> Html:
    note = (
        "Each bar is one cold start: a process from its spawn to its first answer, the darker part "
        "after init. Counted rounds from left to right, on one scale: what drifts or comes in "
        "bursts is seen here."
    )
    parts = [element("p", note, class_="note")]
    for event in lab.events:
        if len(lab.events) > 1:
            parts.append(element("h3", event.event))
        parts.append(rounds(event.series["init_ms"], event.series[_WHOLE]))
    return Html("".join(parts))


def _figures(lab: Lab) -> Html:
    note = (
        "Below each quantile: between which order statistics the true one lies, at 95 %, whatever "
        "the distribution is. Where the samples are too few for an end, it says so."
    )
    parts = [element("p", note, class_="note")]
    for event in lab.events:
        groups = {f"{title}, {unit}": event.series[name] for name, (title, unit) in _NAMES.items()}
        if len(lab.events) > 1:
            parts.append(element("h3", event.event))
        parts.append(estimate_table(f"Quantiles on {event.event}", groups))
    return Html("".join(parts))


def _method(lab: Lab) -> Html:
    rows: list[tuple[str, Content]] = [("function", element("code", lab.target))]
    if lab.baseline is not None:
        rows.append(("baseline", element("code", lab.baseline)))
        rows.append(
            (
                "verdict",
                "by exchanging the values of random rounds, and by signed ranks; at most "
                f"{100 * lab.false_alarm_rate:g} % of runs of equal functions tell a difference; "
                f"one of less than {lab.relevant_percent:g} % counts as none",
            )
        )
    rows += [
        *machine_facts(lab.machine),
        ("taken", f"{lab.started_at}, in {lab.elapsed_s:.0f} s"),
        (
            "method",
            f"a fresh process for each sample, {count(lab.runs, 'round')} after "
            f"{lab.warmups} discarded, interleaved",
        ),
    ]
    return facts(rows)


def _titled(lab: Lab, event: LabEvent, title: str) -> str:
    return f"{title}, {event.event}" if len(lab.events) > 1 else title


def _present(one: Html | None) -> Sequence[Html]:
    return [] if one is None else [one]
