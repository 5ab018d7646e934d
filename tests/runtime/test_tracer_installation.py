"""Putting the import tracer in and taking it out again, in fresh processes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache._core import ImportTracer

PLACES = """
import sys, _imp, importlib, importlib.util
import _frozen_importlib as bootstrap, _frozen_importlib_external as external
def places():
    found = [vars(owner)[name] for owner, name in [
        (bootstrap, "_find_and_load"), (bootstrap, "_exec"), (bootstrap, "_find_spec"),
        (bootstrap, "_load_unlocked"), (external.SourceLoader, "get_code"),
        (external.SourcelessFileLoader, "get_code"), (external.FileLoader, "get_data"),
        (external, "_compile_bytecode"), (external.SourceLoader, "source_to_code"),
        (_imp, "create_dynamic"), (_imp, "exec_dynamic"), (importlib.util, "_find_spec"),
    ]]
    return [id(one) for one in found]
from coldcache._core import ImportTracer
"""


@pytest.fixture
def python(tmp_path: Path) -> Callable[[str], str]:
    """Run a program to its end; what it printed."""

    def run(program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-I", "-W", "error", "-c", PLACES + textwrap.dedent(program)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
            env={"PATH": os.environ.get("PATH", "")},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def test_uninstalling_puts_everything_back(python: Callable) -> None:
    out = python(
        """
        before = places()
        tracer = ImportTracer()
        tracer.install()
        during = places()
        tracer.uninstall()
        print([one == other for one, other in zip(before, during)].count(False), before == places())
        """
    )

    assert out == "11 True"


def test_a_borrowed_function_is_given_back(python: Callable) -> None:
    out = python(
        """
        del sys.modules["importlib.util"], importlib.util
        tracer = ImportTracer()
        tracer.install()
        import importlib.util
        borrowed = importlib.util._find_spec
        tracer.uninstall()
        print(importlib.util._find_spec is bootstrap._find_spec, borrowed("json", None).name)
        """
    )

    assert out == "True json"


def test_nothing_is_seen_before_install_and_after_uninstall(python: Callable) -> None:
    out = python(
        """
        import json
        tracer = ImportTracer()
        import colorsys
        tracer.install()
        import wave
        tracer.uninstall()
        import quopri
        names = [json.loads(line).get("name") for line in tracer.take().splitlines()]
        print("colorsys" in names, "wave" in names, "quopri" in names)
        """
    )

    assert out == "False True False"


def test_it_can_be_installed_again(python: Callable) -> None:
    out = python(
        """
        import json
        tracer = ImportTracer()
        for name in ("colorsys", "quopri"):
            tracer.install()
            __import__(name)
            tracer.uninstall()
        tracer.uninstall()
        names = [json.loads(line).get("name") for line in tracer.take().splitlines()]
        print([name for name in names if name in {"colorsys", "quopri"}])
        """
    )

    assert out == "['colorsys', 'quopri']"


def test_a_second_tracer_is_refused_and_changes_nothing(python: Callable) -> None:
    out = python(
        """
        first, second = ImportTracer(), ImportTracer()
        first.install()
        during = places()
        for tracer in (first, second):
            try:
                tracer.install()
            except RuntimeError as error:
                print(error)
        second.uninstall()
        print(during == places())
        first.uninstall()
        second.install()
        """
    )

    refused = "an import tracer is installed already; uninstall it first"
    assert out.splitlines() == [refused, refused, "True"]


def test_what_another_tool_put_in_its_place_stays(python: Callable) -> None:
    out = python(
        """
        tracer = ImportTracer()
        tracer.install()
        traced = bootstrap._find_and_load
        def theirs(*args):
            return traced(*args)
        bootstrap._find_and_load = theirs
        tracer.uninstall()
        import colorsys
        print(bootstrap._find_and_load is theirs, colorsys.__name__)
        """
    )

    assert out == "True colorsys"


def test_it_can_be_uninstalled_in_the_middle_of_an_import(python: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import __main__\n__main__.tracer.uninstall()\nimport quopri")

    out = python(
        """
        import json
        sys.path.insert(0, "")
        tracer = ImportTracer()
        tracer.install()
        import a
        tracer.install()
        import colorsys
        tracer.uninstall()
        names = [json.loads(line).get("name") for line in tracer.take().splitlines()]
        print("a" in sys.modules, "quopri" in names, "colorsys" in names)
        """
    )

    assert out == "True False True"


def test_tracebacks_are_the_same_with_and_without(python: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b")
    (tmp_path / "b.py").write_text("def f():\n    1 / 0\nf()")
    (tmp_path / "c.py").write_text("from a import nothing, (")

    out = python(
        """
        import traceback
        sys.path.insert(0, "")
        def told(name):
            try:
                __import__(name)
            except BaseException:
                return traceback.format_exc()
        names = ("a", "c", "nowhere", "json.nowhere")
        plain = [told(name) for name in names]
        tracer = ImportTracer()
        tracer.install()
        print(plain == [told(name) for name in names], "ZeroDivisionError" in plain[0])
        """
    )

    assert out == "True True"


def test_functions_of_importlib_look_like_themselves(python: Callable) -> None:
    out = python(
        """
        import inspect
        signature = inspect.signature(external.SourceLoader.source_to_code)
        tracer = ImportTracer()
        tracer.install()
        traced = external.SourceLoader.source_to_code
        print(traced.__name__, inspect.signature(traced) == signature, traced.__wrapped__.__name__)
        """
    )

    assert out == "source_to_code True source_to_code"


def test_loaders_can_still_be_used_by_hand(python: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")

    out = python(
        """
        tracer = ImportTracer()
        tracer.install()
        loader = external.SourceFileLoader("a", "a.py")
        class Mine(external.SourceFileLoader):
            def get_data(self, path):
                return super().get_data(path)
        print(loader.get_data("a.py"), Mine("a", "a.py").get_code("a").co_filename)
        """
    )

    assert out == "b'x = 1' a.py"


def test_a_child_of_a_fork_goes_on_by_itself(python: Callable) -> None:
    out = python(
        """
        import json, os
        tracer = ImportTracer()
        tracer.install()
        import colorsys
        child = os.fork()
        if not child:
            import quopri
            names = [json.loads(line).get("name") for line in tracer.take().splitlines()]
            print("colorsys" in names, "quopri" in names, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        names = [json.loads(line).get("name") for line in tracer.take().splitlines()]
        print("colorsys" in names, "quopri" in names)
        """
    )

    assert out.splitlines() == ["True True", "True False"]


# The file


def test_finished_imports_are_in_the_file_at_once(python: Callable, tmp_path: Path) -> None:
    out = python(
        """
        import os
        ImportTracer(path="out.jsonl").install()
        import colorsys
        os._exit(3) if "colorsys" not in open("out.jsonl").read() else print("there")
        """
    )

    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert out == "there"
    assert "colorsys" in [json.loads(line).get("name") for line in lines]


def test_the_file_stays_that_of_the_process_that_made_it(python: Callable, tmp_path: Path) -> None:
    python(
        """
        import os
        ImportTracer(path="out.jsonl").install()
        import colorsys
        child = os.fork()
        if not child:
            import wave
            os._exit(0)
        os.waitpid(child, 0)
        import quopri
        """
    )

    text = (tmp_path / "out.jsonl").read_text()
    assert [name in text for name in ("colorsys", "wave", "quopri")] == [True, False, True]


def test_the_file_is_for_its_owner_only(python: Callable, tmp_path: Path) -> None:
    python("import os; os.umask(0); ImportTracer(path='out.jsonl')")

    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("mine")

    with pytest.raises(FileExistsError):
        ImportTracer(path=path)

    assert path.read_text() == "mine"


def test_a_full_disk_costs_the_record_and_not_the_import(python: Callable) -> None:
    out = python(
        """
        import os, resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        ImportTracer(path="out.jsonl").install()
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        import colorsys
        print(colorsys.__name__, os.stat("out.jsonl").st_size)
        """
    )

    assert out == "colorsys 10"


# Bounds and bad input


def test_more_imports_than_the_limit_are_counted(python: Callable) -> None:
    out = python(
        """
        import json
        tracer = ImportTracer(limit=2)
        tracer.install()
        for number in range(5):
            try:
                __import__(f"nowhere{number}")
            except ImportError:
                pass
        tracer.uninstall()
        *records, totals = map(json.loads, tracer.take().splitlines())
        print([record["name"] for record in records], totals["dropped"])
        """
    )

    assert out == "['nowhere0', 'nowhere1'] 3"


@pytest.mark.parametrize("limit", [0, -1, 1.5, "many"])
def test_a_limit_that_is_no_number_of_records_is_refused(limit: object) -> None:
    with pytest.raises(ValueError, match=r"limit must be a number of records, at least 1, got "):
        ImportTracer(limit=limit)  # type: ignore[arg-type]


def test_an_importlib_without_the_function_is_refused_and_left_as_it_is(python: Callable) -> None:
    out = python(
        """
        kept = bootstrap.__dict__.pop("_find_and_load")
        try:
            ImportTracer().install()
        except ImportError as error:
            print(error)
        bootstrap._find_and_load = kept
        tracer = ImportTracer()
        tracer.install()
        """
    )

    assert "the imports of this interpreter cannot be traced" in out


def test_a_tracer_that_is_dropped_while_installed_goes_on_passing_imports(python: Callable) -> None:
    out = python(
        """
        import gc
        ImportTracer().install()
        gc.collect()
        import colorsys
        print(colorsys.__name__)
        """
    )

    assert out == "colorsys"
