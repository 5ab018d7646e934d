"""Warming strategies: what is done so that calls find an environment, and when."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from coldcache.tools.lab.errors import UsageError

from .quantity import parse_count, parse_seconds

__all__ = ["Strategy", "Window", "parse_strategies"]

_FORMS = "nothing, ping:5m, ping:5mx3, provisioned:2 or scheduled:3@9h-17h+1@17h-24h"


@dataclass(frozen=True)
class Window:
    """A number of provisioned environments for some time.

    Attributes:
        count: How many, of each function.
        begin_s: Seconds of the workload.
        end_s: After the begin; ``math.inf`` for as long as the workload lasts.
    """

    count: int
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Strategy:
    """How environments are kept warm.

    Attributes:
        name: As a user writes it.
        ping_every_s: Seconds of the workload from ping to ping, the first at its begin; ``None``
            for no pings.
        ping_count: How many calls a ping is, all at once, so that each takes its own environment.
        windows: Provisioned environments; where windows overlap, their numbers add up.
    """

    name: str
    ping_every_s: float | None = None
    ping_count: int = 1
    windows: tuple[Window, ...] = ()

    def ping_times(self, duration_s: float) -> Iterator[float]:
        """When pings are sent within a workload of that length."""
        if self.ping_every_s is not None:
            number = 0
            while (time_s := number * self.ping_every_s) < duration_s:
                yield time_s
                number += 1

    def levels(self, duration_s: float) -> list[tuple[float, int]]:
        """From when on how many provisioned environments are kept, within a workload's length."""
        edges = sorted(
            {one for window in self.windows for one in (window.begin_s, window.end_s)} | {0.0}
        )
        levels = [(edge, self._count_at(edge)) for edge in edges if edge < duration_s]
        return [
            level
            for previous, level in itertools.pairwise([(0.0, 0), *levels])
            if level[1] != previous[1]
        ]

    def _count_at(self, time_s: float) -> int:
        return sum(one.count for one in self.windows if one.begin_s <= time_s < one.end_s)


def parse_strategies(text: str) -> tuple[Strategy, ...]:
    """Read strategies separated by commas.

    Raises:
        UsageError: One has another form, or is given twice.
    """
    strategies = tuple(_parse(part.strip()) for part in text.split(","))
    names = [one.name for one in strategies]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the strategy {name!r} is given twice")
    return strategies


def _parse(text: str) -> Strategy:
    kind, colon, rest = text.partition(":")
    if kind == "nothing" and not colon:
        return Strategy(text)
    if kind == "ping" and rest:
        every, _, count = rest.partition("x")
        return Strategy(
            text,
            ping_every_s=parse_seconds(every, f"the time between pings in {text!r}"),
            ping_count=parse_count(count, f"the number of pings in {text!r}") if count else 1,
        )
    if kind == "provisioned" and rest:
        count_kept = parse_count(rest, f"the number of environments in {text!r}")
        return Strategy(text, windows=(Window(count_kept, 0.0, math.inf),))
    if kind == "scheduled" and rest:
        return Strategy(text, windows=tuple(_window(part, text) for part in rest.split("+")))
    raise UsageError(f"a strategy is {_FORMS}; got {text!r}")


def _window(text: str, whole: str) -> Window:
    count, at, times = text.partition("@")
    begin, dash, end = times.partition("-")
    if not at or not dash:
        raise UsageError(f"a window of {whole!r} is written 3@9h-17h; got {text!r}")
    window = Window(
        parse_count(count, f"the number of environments in {text!r}"),
        parse_seconds(begin, f"the begin of {text!r}", allow_zero=True),
        parse_seconds(end, f"the end of {text!r}"),
    )
    if window.end_s <= window.begin_s:
        raise UsageError(f"the window {text!r} ends before it begins")
    return window
