"""Plans applied by a call: what may be given, what comes back, and how it is taken back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache._lock import Lock

Run = Callable[..., str]
START = """
import logging, pathlib, sys
import coldcache.auto as auto
from coldcache._lock import Lock
lines = []
class Lines(logging.Handler):
    def emit(self, record): lines.append(record.getMessage())
logging.getLogger("coldcache").addHandler(Lines())
logging.getLogger("coldcache").propagate = False
PLAN = {"app": ["heavy"]}
def is_deferred():
    import app
    deferred = "heavy" not in sys.modules
    assert app.use() == 42
    return deferred
"""


def lock(**changes: object) -> Lock:
    facts: dict[str, object] = {
        "target": "app.use",
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "requires": [],
        "edges": {"app": ["heavy"]},
        "fingerprints": {},
    }
    return Lock(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.fixture
def run(run_python: Run, tmp_path: Path) -> Run:
    """Run a program in a fresh interpreter, in a folder with a function and its locks."""
    (tmp_path / "heavy.py").write_text("VALUE = 42\n")
    (tmp_path / "app.py").write_text("import heavy\ndef use(): return heavy.VALUE\n")
    (tmp_path / "good.lock").write_text(lock().text())
    (tmp_path / "old.lock").write_text(lock(requires=["pandas-1.dist-info"]).text())
    (tmp_path / "bad.lock").write_text("nonsense")
    here = f"import os; os.chdir({str(tmp_path)!r})\n"
    return lambda program: run_python(here + START + program, env={"PYTHONPATH": str(tmp_path)})


GIVEN = {
    "path": "'good.lock'",
    "path-object": "pathlib.Path('good.lock')",
    "lock": "Lock.read('good.lock')",
    "mapping": "PLAN",
    "mapping-of-tuples": "{'app': ('heavy',)}",
    "mapping-of-sets": "{'app': {'heavy'}}",
}


@pytest.mark.parametrize("given", GIVEN)
def test_a_plan_is_applied(given: str, run: Run) -> None:
    run(f"assert auto.enable({GIVEN[given]}) is True\n"
        "assert auto.status() == 'applied' and lines == []\nassert is_deferred()")  # fmt: skip


def test_nothing_is_applied_at_first(run: Run) -> None:
    run("assert auto.status().startswith('not applied')\nassert not is_deferred()")


def test_a_plan_is_taken_back(run: Run) -> None:
    run("""
import app
auto.enable(PLAN)
auto.disable()
assert auto.status().startswith("not applied")
del sys.modules["app"], sys.modules["heavy"]
assert not is_deferred()
""")


def test_taking_back_nothing_is_no_error(run: Run) -> None:
    run("auto.disable(); auto.disable()\nassert auto.status().startswith('not applied')")


def test_a_plan_may_follow_another(run: Run) -> None:
    run("auto.enable({'nobody': ['nothing']}); auto.disable()\n"
        "assert auto.enable(PLAN)\nassert is_deferred()")  # fmt: skip


def test_a_plan_beside_another_is_refused(run: Run) -> None:
    run("""
auto.enable(PLAN)
try:
    auto.enable({"app": ["second"]})
except RuntimeError as error:
    assert str(error)
else:
    raise AssertionError("accepted")
assert auto.status() == "applied"
assert is_deferred()
""")


def test_a_lock_that_does_not_fit_is_refused_in_a_line(run: Run) -> None:
    run("""
assert auto.enable("old.lock") is False
assert len(lines) == 1 and "pandas-1" in lines[0], lines
assert "pandas-1" in auto.status()
assert not is_deferred()
assert auto.enable(PLAN) is True
""")


BAD = {
    "damaged": "'bad.lock'",
    "missing": "'no.lock'",
    "folder": "'.'",
    "number": "1",
    "none": "None",
    "list": "['heavy']",
    "shape": "{'app': 1}",
    "bytes": "b'good.lock'",
}


@pytest.mark.parametrize("given", BAD)
def test_what_is_no_plan_is_refused_and_changes_nothing(given: str, run: Run) -> None:
    run(f"""
import builtins
before, status = builtins.__import__, auto.status()
try:
    auto.enable({BAD[given]})
except (TypeError, ValueError, auto.PlanError) as error:
    assert str(error)
else:
    raise AssertionError("accepted")
assert builtins.__import__ is before and auto.status() == status
assert auto.enable(PLAN) is True
assert is_deferred()
""")


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="no hook: the interpreter's filter")
def test_beside_a_hook_of_others_imports_stay_eager(run: Run) -> None:
    run("""
import builtins
original = builtins.__import__
builtins.__import__ = lambda *a, **k: original(*a, **k)
assert auto.enable(PLAN) is False
assert len(lines) == 1 and "not applied" in auto.status(), (lines, auto.status())
assert not is_deferred()
""")


def test_modules_that_are_loaded_stay_as_they_are(run: Run) -> None:
    run("""
import app
heavy = app.heavy
auto.enable(PLAN)
assert app.heavy is heavy and app.use() == 42
""")
