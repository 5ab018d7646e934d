"""Which environment takes a call: the rules of a platform's pool, with time handed in.

The pool knows no clock and no process. A real fleet and the simulator drive the same pool, one with
measured time and one with simulated time, so what they decide cannot drift apart.

The rules: one call at a time in each environment. A call takes an idle environment; provisioned
ones go first, then the one idle for the shortest (or longest) time. Without an idle one it starts
an environment and waits for that, even if another falls free meanwhile. At the limit of concurrency
it waits in line, first come first served, or is throttled. An environment that stays idle for its
limit is ended; a call at that very moment finds it gone.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from coldcache.tools.lab.errors import UsageError

from .draw import uniform
from .keep_alive import KeepAlive

__all__ = ["Pool", "PoolRules", "Reuse", "Slot"]

Reuse = Literal["most-recent", "least-recent"]

_IDLE_TIME = 1  # purpose of a draw
_MRU_LAST = {"most-recent": True, "least-recent": False}

C = TypeVar("C")


@dataclass(frozen=True)
class PoolRules:
    """How a pool behaves.

    Attributes:
        keep_alive: How long an idle environment lives.
        reuse: Which of several idle environments takes a call.
        max_concurrency: Most calls at work at the same time; warm and cold alike.
        queue_s: How long a call above that waits for its turn; 0: it is throttled at once.

    Raises:
        UsageError: A value is out of range.
    """

    keep_alive: KeepAlive
    reuse: Reuse = "most-recent"
    max_concurrency: int = 1000
    queue_s: float = 0.0

    def __post_init__(self) -> None:
        if self.reuse not in _MRU_LAST:
            raise UsageError(f"reuse is most-recent or least-recent; got {self.reuse!r}")
        if self.max_concurrency < 1:
            raise UsageError(f"concurrency must be at least 1; got {self.max_concurrency}")
        if not (self.queue_s >= 0 and math.isfinite(self.queue_s)):
            raise UsageError(f"the time in the queue is 0 or more seconds; got {self.queue_s}")


class Slot:
    """An environment as the pool sees it.

    Attributes:
        number: Its number in the experiment.
        function: Which function it runs.
        is_provisioned: Whether it is kept by a strategy instead of started by a call.
        began_s: When it was started.
        calls: How many calls it has been given.
        expires_s: When it ends if no call comes; meaningful while idle.
    """

    __slots__ = (
        "began_s",
        "calls",
        "expires_s",
        "function",
        "heap_s",
        "idle_times",
        "is_provisioned",
        "number",
    )

    def __init__(self, number: int, function: str, began_s: float, *, is_provisioned: bool) -> None:
        self.number = number
        self.function = function
        self.began_s = began_s
        self.is_provisioned = is_provisioned
        self.calls = 0
        self.idle_times = 0
        self.expires_s = math.inf
        self.heap_s = math.inf  # the earliest of its entries in the heap of expiries


class Pool(Generic[C]):
    """The environments of one function. Times must not go backwards from call to call.

    Args:
        rules: How it behaves.
        function: Which function it runs.
        seed: Where idle limits are drawn from.
        number: Gives the next environment's number.
        on_end: Told of every environment that ends, when, and why.
        on_timeout: Told of every call whose time in line is over, and when that was.
    """

    def __init__(
        self,
        rules: PoolRules,
        *,
        function: str,
        seed: int,
        number: Callable[[], int],
        on_end: Callable[[Slot, float, str], None],
        on_timeout: Callable[[C, float], None],
    ) -> None:
        self._rules = rules
        self._function = function
        self._seed = seed
        self._number = number
        self._on_end = on_end
        self._on_timeout = on_timeout
        self._takes_last = _MRU_LAST[rules.reuse]
        # Dictionaries as ordered sets: by the moment of falling idle, with removal from anywhere.
        self._idle: dict[Slot, None] = {}
        self._idle_provisioned: dict[Slot, None] = {}
        self._busy: set[Slot] = set()
        self._starting: set[Slot] = set()
        self._surplus = 0  # provisioned environments to be given up when they fall free
        self._provisioned = 0
        self._waiting: deque[tuple[float, C]] = deque()
        self._expiries: list[tuple[float, int, int, Slot]] = []
        self._entries = itertools.count()

    @property
    def size(self) -> int:
        """How many environments there are."""
        return len(self._idle) + len(self._idle_provisioned) + len(self._busy) + len(self._starting)

    # Calls

    def take(self, now_s: float) -> tuple[Slot, bool] | None:
        """An environment for a call, and whether it is new; ``None`` at the limit of concurrency.

        Args:
            now_s: Time of the experiment.
        """
        self.pass_time(now_s)
        if len(self._busy) >= self._rules.max_concurrency:
            return None
        idle = self._idle_provisioned or self._idle
        if idle:
            slot = idle.popitem()[0] if self._takes_last else self._pop_first(idle)
            return self._occupy(slot), False
        slot = Slot(self._number(), self._function, now_s, is_provisioned=False)
        return self._occupy(slot), True

    def wait(self, call: C, now_s: float) -> bool:
        """Put a call in line; whether there is a line at all."""
        if not self._rules.queue_s:
            return False
        self._waiting.append((now_s + self._rules.queue_s, call))
        return True

    def release(self, slot: Slot, now_s: float) -> C | None:
        """An environment has answered: gives the call from the line that it takes next, if any.

        Args:
            slot: It was taken before.
            now_s: When it answered.
        """
        self.pass_time(now_s)
        if self._waiting:
            slot.calls += 1
            return self._waiting.popleft()[1]
        self._busy.remove(slot)
        self._rest(slot, now_s)
        return None

    # Provisioned environments

    def provision(self, target: int, now_s: float) -> list[Slot]:
        """Keep *target* environments from now on: returns new ones, which are to be started.

        When there are too many, idle ones are ended at once, others when they fall free.
        """
        self.pass_time(now_s)
        self._provisioned += self._surplus
        self._surplus = 0
        new = []
        while self._provisioned < target:
            slot = Slot(self._number(), self._function, now_s, is_provisioned=True)
            self._starting.add(slot)
            self._provisioned += 1
            new.append(slot)
        while self._provisioned > target:
            self._provisioned -= 1
            if self._idle_provisioned:
                self._on_end(self._pop_first(self._idle_provisioned), now_s, "scaled-in")
            else:
                self._surplus += 1
        return new

    def ready(self, slot: Slot, now_s: float) -> None:
        """A provisioned environment has been started."""
        self.pass_time(now_s)
        self._starting.remove(slot)
        self._rest(slot, now_s)

    # Time

    def pass_time(self, now_s: float) -> None:
        """End what has expired and throttle what has waited too long, by *now_s*."""
        while self._expiries and self._expiries[0][0] <= now_s:
            at_s, _, _, slot = heapq.heappop(self._expiries)
            is_idle = slot in self._idle
            if is_idle and slot.expires_s <= at_s:
                del self._idle[slot]
                self._on_end(slot, slot.expires_s, "idle")
            elif slot.heap_s == at_s:  # taken since; what counts is the present idle time
                slot.heap_s = math.inf
                if is_idle:
                    self._push(slot)
        while self._waiting and self._waiting[0][0] <= now_s:
            deadline_s, call = self._waiting.popleft()
            self._on_timeout(call, deadline_s)

    def next_time_s(self) -> float:
        """When :meth:`pass_time` should be called next; ``math.inf`` if nothing is due."""
        expiry_s = self._expiries[0][0] if self._expiries else math.inf
        return min(expiry_s, self._waiting[0][0] if self._waiting else math.inf)

    def close(self, now_s: float, reason: str) -> None:
        """End everything, whatever it is doing."""
        for slot in sorted(self._living(), key=lambda slot: slot.number):
            self._on_end(slot, now_s, reason)
        self._waiting.clear()
        self._expiries.clear()
        for group in (self._idle, self._idle_provisioned, self._busy, self._starting):
            group.clear()

    def _living(self) -> Iterator[Slot]:
        yield from self._idle
        yield from self._idle_provisioned
        yield from self._busy
        yield from self._starting

    def _occupy(self, slot: Slot) -> Slot:
        slot.calls += 1
        self._busy.add(slot)
        return slot

    def _rest(self, slot: Slot, now_s: float) -> None:
        """Make an environment idle, or end it where it is not wanted any longer."""
        if slot.is_provisioned:
            if self._surplus:
                self._surplus -= 1
                self._on_end(slot, now_s, "scaled-in")
                return
            self._idle_provisioned[slot] = None
            return
        luck = uniform(self._seed, _IDLE_TIME, slot.number, slot.idle_times)
        slot.idle_times += 1
        slot.expires_s = now_s + self._rules.keep_alive.limit_s(luck)
        if slot.expires_s <= now_s:
            self._on_end(slot, now_s, "idle")
            return
        self._idle[slot] = None
        # One entry an environment will do: one that comes up too early is put back by its limit.
        if slot.expires_s < slot.heap_s:
            self._push(slot)

    def _push(self, slot: Slot) -> None:
        slot.heap_s = slot.expires_s
        if slot.expires_s < math.inf:
            entry = (slot.expires_s, slot.number, next(self._entries), slot)
            heapq.heappush(self._expiries, entry)

    @staticmethod
    def _pop_first(slots: dict[Slot, None]) -> Slot:
        slot = next(iter(slots))
        del slots[slot]
        return slot
