"""OTLP messages as JSON: metrics and spans, with what they are about.

Format: opentelemetry-proto 1.x, "JSON Protobuf Encoding" of the OTLP specification: 64-bit numbers
are texts, enumerations numbers, ids hexadecimal.
"""

from coldcache._core import __version__
from coldcache.export import names
from coldcache.export._tally import Histogram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from coldcache._invocation import Invocation
    from coldcache.export._tally import Points

DELTA, CUMULATIVE = 1, 2  # AggregationTemporality
LONGEST_TEXT = 1024

LABELS = {"start_class": "coldcache.start_class", "error_type": "error.type"}
"""Labels of the table under their names as attributes."""

_CLOUDS = {
    "lambda": ("aws", "aws_lambda"),
    "cloud-run": ("gcp", "gcp_cloud_run"),
    "azure": ("azure", "azure_functions"),
}
_SCOPE = {"name": "coldcache", "version": __version__}


def resource_of(
    invocation: "Invocation", more: "Mapping[str, str]", *, with_instance: bool
) -> "dict[str, Any]":
    """What metrics and spans are about.

    Args:
        invocation: Any call of the process.
        more: Further attributes, which prevail.
        with_instance: Whether to name this very environment, of which there is no end.
    """
    name = invocation.function_name or "unknown_service"
    found: dict[str, str | int] = {"service.name": name}
    if invocation.function_name is not None:
        found["faas.name"] = name
    if invocation.function_version is not None:
        found["faas.version"] = invocation.function_version
    if invocation.memory_mb is not None:
        found["faas.max_memory"] = invocation.memory_mb * 1024 * 1024
    if invocation.platform in _CLOUDS:
        found["cloud.provider"], found["cloud.platform"] = _CLOUDS[invocation.platform]
    if with_instance:
        found["faas.instance"] = found["service.instance.id"] = invocation.init_id
    found.update(more)
    return {"attributes": attributes(found)}


def attributes(given: "Mapping[str, str | int | bool]") -> "list[dict[str, Any]]":
    """Attributes in OTLP's form; texts are cut at 1024 characters."""
    listed = []
    for key, value in given.items():
        held: dict[str, Any]
        if isinstance(value, bool):
            held = {"boolValue": value}
        elif isinstance(value, int):
            held = {"intValue": str(value)}
        else:
            held = {"stringValue": names.encodable(value, LONGEST_TEXT)}
        listed.append({"key": names.encodable(key, LONGEST_TEXT), "value": held})
    return listed


def metrics_message(
    points: "Points", resource: "dict[str, Any]", temporality: int, since_ns: int, now_ns: int
) -> "dict[str, Any]":
    """An ``ExportMetricsServiceRequest``.

    Args:
        points: Sums and histograms by metric and label.
        resource: What they are about.
        temporality: `DELTA` or `CUMULATIVE`.
        since_ns: Begin of the time they cover, nanoseconds since 1970.
        now_ns: Its end.
    """
    times = {"startTimeUnixNano": str(since_ns), "timeUnixNano": str(now_ns)}
    by_key: dict[str, list[dict[str, Any]]] = {}
    for (key, label), point in points.items():
        word = names.BY_KEY[key].label
        split = {LABELS[word]: label} if word is not None and label is not None else {}
        one = {**times, "attributes": attributes(split), **_point(point)}
        by_key.setdefault(key, []).append(one)
    metrics = []
    for key, listed in by_key.items():
        metric = names.BY_KEY[key]
        body: dict[str, Any] = {"dataPoints": listed}
        if metric.kind != "gauge":
            body["aggregationTemporality"] = temporality
        if metric.kind == "count":
            body["isMonotonic"] = True
        form = {"count": "sum", "duration": "histogram", "gauge": "gauge"}[metric.kind]
        metrics.append(
            {
                "name": metric.otel,
                "unit": metric.unit,
                "description": metric.description,
                form: body,
            }
        )
    scoped = {"scope": _SCOPE, "metrics": metrics}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [scoped]}]}


def _point(point: "float | Histogram") -> "dict[str, Any]":
    if isinstance(point, Histogram):
        return {
            "count": str(sum(point.counts)),
            "sum": point.total,
            "bucketCounts": [str(count) for count in point.counts],
            "explicitBounds": list(names.BUCKETS),
        }
    return {"asInt": str(int(point))}


def spans_message(
    spans: "Sequence[dict[str, Any]]", resource: "dict[str, Any]"
) -> "dict[str, Any]":
    """An ``ExportTraceServiceRequest``.

    Args:
        spans: In the shape of OTLP's JSON.
        resource: What they are about.
    """
    scoped = {"scope": _SCOPE, "spans": list(spans)}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}
