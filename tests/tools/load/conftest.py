"""Loads on real functions, and on none at all where only the rules matter."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coldcache.tools.lab import Event, Target
from coldcache.tools.lab.load import Arrivals, LoadPlan, LoadResult, Stream, run_load

# The whole path may be given; beside the checkout is where it is looked for.
_BESIDE = Path(__file__).parents[4] / "shared/data/traces"

NAPPING = """
    import time
    def handler(event, context):
        time.sleep(event.get("nap", 0))
        return "done"
"""


@pytest.fixture
def stream_of(write_function: Callable[..., str]) -> Callable[..., Stream]:
    """A stream that calls a function written for the test."""

    def make(
        arrivals: Arrivals, source: str = NAPPING, *, name: str = "app", event: bytes = b"{}"
    ) -> Stream:
        target = Target.parse(write_function(source, folder=f"function-{name}"))
        return Stream(name, target, (Event("event.json", event),), arrivals)

    return make


@pytest.fixture
def run(needs_runtime_client: None) -> Callable[..., LoadResult]:
    """Run a load on real processes, unless the options say otherwise."""

    def go(*streams: Stream, **options: Any) -> LoadResult:
        return run_load(LoadPlan(streams=streams, **{"simulate": "never", **options}))

    return go


@pytest.fixture
def traces() -> Path:
    """The folder with recorded traces beside the checkout."""
    place = Path(os.environ.get("COLDCACHE_TRACES", _BESIDE))
    if not place.is_dir():
        pytest.skip(f"NOT TESTED against recorded traces: there is no {place}")
    return place
