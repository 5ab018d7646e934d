"""`step`: a named block, and a declared step with its place in the order; rings of steps."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import coldcache
import pytest
from coldcache import _step, once


@pytest.fixture(autouse=True)
def _no_steps() -> Iterator[None]:
    steps = dict(_step._declared)
    _step._declared.clear()
    yield
    _step._declared.clear()
    _step._declared.update(steps)


def nothing() -> None: ...


def test_a_block_is_recorded_with_its_name_and_time() -> None:
    with coldcache.step("load model"):
        pass
    [found] = coldcache.startup().steps

    assert (found["name"], found["parent"], found["error"]) == ("load model", None, None)
    assert found["ms"] >= 0


def test_steps_nest() -> None:
    with coldcache.step("a"), coldcache.step("b"), coldcache.step("c"):
        pass
    found = [(step["name"], step["parent"]) for step in coldcache.startup().steps]

    assert found == [("a", None), ("b", 0), ("c", 1)]


def test_an_error_in_a_block_comes_out_and_is_recorded_by_its_type() -> None:
    with pytest.raises(LookupError, match="hunter2"), coldcache.step("load"):
        raise LookupError("hunter2")

    assert coldcache.startup().steps[0]["error"] == "LookupError"


def test_a_declared_step_is_a_function_that_runs_when_called() -> None:
    calls: list[int] = []

    @coldcache.step("load")
    def load() -> int:
        """Load it."""
        calls.append(1)
        return len(calls)

    assert (load(), load(), load.__name__, load.__doc__) == (1, 2, "load", "Load it.")


def test_a_declared_step_may_be_asynchronous() -> None:
    @coldcache.step("load")
    async def load() -> int:
        return 3

    assert asyncio.run(load()) == 3
    assert load.is_async


@pytest.mark.skipif(not hasattr(inspect, "markcoroutinefunction"), reason="of 3.12")
def test_an_asynchronous_step_is_seen_as_a_coroutine_function() -> None:
    @coldcache.step("load")
    async def load() -> None: ...

    assert inspect.iscoroutinefunction(load)


def test_a_ring_of_names_is_an_error_that_prints_it() -> None:
    coldcache.step("a", after=("b",))(nothing)
    coldcache.step("b", after=("c",))(nothing)

    with pytest.raises(coldcache.ConfigError) as caught:
        coldcache.step("c", after=("a",))(nothing)
    assert str(caught.value) == "steps wait for one another in a ring: c -> a -> b -> c"


def test_a_step_after_itself_is_a_ring() -> None:
    with pytest.raises(coldcache.ConfigError, match="in a ring: a -> a"):
        coldcache.step("a", after=("a",))(nothing)


def test_a_ring_through_a_once_is_found() -> None:
    a = coldcache.step("a", after=("b",))(nothing)
    table = once(after=(a,), name="table")(nothing)

    with pytest.raises(coldcache.ConfigError, match="in a ring: b -> table -> a -> b"):
        coldcache.step("b", after=(table,))(nothing)


def test_a_ring_is_found_behind_a_branch_that_leads_nowhere() -> None:
    shared = coldcache.step("shared")(nothing)
    coldcache.step("a", after=(shared, "b"))(nothing)

    with pytest.raises(coldcache.ConfigError, match="in a ring: b -> a -> b"):
        coldcache.step("b", after=(shared, "a"))(nothing)


def test_a_refused_step_is_not_declared() -> None:
    coldcache.step("a", after=("b",))(nothing)
    with pytest.raises(coldcache.ConfigError):
        coldcache.step("b", after=("a",))(nothing)
    coldcache.step("b")(nothing)

    assert coldcache.warm_up().step("b").state == "done"


def test_a_long_chain_is_no_ring() -> None:
    for number in range(200):
        coldcache.step(f"s{number}", after=(f"s{number + 1}",))(nothing)
    coldcache.step("s200")(nothing)

    assert len(_step.declared()) == 201


def test_a_name_is_taken_once() -> None:
    coldcache.step("a")(nothing)

    with pytest.raises(coldcache.ConfigError, match=r"there is a step 'a' already: .*nothing"):
        coldcache.step("a")(lambda: None)


def test_a_module_that_is_loaded_again_declares_its_steps_again() -> None:
    coldcache.step("a")(nothing)
    again = coldcache.step("a")(nothing)

    assert _step.declared() == [again]


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: coldcache.step(3), TypeError, "must be a text, got 3"),  # type: ignore[arg-type]
        (lambda: coldcache.step(""), ValueError, "must not be empty"),
        (lambda: coldcache.step("a", after="b"), TypeError, "after of step 'a' must be a tuple"),
        (lambda: coldcache.step("a", after=(len,)), TypeError, "got <built-in function len> among"),
        (lambda: coldcache.step("a", warm="no"), ValueError, "True, False or 'prepaid', got 'no'"),  # type: ignore[arg-type]
        (lambda: coldcache.step("a")(3), TypeError, "without arguments, got 3"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_argument_is_named(
    make: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()
    assert _step.declared() == []


def test_options_of_a_declaration_do_not_fit_a_block() -> None:
    block = coldcache.step("a", required=False)

    with pytest.raises(TypeError, match="options of step 'a' are for a function"), block:
        pass
