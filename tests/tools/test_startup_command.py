"""``coldcache startup``: a timeline from a file or a pipe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import coldcache
import pytest


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
