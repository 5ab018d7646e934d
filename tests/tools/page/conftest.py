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
