"""The page about reliability: nothing in it is written by hand but the sentences of this file."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import subprocess
from typing import TYPE_CHECKING

from faults import scenarios
from faults.callers import CALLERS, HANG_S
from faults.every_subject import SUBJECTS
from faults.healthy import COUNTED_USES, LIMIT_US
from faults.outcome import LATE_S
from faults.place import SIZE, TIMEOUT_S, WAIT_S
from faults.words import HEALTHY, INTRODUCTION, ROTATION

if TYPE_CHECKING:
    import argparse

    from faults.healthy import Cost
    from faults.outcome import Outcome
    from faults.rotation import Rotation

Results = dict[tuple[str, str], "Outcome"]
"""What became of each fault and subject."""

SHOWN_FAULT = {
    **dict.fromkeys(scenarios.EXITS, scenarios.left_during_load),
    "frozen, driver's limit": scenarios.frozen,
}
EXTRA = {
    "frozen, driver's limit": " With `tcp_user_timeout=2000`, which few set.",
    "left during load, no limit": " With `timeout=None`.",
}


def document(
    results: Results,
    costs: list[Cost],
    rotations: list[Rotation],
    given: argparse.Namespace,
    load: float,
) -> str:
    """Write the page."""
    parts = [introduction(given, load)]
    if given.again:
        names = sorted({name for _, name in given.again})
        told = [
            f"{name} ({', '.join(fault for fault, one in given.again if one == name)})"
            for name in names
        ]
        parts.append(f"Played again later than the rest: {'; '.join(told)}.\n")
    parts += ["## Who is who\n", subjects()]
    for heading, server in (("PostgreSQL", "postgresql"), ("Redis", "redis")):
        names = [name for name, kind in SUBJECTS.items() if kind.server == server]
        parts += [f"## {heading}\n", matrix(results, names)]
    parts += [HEALTHY.format(uses=COUNTED_USES), healthy(costs)]
    parts += [ROTATION.format(callers=CALLERS), rotation(rotations)]
    parts += ["## Every trial\n", details(results)]
    return "\n".join(parts)


def introduction(given: argparse.Namespace, load: float) -> str:
    """Say what was run where."""
    now = dt.datetime.now(dt.timezone.utc)
    names = ("coldcache", "psycopg", "psycopg-pool", "SQLAlchemy", "redis", "boto3", "moto")
    return INTRODUCTION.format(
        callers=CALLERS,
        calls=given.calls,
        workers=given.workers,
        date=f"{now:%Y-%m-%d}",
        machine=processor(),
        processors=os.cpu_count(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        system=f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        load=load,
        servers="; ".join(servers()),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=", ".join(f"{name} {importlib.metadata.version(name)}" for name in names),
        hang=HANG_S,
        timeout=TIMEOUT_S,
        wait=WAIT_S,
        size=SIZE,
        late=LATE_S,
    )


def subjects() -> str:
    """Give each subject with the first line of its docstring."""
    lines = ["| subject | what it is |", "| --- | --- |"]
    for name, kind in SUBJECTS.items():
        lines.append(f"| {name} | {(kind.__doc__ or '').strip().splitlines()[0]} |")
    return "\n".join([*lines, ""])


def processor() -> str:
    """Give the model the kernel reports, or the architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
            models = [line.partition(":")[2].strip() for line in cpuinfo if "model name" in line]
    except OSError:
        models = []
    return models[0] if models else platform.machine()


def servers() -> list[str]:
    """Give the versions as the programs say them."""
    from faults.servers import find_programs  # noqa: PLC0415 - may install

    programs = find_programs()
    asked = (
        [f"{programs['postgresql']}/postgres", "--version"],
        [programs["redis"], "--version"],
        [programs["haproxy"], "-v"],
    )
    said = [
        subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
        for command in asked
    ]
    postgresql, redis, haproxy = (text.splitlines()[0] for text in said)
    return [
        "PostgreSQL " + postgresql.split()[2],
        "Redis " + redis.split("v=")[1].split()[0],
        "haproxy " + haproxy.split()[2],
    ]


def title(fault: str) -> str:
    """Give the first line of the fault's docstring."""
    function = SHOWN_FAULT.get(fault) or scenarios.FAULTS[fault]
    return (function.__doc__ or "").strip().splitlines()[0] + EXTRA.get(fault, "")


