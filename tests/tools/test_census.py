from __future__ import annotations

import subprocess
import sys

from coldcache.tools.lab.census import ImportCensus, without_import_lines
from hypothesis import given
from hypothesis import strategies as st

STREAM = (
    b"import time: self [us] | cumulative | imported package\n"
    b"import time:       134 |        134 |   _io\n"
    b"warning: something\n"
    b"no newlineimport time:        25 |        225 |     json.decoder\n"
    b"import time:        25 |        225 | json\n"
    b"import time:        25 |        225 | json\n"
    b"import time:        99 |         99 | cut_off"
)


@given(st.integers(1, len(STREAM)))
def test_distinct_modules_in_complete_lines_count_however_the_stream_is_cut(size: int) -> None:
    census = ImportCensus()
    for start in range(0, len(STREAM), size):
        census.feed(STREAM[start : start + size])

    assert census.count == 3


def test_what_remains_of_the_output_is_the_functions_own() -> None:
    kept = without_import_lines(STREAM.decode()).split()

    assert kept == ["warning:", "something", "no", "newline"]


def test_a_real_interpreter_adds_the_modules_it_imports() -> None:
    def count(code: str) -> int:
        run = subprocess.run(
            [sys.executable, "-X", "importtime", "-I", "-S", "-c", code],
            stderr=subprocess.PIPE,
            check=True,
        )
        census = ImportCensus()
        census.feed(run.stderr)
        return census.count

    # Two modules that import nothing themselves.
    assert count("import this, __hello__") == count("pass") + 2
