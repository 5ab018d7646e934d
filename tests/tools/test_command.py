"""The command as a user runs it: a process of its own, piped, with good and with bad input."""

from __future__ import annotations

import json
import os
import re
import stat
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

ONE = ("--runs", "1", "--warmups", "0")
HELLO = """
def handler(event, context):
    return {"hello": event["name"]}
"""


@pytest.fixture
def hello(write_function: Callable[..., str], write_event: Callable[..., str]) -> list[str]:
    """Arguments of a good run."""
    return [write_function(HELLO), "--event", write_event({"name": "payload-7f3a"}), *ONE]


def test_the_report_names_functions_machine_and_metrics(
    hello: list[str], run_lab_command: Callable, write_function: Callable[..., str]
) -> None:
    other = write_function(HELLO, folder="tuned")

    run = run_lab_command(other, *hello[1:], "--against", hello[0])

    assert run.returncode == 0, run.stderr
    for expected in (
        "target    tuned:app.handler",
        "baseline  plain:app.handler",
        "machine   ",
        "awslambdaric",
        "event event.json",
        "init, ms",
        "init + first answer, ms",
        "warm answer, ms",
        "peak memory, MB",
        "modules at init",
        "ratio [95 %]",
        "answers: equal",
        "With n = 1",
    ):
        assert expected in run.stdout


SLEEPY = "import time\ntime.sleep(0.2)\n" + HELLO
GATE = ("--runs", "12", "--fail-on", "worse")


def test_a_gate_ends_with_code_3_where_the_target_is_worse(
    hello: list[str], run_lab_command: Callable, write_function: Callable[..., str]
) -> None:
    sleepy = write_function(SLEEPY, folder="sleepy")

    run = run_lab_command(sleepy, *hello[1:], "--against", hello[0], *GATE)

    assert run.returncode == 3, run.stderr
    assert re.search("^verdict: worse in init, ", run.stdout, re.MULTILINE)


def test_a_gate_lets_pass_what_is_better(
    hello: list[str], run_lab_command: Callable, write_function: Callable[..., str]
) -> None:
    sleepy = write_function(SLEEPY, folder="sleepy")

    run = run_lab_command(*hello, "--against", sleepy, *GATE)

    assert run.returncode == 0, run.stderr
    assert re.search("^verdict: better in init, ", run.stdout, re.MULTILINE)


def test_without_a_gate_worse_is_no_failure(
    hello: list[str], run_lab_command: Callable, write_function: Callable[..., str]
) -> None:
    sleepy = write_function(SLEEPY, folder="sleepy")

    run = run_lab_command(sleepy, *hello[1:], "--against", hello[0])

    assert run.returncode == 0
    assert "verdict: too few rounds" in run.stdout
    assert "A verdict needs at least 12 rounds; these are 1." in run.stdout


def test_distributions_have_intervals_and_say_what_is_not_bounded(
    hello: list[str], run_lab_command: Callable
) -> None:
    run = run_lab_command(*hello, "--runs", "6", "--distributions")

    assert "init, ms, event event.json" in run.stdout
    assert re.search(r"plain +6 +[\d.]+ \[[\d.]+, [\d.]+\] +[\d.]+ \[[\d.]+, -\]", run.stdout)
    assert "both ends need this many: p90 36, p95 72, p99 368, p99.9 3,688." in run.stdout


def test_a_page_and_a_document_can_be_written_in_one_run(
    hello: list[str], run_lab_command: Callable, workplace: Path
) -> None:
    run = run_lab_command(*hello, "--against", hello[0], "--html", "o.html", "--json", "o.json")

    assert run.returncode == 0, run.stderr
    page = (workplace / "o.html").read_text()
    assert stat.S_IMODE((workplace / "o.html").stat().st_mode) == 0o600
    assert "plain:app.handler" in page
    assert "payload-7f3a" not in page
    assert json.loads((workplace / "o.json").read_text())["verdict"] == "too few rounds"


def test_a_load_has_distributions_and_a_page(
    hello: list[str], run_lab_command: Callable, workplace: Path
) -> None:
    load = ("--load", "constant:20/s", "--duration", "1s", "--html", "o.html", "--distributions")

    run = run_lab_command(*hello[:3], *load)

    assert run.returncode == 0, run.stderr
    assert "cold starts [95 %]" in run.stdout
    assert "payload-7f3a" not in (workplace / "o.html").read_text()


def test_progress_is_a_line_a_round_on_stderr(hello: list[str], run_lab_command: Callable) -> None:
    run = run_lab_command(*hello, "--runs", "2", "--warmups", "1")

    lines = [re.sub(r"\d+ ms", "N ms", line) for line in run.stderr.splitlines()]
    assert lines == [
        "warm-up 1/1 done",
        "round 1/2 done; init + first answer: plain N ms",
        "round 2/2 done; init + first answer: plain N ms",
    ]


