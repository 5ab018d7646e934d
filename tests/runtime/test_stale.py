"""Stale values: served at once while one refresh runs."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from coldcache import Cache, cached

TTL = 60
HOUR = 3600


def test_a_stale_value_is_served_at_once_while_the_refresh_runs(
    backend: Callable[..., Any], clock: Any
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    it.gate.clear()
    served = it.load()  # would hang here if it waited for the refresh
    it.gate.set()

    assert served == 1


def test_the_refreshed_value_replaces_the_stale_one(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    it.load()
    eventually(lambda: it.load.peek() == 2)

    assert it.load() == 2


def test_only_one_refresh_runs(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    it.gate.clear()
    served = [it.load() for _ in range(50)]
    it.gate.set()
    eventually(lambda: it.load.peek() == 2)

    assert served == [1] * 50
    assert it.calls == 2


def test_many_threads_share_one_refresh(
    backend: Callable[..., Any],
    clock: Any,
    start: Callable[..., Any],
    eventually: Callable[..., None],
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    it.gate.clear()
    served = start(*[it.load] * 32).values()
    it.gate.set()
    eventually(lambda: it.load.peek() == 2)

    assert served == [1] * 32
    assert it.calls == 2


def test_without_a_call_nothing_is_refreshed(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale=TTL, refresh_ahead=10)
    it.load()
    clock.advance(2 * TTL - 1)

    assert it.calls == 1


def test_past_the_stale_window_callers_wait_for_the_load(
    backend: Callable[..., Any], clock: Any
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(2 * TTL)

    assert it.load() == 2


def test_a_freeze_counts_towards_the_stale_window(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.freeze(2 * TTL)

    assert it.load() == 2


def test_a_failing_refresh_leaves_the_stale_value(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    it.error = ValueError("backend")
    it.load()
    eventually(lambda: it.load.stats()["failures"] == 1)
    it.error = None

    assert it.load() == 1


def test_a_stale_value_is_not_live(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)

    assert it.load.peek() is None


def test_stale_hits_are_counted_apart(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    it.load()
    eventually(lambda: it.load.peek() == 2)
    stats = it.load.stats()

    assert (stats["stale_served"], stats["hits"], stats["misses"]) == (1, 0, 1)


def test_invalidation_during_a_refresh_keeps_its_result_out(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    it.has_entered()
    clock.advance(TTL)
    it.gate.clear()
    it.load()
    it.has_entered()
    it.load.invalidate()
    it.gate.set()

    assert it.load() == 3
    eventually(lambda: it.load.stats()["loads"] == 3)
    assert it.load() == 3


def test_a_refresh_that_was_frozen_may_not_publish(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=10 * HOUR)
    it.load()
    it.has_entered()
    clock.advance(TTL)
    it.gate.clear()
    it.load()
    it.has_entered()
    clock.freeze(HOUR)
    it.gate.set()
    eventually(lambda: it.load.stats()["loads"] == 2)

    assert it.load() == 1  # still the first value: what the frozen refresh brought is dropped
    eventually(lambda: it.load.peek() == 3)


def test_callers_after_a_freeze_do_not_get_what_the_frozen_refresh_fetched(
    backend: Callable[..., Any], clock: Any, start: Callable[..., Any]
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    it.has_entered()
    clock.advance(TTL)
    it.gate.clear()
    it.load()
    it.has_entered()
    clock.freeze(HOUR)  # past the stale window
    crew = start(it.load)
    it.gate.set()

    assert crew.values() == [3]


def test_the_refresh_of_get_or_load_uses_the_loader_of_the_call(
    clock: Any, eventually: Callable[..., None]
) -> None:
    cache = Cache(ttl=TTL, stale=TTL)
    cache.get_or_load("k", lambda: "old")
    clock.advance(TTL)

    assert cache.get_or_load("k", lambda: "new") == "old"
    eventually(lambda: cache.peek("k") == "new")


def test_an_exit_of_a_refresh_ends_nothing_but_the_refresh(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    it.error = SystemExit(3)
    it.load()
    eventually(lambda: it.load.stats()["loads"] == 2)
    it.error = None
    clock.advance(5)  # past the pause after a refresh that failed

    assert it.load() == 1
    eventually(lambda: it.load.peek() == 3)


def test_a_failed_refresh_is_not_tried_again_at_once(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    it.error = ValueError("down")
    it.load()
    eventually(lambda: it.load.stats()["failures"] == 1)

    assert [it.load() for _ in range(20)] == [1] * 20
    assert it.load.stats()["loads"] == 2


def test_where_no_thread_can_be_started_the_old_value_is_served(
    backend: Callable[..., Any], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    it = backend(ttl=TTL, stale=TTL)
    it.load()
    clock.advance(TTL)
    with monkeypatch.context() as patched:
        patched.setattr("_thread.start_new_thread", refuse)
        served = [it.load(), it.load()]
    clock.advance(TTL)

    assert served == [1, 1]
    assert it.load() == 2  # nobody waits for the refresh that did not start


def test_a_refresh_may_ask_for_other_keys(clock: Any, eventually: Callable[..., None]) -> None:
    @cached(ttl=TTL, stale=TTL)
    def load(depth: int) -> float:
        return clock.monotonic() if depth == 0 else load(depth - 1)

    first = load(1)
    clock.advance(TTL)
    load(1)
    eventually(lambda: load.peek(1) is not None)

    assert load.peek(1) in (first, first + TTL)  # the inner value may be stale as well


def test_a_refresh_that_asks_for_its_own_key_gets_the_old_value(
    clock: Any, eventually: Callable[..., None]
) -> None:
    runs: list[Any] = []

    @cached(ttl=TTL, stale=TTL)
    def load() -> int:
        runs.append(1)
        return 1 if len(runs) == 1 else load() + 1

    load()
    clock.advance(TTL)
    load()
    eventually(lambda: load.peek() is not None)

    assert load() == 2
    assert len(runs) == 2


def test_a_refresh_runs_in_the_context_of_the_call_that_started_it(
    clock: Any, eventually: Callable[..., None]
) -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")

    @cached(ttl=TTL, stale=TTL, vary=(tenant.get,))
    def load() -> str:
        return f"data of {tenant.get()}"

    tenant.set("a")
    load()
    clock.advance(TTL)
    load()
    eventually(lambda: load.peek() is not None)

    assert load() == "data of a"


# In an interpreter of its own: the next use of any cache would sweep up what is left behind.
REFRESH_AND_LOOK = """
    import _thread, gc, time, weakref
    from coldcache import cached, testing

    class Service:
        @cached(ttl=60, stale=60)
        def load(self):
            runs.append(1)

    runs = []
    service = Service()
    with testing.clock() as clock:
        service.load()
        clock.advance(60)
        service.load()
        while len(runs) < 2 or _thread._count():
            time.sleep(0.001)  # real time
        reference = weakref.ref(service)
        del service
        gc.collect()
        print(reference())
"""


def test_a_refresh_keeps_nothing_alive_once_it_has_ended(run_python: Callable[..., str]) -> None:
    assert run_python(REFRESH_AND_LOOK) == "None"
