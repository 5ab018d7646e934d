"""The result for a reader: one table an event with the verdicts, and whether answers agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .answers import Comparison
from .distribution_report import number, print_distributions, print_shape, unbounded_note
from .failure import printable
from .figures.verdict import FALSE_ALARM_RATE, Effect, Verdict
from .plan import LabPlan, Role
from .result import EventResult, LabResult, Metric, least_runs
from .summary import Ratio

__all__ = ["print_report", "print_spread"]

_NAMES: dict[Metric, str] = {
    "init_ms": "init, ms",
    "first_call_ms": "first answer alone, ms",
    "first_answer_ms": "init + first answer, ms",
    "warm_answer_ms": "warm answer, ms",
    "peak_memory_bytes": "peak memory, MB",
}
_MEGABYTE = 1_000_000
_FIGURE_COLUMNS = ("n", "min", "median", "p95", "p99")
_NARROW_COLUMNS = ("median",)
_MEDIAN = 2
# With a baseline the whole table needs about this many columns; on less, it keeps to the verdicts.
_WIDE = 118
_STYLES: dict[Verdict, str] = {
    "better": "green",
    "no difference": "dim",
    "worse": "bold red",
    "too few rounds": "yellow",
}
# Under this many samples p99 lies between the two largest of them.
_FEW = 100


def print_report(result: LabResult, console: Console) -> None:
    """Print the whole report.

    Args:
        result: A finished run.
        console: Where to; its width and colours are its own affair.
    """
    for line in _heading(result):
        console.print(Text(line), soft_wrap=True)
    for event in result.events:
        console.print()
        is_narrow = result.plan.baseline is not None and console.width < _WIDE
        console.print(_table(result.plan, event, is_narrow=is_narrow))
        console.print(_answers(result.plan, event.answers), soft_wrap=True)
    console.print()
    if result.verdict is not None:
        console.print(_verdict(result), soft_wrap=True)
    for note in _notes(result):
        console.print(Text(note, style="dim"), soft_wrap=True)


def print_spread(result: LabResult, console: Console) -> None:
    """Print the quantiles with their intervals, and draw how the samples are spread.

    Args:
        result: A finished run.
        console: Where to.
    """
    plan = result.plan
    for event in result.events:
        for metric, name in _NAMES.items():
            scale = _scale(metric)
            found = event.metrics[metric].summaries
            console.print()
            print_distributions(
                f"{name}, event {event.event}",
                {
                    label: (
                        found[role].n,
                        {at: one.scaled(scale) for at, one in found[role].quantiles.items()},
                    )
                    for role, label in plan.labels.items()
                },
                console,
            )
            samples = {
                label: [
                    getattr(one, metric) * scale
                    for one in result.samples
                    if (one.event, one.variant) == (event.event, role) and not one.is_warmup
                ]
                for role, label in plan.labels.items()
            }
            print_shape(samples, console)
    console.print()
    for note in unbounded_note(result.rounds):
        console.print(Text(note, style="dim"), soft_wrap=True)


def _heading(result: LabResult) -> Iterator[str]:
    plan, machine = result.plan, result.machine
    for role, target in plan.variants.items():
        yield f"{role:9} {target.spec}"
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    yield f"machine   {machine.cpu}, {cores}, {machine.platform}"
    yield f"runtime   {machine.python}, awslambdaric {machine.awslambdaric}"
    yield (
        f"method    fresh process each, {plan.runs} rounds after {plan.warmups} discarded, "
        f"interleaved, {result.elapsed_s:.0f} s in all"
    )
    if result.is_partial:
        rounds = "1 round" if result.rounds == 1 else f"{result.rounds} rounds"
        yield f"STOPPED after {rounds}: what follows is drawn from these"


def _table(plan: LabPlan, result: EventResult, *, is_narrow: bool) -> Table:
    table = Table(
        title=Text(f"event {result.event}", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("")
    table.add_column("function", no_wrap=True)
    for name in _NARROW_COLUMNS if is_narrow else _FIGURE_COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    if plan.baseline is not None:
        table.add_column("ratio [95 %]", justify="right", no_wrap=True)
        if not is_narrow:
            table.add_column("difference [95 %]", justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
    for metric, name in _NAMES.items():
        figures = result.metrics[metric]
        scale = _scale(metric)
        cells: dict[Role, list[str]] = {}
        for role, one in figures.summaries.items():
            numbers = (one.minimum, one.median, one.p95, one.p99)
            told = [str(one.n), *(number(value * scale) for value in numbers)]
            cells[role] = [told[_MEDIAN]] if is_narrow else told
        effect = figures.effect
        compared = [] if effect is None else [_difference(effect, scale), _word(effect.verdict)]
        compared = compared[is_narrow:]
        _add_rows(table, plan, name, cells, [_ratio(figures.ratio), *compared])
        table.add_section()
    for name, at in (("modules at init", "at_init"), ("modules at answer", "at_first_answer")):
        counts: dict[Role, int] = {role: getattr(it, at) for role, it in result.modules.items()}
        ratio = Text()
        if "baseline" in counts:
            ratio = Text(f"{counts['target'] / counts['baseline']:.2f}")
        # A count of one process, the same in all: it has no spread to show.
        cells = {role: ["1", "", str(count), "", ""] for role, count in counts.items()}
        if is_narrow:
            cells = {role: [told[_MEDIAN]] for role, told in cells.items()}
        _add_rows(table, plan, name, cells, [ratio, Text(), Text()][: 2 if is_narrow else 3])
    return table


def _add_rows(
    table: Table,
    plan: LabPlan,
    name: str,
    cells: Mapping[Role, list[str]],
    compared: Sequence[Text],
) -> None:
    """A row a variant; what they have in common stands in the first of them only."""
    for role, label in plan.labels.items():
        is_first = role == "target"
        row: list[Text | str] = [name if is_first else "", Text(label), *cells[role]]
        if plan.baseline is not None:
            row += compared if is_first else [""] * len(compared)
        table.add_row(*row)


def _scale(metric: Metric) -> float:
    """From the unit of the samples to that of the table."""
    return 1 / _MEGABYTE if metric == "peak_memory_bytes" else 1.0


def _ratio(ratio: Ratio | None) -> Text:
    if ratio is None:
        return Text("-")
    return Text(f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]")


def _difference(effect: Effect, scale: float) -> Text:
    middle, low, high = (
        number(value * scale) for value in (effect.difference, effect.low, effect.high)
    )
    return Text(f"{middle} [{low}, {high}]")


def _word(verdict: Verdict) -> Text:
    return Text(verdict, style=_STYLES[verdict])


def _verdict(result: LabResult) -> Text:
    """The run in one line: which figures are worse, which are better."""
    found: dict[Verdict, list[str]] = {}
    for event in result.events:
        for metric, figures in event.metrics.items():
            if figures.effect is not None:
                name = _NAMES[metric].rpartition(",")[0]
                where = f"{name} on {event.event}" if len(result.events) > 1 else name
                found.setdefault(figures.effect.verdict, []).append(where)
    text = Text("verdict: ")
    told: tuple[Verdict, ...] = ("worse", "better")
    parts = [(verdict, found[verdict]) for verdict in told if verdict in found]
    if not parts:
        return text + _word(result.verdict or "no difference")
    for place, (verdict, names) in enumerate(parts):
        text = text + Text("; " if place else "") + _word(verdict)
        text += Text(f" in {', '.join(names)}")
    return text


def _answers(plan: LabPlan, comparison: Comparison) -> Text:
    labels = {str(role): label for role, label in plan.labels.items()}
    difference = comparison.difference
    if difference is None:
        return Text("answers: equal", style="green")
    kind = f"the {comparison.which} answers"
    if comparison.verdict == "unstable":
        said = f"answers: UNSTABLE - {kind} of {labels[comparison.left]} differ between its samples"
        names = ("one", "another")
    else:
        said = f"answers: DIFFERENT - {kind} of the two functions differ"
        names = (labels[comparison.left], labels[comparison.right])
    sides = ", ".join(
        f"{name}: ...{printable(side.decode('utf-8', 'backslashreplace'))}..."
        for name, side in zip(names, (difference.left, difference.right), strict=True)
    )
    return Text(f"{said}, first at byte {difference.position} ({sides})", style="red")


def _notes(result: LabResult) -> Iterator[str]:
    plan, rounds = result.plan, result.rounds
    if plan.baseline is not None:
        yield (
            "ratio: median of the target / median of the baseline, "
            "with a 95 % bootstrap interval; below 1 the target needs less.\n"
            "difference: target - baseline, of the means of their fastest quarters. "
            "Worse or better: chance would\n"
            f"hardly do it, and it is at least {plan.relevant_percent:g} % of the baseline. "
            f"At most {100 * FALSE_ALARM_RATE:g} % of runs of equal functions tell a difference."
        )
        least = least_runs(plan)
        if rounds < least:
            yield f"A verdict needs at least {least} rounds; these are {rounds}."
    if rounds < _FEW:
        yield f"With n = {rounds}, p99 is close to the largest sample."
