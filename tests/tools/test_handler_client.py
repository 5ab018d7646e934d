"""The handler under the real runtime client: start classes, first calls, after the answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("awslambdaric", reason="NOT TESTED: awslambdaric is missing")

from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.interpreter import inspect_interpreter
from coldcache.tools.lab.life.environment import Environment
from coldcache.tools.lab.life.options import Life
from coldcache.tools.lab.target import Target

FUNCTION = """
import os
import coldcache

@coldcache.once
def settings():
    if os.environ.get("BROKEN"):
        raise LookupError("hunter2")

try:
    settings()
except LookupError:
    pass

@coldcache.handler
def handler(event, context):
    if event.get("crash"):
        os._exit(7)
    if event.get("fail"):
        raise OSError("hunter2")
    return coldcache.invocation().start_class
"""

ASYNCHRONOUS = """
import asyncio
import coldcache

@coldcache.handler
async def handler(event, context):
    await asyncio.sleep(0)
    return coldcache.invocation().start_class
"""


class Started:
    """A function folder, and environments of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = folder / "calls"
        self.startup = folder / "startup.json"

    def environment(self, life: Life, **settings: str) -> Environment:
        target = Target.parse(f"{self.folder}:app.handler")
        base = base_environment(self.folder, self.folder)
        interpreter = inspect_interpreter(Path(sys.executable), target, base)
        own = {
            "COLDCACHE_METRICS": f"jsonl:{self.metrics}",
            "COLDCACHE_STARTUP_FILE": str(self.startup),
            **settings,
        }
        return Environment(
            target,
            interpreter,
            sample_environment(base, target, interpreter, own),
            life,
            scratch=self.folder / "scratch",
            call_timeout_s=20.0,
        )

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.metrics.read_text().splitlines()]


@pytest.fixture
def function(tmp_path: Path) -> Callable[..., Started]:
    def make(source: str = FUNCTION) -> Started:
        (tmp_path / "app.py").write_text(source)
        return Started(tmp_path)

    return make


def answer(record: Any) -> str | None:
    """The start class that the function answered with."""
    classes = ("on-demand", "proactive", "provisioned", "restored", "re-init", "warm")
    known = {sha256(json.dumps(one).encode()).hexdigest(): one for one in classes}
    return known.get(record.answer_sha256)


EVENT = b"{}"


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (Life(), "on-demand"),
        (Life(proactive_gap_s=0.15), "proactive"),
        (Life(freeze=True, frozen_clock_shift_s=600.0, proactive_gap_s=0.02), "proactive"),
        (Life(initialization="provisioned-concurrency"), "provisioned"),
        (Life(initialization="snap-start"), "restored"),
    ],
    ids=["cold", "proactive", "frozen", "provisioned", "restored"],
)
def test_the_class_of_a_start(life: Life, expected: str, function: Callable[..., Started]) -> None:
    with function().environment(life) as environment:
        environment.start(event=EVENT if expected == "on-demand" else None)
        calls = [environment.call(EVENT) for _ in range(2)]

    assert [answer(call) for call in calls] == [expected, "warm"]


def test_an_init_again_after_a_crash(function: Callable[..., Started]) -> None:
    started = function()
    with started.environment(Life()) as environment:
        calls = [environment.call(event) for event in (EVENT, b'{"crash": 1}', EVENT, EVENT)]

    assert [answer(call) for call in calls] == ["on-demand", None, "re-init", "warm"]


def test_the_first_call_is_told_of_though_it_failed(function: Callable[..., Started]) -> None:
    started = function()
    with started.environment(Life(), BROKEN="1") as environment:
        environment.start(event=b'{"fail": 1}')
        environment.call(b'{"fail": 1}')
        environment.call(EVENT)
        environment.call(EVENT)
    first, second, *_ = started.told()

    assert (first["start_class"], first["error"], first["is_first"]) == (
        "on-demand",
        "OSError",
        True,
    )
    assert first["startup_errors"] == {"LookupError": 1}
    assert first["next_wait_seconds"] < 0.1
    assert first["init_seconds"] < first["first_answer_seconds"]
    assert first["request_id"] != second["request_id"]
    assert (second["start_class"], second["error"]) == ("warm", None)
    assert "hunter2" not in started.metrics.read_text()


def test_the_timeline_is_written_after_the_first_answer(function: Callable[..., Started]) -> None:
    started = function()
    with started.environment(Life()) as environment:
        environment.start(event=EVENT)
        environment.call(EVENT)
        environment.call(EVENT)
    document = json.loads(started.startup.read_text())

    assert (started.startup.stat().st_mode & 0o777) == 0o600
    assert [phase["name"] for phase in document["phases"]] == [
        "before coldcache",
        "init",
        "wait for the first event",
        "first call",
        "first answer",
    ]
    assert list(document["moments"]) == [
        "coldcache",
        "init_end",
        "first_event",
        "first_call",
        "first_return",
        "first_byte",
        "first_answer",
    ]
    assert ("once", "settings") in [(step["kind"], step["name"]) for step in document["steps"]]


def test_imports_are_in_the_timeline_where_they_are_traced(
    function: Callable[..., Started],
) -> None:
    started = function(
        "import coldcache\nwith coldcache.step('load'):\n    import asyncio\n" + FUNCTION
    )
    with started.environment(Life(), COLDCACHE_TRACE_IMPORTS="1") as environment:
        environment.start(event=EVENT)
        environment.call(EVENT)
        environment.call(EVENT)
    steps = json.loads(started.startup.read_text())["steps"]
    by_name = {step["name"]: step for step in steps}

    assert by_name["asyncio"]["kind"] == "import"
    assert steps[by_name["asyncio"]["parent"]]["name"] == "load"


def test_an_asynchronous_handler_is_run_to_its_end(function: Callable[..., Started]) -> None:
    with function(ASYNCHRONOUS).environment(Life()) as environment:
        environment.start(event=EVENT)
        calls = [environment.call(EVENT) for _ in range(2)]

    assert [answer(call) for call in calls] == ["on-demand", "warm"]
