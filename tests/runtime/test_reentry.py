"""Loads that wait for themselves: an error that names the ring, at once, never a hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, ReentrantLoadError, cached, once


def test_a_once_that_calls_itself_is_refused() -> None:
    @once(name="settings")
    def settings() -> object:
        return settings()

    with pytest.raises(ReentrantLoadError, match=r"settings -> settings$"):
        settings()


def test_a_cached_function_that_asks_for_its_own_key_is_refused() -> None:
    @cached(name="price")
    def price(item: str) -> object:
        return price(item)

    with pytest.raises(ReentrantLoadError, match=r"price -> price$"):
        price("tea")


def test_a_loader_that_asks_for_its_own_key_is_refused() -> None:
    cache = Cache(name="prices")

    def load() -> object:
        return cache.get_or_load("tea", load)

    with pytest.raises(ReentrantLoadError, match=r"prices -> prices$"):
        cache.get_or_load("tea", load)


def test_a_method_that_calls_itself_is_refused() -> None:
    class Service:
        @once(name="connect")
        def connect(self) -> object:
            return self.connect()

    with pytest.raises(ReentrantLoadError, match=r"connect -> connect$"):
        Service().connect()


def test_another_instance_is_another_load() -> None:
    class Service:
        def __init__(self, inner: Service | None) -> None:
            self.inner = inner

        @once
        def depth(self) -> int:
            return 1 + self.inner.depth() if self.inner else 0

    assert Service(Service(None)).depth() == 1


def test_recursion_over_different_keys_works() -> None:
    @cached
    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert fibonacci(60) == 1548008755920


def test_the_whole_chain_is_named() -> None:
    @once(name="a")
    def a() -> object:
        return b()

    @once(name="b")
    def b() -> object:
        return c()

    @once(name="c")
    def c() -> object:
        return a()

    with pytest.raises(ReentrantLoadError, match=r"a -> b -> c -> a$"):
        a()


def test_the_error_is_a_runtime_error() -> None:
    @once
    def settings() -> object:
        return settings()

    with pytest.raises(RuntimeError):
        settings()


def test_nothing_is_stored_by_a_refused_load() -> None:
    calls: list[int] = []

    @once
    def settings() -> str:
        calls.append(1)
        return settings() if len(calls) == 1 else "value"

    with pytest.raises(ReentrantLoadError):
        settings()

    assert settings() == "value"


def test_a_load_may_go_on_after_a_refusal() -> None:
    @once
    def settings() -> str:
        try:
            return settings()
        except ReentrantLoadError:
            return "default"

    assert settings() == "default"
    assert settings.peek() == "default"


def test_a_dependency_that_needs_its_dependant_is_refused() -> None:
    @once(name="first")
    def first() -> object:
        return second()

    @once(name="second", after=(first,))
    def second() -> str:
        return "second"

    with pytest.raises(ReentrantLoadError, match=r"second -> first -> second$"):
        second()


def test_asking_for_the_value_while_computing_its_life_is_refused() -> None:
    def life(value: object) -> float:
        load()
        return 60.0

    @cached(ttl=life, name="load")
    def load() -> str:
        return "value"

    with pytest.raises(ReentrantLoadError, match=r"load -> load$"):
        load()


def crossing(threads: int) -> list[Any]:
    """That many cells in a ring; each, once all are being loaded, asks for the next."""
    meeting = threading.Barrier(threads)
    cells: list[Any] = []

    def make(at: int) -> Any:
        is_first = [True]

        @once(name=f"cell{at}")
        def cell() -> str:
            if is_first:
                is_first.clear()
                meeting.wait(10)
                return cells[(at + 1) % threads]()
            return f"value{at}"

        return cell

    cells.extend(make(at) for at in range(threads))
    return cells


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_a_ring_over_threads_ends_with_an_error_for_everybody(
    threads: int, start: Callable[..., Any]
) -> None:
    outcomes = start(*crossing(threads)).outcomes()

    assert [type(outcome.error) for outcome in outcomes] == [ReentrantLoadError] * threads


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_a_ring_over_threads_is_named_whole(threads: int, start: Callable[..., Any]) -> None:
    outcomes = start(*crossing(threads)).outcomes()
    originals = [outcome.error for outcome in outcomes if outcome.error.__cause__ is None]

    (closer,) = originals  # one thread closed the ring, the others got its failure
    for at in range(threads):
        assert f"cell{at}" in str(closer)


def test_the_calls_after_a_ring_succeed(start: Callable[..., Any]) -> None:
    cells = crossing(2)
    start(*cells).outcomes()

    assert [cell() for cell in cells] == ["value0", "value1"]


def test_a_ring_that_one_side_can_do_without_gives_values(start: Callable[..., Any]) -> None:
    meeting = threading.Barrier(2)

    @once
    def a() -> str:
        meeting.wait(10)
        try:
            return "a with " + b()
        except ReentrantLoadError:
            return "a alone"

    @once
    def b() -> str:
        meeting.wait(10)
        try:
            return "b with " + a()
        except ReentrantLoadError:
            return "b alone"

    values = start(a, b).values()

    assert values in (["a alone", "b with a alone"], ["a with b alone", "b alone"])


def test_waiting_without_a_ring_is_no_error(start: Callable[..., Any]) -> None:
    meeting = threading.Barrier(2)

    @once
    def base() -> str:
        meeting.wait(10)
        while base.stats()["misses"] < 2:
            pass
        return "base"

    @once
    def top() -> str:
        meeting.wait(10)
        return "top of " + base()

    assert start(base, top).values() == ["base", "top of base"]
