from __future__ import annotations

import sys
from pathlib import Path

import pytest
from coldcache.tools.budget import Project, case_of, find_project
from coldcache.tools.lab import UsageError

GOOD = '[tool.coldcache.budget.orders]\nfunction = "src:app.handler"\nmodules = 3\n'


def read(folder: Path, text: str) -> Project:
    (folder / "pyproject.toml").write_text(text)
    return Project.read(folder / "pyproject.toml")


def test_budgets_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    project = read(tmp_path, GOOD + GOOD.replace("orders", "bills").replace("3", "4"))

    assert [(one.name, one.modules) for one in project.chosen([])] == [("orders", 3), ("bills", 4)]
    assert [one.name for one in project.chosen(["bills"])] == ["bills"]


def test_the_baseline_lies_beside_the_file_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).baseline == tmp_path / "coldcache-budget.json"
    moved = read(tmp_path, '[tool.coldcache.budget]\nbaseline = "ci/start.json"\n' + GOOD)
    assert moved.baseline == tmp_path / "ci" / "start.json"


def test_the_innermost_file_around_a_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)

    assert find_project(inner) == tmp_path / "pyproject.toml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no budgets in"),
        ("[tool.black]\n", "there are no budgets in"),
        ("[tool.coldcache.budget]\nmodules = 3\n", "'modules' is neither a table"),
        ("[tool.coldcache.budget]\nbaseline = 3\n", "baseline must be the path of a file; got 3"),
        ("[tool.coldcache]\nbudget = 3\n", "must be a table"),
        ('[tool.coldcache.budget.a]\nfunction = "src:app.handler"\n', "it sets no limit"),
        ("[tool.coldcache.budget.a]\nmodules = 3\n", "[tool.coldcache.budget.a] in pyproject.toml"),
        ("[tool", "cannot be read: Expected"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text).chosen([])

    assert message in str(raised.value)


def test_without_a_reader_of_toml_what_to_install_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on Python 3.10 without the extra.
    for name in ("tomllib", "tomli"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(UsageError, match=r"needs the package tomli.*coldcache\[tools\]"):
        read(tmp_path, GOOD)


def test_a_name_that_is_none_brings_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no budget 'order' .* did you mean 'orders'"):
        read(tmp_path, GOOD).chosen(["order"])


def test_a_missing_function_folder_is_named_with_its_budget(tmp_path: Path) -> None:
    project = read(tmp_path, GOOD)

    with pytest.raises(UsageError, match=r"budget 'orders': the folder .* does not exist"):
        case_of(project.budgets["orders"], project.folder)


def test_functions_and_events_are_named_from_the_folder_of_the_file(tmp_path: Path) -> None:
    project = read(tmp_path, GOOD + 'event = "e.json"\n')
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").touch()
    (tmp_path / "e.json").write_text("{}")

    case = case_of(project.budgets["orders"], project.folder)

    assert case.target.folder == tmp_path / "src"
    assert case.until == "first answer"
