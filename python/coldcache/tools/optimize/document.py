"""The result as JSON, in the schema that the report page reads."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from coldcache.tools.lab.figures.quantiles import quantile
from coldcache.tools.lab.plan import Role
from coldcache.tools.lab.private_file import write_private
from coldcache.tools.lab.result import EventResult, Sample
from coldcache.tools.lab.summary import ratio_of_medians
from coldcache.tools.profile.document import to_document as profile_document

from .result import EdgeFate, OptimizeResult, Package

__all__ = ["SCHEMA", "to_document", "write_document"]

SCHEMA = "coldcache.optimize/1"

_MEGABYTE = 1_000_000
_ROLES: tuple[tuple[str, Role], ...] = (("plain", "baseline"), ("planned", "target"))
_METRICS: dict[str, Callable[[Sample], float]] = {
    "init_ms": lambda sample: sample.init_ms,
    "init_plus_first_ms": lambda sample: sample.first_answer_ms,
    "first_answer_ms": lambda sample: sample.first_answer_ms - sample.init_ms,
    "warm_answer_ms": lambda sample: sample.warm_answer_ms,
    "peak_memory_mb": lambda sample: sample.peak_memory_bytes / _MEGABYTE,
}


def to_document(result: OptimizeResult, lock: str | None) -> dict[str, Any]:
    """The result as plain JSON values.

    Holds no event, no answer and no value of an environment variable.

    Args:
        result: A finished run.
        lock: Where the lock was written, `None` where none was.
    """
    plan, found, judged = result.plan, result.search, result.judgement
    return {
        "schema": SCHEMA,
        "made_by": f"coldcache {result.lab.machine.coldcache}",
        "started_at": result.started_at,
        "elapsed_s": result.elapsed_s,
        "machine": dataclasses.asdict(result.lab.machine),
        "target": {"folder": str(plan.target.folder), "handler": plan.target.handler},
        "python": result.lab.machine.python.rpartition(" ")[2],
        "verdict": judged.verdict,
        "reason": judged.reason,
        "options": {
            "runs": plan.runs,
            "budget_s": plan.budget_s,
            "same": plan.same,
            "env_names": sorted(plan.settings),
        },
        "search": {
            "runs": found.runs,
            "seconds": found.seconds,
            "workers": plan.workers,
            "complete": found.is_complete,
            "candidates": result.candidates,
            "note": found.note or None,
        },
        "edges": [_edge(fate) for fate in result.edges],
        "removed_ms": result.bill.removed_ms,
        "moved_ms": result.bill.moved_ms,
        "events": [_event(result, event) for event in result.lab.events],
        "overall": {
            "init_ratio": judged.init.value,
            "init_plus_first_ratio": judged.first.value,
            "init_interval": [judged.init.low, judged.init.high],
            "init_plus_first_interval": [judged.first.low, judged.first.high],
        },
        "distributions": [_package(one) for one in result.packages],
        "files": {"checked": result.files, "changed": list(result.changed)},
        "profile": profile_document(result.profile),
        "lock": lock,
    }


def write_document(document: dict[str, Any], path: Path) -> None:
    """Write the document to *path*, readable by its owner only, all of it or nothing.

    Raises:
        UsageError: The file cannot be written. What was at *path* before is untouched.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"
    write_private(text, path, option="--json")


def _edge(fate: EdgeFate) -> dict[str, Any]:
    return {
        "importer": fate.edge.importer,
        "edge": fate.edge.text,
        "line": fate.line,
        "state": "deferred" if fate.is_deferred else "eager",
        "reason": fate.reason,
        "used": fate.used,
        "used_by": fate.used_by,
        "ms": fate.ms,
    }


def _event(result: OptimizeResult, event: EventResult) -> dict[str, Any]:
    lab = result.lab
    samples = {
        name: [
            sample
            for sample in lab.samples
            if sample.event == event.event and sample.variant == role and not sample.is_warmup
        ]
        for name, role in _ROLES
    }
    return {
        "event": event.event,
        "answers_equal": result.answers_equal(event),
        "metrics": {
            metric: _metric([list(map(of, samples[name])) for name, _ in _ROLES], lab.plan.seed)
            for metric, of in _METRICS.items()
        },
        "samples": {
            name: [{metric: of(one) for metric, of in _METRICS.items()} for one in taken]
            for name, taken in samples.items()
        },
        "modules": {name: event.modules[role].at_first_answer for name, role in _ROLES},
        "modules_at_init": {name: event.modules[role].at_init for name, role in _ROLES},
    }


def _metric(values: Sequence[Sequence[float]], seed: int) -> dict[str, Any]:
    plain, planned = values
    ratio = ratio_of_medians(planned, plain, seed=seed)
    return {
        "plain": _spread(plain),
        "planned": _spread(planned),
        "ratio": None
        if ratio is None
        else {"median": ratio.value, "low": ratio.low, "high": ratio.high},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """The median, and where nine tenths of the samples lie."""
    return {"median": median(values), "low": quantile(values, 0.05), "high": quantile(values, 0.95)}


def _package(one: Package) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "ms": one.ms,
        "mb": None if one.resident_bytes is None else one.resident_bytes / _MEGABYTE,
        "disk_mb": None if one.disk_bytes is None else one.disk_bytes / _MEGABYTE,
        "modules": one.modules,
        "modules_planned": one.modules_planned,
    }
