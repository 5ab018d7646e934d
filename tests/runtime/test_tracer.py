"""What the import tracer tells, each time of a fresh process with modules written for the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FRAME = """
import sys
sys.path.insert(0, {folder!r})
sys.dont_write_bytecode = True
from coldcache._core import ImportTracer
tracer = ImportTracer()
tracer.install()
said = {{}}
{program}
tracer.uninstall()
import json
records = [json.loads(line) for line in tracer.take().splitlines()]
json.dump([records, said], sys.stdout)
"""
STEPS = ("find", "check", "read", "unmarshal", "compile", "dlopen", "exec", "body")


class Trace:
    """What the tracer told of one process."""

    def __init__(self, records: list[dict[str, Any]], said: dict[str, Any]) -> None:
        self.totals = records[-1]
        self.records = sorted(records[:-1], key=lambda record: record["id"])
        self.said = said

    @property
    def names(self) -> list[str]:
        """In the order in which the imports began."""
        return [record["name"] for record in self.records]

    def only(self, name: str) -> dict[str, Any]:
        """The one record of a module."""
        [record] = [record for record in self.records if record["name"] == name]
        return record


@pytest.fixture
def trace(tmp_path: Path) -> Callable[..., Trace]:
    """Trace what a program imports; `a__b` is the file `a/b.py`, and `said` is handed over."""

    def run(program: str, **modules: str) -> Trace:
        for name, source in modules.items():
            path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            if path.stem == "init":
                path = path.with_name("__init__.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))
        done = subprocess.run(
            [
                sys.executable,
                *("-I", "-W", "error", "-c"),
                FRAME.format(folder=str(tmp_path), program=textwrap.dedent(program)),
            ],
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
            env={"PATH": os.environ.get("PATH", "")},
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return Trace(*json.loads(done.stdout.splitlines()[-1]))

    return run


# The tree


def test_imports_are_told_in_the_order_in_which_they_began(trace: Callable) -> None:
    seen = trace("import a", a="import b, c", b="import d", c="", d="")

    assert seen.names == ["a", "b", "d", "c"]


def test_an_import_inside_another_names_it_as_its_parent(trace: Callable) -> None:
    seen = trace("import a", a="import b", b="")

    a, b = seen.records
    assert (a["parent"], a["depth"]) == (None, 0)
    assert (b["parent"], b["depth"]) == (a["id"], 1)


def test_a_parent_package_is_inside_the_import_that_needs_it(trace: Callable) -> None:
    seen = trace("import p.m", p__init="", p__m="")

    assert seen.names == ["p.m", "p"]
    assert seen.only("p")["parent"] == seen.only("p.m")["id"]


def test_a_module_that_is_there_is_not_told_again(trace: Callable) -> None:
    seen = trace("import a, importlib; import a; importlib.import_module('a')", a="")

    assert seen.names.count("a") == 1


def test_the_parts_of_an_import_add_up_to_no_more_than_its_time(trace: Callable) -> None:
    seen = trace("import json, decimal, a", a="import sqlite3")

    assert len(seen.records) > 10
    for record in seen.records:
        parts = record["nested_ns"] + sum(record[f"{step}_ns"] for step in STEPS)
        assert 0 < parts <= record["end_ns"] - record["start_ns"]


def test_an_import_lies_within_the_one_around_it(trace: Callable) -> None:
    seen = trace("import a", a="import json", b="")

    by_id = {record["id"]: record for record in seen.records}
    inner = [record for record in seen.records if record["parent"] is not None]
    assert inner
    for record in inner:
        around = by_id[record["parent"]]
        assert around["start_ns"] <= record["start_ns"] <= record["end_ns"] <= around["end_ns"]


# Who asked


def test_the_statement_that_asked_is_named(trace: Callable, tmp_path: Path) -> None:
    seen = trace("import a", a="\n\nimport b", b="")

    b = seen.only("b")
    assert (b["asked_by"], b["asked_file"], b["asked_line"]) == ("a", str(tmp_path / "a.py"), 3)


def test_importlib_is_never_the_one_who_asked(trace: Callable) -> None:
    seen = trace(
        "import a",
        a="from importlib import import_module\nimport_module('b')\nfrom p import m",
        b="",
        p__init="",
        p__m="",
    )

    assert seen.only("b")["asked_by"] == "a"
    assert seen.only("b")["asked_line"] == 2
    assert {seen.only(name)["asked_line"] for name in ("p", "p.m")} == {3}


# What it was made from


def test_the_kind_says_what_a_module_was_made_from(trace: Callable, tmp_path: Path) -> None:
    (tmp_path / "n" / "s").mkdir(parents=True)

    seen = trace("import a, json.tool, _decimal, faulthandler, n.s, __hello__", a="")

    assert seen.only("a")["kind"] == "source"
    assert seen.only("json.tool")["kind"] in {"bytecode", "source"}
    assert seen.only("_decimal")["kind"] in {"extension", "builtin"}
    assert seen.only("faulthandler")["kind"] == "builtin"
    assert seen.only("n.s")["kind"] == "namespace"
    assert seen.only("__hello__")["kind"] == "frozen"


def test_bytecode_is_told_from_source(trace: Callable, tmp_path: Path) -> None:
    program = "import py_compile; py_compile.compile('{0}/a.py', doraise=True); import a"

    seen = trace(program.format(tmp_path), a="x = 1")

    a = seen.only("a")
    assert (a["kind"], a["compile_ns"]) == ("bytecode", 0)
    assert a["unmarshal_ns"] > 0
    assert a["read_bytes"] > 0


def test_the_origin_is_the_file(trace: Callable, tmp_path: Path) -> None:
    assert trace("import a", a="").only("a")["origin"] == str(tmp_path / "a.py")


# What it cost


def test_time_goes_to_the_step_that_took_it(trace: Callable) -> None:
    body = "from time import monotonic\nend = monotonic() + 0.05\nwhile monotonic() < end: pass"

    a = trace("import a", a=body).only("a")

    assert a["body_ns"] >= 50_000_000
    assert a["body_ns"] <= a["end_ns"] - a["start_ns"]


def test_memory_that_a_module_keeps_is_seen(trace: Callable) -> None:
    seen = trace("import a", a="import b", b="kept = b'x' * (64 << 20)")

    for name in ("a", "b"):
        assert seen.only(name)["resident_bytes"] > 60 << 20
        assert seen.only(name)["minor_faults"] > 0
        assert seen.only(name)["major_faults"] >= 0


def test_what_a_body_reads_counts_as_body(trace: Callable) -> None:
    body = "import pkgutil\ndata = pkgutil.get_data('json', '__init__.py')"

    seen = trace("import json, a", a=body)

    assert seen.only("a")["read_bytes"] < 1000


def test_the_tracers_own_work_is_told(trace: Callable) -> None:
    totals = trace("import json").totals

    assert totals["own_ns"] > 0
    assert totals["installed_ns"] > 0
    assert totals["dropped"] == 0


# Imports that fail


def test_a_missing_module_is_told_with_its_message(trace: Callable) -> None:
    program = """
        try:
            import a
        except ModuleNotFoundError as error:
            said["name"] = error.name
    """

    seen = trace(program, a="import nowhere")

    assert seen.said == {"name": "nowhere"}
    for name in ("a", "nowhere"):
        record = seen.only(name)
        assert (record["kind"], record["error"]) == ("failed", "ModuleNotFoundError")
        assert record["error_message"] == "No module named 'nowhere'"


def test_other_errors_are_told_without_their_message(trace: Callable) -> None:
    program = """
        try:
            import a
        except ValueError as error:
            said["text"] = str(error)
    """

    seen = trace(program, a="raise ValueError('password')")

    assert seen.said == {"text": "password"}
    assert (seen.only("a")["error"], seen.only("a")["error_message"]) == ("ValueError", None)


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit", "GeneratorExit"])
def test_what_is_no_exception_passes_too(trace: Callable, kind: str) -> None:
    program = f"""
        try:
            import a
        except {kind}:
            import b
    """

    seen = trace(program, a=f"raise {kind}", b="")

    assert seen.only("a")["error"] == kind
    assert seen.only("b")["parent"] is None


def test_a_module_that_is_banned_is_told(trace: Callable) -> None:
    program = """
        sys.modules["a"] = None
        try:
            import a
        except ModuleNotFoundError:
            pass
    """

    assert trace(program).only("a")["error"] == "ModuleNotFoundError"


# Modules out of the ordinary


def test_a_reload_is_told_as_one(trace: Callable) -> None:
    seen = trace("import a, importlib; said['same'] = importlib.reload(a) is a", a="import b", b="")

    first, again = [record for record in seen.records if record["name"] == "a"]
    assert seen.said == {"same": True}
    assert (first["reload"], again["reload"]) == (False, True)
    assert (again["kind"], again["depth"]) == ("source", 0)
    assert again["compile_ns"] > 0
    assert seen.names.count("b") == 1


def test_circular_imports_are_told_once_each(trace: Callable) -> None:
    seen = trace("import a", a="import b\nx = 1", b="import a\nfrom a import __name__ as y")

    assert seen.names == ["a", "b"]


def test_a_module_that_replaces_itself_stays_replaced(trace: Callable) -> None:
    body = "import sys\nclass M: x = 5\nsys.modules[__name__] = M()"

    seen = trace("import a; said['x'] = a.x", a=body)

    assert seen.said == {"x": 5}
    assert seen.only("a")["error"] is None


def test_a_name_that_its_package_provides_is_shared(trace: Callable) -> None:
    body = "import sys, types\nsys.modules['p.m'] = types.ModuleType('p.m')"

    seen = trace("import p.m", p__init=body)

    assert seen.only("p.m")["kind"] == "shared"


def test_finders_and_loaders_of_others_are_used_and_seen(trace: Callable) -> None:
    program = """
        from importlib.machinery import ModuleSpec
        class Finder:
            def find_spec(self, name, path=None, target=None):
                return ModuleSpec(name, self, origin="made up") if name == "made" else None
            def create_module(self, spec):
                return None
            def exec_module(self, module):
                import a
                module.x = 3
        sys.meta_path.insert(0, Finder())
        import made
        said["x"] = made.x
    """

    seen = trace(program, a="")

    assert seen.said == {"x": 3}
    assert (seen.only("made")["kind"], seen.only("made")["origin"]) == ("other", "made up")
    assert seen.only("a")["parent"] == seen.only("made")["id"]


def test_code_in_a_zip_file_is_seen(trace: Callable, tmp_path: Path) -> None:
    program = f"""
        import zipfile
        with zipfile.ZipFile({str(tmp_path / "z.zip")!r}, "w") as archive:
            archive.writestr("zipped.py", "import a")
        sys.path.insert(0, {str(tmp_path / "z.zip")!r})
        import zipped
    """

    seen = trace(program, a="")

    assert seen.only("a")["parent"] == seen.only("zipped")["id"]


def test_an_import_started_by_a_finalizer_in_the_middle_of_another_is_inside_it(
    trace: Callable,
) -> None:
    body = """
        class Trap:
            def __del__(self):
                import b
        trap = Trap()
        del trap
    """

    seen = trace("import a", a=body, b="")

    assert seen.only("b")["parent"] == seen.only("a")["id"]
