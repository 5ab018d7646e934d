"""Lazy names taken from a module: before they are loaded they behave as the real object does."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import math
import os
import pickle
import sys
import textwrap
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import coldcache
import pytest

PREFIXES = ("kinds_",)
SOURCE = """
    import collections, contextlib, typing
    NUMBER, NEGATIVE, RATIO, ZERO = 7, -7, 2.5, 0
    TEXT, DATA, LIST, DICT = "north", b"data", [3, 1, 2], {"a": 1}
    class Base:
        made = 0
        def __init__(self, size=0): self.size = size
        def __eq__(self, other): return isinstance(other, Base) and self.size == other.size
        def __hash__(self): return hash(self.size)
        @classmethod
        def of(cls): return cls(1)
    class Meta(type): pass
    class WithMeta(metaclass=Meta): pass
    class Failure(Exception): pass
    T = typing.TypeVar("T")
    class Box(typing.Generic[T]): pass
    BOX = Box[int]
    class Manager:
        def __enter__(self): return "inside"
        def __exit__(self, *error): self.left = error[0]; return True
        async def __aenter__(self): return "inside"
        async def __aexit__(self, *error): return True
        def __aiter__(self): return self
        async def __anext__(self): raise StopAsyncIteration
        def __await__(self): yield from (); return "awaited"
    MANAGER = Manager()
    class Matrix:
        def __matmul__(self, other): return "matmul", other
        def __rmatmul__(self, other): return "rmatmul", other
        def __imatmul__(self, other): return "imatmul", other
    MATRIX = Matrix()
    def double(x, *, times=2): return times * x
    def method(self): return self
    def numbers(): yield from (1, 2)
    NUMBERS = numbers()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what is imported from it is forgotten afterwards."""
    (tmp_path / "kinds_module.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(PREFIXES)]:
        del sys.modules[name]


@pytest.fixture
def lazy(folder: Path) -> Callable[[str], Any]:
    """Declare a name where nothing rebinds it."""
    return lambda name: coldcache.lazy("kinds_module", name)


def test_declaring_does_not_import(lazy: Callable[[str], Any]) -> None:
    kept = lazy("double")

    assert "kinds_module" not in sys.modules
    assert kept is not None


def test_its_representation_does_not_import(lazy: Callable[[str], Any]) -> None:
    assert "kinds_module:double" in repr(lazy("double"))
    assert "kinds_module" not in sys.modules


def test_the_name_is_the_real_object_after_first_use(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("double = coldcache.lazy('kinds_module', 'double')\nanswer = double(2)")

    assert space["answer"] == 4
    assert space["double"] is sys.modules["kinds_module"].double


def test_an_alias_is_the_real_object_after_first_use(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        double = coldcache.lazy('kinds_module', attr='double')
        twice = double
        answer = twice(2)
    """)

    assert space["twice"] is space["double"] is sys.modules["kinds_module"].double


