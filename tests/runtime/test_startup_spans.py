"""A timeline as spans in the shape of OTLP's JSON."""

from __future__ import annotations

import contextlib
from typing import Any

import coldcache
import pytest


@pytest.fixture
def spans() -> list[dict[str, Any]]:
    with contextlib.suppress(OSError), coldcache.step("load"):
        with coldcache.step("inner"):
            pass
        raise OSError("hunter2")
    return coldcache.startup().to_spans(trace_id="0" * 31 + "1", parent_span_id="AB" * 8)


def named(spans: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [span] = [span for span in spans if span["name"] == name]
    return span


def test_each_step_is_a_span_inside_that_of_the_step_around_it(spans: list[dict[str, Any]]) -> None:
    whole = named(spans, "coldcache.startup")
    outer, inner = named(spans, "step load"), named(spans, "step inner")

    assert whole["parentSpanId"] == "ab" * 8
    assert (outer["parentSpanId"], inner["parentSpanId"]) == (whole["spanId"], outer["spanId"])
    assert {span["traceId"] for span in spans} == {"0" * 31 + "1"}
    assert len({span["spanId"] for span in spans}) == len(spans)


def test_times_are_texts_of_nanoseconds_and_lie_within_the_start(
    spans: list[dict[str, Any]],
) -> None:
    whole = named(spans, "coldcache.startup")
    for span in spans:
        assert int(span["startTimeUnixNano"]) >= int(whole["startTimeUnixNano"])
        assert int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"])


def test_an_error_is_a_status_and_a_type_and_no_message(spans: list[dict[str, Any]]) -> None:
    load = named(spans, "step load")

    assert load["status"] == {"code": 2}
    assert {"key": "error.type", "value": {"stringValue": "OSError"}} in load["attributes"]
    assert "hunter2" not in repr(spans)


@pytest.mark.parametrize("ids", [{"trace_id": "1"}, {"parent_span_id": "g" * 16}])
def test_an_id_of_another_form_is_refused(ids: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="hexadecimal digits"):
        coldcache.startup().to_spans(**ids)
