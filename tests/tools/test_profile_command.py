"""The command `coldcache profile` as a user runs it: the real client, good and bad input."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ONE = ("--runs", "1")
SOURCE = """
import sqlite3
try:
    import not_there
except ImportError:
    pass

calls = 0

def handler(event, context):
    global calls
    calls += 1
    if calls == 1:
        import colorsys
    else:
        import quopri
    return {"calls": calls}
"""


@pytest.fixture
def run_profile_command(
    needs_runtime_client: None, workplace: Path, command_environment: dict[str, str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python -m coldcache profile`` to its end, both streams piped."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "coldcache", "profile", *arguments],
            cwd=workplace,
            env={**command_environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return run


@pytest.fixture
def good(write_function: Callable[..., str], write_event: Callable[..., str]) -> list[str]:
    """Arguments of a good run."""
    return [write_function(SOURCE), "--event", write_event({"name": "payload-7f3a"}), *ONE]


@pytest.fixture
def document(good: list[str], run_profile_command: Callable, workplace: Path) -> dict:
    """The JSON of a good run."""
    run = run_profile_command(*good, "--json", "out.json")
    assert run.returncode == 0, run.stderr
    return json.loads((workplace / "out.json").read_text())


def test_the_report_names_phases_distributions_and_modules(
    good: list[str], run_profile_command: Callable
) -> None:
    run = run_profile_command(*good)

    assert run.returncode == 0, run.stderr
    for expected in (
        "target    plain:app.handler",
        "event event.json",
        "init  ",
        "own times:",
        "first call",
        "call 2",
        "awslambdaric",
        "(standard library)",
        "(function)",
        "imports during init",
        "sqlite3",
        "imports during first call",
        "colorsys",
        "imports during later calls",
        "quopri",
        "The tracer's own work",
    ):
        assert expected in run.stdout
    assert run.stderr.splitlines() == [
        "process 1/2 done, on event.json",
        "process 2/2 done, on event.json",
    ]


def test_every_phase_has_its_imports(document: dict) -> None:
    [profile] = document["profiles"]
    phases = {one["name"]: one["phase"] for one in profile["imports"]}

    assert phases["sqlite3"] == phases["awslambdaric.bootstrap"] == "init"
    assert (phases["colorsys"], phases["quopri"]) == ("first call", "later calls")


def test_the_document_says_who_asked_and_what_failed(document: dict, workplace: Path) -> None:
    by_name = {one["name"]: one for one in document["profiles"][0]["imports"]}
    app = str(workplace / "plain" / "app.py")

    assert (by_name["sqlite3"]["asked_file"], by_name["sqlite3"]["asked_line"]) == (app, 2)
    assert by_name["not_there"]["error"] == "ModuleNotFoundError"
    assert by_name["app"]["origin"] == app
    assert by_name["app"]["kind"] == "bytecode"


def test_the_parts_of_init_fit_into_it(document: dict) -> None:
    [profile] = document["profiles"]
    roots = [one for one in profile["imports"] if one["parent"] is None and one["phase"] == "init"]
    imports_ms = sum(one["total_ns"] for one in roots) / 1e6

    assert document["schema"] == "coldcache-profile"
    assert 0 < profile["start_ms"] < profile["init_ms"]
    assert 0 < profile["start_ms"] + imports_ms < profile["init_ms"]
    assert len(profile["call_ms"]) == 2


def test_distributions_are_summed(document: dict) -> None:
    shares = {share["name"]: share for share in document["profiles"][0]["distributions"]}

    client = shares["awslambdaric"]
    assert client["version"] == document["machine"]["awslambdaric"]
    assert client["modules"] > 3
    assert client["self_ms"]["init"] > 0
    assert client["disk_bytes"] > 10_000
    assert shares["(function)"]["modules"] == 1


def test_the_function_runs_as_without_the_profiler(
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    run_profile_command: Callable,
    workplace: Path,
) -> None:
    spec = write_function(
        """
        import sys
        def handler(event, context):
            told = [sys.argv[1:], sys.path[0], __name__, "tracer" in vars(sys.modules["__main__"])]
            open("told", "w").write(repr(told))
        """
    )

    run = run_profile_command(spec, "--event", write_event(1), *ONE)

    assert run.returncode == 0, run.stderr
    folder = str((workplace / "plain").resolve())
    assert (workplace / "plain" / "told").read_text() == repr(
        [["app.handler"], folder, "app", False]
    )


def test_all_files_are_for_their_owner_only(
    good: list[str], run_profile_command: Callable, workplace: Path
) -> None:
    options = ("--json", "--speedscope", "--chrome-trace", "--collapsed")
    outputs = [part for option in options for part in (option, f"out{option}")]

    run = run_profile_command(*good, *outputs)

    assert run.returncode == 0, run.stderr
    made = sorted(path.name for path in workplace.iterdir() if path.name.startswith("out"))
    assert made == sorted(f"out{option}" for option in options)
    for name in made:
        assert stat.S_IMODE((workplace / name).stat().st_mode) == 0o600
    assert json.loads((workplace / "out--speedscope").read_text())["profiles"]
    assert json.loads((workplace / "out--chrome-trace").read_text())["traceEvents"]
    assert "event.json;init;app;sqlite3" in (workplace / "out--collapsed").read_text()


def test_no_payload_answer_or_setting_is_in_files_or_report(
    good: list[str], run_profile_command: Callable, workplace: Path
) -> None:
    run = run_profile_command(*good, "--env", "TOKEN=setting-99c1", "--json", "out.json")

    everything = (workplace / "out.json").read_text() + run.stdout + run.stderr
    assert "TOKEN" in everything
    assert "setting-99c1" not in everything
    assert "payload-7f3a" not in everything


def test_nothing_is_left_in_the_temporary_folder(
    good: list[str], run_profile_command: Callable, command_environment: dict[str, str]
) -> None:
    run_profile_command(*good)

    assert os.listdir(command_environment["TMPDIR"]) == []


def test_each_event_has_a_profile_of_its_own(
    good: list[str],
    write_event: Callable[..., str],
    run_profile_command: Callable,
    workplace: Path,
) -> None:
    more = ("--event", write_event(2, name="two.json"), "--calls", "1", "--json", "out.json")

    run = run_profile_command(*good, *more)

    assert run.returncode == 0, run.stderr
    profiles = json.loads((workplace / "out.json").read_text())["profiles"]
    assert [profile["event"] for profile in profiles] == ["event.json", "two.json"]
    assert all("quopri" not in {one["name"] for one in it["imports"]} for it in profiles)


def test_a_text_of_importtime_is_shown_and_converted(
    run_profile_command: Callable, workplace: Path
) -> None:
    with (workplace / "times.txt").open("w") as file:
        subprocess.run(
            [sys.executable, "-I", "-X", "importtime", "-c", "import json"],
            stderr=file,
            timeout=40,
            check=True,
        )

    run = run_profile_command("--importtime", "times.txt", "--top", "500", "--json", "out.json")

    assert run.returncode == 0, run.stderr
    assert "json.decoder" in run.stdout
    document = json.loads((workplace / "out.json").read_text())
    assert document["source"] == "importtime"
    assert "json" in [one["name"] for one in document["imports"]]


# Wrong use: exit code 2, one message, no process started


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "nowhere:app.handler"}, "folder 'nowhere'"),
        ({"target": "plain:app.missing"}, "Handler 'missing' missing on module 'app'"),
        ({"event": "missing.json"}, "event file 'missing.json' does not exist"),
        ({"runs": "0"}, "runs must be at least 1; got 0"),
        ({"calls": "0"}, "calls must be at least 1; got 0"),
        ({"top": "0"}, "top must be at least 1; got 0"),
        ({"timeout": "nan"}, "timeout must be a number of seconds above 0; got nan"),
        ({"env": "PYTHONPROFILEIMPORTTIME=1"}, "cannot be set"),
        ({"python": "no-such-python"}, "no Python interpreter 'no-such-python'"),
        ({"json": "missing/out.json"}, "--json 'missing/out.json': the folder 'missing'"),
        ({"speedscope": "plain"}, "--speedscope 'plain' is a folder"),
        ({"collapsed": "x", "chrome-trace": "./x"}, "name the same file"),
        ({"importtime": "times.txt"}, "a function and events have no place there"),
    ],
)
def test_wrong_use_ends_with_one_message_and_code_2(
    changes: dict[str, str],
    message: str,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    run_profile_command: Callable,
) -> None:
    options = {"target": write_function(SOURCE), "event": write_event({}), **changes}
    target = options.pop("target")
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]

    run = run_profile_command(target, *arguments)

    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("coldcache: error: ")
    assert message in run.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a function, FOLDER:module.handler, or a file with --importtime"),
        (("plain:app.handler",), "no event given"),
        (("--importtime", "none.txt"), "--importtime 'none.txt': the file does not exist"),
    ],
)
def test_what_is_missing_is_named(
    arguments: tuple[str, ...],
    message: str,
    write_function: Callable[..., str],
    run_profile_command: Callable,
) -> None:
    write_function(SOURCE)

    run = run_profile_command(*arguments)

    assert run.returncode == 2
    assert message in run.stderr


def test_an_interpreter_without_coldcache_is_named(
    good: list[str], run_profile_command: Callable, tmp_path: Path
) -> None:
    import awslambdaric  # noqa: PLC0415 - optional

    venv.create(tmp_path / "bare", symlinks=True)
    [site] = (tmp_path / "bare").glob("lib/python3*/site-packages")
    installed = Path(awslambdaric.__file__).parent.parent
    # The client and what it needs, and nothing of ours.
    for path in installed.iterdir():
        if path.name.startswith(("awslambdaric", "simplejson", "snapshot", "runtime_client")):
            os.symlink(path, site / path.name)
    python = str(tmp_path / "bare" / "bin" / "python")

    run = run_profile_command(*good, "--python", python)

    assert run.returncode == 2
    assert f"coldcache cannot be used by '{python}': No module named 'coldcache'" in run.stderr


def test_a_function_that_fails_ends_with_its_traceback_and_code_1(
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    run_profile_command: Callable,
    workplace: Path,
) -> None:
    spec = write_function("raise RuntimeError('broken at import')")
    (workplace / "out.json").write_text("old")

    run = run_profile_command(spec, "--event", write_event(), *ONE, "--json", "out.json")

    assert run.returncode == 1
    assert "failed while starting: RuntimeError: broken at import" in run.stderr
    assert "Traceback (most recent call last):" in run.stderr
    assert (workplace / "out.json").read_text() == "old"
