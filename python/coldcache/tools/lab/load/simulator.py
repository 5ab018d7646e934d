"""The fleet as a calculation: times drawn from measured calls, and nothing waited for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .book import Book
from .course import Course, Listener
from .draw import uniform
from .measured import Measured
from .pool import PoolRules, Slot
from .rows import Source
from .workload import Agenda, Call

__all__ = ["SimulatedCarrier", "simulate"]

_PROVISION = 6  # purpose of a draw


class SimulatedCarrier:
    """Environments that take the time of a measured call.

    Args:
        measured: By function.
        seed: What decides the draws.
        book: Where calls are written down.

    Attributes:
        listener: Is told of answers; set before the first call.
    """

    throttled_source: Source = "simulated"

    def __init__(self, measured: Mapping[str, Measured], *, seed: int, book: Book) -> None:
        self._measured = measured
        self._seed = seed
        self._book = book
        self.listener: Listener | None = None

    def start(self, slot: Slot, now_s: float) -> None:
        """See :class:`~.course.Carrier`."""
        self._book.began(slot, "simulated")
        inits = self._measured[slot.function].provision_s
        init_s = inits[int(uniform(self._seed, _PROVISION, slot.number) * len(inits))]
        # What is there at the begin was started in time before it.
        ready_s = now_s + init_s if now_s > 0 else now_s
        self._book.ready(slot, ready_s)
        self._told.ready(slot, ready_s)

    def call(self, slot: Slot, call: Call, now_s: float, *, is_new: bool) -> None:
        """See :class:`~.course.Carrier`."""
        took = self._measured[call.function].draw(
            self._seed, call.number, is_new=is_new, is_ping=call.is_ping
        )
        if is_new:
            self._book.began(slot, "simulated")
            if took.init_s is not None:
                self._book.ready(slot, now_s + took.handed_s)
        self._book.called(slot, call, now_s, took, "simulated")
        self._told.answered(slot, now_s + took.total_s)

    def end(self, slot: Slot, now_s: float, reason: str) -> None:
        """See :class:`~.course.Carrier`."""
        self._book.ended(slot, now_s, reason)

    @property
    def _told(self) -> Listener:
        if self.listener is None:
            raise RuntimeError("nobody listens to the carrier yet")
        return self.listener


def simulate(
    agenda: Agenda,
    measured: Mapping[str, Measured],
    *,
    functions: Sequence[str],
    rules: PoolRules,
    seed: int,
    variant: str,
) -> Book:
    """Go through a whole agenda at once.

    Args:
        agenda: What is due.
        measured: How long calls take, by function.
        functions: Names of the functions.
        rules: Of the pools.
        seed: Decides all draws: the same seed gives the same rows.
        variant: Name for the rows.
    """
    book = Book(variant)
    carrier = SimulatedCarrier(measured, seed=seed, book=book)
    course = Course(agenda, functions=functions, rules=rules, seed=seed, carrier=carrier, book=book)
    carrier.listener = course
    course.advance(math.inf)
    course.close("experiment-end")
    return book
