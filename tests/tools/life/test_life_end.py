"""The end of an environment, and functions that leave things behind."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache.tools.lab.errors import LabError
from coldcache.tools.lab.life import CallRecord, Life, Supervisor, supervised
from coldcache.tools.lab.output import Output
from coldcache.tools.lab.sandbox import Sandbox

from .conftest import Function, is_alive

# The client polls for events on a thread, so that Python's signal handlers run while it waits.
POLLING = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}

TERMINATING = """
import signal, sys, time
def ended(signum, frame):
    note("term", signum)
    time.sleep(PAUSE)
    note("done")
    os._exit(0)
import os
signal.signal(signal.SIGTERM, ended)
def handler(event, context): pass
"""


def event(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("extensions", "pause_s", "seen", "ended_by"),
    [
        ("none", 0, [], "SIGKILL"),
        ("internal", 0, ["term", "done"], "exit"),
        ("internal", 900, ["term"], "SIGKILL"),
        ("external", 0.6, ["term", "done"], "exit"),
    ],
)
def test_an_extension_earns_the_function_time_to_end(
    function: Callable[..., Function],
    call: Callable[..., CallRecord],
    extensions: str,
    pause_s: float,
    seen: list[str],
    ended_by: str,
) -> None:
    subject = function(TERMINATING.replace("PAUSE", str(pause_s)), **POLLING)
    environment = subject.environment(Life(extensions=extensions))  # type: ignore[arg-type]
    call(environment)
    environment.freeze()  # the end comes to a frozen environment
    end = environment.close()

    assert [what for what, *_ in subject.notes] == seen
    assert end.ended_by == ended_by
    if ended_by == "exit":
        assert end.exit_status == "ended with exit code 0"


def test_a_function_that_ignores_sigterm_is_killed_when_its_time_is_over(
    function: Callable[..., Function], call: Callable[..., CallRecord], nothing_left: None
) -> None:
    subject = function(
        """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        def handler(event, context): pass
        """
    )
    environment = subject.environment(Life(extensions="internal"))
    call(environment)
    end = environment.close()

    assert (end.ended_by, end.exit_status) == ("SIGKILL", "was ended by SIGKILL")
    assert end.ended_ns - end.asked_ns >= 0.5e9


LEAVING = {
    "a child": "pid = subprocess.Popen(['sleep', '900']).pid",
    "a child in a session of its own": (
        "pid = subprocess.Popen(['sleep', '900'], start_new_session=True).pid"
    ),
    "a child without its variables": (
        "pid = subprocess.Popen(['sleep', '900'], env={}, start_new_session=True).pid"
    ),
    "a daemon": (
        "pid = int(subprocess.check_output([sys.executable, '-c', "
        "\"import os, sys\\n"
        "if os.fork(): os._exit(0)\\n"
        "os.setsid()\\n"
        "if os.fork(): os._exit(0)\\n"
        "print(os.getpid(), flush=True); os.close(1); os.execv('/bin/sleep', ['sleep', '900'])\""
        "], env={}))"
    ),
    "a fork of itself": (
        "pid = os.fork()\n"
        "    if pid == 0:\n"
        "        while True: time.sleep(900)"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "ending"),
    [*itertools.product(LEAVING, ["close", "crash"]), ("a daemon", "hang")],
)
def test_what_a_function_leaves_behind_ends_with_it(
    function: Callable[..., Function], nothing_left: None, what: str, ending: str
) -> None:
    subject = function(
        f"""
import os, subprocess, sys, time
def handler(event, context):
    {LEAVING[what]}
    note("left", pid)
    if event["then"] == "crash": os._exit(1)
    if event["then"] == "hang": time.sleep(900)
