from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from coldcache.tools.lab.output import Output
from coldcache.tools.lab.sandbox import Sandbox

LONG_S = 20.0


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., tuple[Sandbox, Output, threading.Event]]]:
    """Start a Python program in a sandbox, and stop it at the end of the test."""
    sandboxes = []

    def start(code: str, **environment: str) -> tuple[Sandbox, Output, threading.Event]:
        output, ended = Output(keep_bytes=1000), threading.Event()
        sandbox = Sandbox(
            [sys.executable, "-I", "-S", "-c", code],
            environment=environment,
            folder=tmp_path,
            output=output,
            on_exit=ended.set,
        )
        sandboxes.append(sandbox)
        sandbox.start()
        return sandbox, output, ended

    yield start
    for sandbox in sandboxes:
        sandbox.stop()


WITH_CHILD = """
import os, time
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, b"x")
    time.sleep(900)
os.read(r, 1)
print("ready", flush=True)
time.sleep(900)
"""


def wait_for(output: Output, text: str, ended: threading.Event) -> None:
    while text not in output.tail():
        assert not ended.wait(0.01), output.tail()  # real time: a process has to write


def test_stopping_kills_what_the_process_started(
    spawn: Callable[..., tuple],
    group_members: Callable[[int], list[int]],
    group_ends: Callable[[int], bool],
) -> None:
    sandbox, output, ended = spawn(WITH_CHILD)
    wait_for(output, "ready", ended)
    assert len(group_members(sandbox.pid)) == 2

    sandbox.stop()

    assert group_ends(sandbox.pid)


def test_a_process_that_is_gone_leaves_its_children_to_be_stopped(
    spawn: Callable[..., tuple],
    group_members: Callable[[int], list[int]],
    group_ends: Callable[[int], bool],
) -> None:
    sandbox, _, ended = spawn("import os, time\nif os.fork() == 0: time.sleep(900)")
    assert ended.wait(LONG_S)
    assert len(group_members(sandbox.pid)) == 1

    sandbox.stop()

    assert group_ends(sandbox.pid)


def test_stopping_twice_is_harmless(spawn: Callable[..., tuple]) -> None:
    sandbox, _, _ = spawn("pass")
    sandbox.stop()
    sandbox.stop()


def test_a_sandbox_that_was_never_started_can_be_stopped(tmp_path: Path) -> None:
    output = Output()
    with Sandbox([], environment={}, folder=tmp_path, output=output, on_exit=lambda: None):
        pass

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(output.stdout)


def test_no_descriptor_is_left_open(spawn: Callable[..., tuple]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    sandbox, _, _ = spawn("pass")
    sandbox.stop()

    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 11)", "was ended by SIGSEGV"),
    ],
)
def test_the_exit_status_survives_the_stop(
    spawn: Callable[..., tuple], code: str, words: str
) -> None:
    sandbox, _, ended = spawn(code)
    assert ended.wait(LONG_S)

    sandbox.stop()

    assert sandbox.exit_status == words


def test_peak_memory_sees_what_was_freed_again(spawn: Callable[..., tuple]) -> None:
    sandbox, output, ended = spawn(
        "x = bytearray(80_000_000); del x; print('ready', flush=True); import time; time.sleep(900)"
    )
    wait_for(output, "ready", ended)

    peak = sandbox.peak_memory_bytes()

    assert peak is not None
    assert 80e6 < peak < 120e6


def test_the_accounting_at_exit_stands_in_for_it(spawn: Callable[..., tuple]) -> None:
    sandbox, _, ended = spawn("x = bytearray(80_000_000)")
    assert ended.wait(LONG_S)

    assert sandbox.peak_memory_bytes() is None
    sandbox.stop()
    assert sandbox.peak_rss_bytes > 80e6


def test_the_environment_is_all_there_is(spawn: Callable[..., tuple]) -> None:
    sandbox, output, ended = spawn("import os; print(dict(os.environ))", ONLY="this")
    assert ended.wait(LONG_S)
    sandbox.stop()

    # The interpreter itself adds LC_CTYPE under the C locale.
    assert "'ONLY': 'this'" in output.tail()
    assert "PATH" not in output.tail()


def test_only_the_end_of_a_flood_is_kept(spawn: Callable[..., tuple]) -> None:
    sandbox, output, ended = spawn("for n in range(100_000): print('line', n)")
    assert ended.wait(LONG_S)
    sandbox.stop()

    assert len(output.tail()) <= 1000
    assert output.tail().endswith("line 99999\n")


def test_draining_sees_everything_written_so_far(tmp_path: Path) -> None:
    blocks: list[bytes] = []
    output = Output(stderr_listener=blocks.append)
    os.write(output.stderr, b"x" * 50_000)
    output.drain()

    assert b"".join(blocks) == b"x" * 50_000
    output.close()


def test_a_child_that_keeps_the_pipes_open_does_not_hold_up_the_stop(
    spawn: Callable[..., tuple],
) -> None:
    # It leaves the process group, so it outlives the stop with our pipes in its hands.
    sandbox, output, ended = spawn(
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid(); print('pid', os.getpid(), flush=True); time.sleep(900)\n"
        "time.sleep(900)"
    )
    wait_for(output, "pid", ended)
    escaped = int(output.tail().split()[1])

    sandbox.stop()

    os.kill(escaped, 9)
