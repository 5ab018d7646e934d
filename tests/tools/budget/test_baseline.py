from __future__ import annotations

import json
from pathlib import Path

import pytest
from coldcache.tools.budget import Baseline, Counts, Module, Startup
from coldcache.tools.lab import UsageError


def startup(*names: str, python: str = "3.11.7", function: str = "src:app.handler") -> Startup:
    modules = {name: Module(name, "python", True, "pandas", None, None, None) for name in names}
    counts = Counts(python, modules, frozenset(), {"a.py": 10}, {"pandas": "3.1.1"})
    return Startup(function, "init", counts, memory_bytes=123_456_789)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    baseline = Baseline()
    baseline.put("orders", startup("b", "a"))
    baseline.write(tmp_path / "b.json")

    entry = Baseline.read(tmp_path / "b.json").entry("orders", "src:app.handler", "3.11.9")

    assert entry is not None
    assert entry.modules == {"a", "b"}
    assert entry.counts == {"modules": 2, "extension_modules": 0, "files": 1, "bytes": 10}
    assert (entry.python, entry.packages) == ("3.11.7", {"pandas": "3.1.1"})


def test_the_text_is_sorted_and_holds_no_measured_figure(tmp_path: Path) -> None:
    baseline = Baseline()
    baseline.put("z", startup("b", "a"))
    baseline.put("a", startup("x"))
    baseline.write(tmp_path / "b.json")
    text = (tmp_path / "b.json").read_text()

    assert list(json.loads(text)["budgets"]) == ["a", "z"]
    assert json.loads(text)["budgets"]["z"]["pythons"]["3.11"]["modules"] == ["a", "b"]
    assert "123456789" not in text
    assert str(tmp_path) not in text


def test_a_module_more_is_one_line_more(tmp_path: Path) -> None:
    lines = []
    for names in (["a", "c"], ["a", "b", "c"]):
        baseline = Baseline()
        baseline.put("orders", startup(*names))
        baseline.write(tmp_path / "b.json")
        lines.append((tmp_path / "b.json").read_text().splitlines())

    changed = [line.strip() for line in lines[1] if line not in lines[0]]
    assert changed == ['"modules": 3,', '"b",']


def test_each_minor_version_has_its_own_entry(tmp_path: Path) -> None:
    baseline = Baseline()
    baseline.put("orders", startup("a"))
    baseline.put("orders", startup("b", python="3.12.1"))

    assert baseline.versions("orders") == ["3.11", "3.12"]
    old = baseline.entry("orders", "src:app.handler", "3.11.0")
    assert old is not None
    assert old.modules == {"a"}
    assert baseline.entry("orders", "src:app.handler", "3.10.1") is None


def test_the_entry_of_another_function_does_not_count() -> None:
    baseline = Baseline()
    baseline.put("orders", startup("a"))

    assert baseline.entry("orders", "src:other.handler", "3.11.7") is None


def test_changed_versions_are_told() -> None:
    baseline = Baseline()
    baseline.put("orders", startup("a", python="3.11.2"))
    entry = baseline.entry("orders", "src:app.handler", "3.11.7")
    new = Baseline()
    new.put("orders", startup("a"))
    now = new.entry("orders", "src:app.handler", "3.11.7")

    assert entry is not None
    assert now is not None
    assert entry.changed_packages(now) == ["Python 3.11.2 -> 3.11.7"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a baseline of startup budgets"),
        ('{"schema": "coldcache-lab"}', "is not a baseline of startup budgets"),
        ('{"schema": "coldcache-budget", "schema_version": 99}', "has version 99"),
        (
            '{"schema": "coldcache-budget", "schema_version": 1, "budgets": {"a": {}}}',
            "lacks fields",
        ),
        ('{"schema": "coldcache-budget", "schema_version": 1, "budgets": [1]}', "lacks fields"),
    ],
)
def test_a_file_that_is_none_is_refused_with_what_would_help(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "b.json").write_text(text)

    with pytest.raises(UsageError) as raised:
        Baseline.read(tmp_path / "b.json")

    assert message in str(raised.value)
    assert "coldcache budget --update" in str(raised.value)
