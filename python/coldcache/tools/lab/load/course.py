"""The course of an experiment: what is due meets the pool, in the order of time.

It waits for nothing and looks at no clock. Whoever drives it says how far time has come: the
simulator jumps to the end, the real fleet goes along with the clock. So both run the same rules.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from .book import Book
from .pool import Pool, PoolRules, Slot
from .rows import Source
from .workload import Agenda, Call, Scale

__all__ = ["Carrier", "Course", "Listener"]

_ANSWERED, _READY = range(2)


class Carrier(Protocol):
    """What runs the environments that the pool decides on."""

    throttled_source: Source

    def start(self, slot: Slot, now_s: float) -> None:
        """An environment has been added; if it is provisioned, it is to be started now."""

    def call(self, slot: Slot, call: Call, now_s: float, *, is_new: bool) -> None:
        """An environment has been given a call; *is_new*: it has to be started for that."""

    def end(self, slot: Slot, now_s: float, reason: str) -> None:
        """An environment is to be ended."""


class Listener(Protocol):
    """What a carrier reports to."""

    def answered(self, slot: Slot, at_s: float) -> None:
        """The call that an environment was given has ended, or will have by *at_s*."""

    def ready(self, slot: Slot, at_s: float) -> None:
        """The init of a provisioned environment has ended, or will have by *at_s*."""


class Course:
    """Goes through an agenda.

    Args:
        agenda: What is due, by time.
        functions: Names of the functions, each with a pool of its own.
        rules: Of every pool.
        seed: Where idle limits are drawn from.
        carrier: Runs the environments. It reports through :meth:`answered` and :meth:`ready`.
        book: Is told who was throttled.
    """

    def __init__(
        self,
        agenda: Agenda,
        *,
        functions: Sequence[str],
        rules: PoolRules,
        seed: int,
        carrier: Carrier,
        book: Book,
    ) -> None:
        self._agenda = agenda
        self._place = 0
        self._carrier = carrier
        self._book = book
        self._reports: list[tuple[float, int, int, Slot]] = []
        self._order = itertools.count()
        self._under_way = 0
        self._starting = 0
        self._now_s = 0.0
        numbers = itertools.count()
        self._pools: Mapping[str, Pool[Call]] = {
            function: Pool(
                rules,
                function=function,
                seed=seed,
                number=lambda: next(numbers),
                on_end=carrier.end,
                on_timeout=self._throttle,
            )
            for function in functions
        }

    @property
    def is_over(self) -> bool:
        """Whether nothing is due any more and every call has been answered or turned away."""
        return self._place == len(self._agenda) and not self._under_way

    @property
    def is_starting(self) -> bool:
        """Whether a provisioned environment is not ready yet."""
        return self._starting > 0

    def answered(self, slot: Slot, at_s: float) -> None:
        """See :class:`Listener`."""
        heapq.heappush(self._reports, (at_s, next(self._order), _ANSWERED, slot))

    def ready(self, slot: Slot, at_s: float) -> None:
        """See :class:`Listener`."""
        heapq.heappush(self._reports, (at_s, next(self._order), _READY, slot))

    def provision_at_begin(self) -> None:
        """Do now what is due at the very begin in provisioned environments, and only that."""
        while self._place < len(self._agenda):
            item = self._agenda[self._place].item
            if self._agenda[self._place].at_s > 0 or not isinstance(item, Scale):
                return
            self._place += 1
            self._scale(item)

    def settle(self) -> None:
        """Hear the reports there are, without doing anything that is due."""
        while self._reports:
            self._hear()

    def advance(self, until_s: float) -> float:
        """Go through everything up to *until_s*, in the order of time.

        Returns:
            When something is due next; ``math.inf`` if that depends on answers alone.
        """
        while True:
            due_s = self._agenda[self._place].at_s if self._place < len(self._agenda) else math.inf
            report_s = self._reports[0][0] if self._reports else math.inf
            if min(due_s, report_s) > until_s or (due_s == report_s == math.inf):
                break
            # An answer at the moment of an arrival comes first: it leaves a warm environment.
            if report_s <= due_s:
                self._hear()
            else:
                item = self._agenda[self._place].item
                self._place += 1
                self._move_to(due_s)
                if isinstance(item, Scale):
                    self._scale(item)
                else:
                    self._arrive(item)
        if until_s < math.inf:
            self._move_to(until_s)
            for pool in self._pools.values():
                pool.pass_time(self._now_s)
        return min(due_s, report_s, *(pool.next_time_s() for pool in self._pools.values()))

    def close(self, reason: str, now_s: float | None = None) -> None:
        """End every environment, now or at *now_s*."""
        self._move_to(now_s or 0.0)
        for pool in self._pools.values():
            pool.pass_time(self._now_s)
            pool.close(self._now_s, reason)

    def _move_to(self, now_s: float) -> None:
        # A real answer may be reported a moment after time has passed it.
        self._now_s = max(self._now_s, now_s)

    def _scale(self, item: Scale) -> None:
        for slot in self._pools[item.function].provision(item.count, self._now_s):
            self._starting += 1
            self._carrier.start(slot, self._now_s)

    def _arrive(self, call: Call) -> None:
        pool = self._pools[call.function]
        taken = pool.take(self._now_s)
        if taken is not None:
            slot, is_new = taken
            self._under_way += 1
            self._carrier.call(slot, call, self._now_s, is_new=is_new)
        elif pool.wait(call, self._now_s):
            self._under_way += 1
        else:
            self._book.throttled(call, self._now_s, self._carrier.throttled_source)

    def _throttle(self, call: Call, at_s: float) -> None:
        self._under_way -= 1
        self._book.throttled(call, at_s, self._carrier.throttled_source)

    def _hear(self) -> None:
        at_s, _, kind, slot = heapq.heappop(self._reports)
        self._move_to(at_s)
        pool = self._pools[slot.function]
        if kind == _READY:
            self._starting -= 1
            pool.ready(slot, self._now_s)
            return
        self._under_way -= 1
        call = pool.release(slot, self._now_s)
        if call is not None:  # it stood in line and is under way already
            self._carrier.call(slot, call, self._now_s, is_new=False)
