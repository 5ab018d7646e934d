"""Restores from a Lambda snapshot are noted through the platform's own library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import coldcache
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


def run(program: str, *flags: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *flags, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.strip()


def test_a_value_from_before_the_snapshot_is_loaded_anew_after_the_restore() -> None:
    assert run(PROGRAM) == "2"


def test_the_platforms_library_is_not_imported_where_it_is_not_in_use() -> None:
    assert run("import sys, coldcache; print('snapshot_restore_py' in sys.modules)") == "False"


def test_hooks_do_not_import_the_platforms_library_either() -> None:
    program = """
import sys, coldcache
coldcache.after_restore(lambda: None)
coldcache.before_snapshot(lambda: None)
print('snapshot_restore_py' in sys.modules)
"""
    assert run(program) == "False"


def test_where_a_snapshot_is_announced_the_library_is_imported() -> None:
    program = "import sys, coldcache; print('snapshot_restore_py' in sys.modules)"

    assert run(program, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") == "True"


def test_where_a_snapshot_is_announced_and_the_library_is_missing_nothing_breaks() -> None:
    folder = Path(coldcache.__file__).parent.parent
    program = f"""
import sys
sys.path.insert(0, {str(folder)!r})
sys.modules["snapshot_restore_py"] = None  # as if it were not installed
import coldcache
coldcache.after_restore(lambda: print("after"))
coldcache.testing.restore()
"""
    assert run(program, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") == "after"


def test_a_library_that_came_later_gets_the_note_of_the_restore_once_and_first() -> None:
    program = PROGRAM.replace(
        "import snapshot_restore_py\nimport coldcache",
        "import coldcache\nimport snapshot_restore_py",
    ).replace(
        "secret()\nfor",
        """secret()
coldcache.after_restore(secret)
coldcache.after_restore(secret)
print([function.__name__ for function, _, _ in snapshot_restore_py.get_after_restore()
       if hasattr(function, "__name__")])
for""",
    )
    assert program.index("import coldcache") < program.index("import snapshot_restore_py")
    assert run(program).splitlines() == ["['_note_restore']", "2"]
