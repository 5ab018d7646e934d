"""Decorated methods: state per instance, instances that can die, static and class methods."""

from __future__ import annotations

import gc
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import cached, once

DECORATORS = pytest.mark.parametrize("decorator", [once, cached], ids=["once", "cached"])


def counting(decorator: Callable[..., Any]) -> type:
    """A class with a decorated method that numbers its runs, over all instances."""

    class Service:
        runs = 0

        @decorator
        def load(self) -> int:
            Service.runs += 1
            return Service.runs

    return Service


@DECORATORS
def test_each_instance_has_its_own_result(decorator: Callable[..., Any]) -> None:
    one, other = (service := counting(decorator))(), service()

    assert [one.load(), other.load(), one.load(), other.load()] == [1, 2, 1, 2]


@DECORATORS
def test_instances_are_told_apart_by_identity_not_equality(decorator: Callable[..., Any]) -> None:
    class Service:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

        @decorator
        def load(self) -> object:
            return object()

    one, other = Service(), Service()

    assert one.load() is one.load()
    assert one.load() is not other.load()


@DECORATORS
def test_an_instance_is_not_kept_alive(decorator: Callable[..., Any]) -> None:
    instance = counting(decorator)()
    instance.load()
    reference = weakref.ref(instance)
    del instance

    assert reference() is None


@DECORATORS
def test_the_result_dies_with_its_instance(decorator: Callable[..., Any]) -> None:
    class Result: ...

    class Service:
        @decorator
        def load(self) -> Result:
            return Result()

    instance = Service()
    reference = weakref.ref(instance.load())
    del instance
    gc.collect()

    assert reference() is None


@DECORATORS
def test_a_result_that_refers_to_its_instance_does_not_keep_it_alive(
    decorator: Callable[..., Any],
) -> None:
    class Service:
        @decorator
        def load(self) -> list[Any]:
            return [self]

    instance = Service()
    instance.load()
    reference = weakref.ref(instance)
    del instance
    gc.collect()

    assert reference() is None


@DECORATORS
def test_an_instance_that_took_the_place_of_a_dead_one_starts_afresh(
    decorator: Callable[..., Any],
) -> None:
    service = counting(decorator)
    addresses: set[int] = set()
    for run in range(1, 200):
        instance = service()
        assert instance.load() == run
        addresses.add(id(instance))
        del instance

    assert len(addresses) < 199  # some did share a place


@DECORATORS
def test_slots_with_weakref_will_do(decorator: Callable[..., Any]) -> None:
    class Service:
        __slots__ = ("__weakref__",)

        @decorator
        def load(self) -> object:
            return object()

    one, other = Service(), Service()

    assert one.load() is one.load()
    assert one.load() is not other.load()


@DECORATORS
def test_an_instance_with_slots_and_weakref_is_not_kept_alive(
    decorator: Callable[..., Any],
) -> None:
    class Service:
        __slots__ = ("__weakref__",)

        @decorator
        def load(self) -> object:
            return object()

    instance = Service()
    instance.load()
    reference = weakref.ref(instance)
    del instance
    gc.collect()

    assert reference() is None


@DECORATORS
def test_slots_without_weakref_are_refused_with_the_remedy(decorator: Callable[..., Any]) -> None:
    class Service:
        __slots__ = ()

        @decorator
        def load(self) -> object:
            return object()

    with pytest.raises(TypeError, match=r"load of Service .*__weakref__.*__slots__"):
        Service().load()


@DECORATORS
def test_two_methods_of_an_instance_do_not_share_results(decorator: Callable[..., Any]) -> None:
    class Service:
        @decorator
        def one(self) -> str:
            return "one"

        @decorator
        def other(self) -> str:
            return "other"

    service = Service()

    assert (service.one(), service.other(), service.one()) == ("one", "other", "one")


@DECORATORS
def test_a_function_that_is_also_an_attribute_of_a_class_stays_a_function(
    decorator: Callable[..., Any],
) -> None:
    @decorator
    def load() -> str:
        return "loaded"

    class Service:
        method = load

    assert load() == "loaded"


def test_arguments_of_a_function_that_is_also_an_attribute_of_a_class_stay_arguments() -> None:
    @cached
    def load(name: str = "default") -> str:
        return name

    class Service:
        method = load

    assert load("a") == "a"
    assert load() == "default"


