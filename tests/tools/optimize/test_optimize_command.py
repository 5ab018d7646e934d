"""The command `coldcache optimize` as a user runs it: good input, bad input, what it leaves."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache._lock import Lock

# Takes long enough on any machine for a handful of samples to tell.
SLOW = "total = 0\nfor number in range(3_000_000):\n    total += number\n"
WORKING = {
    "app.py": """
        import slow
        import events

        def handler(event, context):
            return {"name": event["name"], "known": events.known}
        """,
    "slow.py": SLOW,
    "events.py": "import store\nknown = store.seen\n",
    "store.py": "seen = 3\n",
}
FAST = ("--runs", "5")


@pytest.fixture
def good(write_files: Callable, write_event: Callable[..., str]) -> list[str]:
    """Arguments of a run that finds something."""
    write_files(WORKING)
    return ["src:app.handler", "--event", write_event({"name": "payload-7f3a"}), *FAST]


def test_a_good_plan_is_written_reported_and_explained(
    good: list[str], run_optimize_command: Callable, workplace: Path
) -> None:
    before = {path.name: path.read_bytes() for path in (workplace / "src").iterdir()}

    run = run_optimize_command(*good, "--json", "out.json", "--html", "out.html")

    assert run.returncode == 0, run.stderr
    lock = Lock.read(workplace / "coldcache.lock")
    assert (lock.target, lock.edges["app"]) == ("app.handler", ("slow",))
    assert lock.fingerprints.keys() == {"app"}
    document = json.loads((workplace / "out.json").read_text())
    assert document["schema"] == "coldcache.optimize/1"
    assert document["verdict"] == "better"
    assert document["overall"]["init_plus_first_ratio"] < 0.9
    assert document["events"][0]["answers_equal"] is True
    assert document["removed_ms"] > 10 > document["moved_ms"]
    edges = {edge["edge"]: edge for edge in document["edges"]}
    assert edges["slow"]["used"] == "never"
    assert edges["slow"]["ms"] > 10
    assert "events" not in edges  # every call uses it: it stays at init
    assert document["lock"] == "coldcache.lock"
    assert document["files"]["changed"] == []
    assert "<html" in (workplace / "out.html").read_text()
    for name in ("coldcache.lock", "out.json", "out.html"):
        assert stat.S_IMODE((workplace / name).stat().st_mode) == 0o600
        assert "payload-7f3a" not in (workplace / name).read_text()
    assert "payload-7f3a" not in run.stdout + run.stderr
    for expected in ("init + first answer, ms", "answers: equal", "better:", "exec_wrapper"):
        assert expected in run.stdout
    after = {path.name: path.read_bytes() for path in (workplace / "src").iterdir()}
    assert after == before


def test_a_plan_that_only_moves_cost_is_refused(
    write_files: Callable, write_event: Callable, run_optimize_command: Callable, workplace: Path
) -> None:
    write_files(
        {
            "app.py": "import slow\ndef handler(event, context):\n    return slow.total\n",
            "slow.py": SLOW,
        }
    )
    (workplace / "coldcache.lock").write_text("an older one")

    run = run_optimize_command(
        "src:app.handler", "--event", write_event({}), *FAST, "--json", "out.json"
    )

    assert run.returncode == 0, run.stderr
    document = json.loads((workplace / "out.json").read_text())
    assert document["verdict"] == "only moved"
    assert document["lock"] is None
    assert (document["moved_ms"], document["edges"]) == (0, [])
    assert "No plan is written" in run.stdout
    assert (workplace / "coldcache.lock").read_text() == "an older one"


def test_a_function_without_imports_has_nothing_to_gain(
    write_files: Callable, write_event: Callable, run_optimize_command: Callable, workplace: Path
) -> None:
    write_files({"app.py": "def handler(event, context):\n    return 1\n"})

    run = run_optimize_command(
        "src:app.handler", "--event", write_event({}), "--runs", "2", "--json", "out.json"
    )

    assert run.returncode == 0, run.stderr
    document = json.loads((workplace / "out.json").read_text())
    assert document["verdict"] == "no gain"
    assert "no import can be deferred" in document["reason"]
    assert not (workplace / "coldcache.lock").exists()


def test_an_event_that_fails_already_is_named_with_its_error(
    write_files: Callable, write_event: Callable, run_optimize_command: Callable
) -> None:
    write_files({"app.py": "def handler(event, context):\n    return event['missing']\n"})

    run = run_optimize_command("src:app.handler", "--event", write_event({}))

    assert run.returncode == 1
    assert (
        "coldcache: error: src:app.handler fails on event 'event.json' as it is, "
        "without any plan: KeyError: 'missing'; give events that work"
    ) in run.stderr


def test_answers_that_vary_ask_for_same(
    write_files: Callable, write_event: Callable, run_optimize_command: Callable
) -> None:
    write_files({"app.py": "import os\ndef handler(e, c):\n    return os.urandom(9).hex()\n"})

    run = run_optimize_command("src:app.handler", "--event", write_event({}))

    assert run.returncode == 2
    assert "differently in two runs without any plan" in run.stderr
    assert "--same" in run.stderr


def test_answers_that_vary_are_proved_by_a_script(
    write_files: Callable, write_event: Callable, run_optimize_command: Callable, workplace: Path
) -> None:
    write_files(
        {
            "app.py": """
            import slow
            import os
            def handler(event, context):
                return {"id": os.urandom(9).hex(), "value": 1}
            """,
            "slow.py": SLOW,
        }
    )
    (workplace / "same.py").write_text(
        "import json, sys\n"
        "a, b = (json.load(open(path)) for path in sys.argv[1:])\n"
        "sys.exit(a['value'] != b['value'])\n"
    )

    run = run_optimize_command(
        "src:app.handler", "--event", write_event({}), "--same", "same.py", *FAST
    )

    assert run.returncode == 0, run.stderr
    assert "answers: equal" in run.stdout
    assert (workplace / "coldcache.lock").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--runs", "0"), "runs must be at least 1; got 0"),
        (("--workers", "0"), "workers must be at least 1; got 0"),
        (("--budget", "-3"), "budget must be a number of seconds above 0; got -3.0"),
        (("--same", "a =="), "--same takes a Python expression over a and b"),
        (("--out", "nowhere/coldcache.lock"), "the folder 'nowhere' does not exist"),
        (("--json", "coldcache.lock"), "--out and --json name the same file"),
        (("--python", "no-such-python"), "there is no Python interpreter 'no-such-python'"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(
    arguments: tuple[str, ...], message: str, good: list[str], run_optimize_command: Callable
) -> None:
    run = run_optimize_command(*good, *arguments)

    assert run.returncode == 2
    assert message in run.stderr


def test_an_interpreter_without_coldcache_is_told_how_to_get_it(
    good: list[str], run_optimize_command: Callable, workplace: Path
) -> None:
    (workplace / "src" / "coldcache").mkdir()
    (workplace / "src" / "coldcache" / "__init__.py").write_text("")

    run = run_optimize_command(*good)

    assert run.returncode == 2
    assert "coldcache cannot be used by" in run.stderr
    assert f"{sys.executable} -m pip install coldcache" in run.stderr


def test_a_lock_that_lies_in_the_folder_does_not_join_in(
    good: list[str], run_optimize_command: Callable, workplace: Path
) -> None:
    (workplace / "src" / "coldcache.lock").write_text("damaged")
    app = workplace / "src" / "app.py"
    app.write_text("import coldcache.auto\n" + app.read_text())

    run = run_optimize_command(*good)

    assert run.returncode == 0, run.stderr
    assert "slow" in Lock.read(workplace / "coldcache.lock").edges["app"]


def test_a_function_that_replaces_the_import_function_still_works_and_is_told(
    write_files: Callable, write_event: Callable, run_optimize_command: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import builtins
            original = builtins.__import__
            def mine(*args, **kwargs):
                return original(*args, **kwargs)
            builtins.__import__ = mine
            import colorsys
            def handler(event, context):
                return colorsys.__name__
            """
        }
    )

    run = run_optimize_command("src:app.handler", "--event", write_event({}), "--runs", "2")

    assert run.returncode == 0, run.stderr
    assert "builtins.__import__ is replaced by app.mine" in run.stderr
    assert "answers: equal" in run.stdout
    assert "no gain" in run.stdout
