"""`cached`: hits, forgetting, refreshing, peeking, copies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock, Mock

import coldcache
import pytest
from coldcache import LoadTimeout, cached, once


def numbered(**options: Any) -> Any:
    """A cached function that answers with its argument and the number of the run."""
    runs: list[Any] = []

    @cached(**options)
    def load(key: Any = None) -> tuple[Any, int]:
        runs.append(key)
        return key, len(runs)

    return load


def test_a_second_call_is_answered_from_the_cache() -> None:
    load = numbered()

    assert load("a") is load("a")


def test_none_is_a_result() -> None:
    runs: list[int] = []
    load = cached(runs.append)
    load(1), load(1)

    assert runs == [1]


@pytest.mark.parametrize("value", [False, 0, "", (), NotImplemented, ...], ids=repr)
def test_any_object_is_a_result(value: object) -> None:
    runs: list[int] = []

    @cached
    def load() -> object:
        runs.append(1)
        return value

    assert load() is load() is value
    assert len(runs) == 1


def test_an_exception_object_is_a_result() -> None:
    error = ValueError()

    assert cached(lambda: error)() is error


def test_two_functions_do_not_share_entries() -> None:
    one, other = cached(lambda key: ("one", key)), cached(lambda key: ("other", key))

    assert (one("a"), other("a")) == (("one", "a"), ("other", "a"))


def test_a_call_without_arguments_leaves_like_any_other() -> None:
    load = numbered(max_entries=1)
    leavings = [
        lambda: load("other"),
        load.invalidate,
        load.cache_clear,
        coldcache.testing.reset,
    ]
    numbers = []
    for leave in leavings:
        numbers.append(load()[1])
        leave()

    assert len({*numbers, load()[1]}) == len(leavings) + 1


def test_invalidate_forgets_one_call() -> None:
    load = numbered()
    load("a"), load("b")

    assert load.invalidate("a") is True
    assert (load("a"), load("b")) == (("a", 3), ("b", 2))


def test_invalidate_tells_whether_there_was_anything() -> None:
    assert numbered().invalidate("a") is False


def test_invalidate_takes_keyword_arguments() -> None:
    load = cached(lambda **options: object())
    first = load(a=1)
    load.invalidate(a=1)

    assert load(a=1) is not first


def test_cache_clear_forgets_all_calls_and_counters() -> None:
    load = numbered()
    load("a"), load("b"), load("a")
    load.cache_clear()

    assert load.cache_info() == (0, 0, 1024, 0)
    assert load("a") == ("a", 3)


def test_peek_never_runs_the_function() -> None:
    load = cached(lambda key: pytest.fail("must not run"))

    assert load.peek("a") is None


def test_peek_shows_what_is_kept_and_counts_nothing() -> None:
    load = numbered()
    load("a")
    before = load.cache_info()

    assert load.peek("a") == ("a", 1)
    assert load.cache_info() == before


def test_refresh_loads_anew_and_keeps_the_result() -> None:
    load = numbered()
    load("a")

    assert load.refresh("a") == ("a", 2)
    assert load("a") == ("a", 2)


def test_refresh_of_something_unknown_loads_it() -> None:
    load = numbered()

    assert load.refresh("a") == ("a", 1)
    assert load("a") == ("a", 1)


def test_a_failing_refresh_leaves_the_kept_result() -> None:
    answers: list[Any] = [ValueError("backend"), "old"]

    @cached
    def load() -> str:
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    load()
    with pytest.raises(ValueError, match="backend"):
        load.refresh()

    assert load() == "old"


def test_a_refresh_gives_the_value_a_full_life(clock: Any) -> None:
    load = numbered(ttl=60)
    load()
    clock.advance(50)
    load.refresh()
    clock.advance(50)

    assert load() == (None, 2)


def test_a_refresh_sees_what_changed_before_it_was_called(start: Callable[..., Any]) -> None:
    is_loading, may_end = threading.Event(), threading.Event()
    source = ["old"]

    @cached(timeout=5)
    def load() -> str:
        value = source[0]
        if value == "old":
            is_loading.set()
            assert may_end.wait(10)
        return value

    crew = start(load)
    assert is_loading.wait(10)
    source[0] = "new"
    try:
        assert load.refresh() == "new"
    finally:
        may_end.set()
    crew.values()

    assert load() == "new"


def test_cache_info_has_the_fields_of_functools() -> None:
    load = numbered(max_entries=5)
    load("a"), load("a"), load("b")
    info = load.cache_info()

    assert info._fields == ("hits", "misses", "maxsize", "currsize")
    assert info == (1, 2, 5, 2)


def test_cache_parameters_has_the_names_of_functools_and_ours() -> None:
    parameters = cached(ttl=5, max_entries=7, typed=False)(lambda: 1).cache_parameters()

    assert parameters.items() >= {"maxsize": 7, "typed": False, "ttl": 5}.items()


def test_cache_parameters_has_the_defaults() -> None:
    assert cached(lambda: 1).cache_parameters() == {"maxsize": 1024, "typed": True}


def test_changing_the_parameters_shown_changes_nothing() -> None:
    load = cached(ttl=5)(lambda: 1)
    load.cache_parameters()["ttl"] = 7

    assert load.cache_parameters()["ttl"] == 5


def test_without_copy_callers_share_the_object() -> None:
    load = cached(lambda: {"a": 1})
    load()["a"] = 2

    assert load() == {"a": 2}


def test_a_shallow_copy_is_each_callers_own() -> None:
    load = cached(copy="shallow")(lambda: {"a": [1]})
    first = load()
    first["b"] = 2
    first["a"].append(3)

    assert load() == {"a": [1, 3]}


def test_a_deep_copy_is_each_callers_own_throughout() -> None:
    load = cached(copy="deep")(lambda: {"a": [1]})
    load()["a"].append(3)
    load()["a"].append(3)

    assert load() == {"a": [1]}


def test_a_copy_function_of_ones_own_is_used() -> None:
    load = cached(copy=tuple)(lambda: [1, 2])

    assert [load(), load.peek(), load.refresh()] == [(1, 2)] * 3


def test_an_error_of_the_copy_function_comes_out_and_the_result_is_still_kept() -> None:
    runs: list[int] = []
    errors = [LookupError("cannot copy")]

    def copy(value: Any) -> Any:
        if errors:
            raise errors.pop()
        return value

    @cached(copy=copy)
    def load() -> int:
        runs.append(1)
        return len(runs)

    with pytest.raises(LookupError, match="cannot copy"):
        load()

    assert load() == 1


def test_a_caller_that_waits_too_long_gives_up(
    start: Callable[..., Any], subject_of: Callable[..., Any]
) -> None:
    has_given_up = threading.Event()

    def load() -> str:
        assert has_given_up.wait(10)
        return "value"

    def impatient() -> object:
        subject.wait_for_callers(1)
        try:
            return subject.call()
        finally:
            has_given_up.set()

    subject = subject_of(load, timeout=0.01)  # real time
    owner, waiter = start(subject.call, impatient).outcomes()

    assert owner.value == "value"
    assert isinstance(waiter.error, LoadTimeout)


def test_a_timeout_is_a_timeout_error_that_names_function_and_time(
    start: Callable[..., Any],
) -> None:
    has_given_up = threading.Event()

    @cached(timeout=0.02, name="slow load")  # real time
    def load() -> None:
        assert has_given_up.wait(10)

    def impatient() -> None:
        while load.stats()["misses"] < 1:
            pass
        try:
            with pytest.raises(TimeoutError, match=r"after 0\.02\d* s .* slow load"):
                load()
        finally:
            has_given_up.set()

    start(load, impatient).values()


def test_a_load_somebody_gave_up_on_is_kept(start: Callable[..., Any]) -> None:
    has_given_up = threading.Event()
    runs: list[int] = []

    @cached(timeout=0.01)  # real time
    def load() -> int:
        runs.append(1)
        assert has_given_up.wait(10)
        return len(runs)

    def impatient() -> None:
        while load.stats()["misses"] < 1:
            pass
        try:
            with pytest.raises(LoadTimeout):
                load()
        finally:
            has_given_up.set()

    start(load, impatient).values()

    assert load() == 1


def test_the_owner_of_a_load_is_not_timed_out(clock: Any) -> None:
    @cached(timeout=0.001)
    def load() -> str:
        clock.advance(10)
        return "value"

    assert load() == "value"


def test_the_representation_names_the_function_and_counts_entries() -> None:
    load = numbered(name="load")
    load("a")

    assert repr(load) == "<coldcache.cached load: 1 entries>"


@pytest.mark.parametrize("decorator", [once, cached], ids=["once", "cached"])
@pytest.mark.parametrize("kind", [MagicMock, Mock], ids=["MagicMock", "Mock"])
def test_a_mock_is_a_result(decorator: Any, kind: Any) -> None:
    client = kind()

    assert decorator(lambda: client)() is client


def test_a_lazy_module_as_a_result_is_not_imported() -> None:
    module = coldcache.lazy("this_module_does_not_exist")

    assert cached(lambda: module)() is module


def test_a_value_whose_attributes_raise_is_a_result() -> None:
    class Proxy:
        def __getattr__(self, name: str) -> Any:
            raise ConnectionError(name)

    proxy = Proxy()

    assert cached(lambda: proxy)() is proxy
