from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project, Run

MARKED = """
import pytest
@pytest.mark.startup_budget({})
def test_start({}): {}
"""
FUNCTION = "function='src:app.handler'"


@pytest.fixture
def write_test(project: Project) -> Callable[..., None]:
    def write(marker: str, *, fixture: str = "", body: str = "pass") -> None:
        project.write("test_start.py", MARKED.format(marker, fixture, body))

    return write


def test_a_budget_in_the_marker_passes_and_fails(
    write_test: Callable[..., None], run_pytest: Run, left_behind: Callable[[], list[str]]
) -> None:
    write_test(f"{FUNCTION}, modules=3, forbid=['pandas']")
    run = run_pytest()
    assert run.returncode == 0, run.stdout

    write_test(f"{FUNCTION}, forbid=['deep']")
    run = run_pytest()

    assert run.returncode == 1
    assert "1 failed" in run.stdout
    assert "src/layer.py:1  layer imports deep" in run.stdout
    assert "Traceback" not in run.stdout
    assert left_behind() == []


def test_a_budget_of_pyproject_is_named_by_the_marker(
    project: Project, write_test: Callable[..., None], run_pytest: Run
) -> None:
    project.budget('function = "src:app.handler"', "modules = 2")
    write_test("'orders'")

    run = run_pytest()

    assert run.returncode == 1
    assert "orders: EXCEEDED" in run.stdout
    assert "modules  3  at most 2  EXCEEDED" in run.stdout


def test_the_fixture_gives_the_counts(write_test: Callable[..., None], run_pytest: Run) -> None:
    write_test(
        FUNCTION,
        fixture="startup",
        body="assert (list(startup.modules), len(startup.files), startup.extension_modules)"
        " == (['app', 'deep', 'layer'], 3, ()) and startup.memory_bytes < 9e6",
    )

    run = run_pytest()

    assert run.returncode == 0, run.stdout


WRONG = {
    f"@pytest.mark.startup_budget({FUNCTION})\ndef test_0(): pass": (
        "sets no limit, so nothing could exceed it"
    ),
    f"@pytest.mark.startup_budget({FUNCTION}, module=3)\ndef test_1(): pass": (
        "there is no key 'module'; did you mean 'modules'?"
    ),
    f"@pytest.mark.startup_budget('orders', {FUNCTION})\ndef test_2(): pass": (
        "takes the name of a budget in pyproject.toml, or the keys"
    ),
    "@pytest.mark.startup_budget(function='src:none.handler')\ndef test_3(startup): pass": (
        "there is no module 'none'"
    ),
    "def test_4(startup): pass": "mark the test with @pytest.mark.startup_budget",
}


def test_what_is_wrong_with_a_marker_is_one_message(project: Project, run_pytest: Run) -> None:
    project.write("test_start.py", "import pytest\n" + "\n".join(WRONG))

    run = run_pytest()

    assert "3 failed, 2 errors" in run.stdout
    assert [message for message in WRONG.values() if message not in run.stdout] == []
    assert "During handling" not in run.stdout


def test_what_cannot_be_counted_is_a_warning(
    project: Project, write_test: Callable[..., None], run_pytest: Run
) -> None:
    write_test(f"{FUNCTION}, instructions=1")

    run = run_pytest(PATH=str(project.folder))

    assert run.returncode == 0, run.stdout
    assert "NotCounted: not counted: instructions of src:app.handler: there is no valgrind" in (
        " ".join(run.stdout.split())
    )


def test_workers_measure_a_function_once(
    project: Project, run_pytest: Run, left_behind: Callable[[], list[str]]
) -> None:
    started = str(project.folder / "started")
    project.write("src/deep.py", f"with open({started!r}, 'a') as file: file.write('x')\n")
    tests = "".join(
        f"@pytest.mark.startup_budget({FUNCTION}, modules={9 + number})\n"
        f"def test_{number}(): pass\n"
        for number in range(4)
    )
    project.write("test_start.py", f"import pytest\n{tests}")

    run = run_pytest("-n", "2", "--dist", "load")

    assert run.returncode == 0, run.stdout
    assert "4 passed" in run.stdout
    # A count is two processes.
    assert (project.folder / "started").read_text() == "xx"
    # pytest's own folder is made for the workers.
    assert [name for name in left_behind() if not name.startswith("pytest-of-")] == []


def test_the_plugin_imports_no_tool_until_a_test_needs_it() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, pytest; before = set(sys.modules); import coldcache.pytest_plugin; "
            "print(sorted(set(sys.modules) - before))",
        ],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )

    assert done.stdout.strip() == "['coldcache', 'coldcache._core', 'coldcache.pytest_plugin']"


def test_a_run_without_budgets_does_not_look_at_the_project(
    project: Project, run_pytest: Run
) -> None:
    project.budget("nonsense = 1")
    project.write("test_start.py", "def test_start(): pass\n")

    assert run_pytest("--strict-markers").returncode == 0
