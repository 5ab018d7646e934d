"""Lazy names that cannot be declared or loaded: the original error, where from, and another try."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import coldcache
import pytest

PREFIXES = ("broken_", "late_", "middle_")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(PREFIXES)]:
        del sys.modules[name]


def test_a_missing_module_raises_the_original_error_on_first_use(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("late_module = coldcache.lazy('late_module')")

    with pytest.raises(ModuleNotFoundError, match="No module named 'late_module'") as caught:
        space["late_module"].VALUE
    assert caught.value.name == "late_module"


def test_the_error_of_a_missing_module_is_chained_to_the_declaring_line(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("\nlate_module = coldcache.lazy('late_module')")

    with pytest.raises(ModuleNotFoundError) as caught:
        space["late_module"].VALUE
    assert "program.py:2" in str(caught.value.__cause__)


def test_a_missing_module_may_turn_up_later(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    space = program("late_module = coldcache.lazy('late_module')")
    proxy = space["late_module"]
    with pytest.raises(ModuleNotFoundError):
        proxy.VALUE
    (folder / "late_module.py").write_text("VALUE = 1")
    importlib.invalidate_caches()

    assert proxy.VALUE == 1
    assert space["late_module"] is sys.modules["late_module"]


def test_an_error_inside_the_module_comes_out_as_itself(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "broken_module.py").write_text("raise LookupError('no region')")
    space = program("broken_module = coldcache.lazy('broken_module')")

    with pytest.raises(LookupError, match="no region") as caught:
        space["broken_module"].VALUE
    assert "program.py:1" in str(caught.value.__cause__)


def test_the_cause_an_error_already_has_is_kept(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "broken_module.py").write_text("raise LookupError('b') from KeyError('a')")
    space = program("broken_module = coldcache.lazy('broken_module')")

    with pytest.raises(LookupError) as caught:
        space["broken_module"].VALUE
    assert isinstance(caught.value.__cause__, KeyError)


def test_the_context_of_an_error_is_still_shown(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "broken_module.py").write_text(
        "try: {}['a']\nexcept KeyError: raise LookupError('b')"
    )
    space = program("broken_module = coldcache.lazy('broken_module')")

    with pytest.raises(LookupError) as caught:
        space["broken_module"].VALUE
    shown = "".join(traceback.format_exception(None, caught.value, None))
    assert "KeyError: 'a'" in shown
    assert "program.py:1" in shown


def test_an_error_with_a_cause_of_its_own_names_the_declaring_line_too(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "broken_module.py").write_text("raise LookupError('b') from KeyError('a')")
    space = program("broken_module = coldcache.lazy('broken_module')")

    with pytest.raises(LookupError) as caught:
        space["broken_module"].VALUE
    assert "program.py:1" in "".join(traceback.format_exception(None, caught.value, None))


def test_a_failure_behind_two_lazy_names_shows_both_declarations(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "middle_module.py").write_text(
        "import coldcache\nlate = [coldcache.lazy('late_module')]\nlate[0].VALUE"
    )
    space = program("middle = coldcache.lazy('middle_module')")

    with pytest.raises(ModuleNotFoundError, match="late_module") as caught:
        space["middle"].VALUE
    shown = "".join(traceback.format_exception(None, caught.value, None))
    assert "middle_module.py:2" in shown
    assert "program.py:1" in shown


def test_an_error_object_that_is_raised_again_is_chained_once(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "broken_module.py").write_text("import sys\nraise sys.one_error_of_lazy_tests")
    proxy = program("broken_module = coldcache.lazy('broken_module')")["broken_module"]
    sys.one_error_of_lazy_tests = LookupError("always this one")  # type: ignore[attr-defined]
    for _ in range(3):
        with pytest.raises(LookupError) as caught:
            proxy.VALUE
    del sys.one_error_of_lazy_tests  # type: ignore[attr-defined]

    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.__cause__ is None


def test_a_missing_name_is_the_error_of_the_import_statement(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "late_module.py").write_text("VALUE = 1")
    space = program("Missing = coldcache.lazy('late_module', 'Missing')")

    with pytest.raises(ImportError, match="cannot import name 'Missing' from 'late_module'"):
        space["Missing"]()


def test_a_missing_name_may_turn_up_later(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "late_module.py").write_text("")
    proxy = program("value = coldcache.lazy('late_module', 'VALUE')")["value"]
    with pytest.raises(ImportError):
        len(proxy)
    sys.modules["late_module"].VALUE = "four"  # type: ignore[attr-defined]

    assert len(proxy) == 4


def test_a_modules_own_getattr_is_asked_once(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "late_module.py").write_text(
        "ASKED = []\ndef __getattr__(name):\n    ASKED.append(name)\n    raise AttributeError(name)"
    )
    proxy = program("kept = [coldcache.lazy('late_module')]")["kept"][0]
    proxy.ASKED.clear()

    assert not hasattr(proxy, "nothing")
    assert proxy.ASKED == ["nothing"]


def test_a_module_whose_body_raises_attribute_error_is_run_once_a_use(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "broken_module.py").write_text(
        "import sys\nsys.__dict__.setdefault('_runs_of_lazy_tests', []).append(1)\n"
        "raise AttributeError('in the body')"
    )
    proxy = program("broken_module = coldcache.lazy('broken_module')")["broken_module"]

    with pytest.raises(AttributeError, match="in the body"):
        proxy.VALUE
    assert sys.__dict__.pop("_runs_of_lazy_tests") == [1]


@pytest.mark.parametrize("name", ["", "a.", ".a.", "a..b", "a.*", "a b", "1a", "a-b", "a/b"])
def test_a_name_that_is_no_module_is_refused_when_declared(name: str) -> None:
    with pytest.raises(ValueError, match="name of a module"):
        coldcache.lazy(name)


@pytest.mark.parametrize("name", [None, 1, b"json", ["json"]])
def test_a_name_that_is_no_string_is_refused_when_declared(name: Any) -> None:
    with pytest.raises(TypeError):
        coldcache.lazy(name)


@pytest.mark.parametrize("attr", ["", "*", "a.b", "a b", "1a"])
def test_an_attr_that_is_no_name_is_refused_when_declared(attr: str) -> None:
    with pytest.raises(ValueError, match="attr must be one name"):
        coldcache.lazy("json", attr)


def test_names_of_all_scripts_are_names() -> None:
    assert "größe" in repr(coldcache.lazy("größe"))


def test_a_thread_without_python_code_may_declare(run_python: Callable[..., str]) -> None:
    shown = run_python("""
        import _thread, coldcache
        seen = []
        # The thread runs nothing but native functions, down to the declaration.
        names = map(coldcache.lazy, ["json"])
        _thread.start_new_thread(seen.extend, (names,))
        while not seen:
            pass
        print(repr(seen[0]), seen[0].dumps(1))
    """)

    assert shown == "<lazy module 'json', declared at a thread without Python code> 1"
