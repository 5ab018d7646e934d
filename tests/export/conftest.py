from __future__ import annotations

from collections.abc import Callable
from typing import Any

import coldcache
import pytest
from coldcache._invocation import Invocation

FIRST: dict[str, Any] = {
    "init_id": "b0c1",
    "platform": "lambda",
    "start_class": "on-demand",
    "start_rule": "the first event was there before it was asked for",
    "is_first": True,
    "began_at": 1_795_779_000.25,
    "request_id": "8d4c",
    "trace_id": "Root=1-67",
    "function_name": "shop",
    "function_version": "7",
    "memory_mb": 512,
    "call_seconds": 0.012,
    "init_seconds": 0.2,
    "first_answer_seconds": 0.3,
    "visible_start_seconds": 0.45,
    "next_wait_seconds": 0.001,
    "startup_errors": {"ImportError": 2, "OSError": 1},
    "cache": {
        "hits": 4, "misses": 3, "loads": 3, "load_errors": 1, "stale": 1, "evictions": 2,
    },
    "resources": {"rebuilds": 1, "check_failures": 1},
    "pools": {"saturated": 1, "waiting": 2},
    "own_seconds": 0.000003,
}  # fmt: skip
_OF_THE_FIRST = (
    "init_seconds",
    "first_answer_seconds",
    "visible_start_seconds",
    "next_wait_seconds",
    "startup_errors",
)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A start with a failed step inside another one, as `coldcache.startup` tells it."""

    def span(name: str, number: int, parent: int | None, **more: Any) -> dict[str, Any]:
        around = {} if parent is None else {"parentSpanId": f"{parent:016x}"}
        return {
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": f"{number:016x}",
            **around,
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(1_795_779_000_000_000_000 + number),
            "endTimeUnixNano": str(1_795_779_001_000_000_000 - number),
            "attributes": [{"key": "coldcache.kind", "value": {"stringValue": "step"}}],
            **more,
        }

    spans = [
        span("step inner", 3, 2, status={"code": 2}),
        span("coldcache.startup", 1, None),
        span("step outer", 2, 1),
    ]

    class Startup:
        def to_spans(self) -> list[dict[str, Any]]:
            return spans

    monkeypatch.setattr(coldcache, "startup", Startup)
    return spans


@pytest.fixture
def first() -> Callable[..., Invocation]:
    """The first call of a cold start, with changes."""
    return lambda **changes: Invocation(**{**FIRST, **changes})


@pytest.fixture
def warm() -> Callable[..., Invocation]:
    """A later call, with changes."""
    given = {key: value for key, value in FIRST.items() if key not in _OF_THE_FIRST}
    given |= {"is_first": False, "start_class": "warm", "request_id": "9a"}
    return lambda **changes: Invocation(**{**given, **changes})
