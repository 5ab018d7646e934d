"""The text that Prometheus scrapes, read by Prometheus' own parser."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from coldcache._invocation import Invocation
from coldcache.export import names
from coldcache.export.prometheus import Prometheus
from prometheus_client.parser import text_string_to_metric_families

Make = Callable[..., Invocation]


def read(exporter: Prometheus) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(exporter.render())}


def value_of(exporter: Prometheus, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(exporter.render()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


def test_everything_of_a_cold_start_is_parsed_with_its_type(first: Make) -> None:
    exporter = Prometheus()
    exporter.emit(first(error="KeyError", cache={}))
    exporter.emit(first(is_ping=True, own_seconds=-1.0, request_id="é"))
    families = read(exporter)

    kinds = {"count": "counter", "duration": "histogram", "gauge": "gauge"}
    for metric in names.TABLE:
        name = metric.prometheus.removesuffix("_total")
        if metric.key.startswith("cache_") or metric.key == "export_cut":
            continue  # nothing of these
        assert families[name].type == kinds[metric.kind], name
        assert families[name].documentation == metric.description


def test_before_any_call_there_is_nothing() -> None:
    assert Prometheus().render() == ""


def test_calls_are_added_up(first: Make, warm: Make) -> None:
    exporter = Prometheus({"service": "web"})
    exporter.emit(first(cache={"hits": 4}))
    exporter.emit(warm(cache={"hits": 9}))
    assert value_of(exporter, "coldcache_invocations_total", service="web") == 2
    assert value_of(exporter, "coldcache_cache_hits_total", service="web") == 9
    cold = {"service": "web", "start_class": "on-demand"}
    assert value_of(exporter, "coldcache_cold_starts_total", **cold) == 1


def test_reading_does_not_change_the_numbers(first: Make) -> None:
    exporter = Prometheus()
    exporter.emit(first())
    assert exporter.render() == exporter.render()


def test_a_histogram_counts_up_to_its_bounds_inclusive(first: Make, warm: Make) -> None:
    exporter = Prometheus()
    exporter.emit(first(call_seconds=0.1))
    exporter.emit(warm(call_seconds=0.100001))
    exporter.emit(warm(call_seconds=99.0))
    name = "coldcache_invoke_duration_seconds"
    assert value_of(exporter, f"{name}_bucket", le="0.075") == 0
    assert value_of(exporter, f"{name}_bucket", le="0.1") == 1
    assert value_of(exporter, f"{name}_bucket", le="0.25") == 2
    assert value_of(exporter, f"{name}_bucket", le="+Inf") == 3
    assert value_of(exporter, f"{name}_count") == 3
    assert value_of(exporter, f"{name}_sum") == pytest.approx(99.200001)


def test_labels_are_escaped_and_come_back(first: Make) -> None:
    ugly = 'a"b\\c\nd é'
    exporter = Prometheus({"service": ugly})
    exporter.emit(first(error=ugly))
    assert value_of(exporter, "coldcache_errors_total", service=ugly, error_type=ugly) == 1


def test_a_label_that_is_too_long_is_cut_and_counted(first: Make) -> None:
    exporter = Prometheus({"service": "x" * 2000})
    exporter.emit(first())
    assert value_of(exporter, "coldcache_export_cut_total", service="x" * 1024) == 1


def test_types_of_errors_are_bounded(warm: Make) -> None:
    exporter = Prometheus()
    for number in range(100):
        exporter.emit(warm(error=f"Error{number}"))
    errors = read(exporter)["coldcache_errors"].samples
    assert len(errors) == 33
    assert value_of(exporter, "coldcache_errors_total", error_type="_OTHER") == 68


def test_the_child_of_a_fork_has_numbers_of_its_own(first: Make, warm: Make) -> None:
    exporter = Prometheus()
    exporter.emit(first())
    reader, writer = os.pipe()
    if os.fork() == 0:
        exporter.emit(warm())
        told = value_of(exporter, "coldcache_invocations_total")
        os.write(writer, repr(told).encode())
        os._exit(0)
    os.close(writer)
    os.wait()
    assert os.read(reader, 100) == b"1.0"
    os.close(reader)
    assert value_of(exporter, "coldcache_invocations_total") == 1


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        ({"a": 1}, TypeError),
        ({1: "a"}, TypeError),
        ({"a-b": "x"}, ValueError),
        ({"__a": "x"}, ValueError),
        ({"größe": "x"}, ValueError),
        ({"start_class": "x"}, ValueError),
        ({"": "x"}, ValueError),
    ],
)
def test_wrong_labels_are_refused(labels: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="a label must be"):
        Prometheus(labels)
