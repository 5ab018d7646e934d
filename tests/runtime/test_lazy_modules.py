"""Kinds of modules, names relative to a package, and circles, with lazy names."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import coldcache
import pytest

PREFIXES = ("late_", "heavy_")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what is imported from it is forgotten afterwards."""
    (tmp_path / "heavy_module.py").write_text("VALUE = 42\ndef double(x): return 2 * x\n")
    package = tmp_path / "heavy_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "leaf.py").write_text("NAME = 'leaf'\n")
    (package / "inner" / "__init__.py").write_text("")
    (package / "inner" / "core.py").write_text("NAME = 'core'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(PREFIXES)]:
        del sys.modules[name]


def test_a_module_that_replaces_itself_is_the_replacement(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "late_self.py").write_text(
        "import sys, types\nm = types.SimpleNamespace(VALUE=5)\nsys.modules[__name__] = m\n"
    )
    space = program("""
        late_self = coldcache.lazy('late_self')
        late_self.VALUE
    """)

    assert space["late_self"] is sys.modules["late_self"]


def test_two_modules_may_be_lazy_about_each_other(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    for name, other in [("late_a", "late_b"), ("late_b", "late_a")]:
        (folder / f"{name}.py").write_text(
            f"import coldcache\nother = coldcache.lazy('{other}')\nNAME = '{name}'\n"
            "def ask(): return other.NAME\n"
        )
    space = program("import late_a\nanswers = late_a.ask(), late_a.other.ask()")

    assert space["answers"] == ("late_b", "late_a")


def test_a_module_used_while_it_replaces_itself_is_the_replacement_later(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "late_self.py").write_text(
        "import sys, types\nEARLY = 1\nsys.ask_of_lazy_tests()\n"
        "sys.modules[__name__] = types.SimpleNamespace(VALUE=5)\n"
    )
    space = program("late_self = coldcache.lazy('late_self')\ndef ask(): return late_self.EARLY")
    sys.ask_of_lazy_tests = space["ask"]  # type: ignore[attr-defined]
    importlib.import_module("late_self")
    del sys.ask_of_lazy_tests  # type: ignore[attr-defined]

    assert space["late_self"].VALUE == 5


def test_a_circle_says_that_the_module_is_half_imported(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "late_a.py").write_text(
        "import coldcache\nb = coldcache.lazy('late_b')\nTAKEN = b.TAKEN\n"
    )
    (folder / "late_b.py").write_text(
        "import coldcache\nname = coldcache.lazy('late_a', 'TAKEN')\nTAKEN = str(name)\n"
    )

    with pytest.raises(ImportError, match="partially initialized module 'late_a'"):
        program("import late_a")


def test_a_namespace_package_is_loaded(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "late_space").mkdir()
    (folder / "late_space" / "part.py").write_text("VALUE = 3")
    space = program("""
        late_space = coldcache.lazy('late_space')
        part = coldcache.lazy('late_space.part')
        value = part.VALUE, list(late_space.__path__)
    """)

    assert space["value"] == (3, [str(folder / "late_space")])


def test_an_extension_module_is_loaded(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("""
        struct = coldcache.lazy('_struct')
        size = struct.calcsize('i')
    """)

    assert space["size"] == 4


def test_a_submodule_is_taken_by_name_as_the_import_statement_does(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("leaf = coldcache.lazy('heavy_package', 'leaf')\nname = leaf.NAME")

    assert space["name"] == "leaf"
    assert space["leaf"] is sys.modules["heavy_package.leaf"]


def test_a_module_that_was_used_is_reloaded(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("""
        import importlib
        heavy_module = coldcache.lazy('heavy_module')
        heavy_module.VALUE = 7
        again = importlib.reload(heavy_module)
    """)

    assert space["again"] is space["heavy_module"]
    assert space["heavy_module"].VALUE == 42


def test_reloading_what_was_never_used_says_what_would_do(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("heavy_module = coldcache.lazy('heavy_module')")

    with pytest.raises(ImportError, match=r"program.py:1\), which is loaded now"):
        importlib.reload(space["heavy_module"])
    assert importlib.reload(space["heavy_module"]) is sys.modules["heavy_module"]


def test_a_patch_by_name_is_seen_through_the_lazy_name(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("kept = [coldcache.lazy('heavy_module')]\ndef use(): return kept[0].double(1)")

    with mock.patch("heavy_module.double", return_value="patched"):
        assert space["use"]() == "patched"
    assert space["use"]() == 2


def test_a_patch_through_the_lazy_name_reaches_the_real_module(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("kept = [coldcache.lazy('heavy_module')]")

    with mock.patch.object(space["kept"][0], "VALUE", "patched"):
        assert sys.modules["heavy_module"].VALUE == "patched"
    assert sys.modules["heavy_module"].VALUE == 42


def test_a_lazy_name_that_was_patched_during_its_first_use_becomes_the_real_module(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("heavy_module = coldcache.lazy('heavy_module')\ndef use(m): return m.VALUE")
    proxy = space["heavy_module"]
    with mock.patch.dict(space, heavy_module="patched"):
        space["use"](proxy)
    space["use"](space["heavy_module"])

    assert space["heavy_module"] is sys.modules["heavy_module"]


def test_a_lazy_name_taken_by_another_module_becomes_the_real_module_there(
    program: Callable[[str], dict[str, Any]],
) -> None:
    proxy = program("heavy_module = coldcache.lazy('heavy_module')")["heavy_module"]
    space: dict[str, Any] = {"taken": proxy}
    exec("taken.VALUE", space)

    assert space["taken"] is sys.modules["heavy_module"]


def test_a_lazy_name_that_was_used_before_it_was_bound_becomes_the_real_module(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        def configured(module):
            module.VALUE
            return module
        heavy_module = configured(coldcache.lazy('heavy_module'))
        heavy_module.VALUE
    """)

    assert space["heavy_module"] is sys.modules["heavy_module"]


# Relative names.


def module_in_package(source: str, **names: object) -> dict[str, Any]:
    space: dict[str, Any] = {"coldcache": coldcache, **names}
    exec(source, space)
    return space


@pytest.mark.parametrize(
    "names",
    [
        {"__package__": "heavy_package.inner", "__name__": "heavy_package.inner.core"},
        {"__name__": "heavy_package.inner.core"},
        {"__name__": "heavy_package.inner", "__path__": []},
        {
            "__package__": None,
            "__spec__": importlib.machinery.ModuleSpec("heavy_package.inner.core", None),
        },
    ],
    ids=["package", "name", "path", "spec"],
)
@pytest.mark.parametrize(
    ("name", "attr", "expected"),
    [
        (".core", None, "heavy_package.inner.core"),
        (".", "core", "heavy_package.inner.core"),
        ("..leaf", None, "heavy_package.leaf"),
        ("..", None, "heavy_package"),
        ("..inner.core", None, "heavy_package.inner.core"),
    ],
)
def test_a_relative_name_starts_from_the_callers_package(
    names: dict[str, object], name: str, attr: str | None, expected: str, folder: Path
) -> None:
    space = module_in_package(f"it = coldcache.lazy({name!r}, {attr!r})\nit.__name__", **names)

    assert space["it"] is sys.modules[expected]


def test_a_relative_name_starts_from_the_package_given(folder: Path) -> None:
    assert coldcache.lazy(".leaf", package="heavy_package").NAME == "leaf"


def test_declaring_a_relative_name_imports_no_package(folder: Path) -> None:
    kept = coldcache.lazy(".leaf", package="heavy_package")

    assert "heavy_package" not in sys.modules
    assert kept


def test_an_absolute_name_ignores_the_package(folder: Path) -> None:
    assert coldcache.lazy("heavy_module", package="heavy_package").VALUE == 42


def test_a_relative_name_without_a_package_is_an_error_at_once() -> None:
    with pytest.raises(ImportError, match=r"'\.leaf' needs a package to start from"):
        module_in_package("coldcache.lazy('.leaf')", __name__="__main__")


def test_a_relative_name_beyond_the_top_is_an_error_at_once() -> None:
    with pytest.raises(ImportError, match="leads beyond the top of the package 'heavy_package'"):
        coldcache.lazy("...leaf", package="heavy_package")


def test_a_module_taken_from_a_lazy_class_body_is_usable(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        class Service:
            heavy = coldcache.lazy('heavy_module')
            def use(self): return self.heavy.double(3)
        answer = Service().use()
    """)

    assert space["answer"] == 6


def test_a_name_declared_in_a_function_is_usable(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        def use():
            heavy = coldcache.lazy('heavy_module')
            return [heavy][0].double(3)
        answer = use()
    """)

    assert space["answer"] == 6


def test_it_is_a_plain_module_for_those_who_ask(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("heavy_module = coldcache.lazy('heavy_module')")

    assert not callable(space["heavy_module"])
    assert isinstance(space["heavy_module"], types.ModuleType)
