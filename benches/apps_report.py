"""What the bench of the applications reports: its tables, its verdicts, its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optimizing import Measured, Optimized, mean
from tables import Table

INIT_TARGET = 1.56
FIRST_TARGET = 1.41
SEARCH_WITHIN_S = 60


@dataclass(frozen=True)
class Checks:
    """What had to hold, and what did not."""

    table: Table
    missed: list[str]


def as_tables(found: dict[str, Optimized]) -> list[Table]:
    """The tables of a run: times, and what the plans are."""
    return [times(found), plans(found)]


def times(found: dict[str, Optimized]) -> Table:
    """Init, and init + first answer, of every event of every application."""
    columns = ["application, event", "init, ms", "faster", "init + first, ms", "faster"]
    columns += ["memory, MB", "less", "modules", "answers"]
    table = Table("Plain and planned", columns)
    for name, one in found.items():
        for event in one.events:
            table.rows.append(
                [
                    f"{name}, {event.name.removesuffix('.json')}",
                    both(event.init),
                    spread(event.init),
                    both(event.first),
                    spread(event.first),
                    both(event.memory),
                    f"{event.memory.ratio:.2f}x",
                    f"{event.modules[0]} -> {event.modules[1]}",
                    "equal" if event.answers_equal else "DIFFERENT",
                ]
            )
    table.note = "Medians of fresh processes, interleaved; in brackets the 95 % interval."
    return table


def plans(found: dict[str, Optimized]) -> Table:
    """What was found for every application, with the geometric means over all of them."""
    columns = ["application", "init", "init + first", "memory", "deferred", "eager"]
    columns += ["removed, ms", "moved, ms", "search, s", "runs", "verdict"]
    table = Table("Applications", columns)
    for name, one in found.items():
        document = one.document
        table.rows.append(
            [
                name,
                *[f"{one.gain(metric):.2f}x" for metric in ("init", "first", "memory")],
                str(len(one.edges("deferred"))),
                str(len(one.edges("eager"))),
                number(document["removed_ms"]),
                number(document["moved_ms"]),
                f"{one.search_s:.0f}" + ("" if document["search"]["complete"] else " (cut)"),
                str(document["search"]["runs"]),
                document["verdict"],
            ]
        )
    means = [f"{of_all(found, metric):.2f}x" for metric in ("init", "first", "memory")]
    table.rows.append(["geometric mean", *means, "", "", "", "", "", "", ""])
    table.note = "Where the verdict is not `better` there is no plan: the application counts as 1."
    return table


def verdicts(found: dict[str, Optimized], failed: dict[str, str]) -> Checks:
    """Judge a run."""
    init, first = of_all(found, "init"), of_all(found, "first")
    slow = [name for name, one in found.items() if one.search_s > SEARCH_WITHIN_S]
    different = [name for name, one in found.items() if not one.equal]
    changed = [name for name, one in found.items() if one.changed]
    checks = [
        ("init, geometric mean", f"> {INIT_TARGET}x", f"{init:.3f}x", init > INIT_TARGET),
        ("init + first answer, same", f"> {FIRST_TARGET}x", f"{first:.3f}x", first > FIRST_TARGET),
        ("applications that could not be run", "none", names(list(failed)), not failed),
        ("applications with other answers", "none", names(different), not different),
        ("applications with changed files", "none", names(changed), not changed),
        (f"searches over {SEARCH_WITHIN_S} s", "none", names(slow), not slow),
    ]
    table = Table("Targets", ["what", "wanted", "measured", ""])
    for what, wanted, measured, is_met in checks:
        table.rows.append([what, wanted, measured, "met" if is_met else "MISSED"])
    changes = [f"- changed: {path}" for one in found.values() for path in one.changed[:5]]
    table.note = "\n".join(changes)
    return Checks(table, [what for what, _, _, is_met in checks if not is_met])


def as_page(
    found: dict[str, Optimized], tables: list[Table], checks: Checks, *, load: float, setting: str
) -> str:
    """The page with the results.

    Args:
        found: The applications that could be run.
        tables: Their figures.
        checks: The targets.
        load: That of the machine when the run began.
        setting: What the environment of all functions held, planned and plain; empty for nothing.
    """
    any_of_them: dict[str, Any] = next(iter(found.values())).document if found else {}
    machine = any_of_them.get("machine", {})
    heading = [
        "# The applications, plain and planned",
        "",
        f"Written by `{'make apps' if setting else 'python benches/apps.py --blas-threads'}`, not "
        "by hand. What the applications are: [README.md](README.md).",
        "Faster means plain / planned; geometric means are over all applications. Init alone says",
        "little: what only moves into the first call makes it short. Read it beside init + first",
        "answer, and beside the column of moved milliseconds.",
        "",
        f"Measured on {any_of_them.get('started_at', '?')[:10]} on {machine.get('cpu', '?')}, "
        f"{machine.get('cores', '?')} cores, {machine.get('platform', '?')}; "
        f"{machine.get('python', '?')}, awslambdaric {machine.get('awslambdaric', '?')}, "
        f"{any_of_them.get('made_by', '?')}; load when it began: {load:.1f}.",
        "",
        f"All functions, planned and plain, ran with `{setting}`; [README.md](README.md) says why, "
        "and [the other page](RESULTS-blas-threads.md) has the same without it."
        if setting
        else "OpenBLAS was left the threads that it starts by itself; [README.md](README.md) says "
        "what that does, and [the other page](RESULTS.md) has the same with one thread.",
        "",
        "The files of every application and of its installed packages had the same SHA-256 after "
        "the run as before, unless the table of targets says otherwise.",
        "",
    ]
    ordered = [checks.table, tables[1], tables[0]]
    return "\n".join([*heading, *(table.as_markdown() for table in ordered)])


def of_all(found: dict[str, Optimized], metric: str) -> float:
    """The geometric mean of a gain over all applications."""
    return mean([one.gain(metric) for one in found.values()])


def both(measured: Measured) -> str:
    return f"{measured.plain:.0f} -> {measured.planned:.0f}"


def spread(measured: Measured) -> str:
    return f"{measured.ratio:.2f}x ({measured.low:.2f}-{measured.high:.2f})"


def number(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def names(found: list[str]) -> str:
    return ", ".join(found) or "none"
