"""One load for all callers, and what they get when it fails."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import cached

CALLERS = 64


class Unreachable(Exception):
    """What a failing backend raises."""


def failing_until_all_wait(subject_of: Callable[..., Any], error: BaseException) -> Any:
    """A subject whose first load fails once all callers wait for it; later ones give 1."""
    runs: list[int] = []

    def load() -> int:
        runs.append(1)
        if len(runs) == 1:
            subject.wait_for_callers(CALLERS)
            raise error
        return 1

    subject = subject_of(load)
    return subject, runs


def test_64_threads_on_a_cold_key_run_the_load_once(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    runs: list[int] = []

    def load() -> object:
        runs.append(1)
        subject.wait_for_callers(CALLERS)
        return object()

    subject = subject_of(load)
    values = start(*[subject.call] * CALLERS).values()

    assert len(runs) == 1
    assert all(value is values[0] for value in values)


def test_64_threads_without_a_wait_run_the_load_once(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    runs: list[int] = []
    subject = subject_of(lambda: runs.append(1) or len(runs))

    assert start(*[subject.call] * CALLERS).values() == [1] * CALLERS
    assert len(runs) == 1


def test_different_keys_load_side_by_side(start: Callable[..., Any]) -> None:
    meeting = threading.Barrier(2)

    @cached
    def load(key: str) -> int:
        return meeting.wait(10)  # passes only if the other key is being loaded as well

    assert sorted(start(lambda: load("a"), lambda: load("b")).values()) == [0, 1]


def test_a_failure_reaches_all_waiters_and_the_load_ran_once(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    subject, runs = failing_until_all_wait(subject_of, Unreachable("backend", 503))
    outcomes = start(*[subject.call] * CALLERS).outcomes()

    assert [type(outcome.error) for outcome in outcomes] == [Unreachable] * CALLERS
    assert {outcome.error.args for outcome in outcomes} == {("backend", 503)}
    assert len(runs) == 1


def test_each_waiter_has_an_exception_of_its_own(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    subject, _ = failing_until_all_wait(subject_of, Unreachable())
    outcomes = start(*[subject.call] * CALLERS).outcomes()

    assert len({id(outcome.error) for outcome in outcomes}) == CALLERS


def test_the_owner_gets_the_original_and_the_waiters_are_chained_to_it(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    original = Unreachable()
    subject, _ = failing_until_all_wait(subject_of, original)
    errors = [outcome.error for outcome in start(*[subject.call] * CALLERS).outcomes()]

    assert sum(error is original for error in errors) == 1
    assert all(error is original or error.__cause__ is original for error in errors)


def test_the_call_after_a_failure_loads_anew(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    subject, runs = failing_until_all_wait(subject_of, Unreachable())
    start(*[subject.call] * CALLERS).outcomes()

    assert subject.call() == 1
    assert len(runs) == 2


def test_the_original_does_not_collect_the_tracebacks_of_the_waiters(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    original = Unreachable()
    subject, _ = failing_until_all_wait(subject_of, original)
    start(*[subject.call] * CALLERS).outcomes()

    frames = [frame.name for frame in traceback.extract_tb(original.__traceback__)]
    assert frames.count("load") == 1
    assert frames.count("run") == 1  # the thread of the owner, and no other


class WithKeyword(Exception):
    """Its constructor refuses what ends up in `args`, as botocore's ClientError does."""

    def __init__(self, *, response: dict[str, int]) -> None:
        super().__init__(f"status {response['status']}")
        self.response = response


@pytest.mark.parametrize(
    ("original", "names"),
    [
        (WithKeyword(response={"status": 503}), ("args", "response")),
        (FileNotFoundError(2, "No such file", "settings.toml"), ("args", "errno", "filename")),
        (OSError(18, "Cross-device", "from", None, "to"), ("filename", "filename2")),
        (ModuleNotFoundError("No module named 'x'", name="x", path="/p"), ("name", "path")),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), ("object", "start", "reason")),
        (KeyError("name"), ("args",)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_an_exception_carries_reaches_the_waiters(
    original: Exception, names: tuple[str, ...], start: Callable[..., Any]
) -> None:
    @cached
    def load() -> None:
        while load.stats()["misses"] < 2:
            pass
        raise original

    errors = [outcome.error for outcome in start(load, load).outcomes()]
    (twin,) = (error for error in errors if error is not original)

    assert type(twin) is type(original)
    assert str(twin) == str(original)
    for name in names:
        assert getattr(twin, name) == getattr(original, name)


def test_notes_reach_the_waiters(start: Callable[..., Any]) -> None:
    original = Unreachable()
    original.__dict__["__notes__"] = ["while loading settings"]

    @cached
    def load() -> None:
        while load.stats()["misses"] < 2:
            pass
        raise original

    errors = [outcome.error for outcome in start(load, load).outcomes()]

    assert [error.__notes__ for error in errors] == [["while loading settings"]] * 2


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exit_of_the_owner_is_its_own_and_a_waiter_takes_over(
    interrupt: type[BaseException], subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    subject, runs = failing_until_all_wait(subject_of, interrupt())
    outcomes = start(*[subject.call] * CALLERS).outcomes()

    assert [type(outcome.error) for outcome in outcomes if outcome.error] == [interrupt]
    assert [outcome.value for outcome in outcomes if not outcome.error] == [1] * (CALLERS - 1)
    assert len(runs) == 2


def test_a_cancellation_of_the_owner_is_its_own_and_a_waiter_takes_over(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    from concurrent.futures import CancelledError  # noqa: PLC0415

    subject, runs = failing_until_all_wait(subject_of, CancelledError())
    outcomes = start(*[subject.call] * CALLERS).outcomes()

    assert [type(outcome.error) for outcome in outcomes if outcome.error] == [CancelledError]
    assert len(runs) == 2


def test_an_exit_is_not_stored(subject_of: Callable[..., Any]) -> None:
    exits = [SystemExit(3)]

    def load() -> str:
        if exits:
            raise exits.pop()
        return "value"

    subject = subject_of(load)
    with pytest.raises(SystemExit):
        subject.call()

    assert subject.call() == "value"
