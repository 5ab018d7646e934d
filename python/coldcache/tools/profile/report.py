"""A profile for a reader: where init went, the most expensive imports as a tree, distributions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coldcache.tools.lab.failure import printable

from .distributions import Share
from .importtime import ImportTime
from .record import Import
from .result import PHASES, Profile, ProfileResult
from .tree import Tree, step_sums

__all__ = ["print_importtime", "print_profile"]

_MEGABYTE = 1_000_000
_FEWER_ON_CALLS = 3
_NAME_LIMIT = 60
_PLACE_LIMIT = 48


def print_profile(result: ProfileResult, console: Console, *, top: int) -> None:
    """Print the whole report.

    Args:
        result: A finished run.
        console: Where to; its width and colours are its own affair.
        top: How many imports the tree of init shows.
    """
    machine, plan = result.machine, result.plan
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    for line in (
        f"target    {plan.target.spec}",
        f"machine   {machine.cpu}, {cores}, {machine.platform}",
        f"runtime   {machine.python}, awslambdaric {machine.awslambdaric}",
        f"method    native tracer in the process, {plan.runs} of {plan.runs + 1} fresh processes "
        f"for each event count, shown is the one with the median init; {result.elapsed_s:.0f} s "
        "in all",
    ):
        console.print(Text(printable(line)), soft_wrap=True)
    for profile in result.profiles:
        console.print()
        _print_event(profile, console, top=top)
    console.print()
    for note in _notes(result):
        console.print(Text(note, style="dim"), soft_wrap=True)


def print_importtime(found: ImportTime, console: Console, *, top: int) -> None:
    """Print the tree of a text of ``-X importtime``."""
    tree = Tree(found.imports)
    total_ns = sum(one.total_ns for one in tree.roots)
    console.print(Text(f"{len(tree.imports)} imports, {total_ns / 1e6:.1f} ms"), soft_wrap=True)
    if found.cached:
        asked = sum(found.cached.values())
        text = f"{asked} more times a module was asked for that was there already"
        console.print(Text(text), soft_wrap=True)
    if found.skipped:
        text = f"{found.skipped} rows are damaged and left out"
        console.print(Text(text), soft_wrap=True)
    console.print()
    console.print(_tree_table("imports", tree, top=top))


def _print_event(profile: Profile, console: Console, *, top: int) -> None:
    for line in _outline(profile):
        console.print(line, soft_wrap=True)
    console.print()
    console.print(_share_table(profile.shares))
    for phase in PHASES:
        tree = profile.during(phase)
        if tree.imports:
            console.print()
            count = top if phase == "init" else max(1, top // _FEWER_ON_CALLS)
            console.print(_tree_table(f"imports during {phase}", tree, top=count))


def _outline(profile: Profile) -> Iterator[Text]:
    yield Text(f"event {printable(profile.event)}", style="bold")
    spread = ", ".join(f"{value:.0f}" for value in sorted(profile.all_init_ms))
    yield Text(f"init             {profile.init_ms:8.1f} ms   (processes: {spread})")
    yield Text(f"  interpreter    {profile.start_ms:8.1f} ms   before the first import is seen")
    tree = profile.during("init")
    total_ms = _wall_ms(tree)
    yield Text(f"  imports        {total_ms:8.1f} ms   {_loaded(tree)}")
    if total_ms:
        parts = step_sums(tree.imports)
        shown = [f"{step} {nanos / 1e6:.1f}" for step, nanos in parts.items() if nanos > 50_000]
        yield Text(f"    own times:   {', '.join(shown)}")
    rest_ms = max(0.0, profile.init_ms - profile.start_ms - total_ms)
    yield Text(f"  other          {rest_ms:8.1f} ms   initialisers, the runtime client, the tracer")
    for number, call_ms in enumerate(profile.call_ms):
        name = "first call" if not number else f"call {number + 1}"
        phase = "first call" if not number else "later calls"
        text = f"{name:<17}{call_ms:8.1f} ms"
        if number < len(PHASES) - 1:
            tree = profile.during("first call" if phase == "first call" else "later calls")
            text += f"   imports {_wall_ms(tree):.1f} ms, {_loaded(tree)}"
        yield Text(text)


def _wall_ms(tree: Tree) -> float:
    """Time in which at least one import was under way: threads import side by side."""
    total, until = 0, 0
    for one in sorted(tree.roots, key=lambda one: one.start_ns):
        total += max(0, one.end_ns - max(one.start_ns, until))
        until = max(until, one.end_ns)
    return total / 1e6


def _loaded(tree: Tree) -> str:
    failed = sum(one.kind == "failed" for one in tree.imports)
    loaded = sum(one.kind not in {"failed", "shared"} for one in tree.imports)
    text = f"{loaded} modules" if loaded != 1 else "1 module"
    return f"{text}, {failed} failed" if failed else text


def _share_table(found: Sequence[Share]) -> Table:
    table = _table("distributions, own time")
    table.add_column("distribution", no_wrap=True)
    table.add_column("version", no_wrap=True)
    for name in ("modules", "init, ms", "calls, ms", "MB resident", "MB on disk"):
        table.add_column(name, justify="right", no_wrap=True)
    for share in found:
        init_ms = share.self_ms.get("init", 0.0)
        table.add_row(
            Text(printable(share.name)),
            Text(printable(share.version)),
            str(share.modules),
            f"{init_ms:.1f}",
            f"{share.total_ms - init_ms:.1f}",
            _megabytes(share.resident_bytes),
            _megabytes(share.disk_bytes),
        )
    return table


def _tree_table(title: str, tree: Tree, *, top: int) -> Table:
    table = _table(title)
    has_details = any(one.kind != "unknown" for one in tree.imports)
    for name in ("total, ms", "self, ms", *(("MB",) if has_details else ())):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("module", no_wrap=True)
    if has_details:
        table.add_column("kind", no_wrap=True)
        table.add_column("asked for at", no_wrap=True)
    for row in tree.top(top):
        indent = "  " * row.depth
        if row.one is None:
            many = "1 more" if row.left_out == 1 else f"{row.left_out} more"
            cells = [f"{row.left_out_ns / 1e6:.1f}", "", *([""] if has_details else [])]
            table.add_row(*cells, Text(f"{indent}… {many}", style="dim"))
            continue
        one = row.one
        cells = [f"{one.total_ns / 1e6:.1f}", f"{one.self_ns / 1e6:.1f}"]
        name = Text(indent + _shortened(printable(one.name), _NAME_LIMIT))
        if has_details:
            cells.append(_megabytes(one.resident_bytes))
            table.add_row(*cells, name, _kind(one), _shortened_place(one))
        else:
            table.add_row(*cells, name)
    return table


def _kind(one: Import) -> Text:
    text = f"{one.kind}: {one.error}" if one.error else one.kind
    return Text(printable(f"{text}, reload" if one.is_reload else text))


def _shortened_place(one: Import) -> Text:
    if not one.asked_file:
        return Text("")
    place = printable(f"{one.asked_file}:{one.asked_line}")
    if len(place) > _PLACE_LIMIT:
        place = "…" + place[-_PLACE_LIMIT:]
    return Text(place)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / _MEGABYTE:.1f}"


def _table(title: str) -> Table:
    return Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _notes(result: ProfileResult) -> Iterator[str]:
    tracer = ", ".join(f"{profile.tracer_ms:.1f} ms" for profile in result.profiles)
    yield f"The tracer's own work: {tracer}; it is in the totals, but in nobody's own time."
    yield "What coldcache needs itself was there before the tracer and is not shown."
    for profile in result.profiles:
        if profile.dropped:
            yield f"{printable(profile.event)}: {profile.dropped} imports were too many to keep."