@DECORATORS
def test_a_method_attached_later_works_as_one(decorator: Callable[..., Any]) -> None:
    class Service: ...

    Service.load = decorator(lambda self: (self, object()))  # type: ignore[attr-defined]
    one, other = Service(), Service()

    assert one.load() is one.load()  # type: ignore[attr-defined]
    assert other.load()[0] is other  # type: ignore[attr-defined]


def test_arguments_of_a_method_are_keys_within_the_instance() -> None:
    class Service:
        def __init__(self, name: str) -> None:
            self.name = name

        @cached
        def load(self, key: str, *, upper: bool = False) -> str:
            text = f"{self.name}.{key}"
            return text.upper() if upper else text

    a, b = Service("a"), Service("b")

    assert [a.load("x"), b.load("x"), a.load("y")] == ["a.x", "b.x", "a.y"]
    assert a.load("x", upper=True) == "A.X"
    assert a.load("x") == "a.x"
    assert a.load.cache_info()[:2] == (1, 3)


def test_invalidating_on_one_instance_spares_the_others() -> None:
    service = counting(cached)
    one, other = service(), service()
    one.load(), other.load()

    assert one.load.invalidate()
    assert [one.load(), other.load()] == [3, 2]


def test_clearing_on_one_instance_spares_the_others() -> None:
    service = counting(cached)
    one, other = service(), service()
    one.load(), other.load()
    one.load.cache_clear()

    assert [one.load(), other.load()] == [3, 2]


def test_clearing_through_the_class_reaches_all_instances() -> None:
    service = counting(cached)
    one, other = service(), service()
    one.load(), other.load()
    service.load.cache_clear()

    assert [one.load(), other.load()] == [3, 4]


def test_resetting_through_the_class_reaches_all_instances() -> None:
    service = counting(once)
    one, other = service(), service()
    one.load(), other.load()
    service.load.reset()

    assert [one.load.is_done(), other.load.is_done()] == [False, False]


def test_resetting_on_one_instance_spares_the_others() -> None:
    service = counting(once)
    one, other = service(), service()
    one.load(), other.load()
    one.load.reset()

    assert [one.load.is_done(), other.load.is_done()] == [False, True]


@DECORATORS
def test_a_bound_method_is_described_as_one(decorator: Callable[..., Any]) -> None:
    class Service:
        @decorator
        def load(self, name: str = "") -> str:
            """Load it."""
            return name

    service = Service()

    assert service.load.__self__ is service
    assert service.load.__name__ == "load"
    assert service.load.__doc__ == "Load it."
    assert service.load.__qualname__.endswith("Service.load")


@DECORATORS
def test_the_signature_of_a_bound_method_has_no_self(decorator: Callable[..., Any]) -> None:
    class Service:
        @decorator
        def load(self, name: str = "") -> None: ...

    assert list(inspect.signature(Service().load).parameters) == ["name"]
    assert list(inspect.signature(Service.load).parameters) == ["self", "name"]


@DECORATORS
def test_a_bound_method_keeps_its_instance_alive(decorator: Callable[..., Any]) -> None:
    method = counting(decorator)().load
    gc.collect()

    assert [method(), method()] == [1, 1]


@DECORATORS
def test_the_function_of_a_method_is_reached_by_wrapped(decorator: Callable[..., Any]) -> None:
    service = counting(decorator)
    instance = service()
    instance.load()

    assert service.load.__wrapped__(instance) == 2


@DECORATORS
def test_a_method_loads_once_for_many_threads(
    decorator: Callable[..., Any], start: Callable[..., Any]
) -> None:
    service = counting(decorator)
    instance = service()

    assert start(*[instance.load] * 16).values() == [1] * 16


@DECORATORS
def test_many_instances_leave_nothing_behind(decorator: Callable[..., Any]) -> None:
    class Service:
        __slots__ = ("__weakref__",)

        @decorator
        def load(self) -> list[int]:
            return []

    def objects() -> int:
        gc.collect()
        return len(gc.get_objects())

    for _ in range(100):
        Service().load()
    before = objects()
    for _ in range(1000):
        Service().load()

    assert objects() - before < 100
