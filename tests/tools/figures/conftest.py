"""Load experiments as the fleet would leave them behind, made up but consistent."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from coldcache.tools.lab.load.rows import EnvironmentSpan, LoadResult, Row
from coldcache.tools.lab.machine import Machine

MACHINE = Machine("Some Processor", 2, "Linux-6.1", "CPython 3.11.7", "4.2.2", "0.1.0")


def make_row(number: int = 0, **facts: Any) -> Row:
    """A warm call that went well, or what *facts* say."""
    arrived = facts.pop("arrived_s", float(number))
    init, handler = facts.pop("init_ms", None), facts.pop("handler_ms", 5.0)
    queued = facts.pop("queued_ms", 1.0)
    latency = queued + (init or 0.0) + (handler or 0.0)
    answered = arrived + latency / 1e3
    usual: dict[str, Any] = {
        "number": number,
        "arrived_s": arrived,
        "handed_s": arrived + (queued + (init or 0.0)) / 1e3,
        "first_byte_s": answered - 0.0005,
        "answered_s": answered,
        "environment": 1,
        "kind": "warm" if init is None else "cold",
        "start_class": "warm" if init is None else "on-demand",
        "init_ms": init,
        "queued_ms": queued,
        "handler_ms": handler,
        "latency_ms": latency,
        "outcome": "ok",
        "error": None,
        "source": "process",
        "variant": "nothing",
        "function": "app",
    }
    return Row(**{**usual, **facts})


def make_span(number: int = 1, **facts: Any) -> EnvironmentSpan:
    """An environment that lived from 0 to 60 s."""
    usual: dict[str, Any] = {
        "number": number,
        "variant": "nothing",
        "began_s": 0.0,
        "ready_s": 0.2,
        "ended_s": 60.0,
        "calls": 1,
        "end_reason": "idle",
        "function": "app",
    }
    return EnvironmentSpan(**{**usual, **facts})


def make_load(
    *, variants: tuple[str, ...] = ("nothing", "ping:5m"), calls: int = 400, **facts: Any
) -> LoadResult:
    """An experiment of 60 s: one environment for each ten calls, a few of which fail."""
    draw = random.Random(calls)
    rows, spans, pings = [], [], []
    for place, variant in enumerate(variants):
        for number in range(calls):
            environment = number // 10 + 1
            is_cold = number % 10 == 0 and (place == 0 or number % 20 == 0)
            arrived = 60.0 * number / calls
            init = 180 + draw.expovariate(1 / 20) if is_cold else None
            rows.append(
                make_row(
                    number,
                    arrived_s=arrived,
                    init_ms=init,
                    handler_ms=8 + draw.expovariate(1 / 4),
                    queued_ms=draw.expovariate(1 / 0.5),
                    environment=environment,
                    variant=variant,
                    outcome="error" if number % 97 == 50 else "ok",
                    error="ValueError" if number % 97 == 50 else None,
                    source="simulated" if number % 2 else "process",
                )
            )
        for number in range(calls // 10):
            began = 60.0 * number * 10 / calls
            spans.append(
                make_span(
                    number + 1,
                    variant=variant,
                    began_s=began,
                    ready_s=began + 0.2,
                    ended_s=min(60.0, began + 20.0),
                    calls=10,
                )
            )
        if place:
            pings += [make_row(number, variant=variant, environment=2) for number in range(3)]
    usual: dict[str, Any] = {
        "rows": tuple(rows),
        "environments": tuple(spans),
        "seed": 7,
        "options": {
            "functions": [{"name": "app", "target": "shop:app.handler", "load": "constant"}],
            "compression": 1.0,
            "duration_s": 60.0,
            "keep_alive": "20 s",
            "reuse": "most-recent",
            "assumed": None,
            "cold_samples": 10,
            "warm_samples": 50,
        },
        "machine": MACHINE,
        "started_at": "2026-11-27T11:00:00+00:00",
        "elapsed_s": 75.0,
        "memory_mb": 1024,
        "is_partial": False,
        "pings": tuple(pings),
    }
    return LoadResult(**{**usual, **facts})


@pytest.fixture
def row() -> Callable[..., Row]:
    """Makes a call."""
    return make_row


@pytest.fixture
def span() -> Callable[..., EnvironmentSpan]:
    """Makes an environment's life."""
    return make_span


@pytest.fixture
def load() -> Callable[..., LoadResult]:
    """Makes an experiment."""
    return make_load
