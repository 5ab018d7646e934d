"""What stands in for a result when there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from coldcache import cached

TTL = 60
HOUR = 3600


def test_a_value_stands_in_for_a_failed_load() -> None:
    @cached(fallback="default")
    def load() -> str:
        raise ValueError("backend")

    assert load() == "default"


def test_none_is_a_fallback() -> None:
    @cached(fallback=None)
    def load() -> str:
        raise ValueError("backend")

    assert load() is None


def test_a_callable_gets_the_arguments() -> None:
    @cached(fallback=lambda key, *, scale: key * scale)
    def load(key: int, *, scale: int) -> int:
        raise ValueError("backend")

    assert load(2, scale=10) == 20


def test_it_is_not_stored(backend: Callable[..., Any]) -> None:
    it = backend(fallback="default")
    it.error = ValueError("backend")
    it.load()
    it.error = None

    assert it.load() == 2


def test_an_old_value_comes_first(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR, fallback="default")
    it.load()
    clock.advance(TTL)
    it.error = ValueError("backend")

    assert it.load() == 1


def test_its_own_error_comes_out() -> None:
    def stand_in() -> None:
        raise LookupError("none either")

    @cached(fallback=stand_in)
    def load() -> None:
        raise ValueError("backend")

    with pytest.raises(LookupError, match="none either"):
        load()
