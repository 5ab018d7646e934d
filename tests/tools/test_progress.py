"""What a terminal sees while a run goes on: the command on a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def run_on_terminal(
    needs_runtime_client: None, workplace: Path, command_environment: dict[str, str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command with stderr on a terminal and stdout piped."""

    def run(*arguments: str, terminal: str = "xterm") -> tuple[int, str, str]:
        ours, theirs = os.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "coldcache", "lab", *arguments],
            cwd=workplace,
            env={**command_environment, "TERM": terminal},
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        ) as command:
            os.close(theirs)
            shown = b""
            with contextlib.suppress(OSError):  # how Linux ends a terminal nobody holds
                while block := os.read(ours, 65536):
                    shown += block
            os.close(ours)
            stdout, _ = command.communicate(timeout=50)
        return command.returncode, stdout, shown.decode()

    return run


@pytest.fixture
def hello(write_function: Callable[..., str], write_event: Callable[..., str]) -> list[str]:
    spec = write_function("def handler(event, context): return event")
    return [spec, "--event", write_event({}), "--runs", "2"]


def test_a_terminal_gets_a_bar_that_counts_processes(
    hello: list[str], run_on_terminal: Callable
) -> None:
    _, stdout, shown = run_on_terminal(*hello)

    assert "1/4" in shown
    assert "4/4" in shown
    assert "answers: equal" in stdout


def test_the_cursor_is_given_back(hello: list[str], run_on_terminal: Callable) -> None:
    _, _, shown = run_on_terminal(*hello)

    assert shown.count(HIDE_CURSOR) == shown.count(SHOW_CURSOR) == 1


def test_the_cursor_is_given_back_before_an_error_is_shown(
    hello: list[str], write_function: Callable[..., str], run_on_terminal: Callable
) -> None:
    write_function("def handler(event, context): raise ValueError")

    code, _, shown = run_on_terminal(*hello)

    assert code == 1
    assert shown.index(SHOW_CURSOR) < shown.index("coldcache: error:")


def test_a_terminal_without_cursor_gets_plain_lines(
    hello: list[str], run_on_terminal: Callable
) -> None:
    _, _, shown = run_on_terminal(*hello, terminal="dumb")

    assert "round 2/2 done" in shown
    assert "\x1b" not in shown


def test_many_rounds_make_few_lines(hello: list[str], run_on_terminal: Callable) -> None:
    _, _, shown = run_on_terminal(*hello, "--runs", "50", "--warmups", "0", terminal="dumb")

    assert len(shown.splitlines()) == 17
    assert "round 50/50 done" in shown
