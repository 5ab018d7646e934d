"""``coldcache startup``: a timeline from a file or a pipe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import coldcache
import pytest
from coldcache.tools.startup.picture import MOST_ROWS, draw_svg


def run(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "coldcache", "startup", *arguments],
        input=given,
        capture_output=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def document(tmp_path: Path) -> Path:
    coldcache.testing.reset()
    with coldcache.step("load"):
        pass
    path = tmp_path / "startup.json"
    path.write_text(coldcache.startup().to_json())
    return path


def test_a_file_is_drawn(document: Path) -> None:
    code, shown, _ = run(str(document))

    assert code == 0
    assert "step load" in shown


def test_a_pipe_is_read_and_can_be_spans(document: Path) -> None:
    code, shown, _ = run("-", "--spans", given=document.read_bytes())

    assert code == 0
    assert "step load" in [span["name"] for span in json.loads(shown)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "Expecting value"),
        (b"[]", "no document of the schema"),
        (b'{"schema": "coldcache-startup", "version": 9}', "version 9 is not known"),
        (b"\xff", "can't decode"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * (4 * 1024 * 1024 + 1), "larger than any timeline"),
    ],
    ids=["empty", "list", "version", "bytes", "deep", "large"],
)
def test_what_is_no_timeline_is_one_line_and_exit_code_2(text: bytes, complaint: str) -> None:
    code, shown, error = run("-", given=text)

    assert (code, shown) == (2, "")
    assert complaint in error
    assert len(error.splitlines()) == 1


def test_a_file_that_is_not_there_is_named() -> None:
    code, _, error = run("none.json")

    assert code == 2
    assert "none.json cannot be read: No such file" in error


def test_a_picture_is_well_formed_and_shows_each_step(document: Path, tmp_path: Path) -> None:
    picture = tmp_path / "start.svg"

    code, shown, _ = run(str(document), "--svg", str(picture))

    assert (code, shown) == (0, "")
    names = [one.text or "" for one in ET.parse(picture).iter() if "title" in one.tag]
    assert any(name.startswith("step load: ") for name in names)


def test_a_picture_escapes_what_it_shows() -> None:
    document = coldcache.startup().to_dict()
    hostile = "</title><script>alert(1)</script>\x07&"
    document["function_name"] = hostile
    document["steps"] = [
        {
            "id": 0,
            "parent": None,
            "kind": "step",
            "name": hostile,
            "begin_ms": 0.0,
            "ms": 1.0,
            "error": None,
            "tags": {},
        }
    ]

    picture = ET.fromstring(draw_svg(document))

    assert not [one for one in picture.iter() if "script" in one.tag]


def test_a_picture_shows_the_longest_steps_and_what_is_around_them() -> None:
    document = coldcache.startup().to_dict()
    rest = {"kind": "step", "error": None, "tags": {}, "begin_ms": 0.0}
    around = [{"id": 0, "parent": None, "name": "around", "ms": 0.1, **rest}]
    short = [
        {"id": n, "parent": None, "name": f"short {n}", "ms": 0.2, **rest} for n in range(1, 99)
    ]
    longest = [{"id": 99, "parent": 0, "name": "longest", "ms": 5.0, **rest}]
    document["steps"] = around + short + longest

    drawn = draw_svg(document)

    assert "step longest: 5.0 ms" in drawn
    assert "step around: 0.1 ms" in drawn
    assert f"{100 - MOST_ROWS} shorter steps are not shown" in drawn


def test_parents_in_a_ring_are_drawn_once() -> None:
    document = coldcache.startup().to_dict()
    rest = {"kind": "step", "error": None, "tags": {}, "begin_ms": 0.0, "ms": 1.0}
    document["steps"] = [
        {"id": 0, "parent": 1, "name": "a", **rest},
        {"id": 1, "parent": 0, "name": "b", **rest},
    ]

    assert draw_svg(document).count("step a: 1.0 ms") == 1


def test_a_picture_and_spans_do_not_go_together(document: Path, tmp_path: Path) -> None:
    code, _, told = run(str(document), "--spans", "--svg", str(tmp_path / "start.svg"))

    assert code == 2
    assert "leave one of them out" in told
    assert not (tmp_path / "start.svg").exists()