def is_stood(outcome: Outcome, answers_at: int = 1) -> bool:
    """Whether the outcome is what is asked of coldcache, with an answer at so many-th call."""
    no_harm = not (outcome.wrong or outcome.hung or outcome.not_made or outcome.leaks)
    is_back = outcome.to_recovery is not None and outcome.to_recovery <= answers_at
    return no_harm and not outcome.undocumented and not outcome.late and is_back


def cell(outcome: Outcome | None) -> str:
    """Give the outcome in a few words."""
    if outcome is None:
        return ""
    if outcome.made == 0 or not outcome.is_tested:
        return outcome.remarks[0] if outcome.remarks else "no outcome"
    parts = []
    if outcome.wrong:
        parts.append(f"{outcome.wrong} wrong")
    if outcome.hung:
        parts.append(f"{outcome.hung} hang")
    errors = sum(outcome.errors.values())
    parts.append(f"{errors} errors" if errors else "0" if not parts else "")
    if outcome.to_recovery is None:
        parts.append("never")
    elif outcome.to_recovery > 1:
        parts.append(f"call {outcome.to_recovery}")
    text = ", ".join(part for part in parts if part)
    return f"**{text}**" if is_stood(outcome) else text


def matrix(results: Results, names: list[str]) -> str:
    """Give faults by subjects."""
    lines = ["| fault | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for fault in [*scenarios.FAULTS, *scenarios.EXITS]:
        cells = [cell(results.get((fault, name))) for name in names]
        if any(cells):
            lines.append(f"| {title(fault)} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def healthy(costs: list[Cost]) -> str:
    """Give the costs of a healthy use."""
    lines = ["| subject | us a use | statements a use |", "| --- | ---: | ---: |"]
    for cost in costs:
        spread = cost.microseconds
        time = f"{spread.median:.3g} ({spread.low:.3g}-{spread.high:.3g})"
        lines.append(f"| {cost.subject} | {time} | {cost.statements:g} |")
    verdict = "met" if is_cheap(costs) else "MISSED"
    target = (
        f"Target for `coldcache.resource`: at most {LIMIT_US:g} us and no statement: {verdict}."
    )
    return "\n".join([*lines, "", target, ""])


def is_cheap(costs: list[Cost]) -> bool:
    """Whether a healthy use costs no more than promised."""
    ours = next(cost for cost in costs if cost.subject == "coldcache.resource")
    return ours.microseconds.median <= LIMIT_US and not ours.statements


def is_clean(one: Rotation) -> bool:
    """Whether a rotation took one fetch and one rebuild, and nobody noticed."""
    return not one.failed and one.fetches == 1 and one.rebuilds == one.resources


def rotation(rotations: list[Rotation]) -> str:
    """Give the rotations."""
    lines = [
        "| dependent resources | calls | failed | fetches | rebuilds |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one.resources} | {one.calls} | {one.failed} | {one.fetches} | {one.rebuilds} |"
        for one in rotations
    ]
    return "\n".join([*lines, ""])


def details(results: Results) -> str:
    """Give every figure of every trial."""
    lines = [
        "| fault | subject | right | wrong | hung | not made | errors | longest error, s |"
        " longest call, s | failed after | recovery |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for fault in [*scenarios.FAULTS, *scenarios.EXITS]:
        for name in SUBJECTS:
            outcome = results.get((fault, name))
            if outcome is not None:
                lines.append(detail(fault, name, outcome))
    return "\n".join([*lines, ""])


def detail(fault: str, name: str, outcome: Outcome) -> str:
    """Give the figures of one trial."""
    told = [f"{kind} {count}" for kind, count in sorted(outcome.errors.items())]
    told += [f"(undocumented: {', '.join(outcome.undocumented)})"] if outcome.undocumented else []
    told += [f"({outcome.leaks} show the password)"] if outcome.leaks else []
    told += sorted({f"({remark})" for remark in outcome.remarks})
    recovery = "never" if outcome.to_recovery is None else str(outcome.to_recovery)
    figures = [
        *(fault, name),
        *(str(n) for n in (outcome.right, outcome.wrong, outcome.hung, outcome.not_made)),
        ", ".join(told),
        *(f"{seconds:.2f}" for seconds in (outcome.longest_error_s, outcome.longest_call_s)),
        str(outcome.failed_after),
        recovery,
    ]
    return "| " + " | ".join(figures) + " |"
