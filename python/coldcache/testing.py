"""Tools for your tests: a clock to turn by hand, and forgetting everything in between."""

from coldcache._core import (
    _clock_hold,
    _clock_now,
    _clock_release,
    _clock_turn,
    _forget_everything,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Clock", "clock", "reset", "restore", "snapshot"]


class Clock:
    """The wall clock and the monotonic clock of coldcache, held still until you turn them.

    A context manager; `with coldcache.testing.clock() as clock:`. Nested ones turn the same clocks.
    When the outermost one ends the real clocks are back, and every stored value is forgotten, since
    real clocks cannot tell its age.
    """

    __slots__ = ()

    def __enter__(self) -> "Self":
        _clock_hold()
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        traceback: "TracebackType | None",
    ) -> None:
        _clock_release()

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks.

        Args:
            seconds: How much time, zero or more.

        Raises:
            ValueError: *seconds* is negative or not finite.
            RuntimeError: The clock is not held by a `with` block.
        """
        _clock_turn(seconds, seconds)

    def freeze(self, seconds: float) -> None:
        """Freeze the sandbox: the wall clock goes on, the monotonic clock stands still.

        Args:
            seconds: How long, zero or more.

        Raises:
            ValueError: *seconds* is negative or not finite.
            RuntimeError: The clock is not held by a `with` block.
        """
        if seconds < 0:
            message = f"a freeze lasts zero seconds or more, got {seconds!r}; step_wall() goes back"
            raise ValueError(message)
        _clock_turn(0, seconds)

    def step_wall(self, seconds: float) -> None:
        """Correct the wall clock; no time passes.

        Args:
            seconds: How far, in either direction.

        Raises:
            ValueError: *seconds* is not finite.
            RuntimeError: The clock is not held by a `with` block.
        """
        _clock_turn(0, seconds)

    def monotonic(self) -> float:
        """Return the monotonic clock in seconds, as coldcache sees it."""
        return _clock_now()[0]

    def wall(self) -> float:
        """Return the wall clock in seconds since 1970, as coldcache sees it."""
        return _clock_now()[1]


def clock() -> Clock:
    """Hold the clocks of coldcache, for use in a `with` statement.

    Returns:
        A clock with `advance(s)` (both clocks), `freeze(s)` (wall clock only) and `step_wall(s)` (a
        correction, in either direction).
    """
    return Clock()


def reset() -> None:
    """Forget every value and every failure that coldcache keeps, in all functions and caches.

    Loads that are under way are not stopped, but what they bring is not served to later calls.
    """
    _forget_everything()


def snapshot() -> None:
    """Run the `before_snapshot` hooks as the platform does: the one declared last comes first."""
    from coldcache import _lifecycle  # noqa: PLC0415 - few tests have hooks

    _lifecycle.snapshot()


def restore() -> None:
    """Restore the process as from a snapshot: values get stale, then `after_restore` hooks run."""
    from coldcache import _lifecycle  # noqa: PLC0415 - few tests have hooks

    _lifecycle.restore()
