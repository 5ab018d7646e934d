from __future__ import annotations

import json
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project, Run

FUNCTION = 'function = "src:app.handler"'


def test_a_function_within_its_budget_ends_with_0(
    project: Project, run_budget: Run, left_behind: Callable[[], list[str]]
) -> None:
    project.budget(FUNCTION, "modules = 3", "extension_modules = 0", 'forbid = ["pandas"]')

    run = run_budget()

    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("orders: within   src:app.handler until the end of init")
    assert "forbid pandas      not loaded" in run.stdout
    assert "note: the baseline has no entry for budget 'orders'" in run.stdout
    assert left_behind() == []


def test_an_import_three_modules_deep_is_caught_with_its_chain_and_gone_without_it(
    project: Project, run_budget: Run
) -> None:
    project.budget(FUNCTION, 'forbid = ["email"]', "new_modules = 0")
    assert run_budget("--update").returncode == 0
    project.write("src/deep.py", "VALUE = 1\nimport email.mime.text\n")

    run = run_budget("--json", "out.json")

    assert run.returncode == 1, run.stderr
    assert "EXCEEDED" in run.stdout
    lines = [" ".join(line.split()) for line in run.stdout.splitlines()]
    chain = [
        "src/app.py:1 app imports layer",
        "src/layer.py:1 layer imports deep",
    ]
    start = lines.index(chain[0])
    assert lines[start : start + 2] == chain
    assert lines[start + 2].startswith("src/deep.py:2 deep imports email")
    document = json.loads((project.folder / "out.json").read_text())
    [budget] = document["budgets"]
    assert document["is_exceeded"] is True
    assert "email.mime.text" in budget["difference"]["new"]
    assert [edge["line"] for edge in budget["ways"][0]["chain"]] == [1, 1, 2]
    assert stat.S_IMODE((project.folder / "out.json").stat().st_mode) == 0o600

    project.write("src/deep.py", "VALUE = 1\n")
    again = run_budget()
    assert again.returncode == 0, again.stdout
    assert "as in the baseline" in again.stdout


def test_what_is_gone_since_the_baseline_is_named(project: Project, run_budget: Run) -> None:
    project.budget(FUNCTION, "modules = 3")
    run_budget("--update")
    project.write("src/layer.py", "")

    run = run_budget()

    assert run.returncode == 0, run.stderr
    assert "since the baseline: modules -1, files -1, bytes -" in run.stdout
    assert "gone: deep" in run.stdout


def test_without_a_baseline_the_heaviest_ways_are_named(project: Project, run_budget: Run) -> None:
    project.budget(FUNCTION, "modules = 3")
    project.write("src/deep.py", "import importlib\nimportlib.import_module('sqlite3')\n")

    run = run_budget()

    assert run.returncode == 1
    assert "what brings most modules:" in run.stdout
    assert "deep imports sqlite3" in run.stdout


def test_the_baseline_can_be_committed(project: Project, run_budget: Run) -> None:
    table = f"[tool.coldcache.budget.{{}}]\n{FUNCTION}\nmodules = 9\n"
    project.write("pyproject.toml", table.format("a") + table.format("b"))
    path = project.folder / "coldcache-budget.json"

    run = run_budget("--update")

    assert run.returncode == 0, run.stderr
    text = path.read_text()
    assert list(json.loads(text)["budgets"]) == ["a", "b"]
    assert str(project.folder) not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    # Those that are not named are kept, and what is the same is written the same.
    assert run_budget("--update", "a").returncode == 0
    assert path.read_text() == text
    project.write("pyproject.toml", table.format("b"))
    run_budget("--update")
    assert list(json.loads(path.read_text())["budgets"]) == ["b"]


def test_a_baseline_of_another_python_is_named(project: Project, run_budget: Run) -> None:
    project.budget(FUNCTION, "new_modules = 0")
    run_budget("--update")
    path = project.folder / "coldcache-budget.json"
    document = json.loads(path.read_text())
    # What another interpreter would have written.
    budget = document["budgets"]["orders"]
    budget["pythons"] = {"3.9": next(iter(budget["pythons"].values()))}
    path.write_text(json.dumps(document))

    run = run_budget()

    assert run.returncode == 2
    assert "the baseline of budget 'orders' was made with Python 3.9, this is 3." in run.stderr
    assert "coldcache budget --update" in run.stderr


