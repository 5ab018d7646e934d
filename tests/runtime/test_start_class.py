"""The rules of the start class that need no client, and the mark a start leaves."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from coldcache import _runtime_client, _start_class


@pytest.fixture(autouse=True)
def _neutral(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_MAX_CONCURRENCY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_start_class, "_predecessor", None)
    monkeypatch.setattr(_runtime_client, "waited", None)


@pytest.mark.parametrize(
    ("waited", "expected"),
    [(0.0, "on-demand"), (0.099, "on-demand"), (0.1, "proactive"), (600.0, "proactive")],
)
def test_how_long_the_client_waited_decides(
    waited: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_runtime_client, "waited", waited)

    assert _start_class.decide()[0] == expected


@pytest.mark.parametrize(("ago", "expected"), [(1.0, "on-demand"), (11.0, "proactive")])
def test_without_a_client_the_first_call_has_ten_seconds(
    ago: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only one clock need say so: the other stands still in a freeze.
    now = (_start_class.time.perf_counter(), _start_class.time.time() - ago)
    monkeypatch.setattr(_start_class, "_declared_at", now)
    found, rule = _start_class.decide()

    assert found == expected
    assert "no runtime client seen" in rule


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("provisioned-concurrency", "provisioned"),
        ("snap-start", "restored"),
        ("lambda-managed-instances", "managed-instance"),
    ],
)
def test_what_the_platform_says_is_named_as_the_rule(
    kind: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)

    assert _start_class.decide() == (expected, f"AWS_LAMBDA_INITIALIZATION_TYPE is {kind}")


def test_a_crash_comes_before_provisioned_concurrency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")
    monkeypatch.setattr(_start_class, "_predecessor", "process 7")

    assert _start_class.decide()[0] == "re-init"


@pytest.fixture
def mark(tmp_path: Path) -> str:
    return str(tmp_path / "mark")


def write_mark(path: str, text: str) -> None:
    Path(path).write_text(text)


def test_the_first_start_finds_nothing_and_leaves_its_mark_for_its_owner(mark: str) -> None:
    assert _start_class.leave_mark(mark) is None
    assert Path(mark).read_text() == f"{os.getpid()} {_start_class.start_ticks('self')}"
    assert stat.S_IMODE(os.stat(mark).st_mode) == 0o600
    assert os.listdir(os.path.dirname(mark)) == ["mark"]


def test_the_mark_of_a_process_that_is_gone_tells_of_a_crash(mark: str) -> None:
    write_mark(mark, f"{os.getpid()} 1")  # the same number, another process

    assert _start_class.leave_mark(mark) == f"process {os.getpid()}"
    assert _start_class.leave_mark(mark) is None  # now it is its own


def test_a_helper_of_a_living_process_leaves_the_mark_alone(mark: str) -> None:
    parent = f"{os.getppid()} {_start_class.start_ticks(os.getppid())}"
    write_mark(mark, parent)

    assert _start_class.leave_mark(mark) is None
    assert Path(mark).read_text() == parent


@pytest.mark.parametrize("text", ["", "7", "x y", "7 -1", "\xff 3", "7 " + "1" * 200 + "x"])
def test_a_damaged_mark_is_none(text: str, mark: str) -> None:
    Path(mark).write_bytes(text.encode("latin-1"))

    assert _start_class.leave_mark(mark) is None


def test_a_link_in_its_place_is_not_followed(mark: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("7 1")
    os.symlink(target, mark)

    assert _start_class.leave_mark(mark) is None
    assert target.read_text() == "7 1"


def test_a_pipe_in_its_place_does_not_block(mark: str) -> None:
    os.mkfifo(mark)

    assert _start_class.leave_mark(mark) is None


def test_a_folder_that_is_not_there_costs_the_mark_and_no_more(tmp_path: Path) -> None:
    assert _start_class.leave_mark(str(tmp_path / "none" / "mark")) is None


ENVIRONMENT = {
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/27/[$LATEST]0123456789abcdef0123456789abcdef",
    "TMPDIR": "/scratch",
}


def test_environments_have_marks_of_their_own() -> None:
    other = {**ENVIRONMENT, "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/27/[$LATEST]f" + "0" * 31}
    one, two = _start_class._mark_path(ENVIRONMENT), _start_class._mark_path(other)

    assert one is not None
    assert one.startswith("/scratch/.coldcache-start-")
    assert one != two


@pytest.mark.parametrize(
    "change",
    [
        {"AWS_LAMBDA_RUNTIME_API": ""},
        {"AWS_LAMBDA_LOG_STREAM_NAME": ""},
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"},
        {"AWS_LAMBDA_MAX_CONCURRENCY": "2"},
    ],
)
def test_where_a_mark_would_tell_nothing_there_is_none(change: dict[str, str]) -> None:
    assert _start_class._mark_path({**ENVIRONMENT, **change}) is None
