"""Writing a page: the file, and documents that no page can be made of."""

from __future__ import annotations

import copy
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.page import render_page, write_page


@pytest.fixture
def document(
    outcome_document: Callable[..., dict[str, Any]], profile_document: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    return outcome_document(profile=profile_document(count=8))


def test_a_page_is_for_its_owner_only(document: dict[str, Any], tmp_path: Path) -> None:
    write_page(document, tmp_path / "out.html")

    assert stat.S_IMODE((tmp_path / "out.html").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]


def test_a_page_does_not_change_the_document(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)

    render_page(document)

    assert document == before


def test_the_same_document_gives_the_same_page(document: dict[str, Any]) -> None:
    assert render_page(document) == render_page(json.loads(json.dumps(document)))


def test_new_fields_and_missing_optional_ones_do_no_harm(document: dict[str, Any]) -> None:
    document["news"] = {"a": 1}
    document["edges"][0] |= {"news": [], "ms": None}
    document["events"][0]["metrics"]["novel_ms"] = document["events"][0]["metrics"]["init_ms"]
    del document["lock"], document["profile"]

    assert "novel" in render_page(document)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), "coldcache-bill", "of schema 'coldcache-bill'; give one of"),
        (("schema",), None, "schema is to be a text, got None"),
        (("removed_ms",), "many", "removed_ms is to be a number, got 'many'"),
        (("removed_ms",), float("nan"), "removed_ms is to be a finite number, got nan"),
        (("removed_ms",), True, "removed_ms is to be a number, got True"),
        (("edges",), {}, "edges is to be a list, got {}"),
        (("edges", 3, "importer"), 7, "edges[3].importer is to be a text, got 7"),
        (("events", 0, "modules", "plain"), 1.5, "events[0].modules.plain is to be a whole number"),
        (("search",), [], "search is to be an object, got []"),
        (("search", "complete"), 1, "search.complete is to be true or false, got 1"),
        (("profile", "schema"), "x", "profile.schema is 'x', not 'coldcache-profile'"),
        (("profile", "profiles"), [], "profiles is empty"),
        (("profile", "profiles", 0, "imports", 2, "phase"), "x", "there is no phase 'x'"),
        (("profile", "profiles", 0, "call_ms"), ["x"], "call_ms[0] is to be a number, got 'x'"),
    ],
)
def test_what_is_wrong_is_named_by_its_place_and_nothing_is_written(
    path: tuple[str | int, ...],
    value: object,
    message: str,
    document: dict[str, Any],
    tmp_path: Path,
) -> None:
    (tmp_path / "out.html").write_text("old")
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    with pytest.raises(UsageError) as caught:
        write_page(document, tmp_path / "out.html")

    assert message in str(caught.value)
    assert (tmp_path / "out.html").read_text() == "old"


def test_a_missing_field_is_named(document: dict[str, Any]) -> None:
    del document["events"][0]["metrics"]["init_ms"]["plain"]["low"]

    with pytest.raises(UsageError, match=r"events\[0\]\.metrics\.init_ms\.plain\.low is missing"):
        render_page(document)


def test_imports_that_name_each_other_as_parents_end(
    profile_document: Callable[..., dict[str, Any]],
) -> None:
    document = profile_document(count=5)
    imports = document["profiles"][0]["imports"]
    imports[1]["parent"], imports[2]["parent"] = 2, 1
    imports[3]["end_ns"] = 0

    assert ">app<" in render_page(document)


def test_a_chain_of_1500_imports_has_a_page(
    profile_document: Callable[..., dict[str, Any]],
) -> None:
    document = profile_document(count=1500)
    for number, one in enumerate(document["profiles"][0]["imports"]):
        one["parent"] = number - 1 if number else None

    assert "package1.module1499" in render_page(document)


def test_the_command_writes_a_page(
    needs_runtime_client: None,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    workplace: Path,
    command_environment: dict[str, str],
) -> None:
    target = write_function("import colorsys\ndef handler(event, context): return event")
    event = write_event({"name": "payload-7f3a"})
    arguments = [target, "--event", event, "--runs", "1", "--html", "out.html"]

    run = subprocess.run(
        [sys.executable, "-m", "coldcache", "profile", *arguments, "--env", "TOKEN=setting-99c1"],
        env=command_environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    page = (workplace / "out.html").read_text("utf-8")
    assert "plain:app.handler" in page
    assert "colorsys" in page
    assert "payload-7f3a" not in page
    assert "setting-99c1" not in page
    assert str(workplace) not in page.replace(str(workplace / "plain"), "")


def test_a_place_where_no_page_can_be_written_is_told_before_anything_runs(
    needs_runtime_client: None,
    write_function: Callable[..., str],
    write_event: Callable[..., str],
    command_environment: dict[str, str],
) -> None:
    target = write_function("raise SystemExit('it ran')")
    arguments = [target, "--event", write_event({}), "--html", "missing/out.html"]

    run = subprocess.run(
        [sys.executable, "-m", "coldcache", "profile", *arguments],
        env=command_environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert run.returncode == 2
    assert "--html 'missing/out.html': the folder 'missing' does not exist" in run.stderr
