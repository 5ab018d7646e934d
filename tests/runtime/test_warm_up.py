"""`warm_up`: what runs, in which order, side by side, within a budget, and what the report says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import coldcache
import pytest
from coldcache import _step, once

PATIENCE_S = 20


@pytest.fixture(autouse=True)
def nothing_declared(others_take_no_part: None) -> Iterator[None]:
    """Only what the test declares takes part."""
    steps = dict(_step._declared)
    _step._declared.clear()
    yield
    _step._declared.clear()
    _step._declared.update(steps)


@pytest.fixture
def on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")


def states(report: Any) -> dict[str, str]:
    return {step.name: step.state for step in report.steps}


def noted(calls: list[str], name: str, **options: Any) -> Any:
    def run() -> str:
        calls.append(name)
        return name

    return once(name=name, **options)(run)


def test_with_nothing_declared_there_is_nothing_to_do() -> None:
    report = coldcache.warm_up()

    assert (report.steps, report.ok, report.critical_path) == ((), True, ())


def test_it_runs_what_is_declared() -> None:
    settings = once(lambda: "value")
    coldcache.warm_up()

    assert settings.peek() == "value"


def test_it_leaves_alone_what_is_not_to_be_warmed() -> None:
    settings = once(warm=False)(lambda: "value")
    coldcache.warm_up()

    assert not settings.is_done()


def test_it_leaves_methods_alone() -> None:
    class Service:
        @once
        def connect(self) -> int:
            return 1

    assert coldcache.warm_up().steps == ()
    assert Service().connect() == 1


@pytest.mark.parametrize("parallel", [True, False, 1, 2])
def test_what_comes_after_something_runs_after_it(parallel: Any) -> None:
    calls: list[str] = []
    first = noted(calls, "first")
    second = noted(calls, "second", after=(first,))
    third = noted(calls, "third", after=(second,))
    report = coldcache.warm_up(parallel=parallel)

    assert calls == ["first", "second", "third"] == [step.name for step in report.steps]
    assert report.critical_path == ("first", "second", "third")
    assert third.is_done()


def test_independent_things_run_side_by_side() -> None:
    barrier = threading.Barrier(5)
    kept = [once(name=f"n{n}")(lambda: barrier.wait(PATIENCE_S) and None) for n in range(5)]
    report = coldcache.warm_up()

    assert set(states(report).values()) == {"done"}
    assert all(one.is_done() for one in kept)


def test_no_more_threads_run_than_allowed() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def run() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)  # real time: somebody else may begin
        with lock:
            running -= 1

    kept = [once(run) for _ in range(12)]
    coldcache.warm_up(parallel=3)

    assert (most <= 3, len(kept)) == (True, 12)


def test_without_parallel_everything_runs_in_the_calling_thread() -> None:
    threads: set[int] = set()
    kept = [once(lambda: threads.add(threading.get_ident())) for _ in range(3)]
    coldcache.warm_up(parallel=False)

    assert (threads, len(kept)) == ({threading.get_ident()}, 3)


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    kept = [once(lambda: None) for _ in range(8)]
    another = once(_nothing)
    coldcache.warm_up()

    assert (threading.active_count(), len(kept), another.is_done()) == (before, 8, True)


async def _nothing() -> None: ...


def test_asynchronous_things_run_side_by_side_in_one_loop() -> None:
    loops, count = set(), 4
    meeting: list[Any] = []

    async def run() -> None:
        loops.add(asyncio.get_running_loop())
        if not meeting:
            meeting.append(asyncio.Event())
        meeting.append(None)
        if len(meeting) > count:
            meeting[0].set()
        await asyncio.wait_for(meeting[0].wait(), PATIENCE_S)

    def declare(number: int) -> Any:
        async def run_it() -> None:
            await run()

        return once(name=f"a{number}")(run_it)

    kept = [declare(number) for number in range(count)]
    report = coldcache.warm_up()

    assert (len(loops), set(states(report).values()), len(kept)) == (1, {"done"}, count)


def test_inside_a_running_loop_asynchronous_things_run_on_it() -> None:
    loops = []

    @once
    async def connect() -> None:
        loops.append(asyncio.get_running_loop())

    async def main() -> Any:
        return await coldcache.warm_up_async(), asyncio.get_running_loop()

    report, loop = asyncio.run(main())

    assert (loops, states(report)) == ([loop], {connect.name: "done"})


def test_a_loop_that_does_not_run_yet_is_run() -> None:
    loops = []

    @once
    async def connect() -> None:
        loops.append(asyncio.get_running_loop())

    loop = asyncio.new_event_loop()
    try:
        coldcache.warm_up(loop=loop)
    finally:
        loop.close()

    assert (loops, connect.is_done()) == ([loop], True)


def test_it_does_not_block_a_running_loop() -> None:
    async def main() -> None:
        coldcache.warm_up()

    with pytest.raises(RuntimeError, match=r"await coldcache.warm_up_async\(\)"):
        asyncio.run(main())


def test_asynchronous_things_may_come_after_plain_ones_and_before_them() -> None:
    calls: list[str] = []
    first = noted(calls, "first")

    @once(after=(first,), name="second")
    async def second() -> None:
        calls.append("second")

    @coldcache.step("third", after=(second,))
    def third() -> None:
        calls.append("third")

    coldcache.warm_up()

    assert calls == ["first", "second", "third"]


def test_lazy_names_are_loaded() -> None:
    stand_in = coldcache.lazy("wave")
    report = coldcache.warm_up()

    assert ("wave", "lazy", "done") in [(s.name, s.kind, s.state) for s in report.steps]
    assert stand_in.__name__ == "wave"


def test_what_was_done_before_is_kept() -> None:
    calls: list[str] = []
    settings = noted(calls, "settings")
    settings()
    report = coldcache.warm_up()

    assert (calls, states(report)) == (["settings"], {"settings": "kept"})


def test_a_step_runs_in_the_first_warm_up_only() -> None:
    calls: list[str] = []
    prime = coldcache.step("prime")(lambda: calls.append("prime"))
    coldcache.warm_up()
    assert states(coldcache.warm_up()) == {"prime": "kept"}
    prime.reset()
    coldcache.warm_up()

    assert calls == ["prime", "prime"]


def test_it_may_be_called_inside_a_once() -> None:
    reports: list[Any] = []
    settings = once(name="settings")(lambda: 1)

    @once(name="boot")
    def boot() -> None:
        reports.append(coldcache.warm_up())

    after = once(name="after", after=(boot,))(lambda: 1)
    boot()

    assert states(reports[0]) == {"settings": "done", "boot": "running", "after": "skipped"}
    assert reports[0].step("boot").reason == "the warm-up is called inside it"
    assert reports[0].step("after").reason == "boot is not done"
    assert (settings.is_done(), boot.is_done(), after.is_done()) == (True, True, False)


def test_it_may_be_called_inside_an_asynchronous_once() -> None:
    reports: list[Any] = []

    @once(name="boot")
    async def boot() -> None:
        reports.append(await coldcache.warm_up_async())

    asyncio.run(boot())  # type: ignore[arg-type]

    (step,) = reports[0].failed
    assert (step.name, type(step.error)) == ("boot", coldcache.ReentrantLoadError)


def test_a_ring_that_no_declaration_shows_fails_and_does_not_hang() -> None:
    barrier = threading.Barrier(2)

    @once(name="a")
    def a() -> None:
        barrier.wait(PATIENCE_S)
        b()

    @once(name="b")
    def b() -> None:
        barrier.wait(PATIENCE_S)
        a()

    report = coldcache.warm_up()

    assert "ReentrantLoadError" in {type(step.error).__name__ for step in report.failed}


def test_two_warm_ups_at_once_run_each_step_once(start: Callable[..., Any]) -> None:
    calls: list[int] = []
    gate = threading.Event()

    @coldcache.step("prime")
    def prime() -> None:
        calls.append(1)
        gate.wait(0.05)  # real time: the other one may come

    reports = start(coldcache.warm_up, coldcache.warm_up, coldcache.warm_up).values()

    assert (len(calls), [report.ok for report in reports]) == (1, [True] * 3)


def test_a_program_ends_though_a_step_hangs(run_python: Callable[..., str]) -> None:
    assert (
        run_python("""
        import threading, coldcache
        hanging = coldcache.once(name="hanging")(threading.Event().wait)
        print(coldcache.warm_up(budget=0.05).step("hanging").state)
    """)
        == "running"
    )


def test_what_comes_after_a_failure_is_skipped_and_the_rest_runs() -> None:
    @once(name="database")
    def database() -> None:
        raise OSError("password=hunter2")

    table = once(after=(database,), name="table")(lambda: 1)
    rows = once(after=(table,), name="rows")(lambda: 1)
    other = once(name="other")(lambda: 1)
    report = coldcache.warm_up()

    assert states(report) == {
        "database": "failed",
        "table": "skipped",
        "rows": "skipped",
        "other": "done",
    }
    assert report.step("rows").reason == "table is not done"
    assert [step.name for step in report.failed] == ["database"]
    assert {step.name for step in report.skipped} == {"table", "rows"}
    assert (rows.is_done(), other.is_done()) == (False, True)


def test_what_failed_is_tried_again_by_its_first_use() -> None:
    answers: list[Any] = ["value", OSError()]

    @once
    def database() -> str:
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    coldcache.warm_up()

    assert database() == "value"


def test_a_failure_of_a_required_step_comes_out_with_the_report() -> None:
    def load() -> None:
        raise OSError("password=hunter2")

    coldcache.step("load")(load)
    other = once(lambda: 1)
    with pytest.raises(coldcache.WarmUpError, match=r"'load' failed \(OSError\)") as caught:
        coldcache.warm_up()

    assert "hunter2" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.report is coldcache.last_warm_up()
    assert other.is_done()


def test_a_failure_of_an_optional_step_is_only_reported() -> None:
    def load() -> None:
        raise OSError

    coldcache.step("load", required=False)(load)
    report = coldcache.warm_up()

    assert (report.ok, states(report)) == (True, {"load": "failed"})


def test_a_required_step_after_a_failure_is_not_done() -> None:
    database = once(name="database")(lambda: 1 / 0)
    coldcache.step("tables", after=(database,))(lambda: None)

    with pytest.raises(coldcache.WarmUpError, match=r"'tables' skipped \(database is not done\)"):
        coldcache.warm_up()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_an_exit_comes_out_as_itself(kind: type[BaseException]) -> None:
    def leave() -> None:
        raise kind

    coldcache.step("leave", required=False)(leave)

    with pytest.raises(kind):
        coldcache.warm_up()


def test_beyond_the_budget_nothing_is_waited_for() -> None:
    gate = threading.Event()
    slow = once(name="slow")(lambda: gate.wait(PATIENCE_S) and 1)
    late = once(name="late", after=(slow,))(lambda: 1)
    try:
        report = coldcache.warm_up(budget=0.05)
    finally:
        gate.set()

    assert states(report) == {"slow": "running", "late": "skipped"}
    assert report.step("late").reason == "the budget of 0.05 s is used up"
    assert not late.is_done()


def test_what_outlives_the_budget_still_brings_its_value(
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    gate = threading.Event()
    slow = once(name="slow")(lambda: gate.wait(PATIENCE_S) and "value")
    coldcache.warm_up(budget=0.02)
    gate.set()

    eventually(slow.is_done)


def test_an_asynchronous_thing_that_outlives_the_budget_still_brings_its_value(
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    gate = threading.Event()

    @once(name="slow")
    async def slow() -> str:
        while not gate.is_set():
            await asyncio.sleep(0.001)
        return "value"

    assert states(coldcache.warm_up(budget=0.05)) == {"slow": "running"}
    gate.set()
    eventually(slow.is_done)


def test_a_required_step_that_outlives_the_budget_is_named() -> None:
    gate = threading.Event()
    coldcache.step("load")(lambda: gate.wait(PATIENCE_S))
    try:
        with pytest.raises(coldcache.WarmUpError, match=r"'load' running \(the budget of 0.05 s"):
            coldcache.warm_up(budget=0.05)
    finally:
        gate.set()


def test_what_is_required_begins_first() -> None:
    calls: list[str] = []
    optional = [noted(calls, f"o{n}") for n in range(5)]
    needed = noted(calls, "needed")
    coldcache.step("required", after=(needed,))(lambda: calls.append("required"))
    coldcache.warm_up(parallel=1)

    assert (calls[0], len(optional)) == ("needed", 5)


@pytest.mark.parametrize(
    ("environment", "is_eager"),
    [
        ({}, True),
        ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, False),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, False),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"}, True),
    ],
)
def test_what_can_wait_is_deferred_where_a_request_waits(
    environment: dict[str, str], is_eager: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    rare = once(warm="prepaid", name="rare")(lambda: 1)
    lazy = coldcache.lazy("wave")
    report = coldcache.warm_up()

    expected = "done" if is_eager else "deferred"
    assert states(report) == {"rare": expected, "wave": expected}
    assert (report.eager, rare.is_done()) == (is_eager, is_eager)
    del lazy


def test_what_can_wait_does_not_where_something_comes_after_it(on_demand: None) -> None:
    rare = once(warm="prepaid", name="rare")(lambda: 1)
    often = once(after=(rare,), name="often")(lambda: 2)

    assert states(coldcache.warm_up()) == {"rare": "done", "often": "done"}
    assert often.is_done()


def test_the_caller_may_want_everything(on_demand: None) -> None:
    rare = once(warm="prepaid", name="rare")(lambda: 1)

    assert states(coldcache.warm_up(eager=True)) == {"rare": "done"}
    assert rare.is_done()


def test_a_step_around_a_once_runs_as_one() -> None:
    calls: list[str] = []
    inner = noted(calls, "inner")
    coldcache.step("outer")(inner)
    after = noted(calls, "after", after=(inner,))
    report = coldcache.warm_up()

    assert (calls, states(report)) == (["inner", "after"], {"outer": "done", "after": "done"})
    assert report.step("after").after == ("outer",)
    assert after.is_done()


def test_what_is_behind_something_that_is_not_warmed_still_comes_before() -> None:
    calls: list[str] = []
    first = noted(calls, "first")
    hidden = noted(calls, "hidden", after=(first,), warm=False)
    last = noted(calls, "last", after=(hidden,))
    report = coldcache.warm_up()

    assert report.step("last").after == ("first",)
    assert (calls, last.is_done()) == (["first", "hidden", "last"], True)


def test_the_report_shows_the_steps_inside() -> None:
    @once(name="outer")
    def outer() -> None:
        with coldcache.step("connect"), coldcache.step("log in"):
            pass

    (step,) = coldcache.warm_up().steps

    assert [(name, depth) for name, depth, _, _ in step.inside] == [("connect", 1), ("log in", 2)]
    assert outer.is_done()


def test_the_report_is_json_without_values_or_messages() -> None:
    settings = once(name="settings")(lambda: "hunter2")

    @once(name="database")
    def database() -> None:
        raise OSError("hunter2")

    report = coldcache.warm_up()
    data = json.loads(report.to_json())

    assert {step["name"]: step["error"] for step in data["steps"]} == {
        "settings": None,
        "database": "OSError",
    }
    assert "hunter2" not in f"{report.to_json()} {report} {report!r} {report.steps!r}"
    assert settings() == "hunter2"


def test_the_report_can_be_read() -> None:
    settings = once(name="settings")(lambda: 1)
    lines = str(coldcache.warm_up()).splitlines()

    assert lines[0].startswith("warm-up: ")
    assert lines[1].startswith("critical path: settings, ")
    assert "settings  done     once" in lines[2]
    assert settings.is_done()


def test_two_of_a_name_are_told_apart() -> None:
    kept = [once(name="same")(lambda: 1) for _ in range(2)]

    assert set(states(coldcache.warm_up())) == {"same", "same (2)"}
    assert all(one.is_done() for one in kept)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"budget": 0}, ValueError, "budget must be a positive number of seconds, got 0"),
        ({"budget": float("nan")}, ValueError, "budget must be a positive number"),
        ({"budget": "1"}, TypeError, "budget must be a number of seconds or None, got '1'"),
        ({"parallel": 0}, ValueError, "at least one thread, got 0; False is for none"),
        ({"parallel": "all"}, TypeError, "True, False or a number of threads, got 'all'"),
        ({"handler": len}, TypeError, "handler= is for event="),
        ({"event": {}, "handler": 3}, TypeError, "a function of an event and a context, got 3"),
        ({"event": {}}, coldcache.ConfigError, "pass handler="),
    ],
)
def test_wrong_arguments_are_named_and_nothing_runs(
    options: dict[str, Any], kind: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("_HANDLER", raising=False)
    settings = once(lambda: 1)

    with pytest.raises(kind, match=message):
        coldcache.warm_up(**options)
    assert not settings.is_done()


def test_a_name_that_no_step_has_is_an_error_that_lists_the_steps() -> None:
    coldcache.step("a", after=("b",))(lambda: None)

    with pytest.raises(coldcache.ConfigError, match="'a' comes after 'b', which no step is"):
        coldcache.warm_up()


def test_importing_it_imports_no_asyncio_and_no_inspect(run_python: Callable[..., str]) -> None:
    assert (
        run_python("""
        import sys, coldcache
        a = coldcache.once(lambda: 1)
        coldcache.step("b")(lambda: 1)
        coldcache.warm_up()
        print({"asyncio", "inspect", "typing", "logging", "json"} & set(sys.modules))
    """)
        == "set()"
    )


def test_after_a_reset_for_tests_everything_runs_again_and_is_still_declared() -> None:
    calls: list[str] = []
    prime = coldcache.step("prime")(lambda: calls.append("prime"))
    settings = noted(calls, "settings")
    coldcache.warm_up(parallel=False)
    coldcache.testing.reset()
    coldcache.warm_up(parallel=False)

    assert calls == ["prime", "settings"] * 2
    assert (prime.is_done(), settings.is_done()) == (True, True)