def test_with_an_event_the_first_answer_counts(project: Project, run_budget: Run) -> None:
    project.write("src/app.py", "def handler(event, context):\n    import colorsys\n")
    project.write("event.json", "{}")
    project.budget(FUNCTION, 'event = "event.json"', "modules = 1", 'forbid = ["colorsys"]')

    run = run_budget()

    assert run.returncode == 1, run.stderr
    assert "until its first answer" in run.stdout
    assert "forbid colorsys  not loaded" in run.stdout
    assert "app imports colorsys" in run.stdout


def test_time_is_judged_by_its_interval(project: Project, run_budget: Run) -> None:
    # 200 ms are several times the start of the bare client, on a busy machine too.
    project.write("src/deep.py", "import time\ntime.sleep(0.2)  # real time: what is measured\n")
    project.budget(FUNCTION, "time_ratio = 1.2", "runs = 5")

    run = run_budget()

    assert run.returncode == 1, run.stderr
    assert "95 % interval" in run.stdout


def test_variables_reach_the_function_and_no_output(project: Project, run_budget: Run) -> None:
    project.write("src/deep.py", "import os\nif os.environ['A'] == 'secret-77': import colorsys\n")
    project.budget(FUNCTION, "modules = 3", 'env = { A = "secret-77" }')

    run = run_budget("--json", "out.json")

    assert run.returncode == 1, run.stderr
    everything = run.stdout + run.stderr + (project.folder / "out.json").read_text()
    assert "colorsys" in everything
    assert "secret-77" not in everything


def test_in_a_workflow_the_line_is_annotated(project: Project, run_budget: Run) -> None:
    project.budget(FUNCTION, 'forbid = ["colorsys"]')
    project.write("src/deep.py", "VALUE = 1\nimport colorsys\n")

    run = run_budget(GITHUB_ACTIONS="true", GITHUB_WORKSPACE=str(project.folder.parent))

    assert run.returncode == 1
    [command] = [line for line in run.stdout.splitlines() if line.startswith("::")]
    assert command == (
        "::error file=work/src/deep.py,line=2,title=startup budget orders"
        "::forbid colorsys: 1; colorsys comes by app > layer > deep > colorsys"
    )


def test_instructions_without_valgrind_are_said_not_to_be_counted(
    project: Project, run_budget: Run
) -> None:
    project.budget(FUNCTION, "instructions = 1")

    run = run_budget(PATH=str(project.folder), GITHUB_ACTIONS="true")

    assert run.returncode == 0, run.stderr
    assert "NOT COUNTED  there is no valgrind on the PATH" in run.stdout
    assert "::warning title=startup budget orders::instructions was not counted" in run.stdout


@pytest.mark.parametrize(
    ("lines", "arguments", "message"),
    [
        ([FUNCTION, "modles = 3"], [], "there is no key 'modles'; did you mean 'modules'?"),
        (['function = "src:app.none"', "modules = 3"], [], "Handler 'none' missing"),
        ([FUNCTION, "modules = 3", 'event = "x.json"'], [], "x.json' does not exist"),
        ([FUNCTION, 'forbid = ["json"]'], [], "the runtime client loads it itself"),
        ([FUNCTION, "new_modules = 0"], [], "the baseline has no entry for budget 'orders'"),
        ([FUNCTION, "modules = 3"], ["--config", "none.toml"], "there is no such file"),
        ([FUNCTION, "modules = 3"], ["--json", "no/out.json"], "the folder 'no' does not exist"),
    ],
)
def test_what_cannot_be_run_ends_with_2_and_one_message(
    project: Project, run_budget: Run, lines: list[str], arguments: list[str], message: str
) -> None:
    project.budget(*lines)

    run = run_budget(*arguments)

    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("coldcache: error: ")
    assert message in run.stderr.splitlines()[0]


def test_a_function_that_fails_is_neither_within_nor_exceeded(
    project: Project, run_budget: Run, left_behind: Callable[[], list[str]]
) -> None:
    project.budget(FUNCTION, "modules = 3")
    project.write("src/deep.py", "raise RuntimeError('broken at import')\n")

    run = run_budget("--update")

    assert run.returncode == 2
    assert "broken at import" in run.stderr
    assert "Traceback (most recent call last):" in run.stderr
    assert not (project.folder / "coldcache-budget.json").exists()
    assert left_behind() == []
