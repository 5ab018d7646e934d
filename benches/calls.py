"""What a call costs, against peers, as ratios in one interleaved run; checks the targets.

python benches/calls.py [--quick] [--json] [--rounds N] [CASE ...]
"""

from __future__ import annotations

import functools
import itertools
import sys
from typing import Any

import peers
import tables
from coldcache._core import ImportPlan
from interleaved import Case, Spread, Subject, run
from peers import SIZE, TTL

KEY = "database-url"
NUMBER = 123_456


def load(key: object = None, other: object = None) -> object:
    """The function behind every cache."""
    return key or other


async def load_async(key: object = None) -> object:
    return key


def hits(case: str, statement: str, **names: Any) -> Case:
    """The same call on every decorated function, with its result in the cache."""
    subjects = [
        Subject(name, statement, functools.partial(decorated, decorate, names))
        for name, decorate in peers.DECORATORS.items()
    ]
    return Case(case, subjects)


def decorated(decorate: peers.Decorate, names: dict[str, Any]) -> dict[str, Any]:
    return {"f": decorate(load, SIZE), **names}


def methods() -> Case:
    def instance(decorate: peers.Decorate) -> dict[str, Any]:
        class Service:
            def __init__(self) -> None:
                self.cache = None

            load = decorate(lambda self, key: self and key, SIZE)

        return {"service": Service(), "k": KEY}

    return Case(
        "method",
        [
            Subject(name, "service.load(k)", functools.partial(instance, decorate))
            for name, decorate in peers.DECORATORS.items()
        ],
    )


def rotating() -> Case:
    """Hits all over a full cache, so that order has to be kept."""
    keys = [f"key-{number}" for number in range(SIZE)]

    def filled(decorate: peers.Decorate) -> dict[str, Any]:
        function = decorate(load, SIZE)
        for key in keys:
            function(key)
        return {"f": function, "turn": itertools.cycle(keys).__next__}

    return Case(
        "hit, 128 keys in turn",
        [
            Subject(name, "f(turn())", functools.partial(filled, decorate))
            for name, decorate in peers.DECORATORS.items()
        ],
    )


def misses(case: str, size: int, filled: int) -> Case:
    def subject(decorate: peers.Decorate) -> dict[str, Any]:
        function = decorate(load, size)
        numbers = itertools.count()
        for number in itertools.islice(numbers, filled):
            function(number)
        return {"f": function, "new": numbers.__next__}

    return Case(
        case,
        [
            Subject(name, "f(new())", functools.partial(subject, decorate), fresh=True)
            for name, decorate in peers.DECORATORS.items()
            if not (filled and name == "functools.cache")  # never full
        ],
    )


def awaited() -> Case:
    def subject(decorate: peers.Decorate) -> dict[str, Any]:
        return {"f": decorate(load_async, SIZE), "k": KEY}

    return Case(
        "async hit",
        [
            Subject(name, "await f(k)", functools.partial(subject, decorate), kind="async")
            for name, decorate in peers.ASYNC_DECORATORS.items()
        ],
    )


def threaded() -> Case:
    subjects = [
        Subject(name, "f(k)", functools.partial(decorated, decorate, {"k": KEY}), kind="threads")
        for name, decorate in peers.DECORATORS.items()
    ]
    return Case("hit, str, 2 threads", subjects)


def initialised_once() -> Case:
    def ours() -> dict[str, Any]:
        return {"f": peers.coldcache.once(load)}

    def functools_cache() -> dict[str, Any]:
        return {"f": functools.cache(load)}

    return Case(
        "once, 0 args",
        [Subject("coldcache", "f()", ours), Subject("functools.cache", "f()", functools_cache)],
    )


def mappings(case: str, statements: dict[str, str]) -> Case:
    """The same operation on a mapping that holds the key."""

    def made(cache: Any) -> dict[str, Any]:
        (cache.set if hasattr(cache, "set") else cache.__setitem__)(KEY, KEY)
        return {"cache": cache, "k": KEY, "v": KEY}

    makers = {
        "coldcache": (peers.coldcache, lambda it: it.Cache(ttl=TTL, max_entries=SIZE)),
        "cachetools": (peers.cachetools, lambda it: it.TTLCache(SIZE, TTL)),
        "cachebox": (peers.cachebox, lambda it: it.TTLCache(SIZE, TTL)),
        "moka_py": (peers.moka_py, lambda it: it.Moka(SIZE, ttl=TTL)),
        "theine": (peers.theine, lambda it: it.Cache(SIZE)),
    }
    return Case(
        case,
        [
            Subject(
                name,
                statements.get(name, statements["coldcache"]),
                lambda module=module, make=make: made(make(module)),
            )
            for name, (module, make) in makers.items()
            if module is not None
        ],
    )


def lazy_names() -> Case:
    """A global that holds a module: declared lazy and used before, or imported plainly."""

    def declared(source: str) -> dict[str, Any]:
        scope: dict[str, Any] = {"__name__": "declaring"}
        exec(source, scope)
        return scope

    lazy = "import coldcache\njson = coldcache.lazy('json')\njson.loads"
    sources = {"coldcache": lazy, "import": "import json", "import, again": "import json"}
    return Case(
        "lazy name, used before",
        [
            Subject(name, "json", functools.partial(declared, source), in_globals=True, fresh=True)
            for name, source in sources.items()
        ],
    )


