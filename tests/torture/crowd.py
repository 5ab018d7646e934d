"""Random operations on one `Cache` by threads and event loops at the same time.

What each of them does is drawn before they start, so a seed gives the same plans again, though not
the same interleaving. What is checked holds for every interleaving: nobody hangs, nothing
overtaken or expired is served, one key is loaded by one at a time.
"""

from __future__ import annotations

import asyncio
import faulthandler
import itertools
import random
import sys
import threading
import time
from typing import Any, NamedTuple

import coldcache

KEYS = "abcd"
TTL_S = 20
DEADLINE_S = 20
NAMES = {
    "get": 4, "load": 10, "load_failing": 2, "load_reentrant": 1, "load_nested": 2,
    "load_exiting": 1, "set": 1, "invalidate": 1, "clear": 1, "expire": 1, "advance": 1, "len": 1,
}  # fmt: skip


class Down(Exception):
    """The source cannot be reached."""


class Exit(BaseException):
    """What nobody may share: an exit of one caller."""


class Step(NamedTuple):
    name: str
    key: str
    pause_s: float
    inner: str
    """The key that a nested load asks for."""
    patience_s: float | None
    """When a task gives up, if it does."""


class Value(NamedTuple):
    key: str
    number: int


class Event(NamedTuple):
    """Something that took from one tick to another."""

    kind: str
    key: str | None
    start: int
    end: int
    value: Value | None = None
    clock_s: float = 0
    asked: int = 0
    """For a run: when its caller began to ask, so that its flight is no older."""


