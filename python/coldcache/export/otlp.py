"""Metrics and the spans of a start for an OpenTelemetry collector: OTLP over HTTP, in JSON.

Calls are added up, and sent together from a thread. What is heavy to import is imported by that
thread.
"""

import _thread
import os
import time
from collections import deque

from coldcache._core import _log_warning
from coldcache.export._collector import Collector
from coldcache.export._tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from typing import Any, Literal

    from coldcache._invocation import Invocation

DEFAULT_ENDPOINT = "http://127.0.0.1:4318"
_METRICS, _TRACES = "/v1/metrics", "/v1/traces"
# Messages kept for a collector that does not take them now; the oldest goes for the newest.
MOST_KEPT = 32
# Seconds after a failure in which nothing is sent: doubled with each failure in a row.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Otlp:
    """Sends metrics to a collector every so often, and the spans of the start once.

    On AWS Lambda the process is frozen when it has answered, so a call that something is due at
    waits until it is sent, *end_of_call* seconds at most; after a failure no call waits until the
    collector has answered again. Everywhere else no call waits for anything.

    Metrics are sent with delta temporality, so that no attribute has to name the environment, of
    which there is no end. A collector that needs cumulative ones, such as one that writes to
    Prometheus, gets them with ``temporality="cumulative"``, and then with ``service.instance.id``.

    Args:
        endpoint: ``http://host:port`` or ``https://host:port``, with a path in front of
            ``/v1/metrics`` perhaps; by default what ``OTEL_EXPORTER_OTLP_ENDPOINT`` says, or
            ``http://127.0.0.1:4318``.
        headers: Sent with each message, such as an API key; by default those of
            ``OTEL_EXPORTER_OTLP_HEADERS``.
        attributes: More attributes of the resource, such as ``deployment.environment.name``.
        interval: Seconds between two messages at least; 0: one for each call.
        timeout: Seconds for one message, from connecting to the end of the answer.
        end_of_call: Seconds that a call waits at most where the process freezes after it.
        temporality: ``delta`` or ``cumulative``.

    Attributes:
        counts: ``sent`` and ``failed`` messages, messages ``dropped`` because a collector refused
            them or was away for too long, and data points ``rejected`` out of messages it took.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has no possible value.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        headers: "Mapping[str, str] | None" = None,
        attributes: "Mapping[str, str] | None" = None,
        interval: float = 10.0,
        timeout: float = 1.0,
        end_of_call: float = 0.1,
        temporality: "Literal['delta', 'cumulative']" = "delta",
    ) -> None:
        if endpoint is None:
            endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or DEFAULT_ENDPOINT
        if headers is None:
            headers = _headers_of_environment()
        self._interval = _seconds("interval", interval, least=0)
        self._end_of_call = _seconds("end_of_call", end_of_call, least=0)
        timeout = _seconds("timeout", timeout, least=0.001)
        if temporality not in ("delta", "cumulative"):
            message = f"temporality must be 'delta' or 'cumulative', got {temporality!r}"
            raise ValueError(message)
        self._is_delta = temporality == "delta"
        self._collector = Collector(endpoint, dict(headers), timeout)
        self._attributes = dict(attributes or {})
        for name, value in self._attributes.items():
            if not isinstance(name, str) or not isinstance(value, str):
                message = f"an attribute must be a text with a text, got {name!r}: {value!r}"
                raise TypeError(message)
        self.counts = {"sent": 0, "failed": 0, "dropped": 0, "rejected": 0}
        self._was_told = False
        # Instances that are managed keep running between calls.
        kind = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
        self._may_freeze = kind != "lambda-managed-instances"
        self._begin()

    def _begin(self) -> None:
        """Nothing is counted yet, and nobody sends."""
        self._pid = os.getpid()
        self._tally = Tally()
        self._since_ns = time.time_ns()
        self._kept: deque[tuple[str, bytes]] = deque()
        self._call: Invocation | None = None
        self._start: Invocation | None = None
        self._changed: threading.Condition | None = None
        self._starting = _thread.allocate_lock()
        self._asked = self._done = 0
        self._sent_at = -self._interval
        self._is_away = False
        self._pause = 0.0
        self._silent_until = 0.0

    def emit(self, invocation: "Invocation") -> None:
        """Count one call, and have what is due sent.

        Args:
            invocation: The facts of the call.
        """
        if os.getpid() != self._pid:
            self._begin()  # what was counted before a fork is the parent's to tell
        self._tally.add(invocation)
        self._call = invocation
        if invocation.is_first:
            self._start = invocation
        now = time.monotonic()
        if not invocation.is_first and now - self._sent_at < self._interval:
            self._sender()  # sends in time even if no other call comes
            return
        self._sent_at = now
        self._ask()
        if self._may_freeze and invocation.platform == "lambda" and not self._is_away:
            self._wait(self._end_of_call)

    def flush(self, timeout_seconds: float = 1.0) -> None:
        """Send everything now.

        Args:
            timeout_seconds: How long to wait for it at most.
        """
        if self._call is None or os.getpid() != self._pid:
            return
        self._silent_until = 0.0
        self._ask()
        self._wait(timeout_seconds)

    # -- the thread ------------------------------------------------------------------------------

    def _sender(self) -> "threading.Condition":
        changed = self._changed
        if changed is None:
            import atexit  # noqa: PLC0415 - so that importing this module starts nothing
            import threading  # noqa: PLC0415 - likewise

            changed = threading.Condition()
            with self._starting:
                if self._changed is not None:  # another call was faster
                    return self._changed
                self._changed = changed
            threading.Thread(
                target=self._run, args=(changed,), name="coldcache-otlp", daemon=True
            ).start()
            atexit.register(self._at_exit, self._pid)
        return changed

    def _at_exit(self, pid: int) -> None:
        if pid == os.getpid():
            self.flush()

    def _ask(self) -> None:
        changed = self._sender()
        with changed:
            self._asked += 1
            changed.notify_all()

    def _wait(self, seconds: float) -> None:
        changed = self._sender()
        with changed:
            mine = self._asked
            changed.wait_for(lambda: self._done >= mine, seconds)

    def _run(self, changed: "threading.Condition") -> None:
        while True:
            with changed:
                # With an interval of 0 each call asks; the time only bounds a retry.
                changed.wait_for(lambda: self._asked > self._done, self._interval or _LONGEST_PAUSE)
                asked = self._asked
            try:
                self._send()
            except Exception as error:  # noqa: BLE001 - whatever it is, no call may hear of it
                self._failed(type(error).__name__)
            with changed:
                self._done = asked
                changed.notify_all()

    # -- sending -----------------------------------------------------------------------------------

    def _send(self) -> None:
        import json  # noqa: PLC0415 - in the sender's thread only

        for path, message in self._messages():
            self._kept.append((path, json.dumps(message, separators=(",", ":")).encode()))
        while len(self._kept) > MOST_KEPT:
            self._kept.popleft()
            self.counts["dropped"] += 1
        if time.monotonic() < self._silent_until:
            return
        while self._kept:
            path, body = self._kept[0]
            verdict, answer = self._collector.post(path, body)
            if verdict == "later":
                self._failed("busy")
                return
            self._kept.popleft()
            if verdict == "refused":
                self.counts["dropped"] += 1
                self._failed("refused")
                continue
            self.counts["sent"] += 1
            self._is_away = False
            self._pause = self._silent_until = 0.0
            self.counts["rejected"] += _rejected(json.loads(answer) if answer else None)

    def _messages(self) -> "list[tuple[str, dict[str, Any]]]":
        from coldcache.export import _otlp_json  # noqa: PLC0415 - in the sender's thread only

        messages: list[tuple[str, dict[str, Any]]] = []
        call, start, self._start = self._call, self._start, None
        if call is None:
            return messages
        points = self._tally.take() if self._is_delta else self._tally.points()
        now = time.time_ns()
        if points:
            # Cumulative numbers hold those of every message before.
            if not self._is_delta:
                self._kept = deque(kept for kept in self._kept if kept[0] != _METRICS)
            resource = _otlp_json.resource_of(
                call, self._attributes, with_instance=not self._is_delta
            )
            kind = _otlp_json.DELTA if self._is_delta else _otlp_json.CUMULATIVE
            message = _otlp_json.metrics_message(points, resource, kind, self._since_ns, now)
            messages.append((_METRICS, message))
            if self._is_delta:
                self._since_ns = now
        if start is not None:
            from coldcache.export import _startup_spans  # noqa: PLC0415 - once a process

            spans = _startup_spans.of_start()
            if spans:
                resource = _otlp_json.resource_of(start, self._attributes, with_instance=True)
                messages.append((_TRACES, _otlp_json.spans_message(spans, resource)))
        return messages

    def _failed(self, how: str) -> None:
        self.counts["failed"] += 1
        self._is_away = True
        self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
        self._silent_until = time.monotonic() + self._pause
        if not self._was_told:
            self._was_told = True
            _log_warning(
                f"the collector at {self._collector.host}:{self._collector.port} does not take "
                f"metrics ({how}); said once, counted in Otlp.counts"
            )


def _rejected(answer: object) -> int:
    """How many data points or spans of an accepted message were rejected."""
    success = answer.get("partialSuccess") if isinstance(answer, dict) else None
    if not isinstance(success, dict):
        return 0
    count = success.get("rejectedDataPoints") or success.get("rejectedSpans") or 0
    return int(count) if str(count).isdigit() else 0


def _seconds(what: str, given: object, *, least: float) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        message = f"{what} must be a number of seconds, got {given!r}"
        raise TypeError(message)
    if not least <= given < 1e6:
        message = f"{what} must be at least {least:g} seconds and below a million, got {given!r}"
        raise ValueError(message)
    return float(given)


def _headers_of_environment() -> dict[str, str]:
    """``name=value`` pairs with commas in between, values in percent encoding, as OpenTelemetry."""
    headers = {}
    for pair in os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","):
        name, sign, value = pair.partition("=")
        if not sign:
            continue
        if "%" in value:
            from urllib.parse import unquote  # noqa: PLC0415 - seldom needed

            value = unquote(value)
        headers[name.strip()] = value.strip()
    return headers
