"""Warm-up pings: known by their exact shape, answered without the user's code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import coldcache
import pytest
from coldcache import _ping
from coldcache._ping import HOLD, KINDS, MOST_HOLD, answer, kinds, recognise
from hypothesis import given
from hypothesis import strategies as st

RULE = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-27T10:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/keep-warm"],
    "detail": {},
}
PINGS = {
    "ours": {"coldcache": {"ping": {}}},
    "ours, held": {"coldcache": {"ping": {"hold_seconds": 0.5}}},
    "plugin": {"source": "serverless-plugin-warmup"},
    "warmer": {"warmer": True, "concurrency": 3},
    "warmer to itself": {
        "warmer": True,
        "__WARMER_INVOCATION__": 2,
        "__WARMER_CONCURRENCY__": 3,
        "__WARMER_CORRELATIONID__": "1764237600-0042",
    },
    "warmer in Python to itself": {
        "warmer": True,
        "__WARMER_INVOCATION__": 2,
        "__WARMER_CONCURRENCY__": 3,
        "__WARMER_CORRELATION_ID__": "8d4c",
    },
    "rule": RULE,
    "schedule": {**RULE, "source": "aws.scheduler", "detail": "{}"},
}
ALMOST = [
    {"coldcache": {"ping": {}}, "more": 1},
    {"coldcache": {"ping": {}, "more": 1}},
    {"coldcache": {"ping": {"more": 1}}},
    {"coldcache": {"ping": True}},
    {"coldcache": {"ping": None}},
    {"coldcache": {"ping": []}},
    {"coldcache": {"ping": {"hold_seconds": "1"}}},
    {"coldcache": {"ping": {"hold_seconds": True}}},
    {"coldcache": {"ping": {"hold_seconds": -1}}},
    {"coldcache": {"ping": {"hold_seconds": float("nan")}}},
    {"coldcache": {"ping": {"hold_seconds": float("inf")}}},
    {"coldcache": "ping"},
    {"Coldcache": {"ping": {}}},
    [{"coldcache": {"ping": {}}}],
    '{"coldcache": {"ping": {}}}',
    {"body": '{"coldcache": {"ping": {}}}'},
    {"source": "serverless-plugin-warmup", "more": 1},
    {"source": "Serverless-Plugin-Warmup"},
    {"warmer": 1},
    {"warmer": "true"},
    {"warmer": False},
    {"warmer": True, "concurrency": "3"},
    {"warmer": True, "concurrency": 0},
    {"warmer": True, "concurrency": True},
    {"warmer": True, "target": "another-function"},
    {"warmer": True, "order": 17},
    {**RULE, "detail": {"report": "daily"}},
    {**RULE, "detail": "{}"},
    {**RULE, "source": "shop"},
    {**RULE, "detail-type": "Order"},
    {**RULE, "version": 0},
    {**RULE, "resources": []},
    {**RULE, "resources": [1]},
    {**RULE, "more": 1},
    {key: value for key, value in RULE.items() if key != "id"},
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


class Facts:
    init_id = "b0c1"
    start_class = "warm"
    is_first = False


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long pings were held, without the wait."""
    times: list[float] = []
    monkeypatch.setattr(_ping.time, "sleep", times.append)
    return times


def ask(event: object, **options: Any) -> dict[str, Any]:
    ping = recognise(event, KINDS)
    assert ping is not None
    pong: dict[str, Any] = answer(ping, Facts(), **options)["coldcache"]["pong"]
    return pong


@pytest.mark.parametrize("event", PINGS.values(), ids=list(PINGS))
def test_every_kind_of_ping_is_recognised(event: object) -> None:
    assert recognise(json.loads(json.dumps(event)), KINDS) is not None


@pytest.mark.parametrize("event", ALMOST, ids=repr)
def test_what_is_almost_a_ping_is_none(event: object) -> None:
    assert recognise(event, KINDS) is None


def test_only_our_own_are_recognised_by_default() -> None:
    recognised = [name for name, event in PINGS.items() if recognise(event)]
    assert recognised == ["ours", "ours, held"]


@given(JSON)
def test_no_other_event_is_a_ping_and_none_is_an_error(event: object) -> None:
    assert recognise(event, KINDS) is None


