"""Decorated functions look like the functions they wrap, and travel like them."""

from __future__ import annotations

import copy
import inspect
import pickle
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from coldcache import cached, once

DECORATORS = pytest.mark.parametrize(
    "decorator",
    [once, once(), once(name="n"), cached, cached(), cached(ttl=60)],
    ids=["once", "once()", "once(name)", "cached", "cached()", "cached(ttl)"],
)


@once
def settings() -> object:
    """The settings."""
    return object()


@cached(ttl=60)
def parameter(name: str, *, decrypt: bool = False) -> tuple[str, bool]:
    """A parameter."""
    return name, decrypt


class Service:
    @cached
    def load(self, name: str) -> object:
        return object()


@DECORATORS
def test_the_function_is_reached_by_wrapped(decorator: Callable[..., Any]) -> None:
    def load() -> None: ...

    assert decorator(load).__wrapped__ is load


@DECORATORS
def test_it_is_named_like_its_function(decorator: Callable[..., Any]) -> None:
    def load() -> None:
        """Load it."""

    wrapper = decorator(load)

    assert wrapper.__name__ == "load"
    assert wrapper.__qualname__ == load.__qualname__
    assert wrapper.__module__ == load.__module__ == __name__
    assert wrapper.__doc__ == "Load it."


@DECORATORS
def test_it_has_the_attributes_of_its_function(decorator: Callable[..., Any]) -> None:
    def load() -> None: ...

    load.note = ["a note"]  # type: ignore[attr-defined]

    assert decorator(load).note is load.note  # type: ignore[attr-defined]


@DECORATORS
def test_it_takes_attributes(decorator: Callable[..., Any]) -> None:
    wrapper = decorator(lambda: 1)
    wrapper.note = "a note"

    assert wrapper.note == "a note"
    assert wrapper.__dict__["note"] == "a note"
    del wrapper.note
    assert not hasattr(wrapper, "note")


@DECORATORS
def test_it_has_the_signature_of_its_function(decorator: Callable[..., Any]) -> None:
    def load(name: str, *rest: int, flag: bool = False) -> str: ...  # type: ignore[empty-body]

    assert inspect.signature(decorator(load)) == inspect.signature(load)
    assert inspect.unwrap(decorator(load)) is load


@DECORATORS
def test_it_has_the_annotations_of_its_function(decorator: Callable[..., Any]) -> None:
    def load(name: str) -> int: ...  # type: ignore[empty-body]

    assert decorator(load).__annotations__ == load.__annotations__


@DECORATORS
def test_it_is_callable_and_found_by_doctest_and_help(decorator: Callable[..., Any]) -> None:
    def load() -> None:
        """Load it."""

    wrapper = decorator(load)

    assert callable(wrapper)
    assert inspect.getdoc(wrapper) == "Load it."
    assert "def load" in inspect.getsource(wrapper)


@DECORATORS
def test_it_is_no_coroutine_function(decorator: Callable[..., Any]) -> None:
    assert not inspect.iscoroutinefunction(decorator(lambda: 1))


@DECORATORS
def test_it_may_be_referred_to_weakly(decorator: Callable[..., Any]) -> None:
    wrapper = decorator(lambda: 1)

    assert weakref.ref(wrapper)() is wrapper


@DECORATORS
def test_it_is_hashed_and_compared_by_identity(decorator: Callable[..., Any]) -> None:
    one, other = decorator(len), decorator(len)

    assert one == one
    assert one != other
    assert len({one, other, one}) == 2


@DECORATORS
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_itself(decorator: Callable[..., Any], duplicate: Callable[[Any], Any]) -> None:
    wrapper = decorator(lambda: 1)

    assert duplicate(wrapper) is wrapper
    assert duplicate([wrapper])[0] is wrapper


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("function", [settings, parameter], ids=["once", "cached"])
def test_it_is_pickled_by_its_qualified_name(
    function: Any, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys  # noqa: PLC0415

    module = type(sys)(__name__)
    module.settings, module.parameter = settings, parameter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, __name__, module)  # found by name, as any module is

    assert pickle.loads(pickle.dumps(function, protocol)) is function


@DECORATORS
def test_one_that_has_no_name_of_its_own_cannot_be_pickled(decorator: Callable[..., Any]) -> None:
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(decorator(lambda: 1))


@DECORATORS
def test_bare_and_with_empty_brackets_are_the_same(decorator: Callable[..., Any]) -> None:
    assert decorator(lambda: "value")() == "value"


@DECORATORS
def test_a_builtin_will_do(decorator: Callable[..., Any]) -> None:
    assert decorator(dict)() == {}


@DECORATORS
def test_decorators_stack(decorator: Callable[..., Any]) -> None:
    runs: list[int] = []

    def load() -> int:
        runs.append(1)
        return len(runs)

    wrapper = decorator(cached(load))

    assert [wrapper(), wrapper()] == [1, 1]
    assert inspect.unwrap(wrapper) is load


@DECORATORS
def test_a_partial_of_it_works(decorator: Callable[..., Any]) -> None:
    assert partial(decorator(lambda: "value"))() == "value"


def test_a_call_passes_everything_on() -> None:
    assert parameter("a") == ("a", False)
    assert parameter("a", decrypt=True) == ("a", True)
    assert parameter(*["b"], **{"decrypt": True}) == ("b", True)  # noqa: PIE804
    assert list(map(parameter, ["c"])) == [("c", False)]


def test_many_arguments_are_passed_on_in_order() -> None:
    function = cached(lambda *args, **kwargs: (args, kwargs))
    args, kwargs = tuple(range(300)), {f"k{at}": at for at in range(300)}

    assert function(*args, **kwargs) == (args, kwargs)
    assert function(*args, **kwargs) is function(*args, **kwargs)


@DECORATORS
def test_its_class_cannot_be_subclassed_or_made(decorator: Callable[..., Any]) -> None:
    kind = type(decorator(lambda: 1))
    with pytest.raises(TypeError):
        kind()
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Sub", (kind,), {})
