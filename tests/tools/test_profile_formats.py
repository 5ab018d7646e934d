"""The files for viewers, checked against the rules of their formats."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from coldcache.tools.profile import Import, to_chrome_trace, to_collapsed, to_speedscope

MAIN, OTHER = 100, 200


def one(number: int, name: str, start: int, end: int, **more: Any) -> Import:
    return Import(id=number, name=name, start_ns=start, end_ns=end, thread=MAIN, **more)


@pytest.fixture
def imports() -> tuple[Import, ...]:
    """`a` with `b` and `c` inside, `c` with `d` inside; and `e` on another thread, meanwhile."""
    return (
        one(0, "a", 1_000, 101_000, nested_ns=70_000, origin="/x/a.py", kind="bytecode"),
        one(1, "b", 11_000, 31_000, parent=0, depth=1, asked_file="/x/a.py", asked_line=3),
        one(2, "c", 31_000, 81_000, parent=0, depth=1, nested_ns=50_000),
        one(3, "d", 31_000, 81_000, parent=2, depth=2),
        Import(id=4, name="e", start_ns=5_000, end_ns=200_000, thread=OTHER, phase="first call"),
    )


def test_speedscope_has_what_its_schema_requires(imports: tuple[Import, ...]) -> None:
    file = json.loads(json.dumps(to_speedscope([("event.json", imports)])))

    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert all(set(frame) <= {"name", "file", "line", "col"} for frame in file["shared"]["frames"])
    assert file["profiles"]
    for profile in file["profiles"]:
        required = {"type", "name", "unit", "startValue", "endValue", "events"}
        assert set(profile) == required
        assert (profile["type"], profile["unit"]) == ("evented", "microseconds")
        for event in profile["events"]:
            assert set(event) == {"type", "frame", "at"}
            assert 0 <= event["frame"] < len(file["shared"]["frames"])


def test_speedscope_events_are_ordered_and_balanced(imports: tuple[Import, ...]) -> None:
    for profile in to_speedscope([("event.json", imports)])["profiles"]:
        times = [event["at"] for event in profile["events"]]
        assert times == sorted(times)
        assert (profile["startValue"], profile["endValue"]) == (times[0], times[-1])
        stack = []
        for event in profile["events"]:
            if event["type"] == "O":
                stack.append(event["frame"])
            else:
                assert stack.pop() == event["frame"]
        assert stack == []


def test_speedscope_has_a_profile_for_each_thread(imports: tuple[Import, ...]) -> None:
    names = [profile["name"] for profile in to_speedscope([("e", imports)])["profiles"]]

    assert names == ["e, thread 100", "e, thread 200"]


def test_speedscope_of_imports_that_overlap_by_mistake_is_still_ordered() -> None:
    broken = (one(0, "a", 0, 10_000), one(1, "b", 5_000, 20_000))

    [profile] = to_speedscope([("e", broken)])["profiles"]

    assert [event["at"] for event in profile["events"]] == [0, 10, 10, 20]


def test_chrome_events_are_complete_events(imports: tuple[Import, ...]) -> None:
    file = json.loads(json.dumps(to_chrome_trace([("event.json", imports)])))

    naming, *events = file["traceEvents"]
    assert (naming["ph"], naming["name"]) == ("M", "process_name")
    assert naming["args"] == {"name": "event.json"}
    assert file["displayTimeUnit"] == "ms"
    assert len(events) == len(imports)
    for event in events:
        assert event["ph"] == "X"
        assert {"name", "cat", "ts", "dur", "pid", "tid"} <= set(event)
    assert (events[1]["ts"], events[1]["dur"]) == (11, 20)
    assert events[1]["args"]["asked_at"] == "/x/a.py:3"
    assert {event["tid"] for event in events} == {MAIN, OTHER}


def test_chrome_tracks_are_processes_of_their_own(imports: tuple[Import, ...]) -> None:
    file = to_chrome_trace([("one", imports), ("two", imports)])

    assert {event["pid"] for event in file["traceEvents"]} == {1, 2}


def test_collapsed_lines_are_stacks_with_microseconds_of_own_time(
    imports: tuple[Import, ...],
) -> None:
    assert to_collapsed([("event.json", imports)]).splitlines() == [
        "event.json;init;a 30",
        "event.json;init;a;b 20",
        "event.json;init;a;c 0",
        "event.json;init;a;c;d 50",
        "event.json;first call;e 195",
    ]


def test_collapsed_names_cannot_break_a_line() -> None:
    odd = (one(0, "a;b\nc 9", 0, 1_000),)

    text = to_collapsed([("x;y", odd)])

    assert re.fullmatch(r"x:y;init;a:b c 9 1\n", text)
