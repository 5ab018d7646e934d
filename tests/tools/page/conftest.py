"""Documents to make pages of: as the commands write them, large ones, and hostile ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

EDGE_TEXTS = ("importer", "edge", "state", "reason", "used", "used_by")
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&<!--\x00\u202e\udc80\u2028 é中"


def make_import(number: int, **facts: Any) -> dict[str, Any]:
    """One import as the profiler's document has it."""
    start = facts.pop("start_ns", 20_000_000 + number * 1_000_000)
    total = facts.pop("total_ns", 900_000)
    one = {
        "id": number,
        "parent": None,
        "depth": 0,
        "name": f"package{number % 7}.module{number}",
        "kind": "bytecode",
        "origin": f"/venv/lib/python3.11/site-packages/package{number % 7}/module{number}.py",
        "phase": "init",
        "is_reload": False,
        "thread": 1,
        "start_ns": start,
        "end_ns": start + total,
        "total_ns": total,
        "self_ns": total,
        "nested_ns": 0,
        "steps_ns": {},
        "asked_by": "app",
        "asked_file": "/srv/shop/app.py",
        "asked_line": number + 1,
        "read_bytes": 0,
        "resident_bytes": 4096,
        "minor_faults": 0,
        "major_faults": 0,
        "error": None,
        "error_message": None,
    }
    return {**one, **facts}


def make_imports(count: int) -> list[dict[str, Any]]:
    """The handler's module with all others inside it, in chains of ten."""
    each = 1_000_000_000 // count
    app = {"name": "app", "origin": "/srv/shop/app.py", "start_ns": 20_000_000}
    total = each * (count - 1)
    found = [make_import(0, total_ns=total + 5_000_000, nested_ns=total, **app)]
    for number in range(1, count):
        place = (number - 1) % 10
        parent = number - 1 if place else 0
        start = 20_000_000 + each * (number - 1)
        left = min(10 - place, count - number)
        facts = {"parent": parent, "start_ns": start, "total_ns": each * left}
        found.append(make_import(number, nested_ns=each * (left - 1), **facts))
    return found


def make_profile(*, count: int = 60, events: tuple[str, ...] = ("order.json",)) -> dict[str, Any]:
    """A document of ``coldcache profile``."""
    profiles = [
        {
            "event": event,
            "init_ms": 1100.0,
            "start_ms": 15.0,
            "call_ms": [38.5, 12.25],
            "tracer_ms": 4.0,
            "dropped": 0,
            "all_init_ms": [1100.0, 1080.5, 1190.0],
            "distributions": [
                {
                    "name": "package1",
                    "version": "2.1",
                    "modules": 9,
                    "self_ms": {"init": 143.0, "first call": 2.5},
                    "resident_bytes": 5_000_000,
                    "disk_bytes": 71_000_000,
                },
                {
                    "name": "(function)",
                    "version": "",
                    "modules": 1,
                    "self_ms": {"init": 5.0},
                    "resident_bytes": None,
                    "disk_bytes": None,
                },
            ],
            "imports": [
                *make_imports(count),
                make_import(
                    count,
                    name="colorsys",
                    phase="first call",
                    origin="/usr/lib/python3.11/colorsys.py",
                    start_ns=1_110_000_000,
                ),
                make_import(
                    count + 1, name="not_there", kind="failed", error="ModuleNotFoundError"
                ),
            ],
        }
        for event in events
    ]
    return {
        "schema": "coldcache-profile",
        "schema_version": 1,
        "source": "process",
        "started_at": "2026-11-23T15:00:00+00:00",
        "elapsed_s": 12.0,
        "machine": MACHINE,
        "options": {"target": "shop:app.handler", "events": list(events), "runs": 3, "calls": 2},
        "profiles": profiles,
    }


MACHINE = {
    "cpu": "Some Processor",
    "cores": 2,
    "platform": "Linux-6.1",
    "python": "CPython 3.11.7",
    "awslambdaric": "4.2.2",
    "coldcache": "0.1.0",
}


