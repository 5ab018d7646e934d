"""`handler`: what comes out is the function's, and what is told of each call."""

from __future__ import annotations

import inspect
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import coldcache
import pytest
from coldcache import _call, _identity, _runtime_client
from coldcache._invocation import Invocation


class Context:
    """As far as AWS's is looked at."""

    aws_request_id = "request-1"

    def __init__(self, left_ms: int = 30_000) -> None:
        self.left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


class Kept:
    """An exporter that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[Invocation] = []

    def emit(self, invocation: Invocation) -> None:
        self.got.append(invocation)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture(autouse=True)
def _no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_runtime_client, "is_serving", False)
    monkeypatch.setattr(_runtime_client, "waited", None)
    monkeypatch.setattr(_identity, "_identity", None)


def test_the_answer_is_the_functions_own_object() -> None:
    answer = object()

    @coldcache.handler
    def handler(event: object, context: object) -> object:
        return answer

    assert handler({}, Context()) is answer


def test_the_functions_exception_comes_out_as_it_is_with_one_frame_more() -> None:
    error = LookupError("x")

    def fails(event: object, context: object) -> None:
        raise error

    handler = coldcache.handler(fails)
    with pytest.raises(LookupError) as plain:
        fails({}, None)
    error.__traceback__ = None
    with pytest.raises(LookupError) as handled:
        handler({}, None)

    assert handled.value is error
    assert handled.value.__context__ is None
    frames = [frame.name for frame in traceback.extract_tb(handled.tb)]
    assert len(frames) == len(traceback.extract_tb(plain.tb)) + 1
    assert frames[1:] == ["handle", "fails"]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_an_exit_comes_out_and_is_told_of_at_once(error: BaseException, kept: Kept) -> None:
    _runtime_client.is_serving = True

    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> None:
        raise error

    with pytest.raises(type(error)):
        handler({}, None)

    assert [one.error for one in kept.got] == [type(error).__name__]


def test_it_looks_like_the_function() -> None:
    def function(event: dict[str, Any], context: object) -> int:
        """Adds."""
        return 1

    handler = coldcache.handler(function)

    assert (handler.__name__, handler.__doc__) == ("function", "Adds.")
    assert inspect.signature(handler) == inspect.signature(function)
    assert handler.__wrapped__ is function  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), (({},), {}), (({}, None), {}), ((1, 2, 3), {}), ((), {"event": 1, "context": None})],
)
def test_it_takes_what_the_function_takes(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    @coldcache.handler
    def handler(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    assert handler(*args, **kwargs) == (args, kwargs)


@pytest.mark.parametrize(
    "event",
    [None, True, 3, 2.5, "text", [], [1, [2]], {}, {"requestContext": 3}, {"x": "y" * 10**6}],
)
def test_an_event_may_be_of_any_type(event: object) -> None:
    @coldcache.handler
    def handler(event: object, context: object) -> object:
        return event

    assert handler(event, Context()) is event


class Hostile:
    """Every attribute raises."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Strange:
    aws_request_id = 3

    def get_remaining_time_in_millis(self) -> Any:
        return "soon"


@pytest.mark.parametrize(
    "context", [None, 3, object(), Strange(), {}, Context(-5), Context(10**30)]
)
def test_a_context_may_be_missing_or_odd(context: object, kept: Kept) -> None:
    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> object:
        return context

    assert handler({}, context) is context
    assert len(kept.got) == 1


def test_a_context_whose_attributes_raise_is_passed_on(kept: Kept) -> None:
    context = Hostile()

    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> object:
        return context

    assert handler({}, context) is context
    assert kept.got[0].request_id is None


def test_the_first_call_is_told_of_even_if_it_raises(kept: Kept) -> None:
    @coldcache.handler(metrics=kept)
    def handler(event: str, context: object) -> str:
        if event == "fail":
            raise OSError("hunter2")
        return "ok"

    with pytest.raises(OSError, match="hunter2"):
        handler("fail", Context())
    handler("ok", Context())
    first, second = kept.got

    assert (first.is_first, first.start_class, first.error) == (True, "on-demand", "OSError")
    assert (second.is_first, second.start_class, second.error) == (False, "warm", None)
    assert first.init_id == second.init_id
    assert first.init_seconds is not None
    assert second.init_seconds is None
    assert "hunter2" not in repr([one.to_dict() for one in kept.got])