USES: list[tuple[str, Callable[[Any], object], object]] = [
    ("double", lambda f: f(2), 4),
    ("double", lambda f: f(2, times=3), 6),
    ("Base", lambda c: c(3).size, 3),
    ("Base", lambda c: c.of().size, 1),
    ("double", lambda f: f.__name__, "double"),
    ("NUMBER", lambda n: n + 1, 8),
    ("NUMBER", lambda n: 1 + n, 8),
    ("NUMBER", lambda n: n - 1, 6),
    ("NUMBER", lambda n: 10 - n, 3),
    ("NUMBER", lambda n: n * 2, 14),
    ("NUMBER", lambda n: [0] * n, [0] * 7),
    ("NUMBER", lambda n: n / 2, 3.5),
    ("NUMBER", lambda n: 14 / n, 2.0),
    ("NUMBER", lambda n: n // 2, 3),
    ("NUMBER", lambda n: 15 // n, 2),
    ("NUMBER", lambda n: n % 4, 3),
    ("NUMBER", lambda n: 10 % n, 3),
    ("NUMBER", lambda n: divmod(n, 4), (1, 3)),
    ("NUMBER", lambda n: divmod(10, n), (1, 3)),
    ("NUMBER", lambda n: n**2, 49),
    ("NUMBER", lambda n: 2**n, 128),
    ("NUMBER", lambda n: pow(n, 2, 5), 4),
    ("NUMBER", lambda n: n << 1, 14),
    ("NUMBER", lambda n: 1 << n, 128),
    ("NUMBER", lambda n: n >> 1, 3),
    ("NUMBER", lambda n: 256 >> n, 2),
    ("NUMBER", lambda n: n & 3, 3),
    ("NUMBER", lambda n: 3 & n, 3),
    ("NUMBER", lambda n: n | 8, 15),
    ("NUMBER", lambda n: 8 | n, 15),
    ("NUMBER", lambda n: n ^ 1, 6),
    ("NUMBER", lambda n: 1 ^ n, 6),
    ("NUMBER", lambda n: -n, -7),
    ("NUMBER", lambda n: +n, 7),
    ("NUMBER", lambda n: ~n, -8),
    ("NEGATIVE", abs, 7),
    ("NUMBER", lambda n: (n < 8, n <= 7, n > 7, n >= 8), (True, True, False, False)),
    ("NUMBER", lambda n: (n == 7, n != 7, 7 == n), (True, False, True)),  # noqa: SIM300
    ("NUMBER", hash, hash(7)),
    ("NUMBER", lambda n: {7: "found"}[n], "found"),
    ("NUMBER", lambda n: list(range(10))[n], 7),
    ("NUMBER", hex, "0x7"),
    ("NUMBER", float, 7.0),
    ("NUMBER", complex, 7 + 0j),
    ("RATIO", int, 2),
    ("RATIO", round, 2),
    ("RATIO", lambda r: (math.trunc(r), math.floor(r), math.ceil(r)), (2, 2, 3)),
    ("RATIO", lambda r: f"{r:.2f}", "2.50"),
    ("ZERO", bool, False),
    ("TEXT", lambda t: f"{t}!", "north!"),
    ("TEXT", lambda t: "go " + t, "go north"),
    ("TEXT", lambda t: t + "!", "north!"),
    ("TEXT", lambda t: t % (), "north"),
    ("TEXT", len, 5),
    ("TEXT", lambda t: "or" in t, True),
    ("TEXT", os.fspath, "north"),
    ("TEXT", lambda t: t.upper(), "NORTH"),
    ("TEXT", lambda t: {"north": 1}[t], 1),
    ("DATA", bytes, b"data"),
    ("LIST", list, [3, 1, 2]),
    ("LIST", sorted, [1, 2, 3]),
    ("LIST", lambda values: list(reversed(values)), [2, 1, 3]),
    ("LIST", lambda values: values[0], 3),
    ("LIST", lambda values: values[1:], [1, 2]),
    ("LIST", lambda values: [*values], [3, 1, 2]),
    ("DICT", dict, {"a": 1}),
    ("DICT", lambda d: {**d}, {"a": 1}),
    ("NUMBERS", next, 1),
    ("MATRIX", lambda m: m @ 1, ("matmul", 1)),
    ("MATRIX", lambda m: 1 @ m, ("rmatmul", 1)),
    ("Base", lambda c: isinstance(c(), c), True),
    ("Base", lambda c: isinstance(1, (str, c)), False),
    ("Base", lambda c: issubclass(bool, c), False),
    ("Base", lambda c: isinstance(c, type), True),
    ("TEXT", lambda t: isinstance(t, str), True),
    ("TEXT", lambda t: isinstance(t, int), False),
    ("Failure", lambda c: issubclass(c, Exception), True),
    ("Base", lambda c: "of" in dir(c), True),
    ("Base", lambda c: str(c | None) != "", True),
]


@pytest.mark.parametrize(
    ("name", "use", "expected"), USES, ids=[f"{i}-{use[0]}" for i, use in enumerate(USES)]
)
def test_it_is_used_as_the_real_object(
    name: str, use: Callable[[Any], object], expected: object, lazy: Callable[[str], Any]
) -> None:
    assert use(lazy(name)) == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("NUMBER += 1", 8),
        ("NUMBER -= 1", 6),
        ("NUMBER *= 2", 14),
        ("NUMBER /= 2", 3.5),
        ("NUMBER //= 2", 3),
        ("NUMBER %= 4", 3),
        ("NUMBER **= 2", 49),
        ("NUMBER <<= 1", 14),
        ("NUMBER >>= 1", 3),
        ("NUMBER &= 3", 3),
        ("NUMBER |= 8", 15),
        ("NUMBER ^= 1", 6),
        ("MATRIX @= 1", ("imatmul", 1)),
    ],
)
def test_an_in_place_operator_gives_the_result(
    statement: str, expected: object, lazy: Callable[[str], Any]
) -> None:
    name = statement.split(maxsplit=1)[0]
    space = {name: lazy(name)}
    exec(statement, space)

    assert type(space[name]) is type(expected)
    assert space[name] == expected


def test_an_in_place_operator_changes_what_is_changed_in_place(lazy: Callable[[str], Any]) -> None:
    values = lazy("LIST")
    values += [4]

    assert values is sys.modules["kinds_module"].LIST
    assert values == [3, 1, 2, 4]


