"""Old values that stand in for a failed load."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import cached

TTL = 60
HOUR = 3600


def test_the_old_value_is_served_if_the_load_fails(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR)
    it.load()
    clock.advance(TTL)
    it.error = ValueError("backend")

    assert it.load() == 1


def test_the_load_is_tried_first(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR)
    it.load()
    clock.advance(TTL)

    assert it.load() == 2


def test_it_ends(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR)
    it.load()
    clock.advance(TTL + HOUR)
    it.error = ValueError("backend")

    with pytest.raises(ValueError, match="backend"):
        it.load()


def test_without_an_old_value_the_error_comes_out(backend: Callable[..., Any]) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR)
    it.error = ValueError("backend")

    with pytest.raises(ValueError, match="backend"):
        it.load()


def test_an_exit_is_not_covered_up(clock: Any) -> None:
    answers: list[Any] = ["value"]

    @cached(ttl=TTL, stale_if_error=HOUR)
    def load() -> str:
        if answers:
            return answers.pop()
        raise SystemExit(3)

    load()
    clock.advance(TTL)

    with pytest.raises(SystemExit):
        load()


def test_all_waiters_are_served(
    backend: Callable[..., Any], clock: Any, start: Callable[..., Any]
) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR)
    it.load()
    it.has_entered()
    clock.advance(TTL)
    it.error = ValueError("backend")
    it.gate.clear()
    crew = start(*[it.load] * 16)
    it.has_entered()
    it.gate.set()

    assert crew.values() == [1] * 16


def test_it_is_counted(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR)
    it.load()
    clock.advance(TTL)
    it.error = ValueError("backend")
    it.load(), it.load()

    assert it.load.stats()["stale_served"] == 2
    assert it.load.stats()["failures"] == 2


def test_it_is_logged_once_without_the_message_of_the_error(
    backend: Callable[..., Any], clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR, name="load of this very test")
    it.load()
    clock.advance(TTL)
    it.error = ValueError("hunter2")
    with caplog.at_level(logging.WARNING, logger="coldcache"):
        it.load(), it.load()

    (record,) = caplog.records
    assert "load of this very test" in record.getMessage()
    assert "ValueError" in record.getMessage()
    assert "hunter2" not in record.getMessage()


def test_a_recovered_backend_is_used_again(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR)
    it.load()
    clock.advance(TTL)
    it.error = ValueError("backend")
    it.load()
    it.error = None

    assert it.load() == 3
