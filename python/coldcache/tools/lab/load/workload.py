"""What is to happen in an experiment, in order: calls, pings, and changes of provisioning."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.target import Target

from .arrivals import Arrivals
from .strategy import Strategy

__all__ = ["Agenda", "Call", "Scale", "Stream", "Timed", "build_agenda", "duration_of"]


@dataclass(frozen=True)
class Stream:
    """One function of a workload, and when it is called.

    Attributes:
        name: What the function is called in rows; streams have different names.
        target: What runs.
        events: What it is called with, in turn; at least one.
        arrivals: When.
    """

    name: str
    target: Target
    events: tuple[Event, ...]
    arrivals: Arrivals


@dataclass(frozen=True)
class Call:
    """One call that is due.

    Attributes:
        number: Place in the order of arrivals, from 0; pings are counted by themselves.
        function: Name of its stream.
        arrived_s: When it is due, seconds of the experiment.
        event: What the function is given.
        is_ping: Whether a strategy sends it.
    """

    number: int
    function: str
    arrived_s: float
    event: bytes = field(repr=False)
    is_ping: bool = False


@dataclass(frozen=True)
class Scale:
    """From now on a number of provisioned environments is kept.

    Attributes:
        function: Of which stream.
        count: How many.
    """

    function: str
    count: int


@dataclass(frozen=True)
class Timed:
    """An item of an agenda and when it is due, in seconds of the experiment."""

    at_s: float
    item: Call | Scale


Agenda = Sequence[Timed]

_SCALE, _CALL, _PING = range(3)  # the order at one moment


def duration_of(streams: Sequence[Stream], duration_s: float | None) -> float:
    """The length of the workload in its own seconds.

    Raises:
        UsageError: It is not given, and no recording tells it.
    """
    if duration_s is not None:
        return duration_s
    lengths = [one.arrivals.natural_duration_s for one in streams]
    known = [length for length in lengths if length is not None]
    if len(known) < len(lengths) or not known:
        raise UsageError("this load never ends; say how long it lasts with --duration, such as 60s")
    return max(known)


def build_agenda(
    streams: Sequence[Stream],
    strategy: Strategy,
    *,
    duration_s: float,
    compression: float,
    seed: int,
    ping_event: Event | None = None,
) -> list[Timed]:
    """Everything that is due, by time.

    The times of calls follow from the seed, the stream's name and the stream's arrivals alone: a
    stream is called at the same moments under every strategy, and beside any other stream.

    Args:
        streams: The functions.
        strategy: What keeps them warm.
        duration_s: Seconds of the workload.
        compression: Seconds of the workload that pass in one second of the experiment.
        seed: Decides what arrivals leave open.
        ping_event: What pings carry; the function's first event by default.

    Raises:
        UsageError: No call arrives in all that time.
    """
    due: list[tuple[float, int, int, Stream, int]] = []
    for place, stream in enumerate(streams):
        draw = random.Random(f"{seed}/{stream.name}")  # noqa: S311 - a workload, not a secret
        for time_s in stream.arrivals.times(duration_s, draw):
            due.append((time_s, _CALL, place, stream, 0))
    if not due:
        raise UsageError(f"the load has no arrivals within {duration_s:g} s; nothing to measure")
    for place, stream in enumerate(streams):
        for time_s, count in strategy.levels(duration_s):
            due.append((time_s, _SCALE, place, stream, count))
        for time_s in strategy.ping_times(duration_s):
            due += [(time_s, _PING, place, stream, 0)] * strategy.ping_count
    due.sort(key=lambda one: one[:3])
    return list(_timed(due, compression, ping_event))


def _timed(
    due: Sequence[tuple[float, int, int, Stream, int]],
    compression: float,
    ping_event: Event | None,
) -> Iterator[Timed]:
    numbers = {_CALL: 0, _PING: 0}
    turns: dict[str, int] = {}
    for time_s, kind, _, stream, count in due:
        at_s = time_s / compression
        if kind == _SCALE:
            yield Timed(at_s, Scale(stream.name, count))
            continue
        if kind == _PING:
            event = ping_event or stream.events[0]
        else:
            turn = turns[stream.name] = turns.get(stream.name, -1) + 1
            event = stream.events[turn % len(stream.events)]
        call = Call(numbers[kind], stream.name, at_s, event.body, is_ping=kind == _PING)
        numbers[kind] += 1
        yield Timed(at_s, call)
