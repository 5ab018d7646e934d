from __future__ import annotations

import sys
from pathlib import Path

import held_out
import pytest
from held_out import Ran, Result, Tried
from optimizing import Optimized

FOLDERS = sorted(path.parent for path in held_out.HELD_OUT.glob("*/function"))
EQUAL = {"events": [], "edges": []}


def ran(exit_code=0, output=b"1\n", errors=b"", status="applied"):
    return Ran(exit_code, output, errors, 100, status)


def result(count, planned=None, changed=()):
    tried = [Tried(str(at), ran(status=""), planned or ran()) for at in range(count)]
    return Result("package", Optimized(EQUAL, list(changed), None), tried)


def test_the_same_under_a_plan_that_is_applied_is_the_same():
    assert Tried("a", ran(status=""), ran()).verdict == "same"


@pytest.mark.parametrize(
    "planned", [ran(exit_code=1), ran(output=b"2\n"), ran(errors=b"a warning\n")]
)
def test_another_exit_code_output_or_warning_is_different(planned):
    assert Tried("a", ran(status=""), planned).verdict == "DIFFERENT"


@pytest.mark.parametrize("status", ["", "not applied: no coldcache.lock"])
def test_a_plan_that_was_not_applied_shows_nothing(status):
    assert "NOT APPLIED" in Tried("a", ran(status=""), ran(status=status)).verdict


def test_a_snippet_that_fails_without_a_plan_shows_nothing():
    assert Tried("a", ran(exit_code=1, status=""), ran(exit_code=1)).verdict != "same"


def test_eight_snippets_that_do_the_same_hold():
    assert held_out.holds(result(8))


@pytest.mark.parametrize(
    "bad", [result(7), result(8, planned=ran(output=b"")), result(8, changed=["a.py"])]
)
def test_fewer_other_or_changed_do_not_hold(bad):
    assert not held_out.holds(bad)


def test_reasons_that_many_edges_share_are_counted_not_listed():
    edges = [
        {"importer": "a", "edge": str(at), "line": at, "state": "eager", "reason": "used at once"}
        for at in range(held_out.MOST_ROWS_A_REASON + 1)
    ]
    edges.append({"importer": "b", "edge": "c", "line": 7, "state": "eager", "reason": "registers"})
    table = held_out.eager_edges(Result("a", Optimized({"edges": edges}, [], None), []))
    assert table.rows == [["b", "c", "7", "registers"]]
    assert table.note == f"{held_out.MOST_ROWS_A_REASON + 1} more: used at once"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_package_has_enough_snippets_one_event_and_pinned_versions(folder):
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert all("==" in line for line in requirements if not line.startswith("#"))
    assert len(list(folder.glob("events/*.json"))) == 1
    assert len(list(folder.glob("snippets/*.py"))) >= held_out.AT_LEAST


def test_a_snippet_runs_as_a_program_and_its_end_is_told(tmp_path):
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        "import pickle, sys\n"
        "class A: pass\n"
        "print(type(pickle.loads(pickle.dumps(A()))).__name__, __name__, len(sys.argv))\n"
        "raise SystemExit(3)\n"
    )
    build = type("Build", (), {"python": Path(sys.executable)})
    ended = held_out.run_snippet(build, snippet)
    assert (ended.exit_code, ended.output, ended.errors) == (3, b"A __main__ 1\n", b"")
    assert ended.modules > 10
