"""How long cold and warm calls take, measured first; what the simulator draws from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.life import CallRecord, Environment

from .draw import uniform
from .workload import Stream

__all__ = ["Measured", "ServiceTime", "measure", "prepare"]

_COLD, _WARM, _PING_COLD, _PING_WARM = 2, 3, 4, 5  # purposes of draws
# Starts and calls without a pause find caches that sparse traffic would not leave behind.
_COLD_PAUSE_S, _PAUSE_S = 0.2, 0.02


@dataclass(frozen=True)
class ServiceTime:
    """One call, from the moment an environment took it.

    Attributes:
        total_s: Until the last byte of the answer; init included where it had to be waited for.
        handed_s: Until the process was given the event.
        first_byte_s: Until the first byte of the answer; ``None`` if there was none.
        init_s: The init in it; ``None`` when warm, or when init failed.
        handler_s: The call itself, without init.
        start_class: As in the record.
        is_cold: As in the record.
        outcome: As in the record.
        error: As in the record.
    """

    total_s: float
    handed_s: float
    first_byte_s: float | None
    init_s: float | None
    handler_s: float
    start_class: str
    is_cold: bool
    outcome: str
    error: str | None

    @classmethod
    def of(cls, record: CallRecord, taken_ns: int) -> ServiceTime:
        """From a record of a real call, and when its environment began with it."""

        def since(then_ns: int) -> float:
            return max(0.0, (then_ns - taken_ns) / 1e9)

        return cls(
            total_s=since(record.answered_ns),
            handed_s=since(record.handed_ns),
            first_byte_s=None if record.first_byte_ns is None else since(record.first_byte_ns),
            init_s=record.init_ms / 1e3 if record.is_cold and record.init_ms is not None else None,
            handler_s=record.handler_ms / 1e3,
            start_class=record.start_class,
            is_cold=record.is_cold,
            outcome=record.outcome,
            error=record.error,
        )


@dataclass(frozen=True)
class Measured:
    """Empirical distributions of one function; a draw is one of the measured calls.

    Attributes:
        cold: First calls of fresh environments.
        warm: Later calls.
        provision_s: Inits ahead of any call.
    """

    cold: tuple[ServiceTime, ...]
    warm: tuple[ServiceTime, ...]
    provision_s: tuple[float, ...]

    def draw(self, seed: int, number: int, *, is_new: bool, is_ping: bool) -> ServiceTime:
        """The time of one call, decided by the seed and the call's number alone.

        Args:
            seed: The experiment's.
            number: The call's.
            is_new: Whether its environment has to be started.
            is_ping: Whether it is a ping; these are numbered by themselves.
        """
        purpose = (_PING_COLD if is_new else _PING_WARM) if is_ping else _COLD if is_new else _WARM
        values = self.cold if is_new else self.warm
        return values[int(uniform(seed, purpose, number) * len(values))]

    @classmethod
    def assumed(cls, cold_s: float, warm_s: float) -> Measured:
        """Every cold call takes the same time, and every warm one."""

        def call(total_s: float, init_s: float | None, start_class: str) -> ServiceTime:
            is_cold = init_s is not None
            return ServiceTime(total_s, 0.0, None, init_s, 0.0, start_class, is_cold, "ok", None)

        return cls((call(cold_s, 0.0, "on-demand"),), (call(warm_s, None, "warm"),), (cold_s,))


def prepare(stream: Stream, environment: Environment) -> None:
    """Run a function once and forget the times: later processes find what this one compiles.

    Args:
        stream: The function.
        environment: A fresh one; closed here.

    Raises:
        UsageError: The runtime client finds no such handler.
    """
    with environment:
        environment.start(event=stream.events[0].body)
        environment.call(stream.events[0].body)
        if isinstance(environment.failure, UsageError):
            raise environment.failure


def measure(
    stream: Stream,
    make_environment: Callable[[], Environment],
    *,
    cold: int,
    warm: int,
    on_process: Callable[[], None],
) -> Measured:
    """Measure a function alone on the machine, one call at a time.

    Args:
        stream: The function and its events, which take turns.
        make_environment: Gives a fresh environment that has not been started.
        cold: How many environments to start.
        warm: How many warm calls in all, evenly spread over the environments, at least 1 in each.
        on_process: Told of each environment that is done.
    """
    firsts: list[ServiceTime] = []
    others: list[ServiceTime] = []
    for number in range(cold):
        share = max(1, (warm * (number + 1)) // cold - (warm * number) // cold)
        event = stream.events[number % len(stream.events)].body
        time.sleep(_COLD_PAUSE_S)
        taken_ns = time.monotonic_ns()
        with make_environment() as environment:
            environment.start(event=event)
            firsts.append(ServiceTime.of(environment.call(event), taken_ns))
            for turn in range(share):
                time.sleep(_PAUSE_S)
                event = stream.events[(number + turn + 1) % len(stream.events)].body
                taken_ns = time.monotonic_ns()
                others.append(ServiceTime.of(environment.call(event), taken_ns))
        on_process()
    inits = tuple(one.init_s if one.init_s is not None else one.total_s for one in firsts)
    return Measured(tuple(firsts), tuple(others), inits)
