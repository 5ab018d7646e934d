"""The parts of a page below its head, for each kind of document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .advice import apply_plan, find_plan
from .bill import bill
from .comparison import comparison
from .edges import edge_table
from .figures import count, ms, percent, thousands
from .flame import flame_graph, frames
from .markup import Content, Html, element
from .outcome import Outcome
from .packages import Packages
from .shares import plan_shares, profile_shares
from .traces import Run, Trace
from .waterfall import waterfall

__all__ = ["Section", "facts", "machine_facts", "outcome_sections", "run_sections"]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: Its id.
        title: Its heading.
        body: Its content.
    """

    name: str
    title: str
    body: Html


def run_sections(run: Run, packages: Packages) -> list[Section]:
    """The parts of a profile's page."""
    sections = [Section("imports", "Import by import", _traces(run, packages, has_shares=True))]
    if run.target:
        sections.append(Section("next", "What next", find_plan(run)))
        sections.append(Section("method", "How it was measured", _run_method(run)))
    return sections


def outcome_sections(outcome: Outcome, packages: Packages | None) -> list[Section]:
    """The parts of an optimisation's page."""
    sections = []
    if outcome.events:
        sections.append(Section("compared", "Before and after", _compared(outcome)))
    sections.append(Section("balance", "Removed and moved", _balance(outcome)))
    sections.append(Section("apply", "How to apply the plan", apply_plan(outcome)))
    if outcome.edges:
        sections.append(Section("edges", "Import statements", _edges(outcome)))
    if outcome.distributions:
        shares = plan_shares(outcome.distributions)
        sections.append(Section("distributions", "Distributions", shares))
    if outcome.profile is not None and packages is not None:
        traces = _traces(outcome.profile, packages, has_shares=not outcome.distributions)
        title = "Import by import, without the plan"
        sections.append(Section("imports", title, traces))
    sections.append(Section("method", "How it was measured", _outcome_method(outcome)))
    return sections


def _traces(run: Run, packages: Packages, *, has_shares: bool) -> Html:
    """The graphics of each event; those of several events fold, one open at a time."""
    panels = [
        _trace(trace, packages, name=f"t{place}", has_shares=has_shares)
        for place, trace in enumerate(run.traces)
    ]
    if len(panels) == 1:
        return panels[0]
    folded = []
    for place, (trace, panel) in enumerate(zip(run.traces, panels, strict=True)):
        first = f", first call {ms(trace.call_ms[0])} ms" if trace.call_ms else ""
        text = f"init {ms(trace.init_ms or 0.0)} ms{first}"
        summary = element("summary", element("b", trace.event), element("span", text))
        folded.append(
            element("details", summary, panel, class_="event", name="event", open=not place)
        )
    note = "A process of its own for each event; the one with the median init is shown."
    return Html(element("p", note, class_="note") + Html("".join(folded)))


def _trace(trace: Trace, packages: Packages, *, name: str, has_shares: bool) -> Html:
    found = frames(trace, packages)
    parts = [
        element("h3", "Where init goes" if trace.init_ms is not None else "Where the time goes"),
        bill(trace, packages),
        element("h3", "Waterfall"),
        element(
            "p",
            "The longest imports in the order in which they began, the ones inside below their "
            "importer. A bar is an import from its begin to its end; its dark part is the "
            "module's own time, the rest went into the imports inside it.",
            element("span", " The upright line is the end of init.") if trace.call_ms else None,
            class_="note",
        ),
        waterfall(trace, packages, found, name=name),
        element("h3", "Flame graph"),
        element(
            "p",
            "All imports, each as wide as it took, below the one that asked for it.",
            class_="note",
        ),
        flame_graph(trace, found, packages, name=name),
    ]
    if trace.left_out:
        few = f"{count(trace.left_out, 'import')} that took least are not on this page."
        parts.append(element("p", few, class_="note"))
    if has_shares and trace.shares:
        parts += [element("h3", "Distributions"), profile_shares(trace.shares)]
    return Html("".join(parts))


