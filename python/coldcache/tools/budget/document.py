"""Verdicts as JSON, in a versioned schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from .check import Verdict

__all__ = ["SCHEMA_VERSION", "to_document"]

SCHEMA_VERSION = 1
"""Raised when a field is removed or changes its meaning; new fields do not raise it."""


def to_document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Verdicts as plain JSON values; no event and no value of a variable is among them."""
    return {
        "schema": "coldcache-budget-report",
        "schema_version": SCHEMA_VERSION,
        "is_exceeded": any(one.is_exceeded for one in verdicts),
        "budgets": [_verdict(one) for one in verdicts],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    startup, difference = verdict.startup, verdict.difference
    ratio = startup.time_ratio
    return {
        "name": verdict.budget.name,
        "function": startup.function,
        "until": startup.until,
        "python": startup.counts.python,
        "packages": dict(startup.counts.versions),
        "is_exceeded": verdict.is_exceeded,
        "findings": [dataclasses.asdict(one) for one in verdict.findings],
        "counts": {
            "modules": len(startup.modules),
            "extension_modules": len(startup.extension_modules),
            "files": len(startup.files),
            "bytes": startup.bytes_read,
            "memory": startup.memory_bytes,
            "instructions": startup.instructions,
            "time_ratio": None if ratio is None else dataclasses.asdict(ratio),
        },
        "modules": [dataclasses.asdict(one) for one in startup.modules.values()],
        "files": dict(startup.files),
        "difference": None if difference is None else dataclasses.asdict(difference),
        "forbidden": [dataclasses.asdict(one) for one in verdict.forbidden],
        "ways": [dataclasses.asdict(one) for one in verdict.ways],
        "notes": list(verdict.notes),
    }
