"""After a restore from a snapshot: values are stale by default, or kept, or forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, _core, cached, once


def restore() -> None:
    """Tell the native half what the platform's hook tells it."""
    _core._note_restore()


def test_once_keeps_its_result_by_default() -> None:
    settings = once(object)
    first = settings()
    restore()

    assert settings() is first


@pytest.mark.parametrize("on_restore", ["reset", "stale"])
def test_once_may_run_again_after_a_restore(on_restore: str) -> None:
    settings = once(on_restore=on_restore)(object)
    first = settings()
    restore()

    assert settings() is not first
    assert settings() is settings()


def test_cached_loads_anew_by_default() -> None:
    load = cached(ttl=60)(object)
    first = load()
    restore()

    assert load() is not first
    assert load() is load()


@pytest.mark.parametrize("make", [lambda **options: cached(**options)(object)], ids=["cached"])
def test_cached_may_keep_its_results(make: Callable[..., Any]) -> None:
    load = make(on_restore="keep")
    first = load()
    restore()

    assert load() is first


def test_a_value_from_before_stands_in_for_a_failed_load() -> None:
    answers = ["old"]

    @cached(ttl=60, stale_if_error=60, name="load after a restore")
    def load() -> str:
        if answers:
            return answers.pop()
        raise LookupError

    load()
    restore()

    assert load() == "old"


def test_a_value_from_before_is_served_while_it_is_refreshed(
    eventually: Callable[..., None],
) -> None:
    runs: list[int] = []

    @cached(ttl=60, stale=60)
    def load() -> int:
        runs.append(1)
        return len(runs)

    load()
    restore()

    assert load() == 1
    eventually(lambda: load.peek() == 2)


def test_with_reset_no_value_from_before_is_ever_served() -> None:
    answers = ["old"]

    @cached(ttl=60, stale=60, stale_if_error=60, on_restore="reset")
    def load() -> str:
        if answers:
            return answers.pop()
        raise LookupError

    load()
    restore()

    with pytest.raises(LookupError):
        load()


def test_entries_from_before_are_not_live_in_a_cache() -> None:
    cache = Cache()
    cache["k"] = 1
    restore()

    assert "k" not in cache
    assert list(cache) == []
    cache["k"] = 2
    assert cache["k"] == 2


def test_a_failure_from_before_is_forgotten() -> None:
    errors = [LookupError()]

    @cached(error_ttl=60)
    def load() -> str:
        if errors:
            raise errors.pop()
        return "value"

    with pytest.raises(LookupError):
        load()
    restore()

    assert load() == "value"


def test_a_value_loaded_across_a_restore_is_as_old_as_its_load() -> None:
    runs: list[int] = []

    @cached(ttl=60)
    def load() -> int:
        runs.append(1)
        if len(runs) == 1:
            restore()
        return len(runs)

    assert [load(), load(), load()] == [1, 2, 2]


def test_jitter_is_drawn_anew_for_what_is_loaded_after(clock: Any) -> None:
    @cached(ttl=60, jitter=59, max_entries=None)
    def load(key: int) -> object:
        return object()

    def ends() -> list[int]:
        """How many of the entries die in each of the next 60 seconds."""
        for key in range(100):
            load(key)
        alive = []
        for _ in range(60):
            clock.advance(1)
            alive.append(sum(load.peek(key) is not None for key in range(100)))
        return alive

    before = ends()
    restore()

    assert before != ends()


def _ends(load: Any, clock: Any) -> list[int]:
    """How many of 100 kept entries are alive after each of the next 60 seconds."""
    alive = []
    for _ in range(60):
        clock.advance(1)
        alive.append(sum(load.peek(key) is not None for key in range(100)))
    return alive


COPIES = """
    import os
    from coldcache import _core, cached, testing

    @cached(ttl=60, jitter=59, max_entries=None, on_restore="keep")
    def load(key):
        return object()

    with testing.clock() as clock:
        for key in range(100):
            load(key)
        for copy in range(2):
            read, write = os.pipe()
            if os.fork() == 0:
                if IS_RESTORED:
                    _core._note_restore()
                alive = []
                for _ in range(60):
                    clock.advance(1)
                    alive.append(sum(load.peek(key) is not None for key in range(100)))
                os.write(write, repr(alive).encode())
                os._exit(0)
            os.close(write)
            print(os.read(read, 10000).decode())
            os.wait()
"""


@pytest.mark.parametrize("is_restored", [False, True], ids=["forked", "restored"])
def test_kept_entries_get_another_end_in_each_copy_of_the_process(
    is_restored: bool, run_python: Callable[..., str]
) -> None:
    first, second = run_python(COPIES.replace("IS_RESTORED", str(is_restored))).splitlines()

    assert first != second


def test_another_end_is_neither_at_once_nor_later_than_allowed(clock: Any) -> None:
    @cached(ttl=60, jitter=30, max_entries=None, on_restore="keep")
    def load(key: int) -> object:
        return object()

    for key in range(100):
        load(key)
    clock.advance(29)
    alive = sum(load.peek(key) is not None for key in range(100))
    restore()

    assert sum(load.peek(key) is not None for key in range(100)) == alive == 100
    assert _ends(load, clock)[31] == 0


def test_what_has_ended_does_not_live_again_through_another_end(clock: Any) -> None:
    @cached(ttl=60, jitter=59, max_entries=None, on_restore="keep")
    def load(key: int) -> object:
        return object()

    for key in range(100):
        load(key)
    clock.advance(30)
    before = {key for key in range(100) if load.peek(key) is not None}
    restore()

    assert {key for key in range(100) if load.peek(key) is not None} == before


@pytest.mark.parametrize("option", ["stale", "stale_if_error"])
def test_a_value_from_before_is_not_served_beyond_its_windows(option: str, clock: Any) -> None:
    answers = ["old"]

    @cached(ttl=60, name=f"load of {option} after a restore", **{option: 10})
    def load() -> str:
        if answers:
            return answers.pop()
        raise LookupError

    load()
    clock.freeze(3 * 86400)
    restore()

    with pytest.raises(LookupError):
        load()


def test_a_value_from_before_stops_standing_in_when_its_windows_end(clock: Any) -> None:
    answers = ["old"]

    @cached(ttl=60, stale_if_error=10, name="load long after a restore")
    def load() -> str:
        if answers:
            return answers.pop()
        raise LookupError

    load()
    restore()
    clock.advance(86400)

    with pytest.raises(LookupError):
        load()
