"""The result as JSON, in a versioned schema."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from .figures.verdict import FALSE_ALARM_RATE
from .private_file import check_destination, write_private
from .result import EventResult, LabResult, Sample

__all__ = ["SCHEMA_VERSION", "check_destination", "to_document", "write_document"]

SCHEMA_VERSION = 1
"""Raised when a field is removed or changes its meaning; new fields do not raise it."""


def to_document(result: LabResult) -> dict[str, Any]:
    """The result as plain JSON values.

    Holds no event, no answer and no value of an environment variable: events and variables appear
    by name, answers by their SHA-256 and length.
    """
    plan = result.plan
    return {
        "schema": "coldcache-lab",
        "schema_version": SCHEMA_VERSION,
        "started_at": result.started_at,
        "elapsed_s": result.elapsed_s,
        "is_partial": result.is_partial,
        "machine": dataclasses.asdict(result.machine),
        "options": {
            "target": plan.target.spec,
            "baseline": plan.baseline.spec if plan.baseline is not None else None,
            "labels": dict(plan.labels),
            "events": [event.name for event in plan.events],
            "runs": plan.runs,
            "warmups": plan.warmups,
            "env_names": sorted(plan.settings),
            "init_timeout_s": plan.init_timeout_s,
            "timeout_s": plan.timeout_s,
            "seed": plan.seed,
            "relevant_percent": plan.relevant_percent,
        },
        "results": [_event(event) for event in result.events],
        "answers_agree": result.answers_agree,
        "verdict": result.verdict,
        "false_alarm_rate": FALSE_ALARM_RATE,
        "samples": [_sample(sample) for sample in result.samples],
    }


def write_document(result: LabResult, path: Path) -> None:
    """Write the result to *path*, readable by its owner only, all of it or nothing.

    Raises:
        UsageError: The file cannot be written. What was at *path* before is untouched.
    """
    text = json.dumps(to_document(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_private(text, path, option="--json")


def _event(result: EventResult) -> dict[str, Any]:
    difference = result.answers.difference
    return {
        "event": result.event,
        "metrics": {
            metric: {
                **{role: dataclasses.asdict(one) for role, one in figures.summaries.items()},
                "ratio": dataclasses.asdict(figures.ratio) if figures.ratio is not None else None,
                "effect": None if figures.effect is None else dataclasses.asdict(figures.effect),
            }
            for metric, figures in result.metrics.items()
        },
        "verdict": result.verdict,
        "modules": {role: dataclasses.asdict(count) for role, count in result.modules.items()},
        "answers": {
            "verdict": result.answers.verdict,
            "which": result.answers.which or None,
            "first_difference_at": difference.position if difference is not None else None,
        },
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return dataclasses.asdict(sample)
