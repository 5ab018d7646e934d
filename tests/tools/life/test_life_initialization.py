"""When and how an environment is initialised, seen from inside the function."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from coldcache.tools.lab.errors import LabError
from coldcache.tools.lab.life import CallRecord, Life

from .conftest import Function

KIND = """
import os, time
began = time.monotonic()
note("type", os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"])
def handler(event, context):
    note("since", time.monotonic() - began)
"""

HOOKS = """
import os, random, sys, time, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
note("import", os.getpid())
drawn, identity = random.random(), uuid.uuid4().hex
scratch = os.environ["TMPDIR"]
with open(os.path.join(scratch, "made"), "w") as file: file.write("in init")
snapshot = []
def before():
    snapshot.append(time.monotonic()); note("before")
def after():
    note("after", time.monotonic() - snapshot[0])
register_before_snapshot(before)
register_after_restore(after)
def handler(event, context):
    if event.get("crash"): os._exit(7)
    print("printed by", event.get("name"), flush=True)
    note("call", [event.get("name"), os.getpid(), drawn, identity, random.random(),
                  open(os.path.join(os.environ["TMPDIR"], "made")).read(),
                  os.environ["TMPDIR"] == scratch])
"""

SNAP_START = "snap-start"


def event(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_an_event_that_waits_makes_an_on_demand_start(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(KIND)
    with subject.environment() as environment:
        started = environment.start(event=b"{}")
        record = call(environment)

    assert subject.noted("type") == ["on-demand"]
    assert started.start_class == record.start_class == "on-demand"
    assert record.is_cold
    assert record.init_ms == started.init_ms


def test_a_proactive_start_gets_its_first_event_after_the_gap(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(KIND)
    with subject.environment(Life(proactive_gap_s=0.3)) as environment:
        started = environment.start(event=b"{}")
        first, second = call(environment), call(environment)

    assert started.init_done_ns is not None
    assert first.handed_ns - started.init_done_ns >= 0.3e9
    assert subject.noted("since")[0] >= 0.3
    assert (first.start_class, first.is_cold, first.init_ms) == (
        "proactive",
        False,
        started.init_ms,
    )
    assert second.start_class == "warm"
    assert second.handed_ns - first.answered_ns < 0.3e9


def test_provisioned_concurrency_is_told_to_the_function_and_has_a_longer_limit(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(KIND)
    life = Life(initialization="provisioned-concurrency")
    with subject.environment(life) as environment:
        environment.start()
        record = call(environment)

    assert subject.noted("type") == ["provisioned-concurrency"]
    assert (record.start_class, record.is_cold) == ("provisioned", False)
    assert [life.init_limit_for(timeout_s) for timeout_s in (3, 300, 900)] == [130, 300, 900]
    assert Life().init_limit_for(300) == 10


def test_hooks_run_around_the_snapshot_which_lasts_as_long_as_it_is_told(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(HOOKS)
    with subject.environment(Life(initialization=SNAP_START, snapshot_s=0.3)) as environment:
        started = environment.start(event=event(name="a"))
        record = call(environment, name="a")

    assert [what for what, *_ in subject.notes] == ["import", "before", "after", "call"]
    assert subject.noted("after")[0] >= 0.3
    assert (record.start_class, record.is_cold) == ("restored", True)
    assert started.snapshot_init_ms is not None
    assert record.init_ms == started.init_ms
    assert started.init_ms is not None
    assert started.init_ms < 300  # the restore alone, without the snapshot before it


def test_a_restore_over_its_budget_is_cut(function: Callable[..., Function]) -> None:
    subject = function(HOOKS.replace("def after():", "def after():\n    time.sleep(900)"))
    life = Life(initialization=SNAP_START, restore_limit_s=0.3)
    with subject.environment(life) as environment:
        started = environment.start()

    assert started.outcome == "init_timeout"
    assert started.error == "did not end its restore within 0.3 s (SnapStartTimeoutException)"


@pytest.mark.parametrize("hook", ["before", "after"])
def test_a_failing_hook_is_a_failed_init(function: Callable[..., Function], hook: str) -> None:
    subject = function(HOOKS.replace(f"def {hook}():", f"def {hook}():\n    raise KeyError(1)"))
    with subject.environment(Life(initialization=SNAP_START)) as environment:
        started = environment.start()

    assert (started.outcome, started.error) == ("init_error", "KeyError")


def test_environments_of_one_template_share_what_was_drawn_in_its_init(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(HOOKS)
    life = Life(initialization=SNAP_START)
    with subject.template(life) as template:
        for name in "ab":
            scratch = subject.folder / name
            with subject.environment(life, template=template, scratch=scratch) as environment:
                started = environment.start(event=event(name=name))
                call(environment, name=name)
                call(environment, name=name)
            assert started.start_class == "restored"
            assert started.snapshot_init_ms == template.init_ms

    order = [what for what, *_ in subject.notes]
    assert order == ["import", "before", *["after", "call", "call"] * 2]
    a, a_again, b, _ = subject.noted("call")
    assert a[1] != b[1]  # two processes,
    assert a[2:4] == b[2:4]  # what was drawn in init,
    assert a[4] == b[4]  # and what is drawn next, because random's state is in the snapshot
    assert a[4] != a_again[4]


def test_the_scratch_folder_is_part_of_the_snapshot(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(HOOKS)
    life = Life(initialization=SNAP_START)
    with (
        subject.template(life) as template,
        subject.environment(life, template=template) as environment,
    ):
        call(environment)

    [[_, _, _, _, _, content, is_same_place]] = subject.noted("call")
    assert content == "in init"
    assert not is_same_place


def test_several_environments_of_a_template_live_side_by_side(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(HOOKS)
    life = Life(initialization=SNAP_START)
    with (
        subject.template(life) as template,
        subject.environment(life, template=template, scratch=subject.folder / "a") as one,
        subject.environment(life, template=template, scratch=subject.folder / "b") as two,
    ):
        one.start()
        two.start()
        for name, environment in (("a", one), ("b", two), ("a", one)):
            call(environment, name=name)
        crashed = one.call(event(crash=True))
        assert crashed.outcome == "crash"
        assert crashed.error == "its process ended with exit code 7"
        call(two, name="b")
        again = call(one, name="a")

    assert again.start_class == "re-init"
    assert subject.noted("import") == [subject.noted("import")[0]]
    names = [name for name, *_ in subject.noted("call")]
    assert names == ["a", "b", "a", "b", "a"]


def test_a_function_that_does_not_reach_its_snapshot_is_no_template(
    function: Callable[..., Function],
) -> None:
    subject = function("raise KeyError('secret')")

    with pytest.raises(LabError, match="failed while starting: KeyError"):
        subject.template(Life(initialization=SNAP_START)).__enter__()

    assert not (subject.folder / "template").exists()


WORKERS = """
import os, time
from pathlib import Path
meeting = Path(os.environ["TMPDIR"])
note("worker", os.getpid())
def handler(event, context):
    if event.get("crash"): os._exit(1)
    if event.get("meet"):
        (meeting / str(os.getpid())).touch()
        while len(list(meeting.glob("[0-9]*"))) < event["meet"]: time.sleep(0.002)
    note("call", os.getpid())
"""

MANAGED = "lambda-managed-instances"


def test_calls_are_served_by_all_workers_side_by_side(function: Callable[..., Function]) -> None:
    subject = function(WORKERS)
    outcomes: list[str] = []
    with subject.environment(Life(initialization=MANAGED, workers=3)) as environment:
        started = environment.start()
        # Each waits inside for two others: no single worker could answer.
        threads = [
            threading.Thread(
                target=lambda: outcomes.append(environment.call(event(meet=3)).outcome)
            )
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert outcomes == ["ok"] * 3
    assert sorted(subject.noted("call")) == sorted(subject.noted("worker"))
    assert started.start_class == "managed-instance"


def test_no_event_is_handed_out_before_all_workers_are_ready(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(
        WORKERS.replace(
            'note("worker"',
            # All but one worker come late.
            'if os.path.exists(meeting / "x"): time.sleep(0.3)\n(meeting / "x").touch()\n'
            'note("worker"',
        )
    )
    with subject.environment(Life(initialization=MANAGED, workers=3)) as environment:
        environment.start(event=b"{}")
        call(environment)

    assert [what for what, *_ in subject.notes] == ["worker"] * 3 + ["call"]


def test_calls_one_after_the_other_go_round(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(WORKERS)
    with subject.environment(Life(initialization=MANAGED, workers=3)) as environment:
        environment.start()
        for _ in range(6):
            call(environment)
            assert environment._incarnation is not None
            environment._incarnation.api.wait_until_idle(20)  # the worker is back in the queue

    pids = subject.noted("call")
    assert len(set(pids[:3])) == 3
    assert pids[:3] == pids[3:]


def test_a_worker_that_ends_takes_its_call_with_it_and_no_other(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(WORKERS)
    with subject.environment(Life(initialization=MANAGED, workers=2)) as environment:
        environment.start()
        lost = environment.call(event(crash=True))
        records = [call(environment) for _ in range(3)]

    assert (lost.outcome, lost.error) == ("crash", "its worker ended during the call")
    assert [record.start_class for record in records] == ["warm"] * 3
    assert len(set(subject.noted("call"))) == 1