class Crowd:
    """One schedule: who does what, and afterwards what happened."""

    make_cache: Any = coldcache.Cache

    def __init__(self, seed: str, threads: int = 4, loops: int = 2, length: int = 12) -> None:
        dice = random.Random(seed)
        self.threads = [[draw(dice) for _ in range(length)] for _ in range(threads)]
        self.loops = [
            [[draw(dice) for _ in range(length // 3)] for _ in range(4)] for _ in range(loops)
        ]
        self.ticks = itertools.count()
        self.numbers = itertools.count()
        self.events: list[Event] = []
        self.problems: list[str] = []
        self.barrier = threading.Barrier(threads + loops)

    def __str__(self) -> str:
        lines = [f"thread {at}: {steps}" for at, steps in enumerate(self.threads)]
        lines += [f"loop {at}: {tasks}" for at, tasks in enumerate(self.loops)]
        events = sorted(self.events, key=lambda event: event.start)
        return "\n".join([*lines, "what happened:", *map(str, events)])

    def run(self) -> None:
        """Run the schedule; AssertionError if something was wrong about it."""
        with coldcache.testing.clock() as self.clock:
            self.cache = self.make_cache(ttl=TTL_S, max_entries=None, name="crowd")
            workers = [
                threading.Thread(target=self._guarded, args=(run, steps), daemon=True)
                for run, plans in ((self._thread, self.threads), (self._loop, self.loops))
                for steps in plans
            ]
            for worker in workers:
                worker.start()
            deadline = time.monotonic() + DEADLINE_S
            for worker in workers:
                worker.join(max(0, deadline - time.monotonic()))
            if any(worker.is_alive() for worker in workers):
                faulthandler.dump_traceback(sys.stderr)
                raise AssertionError(f"somebody still waits after {DEADLINE_S} s")
        self._check()

    def _guarded(self, run: Any, plan: Any) -> None:
        try:
            self.barrier.wait(DEADLINE_S)
            run(plan)
        except BaseException as error:  # noqa: BLE001
            self.problems.append(f"unexpected {error!r}")

    def _thread(self, steps: list[Step]) -> None:
        for step in steps:
            start, clock_s = next(self.ticks), self.clock.monotonic()
            if step.name.startswith("load"):
                self._note(step, start, clock_s, self._outcome(lambda s=step: self._load(s)))
            else:
                self._plain(step, start, clock_s)

    def _loop(self, tasks: list[list[Step]]) -> None:
        async def one(steps: list[Step]) -> None:
            for step in steps:
                start, clock_s = next(self.ticks), self.clock.monotonic()
                if step.name.startswith("load") and step.name != "load_exiting":
                    self._note(step, start, clock_s, await self._outcome_later(step))
                elif not step.name.startswith("load"):
                    self._plain(step, start, clock_s)
                await asyncio.sleep(0)

        async def main() -> None:
            await asyncio.gather(*map(one, tasks))

        asyncio.run(main())

    def _plain(self, step: Step, start: int, clock_s: float) -> None:
        name, key, value = step.name, step.key, None
        if name == "get":
            value = self.cache.get(key)
            name = "load"  # for the checks an answer is an answer
        elif name == "set":
            value = Value(key, next(self.numbers))
            self.cache[key] = value
        elif name == "advance":
            self.clock.advance(7)
        elif name == "len":
            len(self.cache)
        else:
            getattr(self.cache, name)(*[key] * (name == "invalidate"))
        clock_s = self.clock.monotonic() if name == "set" else clock_s
        everything = key if name not in ("clear", "advance", "expire", "len") else None
        self.events.append(Event(name, everything, start, next(self.ticks), value, clock_s))

    def _note(self, step: Step, start: int, clock_s: float, outcome: Any) -> None:
        value = outcome if isinstance(outcome, Value) else None
        self.events.append(Event("load", step.key, start, next(self.ticks), value, clock_s))

    def _load(self, step: Step) -> Any:
        asked = next(self.ticks)
        return self.cache.get_or_load(step.key, lambda: self._loader(step, asked))

    def _loader(self, step: Step, asked: int) -> Value:
        start, value = next(self.ticks), Value(step.key, next(self.numbers))
        try:
            time.sleep(step.pause_s)
            if step.name == "load_failing":
                raise Down
            if step.name == "load_exiting":
                raise Exit
            if step.name == "load_reentrant":  # an answer, if it was overtaken meanwhile
                self._load(step._replace(name="load"))
            if step.name == "load_nested" and step.inner != step.key:
                inner = step._replace(name="load", key=step.inner)
                self._load(inner)
            return value
        finally:
            end = next(self.ticks)
            self.events.append(Event("run", step.key, start, end, value, asked=asked))

    async def _loader_later(self, step: Step, asked: int) -> Value:
        kind = "run"
        start, value = next(self.ticks), Value(step.key, next(self.numbers))
        try:
            await asyncio.sleep(step.pause_s)
            if step.name == "load_failing":
                raise Down
            if step.name == "load_reentrant":
                await asyncio.create_task(self._load_later(step._replace(name="load")))
            if step.name == "load_nested" and step.inner != step.key:
                await self._load_later(step._replace(name="load", key=step.inner))
            return value
        except asyncio.CancelledError:
            kind = "cancelled run"
            raise
        finally:
            end = next(self.ticks)
            self.events.append(Event(kind, step.key, start, end, value, asked=asked))

    async def _load_later(self, step: Step) -> Any:
        asked = next(self.ticks)

        async def loader() -> Value:
            return await self._loader_later(step, asked)

        return await self.cache.get_or_load(step.key, loader)

    def _outcome(self, call: Any) -> Any:
        try:
            return call()
        except (Down, Exit, coldcache.ReentrantLoadError) as error:
            return error

    async def _outcome_later(self, step: Step) -> Any:
        try:
            return await asyncio.wait_for(self._load_later(step), step.patience_s)
        except (Down, coldcache.ReentrantLoadError, asyncio.TimeoutError) as error:
            return error

    def _check(self) -> None:
        assert not self.problems, self.problems
        of_key = {key: [e for e in self.events if e.key in (key, None)] for key in KEYS}
        for key, events in of_key.items():
            runs = sorted((e for e in events if e.kind == "run"), key=lambda run: run.start)
            born = {run.value: run for run in runs}
            born |= {event.value: event for event in events if event.kind == "set"}
            changes = [e for e in events if e.kind in ("set", "invalidate", "clear")]
            for answer in (e for e in events if e.kind == "load" and e.value is not None):
                self._check_answer(key, answer, born, changes)
            # A cancelled one may be on its way out while the next one runs: its loop had stopped.
            for first, second in itertools.pairwise(runs):
                # Either flight may be the older one; a change in between let the other begin.
                asked = min(first.asked, second.asked)
                is_replaced = any(c.start < second.start and c.end > asked for c in changes)
                overlap = second.start < first.end and not is_replaced
                assert not overlap, f"two loads of {key} at a time: {first}, {second}"

    def _check_answer(self, key: str, answer: Event, born: Any, changes: list[Event]) -> None:
        assert answer.value.key == key, f"an answer for another key: {answer}"
        assert answer.value in born, f"an answer from nowhere: {answer}"
        birth = born[answer.value]
        assert birth.start < answer.end, f"an answer from the future: {answer}, {birth}"
        for change in changes:
            # A value that was set is there from the end of the call, a loaded one not before.
            is_overtaken = birth.start < change.start and change.end < answer.start
            if birth.kind == "set":
                is_overtaken = birth.end < change.start and change.end < answer.start
            assert not is_overtaken, f"overtaken by {change}: {answer} got {birth}"
        if birth.kind == "set":
            age_s = answer.clock_s - birth.clock_s
            assert age_s < TTL_S, f"{age_s} s old: {answer}"


def draw(dice: random.Random) -> Step:
    return Step(
        dice.choices(list(NAMES), list(NAMES.values()))[0],
        dice.choice(KEYS),
        dice.choice([0, 0, 0.0005, 0.002]),
        dice.choice(KEYS),
        dice.choice([None, None, 0.001, 0.003]),
    )
