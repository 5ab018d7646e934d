"""Limits, crashes and timeouts: when init runs again, seen from inside the function."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from coldcache.tools.lab.life import CallRecord, Life

from .conftest import Function

COUNTING = """
import os, time
from pathlib import Path
marks = Path(os.environ["TMPDIR"], "marks")
marks.write_text((marks.read_text() if marks.exists() else "") + "i")
inits = len(marks.read_text())
note("init", inits)
calls = 0

def handler(event, context):
    global calls
    calls += 1
    note("call", [inits, calls, context.get_remaining_time_in_millis()])
    if event.get("do") == "crash": os._exit(3)
    if event.get("do") == "hang": time.sleep(900)
    if event.get("do") == "raise": raise ValueError("payload")
    return None
"""


def event(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_an_init_over_its_limit_is_cut_and_runs_again_inside_the_first_call(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    slow_once = COUNTING.replace("calls = 0", "calls = 0\nif inits == 1: time.sleep(900)")
    subject = function(slow_once)
    with subject.environment(Life(init_limit_s=0.4)) as environment:
        started = environment.start(event=b"{}")
        first, second = call(environment), call(environment)

    assert (started.outcome, started.init_done_ns, started.init_ms) == ("init_timeout", None, None)
    assert subject.noted("init") == [1, 2]
    assert (first.start_class, first.is_cold) == ("re-init", True)
    assert first.init_ms is not None
    assert (first.answered_ns - first.handed_ns) / 1e6 > first.init_ms
    assert (second.start_class, second.is_cold, second.init_ms) == ("warm", False, None)


def test_an_init_inside_a_call_takes_from_the_time_of_the_call(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(COUNTING)
    with subject.environment(call_timeout_s=20) as environment:
        environment.call(event(do="crash"))
        record = call(environment)

    [_, (_, _, left_ms)] = subject.noted("call")
    assert record.init_ms is not None
    assert left_ms <= 20_000 - record.init_ms + 1  # the client rounds to milliseconds


def test_an_init_inside_a_call_ends_with_the_calls_timeout(
    function: Callable[..., Function],
) -> None:
    subject = function(COUNTING.replace("calls = 0", "time.sleep(900)"))
    with subject.environment(Life(init_limit_s=0.3), call_timeout_s=0.5) as environment:
        environment.start()
        record = environment.call(b"{}")

    assert (record.outcome, record.init_ms) == ("timeout", None)
    assert record.error == "did not end its init within 0.5 s"
    assert (record.answered_ns - record.handed_ns) / 1e9 >= 0.5
    assert subject.noted("init") == [1, 2]


@pytest.mark.parametrize(
    ("do", "outcome", "error"),
    [
        ("crash", "crash", "its process ended with exit code 3"),
        ("hang", "timeout", "did not answer within 0.7 s"),
    ],
)
def test_after_a_reset_init_runs_again_and_finds_the_scratch_folder_as_it_was(
    function: Callable[..., Function],
    call: Callable[..., CallRecord],
    do: str,
    outcome: str,
    error: str,
) -> None:
    subject = function(COUNTING)
    with subject.environment(call_timeout_s=0.7) as environment:
        environment.start(event=b"{}")
        call(environment)
        lost = environment.call(event(do=do))
        after = environment.call(b"{}")

    assert (lost.outcome, lost.error) == (outcome, error)
    assert (after.outcome, after.start_class, after.is_cold) == ("ok", "re-init", True)
    # The second init found what the first had written; the module's state began anew.
    assert [place[:2] for place in subject.noted("call")] == [[1, 1], [1, 2], [2, 1]]


def test_an_error_keeps_the_process_and_its_message_out_of_the_record(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(COUNTING)
    with subject.environment() as environment:
        failed = environment.call(event(do="raise"))
        call(environment)
        evidence = environment.failure

    assert (failed.outcome, failed.error) == ("error", "ValueError")
    assert "payload" in str(evidence)
    assert subject.noted("init") == [1]


def test_a_failing_init_is_tried_again_in_every_call(function: Callable[..., Function]) -> None:
    subject = function("note('init'); import no_such_module")
    with subject.environment() as environment:
        started = environment.start(event=b"{}")
        records = [environment.call(b"{}") for _ in range(2)]

    assert (started.outcome, started.error) == ("init_error", "Runtime.ImportModuleError")
    assert [record.outcome for record in records] == ["init_error"] * 2
    assert [record.error for record in records] == ["Runtime.ImportModuleError"] * 2
    assert len(subject.noted("init")) == 3


def test_a_process_that_ended_between_two_calls_is_no_failure_of_the_next(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(
        """
        import os, threading
        note("init")
        def handler(event, context):
            if event.get("last"):
                # Ends once the answer is out: the client asks for its next event then.
                import awslambdaric.lambda_runtime_client as client
                client.LambdaRuntimeClient.wait_next_invocation = lambda self: os._exit(5)
        """
    )
    with subject.environment() as environment:
        call(environment, last=True)
        environment.freeze()  # waits for the client's next request, or its end
        record = call(environment)

    assert record.start_class == "re-init"
    assert len(subject.noted("init")) == 2


def test_the_scratch_folder_goes_with_the_environment(function: Callable[..., Function]) -> None:
    subject = function(COUNTING)
    with subject.environment() as environment:
        environment.start()
        assert (subject.folder / "scratch" / "marks").exists()

    assert not (subject.folder / "scratch").exists()


def test_a_scratch_folder_that_was_there_before_stays(function: Callable[..., Function]) -> None:
    subject = function(COUNTING)
    (subject.folder / "scratch").mkdir()
    with subject.environment() as environment:
        environment.start()

    assert (subject.folder / "scratch" / "marks").exists()


def test_a_closed_environment_takes_no_calls(function: Callable[..., Function]) -> None:
    environment = function(COUNTING).environment()
    environment.close()

    with pytest.raises(RuntimeError, match="environment 0 is closed"):
        environment.call(b"{}")


def test_a_first_call_that_ends_the_process_at_once_is_a_crash_and_is_made_once(
    function: Callable[..., Function], nothing_left: None
) -> None:
    subject = function(COUNTING)
    with subject.environment() as environment:
        started = environment.start(event=event(do="crash"))
        incarnation = environment._incarnation
        assert incarnation is not None
        assert incarnation.wait(20)  # gone before anybody asks for the answer
        record = environment.call(event(do="crash"))

    assert started.outcome == "ok"
    assert (record.outcome, record.start_class) == ("crash", "on-demand")
    assert len(subject.noted("call")) == 1
