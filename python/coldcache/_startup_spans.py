"""A startup document as spans in the shape of OTLP's JSON; who sends them is somebody else."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INTERNAL = 1  # of OTLP's span kinds
_ERROR = 2  # of its status codes


def spans(
    document: dict[str, Any], trace_id: str | None, parent_span_id: str | None
) -> list[dict[str, Any]]:
    """Return the span of the start, one for each phase, one for each step."""
    trace = _id("trace_id", trace_id, 16)
    around = None if parent_span_id is None else _id("parent_span_id", parent_span_id, 8)
    origin = document["started_at"] * 1e9

    def span(
        name: str, parent: str | None, begin_ms: float, ms: float, more: dict[str, Any]
    ) -> dict[str, Any]:
        begin = round(origin + begin_ms * 1e6)
        made: dict[str, Any] = {
            "traceId": trace,
            "spanId": os.urandom(8).hex(),
            "name": name,
            "kind": _INTERNAL,
            "startTimeUnixNano": str(begin),
            "endTimeUnixNano": str(begin + round(ms * 1e6)),
            "attributes": [_attribute(key, value) for key, value in more.items() if value],
        }
        if parent is not None:
            made["parentSpanId"] = parent
        return made

    steps = document["steps"]
    end = max(
        [0.0, *document["moments"].values()]
        + [step["begin_ms"] + (step["ms"] or 0.0) for step in steps]
    )
    whole = span(
        "coldcache.startup",
        around,
        0.0,
        end,
        {
            "coldcache.start_class": document["start_class"],
            "coldcache.init_id": document["init_id"],
            "faas.name": document["function_name"],
        },
    )
    made = [
        span(
            f"{step['kind']} {step['name']}",
            None,
            step["begin_ms"],
            # What was under way is shown as far as it had come.
            max(0.0, end - step["begin_ms"]) if step["ms"] is None else step["ms"],
            {"coldcache.kind": step["kind"], **step["tags"], "error.type": step["error"]},
        )
        for step in steps
    ]
    for step, one in zip(steps, made, strict=True):
        parent = step["parent"]
        one["parentSpanId"] = whole["spanId"] if parent is None else made[parent]["spanId"]
        if step["error"] is not None:
            one["status"] = {"code": _ERROR}
    phases = [
        span(phase["name"], whole["spanId"], phase["begin_ms"], phase["ms"], {})
        for phase in document["phases"]
    ]
    return [whole, *phases, *made]


def _attribute(key: str, value: object) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": str(value)}}


def _id(what: str, given: str | None, size: int) -> str:
    if given is None:
        return os.urandom(size).hex()
    if len(given) != 2 * size or set(given.lower()) - set("0123456789abcdef"):
        message = f"{what} must be {2 * size} hexadecimal digits, got {given!r}"
        raise ValueError(message)
    return given.lower()
