"""Arguments that cannot be a key: named, and errors of `__hash__` and `__eq__` as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, cached


class Echo:
    """A cached function that notes the calls that reached it."""

    def __init__(self, **options: Any) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

        @cached(**options)
        def echo(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
            self.calls.append((args, kwargs))
            return args, kwargs

        self.function = echo

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


class Unhappy:
    """Hash or equality fail as told."""

    def __init__(self, *, in_hash: BaseException | None = None, in_eq: Any = None) -> None:
        self.in_hash = in_hash
        self.in_eq = in_eq

    def __hash__(self) -> int:
        if self.in_hash:
            raise self.in_hash
        return 1

    def __eq__(self, other: object) -> bool:
        if self.in_eq:
            raise self.in_eq
        return self is other


OPERATIONS: dict[str, Callable[[Any, Any], object]] = {
    "cache[key]": lambda cache, key: cache[key],
    "cache[key] = 1": lambda cache, key: cache.__setitem__(key, 1),
    "del cache[key]": lambda cache, key: cache.__delitem__(key),
    "key in cache": lambda cache, key: key in cache,
    "get": lambda cache, key: cache.get(key),
    "set": lambda cache, key: cache.set(key, 1),
    "pop": lambda cache, key: cache.pop(key),
    "setdefault": lambda cache, key: cache.setdefault(key, 1),
    "update": lambda cache, key: cache.update([(key, 1)]),
    "peek": lambda cache, key: cache.peek(key),
    "invalidate": lambda cache, key: cache.invalidate(key),
    "get_or_load": lambda cache, key: cache.get_or_load(key, lambda: 1),
}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(([],), "'first'"), (("a", {}), "'second'"), (("a", "b", set()), "'third'")],
    ids=["first", "second", "third"],
)
def test_an_unhashable_argument_is_named(arguments: tuple[Any, ...], name: str) -> None:
    @cached
    def load(first: Any = 0, second: Any = 0, third: Any = 0) -> None:
        pytest.fail("must not run")

    with pytest.raises(TypeError, match=rf"argument {name} of .*load\(\) is not hashable"):
        load(*arguments)


def test_an_unhashable_keyword_argument_is_named() -> None:
    @cached
    def load(**options: Any) -> None:
        pytest.fail("must not run")

    with pytest.raises(TypeError, match=r"argument 'where' of .*load\(\) is not hashable \(dict\)"):
        load(what=1, where={})


def test_an_unhashable_argument_of_a_method_is_named() -> None:
    class Service:
        @cached
        def load(self, event: Any) -> None:
            pytest.fail("must not run")

    with pytest.raises(TypeError, match=r"argument 'event' of .*load\(\) is not hashable"):
        Service().load({})


def test_a_tuple_that_holds_something_unhashable_is_named() -> None:
    @cached
    def load(path: Any) -> None:
        pytest.fail("must not run")

    with pytest.raises(TypeError, match=r"argument 'path' of .* is not hashable"):
        load(("a", []))


def test_the_error_about_an_unhashable_argument_names_the_remedy() -> None:
    with pytest.raises(TypeError, match="key="):
        Echo()([])


@pytest.mark.parametrize("method", ["invalidate", "peek", "refresh"])
def test_an_unhashable_argument_is_named_by_every_operation(method: str) -> None:
    echo = Echo()

    with pytest.raises(TypeError, match="is not hashable"):
        getattr(echo.function, method)([])


def test_an_unhashable_argument_leaves_state_untouched() -> None:
    echo = Echo()
    echo("a")
    before = echo.function.cache_info()
    with pytest.raises(TypeError):
        echo([])

    assert echo.calls == [(("a",), {})]
    assert echo.function.cache_info().currsize == before.currsize
    assert echo("a") == (("a",), {})


def test_a_type_error_of_the_function_itself_is_not_explained_away() -> None:
    @cached
    def load(name: str) -> None:
        raise TypeError("name is odd")

    with pytest.raises(TypeError, match=r"^name is odd$"):
        load("a")


def test_a_call_that_does_not_fit_the_function_fails_as_it_would_without_a_cache() -> None:
    @cached
    def load(name: str) -> str:
        return name

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        load()
    with pytest.raises(TypeError, match="unexpected keyword argument 'nam'"):
        load(nam="a")


def test_an_unhashable_key_is_an_error_and_the_function_does_not_run() -> None:
    @cached(key=lambda name: [name])
    def load(name: str) -> None:
        pytest.fail("must not run")

    with pytest.raises(TypeError, match="unhashable"):
        load("a")


def test_an_error_of_the_key_function_comes_out_as_itself() -> None:
    @cached(key=lambda event: event["id"])
    def load(event: dict[str, Any]) -> None:
        pytest.fail("must not run")

    with pytest.raises(KeyError, match="id"):
        load({})
    assert load.cache_info().currsize == 0


@pytest.mark.parametrize("error", [ValueError("v"), TypeError("t"), KeyboardInterrupt()], ids=repr)
def test_an_error_of_hash_comes_out_as_itself(error: BaseException) -> None:
    echo = Echo()
    with pytest.raises(type(error)) as caught:
        echo(Unhappy(in_hash=error))

    assert caught.value is error
    assert echo.calls == []
    assert echo.function.cache_info().currsize == 0


@pytest.mark.parametrize("error", [ValueError("v"), TypeError("t"), KeyboardInterrupt()], ids=repr)
def test_an_error_of_eq_comes_out_as_itself_and_changes_nothing(error: BaseException) -> None:
    echo = Echo()
    stored, other = Unhappy(), Unhappy()
    first = echo(stored)
    stored.in_eq = other.in_eq = error
    with pytest.raises(type(error)) as caught:
        echo(other)
    stored.in_eq = other.in_eq = None

    assert caught.value is error
    assert echo.function.cache_info().currsize == 1
    assert echo(stored) is first
    assert len(echo.calls) == 1


@pytest.mark.parametrize("operate", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("where", ["in_hash", "in_eq"])
def test_an_error_of_a_key_of_a_cache_comes_out_as_itself_and_changes_nothing(
    operate: Callable[[Any, Any], object], where: str
) -> None:
    cache = Cache()
    cache[1] = "one"  # has the hash of an Unhappy
    error = ValueError("odd")
    with pytest.raises(ValueError, match="odd") as caught:
        operate(cache, Unhappy(**{where: error}))

    assert caught.value is error
    assert dict(cache) == {1: "one"}


def test_a_failing_comparison_after_the_load_leaves_nobody_waiting(
    start: Callable[..., Any],
) -> None:
    key = Unhappy()
    twin = Unhappy()  # in the dicts under the same hash, so that comparisons happen
    cache: Cache[Any, Any] = Cache()
    cache[twin] = 0

    def load() -> int:
        key.in_eq = twin.in_eq = ValueError("odd")
        return 1

    with pytest.raises(ValueError, match="odd"):
        cache.get_or_load(key, load)
    key.in_eq = twin.in_eq = None

    assert start(lambda: cache.get_or_load(key, lambda: 2)).values() == [2]


def test_the_error_of_another_key_does_not_reach_a_caller_or_break_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda report: reported.append(report.exc_value))
    cache: Cache[Any, Any] = Cache(max_entries=2)
    victim = Unhappy()
    cache[victim] = "victim"
    cache["b"] = "b"
    victim.in_hash = ValueError("of the victim")
    cache["c"] = "c"
    victim.in_hash = None
    cache["d"] = "d"
    cache["e"] = "e"

    assert len(cache) <= 2
    assert cache["e"] == "e"


def test_clearing_with_a_key_that_cannot_be_hashed_leaves_nothing() -> None:
    cache: Cache[Any, Any] = Cache()
    keys = [Unhappy() for _ in range(3)]
    for key in keys:
        cache[key] = "value"
    keys[0].in_hash = ValueError("odd")
    with contextlib.suppress(ValueError):
        cache.clear()
    keys[0].in_hash = None

    assert len(cache) == 0