def _compared(outcome: Outcome) -> Html:
    note = (
        "Fresh processes of the real runtime client, plain and planned taken in turns. A bar ends "
        "at the median, on a scale from zero that is its row's own; the line across it is the "
        "range below the figure, each dot is one process."
    )
    parts = [element("p", note, class_="note")]
    for event in outcome.events:
        verdict = "same answer" if event.answers_equal else "answers differ"
        style = "state deferred" if event.answers_equal else "state differs"
        mark = element("span", verdict, class_=style)
        parts.append(element("h3", event.event, " ", mark))
        parts.append(comparison(event))
    return Html("".join(parts))


def _balance(outcome: Outcome) -> Html:
    removed, moved = max(0.0, outcome.removed_ms), max(0.0, outcome.moved_ms)
    whole = removed + moved
    if whole <= 0:
        return element("p", "No milliseconds were removed or moved.")
    share = 100 * removed / whole
    drawn = [
        element("rect", x=0, width=f"{share:.2f}%", height=20, class_="planned"),
        element("rect", x=f"{share:.2f}%", width=f"{100 - share:.2f}%", height=20, class_="plain"),
    ]
    texts: Sequence[tuple[str, str, float, str]] = (
        ("planned", "removed", removed, "imports that no event needed: nobody waits for them"),
        ("plain", "moved", moved, "imports that the first call needs: it waits instead of init"),
    )
    legend = [
        element(
            "li",
            element("span", class_=f"swatch {style}"),
            element("span", label, class_="label"),
            element("b", f"{ms(took)} ms"),
            element("span", percent(took, whole), class_="share"),
            element("small", meaning),
        )
        for style, label, took, meaning in texts
    ]
    bar = element("svg", drawn, width="100%", height=20, aria_hidden="true", class_="balance")
    return Html(bar + element("ul", legend, class_="legend wide"))


def _edges(outcome: Outcome) -> Html:
    eager = [edge for edge in outcome.edges if edge.state != "deferred"]
    best = "" if outcome.verdict == "better" else "In the best plan found, "
    text = f"{best}{count(len(outcome.edges) - len(eager), 'import')} wait for their first use"
    if eager:
        text += f"; {thousands(len(eager))} stay where they are, for the reason given"
    text += ". Statements that are not listed are never deferred."
    return Html(element("p", text, class_="note") + edge_table(outcome.edges))


def _run_method(run: Run) -> Html:
    tracer = max((trace.tracer_ms for trace in run.traces), default=0.0)
    rows: list[tuple[str, Content]] = [
        ("function", element("code", run.target)),
        *machine_facts(run.machine),
        ("taken", f"{run.started_at}, in {run.elapsed_s:.0f} s"),
        (
            "method",
            f"{count(run.runs, 'fresh process', 'fresh processes')} for each event after one "
            "that is not counted; a native tracer inside importlib; wall time",
        ),
        ("tracer", f"its own work is at most {ms(tracer)} ms: in the totals, in nobody's own time"),
    ]
    return facts(rows)


def _outcome_method(outcome: Outcome) -> Html:
    search = (
        f"{count(outcome.search_runs, 'run')} in {outcome.search_s:.0f} s, "
        f"{count(outcome.workers, 'worker')}"
    )
    if outcome.note:
        search += f"; {outcome.note}"
    elif not outcome.is_complete:
        search += "; ended before every combination was tried"
    unchanged = f"none of {count(outcome.files, 'file')} of the function and its packages changed"
    rows: list[tuple[str, Content]] = [
        ("function", element("code", outcome.target)),
        *machine_facts(outcome.machine),
        ("taken", f"{outcome.started_at}, in {outcome.elapsed_s:.0f} s"),
        ("search", search),
        *([("files", unchanged)] if outcome.files else []),
        ("made by", outcome.made_by),
    ]
    return facts(rows)


def machine_facts(machine: Mapping[str, str]) -> list[tuple[str, Content]]:
    """What is known of the place of a run."""
    cores = machine.get("cores")
    place = [machine.get("cpu"), cores and f"{cores} cores", machine.get("platform")]
    client = machine.get("awslambdaric")
    runtime = [machine.get("python"), client and f"awslambdaric {client}"]
    named = (("machine", place), ("runtime", runtime))
    return [(name, ", ".join(it for it in parts if it)) for name, parts in named]


def facts(named: Sequence[tuple[str, Content]]) -> Html:
    """Facts by name."""
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in named]
    return element("dl", rows, class_="facts")
