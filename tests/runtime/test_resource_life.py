"""When a resource is checked, replaced or kept: ages, pauses, thaws, restores, errors."""

from __future__ import annotations

from typing import Any

import coldcache
import pytest
from coldcache import _core, resource

DAY = 86_400.0


class Backend:
    """A resource whose checks and closes are recorded."""

    def __init__(self, *, with_check: bool = True, **options: Any) -> None:
        self.checked: list[int] = []
        self.closed: list[int] = []
        self.answer: Any = None
        self.made = 0
        if with_check:
            options["check"] = self.check
        self.resource = resource(close=self.closed.append, name="backend", **options)(self.make)

    def make(self) -> int:
        self.made += 1
        return self.made

    def check(self, number: int) -> Any:
        self.checked.append(number)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def use(self) -> int:
        with self.resource() as number:
            return number  # type: ignore[no-any-return]


def test_it_is_replaced_at_its_age(clock: Any) -> None:
    backend = Backend(max_age=3600)
    assert backend.use() == 1
    clock.advance(3599)
    assert backend.use() == 1
    clock.advance(1)

    assert backend.use() == 2
    assert backend.closed == [1]


@pytest.mark.parametrize("pass_time", ["freeze", "advance"])
def test_either_clock_makes_it_old(clock: Any, pass_time: str) -> None:
    backend = Backend(max_age=3600)
    backend.use()
    getattr(clock, pass_time)(3600)

    assert backend.use() == 2
    assert backend.checked == []


def test_a_wall_clock_set_back_does_not_make_it_younger(clock: Any) -> None:
    backend = Backend(max_age=3600)
    backend.use()
    clock.step_wall(-DAY)
    clock.advance(3600)

    assert backend.use() == 2


def test_uses_do_not_make_it_younger(clock: Any) -> None:
    backend = Backend(max_age=100)
    for _ in range(11):
        backend.use()
        clock.advance(10)

    assert backend.made == 2


def test_it_is_checked_after_a_long_pause(clock: Any) -> None:
    backend = Backend(max_idle=300)
    backend.use()
    clock.advance(300)
    backend.use()
    assert backend.checked == []
    clock.advance(301)
    backend.use()

    assert backend.checked == [1]
    assert backend.made == 1


def test_uses_keep_it_from_being_idle(clock: Any) -> None:
    backend = Backend(max_idle=300)
    for _ in range(100):
        backend.use()
        clock.advance(299)

    assert backend.checked == []


def test_the_end_of_a_long_use_counts_as_a_use(clock: Any) -> None:
    backend = Backend(max_idle=300)
    with backend.resource():
        clock.advance(1000)
    backend.use()

    assert backend.checked == []


def test_it_is_checked_once_for_a_pause(clock: Any) -> None:
    backend = Backend(max_idle=300)
    backend.use()
    clock.advance(301)
    for _ in range(10):
        backend.use()

    assert backend.checked == [1]


def test_without_a_check_it_is_replaced_after_a_long_pause(clock: Any) -> None:
    backend = Backend(with_check=False, max_idle=300)
    backend.use()
    clock.advance(301)

    assert backend.use() == 2
    assert backend.resource.stats()["replaced"] == {"idle": 1}


def test_it_is_checked_once_after_a_thaw(clock: Any) -> None:
    backend = Backend()
    backend.use()
    clock.freeze(3)
    for _ in range(10):
        backend.use()

    assert backend.checked == [1]


def test_a_short_freeze_is_no_thaw(clock: Any) -> None:
    backend = Backend()
    backend.use()
    clock.freeze(1)
    backend.use()

    assert backend.checked == []


def test_time_that_passes_on_both_clocks_is_no_thaw(clock: Any) -> None:
    backend = Backend()
    backend.use()
    clock.advance(DAY)
    backend.use()

    assert backend.checked == []


def test_without_a_check_it_is_kept_after_a_thaw(clock: Any) -> None:
    backend = Backend(with_check=False)
    backend.use()
    clock.freeze(3600)

    assert backend.use() == 1


def test_a_freeze_counts_as_a_pause(clock: Any) -> None:
    backend = Backend(with_check=False, max_idle=300)
    backend.use()
    clock.freeze(3600)

    assert backend.use() == 2


@pytest.mark.parametrize("answer", [False, OSError("gone")], ids=["False", "raises"])
def test_it_is_replaced_when_the_check_fails(clock: Any, answer: object) -> None:
    backend = Backend()
    backend.use()
    clock.freeze(60)
    backend.answer = answer

    assert backend.use() == 2
    assert backend.closed == [1]
    assert backend.resource.stats()["check_failures"] == 1


