"""A factory, a check or a close that hangs: the caller goes on in time, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import coldcache
import pytest
from coldcache import resource

# Seconds: short, since the tests wait for it, in real time.
LIMIT = 0.1


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hanging calls wait for; open in the end."""
    event = threading.Event()
    yield event
    event.set()


def test_a_hanging_factory_ends_in_load_timeout(gate: threading.Event) -> None:
    @resource(timeout=LIMIT, name="database")
    def database() -> int:
        gate.wait(10)
        return 1

    with pytest.raises(
        coldcache.LoadTimeout, match=r"gave up making database: it has 0\.1 s in all"
    ):
        database.get()

    assert database.stats()["timeouts"] == 1


def test_the_next_call_after_a_hanging_factory_makes_the_object(gate: threading.Event) -> None:
    hangs = [True]

    @resource(timeout=LIMIT)
    def database() -> int:
        if hangs.pop() if hangs else False:
            gate.wait(10)
        return 1

    with pytest.raises(coldcache.LoadTimeout):
        database.get()

    assert database.get() == 1


def test_an_object_that_comes_too_late_is_closed(
    gate: threading.Event, eventually: Callable[..., None]
) -> None:
    closed: list[int] = []

    @resource(timeout=LIMIT, close=closed.append)
    def database() -> int:
        gate.wait(10)
        return 1

    with pytest.raises(coldcache.LoadTimeout):
        database.get()
    gate.set()

    eventually(lambda: closed == [1])


def test_all_who_wait_for_a_hanging_factory_get_the_error(
    gate: threading.Event, start: Callable[..., Any]
) -> None:
    @resource(timeout=LIMIT)
    def database() -> int:
        gate.wait(10)
        return 1

    outcomes = start(*[database.get] * 8).outcomes()

    assert all(isinstance(outcome.error, coldcache.LoadTimeout) for outcome in outcomes)


def test_a_hanging_check_leaves_time_to_make_a_new_object(
    gate: threading.Event, clock: Any
) -> None:
    made: list[int] = []

    @resource(timeout=2 * LIMIT, check=lambda one: gate.wait(10))
    def database() -> int:
        made.append(1)
        return len(made)

    database.get()
    clock.freeze(60)

    assert database.get() == 2
    assert database.stats()["timeouts"] == 1


def test_a_hanging_close_holds_up_a_replacement_for_a_quarter_of_the_time(
    gate: threading.Event,
) -> None:
    made: list[int] = []

    @resource(timeout=4 * LIMIT, close=lambda one: gate.wait(10), name="hanging close")
    def database() -> int:
        made.append(1)
        return len(made)

    database.get()
    database.invalidate()

    assert database.get() == 2
    assert database.stats()["close_failures"] == 1


def test_an_error_of_a_bounded_factory_comes_out_as_itself() -> None:
    error = LookupError("no such host")

    @resource(timeout=10)
    def database() -> int:
        raise error

    with pytest.raises(LookupError) as caught:
        database.get()

    assert caught.value is error


def test_an_exit_of_a_bounded_factory_comes_out_as_itself() -> None:
    @resource(timeout=10)
    def database() -> int:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        database.get()


def test_a_bounded_factory_sees_the_callers_context() -> None:
    import contextvars  # noqa: PLC0415

    tenant = contextvars.ContextVar("tenant", default="nobody")
    tenant.set("somebody")

    assert resource(timeout=10)(tenant.get).get() == "somebody"


def test_without_a_timeout_the_factory_runs_in_the_callers_thread() -> None:
    assert resource(threading.get_ident).get() == threading.get_ident()
