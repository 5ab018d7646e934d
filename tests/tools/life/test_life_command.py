"""``coldcache lab --calls``: one row a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import Command

COUNTING = """
import os
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if event.get("crash"): os._exit(3)
    if event.get("fail"): raise ValueError(event["fail"])
    return calls
"""


def rows(output: str) -> list[list[str]]:
    """The cells of the table: number, time, kind, start, the figures, outcome."""
    return [line.split() for line in output.splitlines() if line[:4].strip().isdigit()]


def test_every_call_has_a_row(
    run_lab_command: Command, write_function: Callable[..., str], write_event: Callable[..., str]
) -> None:
    run = run_lab_command(
        write_function(COUNTING),
        *("--event", write_event({}), "--event", write_event({"crash": 1}, name="crash.json")),
        *("--calls", "3"),
    )

    assert run.returncode == 0, run.stderr
    kinds = [row[2:4] for row in rows(run.stdout)]
    assert kinds == [["cold", "on-demand"], ["warm", "warm"], ["cold", "re-init"]]
    assert "crash: its process ended with exit code 3" in run.stdout
    assert "the first failure" in run.stderr


def test_the_document_holds_the_records_and_no_payload(
    run_lab_command: Command,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    workplace: Path,
) -> None:
    run = run_lab_command(
        write_function(COUNTING),
        *("--event", write_event({"fail": "a secret"}), "--calls", "2", "--json", "out.json"),
        *("--initialization", "snap-start", "--env", "TOKEN=hidden"),
    )

    assert run.returncode == 0, run.stderr
    text = (workplace / "out.json").read_text()
    document = json.loads(text)
    assert (document["schema"], document["schema_version"]) == ("coldcache-lab-life", 1)
    assert document["start"]["start_class"] == "restored"
    assert [call["outcome"] for call in document["calls"]] == ["error", "error"]
    assert [call["error"] for call in document["calls"]] == ["ValueError", "ValueError"]
    assert document["options"]["life"]["initialization"] == "snap-start"
    assert document["options"]["env_names"] == ["TOKEN"]
    assert "secret" not in text
    assert "hidden" not in text


def test_workers_are_called_side_by_side(
    run_lab_command: Command, write_function: Callable[..., str], write_event: Callable[..., str]
) -> None:
    meeting = """
    import os, time
    from pathlib import Path
    place = Path(os.environ["TMPDIR"])
    def handler(event, context):
        (place / str(os.getpid())).touch()
        while len(list(place.iterdir())) < 2: time.sleep(0.002)
    """
    run = run_lab_command(
        write_function(meeting),
        *("--event", write_event({}), "--calls", "2"),
        *("--initialization", "lambda-managed-instances", "--workers", "2"),
    )

    assert run.returncode == 0, run.stderr
    assert [row[2:4] for row in rows(run.stdout)] == [
        ["warm", "managed-instance"],
        ["warm", "warm"],
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--freeze", "60"], "shows only over several calls; give --calls N"),
        (["--calls", "0"], "calls must be at least 1; got 0"),
        (["--calls", "1", "--against", "plain:app.handler"], "leave out --against"),
        (["--calls", "1", "--workers", "2"], "give --initialization lambda-managed-instances"),
        (["--calls", "1", "--memory", "64"], "memory must be between 128 and 10240 MB; got 64"),
        (
            ["--calls", "1", "--initialization", "snap-start", "--proactive-gap", "1"],
            "leave out one of --proactive-gap and --initialization",
        ),
    ],
)
def test_impossible_options_are_refused(
    run_lab_command: Command,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    options: list[str],
    message: str,
) -> None:
    run = run_lab_command(write_function(COUNTING), "--event", write_event({}), *options)

    assert run.returncode == 2
    assert message in run.stderr.replace("\n", " ")


def test_what_the_machine_cannot_do_is_said_in_the_report(
    run_lab_command: Command,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    tmp_path: Path,
) -> None:
    run = run_lab_command(
        write_function(COUNTING),
        *("--event", write_event({}), "--calls", "2", "--freeze", "60"),
        env={"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "", "CC": "no-such-compiler"},
    )

    assert run.returncode == 2
    assert "needs a C compiler" in run.stderr
