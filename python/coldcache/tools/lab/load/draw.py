"""Random numbers that belong to a thing instead of to an order.

In a real fleet the order of events depends on the machine. A draw from one running generator would
then give the fifth call another number in every run. Here a number follows from the seed and from
what it is for (call 5, the second idle time of environment 3), so runs with one seed agree as far
as the machine lets them, and strategies are compared under equal luck.
"""

from __future__ import annotations

__all__ = ["uniform"]

_MASK = (1 << 64) - 1


def uniform(seed: int, purpose: int, first: int, second: int = 0) -> float:
    """A number in [0, 1) that only its arguments decide.

    The finaliser of SplitMix64 (Steele, Lea and Flood, 2014), applied to one argument after the
    other.

    Args:
        seed: The experiment's.
        purpose: Keeps draws for different purposes apart.
        first: What it is for.
        second: And which time.
    """
    state = seed & _MASK
    for part in (purpose, first, second):
        state = (state + (part + 1) * 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return (state >> 11) / (1 << 53)
