"""Metrics and spans through the OpenTelemetry API, for a program that has set it up.

Needs the package `opentelemetry-api`, and an SDK that the program has configured: without one the
API takes everything and does nothing.
"""

from coldcache.exceptions import ConfigError
from coldcache.export import names
from coldcache.export._otlp_json import LABELS, LONGEST_TEXT
from coldcache.export._reading import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from coldcache._invocation import Invocation


class OpenTelemetry:
    """Records each call with real instruments, and the start as real spans.

    The span that is current when the handler has returned, such as that of an instrumentation
    around it, gets the attributes ``faas.coldstart``, ``faas.invocation_id`` and
    ``coldcache.start_class``.

    Args:
        meter_provider: Where the instruments come from; the global one by default.
        tracer_provider: Where the spans of the start go to; the global one by default.
        spans: Whether to make spans of the start.

    Raises:
        ConfigError: The package opentelemetry-api is not installed.
    """

    def __init__(
        self,
        *,
        meter_provider: "Any" = None,
        tracer_provider: "Any" = None,
        spans: bool = True,
    ) -> None:
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415 - an option of the user's
        except ImportError as missing:
            message = "OpenTelemetry() needs the package opentelemetry-api, which is not installed"
            raise ConfigError(message) from missing
        self._trace: Any = trace
        self._spans = bool(spans)
        self._tracer = trace.get_tracer("coldcache", tracer_provider=tracer_provider)
        meter = metrics.get_meter("coldcache", meter_provider=meter_provider)
        self._reading = Reading()
        self._instruments = {metric.key: _instrument(meter, metric) for metric in names.TABLE}

    def emit(self, invocation: "Invocation") -> None:
        """Record one call.

        Args:
            invocation: The facts of the call.
        """
        for metric, label, value in self._reading.of(invocation):
            split = {}
            if metric.label is not None and label is not None:
                split[LABELS[metric.label]] = names.encodable(label, LONGEST_TEXT)
            self._instruments[metric.key](value, split)
        current = self._trace.get_current_span()
        if current.is_recording():
            is_cold = invocation.is_first and invocation.start_class in names.COLD
            current.set_attribute("faas.coldstart", is_cold)
            current.set_attribute("coldcache.start_class", invocation.start_class)
            if invocation.request_id is not None:
                current.set_attribute("faas.invocation_id", invocation.request_id)
        if invocation.is_first and self._spans:
            self._tell_start()

    def _tell_start(self) -> None:
        from coldcache.export import _startup_spans  # noqa: PLC0415 - once a process

        made: dict[str, Any] = {}
        spans = _startup_spans.parents_first(_startup_spans.of_start())
        for span in spans:
            # A trace of its own: the start belongs to no request.
            parent = made.get(span.get("parentSpanId", ""), self._trace.INVALID_SPAN)
            one = self._tracer.start_span(
                span["name"],
                context=self._trace.set_span_in_context(parent),
                start_time=int(span["startTimeUnixNano"]),
                attributes={
                    attribute["key"]: next(iter(attribute["value"].values()))
                    for attribute in span["attributes"]
                },
            )
            if "status" in span:
                one.set_status(self._trace.StatusCode(span["status"]["code"]))
            made[span["spanId"]] = one
        for span in reversed(spans):
            made[span["spanId"]].end(int(span["endTimeUnixNano"]))


def _instrument(meter: "Any", metric: names.Metric) -> "Any":
    """What records a value with attributes."""
    given = {"unit": metric.unit, "description": metric.description}
    if metric.kind == "count":
        return meter.create_counter(metric.otel, **given).add
    if metric.kind == "gauge":
        return meter.create_gauge(metric.otel, **given).set
    try:
        histogram = meter.create_histogram(
            metric.otel, explicit_bucket_boundaries_advisory=names.BUCKETS, **given
        )
    except TypeError:  # an API before 1.30 has no advice about buckets
        histogram = meter.create_histogram(metric.otel, **given)
    return histogram.record
