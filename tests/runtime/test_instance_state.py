"""What decorated methods leave on an instance goes unnoticed: copies, pickles, odd instances."""

from __future__ import annotations

import copy
import dataclasses
import enum
import gc
import pickle
import sys
import weakref
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from coldcache import cached, once

DECORATORS = pytest.mark.parametrize("decorator", [once, cached], ids=["once", "cached"])


class Service:
    """Pickled by name, so it has one."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    @cached
    def cached_load(self) -> tuple[str, object]:
        return self.name, object()

    @once
    def once_load(self) -> tuple[str, object]:
        return self.name, object()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    module = type(sys)(Service.__module__)
    module.Service = Service  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, Service.__module__, module)  # found by name, as any module is
    made = Service("original")
    made.cached_load(), made.once_load()
    return made


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize("method", ["cached_load", "once_load"])
def test_a_duplicate_of_an_instance_has_results_of_its_own(
    service: Service, duplicate: Callable[[Any], Any], method: str
) -> None:
    before = getattr(service, method)()
    twin = duplicate(service)
    twin.name = "duplicate"

    assert getattr(twin, method)()[0] == "duplicate"
    assert getattr(service, method)() is before


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_a_duplicate_of_an_instance_does_not_keep_the_original_alive(
    service: Service, duplicate: Callable[[Any], Any]
) -> None:
    original = Service("another")
    original.once_load()
    twin = duplicate(original)
    reference = weakref.ref(original)
    del original
    gc.collect()

    assert reference() is None
    assert twin.once_load()[0] == "another"


@DECORATORS
def test_a_dataclass_compares_hashes_and_shows_itself_as_before(
    decorator: Callable[..., Any],
) -> None:
    @dataclasses.dataclass(frozen=True)
    class Query:
        text: str

        @decorator
        def load(self) -> object:
            return object()

    one, other = Query("a"), Query("a")

    assert one.load() is one.load()
    assert one.load() is not other.load()
    assert (one, hash(one)) == (other, hash(other))
    assert dataclasses.asdict(one) == {"text": "a"}
    assert dataclasses.replace(one, text="b").load() is not one.load()


@DECORATORS
def test_members_of_an_enum_have_results_of_their_own(decorator: Callable[..., Any]) -> None:
    class Stage(enum.Enum):
        DEV = 1
        PROD = 2

        @decorator
        def load(self) -> str:
            return self.name

    assert list(Stage) == [Stage.DEV, Stage.PROD]
    assert [Stage.DEV.load(), Stage.PROD.load(), Stage.DEV.load()] == ["DEV", "PROD", "DEV"]


@DECORATORS
@pytest.mark.parametrize("base", [int, str, tuple, list, dict, Exception])
def test_instances_of_builtin_types_have_results_of_their_own(
    decorator: Callable[..., Any], base: type
) -> None:
    class Special(base):  # type: ignore[misc]
        __hash__ = None  # type: ignore[assignment]

        @decorator
        def load(self) -> object:
            return object()

    one, other = Special(), Special()

    assert one.load() is one.load()
    assert one.load() is not other.load()


@DECORATORS
def test_an_instance_without_room_is_refused_with_the_remedy(
    decorator: Callable[..., Any],
) -> None:
    class Pair(namedtuple("Pair", "a b")):
        __slots__ = ()

        @decorator
        def load(self) -> object:
            return object()

    with pytest.raises(TypeError, match=r"load of Pair .*__dict__.*__slots__"):
        Pair(1, 2).load()


@DECORATORS
def test_an_instance_that_refuses_attributes_will_do(decorator: Callable[..., Any]) -> None:
    class Sealed:
        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

        def __setattr__(self, name: str, value: Any) -> None:
            raise TypeError("sealed")

        @decorator
        def load(self) -> object:
            return object()

    one, other = Sealed(), Sealed()

    assert one.load() is one.load()
    assert one.load() is not other.load()


@DECORATORS
def test_a_method_of_a_metaclass_has_a_result_a_class(decorator: Callable[..., Any]) -> None:
    class Meta(type):
        @decorator
        def load(cls) -> object:
            return object()

    class One(metaclass=Meta): ...

    class Other(metaclass=Meta): ...

    assert One.load() is One.load()
    assert One.load() is not Other.load()


@DECORATORS
def test_an_instance_whose_dictionary_was_emptied_starts_anew(
    decorator: Callable[..., Any],
) -> None:
    class Plain:
        @decorator
        def load(self) -> object:
            return object()

    instance = Plain()
    first = instance.load()
    instance.__dict__.clear()

    assert instance.load() is not first
    assert instance.load() is instance.load()


@DECORATORS
def test_clearing_through_the_class_reaches_thousands_of_instances(
    decorator: Callable[..., Any],
) -> None:
    class Plain:
        @decorator
        def load(self) -> object:
            return object()

    instances = [Plain() for _ in range(3000)]
    before = [instance.load() for instance in instances]
    (Plain.load.reset if decorator is once else Plain.load.cache_clear)()

    assert not any(instance.load() is old for instance, old in zip(instances, before, strict=True))


@DECORATORS
def test_a_first_call_by_many_threads_makes_one_state(
    decorator: Callable[..., Any], start: Callable[..., Any]
) -> None:
    class Plain:
        @decorator
        def load(self) -> object:
            return object()

    for _ in range(50):
        instance = Plain()
        values = start(*[instance.load] * 4).values()
        assert len({id(value) for value in values}) == 1


@DECORATORS
@pytest.mark.parametrize("base", [int, tuple])
def test_a_copy_of_a_copy_at_the_place_of_the_original_starts_afresh(
    decorator: Callable[..., Any], base: type
) -> None:
    class Special(base):  # type: ignore[misc]
        @decorator
        def load(self) -> object:
            return object()

    for _ in range(50):
        original = Special()
        first = original.load()
        twin = copy.copy(original)
        del original
        again = copy.copy(twin)  # likely where the original was

        assert again.load() is not first
