from __future__ import annotations

from pathlib import Path

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import EVENT_LIMIT_BYTES, Event


def test_the_bytes_of_the_file_are_kept_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{ "a" : "\xc3\xa4" }\n')

    assert Event.read(tmp_path / "a.json") == Event("a.json", b'{ "a" : "\xc3\xa4" }\n')


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf{}")

    assert Event.read(tmp_path / "a.json").body == b"{}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "line 1, column 1"),
        (b'{"a": 1,\n "b"}', "line 2, column 5"),
        (b'{"a": NaN}', "NaN is not a JSON value"),
        (b'{"a": "\xff"}', "no UTF-8 at byte 7"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_is_refused_by_name_and_place(
    tmp_path: Path, body: bytes, reason: str
) -> None:
    (tmp_path / "a.json").write_bytes(body)

    with pytest.raises(UsageError, match=reason) as caught:
        Event.read(tmp_path / "a.json")
    assert "a.json" in str(caught.value)


def test_the_error_does_not_quote_the_payload(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"password": hunter2}')

    with pytest.raises(UsageError) as caught:
        Event.read(tmp_path / "a.json")
    assert "hunter2" not in f"{caught.value} {caught.value.details}"


def test_the_representation_does_not_show_the_payload() -> None:
    assert "hunter2" not in repr(Event("a.json", b'"hunter2"'))


def test_more_than_the_platform_accepts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'"' + b"x" * EVENT_LIMIT_BYTES + b'"')

    with pytest.raises(UsageError, match="accepts at most"):
        Event.read(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="event file"):
        Event.read(tmp_path / name)


def test_files_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "e.json").write_text("{}")
    paths = [tmp_path / "a" / "e.json", tmp_path / "b" / "e.json"]

    assert [event.name for event in Event.read_all(paths)] == [str(path) for path in paths]


def test_the_same_path_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")

    with pytest.raises(UsageError, match="given twice"):
        Event.read_all([tmp_path / "a.json"] * 2)


def test_no_event_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="--event"):
        Event.read_all([])
