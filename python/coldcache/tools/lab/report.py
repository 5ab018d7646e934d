"""The result for a reader: one table an event, and whether the answers agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .answers import Comparison
from .failure import printable
from .plan import LabPlan, Role
from .result import EventResult, LabResult, Metric
from .summary import Ratio

__all__ = ["print_report"]

_NAMES: dict[Metric, str] = {
    "init_ms": "init, ms",
    "first_answer_ms": "init + first answer, ms",
    "warm_answer_ms": "warm answer, ms",
    "peak_memory_bytes": "peak memory, MB",
}
_MEGABYTE = 1_000_000
_FIGURE_COLUMNS = ("n", "min", "median", "p95", "p99")
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
        console.print(_table(result.plan, event))
        console.print(_answers(result.plan, event.answers), soft_wrap=True)
    console.print()
    for note in _notes(result.plan):
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


def _table(plan: LabPlan, result: EventResult) -> Table:
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
    for name in _FIGURE_COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    if plan.baseline is not None:
        table.add_column("ratio [95 %]", justify="right", no_wrap=True)
    for metric, name in _NAMES.items():
        figures = result.metrics[metric]
        scale = _MEGABYTE if metric == "peak_memory_bytes" else 1
        cells: dict[Role, list[str]] = {}
        for role, one in figures.summaries.items():
            numbers = (one.minimum, one.median, one.p95, one.p99)
            cells[role] = [str(one.n), *(_number(number / scale) for number in numbers)]
        _add_rows(table, plan, name, cells, _ratio(figures.ratio))
        table.add_section()
    for name, at in (("modules at init", "at_init"), ("modules at answer", "at_first_answer")):
        counts: dict[Role, int] = {role: getattr(it, at) for role, it in result.modules.items()}
        ratio = Text()
        if "baseline" in counts:
            ratio = Text(f"{counts['target'] / counts['baseline']:.2f}")
        # A count of one process, the same in all: it has no spread to show.
        cells = {role: ["1", "", str(count), "", ""] for role, count in counts.items()}
        _add_rows(table, plan, name, cells, ratio)
    return table


def _add_rows(
    table: Table, plan: LabPlan, name: str, cells: Mapping[Role, list[str]], ratio: Text
) -> None:
    """A row a variant; what they have in common stands in the first of them only."""
    for role, label in plan.labels.items():
        is_first = role == "target"
        row: list[Text | str] = [name if is_first else "", Text(label), *cells[role]]
        if plan.baseline is not None:
            row.append(ratio if is_first else "")
        table.add_row(*row)


def _number(value: float) -> str:
    """Three or more significant digits, without noise behind the point."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(ratio: Ratio | None) -> Text:
    if ratio is None:
        return Text("-")
    style = "green" if ratio.high < 1 else "red" if ratio.low > 1 else "dim"
    return Text(f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]", style=style)


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


def _notes(plan: LabPlan) -> Iterator[str]:
    if plan.baseline is not None:
        yield (
            "ratio: median of the target / median of the baseline, "
            "with a 95 % bootstrap interval;\n"
            "below 1 the target needs less, an interval around 1 shows no difference."
        )
    if plan.runs < _FEW:
        yield f"With n = {plan.runs}, p99 is close to the largest sample."
