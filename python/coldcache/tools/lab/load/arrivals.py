"""When calls arrive: patterns that need a length, and recorded times that have one.

All times are seconds of the workload from its begin; compression is applied later, to everything
alike. A pattern draws from the generator it is given and from nothing else, so the same seed gives
the same times.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from coldcache.tools.lab.errors import UsageError

__all__ = ["Arrivals", "Bursts", "Constant", "OnOff", "Poisson", "Ramp", "Recorded"]


class Arrivals(Protocol):
    """Where the times of calls come from."""

    @property
    def natural_duration_s(self) -> float | None:
        """How long the workload is by itself; ``None`` when it would never end."""

    def times(self, duration_s: float, draw: random.Random) -> Iterator[float]:
        """Yield the times in ``[0, duration_s)``, in ascending order.

        Args:
            duration_s: Length of the workload, seconds.
            draw: Where randomness comes from.
        """


class _Endless:
    """A pattern that goes on for as long as it is asked to."""

    @property
    def natural_duration_s(self) -> float | None:
        """``None``: it never ends by itself."""
        return None


@dataclass(frozen=True)
class Constant(_Endless):
    """Evenly spaced calls, the first at once.

    Attributes:
        rate: Calls a second, above 0.
    """

    rate: float

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)

    def times(self, duration_s: float, draw: random.Random) -> Iterator[float]:  # noqa: ARG002
        """See :class:`Arrivals`."""
        number = 0
        # Multiplied, not added up: a sum of many steps drifts.
        while (time_s := number / self.rate) < duration_s:
            yield time_s
            number += 1


@dataclass(frozen=True)
class Poisson(_Endless):
    """Independent calls: gaps are exponentially distributed.

    Attributes:
        rate: Mean calls a second, above 0.
    """

    rate: float

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)

    def times(self, duration_s: float, draw: random.Random) -> Iterator[float]:
        """See :class:`Arrivals`."""
        time_s = draw.expovariate(self.rate)
        while time_s < duration_s:
            yield time_s
            time_s += draw.expovariate(self.rate)


@dataclass(frozen=True)
class Bursts(_Endless):
    """Several calls at the same moment, again and again, the first burst at once.

    Attributes:
        size: Calls of a burst, at least 1.
        every_s: Seconds from burst to burst.
    """

    size: int
    every_s: float

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UsageError(f"a burst has at least 1 call; got {self.size}")
        _check_positive("the time between bursts", self.every_s)

    def times(self, duration_s: float, draw: random.Random) -> Iterator[float]:  # noqa: ARG002
        """See :class:`Arrivals`."""
        number = 0
        while (time_s := number * self.every_s) < duration_s:
            for _ in range(self.size):
                yield time_s
            number += 1


@dataclass(frozen=True)
class Ramp(_Endless):
    """Independent calls at a rate that changes evenly over the whole workload.

    A Poisson process of changing rate, by inversion of its cumulated rate (Cinlar, 1975).

    Attributes:
        first_rate: Mean calls a second at the begin, 0 or more.
        last_rate: Mean calls a second at the end, 0 or more; one of the two is above 0.
    """

    first_rate: float
    last_rate: float

    def __post_init__(self) -> None:
        if min(self.first_rate, self.last_rate) < 0 or not math.isfinite(
            self.first_rate + self.last_rate
        ):
            raise UsageError(
                f"the rates of a ramp must be 0 or more; got {self.first_rate}, {self.last_rate}"
            )
        if self.first_rate == self.last_rate == 0:
            raise UsageError("a ramp from 0 to 0 has no calls; give one of its rates")

    def times(self, duration_s: float, draw: random.Random) -> Iterator[float]:
        """See :class:`Arrivals`."""
        slope = (self.last_rate - self.first_rate) / duration_s
        total = (self.first_rate + self.last_rate) / 2 * duration_s
        expected = draw.expovariate(1)
        while expected < total:
            # The root of first_rate t + slope t^2 / 2 = expected, in a form that also holds for a
            # slope of zero.
            root = math.sqrt(max(0.0, self.first_rate**2 + 2 * slope * expected))
            time_s = 2 * expected / (self.first_rate + root)
            if time_s < duration_s:
                yield time_s
            expected += draw.expovariate(1)


@dataclass(frozen=True)
class OnOff(_Endless):
    """Independent calls for a while, then none for a while, and so on.

    Attributes:
        rate: Mean calls a second while on.
        on_s: Seconds with calls.
        off_s: Seconds without.
    """

    rate: float
    on_s: float
    off_s: float

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)
        _check_positive("the time on", self.on_s)
        _check_positive("the time off", self.off_s)

    def times(self, duration_s: float, draw: random.Random) -> Iterator[float]:
        """See :class:`Arrivals`."""
        time_on_s = draw.expovariate(self.rate)
        while True:
            rounds, rest_s = divmod(time_on_s, self.on_s)
            time_s = rounds * (self.on_s + self.off_s) + rest_s
            if time_s >= duration_s:
                return
            yield time_s
            time_on_s += draw.expovariate(self.rate)


@dataclass(frozen=True)
class Recorded:
    """Times that were recorded.

    Attributes:
        seconds: Ascending, from 0.
        length_s: How long the recording is; not before its last call.
    """

    seconds: Sequence[float] = field(repr=False)
    length_s: float

    @property
    def natural_duration_s(self) -> float | None:
        """The length of the recording."""
        return self.length_s

    def times(self, duration_s: float, draw: random.Random) -> Iterator[float]:  # noqa: ARG002
        """See :class:`Arrivals`."""
        for time_s in self.seconds:
            if time_s >= duration_s:
                return
            yield time_s


def _check_positive(what: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{what} must be above 0; got {value}")
