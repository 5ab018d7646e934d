"""Numbers as a reader wants them: as many digits as mean something."""

from __future__ import annotations

__all__ = ["NO_BREAK", "count", "fine", "megabytes", "ms", "percent", "ratio", "thousands", "times"]

NO_BREAK = "\u00a0"
"""A space where no line ends."""

_MEGABYTE = 1_000_000


def ms(value: float) -> str:
    """Milliseconds, without the unit."""
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.1f}"


def fine(value: float) -> str:
    """Milliseconds as `ms` has them, those below one with a digit more."""
    return f"{value:.2f}" if abs(value) < 0.995 else ms(value)


def megabytes(size: float | None) -> str:
    """Bytes as megabytes, without the unit; nothing for an unknown size."""
    return "" if size is None else f"{size / _MEGABYTE + 0.0:.1f}"


def percent(part: float, whole: float) -> str:
    """A share of a whole, with its sign."""
    return f"{100 * part / whole if whole > 0 else 0:.0f}{NO_BREAK}%"


def ratio(value: float) -> str:
    """A ratio of about one."""
    return f"{value:.2f}"


def times(value: float) -> str:
    """A ratio with its sign."""
    return f"{ratio(value)}{NO_BREAK}×"  # noqa: RUF001 - the sign for it


def thousands(value: int) -> str:
    """A count, its digits in groups."""
    return f"{value:,}"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{thousands(number)} {one if number == 1 else many or one + 's'}"
