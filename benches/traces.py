"""Access patterns of the kinds that public cache traces show, drawn from a seed."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence

Trace = Sequence[int]
"""Keys in the order they are asked for."""


def zipf(length: int, keys: int, skew: float, seed: int) -> Trace:
    """Some keys are always more popular than others, as requests of web users are."""
    weights = [1 / rank**skew for rank in range(1, keys + 1)]
    names = list(range(keys))
    source = random.Random(seed)
    source.shuffle(names)
    return source.choices(names, cum_weights=list(itertools.accumulate(weights)), k=length)


def scan_over_hot_set(length: int, hot: int, scan: int, every: int, seed: int) -> Trace:
    """A hot set, and now and then a pass over keys that nobody asks for again."""
    source = random.Random(seed)
    trace: list[int] = []
    new = itertools.count(hot)
    while len(trace) < length:
        trace += [source.randrange(hot) for _ in range(every)]
        trace += itertools.islice(new, scan)
    return trace[:length]


def shifting_hot_set(length: int, keys: int, hot: int, every: int, seed: int) -> Trace:
    """Nine of ten requests go to a hot set that becomes another one after a while."""
    source = random.Random(seed)
    trace: list[int] = []
    while len(trace) < length:
        favourites = source.sample(range(keys), hot)
        trace += [
            source.choice(favourites) if source.random() < 0.9 else source.randrange(keys)
            for _ in range(every)
        ]
    return trace[:length]


TRACES: dict[str, tuple[int, Callable[[int, int], Trace]]] = {
    "Zipf 0.9": (500, lambda length, seed: zipf(length, 10_000, 0.9, seed)),
    "scan over a hot set": (
        500,
        lambda length, seed: scan_over_hot_set(length, 450, 1_000, 4_000, seed),
    ),
    "shifting hot set": (
        500,
        lambda length, seed: shifting_hot_set(length, 10_000, 400, 25_000, seed),
    ),
}
"""By name: entries the cache may hold, and the trace by length and seed."""


def best_possible(trace: Trace, capacity: int) -> float:
    """The hit ratio of Belady's algorithm, which knows the future: nobody can do better.

    The key that is asked for latest, if ever, goes; it may be the one that just came.
    """
    never = len(trace)
    following = [never] * len(trace)
    seen: dict[int, int] = {}
    for at in range(len(trace) - 1, -1, -1):
        following[at] = seen.get(trace[at], never)
        seen[trace[at]] = at
    return _replay(trace, following, capacity) / len(trace)


def _replay(trace: Trace, following: list[int], capacity: int) -> int:
    held: dict[int, int] = {}  # key -> when it is asked for next
    latest: list[tuple[int, int]] = []  # (-when, key); entries that are no longer true are skipped
    hits = 0
    for key, after in zip(trace, following, strict=True):
        hits += key in held
        held[key] = after
        heapq.heappush(latest, (-after, key))
        while len(held) > capacity:
            when, candidate = heapq.heappop(latest)
            if held.get(candidate) == -when:
                del held[candidate]
    return hits
