"""A load experiment as JSON, in a versioned schema."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from coldcache.tools.lab.figures.load import draw_figures
from coldcache.tools.lab.figures.versus import compare_variants
from coldcache.tools.lab.private_file import write_private

from .cost import cost_of
from .digest import SHARES, digest
from .prices import PriceList
from .rows import LoadResult

__all__ = ["SCHEMA_VERSION", "to_document", "write_document"]

SCHEMA_VERSION = 1
"""Raised when a field is removed or changes its meaning; new fields do not raise it."""


def to_document(result: LoadResult, prices: PriceList) -> dict[str, Any]:
    """The result as plain JSON values.

    Holds no event, no answer and no value of an environment variable.
    """
    versus = {one.variant: dataclasses.asdict(one) for one in compare_variants(result)}
    return {
        "schema": "coldcache-load",
        "schema_version": SCHEMA_VERSION,
        "started_at": result.started_at,
        "elapsed_s": result.elapsed_s,
        "is_partial": result.is_partial,
        "machine": dataclasses.asdict(result.machine),
        "seed": result.seed,
        "memory_mb": result.memory_mb,
        "options": dict(result.options),
        "prices": dataclasses.asdict(prices),
        "variants": [
            {
                "figures": dataclasses.asdict(figures),
                **dataclasses.asdict(one),
                "latency_ms": {
                    f"p{share * 100:g}": value
                    for share, value in zip(SHARES, one.latency_ms, strict=False)
                },
                "cost": dataclasses.asdict(cost_of(result, one.variant, prices)),
                "versus": versus.get(one.variant),
            }
            for one, figures in zip(digest(result), draw_figures(result), strict=True)
        ],
        "rows": [dataclasses.asdict(row) for row in result.rows],
        "pings": [dataclasses.asdict(row) for row in result.pings],
        "environments": [dataclasses.asdict(span) for span in result.environments],
    }


def write_document(result: LoadResult, prices: PriceList, path: Path) -> None:
    """Write the result to *path*, readable by its owner only, all of it or nothing.

    Raises:
        UsageError: The file cannot be written. What was at *path* before is untouched.
    """
    document = to_document(result, prices)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"
    write_private(text, path, option="--json")
