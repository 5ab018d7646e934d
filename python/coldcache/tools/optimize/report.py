"""The result for a reader: with and without the plan, what must stay eager, how to deploy."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coldcache.tools.lab.failure import printable
from coldcache.tools.lab.plan import Role
from coldcache.tools.lab.result import EventResult, Metric
from coldcache.tools.lab.summary import Ratio

from .result import OptimizeResult

__all__ = ["print_report"]

_NAMES: dict[Metric, str] = {
    "init_ms": "init, ms",
    "first_answer_ms": "init + first answer, ms",
    "warm_answer_ms": "warm answer, ms",
    "peak_memory_bytes": "peak memory, MB",
}
_ROLES: tuple[Role, Role] = ("baseline", "target")
_MEGABYTE = 1_000_000
_MOST_LISTED = 30
_STYLES = {"better": "bold green", "no gain": "bold yellow", "only moved": "bold yellow"}


def print_report(result: OptimizeResult, console: Console, *, lock: str | None, out: str) -> None:
    """Print the whole report.

    Args:
        result: A finished run.
        console: Where to; its width and colours are its own affair.
        lock: Where the lock was written, `None` where none was.
        out: Where it would have been written.
    """
    for line in _heading(result):
        console.print(Text(line), soft_wrap=True)
    for event in result.lab.events:
        console.print()
        console.print(_table(event))
        equal = result.answers_equal(event)
        said = "answers: equal" if equal else "answers: NOT EQUAL"
        console.print(Text(said, style="green" if equal else "red"))
    console.print()
    for line in _bill(result):
        console.print(Text(line), soft_wrap=True)
    if result.kept:
        console.print()
        console.print(_kept(result))
    console.print()
    verdict = result.judgement.verdict
    console.print(
        Text(f"{verdict}: ", style=_STYLES[verdict]) + Text(printable(result.judgement.reason)),
        soft_wrap=True,
    )
    for line in _ending(result, lock, out):
        console.print(Text(line), soft_wrap=True)


def _heading(result: OptimizeResult) -> Iterator[str]:
    plan, machine, found = result.plan, result.lab.machine, result.search
    yield f"target    {plan.target.spec}"
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    yield f"machine   {machine.cpu}, {cores}, {machine.platform}"
    yield f"runtime   {machine.python}, awslambdaric {machine.awslambdaric}"
    end = f"; {found.note}" if found.note else ""
    yield (
        f"search    {result.candidates} imports could be deferred, {len(result.deferred)} are, "
        f"{len(result.kept)} must not be; {found.runs} processes, {found.seconds:.0f} s{end}"
    )
    yield f"measured  fresh process each, {plan.runs} rounds, plain and planned interleaved"


def _table(event: EventResult) -> Table:
    table = Table(
        title=Text(f"event {event.event}", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column("median")
    for name in ("plain", "planned", "ratio [95 %]"):
        table.add_column(name, justify="right", no_wrap=True)
    for metric, name in _NAMES.items():
        figures = event.metrics[metric]
        scale = _MEGABYTE if metric == "peak_memory_bytes" else 1
        values = [_number(figures.summaries[role].median / scale) for role in _ROLES]
        table.add_row(name, *values, _ratio(figures.ratio))
    for name, at in (("modules at init", "at_init"), ("modules at answer", "at_first_answer")):
        plain, planned = (getattr(event.modules[role], at) for role in _ROLES)
        table.add_row(name, str(plain), str(planned), Text(f"{planned / plain:.2f}"))
    return table


def _bill(result: OptimizeResult) -> Iterator[str]:
    one = result.bill
    yield (
        f"removed   {one.removed_ms:.1f} ms of imports that init and first call no longer make; "
        f"moved   {one.moved_ms:.1f} ms from init into the first call"
    )
    packages = [it for it in result.packages if it.modules > it.modules_planned][:6]
    if packages:
        listed = ", ".join(f"{it.name} {it.modules} -> {it.modules_planned}" for it in packages)
        yield f"modules   {listed}"


def _kept(result: OptimizeResult) -> Table:
    table = Table(
        title=Text("imports that have to stay eager", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column("in")
    table.add_column("import")
    table.add_column("why", ratio=1)
    for fate in result.kept[:_MOST_LISTED]:
        why = Text(printable(fate.reason or ""))
        table.add_row(Text(f"{fate.edge.importer}:{fate.line}"), Text(fate.edge.text), why)
    if len(result.kept) > _MOST_LISTED:
        table.add_row("", f"... {len(result.kept) - _MOST_LISTED} more", "see --json")
    return table


def _ending(result: OptimizeResult, lock: str | None, out: str) -> Iterator[str]:
    if result.changed:
        listed = ", ".join(result.changed[:5]) + (" ..." if len(result.changed) > 5 else "")
        yield (
            f"{len(result.changed)} of {result.files} files changed meanwhile, by the function or "
            f"by others: {listed}"
        )
    else:
        yield f"None of {result.files} files of the function and its packages changed."
    if lock is None:
        yield f"No plan is written; {out} is left as it was."
        return
    yield f"Plan: {lock}"
    yield (
        "To apply it: put that file into the function's folder as coldcache.lock, install "
        "coldcache with it or as a layer, and set AWS_LAMBDA_EXEC_WRAPPER to the path of "
        "coldcache/auto/exec_wrapper there (/opt/python/coldcache/auto/exec_wrapper in a layer). "
        "Elsewhere: start the program with that script, or import coldcache.auto first."
    )


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
