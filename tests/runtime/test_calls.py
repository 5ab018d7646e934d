"""The way in for calls: vectorcall, or the plain one, with the same answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CLASSES = """
    import coldcache
    class Service:
        @coldcache.once
        def settings(self): return 1
        @coldcache.cached
        def load(self, key): return key
    service = Service()
    callables = [
        Service.settings, Service.load, service.settings, service.load,
    ]
    print(*[bool(type(one).__flags__ & (1 << 11)) for one in callables])
"""


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", "True True True True"), ("1", "False False False False")],
    ids=["vectorcall", "plain"],
)
def test_the_environment_chooses_the_way_in(
    value: str, expected: str, run_python: Callable[..., str]
) -> None:
    assert run_python(CLASSES, env={"COLDCACHE_PLAIN_CALL": value}) == expected


SAME = """
    import coldcache
    @coldcache.cached(max_entries=50)
    def load(*args, **kwargs):
        return args, kwargs
    class Service:
        @coldcache.cached
        def load(self, *args, **kwargs):
            return args, kwargs
    service = Service()
    calls = [
        ((), {}), ((1,), {}), (("a",), {}), ((b"a",), {}), ((None,), {}), ((1.5,), {}),
        ((True,), {}), ((1, 2), {}), (("a", 1), {}), (("a", 1.5), {}), ((), {"a": 1}),
        ((1,), {"a": 1}),
        ((1,), {"a": 1, "b": 2}), (tuple(range(20)), {"k": 1}), (([],), {}), ((1, {}), {}),
        ((), {"a": []}), ((2**100,), {}), ((-1,), {}), (("",), {}),
    ]
    for function in (load, service.load):
        for _ in range(2):
            for args, kwargs in calls:
                try:
                    print(function(*args, **kwargs))
                except TypeError as error:
                    print(error)
        print(function.cache_info())
"""


def test_both_ways_give_the_same_answers(run_python: Callable[..., str]) -> None:
    fast, plain = (run_python(SAME, env={"COLDCACHE_PLAIN_CALL": value}) for value in "01")

    assert fast == plain
    assert fast.count("is not hashable") == 12


def test_a_setting_that_is_neither_is_an_error_on_import(run_python: Callable[..., str]) -> None:
    program = """
    try:
        import coldcache
    except ValueError as error:
        print(error)
    """

    assert "COLDCACHE_PLAIN_CALL" in run_python(program, env={"COLDCACHE_PLAIN_CALL": "perhaps"})


def test_errors_of_calls_leave_no_exception_behind(run_python: Callable[..., str]) -> None:
    program = """
    import coldcache
    @coldcache.cached
    def load(key):
        raise LookupError(key)
    class Odd:
        def __hash__(self): raise ValueError("odd")
    for _ in range(1000):
        for key in (1, "a", Odd(), []):
            try:
                load(key)
            except (LookupError, ValueError, TypeError):
                pass
    print("fine")
    """

    assert run_python(program) == "fine"


def test_arguments_from_a_list_that_changes_during_the_call_are_safe() -> None:
    from coldcache import cached  # noqa: PLC0415

    arguments: list[Any] = []

    class Clearing:
        def __hash__(self) -> int:
            arguments.clear()
            return 1

    @cached
    def load(*args: Any) -> int:
        return len(args)

    arguments.extend([Clearing(), "b", "c"])

    assert load(*arguments) == 3