def test_piped_output_has_no_control_codes(hello: list[str], run_lab_command: Callable) -> None:
    run = run_lab_command(*hello)

    assert re.findall(r"[^\n\x20-\x7e\u2500-\u257f]", run.stdout + run.stderr) == []


def test_forced_colours_do_not_bring_a_live_display_into_a_pipe(
    hello: list[str], run_lab_command: Callable
) -> None:
    run = run_lab_command(*hello, env={"FORCE_COLOR": "1"})

    assert "\x1b[?25l" not in run.stderr
    assert "round 1/1 done" in run.stderr


def test_answers_that_differ_are_shown_as_position_and_excerpt(
    hello: list[str], run_lab_command: Callable, write_function: Callable[..., str]
) -> None:
    long = "s" * 200
    other = write_function(f"def handler(event, context): return '{long}'", folder="other")

    run = run_lab_command(*hello, "--against", other)

    assert run.returncode == 0
    line = next(line for line in run.stdout.splitlines() if line.startswith("answers: "))
    assert line.startswith("answers: DIFFERENT - the first answers of the two functions differ")
    assert "first at byte 0" in line
    assert "s" * 30 not in line


def test_the_document_is_complete_and_for_its_owner_only(
    hello: list[str], run_lab_command: Callable, workplace: Path
) -> None:
    run_lab_command(*hello, "--json", "out.json")

    out = workplace / "out.json"
    document = json.loads(out.read_text())
    assert (document["schema"], document["schema_version"]) == ("coldcache-lab", 1)
    assert len(document["samples"]) == 1
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_no_payload_answer_or_setting_is_in_document_or_report(
    hello: list[str], run_lab_command: Callable, workplace: Path
) -> None:
    run = run_lab_command(*hello, "--env", "TOKEN=setting-99c1", "--json", "out.json")

    everything = (workplace / "out.json").read_text() + run.stdout + run.stderr
    assert "TOKEN" in everything
    assert "setting-99c1" not in everything
    assert "payload-7f3a" not in everything


def test_a_new_document_replaces_the_old_one_and_leaves_nothing_beside_it(
    hello: list[str], run_lab_command: Callable, workplace: Path
) -> None:
    (workplace / "out.json").write_text("old")

    run_lab_command(*hello, "--json", "out.json")

    assert json.loads((workplace / "out.json").read_text())["schema"] == "coldcache-lab"
    names = {path.name for path in workplace.iterdir()}
    assert names == {"plain", "event.json", "out.json"}


def test_a_failed_run_leaves_the_old_document_as_it_was(
    run_lab_command: Callable,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    workplace: Path,
) -> None:
    spec = write_function("def handler(event, context): raise ValueError")
    (workplace / "out.json").write_text("old")

    run = run_lab_command(spec, "--event", write_event(), *ONE, "--json", "out.json")

    assert run.returncode == 1
    assert (workplace / "out.json").read_text() == "old"
    assert {path.name for path in workplace.iterdir()} == {"plain", "event.json", "out.json"}


# Wrong use: exit code 2, one message, no process started


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "nowhere:app.handler"}, "folder 'nowhere'"),
        ({"target": "plain:missing.handler"}, "no module 'missing' in the folder 'plain'"),
        ({"target": "plain:app.missing"}, "Handler 'missing' missing on module 'app'"),
        ({"target": "plain"}, "FOLDER:module.handler"),
        ({"against": "nowhere:app.handler"}, "folder 'nowhere'"),
        ({"event": "missing.json"}, "event file 'missing.json' does not exist"),
        ({"runs": "0"}, "runs must be at least 1; got 0"),
        ({"relevant": "-1"}, "relevant must be a number of percent, 0 or more; got -1"),
        ({"fail-on": "worse"}, "--fail-on compares with a baseline; name one with --against"),
        (
            {"fail-on": "worse", "against": "plain:app.handler", "runs": "11"},
            "--fail-on needs at least 12 runs for a verdict on 5 figures; got 11",
        ),
        ({"html": "missing/out.html"}, "--html 'missing/out.html': the folder 'missing'"),
        ({"html": "a", "json": "a"}, "--html and --json name the same file, 'a'"),
        ({"warmups": "-1"}, "warmups must be 0 or more; got -1"),
        ({"timeout": "0"}, "timeout must be a number of seconds above 0; got 0"),
        ({"env": "no-equals-sign"}, "--env takes NAME=VALUE"),
        ({"env": "AWS_LAMBDA_RUNTIME_API=x"}, "--env AWS_LAMBDA_RUNTIME_API cannot be set"),
        ({"python": "no-such-python"}, "no Python interpreter 'no-such-python'"),
        ({"python": "/bin/ls"}, "'/bin/ls' did not answer as a Python interpreter"),
        ({"json": "missing/out.json"}, "the folder 'missing' does not exist"),
        ({"json": "plain"}, "--json 'plain' is a folder"),
    ],
)
def test_wrong_use_ends_with_one_message_and_code_2(
    changes: dict[str, str],
    message: str,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    run_lab_command: Callable,
) -> None:
    options = {"target": write_function(HELLO), "event": write_event({"name": 1}), **changes}
    target = options.pop("target")
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]

    run = run_lab_command(target, *arguments)

    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("coldcache: error: ")
    assert message in run.stderr.splitlines()[0]


