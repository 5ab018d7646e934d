"""Hooks around a freeze and a snapshot: order, names, times, failures, the restore's budget."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import coldcache
import pytest
from coldcache import _lifecycle


@pytest.fixture(autouse=True)
def _no_hooks() -> Iterator[None]:
    def forget() -> None:
        for hooks in _lifecycle._hooks.values():
            hooks.clear()
        _lifecycle._runs.clear()

    forget()
    coldcache.check_thaw()  # whatever earlier tests slept through
    yield
    forget()


def hooked(declare: Callable[..., Any], calls: list[str], *names: str, **options: Any) -> None:
    for name in names:
        declare(name=name, **options)(lambda name=name: calls.append(name))


def test_a_hook_is_still_a_function_of_its_own() -> None:
    @coldcache.on_thaw
    def reconnect() -> int:
        return 3

    assert reconnect() == 3


def test_hooks_after_a_thaw_run_in_the_order_of_declaration(clock: Any) -> None:
    calls: list[str] = []
    hooked(coldcache.on_thaw, calls, "a", "b", "c")
    clock.freeze(60)

    assert (coldcache.check_thaw(), calls) == (True, ["a", "b", "c"])


def test_hooks_before_a_snapshot_run_last_declared_first() -> None:
    calls: list[str] = []
    hooked(coldcache.before_snapshot, calls, "a", "b", "c")
    coldcache.testing.snapshot()

    assert calls == ["c", "b", "a"]


def test_hooks_after_a_restore_run_in_the_order_of_declaration() -> None:
    calls: list[str] = []
    hooked(coldcache.after_restore, calls, "a", "b", "c")
    coldcache.testing.restore()

    assert calls == ["a", "b", "c"]


def test_values_are_from_before_the_restore_when_a_hook_asks() -> None:
    load = coldcache.cached(ttl=60)(object)
    old = load()
    seen: list[object] = []
    coldcache.after_restore(lambda: seen.append(load()))
    coldcache.testing.restore()

    assert seen != [old]


def test_the_use_of_a_resource_notices_a_thaw_before_it_hands_out(clock: Any) -> None:
    calls: list[str] = []

    @coldcache.resource(check=lambda _: calls.append("check"))
    def database() -> object:
        calls.append("make")
        return object()

    database.get()
    hooked(coldcache.on_thaw, calls, "hook")
    clock.freeze(60)
    with database():
        calls.append("use")

    assert calls == ["make", "hook", "check", "use"]


def test_a_hook_may_use_the_resource_whose_use_noticed_the_thaw(clock: Any) -> None:
    checks: list[int] = []
    database = coldcache.resource(check=lambda _: checks.append(1))(object)
    database.get()
    seen: list[object] = []
    coldcache.on_thaw(lambda: seen.append(database.get()))
    clock.freeze(60)
    with database() as value:
        seen.append(value)

    assert (len(seen), seen[0] is seen[1], len(checks)) == (2, True, 1)


def test_without_a_freeze_no_hook_runs(clock: Any) -> None:
    calls: list[str] = []
    hooked(coldcache.on_thaw, calls, "a")
    clock.advance(3600)

    assert (coldcache.check_thaw(), calls) == (False, [])


def test_a_thaw_is_told_once(clock: Any) -> None:
    calls: list[str] = []
    hooked(coldcache.on_thaw, calls, "a")
    clock.freeze(60)
    answers = [coldcache.check_thaw() for _ in range(3)]

    assert (answers, calls) == ([True, False, False], ["a"])


def test_a_hook_may_look_at_the_clocks_itself(clock: Any) -> None:
    calls: list[bool] = []
    coldcache.on_thaw(lambda: calls.append(coldcache.check_thaw()))
    clock.freeze(60)
    coldcache.check_thaw()

    assert len(calls) == 1


def test_a_restore_is_no_thaw_of_its_own(clock: Any) -> None:
    calls: list[str] = []
    hooked(coldcache.on_thaw, calls, "a")
    clock.freeze(86400)
    coldcache.testing.restore()

    assert (coldcache.check_thaw(), calls) == (False, [])


@pytest.mark.parametrize("kind", ["on_thaw", "before_snapshot", "after_restore"])
def test_a_failing_hook_keeps_no_other_from_running(
    kind: str, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    declare, calls = getattr(coldcache, kind), []

    def fails() -> None:
        raise ValueError("password=hunter2")

    hooked(declare, calls, "a")
    declare(fails)
    hooked(declare, calls, "b")
    with caplog.at_level(logging.WARNING, "coldcache"):
        run_hooks(kind, clock)

    assert sorted(calls) == ["a", "b"]
    (line,) = caplog.messages
    assert f"{kind} hook " in line
    assert "fails failed: ValueError at " in line


def run_hooks(kind: str, clock: Any) -> None:
    if kind == "on_thaw":
        clock.freeze(60)
        coldcache.check_thaw()
    elif kind == "before_snapshot":
        coldcache.testing.snapshot()
    else:
        coldcache.testing.restore()


def test_the_message_of_a_failure_is_neither_logged_nor_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails() -> None:
        raise ValueError("password=hunter2")

    coldcache.after_restore(fails)
    coldcache.testing.restore()
    (run,) = coldcache.hook_runs()

    assert "hunter2" not in f"{caplog.text} {run!r} {run.to_dict()}"


@pytest.mark.parametrize("kind", ["before_snapshot", "after_restore"])
def test_the_failure_of_a_required_hook_comes_out_and_is_reported(kind: str, clock: Any) -> None:
    def fails() -> None:
        raise ValueError("no route")

    getattr(coldcache, kind)(required=True, name="needed")(fails)

    with pytest.raises(ValueError, match="no route"):
        run_hooks(kind, clock)
    assert [(run.name, type(run.error)) for run in coldcache.hook_runs()] == [
        ("needed", ValueError)
    ]


def test_an_exit_is_not_kept_from_ending_the_program() -> None:
    def leave() -> None:
        raise SystemExit(3)

    coldcache.before_snapshot(leave)

    with pytest.raises(SystemExit):
        coldcache.testing.snapshot()


def test_each_run_is_named_and_timed() -> None:
    @coldcache.after_restore
    def reconnect() -> None: ...

    coldcache.testing.restore()
    (run,) = coldcache.hook_runs()

    assert (run.kind, run.error) == ("after_restore", None)
    assert run.name.endswith(".reconnect")
    assert 0 <= run.seconds < 10
    assert run.to_dict()["name"] == run.name


def test_a_restore_that_uses_up_its_time_names_the_slowest_hook(
    clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    coldcache.after_restore(lambda: clock.advance(7), name="first")
    coldcache.after_restore(lambda: clock.advance(1.5), name="second")
    coldcache.after_restore(lambda: clock.advance(1), name="third")
    with caplog.at_level(logging.WARNING, "coldcache"):
        coldcache.testing.restore()

    (line,) = caplog.messages
    assert line.startswith("8.5 s of the 10 s that the platform gives to a restore are used up; ")
    assert [run.since_restore for run in coldcache.hook_runs()] == [7, 8.5, 9.5]


def test_a_quick_restore_says_nothing(clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    coldcache.after_restore(lambda: clock.advance(7))
    coldcache.testing.restore()

    assert caplog.messages == []


async def _coroutine() -> None: ...


def _generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("kind", ["on_thaw", "before_snapshot", "after_restore"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "takes a function without arguments, got 3"),
        (_coroutine, "hooks are plain functions, and .*_coroutine is a coroutine function"),
        (_generator, "hooks are plain functions, and .*_generator is a generator function"),
    ],
)
def test_what_is_no_hook_is_refused(kind: str, given: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        getattr(coldcache, kind)(given)
    assert not any(_lifecycle._hooks.values())


def test_a_name_must_be_a_text() -> None:
    with pytest.raises(TypeError, match="name of on_thaw must be a text, got 3"):
        coldcache.on_thaw(name=3)  # type: ignore[call-overload]


def test_only_the_latest_runs_are_kept() -> None:
    coldcache.before_snapshot(lambda: None)
    for _ in range(300):
        coldcache.testing.snapshot()

    assert len(coldcache.hook_runs()) == 256
