"""The command is stopped while the function hangs: nothing stays behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LONG_S = 30.0

# Says its process group through a FIFO, starts a child of its own, and hangs.
HANGING = """
import os, subprocess, sys, time

def hang():
    subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(900)"])
    with open(os.environ["FIFO"], "w") as fifo:
        fifo.write(f"{os.getpgrp()}\\n")
    time.sleep(900)
"""
AT_IMPORT = HANGING + "hang()\n"
IN_CALL = HANGING + "def handler(event, context): hang()\n"
# Hangs once it has been called so often, in this process or in others before it.
LATER = (
    HANGING
    + """
def handler(event, context):
    with open(os.environ["CALLS"], "a+") as calls:
        print("call", file=calls, flush=True)
        calls.seek(0)
        if len(calls.readlines()) > int(os.environ["HANG_AFTER"]):
            hang()
    return "answered"
"""
)


@pytest.fixture
def hanging(
    needs_runtime_client: None,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    workplace: Path,
    command_environment: dict[str, str],
    tmp_path: Path,
) -> Iterator[Callable[..., tuple[subprocess.Popen[str], int]]]:
    """Start the command on a hanging function; give the command and the function's group."""
    commands = []

    def start(source: str, *options: str) -> tuple[subprocess.Popen[str], int]:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        try:
            command = subprocess.Popen(
                [
                    *(sys.executable, "-m", "coldcache", "lab", write_function(source)),
                    *("--event", write_event({}), "--env", f"FIFO={fifo}", "--json", "out.json"),
                    *options,
                ],
                cwd=workplace,
                env=command_environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            commands.append(command)
            assert select.select([reading], [], [], LONG_S)[0], "the function did not start"
            return command, int(os.read(reading, 100))
        finally:
            os.close(reading)

    yield start
    for command in commands:
        if command.poll() is None:
            command.kill()
        command.communicate()


@pytest.mark.parametrize("source", [AT_IMPORT, IN_CALL], ids=["at import", "in a call"])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_command_leaves_no_process_no_file_and_says_so(
    hanging: Callable,
    group_members: Callable[[int], list[int]],
    group_ends: Callable[[int], bool],
    workplace: Path,
    command_environment: dict[str, str],
    source: str,
    signum: int,
) -> None:
    (workplace / "out.json").write_text("old")
    command, group = hanging(source)
    assert len(group_members(group)) == 2

    command.send_signal(signum)
    stdout, stderr = command.communicate(timeout=LONG_S)

    assert command.returncode == 128 + signum
    assert stderr == f"coldcache: stopped by {signal.Signals(signum).name}\n"
    assert stdout == ""
    assert group_ends(group)
    assert (workplace / "out.json").read_text() == "old"
    assert os.listdir(command_environment["TMPDIR"]) == []


def later(tmp_path: Path, calls: int) -> tuple[str, ...]:
    """Options for a function that hangs after so many calls."""
    return "--env", f"CALLS={tmp_path / 'calls'}", "--env", f"HANG_AFTER={calls}"


def test_a_stopped_run_reports_the_rounds_before(
    hanging: Callable, group_ends: Callable[[int], bool], workplace: Path, tmp_path: Path
) -> None:
    # A call to count modules, then two a sample: it hangs in the fourth round after the warm-up.
    command, group = hanging(LATER, "--runs", "30", "--warmups", "1", *later(tmp_path, 1 + 2 * 4))

    command.send_signal(signal.SIGINT)
    stdout, stderr = command.communicate(timeout=LONG_S)

    assert command.returncode == 128 + signal.SIGINT
    assert stderr.endswith("coldcache: stopped by SIGINT\n")
    assert "STOPPED after 3 rounds" in stdout
    assert group_ends(group)
    document = json.loads((workplace / "out.json").read_text())
    assert document["is_partial"]
    assert document["results"][0]["metrics"]["init_ms"]["target"]["n"] == 3


def test_a_life_that_is_stopped_reports_the_calls_before(
    hanging: Callable, group_ends: Callable[[int], bool], workplace: Path, tmp_path: Path
) -> None:
    command, group = hanging(LATER, "--calls", "9", "--warmups", "0", *later(tmp_path, 2))

    command.send_signal(signal.SIGINT)
    stdout, stderr = command.communicate(timeout=LONG_S)

    assert command.returncode == 128 + signal.SIGINT
    assert stderr == "coldcache: stopped by SIGINT\n"
    assert "STOPPED after 2 of 9 calls" in stdout
    assert group_ends(group)
    document = json.loads((workplace / "out.json").read_text())
    assert [call["outcome"] for call in document["calls"]] == ["ok", "ok"]
    assert document["is_partial"]