def test_an_event_that_is_not_json_is_named(
    hello: list[str], write_event: Callable[..., str], run_lab_command: Callable
) -> None:
    run = run_lab_command(hello[0], "--event", write_event(text="{'a': 1}", name="bad.json"))

    assert run.returncode == 2
    assert "the event 'bad.json' is not JSON" in run.stderr


def test_an_interpreter_without_the_runtime_client_is_named(
    hello: list[str], run_lab_command: Callable, tmp_path: Path
) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    python = str(tmp_path / "bare" / "bin" / "python")

    run = run_lab_command(*hello, "--python", python)

    assert run.returncode == 2
    assert f"awslambdaric is not installed for '{python}'" in run.stderr


def test_wrong_use_starts_no_process_of_the_function(
    run_lab_command: Callable,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    workplace: Path,
) -> None:
    spec = write_function("open('started', 'w')\ndef handler(event, context): pass")

    run_lab_command(spec, "--event", write_event(), "--against", "nowhere:app.handler")

    assert not (workplace / "plain" / "started").exists()


# A function that fails: exit code 1, one message, the evidence below it


@pytest.mark.parametrize(
    ("source", "message", "evidence"),
    [
        (
            "print('module says hello')\nraise RuntimeError('broken at import')",
            "failed while starting: RuntimeError: broken at import",
            ["Traceback (most recent call last):", "app.py", "module says hello"],
        ),
        (
            "import not_installed_anywhere",
            "Unable to import module 'app': No module named 'not_installed_anywhere'",
            [],
        ),
        ("def handler(event, context)", "Runtime.UserCodeSyntaxError", ["app.py"]),
        (
            "def handler(event, context):\n  print('working')\n  raise KeyError('broken in call')",
            "failed on event 'event.json' (first call): KeyError: 'broken in call'",
            ["Traceback (most recent call last):", "in handler", "working"],
        ),
        (
            "calls = []\ndef handler(event, context):\n  calls.append(1)\n  assert len(calls) < 2",
            "failed on event 'event.json' (warm call): AssertionError",
            ["in handler"],
        ),
        (
            "def handler(event, context): return {1, 2}",
            "Runtime.MarshalError: Unable to marshal response",
            [],
        ),
        (
            "def handler(event, context): return 'x' * 6_291_555",
            "the answer has 6291557 bytes; the platform accepts 6291556",
            [],
        ),
        (
            "import sys\nprint('giving up')\nsys.exit(3)",
            "its process ended with exit code 3 before it asked for its first event",
            ["giving up"],
        ),
        (
            "import os\ndef handler(event, context): os.kill(os.getpid(), 11)",
            "its process was ended by SIGSEGV while it worked on event 'event.json' (first call)",
            [],
        ),
        (
            "import time\nprint('still waiting')\ntime.sleep(900)",
            "did not ask for its first event within 1.5 s; --init-timeout sets the limit",
            ["still waiting"],
        ),
        (
            "import time\ndef handler(event, context): time.sleep(900)",
            "did not answer event 'event.json' (first call) within 1.5 s; --timeout sets the limit",
            [],
        ),
    ],
)
def test_a_failing_function_ends_with_one_message_its_evidence_and_code_1(
    source: str,
    message: str,
    evidence: list[str],
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    run_lab_command: Callable,
    command_environment: dict[str, str],
) -> None:
    limits = ("--init-timeout", "1.5", "--timeout", "1.5") if "900" in source else ()

    run = run_lab_command(write_function(source), "--event", write_event({}), *ONE, *limits)

    headline, *details = run.stderr.splitlines()
    assert run.returncode == 1
    assert run.stdout == ""
    assert headline.startswith("coldcache: error: plain:app.handler")
    assert message in headline
    for text in evidence:
        assert any(text in line for line in details)
    assert "import time:" not in run.stderr
    assert os.listdir(command_environment["TMPDIR"]) == []


def test_the_function_cannot_send_control_codes_to_the_terminal(
    write_function: Callable[..., str], write_event: Callable[..., str], run_lab_command: Callable
) -> None:
    spec = write_function("print('\\x1b]0;owned\\x07')\nraise RuntimeError('\\x1b[2Jgone')")

    run = run_lab_command(spec, "--event", write_event({}), *ONE)

    assert r"\x1b[2Jgone" in run.stderr
    assert "\x1b" not in run.stderr
    assert "\x07" not in run.stderr


def test_the_traceback_is_shown_once(
    write_function: Callable[..., str], write_event: Callable[..., str], run_lab_command: Callable
) -> None:
    spec = write_function("def handler(event, context): raise ValueError('only once')")

    run = run_lab_command(spec, "--event", write_event({}), *ONE)

    assert run.stderr.count("Traceback (most recent call last):") == 1
