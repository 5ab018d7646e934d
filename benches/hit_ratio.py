"""Hit ratios of the eviction policies on seeded traces, against peers and the best possible.

python benches/hit_ratio.py [--quick] [--json] [--length N] [--seed N]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import peers
import tables
from interleaved import Spread
from traces import TRACES, Trace, best_possible

OURS = {"lru": "coldcache lru", "tiny_lfu": "coldcache tiny_lfu"}
# Hits of the peer for one of ours; the ring forgets some hits.
MOST_LOST = {"lru": 1.01, "tiny_lfu": 1.02}
EXEMPLARS = {"lru": "cachetools LRU", "tiny_lfu": "moka_py tiny_lfu"}
ABSENT = object()


def caches() -> dict[str, Callable[[int], Any]]:
    """From a bound to an empty cache, by name; all are mappings."""
    found: dict[str, Callable[[int], Any]] = {
        name: lambda size, policy=policy: peers.coldcache.Cache(max_entries=size, policy=policy)
        for policy, name in OURS.items()
    }
    if peers.cachetools is not None:
        found["cachetools LRU"] = peers.cachetools.LRUCache
        found["cachetools LFU"] = peers.cachetools.LFUCache
    if peers.cachebox is not None:
        found["cachebox LRU"] = peers.cachebox.LRUCache
        found["cachebox LFU"] = peers.cachebox.LFUCache
        found["cachebox TTL"] = lambda size: peers.cachebox.TTLCache(size, peers.TTL)
    if peers.moka_py is not None:
        found["moka_py tiny_lfu"] = lambda size: Moka(size, "tiny_lfu")
    return found


class Moka:
    """moka_py with the names of a mapping."""

    def __init__(self, size: int, policy: str) -> None:
        self.cache = peers.moka_py.Moka(size, policy=policy)
        self.get = self.cache.get

    def __setitem__(self, key: int, value: object) -> None:
        self.cache.set(key, value)


def hit_ratio(cache: Any, trace: Trace) -> float:
    """Ask, and store what was not there."""
    hits = 0
    for key in trace:
        if cache.get(key, ABSENT) is ABSENT:
            cache[key] = key
        else:
            hits += 1
    return hits / len(trace)


def main() -> int:
    """Print the table; fail if one of our policies keeps less than a peer's of the same name."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--length", type=int, default=200_000, help="requests (%(default)s)")
    options.add_argument("--quick", dest="length", action="store_const", const=50_000)
    options.add_argument("--seed", type=int, default=1, help="%(default)s")
    options.add_argument("--json", action="store_true", help="print JSON instead of tables")
    given = options.parse_args()
    subjects = caches()
    ratios: dict[str, dict[str, float]] = {}
    seconds = dict.fromkeys(subjects, 0.0)
    for title, (size, trace_of) in TRACES.items():
        trace = trace_of(given.length, given.seed)
        ratios[title] = {}
        for name, make in subjects.items():
            start = time.thread_time()
            ratios[title][name] = hit_ratio(make(size), trace)
            seconds[name] += time.thread_time() - start
        ratios[title]["best possible"] = best_possible(trace, size)
    rows = [
        [
            name,
            *(f"{100 * ratios[title][name]:.1f}" for title in TRACES),
            time_of(name, seconds, given),
        ]
        for name in [*subjects, "best possible"]
    ]
    sizes = ", ".join(f"{title}: {size}" for title, (size, _) in TRACES.items())
    note = (
        f"Percent of {given.length} requests, seed {given.seed}. Entries kept: {sizes}. "
        "Best possible: Belady's algorithm, which knows the future."
    )
    table = tables.Table("Hit ratio", ["cache", *TRACES, "ns a request"], rows, note)
    return tables.Outcome([table], targets(ratios), peers.missing()).emit(given.json)


def time_of(name: str, seconds: dict[str, float], given: argparse.Namespace) -> str:
    if name not in seconds:
        return ""
    return f"{seconds[name] / given.length / len(TRACES) * 1e9:.0f}"


def targets(ratios: dict[str, dict[str, float]]) -> list[tables.Target]:
    """Ours against an exact LRU, and against another W-TinyLFU."""
    found = []
    for title, of in ratios.items():
        for policy, exemplar in EXEMPLARS.items():
            if exemplar in of:
                lost = of[exemplar] / of[OURS[policy]]
                what = f"{title}: hits of {exemplar} / of coldcache {policy}"
                found.append(tables.Target.of(what, MOST_LOST[policy], Spread(lost, lost, lost)))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