def test_errors_of_the_start_are_told_of_with_the_first_call(kept: Kept) -> None:
    @coldcache.once
    def broken() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        broken()

    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> None: ...

    handler({}, None)
    handler({}, None)

    assert [one.startup_errors for one in kept.got] == [{"LookupError": 1}, {}]


def test_the_time_of_a_call_is_that_of_the_function_alone(kept: Kept) -> None:
    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> float:
        begin = time.perf_counter()
        while time.perf_counter() < begin + 0.01:
            pass
        return time.perf_counter() - begin

    seconds = handler({}, None)

    assert kept.got[0].call_seconds >= seconds
    assert kept.got[0].own_seconds > 0


def test_a_call_inside_a_call_is_part_of_it(kept: Kept) -> None:
    @coldcache.handler(metrics=kept)
    def inner(event: object, context: object) -> str:
        return "inner"

    @coldcache.handler(metrics=kept)
    def outer(event: object, context: object) -> str:
        return inner(event, context)

    assert outer({}, None) == "inner"
    assert len(kept.got) == 1


def test_a_rehearsal_is_not_the_first_call(kept: Kept) -> None:
    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> None: ...

    coldcache.warm_up(event={}, handler=handler)
    handler({}, None)

    assert [one.is_first for one in kept.got] == [True]


