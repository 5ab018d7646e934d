"""Round numbers for a scale, not too many."""

from __future__ import annotations

import math

__all__ = ["ticks"]

_FACTORS = (1, 2, 2.5, 5, 10)
_MOST = 7


def ticks(low: float, high: float, *, most: int = _MOST) -> list[float]:
    """Round numbers from *low* to *high*, evenly apart.

    Args:
        low: Left end of the scale.
        high: Right end, not below it.
        most: How many steps at most.
    """
    span = high - low
    if span <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(factor * power for factor in _FACTORS if span / (factor * power) <= most)
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, math.floor(high / step + 1e-9) + 1)]
