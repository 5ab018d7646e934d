"""The startup recorder: what is in the timeline, and what it is bounded by."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable
from typing import Any

import coldcache
import pytest
from coldcache import _core, _lifecycle, _step
from coldcache._startup import MOST_STEPS, Startup


def rows() -> list[tuple[str, str, str | None]]:
    """Kind and name of each step, and the name of the one around it."""
    steps = coldcache.startup().steps
    names = [step["name"] for step in steps]
    return [
        (step["kind"], step["name"], None if step["parent"] is None else names[step["parent"]])
        for step in steps
    ]


def test_the_first_run_of_a_once_is_a_step_and_later_calls_are_none() -> None:
    @coldcache.once(name="settings")
    def settings() -> int:
        return 1

    settings()
    settings()

    assert rows() == [("once", "settings", None)]


def test_what_is_made_inside_another_is_inside_it() -> None:
    @coldcache.once(name="secret")
    def secret() -> str:
        return "s"

    @coldcache.resource(name="database")
    def database() -> object:
        secret()
        return object()

    with coldcache.step("load"):
        database.get()

    assert rows() == [
        ("step", "load", None),
        ("resource", "database", "load"),
        ("once", "secret", "database"),
    ]


def test_an_asynchronous_once_is_inside_the_step_that_awaits_it() -> None:
    @coldcache.once(name="settings")
    async def settings() -> int:
        await asyncio.sleep(0)
        return 1

    async def main() -> None:
        with coldcache.step("load"):
            await settings()

    asyncio.run(main())

    assert rows() == [("step", "load", None), ("once", "settings", "load")]


def test_steps_of_two_tasks_are_not_inside_one_another() -> None:
    async def work(name: str) -> None:
        with coldcache.step(name):
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(main())

    assert rows() == [("step", "a", None), ("step", "b", None)]


def test_a_warm_up_holds_what_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_step, "_declared", {})

    @coldcache.step("index")
    def index() -> None: ...

    coldcache.warm_up()

    assert ("step", "index", "warm_up") in rows()


def test_a_pools_object_is_a_step() -> None:
    @coldcache.pool(size=1, name="connections")
    def connections() -> object:
        return object()

    with connections():
        pass

    assert rows() == [("pool", "connections", None)]


def test_hooks_are_steps_with_a_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_lifecycle._hooks, "before_snapshot", [])

    @coldcache.before_snapshot(name="flush")
    def flush() -> None: ...

    coldcache.testing.snapshot()
    [step] = coldcache.startup().steps

    assert (step["kind"], step["name"]) == ("hook", "flush")
    assert step["tags"] == {"when": "before_snapshot"}


def test_errors_are_counted_by_type_and_their_messages_are_nowhere() -> None:
    @coldcache.once
    def broken() -> None:
        raise LookupError("hunter2")

    for _ in range(2):
        with pytest.raises(LookupError):
            broken()
    with pytest.raises(OSError, match="hunter2"), coldcache.step("load"):
        raise OSError("hunter2")
    found = coldcache.startup()

    assert found.errors == {"LookupError": 2, "OSError": 1}
    assert [step["error"] for step in found.steps] == ["LookupError", "LookupError", "OSError"]
    assert "hunter2" not in found.to_json() + str(found)


def test_steps_beyond_the_bound_are_counted() -> None:
    for _ in range(MOST_STEPS + 5):
        with coldcache.step("often"):
            pass
    document = coldcache.startup().to_dict()

    assert len(document["steps"]) == MOST_STEPS
    assert document["dropped"] == 5


def test_nothing_is_added_after_the_first_answer() -> None:
    @coldcache.handler
    def handler(event: object, context: object) -> None: ...

    handler({}, None)
    with coldcache.step("late"):
        pass

    assert rows() == []


def test_moments_come_in_their_order() -> None:
    @coldcache.handler
    def handler(event: object, context: object) -> None: ...

    handler({}, None)
    moments = coldcache.startup().to_dict()["moments"]

    assert list(moments) == ["first_call", "first_return", "first_byte", "first_answer"]
    assert list(moments.values()) == sorted(moments.values())


def test_the_document_says_what_it_is_and_json_gives_it_back() -> None:
    with coldcache.step("load"):
        pass
    found = coldcache.startup()
    again = Startup.from_dict(json.loads(found.to_json()))

    assert (again.document["schema"], again.document["version"]) == ("coldcache-startup", 1)
    assert again.to_dict() == found.to_dict()


def test_a_step_under_way_has_no_end() -> None:
    with coldcache.step("load"):
        [step] = coldcache.startup().steps
        picture = str(coldcache.startup())

    assert step["ms"] is None
    assert "step load" in picture
    assert "not ended" in picture


def test_threads_record_side_by_side() -> None:
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for _ in range(10):
            with coldcache.step("in a thread"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [row for row in rows() if row[2] is not None] == []
    assert len(rows()) == 80


def test_a_name_cannot_move_the_cursor() -> None:
    with coldcache.step("\x1b[2Jred\n"):
        pass

    assert "\x1b" not in str(coldcache.startup())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": "other"}, "no document of the schema 'coldcache-startup'"),
        ({"version": 2}, "version 2 is not known here, only 1"),
        ({"steps": "none"}, "no usable 'steps'"),
        ({"steps": [{}]}, "step 0 has no usable 'id'"),
        ({"moments": {"x": float("nan")}}, "moment 'x' must be a finite number"),
        ({"moments": {"x": True}}, "moment 'x' must be a finite number"),
        ({"started_at": float("inf")}, "no finite 'started_at'"),
        ({"phases": [3]}, "a phase must be an object"),
    ],
)
def test_a_document_of_another_shape_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Startup.from_dict({**coldcache.startup().to_dict(), **change})


def test_a_step_inside_one_that_is_not_there_is_refused() -> None:
    with coldcache.step("load"):
        pass
    document = json.loads(coldcache.startup().to_json())
    document["steps"][0]["parent"] = 7

    with pytest.raises(ValueError, match="step 0 is inside step 7, which there is not"):
        Startup.from_dict(document)


def test_a_ring_of_steps_is_drawn_to_an_end() -> None:
    for name in ("a", "b"):
        with coldcache.step(name):
            pass
    document = json.loads(coldcache.startup().to_json())
    document["steps"][0]["parent"], document["steps"][1]["parent"] = 1, 0

    assert "startup of" in str(Startup.from_dict(document))


@pytest.mark.parametrize("call", [_core._begin_step, lambda kind, _: _core._mark(kind)])
def test_a_word_that_is_not_known_is_an_error(call: Any) -> None:
    with pytest.raises(ValueError, match='"dance"'):
        call("dance", "x")


def test_a_forked_child_keeps_the_steps_and_has_moments_of_its_own(
    run_python: Callable[..., str],
) -> None:
    shown = run_python(
        """
        import os
        import coldcache

        with coldcache.step("preload"):
            pass

        @coldcache.handler
        def handler(event, context):
            return coldcache.invocation().is_first

        handler({}, None)
        if os.fork() == 0:
            document = coldcache.startup().to_dict()
            print([step["name"] for step in document["steps"]], list(document["moments"]))
            print(handler({}, None), handler({}, None), flush=True)
            os._exit(0)
        os.wait()
        """
    )

    assert shown.splitlines() == [
        "['coldcache', 'preload'] ['coldcache', 'forked']",
        "True False",
    ]


def test_a_step_begun_by_a_native_call_in_another_context_ends_anywhere() -> None:
    step = _core._begin_step("step", "moved")
    assert step is not None
    contextvars.Context().run(step.end, "OSError")

    assert coldcache.startup().errors == {"OSError": 1}
