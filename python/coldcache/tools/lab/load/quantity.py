"""Quantities as people write them: ``5m``, ``250ms``, ``10/s``."""

from __future__ import annotations

import math
import re

from coldcache.tools.lab.errors import UsageError

__all__ = ["parse_count", "parse_rate", "parse_seconds"]

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_DURATION = re.compile(rf"\s*({_NUMBER})\s*(ms|s|m|h|d)?\s*")
_RATE = re.compile(rf"\s*({_NUMBER})\s*/\s*(s|m|h|d)\s*")


def parse_seconds(text: str, what: str, *, allow_zero: bool = False) -> float:
    """A length of time in seconds.

    Args:
        text: A number with ``ms``, ``s``, ``m``, ``h`` or ``d``; without a unit, seconds.
        what: What it is for, to name it in the message.
        allow_zero: Whether zero will do.

    Raises:
        UsageError: It has another form, or is not above zero.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise UsageError(f"{what} is a length of time like 90s, 5m or 250ms; got {text!r}")
    value = float(found[1]) * _SECONDS[found[2] or "s"]
    if not math.isfinite(value) or value < 0 or (value == 0 and not allow_zero):
        least = "0 or more" if allow_zero else "above 0"
        raise UsageError(f"{what} must be {least}; got {text!r}")
    return value


def parse_rate(text: str, what: str, *, allow_zero: bool = False) -> float:
    """A rate in calls a second.

    Args:
        text: A number by ``/s``, ``/m``, ``/h`` or ``/d``.
        what: What it is for, to name it in the message.
        allow_zero: Whether zero will do.

    Raises:
        UsageError: It has another form, or is not above zero.
    """
    found = _RATE.fullmatch(text)
    if found is None:
        raise UsageError(f"{what} is a rate like 5/s or 30/m; got {text!r}")
    value = float(found[1]) / _SECONDS[found[2]]
    if not math.isfinite(value) or value < 0 or (value == 0 and not allow_zero):
        least = "0 or more" if allow_zero else "above 0"
        raise UsageError(f"{what} must be {least}; got {text!r}")
    return value


def parse_count(text: str, what: str) -> int:
    """A whole number of at least one.

    Raises:
        UsageError: It is something else.
    """
    if not re.fullmatch(r"\d+", text.strip()) or int(text) < 1:
        raise UsageError(f"{what} must be a whole number of at least 1; got {text!r}")
    return int(text)
