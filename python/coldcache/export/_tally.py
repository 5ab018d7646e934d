"""Sums and histograms over many calls, for formats that tell of a process and not of a call."""

import _thread
import os
from bisect import bisect_left

from coldcache.export import names
from coldcache.export._reading import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coldcache._invocation import Invocation

    Points = dict[tuple[str, str | None], float | "Histogram"]


class Histogram:
    """How often values were within which bounds.

    Attributes:
        counts: By bucket of `names.BUCKETS`, and one for what is above the last bound.
        total: Sum of the values, in seconds.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(names.BUCKETS) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value; a bound belongs to the bucket below it."""
        self.counts[bisect_left(names.BUCKETS, value)] += 1
        self.total += value

    def copy(self) -> "Histogram":
        """One of its own, with the same numbers."""
        other = Histogram()
        other.counts, other.total = list(self.counts), self.total
        return other


class Tally:
    """What the calls so far come to.

    Memory is bounded: the table of metrics, times the start classes or `names.MOST_ERROR_TYPES`.
    """

    def __init__(self) -> None:
        self.reading = Reading()
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._points: Points = {}
        self._lock = _thread.allocate_lock()

    def _note_fork(self) -> None:
        """What was counted before a fork is the parent's; the lock may be held by nobody."""
        if os.getpid() != self._pid:
            self._begin()

    def add(self, invocation: "Invocation") -> None:
        """Count one call."""
        self._note_fork()
        values = self.reading.of(invocation)
        with self._lock:
            for metric, label, value in values:
                at = (metric.key, label)
                if metric.kind == "duration":
                    histogram = self._points.get(at)
                    if histogram is None:
                        histogram = self._points[at] = Histogram()
                    assert isinstance(histogram, Histogram)  # noqa: S101 - for type checkers
                    histogram.add(value)
                elif metric.kind == "gauge":
                    self._points[at] = value
                else:
                    so_far = self._points.get(at, 0)
                    assert not isinstance(so_far, Histogram)  # noqa: S101 - for type checkers
                    self._points[at] = so_far + value

    def points(self) -> "Points":
        """All sums and histograms as they stand, by metric and label."""
        self._note_fork()
        with self._lock:
            return {
                at: point.copy() if isinstance(point, Histogram) else point
                for at, point in self._points.items()
            }

    def take(self) -> "Points":
        """All sums and histograms since this was called last."""
        with self._lock:
            taken, self._points = self._points, {}
            return taken
