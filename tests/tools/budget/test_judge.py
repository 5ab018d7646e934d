from __future__ import annotations

import dataclasses

import pytest
from coldcache.tools.budget import Budget, Counts, Finding, Module, Startup, judge
from coldcache.tools.lab import Ratio, UsageError


def module(name: str, *, kind: str = "python", is_at_init: bool = True) -> Module:
    return Module(name, kind, is_at_init, "(other)", None, None, None)


MODULES = [module("a"), module("pandas.core", kind="extension"), module("late", is_at_init=False)]
COUNTS = Counts(
    "3.11.7", {one.name: one for one in MODULES}, frozenset({"json"}), {"x": 60, "y": 40}, {}
)
STARTUP = Startup("src:app.handler", "first answer", COUNTS)


def only(startup: Startup = STARTUP, **limits: object) -> Finding:
    table = {"function": "src:app.handler", **limits}
    [finding] = judge(Budget.read("orders", table, where=""), startup, None)
    return finding


@pytest.mark.parametrize(
    ("limit", "count"), [("modules", 3), ("extension_modules", 1), ("files", 2), ("bytes", 100)]
)
def test_a_count_at_its_limit_is_within_and_one_above_is_not(limit: str, count: int) -> None:
    assert only(**{limit: count}).status == "within"
    assert only(**{limit: count - 1}).status == "exceeded"
    assert only(**{limit: count}).found == count


def test_a_module_of_a_forbidden_package_is_named() -> None:
    finding = only(forbid=["pandas"])

    assert (finding.status, finding.modules) == ("exceeded", ("pandas.core",))


def test_what_comes_with_the_first_call_is_not_there_at_init() -> None:
    assert only(forbid=["late"]).status == "within"


def test_what_the_client_loads_cannot_be_forbidden() -> None:
    with pytest.raises(UsageError, match="forbid 'json' cannot be kept"):
        only(forbid=["json"])


@pytest.mark.parametrize(
    ("memory", "status"),
    [
        (50_000_000, "within"),
        (51_000_000, "within"),
        (51_000_001, "exceeded"),
        (None, "not counted"),
    ],
)
def test_memory_has_a_tolerance(memory: int | None, status: str) -> None:
    startup = dataclasses.replace(STARTUP, memory_bytes=memory)

    assert only(startup, memory=50_000_000).status == status


@pytest.mark.parametrize(
    ("ratio", "status"),
    [
        (Ratio(1.0, 0.9, 1.1), "within"),
        (Ratio(1.6, 1.4, 1.8), "within"),
        (Ratio(1.6, 1.51, 1.8), "exceeded"),
        (None, "not counted"),
    ],
)
def test_time_fails_only_if_the_whole_interval_is_above(ratio: Ratio | None, status: str) -> None:
    startup = dataclasses.replace(STARTUP, time_ratio=ratio)

    assert only(startup, time_ratio=1.5).status == status


def test_what_is_in_one_of_two_counts_only_does_not_count() -> None:
    other = dataclasses.replace(COUNTS, modules={"a": MODULES[0]}, files={"x": 50, "z": 1})

    both = COUNTS.both(other)

    assert (list(both.modules), both.files) == (["a"], {"x": 50})


def test_why_something_was_not_counted_is_said() -> None:
    startup = dataclasses.replace(STARTUP, not_counted={"instructions": "there is no valgrind"})

    finding = only(startup, instructions=1)

    assert (finding.status, finding.note) == ("not counted", "there is no valgrind")
