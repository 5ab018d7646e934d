"""A life for a reader: one row a call; and as JSON, in a versioned schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..machine import Machine
from .options import FULL_PROCESSOR_MB, Life
from .records import CallRecord
from .run import LifeResult

__all__ = ["SCHEMA_VERSION", "print_life", "to_document"]

SCHEMA_VERSION = 1
"""Raised when a field is removed or changes its meaning; new fields do not raise it."""


def print_life(result: LifeResult, console: Console) -> None:
    """Print the whole report.

    Args:
        result: A finished or stopped run.
        console: Where to.
    """
    for line in _heading(result):
        console.print(Text(line), soft_wrap=True)
    console.print()
    console.print(_table(result))
    for note in result.start.notes:
        console.print(Text(f"note: {note}", style="yellow"), soft_wrap=True)
    console.print(Text(_ending(result), style="dim"), soft_wrap=True)


def to_document(result: LifeResult) -> dict[str, Any]:
    """The result as plain JSON values; no event, no answer, no message of the function is in it.

    Times of records are in nanoseconds from the start of the environment.
    """
    plan = result.plan
    zero_ns = result.start.spawned_ns
    return {
        "schema": "coldcache-lab-life",
        "schema_version": SCHEMA_VERSION,
        "started_at": result.started_at,
        "elapsed_s": result.elapsed_s,
        "is_partial": result.is_partial,
        "machine": dataclasses.asdict(result.machine),
        "options": {
            "target": plan.target.spec,
            "events": [event.name for event in plan.events],
            "calls": plan.calls,
            "env_names": sorted(plan.settings),
            "timeout_s": plan.timeout_s,
            "life": dataclasses.asdict(plan.life),
        },
        "start": _relative(result.start, zero_ns),
        "calls": [
            {**_relative(call, zero_ns), "handler_ms": call.handler_ms} for call in result.calls
        ],
        "end": _relative(result.end, zero_ns),
    }


def _relative(record: Any, zero_ns: int) -> dict[str, Any]:
    return {
        name: value - zero_ns if name.endswith("_ns") and value is not None else value
        for name, value in dataclasses.asdict(record).items()
    }


def _heading(result: LifeResult) -> Iterator[str]:
    machine: Machine = result.machine
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    yield f"target    {result.plan.target.spec}"
    yield f"machine   {machine.cpu}, {cores}, {machine.platform}"
    yield f"runtime   {machine.python}, awslambdaric {machine.awslambdaric}"
    yield f"life      {_life(result.plan.life, result.plan.timeout_s)}"
    if result.is_partial:
        yield f"STOPPED after {len(result.calls)} of {result.plan.calls} calls"


def _life(life: Life, timeout_s: float) -> str:
    parts = [life.initialization, f"init limit {life.init_limit_for(timeout_s):g} s"]
    if life.proactive_gap_s is not None:
        parts.append(f"proactive, first event {life.proactive_gap_s:g} s after the init")
    if life.freeze:
        shift = life.frozen_clock_shift_s
        parts.append("frozen between calls" + (f", for {shift:g} s as it seems" if shift else ""))
    if life.workers > 1:
        parts.append(f"{life.workers} workers")
    if life.memory_mb != FULL_PROCESSOR_MB or life.limit_memory or life.limit_cpu:
        parts.append(f"{life.memory_mb} MB")
    if life.limit_memory:
        parts.append("memory limited")
    if life.limit_cpu:
        parts.append(f"{life.processors:.2f} processors")
    if life.extensions != "none":
        parts.append(f"{life.extensions} extension")
    return ", ".join(parts)


def _table(result: LifeResult) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("call", "at, s"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("kind", "start"):
        table.add_column(name, no_wrap=True)
    for name in ("init, ms", "handler, ms", "first byte, ms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome")
    for number, call in enumerate(result.calls, start=1):
        style = "red" if call.outcome != "ok" else "bold" if call.is_cold else ""
        table.add_row(*_row(number, call, result.start.spawned_ns), style=style)
    return table


def _row(number: int, call: CallRecord, zero_ns: int) -> Iterator[str]:
    yield str(number)
    yield f"{(call.handed_ns - zero_ns) / 1e9:.3f}"
    yield "cold" if call.is_cold else "warm"
    yield call.start_class
    yield "" if call.init_ms is None else f"{call.init_ms:.1f}"
    yield f"{call.handler_ms:.2f}"
    first_ns = call.first_byte_ns
    yield "" if first_ns is None else f"{(first_ns - call.handed_ns) / 1e6:.2f}"
    yield call.outcome if call.error is None else f"{call.outcome}: {call.error}"


def _ending(result: LifeResult) -> str:
    end = result.end
    took_ms = (end.ended_ns - end.asked_ns) / 1e6
    how = {
        "exit": f"the process ended by itself {took_ms:.0f} ms after SIGTERM",
        "SIGKILL": f"the process was killed, {took_ms:.0f} ms after it was to end",
        "gone": "there was no process any more",
    }
    text = f"end: {how[end.ended_by]}"
    if end.strays:
        text += f"; {end.strays} left-over processes killed"
    return text