def deferred_names() -> list[Case]:
    """The same under a plan: used before, and beside another name that nobody has used so far."""

    def planned(imports: list[str], source: str) -> dict[str, Any]:
        for name in ("colorsys", "wave"):
            sys.modules.pop(name, None)  # what is loaded already is not deferred
        plan = ImportPlan({"declaring": imports})
        scope: dict[str, Any] = {"__name__": "declaring"}
        if not plan.enable():
            raise SystemExit("this interpreter stays eager")
        try:
            exec(source, scope)
        finally:
            plan.disable()
        return scope

    read = "import colorsys\ncolorsys, colorsys"
    beside = "import wave\nimport colorsys\ncolorsys, colorsys"
    cases = {
        "planned name, used before": {
            "coldcache": (["colorsys"], read),
            "import": ([], read),
            "import, again": ([], read),
        },
        "planned name, beside one that waits": {
            "coldcache": (["colorsys", "wave"], beside),
            "import": ([], beside),
        },
    }
    return [
        Case(
            case,
            [
                Subject(
                    name,
                    "colorsys",
                    functools.partial(planned, *given),
                    in_globals=True,
                    fresh=True,
                )
                for name, given in subjects.items()
            ],
        )
        for case, subjects in cases.items()
    ]


def all_cases() -> list[Case]:
    return [
        hits("hit, 0 args", "f()"),
        hits("hit, str", "f(k)", k=KEY),
        hits("hit, int", "f(k)", k=NUMBER),
        hits("hit, 2 args", "f(k, n)", k=KEY, n=NUMBER),
        hits("hit, keyword", "f(key=k)", k=KEY),
        rotating(),
        methods(),
        misses("miss", 10_000_000, 0),
        misses("eviction at capacity", SIZE, SIZE),
        awaited(),
        threaded(),
        initialised_once(),
        mappings(
            "Cache[key]",
            {"coldcache": "cache[k]", "moka_py": "cache.get(k)", "theine": "cache.get(k)"},
        ),
        mappings(
            "Cache[key] = value",
            {
                "coldcache": "cache[k] = v",
                "moka_py": "cache.set(k, v)",
                "theine": "cache.set(k, v)",
            },
        ),
        lazy_names(),
        *deferred_names(),
    ]


def limits() -> list[tuple[str, str, float]]:
    """Case, peer, most that coldcache may take of the peer's time."""
    found = [
        ("hit, 0 args", "lru_cache", 0.9),
        ("hit, str", "lru_cache", 0.8),
        ("hit, int", "lru_cache", 0.8),
        ("hit, 2 args", "lru_cache", 1.2),
        ("once, 0 args", "functools.cache", 0.9),
        ("Cache[key]", "cachebox", 1.0),
        # The same bytecode on the same kind of dict: what is above 1 is noise, or a fault.
        ("lazy name, used before", "import", 1.02),
        ("planned name, used before", "import", 1.02),
    ]
    for peer in peers.TTL_DECORATORS:
        found += [(f"hit, {what}", peer, 0.15) for what in ("0 args", "str", "int")]
        found.append(("hit, 2 args", peer, 0.25))
    return found


def table(cases: list[Case], rounds: int) -> tables.Table:
    rows = []
    for case in cases:
        for subject in case.subjects:
            nanoseconds = Spread.of(case.samples[subject.name])
            first = subject is case.subjects[0]
            compared = "" if first else tables.ratio(case.ratios(subject.name))
            rows.append(
                [case.name if first else "", subject.name, f"{nanoseconds.median:.1f}", compared]
            )
    note = (
        f"Processor time, medians of {rounds} interleaved rounds, quartiles in brackets; ratio: "
        f"coldcache's time divided by the peer's. Every cache has a bound of {SIZE} and, where it "
        f"knows one, a time to live of {TTL} s."
    )
    return tables.Table("Calls", ["case", "subject", "ns", "coldcache / it"], rows, note)


def main() -> int:
    """Print the table and the targets; fail if one is missed beyond its quartiles."""
    options = tables.parser(__doc__, rounds=40, quick=7)
    options.add_argument(
        "cases", nargs="*", metavar="CASE", help="only these, by a part of their name"
    )
    given = options.parse_args()
    cases = [
        case
        for case in all_cases()
        if not given.cases or any(part in case.name for part in given.cases)
    ]
    peers.check_hits()
    run(cases, given.rounds)
    by_name = {case.name: case for case in cases}
    targets = [
        tables.Target.of(f"{name}: coldcache / {peer}", limit, by_name[name].ratios(peer))
        for name, peer, limit in limits()
        if name in by_name and peer in by_name[name].samples
    ]
    outcome = tables.Outcome([table(cases, given.rounds)], targets, peers.missing())
    return outcome.emit(given.json)


if __name__ == "__main__":
    raise SystemExit(main())
