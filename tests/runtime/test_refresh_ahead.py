"""Values refreshed shortly before they expire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TTL = 60


def test_before_the_window_a_hit_refreshes_nothing(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, refresh_ahead=10)
    it.load()
    clock.advance(TTL - 11)
    it.load()

    assert it.calls == 1


def test_inside_the_window_a_hit_starts_a_refresh(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, refresh_ahead=10)
    it.load()
    clock.advance(TTL - 10)

    assert it.load() == 1
    eventually(lambda: it.load.peek() == 2)


def test_the_hit_that_starts_a_refresh_counts_as_a_hit(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, refresh_ahead=10)
    it.load()
    clock.advance(TTL - 10)
    it.load()
    eventually(lambda: it.load.peek() == 2)

    assert it.load.stats()["hits"] == 1
    assert it.load.stats()["stale_served"] == 0


def test_the_value_refreshed_ahead_has_a_full_life(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, refresh_ahead=10)
    it.load()
    clock.advance(TTL - 10)
    it.load()
    eventually(lambda: it.load.peek() == 2)
    clock.advance(TTL - 11)

    assert it.load() == 2
    assert it.calls == 2


def test_without_stale_an_expired_value_is_not_served(
    backend: Callable[..., Any], clock: Any
) -> None:
    it = backend(ttl=TTL, refresh_ahead=10)
    it.load()
    clock.advance(TTL)

    assert it.load() == 2
