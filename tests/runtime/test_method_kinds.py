"""Decorated static and class methods in both orders, inheritance, calls through the class."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import cached, once

DECORATORS = pytest.mark.parametrize("decorator", [once, cached], ids=["once", "cached"])
STATIC = pytest.mark.parametrize(
    "combine",
    [
        lambda decorator, function: staticmethod(decorator(function)),
        lambda decorator, function: decorator(staticmethod(function)),
    ],
    ids=["staticmethod-outside", "staticmethod-inside"],
)
CLASS = pytest.mark.parametrize(
    "combine",
    [
        lambda decorator, function: classmethod(decorator(function)),
        lambda decorator, function: decorator(classmethod(function)),
    ],
    ids=["classmethod-outside", "classmethod-inside"],
)


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
@STATIC
def test_a_static_method_has_one_result_for_all(
    decorator: Callable[..., Any], combine: Any
) -> None:
    runs: list[int] = []

    def load() -> int:
        runs.append(1)
        return len(runs)

    class Service:
        method = combine(decorator, load)

    assert [Service.method(), Service().method(), Service().method()] == [1, 1, 1]


@DECORATORS
@CLASS
def test_a_class_method_has_one_result_a_class(decorator: Callable[..., Any], combine: Any) -> None:
    def load(cls: type) -> tuple[str, object]:
        return cls.__name__, object()

    class Base:
        method = combine(decorator, load)

    class Sub(Base): ...

    assert Base.method() is Base.method() is Base().method()
    assert Sub.method() is Sub().method()
    assert (Base.method()[0], Sub.method()[0]) == ("Base", "Sub")


def test_a_once_class_method_knows_whether_it_is_done() -> None:
    class Service:
        @once
        @classmethod
        def load(cls) -> str:
            return cls.__name__

    before = Service.load.is_done()
    Service.load()

    assert (before, Service.load.is_done(), Service.load.peek()) == (False, True, "Service")


@DECORATORS
@CLASS
def test_a_class_is_not_kept_alive_by_its_class_method(
    decorator: Callable[..., Any], combine: Any
) -> None:
    def method(cls: type) -> object:
        return object()

    method = combine(decorator, method)

    class Service: ...

    Service.method = method
    Service.method()
    reference = weakref.ref(Service)
    del Service
    gc.collect()

    assert reference() is None


@DECORATORS
def test_a_subclass_shares_the_method_but_not_the_results(decorator: Callable[..., Any]) -> None:
    service = counting(decorator)

    class Sub(service): ...  # type: ignore[misc, valid-type]

    assert [service().load(), Sub().load()] == [1, 2]


@DECORATORS
def test_an_override_and_the_method_it_calls_do_not_share_results(
    decorator: Callable[..., Any],
) -> None:
    class Base:
        @decorator
        def load(self) -> str:
            return "base"

    class Sub(Base):
        @decorator
        def load(self) -> str:
            return "sub of " + super().load()

    instance = Sub()

    assert [instance.load(), instance.load()] == ["sub of base"] * 2
    assert Base.load(instance) == "base"


@DECORATORS
def test_a_call_through_the_class_is_a_call_on_the_instance(decorator: Callable[..., Any]) -> None:
    service = counting(decorator)
    instance = service()

    assert service.load(instance) == instance.load() == 1
