"""One import as the tracer saw it, or as a line of ``-X importtime`` tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

__all__ = ["STEPS", "Import", "Phase", "Step", "Totals", "read_records"]

Step = Literal["find", "check", "read", "unmarshal", "compile", "dlopen", "exec", "body", "rest"]
Phase = Literal["init", "first call", "later calls"]

STEPS: tuple[Step, ...] = get_args(Step)
"""The parts of an import's own time, in the order in which they happen."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import. What a source of records does not tell is ``None``.

    Attributes:
        id: Counts up in the order in which imports began.
        parent: The import in whose course this one happened, on the same thread.
        name: Full name of the module.
        kind: ``source``, ``bytecode``, ``extension``, ``builtin``, ``frozen``, ``namespace``,
            ``other``, ``shared`` (loaded by another thread or by its package when its turn came),
            ``failed`` or ``unknown``.
        phase: When it happened; set once the calls are known.
        is_reload: Whether the module was there and ran again.
        depth: How many imports are around it.
        thread: The system's id of the thread.
        start_ns: Begin, in nanoseconds of the monotonic clock, or since the first import.
        end_ns: End, likewise.
        nested_ns: Part of the time that belongs to imports inside it, the tracer's work included.
        steps_ns: What its own time went into.
        asked_by: ``__name__`` of the code that asked for it.
        asked_file: File of that code.
        asked_line: Line in that file.
        origin: File it was loaded from, ``built-in`` or ``frozen``.
        read_bytes: Bytes of source and bytecode that were read.
        resident_bytes: Growth of the process meanwhile, imports inside it included.
        minor_faults: Page faults of its thread that needed no disk, likewise.
        major_faults: Page faults that did.
        error: Type of the exception that it ended with.
        error_message: Its message, where the exception is about imports.
    """

    id: int
    name: str
    start_ns: int
    end_ns: int
    parent: int | None = None
    kind: str = "unknown"
    phase: Phase = "init"
    is_reload: bool = False
    depth: int = 0
    thread: int = 0
    nested_ns: int = 0
    steps_ns: dict[Step, int] = field(default_factory=dict)
    asked_by: str | None = None
    asked_file: str | None = None
    asked_line: int | None = None
    origin: str | None = None
    read_bytes: int = 0
    resident_bytes: int | None = None
    minor_faults: int | None = None
    major_faults: int | None = None
    error: str | None = None
    error_message: str | None = None

    @property
    def total_ns(self) -> int:
        """From begin to end."""
        return self.end_ns - self.start_ns

    @property
    def self_ns(self) -> int:
        """Its own part of that."""
        return max(0, self.total_ns - self.nested_ns)


@dataclass(frozen=True)
class Totals:
    """What the tracer says of itself.

    Attributes:
        installed_ns: When it began to see imports.
        own_ns: What it took itself.
        dropped: Imports it could not keep.
    """

    installed_ns: int = 0
    own_ns: int = 0
    dropped: int = 0


def read_records(lines: Iterable[str]) -> tuple[list[Import], Totals]:
    """Read what the tracer wrote.

    Args:
        lines: JSON, one object a line; a last line that was cut off is left out.

    Returns:
        The imports in the order in which they began, and the tracer's last word on itself.
    """
    imports: list[Import] = []
    totals = Totals()
    for line in lines:
        if not line.endswith("}\n"):
            continue  # the process was ended while it wrote
        data = json.loads(line)
        if "id" in data:
            imports.append(_import(data))
        else:
            totals = Totals(data["installed_ns"], data["own_ns"], data["dropped"])
    imports.sort(key=lambda one: one.id)
    return imports, totals


def _import(data: dict[str, Any]) -> Import:
    steps: dict[Step, int] = {
        step: data.pop(f"{step}_ns") for step in STEPS if f"{step}_ns" in data
    }
    own = data["end_ns"] - data["start_ns"] - data["nested_ns"]
    # Locks, the parent package, and what importlib does around its steps.
    steps["rest"] = max(0, own - sum(steps.values()))
    return Import(steps_ns=steps, is_reload=data.pop("reload"), **data)