"""
    )
    with subject.environment(call_timeout_s=2 if ending == "hang" else 30) as environment:
        record = environment.call(event(then=ending))
        [pid] = subject.noted("left")
        if ending == "close":
            assert record.outcome == "ok"
            assert is_alive(pid)
            end = environment.close()
            assert end.strays == 1

        assert not is_alive(pid)


@pytest.mark.parametrize(
    ("source", "outcome", "error"),
    [
        ("sys.stdout.buffer.write(bytes(range(256)) * 999)", "ok", None),
        ("os.write(2, bytes(range(256)) * 2)", "ok", None),
        (
            "return 'x' * 7_000_000",
            "too_large",
            "the answer has 7000002 bytes; the platform accepts 6291556",
        ),
        ("time.sleep(900)", "timeout", "did not answer within 1.5 s"),
        ("os._exit(9)", "crash", "its process ended with exit code 9"),
        ("sys.exit()", "crash", "its process ended with exit code 0"),
        ("os.kill(os.getpid(), 11)", "crash", "its process was ended by SIGSEGV"),
        ("return {1, 2}", "error", "Runtime.MarshalError"),
        ("if os.fork() == 0: os._exit(0)", "ok", None),
    ],
)
def test_bad_functions_get_a_clear_record(
    function: Callable[..., Function],
    nothing_left: None,
    source: str,
    outcome: str,
    error: str | None,
) -> None:
    subject = function(f"import os, sys, time\ndef handler(event, context):\n    {source}\n")
    with subject.environment(call_timeout_s=1.5) as environment:
        record = environment.call(b"{}")
        failure = environment.failure

    assert record.outcome == outcome
    assert record.error == error
    assert (failure is None) == (outcome == "ok")


def test_a_function_that_forks_into_two_clients_is_survived(
    function: Callable[..., Function], nothing_left: None
) -> None:
    # Both write to one connection: what arrives is the function's own doing, and may be garbage.
    subject = function("import os\ndef handler(event, context): os.fork()")
    with subject.environment(call_timeout_s=1) as environment:
        records = [environment.call(b"{}") for _ in range(3)]

    assert {record.outcome for record in records} <= {"ok", "error", "crash", "timeout"}


def test_closing_ends_a_call_that_is_under_way(
    function: Callable[..., Function], nothing_left: None
) -> None:
    subject = function("import time\ndef handler(event, context): note('in'); time.sleep(900)")
    environment = subject.environment()
    records: list[CallRecord] = []
    caller = threading.Thread(target=lambda: records.append(environment.call(b"{}")))
    caller.start()
    while not subject.noted("in"):
        os.sched_yield()

    environment.close()
    caller.join(20)

    assert [record.outcome for record in records] == ["crash"]


def test_the_last_environment_takes_the_supervisor_with_it(
    function: Callable[..., Function],
) -> None:
    subject = function("def handler(event, context): pass")
    with supervised() as supervisor:
        with subject.environment() as environment:
            environment.start()
        assert is_alive(supervisor.pid)
        assert Supervisor.acquire() is supervisor
        Supervisor.release()

    assert not is_alive(supervisor.pid)


LAB = """
import sys
from pathlib import Path
from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.interpreter import find_python, inspect_interpreter
from coldcache.tools.lab.life import Environment, Life
from coldcache.tools.lab.target import Target
folder = Path(sys.argv[1])
target = Target.parse(f"{folder / 'function'}:app.handler")
base = base_environment(folder, folder / "pycache")
interpreter = inspect_interpreter(find_python(sys.executable), target, base)
settings = sample_environment(base, target, interpreter, {"NOTES": str(folder / "notes")})
environment = Environment(
    target, interpreter, settings, Life(), scratch=folder / "scratch", call_timeout_s=900
)
environment.call(b"{}")
"""


def test_nothing_is_left_when_the_lab_itself_is_killed(
    function: Callable[..., Function], tmp_path: Path
) -> None:
    subject = function(
        """
        import os, subprocess, time
        def handler(event, context):
            daemon = subprocess.Popen(["sleep", "900"], env={}, start_new_session=True)
            note("pid", daemon.pid)
            note("pid", os.getpid())
            time.sleep(900)
        """
    )
    lab = subprocess.Popen([sys.executable, "-c", LAB, str(tmp_path)])
    # Real time: bounded by the time limit of a test.
    while len(subject.noted("pid")) < 2 and lab.poll() is None:
        time.sleep(0.01)
    lab.send_signal(signal.SIGKILL)
    lab.wait()

    for pid in subject.noted("pid"):
        while is_alive(pid):
            os.sched_yield()


PROCESS = """
import os
from pathlib import Path
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["SigIgn"], 16), int(status["SigBlk"], 16), *sorted(os.listdir("/proc/self/fd")))
"""


def test_a_process_gets_nothing_from_the_supervisor_but_its_output(tmp_path: Path) -> None:
    output, ended = Output(), threading.Event()
    with supervised() as supervisor:
        sandbox = Sandbox(
            [sys.executable, "-I", "-S", "-c", PROCESS],
            environment={},
            folder=tmp_path,
            output=output,
            on_exit=ended.set,
            spawn=supervisor.spawner(),
        )
        with sandbox:
            sandbox.start()
            assert ended.wait(20)

    ignored, blocked, *descriptors = output.tail().split()
    by_the_interpreter = {signal.SIGPIPE, signal.SIGXFSZ}
    assert {one for one in signal.Signals if int(ignored) >> (one - 1) & 1} == by_the_interpreter
    assert blocked == "0"
    assert descriptors == ["0", "1", "2", "3"]  # the last is of the look itself


def test_a_program_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    output = Output()
    with supervised() as supervisor:
        sandbox = Sandbox(
            [str(tmp_path / "missing")],
            environment={},
            folder=tmp_path,
            output=output,
            on_exit=lambda: None,
            spawn=supervisor.spawner(),
        )
        with sandbox, pytest.raises(LabError, match=r"No such file or directory.*missing"):
            sandbox.start()
