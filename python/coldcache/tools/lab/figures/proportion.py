"""Shares, such as that of starts that failed, with an interval that also holds for zero of few."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from .quantiles import LEVEL

__all__ = ["Share", "wilson"]


@dataclass(frozen=True)
class Share:
    """How many of how many, and the interval of the true share.

    Attributes:
        count: Those that are counted.
        of: All of them.
        value: The one by the other; ``None`` where there are none at all.
        low: Lower end, from 0.
        high: Upper end, to 1.
    """

    count: int
    of: int
    value: float | None
    low: float
    high: float


def wilson(count: int, of: int, *, level: float = LEVEL) -> Share:
    """A share with its score interval (Wilson, 1927).

    Unlike the usual one around the share it is no single point when nothing, or everything, was
    counted: 0 of 20 leaves up to 16 %.

    Args:
        count: From 0 to *of*.
        of: 0 or more.
        level: How often the interval holds the true share, about.

    Raises:
        ValueError: *count* is not within 0 and *of*.
    """
    if not 0 <= count <= of:
        raise ValueError(f"a count must lie within 0 and {of}; got {count}")
    if of == 0:
        return Share(0, 0, None, 0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, weight = count / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / of + weight / (4 * of))
    # The ends are exact where rounding would put them a hair beside.
    low = 0.0 if count == 0 else middle - half
    high = 1.0 if count == of else middle + half
    return Share(count, of, share, low, high)
