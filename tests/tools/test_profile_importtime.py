"""Reading `-X importtime`: what the running interpreter writes, and rows of later ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.profile import read_importtime
from coldcache.tools.profile.importtime import parse_importtime
from coldcache.tools.profile.tree import Tree

# CPython 3.15.2, `-X importtime=2 -c 'import json'`, cut to a part. The names of cached rows are
# padded on the left to a width, which says nothing of their level.
LATER = """\
import time: self [us] | cumulative | imported package
import time: cached    | cached     | builtins
import time:      3055 |       3055 |           reprlib
import time: cached    | cached     |          _io
import time:      1081 |       4136 |         collections
import time:        48 |         48 |         _functools
import time:      1471 |       5655 |       functools
import time: cached    | cached     | json
import time: cached    | cached     |   re
import time:       283 |       5938 | json
"""


def names_and_depths(lines: str) -> list[tuple[str, int]]:
    return [(one.name, one.depth) for one in parse_importtime(lines.splitlines()).imports]


def test_what_this_interpreter_writes_is_read_row_by_row() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", "-c", "import json, decimal"],
        capture_output=True,
        text=True,
        timeout=40,
        check=True,
    )

    found = parse_importtime(done.stderr.splitlines())

    assert found.skipped == 0
    assert len(found.imports) == done.stderr.count("import time:") - 1
    by_name = {one.name: one for one in found.imports}
    by_id = {one.id: one for one in found.imports}
    decoder = by_name["json.decoder"]
    assert decoder.parent is not None
    assert by_id[decoder.parent].name == "json"
    assert decoder.depth == by_name["json"].depth + 1


def test_times_are_those_of_the_rows() -> None:
    json = parse_importtime(LATER.splitlines()).imports[0]

    assert (json.name, json.total_ns, json.self_ns) == ("json", 5_938_000, 283_000)


def test_a_package_comes_before_what_it_imported() -> None:
    assert names_and_depths(LATER) == [
        ("json", 0),
        ("functools", 1),
        ("collections", 2),
        ("reprlib", 3),
        ("_functools", 2),
    ]


def test_levels_that_are_missing_in_between_are_closed() -> None:
    text = "import time: 1 | 1 |     deep\nimport time: 2 | 3 | root\n"

    assert names_and_depths(text) == [("root", 0), ("deep", 1)]


def test_cached_rows_are_counted_by_name() -> None:
    assert parse_importtime(LATER.splitlines()).cached == {
        "builtins": 1,
        "_io": 1,
        "json": 1,
        "re": 1,
    }


def test_rows_among_other_words_are_found() -> None:
    text = (
        "hello\nno newline hereimport time:        10 |         10 | a\nWARNING: import timed out\n"
    )

    found = parse_importtime(text.splitlines())

    assert [one.name for one in found.imports] == ["a"]
    assert found.skipped == 0


@pytest.mark.parametrize(
    "row",
    ["import time: truncated output", "import time:  120 |  120", "import time: 1 | cached | a"],
)
def test_damaged_rows_are_counted_and_left_out(row: str) -> None:
    found = parse_importtime([row, "import time: 1 | 1 | a"])

    assert [one.name for one in found.imports] == ["a"]
    assert found.skipped == 1


def test_parts_that_outlast_the_whole_by_rounding_still_lie_within_it() -> None:
    text = (
        "import time: 6 | 6 |   a\nimport time: 6 | 6 |   b\nimport time: 1 | 11 | p\n"
        "import time: 5 | 5 | q\n"
    )

    found = parse_importtime(text.splitlines())
    tree = Tree(found.imports)

    for one in found.imports:
        for inner in tree.inside(one):
            assert one.start_ns <= inner.start_ns <= inner.end_ns <= one.end_ns
    p, q = tree.roots
    assert q.start_ns == p.end_ns


def test_a_text_cut_off_in_the_middle_keeps_what_was_complete() -> None:
    text = "import time: 1 | 1 | a\nimport time: 2 | 2 |     c\nimport time: 3 | 3 |   b"

    assert names_and_depths(text) == [("a", 0), ("b", 0), ("c", 1)]


def test_a_very_deep_chain_is_read() -> None:
    rows = [f"import time: 1 | {5000 - level} | {'  ' * level}m{level}" for level in range(5000)]

    found = parse_importtime(reversed(rows))

    assert found.imports[-1].depth == 4999


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--importtime .*nothing.txt'?: the file does not exist"):
        read_importtime(tmp_path / "nothing.txt")


def test_a_file_without_such_rows_is_refused_with_the_way_to_get_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\x00 nothing of the kind\n")

    with pytest.raises(UsageError, match="python -X importtime -c 'import MODULE' 2> FILE"):
        read_importtime(path)
