"""OTLP over HTTP: what OpenTelemetry's own messages accept, and a collector that misbehaves."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from coldcache._invocation import Invocation
from coldcache.export import names
from coldcache.export._collector import Collector
from coldcache.export.otlp import MOST_KEPT, Otlp
from coldcache.tools.lab.http_message import Request, Response
from coldcache.tools.lab.loopback import LoopbackServer
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

Make = Callable[..., Invocation]
LONG = 10.0  # seconds within which a collector on this machine has answered


class Receiver:
    """A collector on loopback that keeps what it gets and answers what it is told to."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.status = HTTPStatus.OK
        self.answer = b"{}"
        self.server = LoopbackServer(self._respond, body_limit=10_000_000)
        self.server.start()

    def _respond(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(self.status, self.answer, {"Content-Type": "application/json"})

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def metrics(self) -> list[ExportMetricsServiceRequest]:
        """All messages about metrics, parsed strictly: an unknown field is an error."""
        return [
            json_format.Parse(request.body, ExportMetricsServiceRequest())
            for request in self.requests
            if request.path == "/v1/metrics"
        ]

    def values(self) -> dict[str, Any]:
        """The numbers of all messages together, by metric and attributes."""
        values: dict[str, Any] = {}
        for message in self.metrics():
            for metric in message.resource_metrics[0].scope_metrics[0].metrics:
                data = getattr(metric, str(metric.WhichOneof("data")))
                for point in data.data_points:
                    split = "".join(f"/{one.value.string_value}" for one in point.attributes)
                    value = point.sum if metric.HasField("histogram") else point.as_int
                    values[metric.name + split] = values.get(metric.name + split, 0) + value
        return values


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.close()


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_everything_of_a_cold_start_is_a_valid_message(first: Make, receiver: Receiver) -> None:
    exporter = Otlp(receiver.endpoint, attributes={"deployment.environment.name": "test"})
    exporter.emit(first(error="KeyError"))
    exporter.flush(LONG)

    (message,) = receiver.metrics()
    resource = message.resource_metrics[0].resource
    found = {one.key: one.value.string_value or one.value.int_value for one in resource.attributes}
    assert found == {
        "service.name": "shop",
        "faas.name": "shop",
        "faas.version": "7",
        "faas.max_memory": 512 * 1024 * 1024,
        "cloud.provider": "aws",
        "cloud.platform": "aws_lambda",
        "deployment.environment.name": "test",
    }
    forms = {"count": "sum", "duration": "histogram", "gauge": "gauge"}
    for metric in message.resource_metrics[0].scope_metrics[0].metrics:
        row = next(row for row in names.TABLE if row.otel == metric.name)
        assert (metric.unit, metric.description) == (row.unit, row.description)
        assert metric.HasField(forms[row.kind])
    assert receiver.values()["faas.coldstarts/on-demand"] == 1
    assert receiver.values()["coldcache.startup_errors/ImportError"] == 2
    assert receiver.values()["faas.init_duration/on-demand"] == pytest.approx(0.2)


def test_no_attribute_of_a_delta_names_request_or_environment(
    first: Make, receiver: Receiver
) -> None:
    exporter = Otlp(receiver.endpoint)
    exporter.emit(first(init_id="ENVIRONMENT", request_id="REQUEST", trace_id="TRACE"))
    exporter.flush(LONG)
    body = next(one.body for one in receiver.requests if one.path == "/v1/metrics")
    assert not any(word in body for word in (b"ENVIRONMENT", b"REQUEST", b"TRACE"))


def test_a_histogram_has_the_buckets_of_the_conventions(first: Make, receiver: Receiver) -> None:
    exporter = Otlp(receiver.endpoint)
    exporter.emit(first(call_seconds=0.02))
    exporter.flush(LONG)
    metrics = receiver.metrics()[0].resource_metrics[0].scope_metrics[0].metrics
    (point,) = next(
        one for one in metrics if one.name == "faas.invoke_duration"
    ).histogram.data_points
    assert tuple(point.explicit_bounds) == names.BUCKETS
    assert list(point.bucket_counts) == [0, 0, 1] + [0] * 12
    assert (point.count, point.sum) == (1, 0.02)


def test_deltas_add_up_and_their_times_join(first: Make, warm: Make, receiver: Receiver) -> None:
    exporter = Otlp(receiver.endpoint, interval=0)
    exporter.emit(first(cache={"hits": 4}))
    exporter.flush(LONG)
    exporter.emit(warm(cache={"hits": 9}))
    exporter.flush(LONG)

    assert receiver.values()["coldcache.cache.hits"] == 9
    assert receiver.values()["faas.invocations"] == 2
    times = []
    for message in receiver.metrics():
        data = message.resource_metrics[0].scope_metrics[0].metrics[0].sum
        assert data.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
        times.append((data.data_points[0].start_time_unix_nano, data.data_points[0].time_unix_nano))
    (begin, middle), (middle_again, end) = times
    assert begin < middle == middle_again < end


def test_cumulative_numbers_grow_and_name_the_instance(
    first: Make, warm: Make, receiver: Receiver
) -> None:
    exporter = Otlp(receiver.endpoint, interval=0, temporality="cumulative")
    for call in (first(), warm()):
        exporter.emit(call)
        exporter.flush(LONG)
    last = receiver.metrics()[-1].resource_metrics[0]
    data = next(one for one in last.scope_metrics[0].metrics if one.name == "faas.invocations").sum
    assert data.data_points[0].as_int == 2
    assert "service.instance.id" in {one.key for one in last.resource.attributes}


def test_the_spans_of_the_start_are_sent_once(
    first: Make, warm: Make, receiver: Receiver, started: list[dict[str, Any]]
) -> None:
    exporter = Otlp(receiver.endpoint, interval=0)
    for call in (first(), warm()):
        exporter.emit(call)
        exporter.flush(LONG)
    (body,) = [one.body for one in receiver.requests if one.path == "/v1/traces"]
    message = json_format.Parse(body, ExportTraceServiceRequest())
    assert [span.name for span in message.resource_spans[0].scope_spans[0].spans] == [
        span["name"] for span in started
    ]
    keys = {one.key for one in message.resource_spans[0].resource.attributes}
    assert "faas.instance" in keys  # what is unbounded is no label of a metric


def test_headers_are_sent_and_a_path_is_kept(first: Make, receiver: Receiver) -> None:
    exporter = Otlp(receiver.endpoint + "/otlp/", headers={"Api-Key": "k"})
    exporter.emit(first())
    exporter.flush(LONG)
    assert receiver.requests[0].path == "/otlp/v1/metrics"
    assert receiver.requests[0].headers["api-key"] == "k"


def test_address_and_headers_come_from_opentelemetrys_variables(
    first: Make, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b,other=c")
    exporter = Otlp()
    exporter.emit(first())
    exporter.flush(LONG)
    assert receiver.requests[0].headers["api-key"] == "a b"
    assert receiver.requests[0].headers["other"] == "c"


def test_where_the_process_freezes_the_message_is_out_when_the_call_ends(
    first: Make, receiver: Receiver
) -> None:
    Otlp(receiver.endpoint, end_of_call=LONG).emit(first(platform="lambda"))
    assert [request.path for request in receiver.requests][:1] == ["/v1/metrics"]


def test_a_managed_instance_does_not_freeze(first: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        exporter = Otlp(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=30, end_of_call=30)
        done = threading.Event()

        def call() -> None:
            exporter.emit(first())
            done.set()

        threading.Thread(target=call, daemon=True).start()
        assert done.wait(LONG)


def test_calls_side_by_side_have_one_sender(first: Make, receiver: Receiver) -> None:
    exporter = Otlp(receiver.endpoint)
    barrier = threading.Barrier(8)

    def call() -> None:
        barrier.wait()
        exporter.emit(first(platform="server"))

    before = {one for one in threading.enumerate() if one.name == "coldcache-otlp"}
    crew = [threading.Thread(target=call) for _ in range(8)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    after = {one for one in threading.enumerate() if one.name == "coldcache-otlp"}
    exporter.flush(LONG)
    assert len(after - before) == 1
    assert receiver.values()["faas.invocations"] == 8


def test_elsewhere_a_call_waits_for_nothing(first: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never answers
        exporter = Otlp(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=30, end_of_call=30)
        done = threading.Event()

        def call() -> None:
            exporter.emit(first(platform="server"))
            done.set()

        threading.Thread(target=call, daemon=True).start()
        assert done.wait(LONG)  # far less than the 30 s that the collector has


def test_within_the_interval_calls_are_sent_together(
    first: Make, warm: Make, receiver: Receiver
) -> None:
    exporter = Otlp(receiver.endpoint, interval=3600, end_of_call=LONG)
    exporter.emit(first())
    for _ in range(50):
        exporter.emit(warm())
    exporter.flush(LONG)
    assert len(receiver.metrics()) == 2
    assert receiver.values()["faas.invocations"] == 51


def test_a_missing_collector_is_counted_and_said_once(
    first: Make, nobody: str, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = Otlp(nobody)
    exporter.emit(first())
    for _ in range(3):
        exporter.flush(LONG)
    assert exporter.counts["failed"] >= 3
    assert len(caplog.records) == 1
    assert "does not take metrics (ConnectionRefusedError); said once" in caplog.text


def test_after_a_failure_no_call_waits(first: Make, warm: Make, nobody: str) -> None:
    exporter = Otlp(nobody, interval=0, end_of_call=LONG)
    exporter.emit(first())
    failed = exporter.counts["failed"]
    exporter.emit(warm())
    exporter.flush(LONG)
    assert failed == 1  # the first call waited for it
    assert exporter.counts["failed"] == 2  # by the flush, which asks again in any case


def test_what_a_collector_was_away_for_is_sent_when_it_is_back(
    first: Make, warm: Make, receiver: Receiver
) -> None:
    receiver.status = HTTPStatus.SERVICE_UNAVAILABLE
    exporter = Otlp(receiver.endpoint, interval=0)
    exporter.emit(first())
    exporter.flush(LONG)
    receiver.requests.clear()
    receiver.status = HTTPStatus.OK
    exporter.emit(warm())
    exporter.flush(LONG)
    assert receiver.values()["faas.invocations"] == 2
    assert exporter.counts["dropped"] == 0


def test_what_is_kept_for_a_collector_is_bounded(first: Make, warm: Make, nobody: str) -> None:
    exporter = Otlp(nobody, interval=0)
    exporter.emit(first())
    for _ in range(MOST_KEPT + 20):
        exporter.emit(warm())
        exporter.flush(LONG)
    assert len(exporter._kept) == MOST_KEPT
    assert exporter.counts["dropped"] >= 20


def test_what_a_collector_refuses_is_dropped_and_counted(first: Make, receiver: Receiver) -> None:
    receiver.status = HTTPStatus.BAD_REQUEST
    exporter = Otlp(receiver.endpoint)
    exporter.emit(first())
    exporter.flush(LONG)
    assert exporter.counts["dropped"] >= 1
    assert not exporter._kept


def test_points_that_a_collector_rejects_are_counted(first: Make, receiver: Receiver) -> None:
    receiver.answer = json.dumps({"partialSuccess": {"rejectedDataPoints": "7"}}).encode()
    exporter = Otlp(receiver.endpoint)
    exporter.emit(first())
    exporter.flush(LONG)
    assert exporter.counts["rejected"] >= 7


@pytest.mark.parametrize(
    "answer", [b"", b"garbage\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]"]
)
def test_a_collector_that_answers_nonsense_harms_nothing(first: Make, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            # A connection may be gone before its answer is sent, and the listener before the last.
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(1_000_000)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        exporter = Otlp(f"http://127.0.0.1:{server.getsockname()[1]}")
        exporter.emit(first())
        exporter.flush(LONG)
        assert sum(exporter.counts.values()) >= 1


def test_a_collector_that_drips_is_cut_off(first: Make) -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.05):  # real time: each step is within the socket's limit
                    try:
                        connection.sendall(b"X-Slow: 1\r\n")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        exporter = Otlp(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.3)
        exporter.emit(first())
        exporter.flush(LONG)
        stop.set()
        assert exporter.counts["failed"] == 1


def test_the_child_of_a_fork_sends_its_own_calls(
    first: Make, warm: Make, receiver: Receiver
) -> None:
    exporter = Otlp(receiver.endpoint)
    exporter.emit(first())
    exporter.flush(LONG)
    receiver.requests.clear()
    if os.fork() == 0:
        try:
            exporter.emit(warm())
            exporter.flush(LONG)
        finally:
            os._exit(0)
    os.wait()
    assert receiver.values()["faas.invocations"] == 1


def test_importing_and_making_one_starts_no_thread_and_loads_no_client() -> None:
    program = (
        "import sys, threading\n"
        "from coldcache.export.otlp import Otlp\n"
        "Otlp('http://127.0.0.1:1')\n"
        "print(threading.active_count(), 'http.client' in sys.modules, 'json' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "1 False False\n", done.stderr


@pytest.mark.parametrize(
    ("endpoint", "error"),
    [
        (5, TypeError),
        ("127.0.0.1:4318", ValueError),
        ("ftp://host", ValueError),
        ("http://", ValueError),
        ("http://host:0", ValueError),
        ("http://host:65536", ValueError),
        ("http://host:x", ValueError),
        ("http://host/a b", ValueError),
        ("http://host\r\nX: y", ValueError),
        ("http://[::1", ValueError),
        ("http://[::1]x", ValueError),
        ("http://user:secret@host", ValueError),
    ],
)
def test_an_address_that_is_none_is_refused(endpoint: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="endpoint must") as raised:
        Otlp(endpoint)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"interval": -1}, ValueError, "interval must be at least 0"),
        ({"interval": "1"}, TypeError, "interval must be a number of seconds, got '1'"),
        ({"timeout": 0}, ValueError, "timeout must be at least"),
        ({"timeout": float("nan")}, ValueError, "timeout must be at least"),
        ({"temporality": "both"}, ValueError, "'delta' or 'cumulative', got 'both'"),
        ({"attributes": {"a": 1}}, TypeError, "a text with a text, got 'a': 1"),
        ({"headers": {"a b": "c"}}, ValueError, "named in letters, digits and dashes"),
        ({"headers": {"a": "secret\r\nX: y"}}, ValueError, "'a' must be printable ASCII"),
    ],
)
def test_wrong_options_are_refused(
    options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as raised:
        Otlp("http://127.0.0.1:4318", **options)
    assert "secret" not in str(raised.value)


def test_an_ipv6_address_and_default_ports_are_understood() -> None:
    places = {
        "http://[::1]:4318": ("http", "::1", 4318, ""),
        "https://otel.example/": ("https", "otel.example", 443, ""),
        "http://otel/x/y": ("http", "otel", 80, "/x/y"),
    }
    for endpoint, expected in places.items():
        it = Collector(endpoint, {}, 1.0)
        assert (it.scheme, it.host, it.port, it.path) == expected