def test_one_of_many_threads_has_the_first_call(kept: Kept) -> None:
    barrier = threading.Barrier(16)

    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> None:
        barrier.wait()

    threads = [threading.Thread(target=handler, args=({}, None)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.is_first for one in kept.got) == [False] * 15 + [True]
    assert _call._running == []


def test_invocation_tells_the_call_under_way_about_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3")

    @coldcache.handler
    def handler(event: object, context: object) -> Invocation | None:
        return coldcache.invocation()

    found = handler({}, Context())

    assert found is not None
    assert (found.request_id, found.trace_id) == ("request-1", "Root=1-2-3")
    assert (found.start_class, len(found.init_id)) == ("on-demand", 16)
    assert coldcache.invocation() is None


def test_a_thread_of_the_handler_finds_the_call() -> None:
    found: list[Invocation | None] = []

    @coldcache.handler
    def handler(event: object, context: object) -> None:
        thread = threading.Thread(target=lambda: found.append(coldcache.invocation()))
        thread.start()
        thread.join()

    handler({}, Context())

    assert found[0] is not None
    assert found[0].request_id == "request-1"


def test_a_fork_and_a_restore_are_initialisations_of_their_own(kept: Kept) -> None:
    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> None: ...

    handler({}, None)
    coldcache.testing.restore()
    handler({}, None)
    first, second = kept.got

    assert (first.start_class, second.start_class) == ("on-demand", "restored")
    assert first.init_id != second.init_id
    assert second.is_first


@pytest.mark.parametrize("name", ["timeEpoch", "requestTimeEpoch"])
def test_a_gateways_request_time_gives_what_the_user_waited(name: str, kept: Kept) -> None:
    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> None: ...

    handler({"requestContext": {name: (time.time() - 5) * 1000}}, None)
    handler({"requestContext": {name: (time.time() - 5) * 1000}}, None)

    assert kept.got[0].visible_start_seconds == pytest.approx(5, abs=1)
    assert kept.got[1].visible_start_seconds is None


@pytest.mark.parametrize(
    "given", [None, "1700000000000", True, 1, [], 1e300, 10**400, -1, float("nan")]
)
def test_a_request_time_that_cannot_be_is_none(given: object) -> None:
    assert _call.visible_start({"requestContext": {"timeEpoch": given}}, time.time()) is None


def test_a_request_from_a_clock_slightly_ahead_came_just_now() -> None:
    now = time.time()

    assert _call.visible_start({"requestContext": {"timeEpoch": (now + 0.5) * 1000}}, now) == 0.0


def test_an_answer_under_way_is_told_of_after_it(kept: Kept) -> None:
    _runtime_client.is_serving = True

    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> None: ...

    handler({}, None)
    before = len(kept.got)
    _runtime_client._answered()

    assert (before, len(kept.got)) == (0, 1)


def test_a_ping_is_answered_without_the_function(kept: Kept) -> None:
    calls: list[object] = []

    @coldcache.handler(metrics=kept)
    def handler(event: object, context: object) -> str:
        calls.append(event)
        return "called"

    pong: Any = handler({"coldcache": {"ping": {"hold_seconds": 0}}}, None)
    almost = handler({"coldcache": {"ping": {"hold_seconds": 0}}, "more": 1}, None)

    assert pong["coldcache"]["pong"]["start_class"] == "on-demand"
    assert almost == "called"
    assert len(calls) == 1
    assert [one.is_ping for one in kept.got] == [True, False]


def test_other_pings_are_answered_where_they_are_asked_for() -> None:
    def function(event: object, context: object) -> str:
        return "called"

    event = {"source": "serverless-plugin-warmup"}

    assert coldcache.handler(function)(event, None) == "called"
    assert coldcache.handler(pings="serverless-plugin-warmup")(function)(event, None) != "called"
    assert coldcache.handler(pings=False)(function)({"coldcache": {"ping": {}}}, None) == "called"


@pytest.mark.parametrize(
    ("decorate", "error", "complaint"),
    [
        (lambda: coldcache.handler(3), TypeError, "decorates a function"),  # type: ignore[call-overload]
        (lambda: coldcache.handler(name=3), TypeError, "name must be a text, got 3"),  # type: ignore[call-overload]
        (lambda: coldcache.handler(name=""), ValueError, "name must not be empty"),
        (
            lambda: coldcache.handler(metrics=3),
            TypeError,
            r"exporters with emit\(invocation\), got 3",
        ),
        (
            lambda: coldcache.handler(metrics="emv"),
            ValueError,
            "metrics must be 'emf', .* got 'emv'",
        ),
        (lambda: coldcache.handler(pings="mine"), ValueError, "no kind of ping 'mine'"),
        (lambda: coldcache.handler(pings=3), TypeError, "pings must be True"),  # type: ignore[call-overload]
    ],
)
def test_what_cannot_be_is_refused(
    decorate: Callable[[], object], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        decorate()


def test_a_generator_function_is_refused() -> None:
    with pytest.raises(TypeError, match="is a generator function"):

        @coldcache.handler
        def handler(event: object, context: object) -> Any:
            yield 1


def test_a_wrong_value_in_the_environment_is_one_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COLDCACHE_METRICS", "emf,https://user:hunter2@host")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "much")
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "sideways")

    @coldcache.handler
    def handler(event: object, context: object) -> Invocation | None:
        return coldcache.invocation()

    found = handler({}, None)
    handler({}, None)

    assert found is not None
    assert (found.function_name, found.memory_mb, found.start_class) == ("f", None, "on-demand")
    assert sorted(record.getMessage().split(" ")[0] for record in caplog.records) == [
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "no",
    ]
    assert "hunter2" not in caplog.text


def test_a_filter_gives_log_records_what_finds_the_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    import logging  # noqa: PLC0415 - in the order in which a function would

    caplog.handler.addFilter(correlation := coldcache.log_filter())

    @coldcache.handler
    def handler(event: object, context: object) -> None:
        logging.getLogger("app").warning("inside")

    handler({}, Context())
    logging.getLogger("app").warning("outside")
    caplog.handler.removeFilter(correlation)
    inside, outside = caplog.records

    assert inside.request_id == "request-1"  # type: ignore[attr-defined]
    assert inside.start_class == "on-demand"  # type: ignore[attr-defined]
    assert len(inside.init_id) == 16  # type: ignore[attr-defined]
    assert outside.request_id is None  # type: ignore[attr-defined]