def make_edges(count: int) -> list[dict[str, Any]]:
    """Import statements of every state."""
    kinds: list[dict[str, Any]] = [
        {"state": "deferred", "reason": None, "used": "never", "used_by": None},
        {"state": "deferred", "reason": None, "used": "first call", "used_by": "/srv/app.py:9"},
        {"state": "eager", "reason": "registers a codec", "used": "init", "used_by": "a.py:3"},
        {"state": "eager", "reason": "not tried", "used": None, "used_by": None},
    ]
    return [
        {
            "importer": f"package{number % 7}",
            "edge": f"lib{number}" if number % 2 else f"lib{number}:one,two",
            "line": number + 1,
            "ms": float(number) if number % 3 else None,
            **kinds[number % len(kinds)],
        }
        for number in range(count)
    ]


def make_outcome(
    *, verdict: str = "better", edges: int = 12, profile: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A document of ``coldcache optimize``."""
    metrics = {
        "init_ms": (800.0, 300.0),
        "first_answer_ms": (40.0, 90.0),
        "init_plus_first_ms": (840.0, 390.0),
        "warm_answer_ms": (10.0, 10.0),
        "peak_memory_mb": (140.5, 83.25),
    }
    samples = {
        role: [
            {name: pair[place] * (1 + number / 50) for name, pair in metrics.items()}
            for number in range(5)
        ]
        for place, role in enumerate(("plain", "planned"))
    }

    def spread(value: float) -> dict[str, float]:
        return {"median": value, "low": value * 0.97, "high": value * 1.09}

    return {
        "schema": "coldcache.optimize/1",
        "made_by": "coldcache 0.1.0",
        "started_at": "2026-11-23T15:00:00+00:00",
        "elapsed_s": 58.0,
        "machine": MACHINE,
        "target": {"folder": "shop", "handler": "app.handler"},
        "python": "3.11.7",
        "verdict": verdict,
        "reason": "init + first answer is 0.46 of plain's",
        "search": {"runs": 212, "seconds": 41.0, "workers": 2, "complete": False},
        "edges": make_edges(edges),
        "removed_ms": 410.0,
        "moved_ms": 62.0,
        "events": [
            {
                "event": "order.json",
                "answers_equal": True,
                "metrics": {
                    name: {
                        "plain": spread(plain),
                        "planned": spread(planned),
                        "ratio": spread(planned / plain),
                    }
                    for name, (plain, planned) in metrics.items()
                },
                "samples": samples,
                "modules": {"plain": 1402, "planned": 388},
            }
        ],
        "overall": {"init_ratio": 0.375, "init_plus_first_ratio": 0.464},
        "distributions": [
            {
                "name": "package1",
                "version": "2.1",
                "ms": 143.0,
                "mb": 5.0,
                "disk_mb": 71.0,
                "modules": 9,
                "modules_planned": 4,
            }
        ],
        "profile": profile,
        "lock": "build/coldcache.lock" if verdict == "better" else None,
    }


LAB_METRICS = {
    "init_ms": 26.0,
    "first_call_ms": 0.5,
    "first_answer_ms": 26.5,
    "warm_answer_ms": 0.2,
    "peak_memory_bytes": 14_400_000.0,
}


def make_quantiles(values: list[float], *, is_bounded: bool = False) -> dict[str, Any]:
    """Quantiles that rise, with an upper end for the median only unless all are bounded."""
    ordered = sorted(values)
    names = ("p50", "p90", "p95", "p99", "p99.9")
    places = [len(ordered) // 2, *([len(ordered) - 1] * 4)]
    return {
        name: {
            "value": ordered[place],
            "low": ordered[0],
            "high": ordered[-1] if is_bounded or name == "p50" else None,
        }
        for name, place in zip(names, places, strict=True)
    }


def make_lab(
    *, events: tuple[str, ...] = ("order.json",), is_compared: bool = True, rounds: int = 12
) -> dict[str, Any]:
    """A document of ``coldcache lab``: the target takes 1.8 times as long."""
    roles = {"target": 1.8, "baseline": 1.0} if is_compared else {"target": 1.8}
    samples = [
        {
            "round": number,
            "position": place,
            "is_warmup": number == 0,
            "variant": role,
            "event": event,
            "init_ms": LAB_METRICS["init_ms"] * factor + number % 5,
            "first_answer_ms": LAB_METRICS["first_answer_ms"] * factor + number % 5 + 0.1,
            "warm_answer_ms": LAB_METRICS["warm_answer_ms"],
            "peak_memory_bytes": 14_400_000 + 4096 * number,
            "memory_source": "VmHWM",
            "first_answer": {"sha256": "0" * 64, "length": 2},
            "warm_answer": {"sha256": "0" * 64, "length": 2},
        }
        for number in range(rounds + 1)
        for event in events
        for place, (role, factor) in enumerate(roles.items())
    ]

    def summary(middle: float) -> dict[str, Any]:
        values = [middle * (1 + place / 50) for place in range(rounds)]
        return {
            "n": rounds,
            "minimum": values[0],
            "median": values[rounds // 2],
            "p95": values[-1],
            "p99": values[-1],
            "maximum": values[-1],
            "quantiles": make_quantiles(values),
        }

    results = [
        {
            "event": event,
            "metrics": {
                name: {
                    **{role: summary(middle * factor) for role, factor in roles.items()},
                    "ratio": {"value": 1.8, "low": 1.7, "high": 1.9} if is_compared else None,
                    "effect": {
                        "difference": 0.8 * middle,
                        "low": 0.7 * middle,
                        "high": 0.9 * middle,
                        "level": 0.95,
                        "basis": "fastest quarter",
                        "p_value": 0.0001,
                        "threshold": 0.001,
                        "relevant": 0.02 * middle,
                        "verdict": "worse" if name != "warm_answer_ms" else "no difference",
                    }
                    if is_compared
                    else None,
                }
                for name, middle in LAB_METRICS.items()
            },
            "verdict": "worse" if is_compared else None,
            "modules": {role: {"at_init": 91, "at_first_answer": 93} for role in roles},
            "answers": {"verdict": "equal", "which": None, "first_difference_at": None},
        }
        for event in events
    ]
    return {
        "schema": "coldcache-lab",
        "schema_version": 1,
        "started_at": "2026-11-27T11:00:00+00:00",
        "elapsed_s": 3.0,
        "machine": MACHINE,
        "options": {
            "target": "slow:app.handler",
            "baseline": "plain:app.handler" if is_compared else None,
            "labels": {role: f"the {role}" for role in roles},
            "events": list(events),
            "runs": rounds,
            "warmups": 1,
            "env_names": [],
            "init_timeout_s": 30.0,
            "timeout_s": 30.0,
            "seed": 0,
            "relevant_percent": 2.0,
        },
        "results": results,
        "answers_agree": True,
        "verdict": "worse" if is_compared else None,
        "false_alarm_rate": 0.01,
        "samples": samples,
    }


def make_load(
    *, variants: tuple[str, ...] = ("nothing", "ping:5m"), calls: int = 60
) -> dict[str, Any]:
    """A document of a load experiment: each tenth call is cold and has an environment anew."""

    def share(count: int, of: int) -> dict[str, Any]:
        return {"count": count, "of": of, "value": count / of, "low": 0.0, "high": 0.5}

    rows = [
        {
            "number": number,
            "arrived_s": float(number),
            "handed_s": number + 0.2,
            "first_byte_s": number + 0.25,
            "answered_s": number + 0.3,
            "environment": number // 10,
            "kind": "cold" if number % 10 == 0 else "warm",
            "start_class": "on-demand" if number % 10 == 0 else "warm",
            "init_ms": 200.0 if number % 10 == 0 else None,
            "queued_ms": 0.1,
            "handler_ms": 100.0,
            "latency_ms": (300.0 if number % 10 == 0 else 100.0) + number,
            "outcome": "error" if number % 30 == 15 else "ok",
            "error": "ValueError" if number % 30 == 15 else None,
            "source": "process",
            "variant": variant,
            "function": "app",
        }
        for variant in variants
        for number in range(calls)
    ]
    spans = [
        {
            "number": number,
            "variant": variant,
            "began_s": number * 10.0,
            "ready_s": number * 10 + 0.2 if number else None,
            "ended_s": number * 10 + 15.0,
            "calls": 10,
            "end_reason": "idle",
        }
        for variant in variants
        for number in range(calls // 10)
    ]
    found = [
        {
            "variant": variant,
            "kinds": {"cold": calls // 10, "warm": calls - calls // 10, "throttled": 0},
            "sources": {"process": calls, "simulated": 0},
            "pings": 12 * place,
            "most_environments": 2,
            "figures": {
                "times_ms": {
                    name: {"n": calls, "quantiles": make_quantiles([100.0, 110.0, 400.0])}
                    for name in ("latency", "cold latency", "warm latency", "first byte", "init")
                },
                "cold_share": share(calls // (10 * (place + 1)), calls),
                "startup_errors": share(0, calls),
                "errors": share(2, calls),
                "throttled": share(0, calls),
                "environments_used": calls // 10,
            },
            "cost": {
                "gb_seconds": 6.0,
                "provisioned_duration_gb_seconds": 0.0,
                "ping_gb_seconds": 0.5,
                "provisioned_gb_seconds": 0.0,
                "money": 0.0001,
                "money_a_month": 4.32,
            },
        }
        for place, variant in enumerate(variants)
    ]
    return {
        "schema": "coldcache-load",
        "schema_version": 1,
        "started_at": "2026-11-27T11:00:00+00:00",
        "elapsed_s": 75.0,
        "is_partial": False,
        "machine": MACHINE,
        "seed": 7,
        "memory_mb": 1024,
        "options": {"load": "constant:1", "compression": 1.0},
        "prices": {
            "name": "x86",
            "region": "us-east-1",
            "as_of": "2026-11",
            "currency": "USD",
        },
        "variants": found,
        "rows": rows,
        "pings": [],
        "environments": spans,
    }


@pytest.fixture
def lab_document() -> Callable[..., dict[str, Any]]:
    """Makes documents of ``coldcache lab``."""
    return make_lab


@pytest.fixture
def load_document() -> Callable[..., dict[str, Any]]:
    """Makes documents of load experiments."""
    return make_load


@pytest.fixture
def hostile_lab() -> dict[str, Any]:
    """A run of the lab in which every text is an attack."""
    document = make_lab(events=(HOSTILE, "second.json"))
    for name in ("target", "baseline"):
        document["options"][name] = HOSTILE
        document["options"]["labels"][name] = f"{HOSTILE}{name}"
    for result in document["results"]:
        result["answers"]["verdict"] = HOSTILE
        for metric in result["metrics"].values():
            metric["effect"]["verdict"] = HOSTILE
    document["machine"] = dict.fromkeys(("cpu", "platform", "python"), HOSTILE)
    return document | {"started_at": HOSTILE}


@pytest.fixture
def hostile_load() -> dict[str, Any]:
    """A load experiment in which every text is an attack."""
    document = make_load(variants=(HOSTILE, "ping:5m"))
    for span in document["environments"]:
        span["end_reason"] = HOSTILE
    document["options"] = {HOSTILE: HOSTILE, "list": [HOSTILE]}
    document["prices"] = dict.fromkeys(("name", "region", "as_of", "currency"), HOSTILE)
    document["machine"] = dict.fromkeys(("cpu", "platform", "python"), HOSTILE)
    return document | {"started_at": HOSTILE}


@pytest.fixture
def profile_document() -> Callable[..., dict[str, Any]]:
    """Makes documents of ``coldcache profile``."""
    return make_profile


@pytest.fixture
def outcome_document() -> Callable[..., dict[str, Any]]:
    """Makes documents of ``coldcache optimize``."""
    return make_outcome


@pytest.fixture
def hostile_document() -> dict[str, Any]:
    """An optimisation in which every text is an attack, and every import's name is one."""
    profile = make_profile(count=12, events=(HOSTILE, "second.json"))
    for one in profile["profiles"][0]["imports"]:
        one.update(
            {"name": f"{HOSTILE}{one['id']}", "kind": HOSTILE, "asked_file": f"/a/{HOSTILE}.py"}
        )
    for share in profile["profiles"][0]["distributions"]:
        share.update(name=HOSTILE, version=HOSTILE)
    document = make_outcome(profile=profile)
    for edge in document["edges"]:
        edge.update(dict.fromkeys(EDGE_TEXTS, HOSTILE))
    for share in document["distributions"]:
        share.update(name=HOSTILE, version=HOSTILE)
    document["events"][0]["event"] = HOSTILE
    document["events"][0]["metrics"][HOSTILE] = document["events"][0]["metrics"]["init_ms"]
    document["target"] = {"folder": HOSTILE, "handler": HOSTILE}
    document["machine"] = dict.fromkeys(("cpu", "platform", "python"), HOSTILE)
    texts = ("reason", "made_by", "started_at", "lock")
    return document | dict.fromkeys(texts, HOSTILE)


@pytest.fixture
def hostile_text() -> str:
    """The attack in it."""
    return HOSTILE