@pytest.mark.parametrize("answer", [None, True, 0, "", []])
def test_any_other_answer_of_the_check_is_a_good_one(clock: Any, answer: object) -> None:
    backend = Backend()
    backend.use()
    clock.freeze(60)
    backend.answer = answer

    assert backend.use() == 1


def test_an_interrupt_during_the_check_is_no_failed_check(clock: Any) -> None:
    backend = Backend()
    backend.use()
    clock.freeze(60)
    interrupts = [KeyboardInterrupt()]

    def check(number: int) -> None:
        if interrupts:
            raise interrupts.pop()

    backend.check = check  # type: ignore[method-assign]
    backend.resource._settings.check = check
    with pytest.raises(KeyboardInterrupt):
        backend.use()

    assert backend.use() == 1


def test_a_thaw_during_the_check_is_noticed_after_it(clock: Any) -> None:
    backend = Backend()
    backend.use()
    clock.freeze(60)
    freezes = [60, 60]

    def check(number: int) -> None:
        backend.checked.append(number)
        if freezes:
            clock.freeze(freezes.pop())

    backend.resource._settings.check = check
    for _ in range(5):
        backend.use()

    assert len(backend.checked) == 3


def test_a_thaw_while_it_is_made_is_noticed_after_it(clock: Any) -> None:
    checked: list[int] = []

    @resource(check=checked.append)
    def slow() -> int:
        clock.freeze(3600)
        return 1

    slow.get()
    slow.get()

    assert checked == [1]


def test_an_error_in_a_block_makes_it_suspicious() -> None:
    backend = Backend()
    with pytest.raises(LookupError), backend.resource():
        raise LookupError
    for _ in range(5):
        backend.use()

    assert backend.checked == [1]


def test_with_retry_on_other_errors_do_not_make_it_suspicious() -> None:
    backend = Backend(retry_on=OSError)
    with pytest.raises(LookupError), backend.resource():
        raise LookupError
    backend.use()
    assert backend.checked == []
    with pytest.raises(ConnectionError), backend.resource():
        raise ConnectionResetError
    backend.use()

    assert backend.checked == [1]


def test_without_a_check_a_declared_error_has_it_replaced() -> None:
    backend = Backend(with_check=False, retry_on=(OSError,))
    with pytest.raises(ConnectionError), backend.resource():
        raise ConnectionResetError

    assert backend.use() == 2
    assert backend.resource.stats()["replaced"] == {"error": 1}


def test_without_a_check_undeclared_errors_change_nothing() -> None:
    backend = Backend(with_check=False)
    with pytest.raises(LookupError), backend.resource():
        raise LookupError

    assert backend.use() == 1


def test_an_interrupt_in_a_block_makes_it_suspicious() -> None:
    backend = Backend(retry_on=OSError)
    with pytest.raises(KeyboardInterrupt), backend.resource():
        raise KeyboardInterrupt
    backend.use()

    assert backend.checked == [1]


@pytest.mark.parametrize(
    ("option", "with_check", "made", "checked"),
    [
        ("check", True, 1, [1]),
        ("check", False, 2, []),
        ("reset", True, 2, []),
        ("keep", True, 1, []),
        ("keep", False, 1, []),
    ],
)
def test_after_a_restore(option: str, with_check: bool, made: int, checked: list[int]) -> None:
    backend = Backend(with_check=with_check, on_restore=option)
    backend.use()
    _core._note_restore()
    for _ in range(3):
        backend.use()

    assert (backend.made, backend.checked) == (made, checked)


def test_what_survives_a_restore_is_still_checked_after_the_thaw(clock: Any) -> None:
    backend = Backend(on_restore="keep")
    backend.use()
    _core._note_restore()
    clock.freeze(60)
    backend.use()

    assert backend.checked == [1]


def test_a_reset_of_the_tests_has_it_made_anew() -> None:
    backend = Backend()
    backend.use()
    coldcache.testing.reset()

    assert backend.use() == 2
    assert backend.closed == [1]


def test_a_failed_replacement_is_tried_again_by_the_next_use(clock: Any) -> None:
    backend = Backend(max_age=10)
    backend.use()
    clock.advance(10)
    make, backend.resource.__wrapped__ = backend.make, lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        backend.use()
    backend.resource.__wrapped__ = make

    assert backend.use() == 2
    assert backend.closed == [1]


def test_it_is_not_done_while_there_is_a_reason_for_doubt(clock: Any) -> None:
    backend = Backend(max_idle=60)
    backend.use()
    assert backend.resource.is_done()
    clock.advance(61)

    assert not backend.resource.is_done()
    backend.use()
    assert backend.resource.is_done()
