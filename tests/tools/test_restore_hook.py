"""Restores from a Lambda snapshot are noted through the platform's own library."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("snapshot_restore_py", reason="NOT TESTED: snapshot_restore_py is absent")

PROGRAM = """
import snapshot_restore_py
import coldcache

calls = []

@coldcache.cached(ttl=3600)
def secret():
    calls.append(1)
    return "value"

secret()
for function, args, kwargs in snapshot_restore_py.get_after_restore():
    function(*args, **kwargs)
secret()
print(len(calls))
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout.strip()


def test_a_value_from_before_the_snapshot_is_loaded_anew_after_the_restore() -> None:
    assert run(PROGRAM) == "2"


def test_the_platforms_library_is_not_imported_where_it_is_not_in_use() -> None:
    assert run("import sys, coldcache; print('snapshot_restore_py' in sys.modules)") == "False"