def test_items_are_set_and_deleted_in_the_real_object(lazy: Callable[[str], Any]) -> None:
    mapping = lazy("DICT")
    mapping["b"] = 2
    del mapping["a"]

    assert sys.modules["kinds_module"].DICT == {"b": 2}


def test_attributes_are_set_and_deleted_in_the_real_object(lazy: Callable[[str], Any]) -> None:
    base = lazy("Base")
    base.made = 5
    assert sys.modules["kinds_module"].Base.made == 5
    del base.made

    assert not hasattr(sys.modules["kinds_module"].Base, "made")


def test_it_is_a_context_manager(lazy: Callable[[str], Any]) -> None:
    with lazy("MANAGER") as inside:
        raise LookupError(inside)

    assert sys.modules["kinds_module"].MANAGER.left is LookupError


def test_an_exit_stack_enters_it(lazy: Callable[[str], Any]) -> None:
    with contextlib.ExitStack() as stack:
        assert stack.enter_context(lazy("MANAGER")) == "inside"


def test_it_is_asynchronous_in_all_ways(lazy: Callable[[str], Any]) -> None:
    async def use() -> list[object]:
        manager = lazy("MANAGER")
        async with manager as inside:
            found = [inside, await manager]
        return found + [item async for item in manager]

    assert asyncio.run(use()) == ["inside", "awaited"]


def test_a_protocol_the_real_object_lacks_is_a_type_error(lazy: Callable[[str], Any]) -> None:
    with pytest.raises(TypeError, match="'int' object is not iterable"):
        iter(lazy("NUMBER"))
    with pytest.raises(TypeError, match=r"'int' object has no __enter__\(\)"), lazy("NUMBER"):
        pass


def test_it_is_a_base_class(lazy: Callable[[str], Any]) -> None:
    base = lazy("Base")

    class Derived(base):  # type: ignore[misc]
        pass

    assert Derived.__bases__ == (sys.modules["kinds_module"].Base,)
    assert isinstance(Derived(4), base)
    assert issubclass(Derived, base)


def test_a_metaclass_comes_with_the_base_class(lazy: Callable[[str], Any]) -> None:
    base = lazy("WithMeta")

    class Derived(base):  # type: ignore[misc]
        pass

    assert type(Derived) is sys.modules["kinds_module"].Meta


def test_a_generic_alias_is_a_base_class(lazy: Callable[[str], Any]) -> None:
    alias = lazy("BOX")

    class Derived(alias):  # type: ignore[misc]
        pass

    assert sys.modules["kinds_module"].Box in Derived.__mro__


def test_its_instances_are_caught_by_the_real_class_after_use(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        Failure = coldcache.lazy('kinds_module', 'Failure')
        try:
            raise Failure("x")
        except Failure as error:
            caught = error
    """)

    assert str(space["caught"]) == "x"


def test_a_function_in_a_class_body_is_a_method(lazy: Callable[[str], Any]) -> None:
    class Service:
        method = lazy("method")
        number = lazy("NUMBER")

    service = Service()
    assert service.method() is service
    assert type(service.number) is int


def test_it_pickles_by_name_without_importing(lazy: Callable[[str], Any]) -> None:
    twin = pickle.loads(pickle.dumps(lazy("double")))

    assert "kinds_module" not in sys.modules
    assert twin(2) == 4


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_one_of_the_real_object(
    duplicate: Callable[[Any], Any], lazy: Callable[[str], Any]
) -> None:
    twin = duplicate(lazy("LIST"))
    twin.append(4)

    assert twin == [3, 1, 2, 4]
    assert sys.modules["kinds_module"].LIST == [3, 1, 2]


def test_a_first_use_by_many_threads_gives_one_object(
    lazy: Callable[[str], Any], start: Callable[..., Any]
) -> None:
    made = lazy("Base")

    classes = start(*[lambda: type(made(1))] * 16).values()
    assert set(map(id, classes)) == {id(sys.modules["kinds_module"].Base)}


def test_an_unused_name_in_a_circle_with_its_owner_is_collected(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("class Here: pass\ndouble = coldcache.lazy('kinds_module', 'double')")
    space["Here"].lazy = space["double"]
    here = weakref.ref(space["Here"])
    del space
    gc.collect()

    assert here() is None


def test_a_used_name_in_a_circle_with_its_object_is_collected(
    program: Callable[[str], dict[str, Any]],
) -> None:
    proxy = program("kept = [coldcache.lazy('kinds_module', 'Base')]")["kept"][0]
    proxy.holder = proxy
    real = weakref.ref(sys.modules.pop("kinds_module").Base)
    del proxy
    gc.collect()

    assert real() is None
