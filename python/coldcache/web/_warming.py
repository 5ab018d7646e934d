"""Warm up until it has succeeded: a dependency that is not there yet may come."""

import time

from coldcache._core import _log_warning
from coldcache.exceptions import WarmUpError
from coldcache.web._readiness import here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST_PAUSE = 30.0


def pauses() -> "Iterator[float]":
    """Seconds to wait after each failure: 1, 2, 4 and so on up to 30."""
    pause = 1.0
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE)


def tell_of(error: WarmUpError, pause: float) -> None:
    """Say in the log what failed; names of steps and of types, as in the error."""
    _log_warning(f"not ready: {error}; again in {pause:g} s")


def declare_ready() -> None:
    """Say that the application is there; with `auto_ready` off that is for the application."""
    if here.is_auto and here.phase != "draining":
        here.say(True)


def warm_until_done(is_wanted: "Callable[[], bool]") -> bool:
    """Run `warm_up` until it succeeds, as long as it is wanted; whether it did.

    Args:
        is_wanted: Asked before each try and every tenth of a second between two.
    """
    from coldcache._warm_up import warm_up  # noqa: PLC0415 - imports threads

    for pause in pauses():
        if not is_wanted():
            return False
        try:
            warm_up()
        except WarmUpError as error:
            tell_of(error, pause)
        else:
            return True
        until = time.monotonic() + pause
        while is_wanted() and time.monotonic() < until:
            time.sleep(0.1)
    return False
