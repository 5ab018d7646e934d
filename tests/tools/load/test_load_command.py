"""The command as a user runs it: `coldcache lab ... --load ...`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

NAPPING = """
    import pathlib, time
    def handler(event, context):
        with open(pathlib.Path(__file__).with_name("calls"), "a") as calls:
            calls.write("x")
        time.sleep(event.get("nap", 0))
        return "answer-of-the-function"
"""


# A stage of its own comes before the load where the simulator may be needed.
STAGES = {"never": "at the load", "beyond": "while measuring for the simulator"}


@pytest.fixture
def function(write_function):
    return write_function(NAPPING)


def test_strategies_are_put_side_by_side(run_lab_command, function, write_event):
    done = run_lab_command(
        *(function, "--event", write_event({})),
        *("--load", "constant:2/s", "--duration", "60s", "--compress", "40"),
        *("--keep-alive", "10s", "--strategies", "nothing,provisioned:1", "--json", "out.json"),
    )

    assert done.returncode == 0, done.stderr
    figures, _, compared = done.stdout.partition("against nothing")
    lines = [line.split() for line in figures.splitlines()]
    assert [line[1] for line in lines if line[:1] in (["nothing"], ["provisioned:1"])] == [
        "120"
    ] * 2
    assert "provisioned:1" in compared
    assert "better" in compared
    assert "All 240 calls were made by real processes." in done.stdout
    assert "us-east-1 x86, list prices of 2026-11" in done.stdout


def test_the_document_holds_every_row_and_no_payload(
    run_lab_command, function, write_event, workplace
):
    done = run_lab_command(
        *(function, "--event", write_event({"secret-of-the-event": 1})),
        *("--env", "TOKEN=secret-of-the-settings"),
        *("--load", "bursts:3@1s", "--duration", "1s", "--json", "out.json", "--seed", "7"),
    )
    text = (workplace / "out.json").read_text()
    document = json.loads(text)

    assert done.returncode == 0, done.stderr
    assert (document["schema"], document["schema_version"]) == ("coldcache-load", 1)
    assert document["seed"] == 7
    assert [row["kind"] for row in document["rows"]] == ["cold"] * 3
    assert [row["source"] for row in document["rows"]] == ["process"] * 3
    assert len(document["environments"]) == 3
    assert document["variants"][0]["cost"]["currency"] == "USD"
    assert document["options"]["env_names"] == ["TOKEN"]
    assert "secret" not in text
    assert "answer-of" not in text
    assert (workplace / "out.json").stat().st_mode & 0o777 == 0o600


def test_functions_of_a_trace_have_pools_of_their_own(
    run_lab_command, function, write_event, workplace
):
    trace = "HashOwner,HashApp,HashFunction,Trigger,0\no,a,first,http,2\no,a,second,http,1\n"
    Path("trace.csv").write_text(trace)
    done = run_lab_command(
        *(function, "--event", write_event({})),
        *("--load", "trace:trace.csv#1,second", "--compress", "100", "--json", "out.json"),
    )
    rows = json.loads((workplace / "out.json").read_text())["rows"]

    assert done.returncode == 0, done.stderr
    assert sorted(row["function"] for row in rows) == ["first", "first", "second"]
    assert {row["environment"] for row in rows if row["function"] == "second"}.isdisjoint(
        row["environment"] for row in rows if row["function"] == "first"
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--load", "sometimes"], "a load is constant:RATE"),
        (["--load", "poisson:5"], "the rate of 'poisson:5' is a rate like 5/s"),
        (["--load", "poisson:5/s"], "say how long it lasts with --duration"),
        (["--load", "poisson:1/d", "--duration", "1s"], "no arrivals within 1 s"),
        (["--load", "trace:none.csv"], "the trace 'none.csv' does not exist"),
        (["--load", "poisson:5/s", "--duration", "soon"], "--duration is a length of time"),
        (["--load", "poisson:5/s", "--runs", "3"], "--runs does not go with --load"),
        (["--load", "poisson:5/s", "--against", "x:y.z"], "--against does not go with --load"),
        (["--load", "poisson:5/s", "--strategies", "hope"], "a strategy is nothing, ping:5m"),
        (["--load", "poisson:5/s", "--keep-alive", "curve:x"], "there is no curve 'x'"),
        (["--load", "poisson:5/s", "--assume", "1s"], "--assume takes COLD,WARM"),
        (["--strategies", "nothing"], "--strategies needs a --load"),
        (["--compress", "3"], "--compress needs a --load"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_reason(
    run_lab_command, function, write_event, options, complaint
):
    done = run_lab_command(function, "--event", write_event({}), *options)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("simulate", STAGES, ids=STAGES.values())
def test_ctrl_c_leaves_a_partial_report_and_no_process(
    simulate, needs_runtime_client, function, write_event, workplace, command_environment
):
    command = subprocess.Popen(
        [sys.executable, "-m", "coldcache", "lab", function, "--event", write_event({"nap": 0.01}),
         "--load", "bursts:4@500ms", "--duration", "1h", "--json", "out.json",
         "--simulate", simulate],
        cwd=workplace,
        env=command_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    calls = workplace / "plain/calls"
    # Real time: real processes have to be at work before they can be interrupted.
    deadline = time.monotonic() + 30
    while not calls.exists() or calls.stat().st_size < 6:
        assert command.poll() is None, command.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    command.send_signal(signal.SIGINT)
    stdout, stderr = command.communicate(timeout=30)
    document = json.loads((workplace / "out.json").read_text())

    assert command.returncode == 130, stderr
    assert "stopped by SIGINT" in stderr
    assert "STOPPED after" in stdout
    assert document["is_partial"]
    assert bool(document["rows"]) == (simulate == "never")
    assert {row["outcome"] for row in document["rows"]} <= {"ok"}
    assert {span["end_reason"] for span in document["environments"]} <= {"stopped"}
    assert _processes_in(workplace) == []
    assert list(Path(command_environment["TMPDIR"]).iterdir()) == []


def test_pings_of_our_own_are_answered_without_the_users_code(
    run_lab_command, write_function, write_event, workplace, tmp_path
):
    counting = write_function(
        """
        import os, coldcache
        @coldcache.handler
        def handler(event, context):
            with open(os.environ["CALLS"], "a") as calls:
                print("call", file=calls)
        """
    )

    done = run_lab_command(
        *(counting, "--event", write_event({}), "--env", f"CALLS={tmp_path / 'calls'}"),
        *("--load", "constant:1/s", "--duration", "3s", "--keep-alive", "forever"),
        *("--strategies", "ping:1s", "--ping-event", "coldcache", "--json", "out.json"),
    )

    assert done.returncode == 0, done.stderr
    document = json.loads((workplace / "out.json").read_text())
    assert len(document["pings"]) == 3
    # One more before the load, which fills the bytecode cache.
    assert (tmp_path / "calls").read_text().split() == ["call"] * (3 + 1)


def _processes_in(folder: Path) -> list[str]:
    """Living processes that work in *folder* or below."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            place = Path(os.readlink(entry / "cwd"))
        except OSError:
            continue  # not a process, not ours, or ended while we looked
        if entry.name.isdigit() and int(entry.name) != os.getpid() and place.is_relative_to(folder):
            found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found
