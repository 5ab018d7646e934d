"""Lines of JSON in a file: whole, bounded, and for nobody else."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coldcache._invocation import Invocation
from coldcache.export.jsonl import JsonLines

Make = Callable[..., Invocation]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def test_a_line_has_every_attribute_of_the_call(first: Make, path: Path) -> None:
    call = first()
    JsonLines(path).emit(call)
    assert json.loads(path.read_text("ascii")) == {"schema": 1, **call.to_dict()}


def test_lines_are_appended_to_what_is_there(first: Make, path: Path) -> None:
    path.write_text('{"old":1}\n')
    JsonLines(path).emit(first())
    JsonLines(path).emit(first())
    assert len(path.read_text().splitlines()) == 3


@pytest.mark.parametrize("mode", [None, 0o644])
def test_the_file_is_for_its_owner_only(first: Make, path: Path, mode: int | None) -> None:
    if mode is not None:
        path.touch(mode)
    JsonLines(path).emit(first())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_json_cannot_hold_becomes_null_or_is_cut_and_counted(first: Make, path: Path) -> None:
    exporter = JsonLines(path)
    call = first(
        init_seconds=float("nan"), call_seconds=float("inf"), function_name="x\ud800" * 1000
    )
    exporter.emit(call)
    document = json.loads(path.read_text("ascii"))
    assert document["init_seconds"] is document["call_seconds"] is None
    assert document["function_name"] == "x?" * 512
    assert exporter.cut == 1


def test_a_full_file_is_moved_on_and_both_are_bounded(first: Make, path: Path) -> None:
    exporter = JsonLines(path, max_bytes=10_000)
    for number in range(100):
        exporter.emit(first(request_id=f"r{number}"))
    older = path.with_name(path.name + ".1")
    assert sorted(path.parent.iterdir()) == [path, older]
    assert max(path.stat().st_size, older.stat().st_size) <= 10_000
    lines = (older.read_text() + path.read_text()).splitlines()
    told = [json.loads(line)["request_id"] for line in lines]
    assert told == [f"r{number}" for number in range(100 - len(told), 100)]


def _write(path: Path, barrier: Any, call: dict[str, Any]) -> None:
    exporter = JsonLines(path, max_bytes=200_000)
    invocation = Invocation(**call)
    barrier.wait()
    for _ in range(100):
        exporter.emit(invocation)


def test_lines_of_several_processes_do_not_mix(first: Make, path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    call = first().to_dict()
    crew = [context.Process(target=_write, args=(path, barrier, call)) for _ in range(4)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
        assert one.exitcode == 0
    lines = (path.with_name(path.name + ".1").read_text() + path.read_text()).splitlines()
    assert len(lines) == 400
    assert {json.loads(line)["request_id"] for line in lines} == {"8d4c"}


def test_a_symbolic_link_is_not_followed(first: Make, path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"calls\.jsonl"):
        JsonLines(path).emit(first())
    assert not (tmp_path / "elsewhere").exists()


def test_a_pipe_or_a_folder_is_refused_and_not_waited_for(first: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match=str(place)):
            JsonLines(place).emit(first())


def test_a_file_that_cannot_be_written_is_an_error(first: Make, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        JsonLines(tmp_path / "missing" / "calls.jsonl").emit(first())


@pytest.mark.parametrize(
    ("path", "options", "error", "says"),
    [
        (5, {}, TypeError, "PathLike"),
        (b"x", {}, TypeError, "path must be a text or a path, got b'x'"),
        ("", {}, ValueError, "must name a file, got ''"),
        ("a\0b", {}, ValueError, "must name a file"),
        ("a", {"max_bytes": 1.5}, TypeError, "a whole number, got 1.5"),
        ("a", {"max_bytes": True}, TypeError, "a whole number, got True"),
        ("a", {"max_bytes": 9999}, ValueError, "at least 10000, got 9999"),
    ],
)
def test_wrong_options_are_refused(
    path: Any, options: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        JsonLines(path, **options)
