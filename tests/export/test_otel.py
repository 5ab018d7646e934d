"""Through the OpenTelemetry API, into the real SDK."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from coldcache._invocation import Invocation
from coldcache.export import names
from coldcache.export.otel import OpenTelemetry
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

Make = Callable[..., Invocation]


class Set:
    """An SDK that keeps everything in memory."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.spans = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.exporter = OpenTelemetry(meter_provider=self.meters, tracer_provider=self.tracers)

    def metrics(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        assert data is not None
        return {metric.name: metric for metric in data.resource_metrics[0].scope_metrics[0].metrics}

    def value(self, name: str, **attributes: str) -> float | None:
        for point in self.metrics()[name].data.data_points:
            if dict(point.attributes) == attributes:
                return float(point.value if hasattr(point, "value") else point.sum)
        return None


@pytest.fixture
def sdk() -> Set:
    return Set()


def test_everything_of_a_cold_start_reaches_the_sdk(sdk: Set, first: Make) -> None:
    sdk.exporter.emit(first(error="KeyError"))
    metrics = sdk.metrics()
    for row in names.TABLE:
        if row.key in ("pings", "export_cut", "export_refused"):
            continue  # nothing of these
        assert metrics[row.otel].unit == row.unit
        assert metrics[row.otel].description == row.description


def test_values_add_up_with_their_attributes(sdk: Set, first: Make, warm: Make) -> None:
    sdk.exporter.emit(first(cache={"hits": 4}))
    sdk.exporter.emit(warm(cache={"hits": 9}, error="KeyError"))
    cold: dict[str, Any] = {"coldcache.start_class": "on-demand"}
    failed: dict[str, Any] = {"error.type": "KeyError"}
    assert sdk.value("faas.invocations") == 2
    assert sdk.value("faas.coldstarts", **cold) == 1
    assert sdk.value("faas.init_duration", **cold) == pytest.approx(0.2)
    assert sdk.value("coldcache.cache.hits") == 9
    assert sdk.value("faas.errors", **failed) == 1


def test_histograms_have_the_buckets_of_the_conventions(sdk: Set, first: Make) -> None:
    sdk.exporter.emit(first())
    (point,) = sdk.metrics()["faas.invoke_duration"].data.data_points
    assert tuple(point.explicit_bounds) == names.BUCKETS


def test_a_gauge_says_how_things_stand(sdk: Set, first: Make, warm: Make) -> None:
    sdk.exporter.emit(first(pools={"waiting": 5}))
    sdk.exporter.emit(warm(pools={"waiting": 1}))
    assert sdk.value("coldcache.pool.waiting") == 1


def test_the_current_span_is_told_of_the_cold_start(sdk: Set, first: Make) -> None:
    with sdk.tracers.get_tracer("test").start_as_current_span("shop"):
        sdk.exporter.emit(first())
    (span,) = [span for span in sdk.spans.get_finished_spans() if span.name == "shop"]
    assert span.attributes == {
        "faas.coldstart": True,
        "faas.invocation_id": "8d4c",
        "coldcache.start_class": "on-demand",
    }


def test_a_warm_call_is_told_as_one(sdk: Set, warm: Make) -> None:
    with sdk.tracers.get_tracer("test").start_as_current_span("shop"):
        sdk.exporter.emit(warm())
    (span,) = sdk.spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["faas.coldstart"] is False


def test_the_start_becomes_spans_in_one_another(
    sdk: Set, first: Make, started: list[dict[str, Any]]
) -> None:
    sdk.exporter.emit(first())
    spans = {span.name: span for span in sdk.spans.get_finished_spans()}
    whole, outer, inner = (
        spans[name] for name in ("coldcache.startup", "step outer", "step inner")
    )
    assert whole.parent is None
    assert outer.parent is not None
    assert inner.parent is not None
    assert outer.parent.span_id == whole.context.span_id
    assert inner.parent.span_id == outer.context.span_id
    assert (whole.start_time, whole.end_time) == (
        1_795_779_000_000_000_001,
        1_795_779_000_999_999_999,
    )
    assert inner.attributes == {"coldcache.kind": "step"}
    assert not inner.status.is_ok
    assert whole.status.is_ok or whole.status.is_unset


def test_spans_of_the_start_can_be_left_out(
    sdk: Set, first: Make, started: list[dict[str, Any]]
) -> None:
    OpenTelemetry(tracer_provider=sdk.tracers, spans=False).emit(first())
    assert not sdk.spans.get_finished_spans()


def test_without_an_sdk_nothing_happens(first: Make) -> None:
    OpenTelemetry().emit(first())


def test_without_the_api_there_is_a_clear_error() -> None:
    program = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from coldcache.export.otel import OpenTelemetry\n"
        "from coldcache import ConfigError\n"
        "try:\n"
        "    OpenTelemetry()\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "needs the package opentelemetry-api, which is not installed" in done.stdout