@given(st.sampled_from(list(PINGS.values())), st.text(), JSON)
def test_a_ping_with_anything_more_is_none(event: dict[str, Any], key: str, value: object) -> None:
    if key not in ("concurrency", "test", *event):
        assert recognise({**event, key: value}, KINDS) is None


def test_an_event_of_another_class_is_not_looked_at() -> None:
    class Event(dict[str, Any]):
        def __len__(self) -> int:
            raise AssertionError

    assert recognise(Event(coldcache={"ping": {}}), KINDS) is None


def test_the_answer_says_which_environment_it_was(slept: list[float]) -> None:
    pong = ask(PINGS["ours"])
    assert (pong["version"], pong["init_id"], pong["start_class"]) == (1, "b0c1", "warm")
    assert json.loads(json.dumps(pong)) == pong


def test_a_ping_is_held_for_as_long_as_it_asks_within_bounds(slept: list[float]) -> None:
    ask(PINGS["ours"])
    ask(PINGS["ours, held"])
    ask({"coldcache": {"ping": {"hold_seconds": 1e9}}})
    ask({"coldcache": {"ping": {"hold_seconds": 0}}})
    ask(PINGS["warmer"])
    assert slept == pytest.approx([HOLD, 0.5, MOST_HOLD, HOLD], abs=0.05)


def test_a_ping_is_not_held_beyond_the_end_of_the_call(slept: list[float]) -> None:
    ask({"coldcache": {"ping": {"hold_seconds": 5}}}, remaining=1.0)
    ask({"coldcache": {"ping": {"hold_seconds": 5}}}, remaining=0.1)
    assert slept == pytest.approx([0.75], abs=0.05)


def test_a_ping_runs_what_declared_itself_and_only_once(slept: list[float]) -> None:
    runs: list[int] = []

    @coldcache.once
    def settings() -> int:
        runs.append(1)
        return 1

    assert ask(PINGS["ours"])["warm_up"]["ok"]
    assert ask(PINGS["ours"])["warm_up"]["ok"]
    assert settings() == 1
    assert len(runs) == 1


def test_a_ping_survives_what_fails_and_reveals_nothing_of_it(slept: list[float]) -> None:
    @coldcache.step(name="secret-step", required=True)
    def fail() -> None:
        raise LookupError("secret")

    pong = ask(PINGS["ours"])
    assert pong["warm_up"]["ok"] is False
    assert pong["warm_up"]["failed"] >= 1
    assert "secret" not in json.dumps(pong)


def test_a_ping_notices_a_thaw(slept: list[float]) -> None:
    thaws: list[int] = []
    coldcache.on_thaw(lambda: thaws.append(1))
    with coldcache.testing.clock() as clock:
        coldcache.check_thaw()
        clock.freeze(600)
        assert ask(PINGS["ours"])["thawed"]
    assert thaws


def test_in_an_event_loop_nothing_is_held_and_nothing_blocks(slept: list[float]) -> None:
    async def handle() -> dict[str, Any]:
        return ask(PINGS["ours, held"])

    pong = asyncio.run(handle())
    assert pong["warm_up"] is None
    assert slept == []


def test_without_anything_declared_a_ping_loads_no_warm_up() -> None:
    program = (
        "import sys, coldcache._ping as ping\n"
        "class Facts: init_id, start_class, is_first = 'i', 'warm', False\n"
        "print(ping.answer(ping.Ping('coldcache', 0.0), Facts())['coldcache']['pong']['warm_up'])\n"
        "print(*[name for name in sys.modules if name.startswith('coldcache._')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "None\ncoldcache._core coldcache._ping\n", done.stderr


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, ("coldcache",)),
        (False, ()),
        (None, ()),
        ("lambda-warmer", ("lambda-warmer",)),
        (("coldcache", "schedule"), ("coldcache", "schedule")),
    ],
)
def test_kinds_are_chosen_by_name(given: object, expected: tuple[str, ...]) -> None:
    assert kinds(given) == expected


@pytest.mark.parametrize(("given", "error"), [(5, TypeError), ("ping", ValueError)])
def test_a_kind_that_is_none_is_refused(given: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="coldcache, serverless-plugin-warmup, lambda-warmer, schedule"):
        kinds(given)
