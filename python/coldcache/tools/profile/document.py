"""A profile as JSON, in a versioned schema."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coldcache.tools.lab.private_file import write_private

from .importtime import ImportTime
from .record import Import
from .result import Profile, ProfileResult

__all__ = ["SCHEMA_VERSION", "importtime_document", "to_document", "write_json"]

SCHEMA_VERSION = 1
"""Raised when a field is removed or changes its meaning; new fields do not raise it."""


def to_document(result: ProfileResult) -> dict[str, Any]:
    """The result as plain JSON values.

    Holds no event, no answer and no value of an environment variable: events and variables appear
    by name.
    """
    plan = result.plan
    return {
        **_heading("process"),
        "started_at": result.started_at,
        "elapsed_s": result.elapsed_s,
        "machine": dataclasses.asdict(result.machine),
        "options": {
            "target": plan.target.spec,
            "events": [event.name for event in plan.events],
            "runs": plan.runs,
            "calls": plan.calls,
            "env_names": sorted(plan.settings),
            "init_timeout_s": plan.init_timeout_s,
            "timeout_s": plan.timeout_s,
        },
        "profiles": [_profile(profile) for profile in result.profiles],
    }


def importtime_document(found: ImportTime) -> dict[str, Any]:
    """What a text of ``-X importtime`` tells, as plain JSON values."""
    return {
        **_heading("importtime"),
        "imports": _imports(found.imports),
        "cached": found.cached,
        "skipped_rows": found.skipped,
    }


def write_json(document: dict[str, Any], path: Path, *, option: str) -> None:
    """Write a document to *path*, readable by its owner only, all of it or nothing.

    Raises:
        UsageError: The file cannot be written. What was at *path* before is untouched.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"
    write_private(text, path, option=option)


def _heading(source: str) -> dict[str, Any]:
    return {"schema": "coldcache-profile", "schema_version": SCHEMA_VERSION, "source": source}


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "event": profile.event,
        "init_ms": profile.init_ms,
        "start_ms": profile.start_ms,
        "call_ms": list(profile.call_ms),
        "tracer_ms": profile.tracer_ms,
        "dropped": profile.dropped,
        "all_init_ms": list(profile.all_init_ms),
        "distributions": [dataclasses.asdict(share) for share in profile.shares],
        "imports": _imports(profile.imports),
    }


def _imports(imports: Sequence[Import]) -> list[dict[str, Any]]:
    return [
        {**dataclasses.asdict(one), "total_ns": one.total_ns, "self_ns": one.self_ns}
        for one in imports
    ]
