"""One pair of undisturbed processes: time and memory of the function and of the empty one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coldcache.tools.lab.summary import Ratio, ratio_of_medians

__all__ = ["Sample", "added_memory", "time_ratio"]


@dataclass(frozen=True)
class Sample:
    """Neighbours in time.

    Attributes:
        ms: From spawn to the end of the start, of the function.
        empty_ms: The same of the empty one.
        peak_bytes: Largest resident set of the function; 0 where the system does not tell.
        empty_peak_bytes: That of the empty one.
    """

    ms: float
    empty_ms: float
    peak_bytes: int
    empty_peak_bytes: int

    def to_document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)


def added_memory(samples: Sequence[Sample]) -> int | None:
    """The lowest peak of the function less the lowest of the empty one.

    Where the kernel places things only ever adds to what a process needs, so the lowest of some
    peaks is the steadiest figure of them.
    """
    if not all(one.peak_bytes and one.empty_peak_bytes for one in samples):
        return None
    lowest = min(one.peak_bytes for one in samples)
    return max(0, lowest - min(one.empty_peak_bytes for one in samples))


def time_ratio(samples: Sequence[Sample]) -> Ratio | None:
    """Median time by median time of the empty one, with its interval."""
    return ratio_of_medians([one.ms for one in samples], [one.empty_ms for one in samples])
