"""Modules imported on first use: what triggers it, what follows from it, how it fails."""

from __future__ import annotations

import copy
import dis
import pickle
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SOURCE = """
    import sys
    VALUE = 42
    LOADS = sys.__dict__.setdefault("_loads_of_lazy_tests", [])
    LOADS.append(__name__)
    def double(x):
        return 2 * x
    class Kind:
        VALUE = 42
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, with a module and a package that note when they are loaded."""
    (tmp_path / "heavy_module.py").write_text(textwrap.dedent(SOURCE))
    package = tmp_path / "heavy_package"
    package.mkdir()
    (package / "__init__.py").write_text("NAME = 'package'\n")
    (package / "leaf.py").write_text("NAME = 'leaf'\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("heavy_", "broken_", "late_")):
            del sys.modules[name]
    sys.__dict__.pop("_loads_of_lazy_tests", None)


def test_declaring_does_not_import(program: Callable[[str], dict[str, Any]]) -> None:
    program("heavy_module = coldcache.lazy('heavy_module')")

    assert "heavy_module" not in sys.modules


def test_the_first_attribute_imports(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("""
        heavy_module = coldcache.lazy('heavy_module')
        def use():
            return heavy_module.double(heavy_module.VALUE)
    """)

    assert space["use"]() == 84
    assert "heavy_module" in sys.modules


def test_the_name_is_the_real_module_after_first_use(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        heavy_module = coldcache.lazy('heavy_module')
        heavy_module.VALUE
    """)

    assert space["heavy_module"] is sys.modules["heavy_module"]
    assert type(space["heavy_module"]) is types.ModuleType


def test_every_name_of_the_declaring_module_becomes_the_real_module(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        heavy_module = coldcache.lazy('heavy_module')
        alias = heavy_module
        alias.VALUE
    """)

    assert space["alias"] is space["heavy_module"] is sys.modules["heavy_module"]


def test_a_name_that_was_bound_to_something_else_meanwhile_is_left_alone(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        heavy_module = coldcache.lazy('heavy_module')
        kept = [heavy_module]
        heavy_module = "something else"
        kept[0].VALUE
    """)

    assert space["heavy_module"] == "something else"


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="SKIPPED: nothing is specialised before 3.11"
)
@pytest.mark.parametrize("arguments", ["'heavy_module'", "'heavy_module', 'Kind'"])
def test_after_first_use_the_interpreter_runs_the_code_of_a_plain_import(
    arguments: str, program: Callable[[str], dict[str, Any]]
) -> None:
    space = program(f"""
        name = coldcache.lazy({arguments})
        def lazy_one():
            for _ in range(1000): name.VALUE
        lazy_one()
        plain_name = name
        def plain():
            for _ in range(1000): plain_name.VALUE
        plain()
    """)
    codes = [
        [step.opname for step in dis.get_instructions(space[function], adaptive=True)]
        for function in ("lazy_one", "plain")
    ]

    assert type(space["name"]) in {types.ModuleType, type}
    assert codes[0] == codes[1]
    assert "LOAD_GLOBAL_MODULE" in codes[0]


def test_a_reference_elsewhere_is_forwarded(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("""
        heavy_module = coldcache.lazy('heavy_module')
        kept = [heavy_module]
        heavy_module.VALUE
    """)
    (proxy,) = space["kept"]

    assert proxy is not sys.modules["heavy_module"]
    assert proxy.double(4) == 8


def test_a_dotted_name_is_the_leaf(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("""
        leaf = coldcache.lazy('heavy_package.leaf')
        name = leaf.NAME
    """)

    assert space["name"] == "leaf"
    assert space["leaf"] is sys.modules["heavy_package.leaf"]


def test_a_dotted_name_does_not_import_its_parents_early(
    program: Callable[[str], dict[str, Any]],
) -> None:
    program("leaf = coldcache.lazy('heavy_package.leaf')")

    assert "heavy_package" not in sys.modules


@pytest.mark.parametrize(
    "look",
    [repr, bool, hash, type, id, lambda module: isinstance(module, types.ModuleType)],
    ids=["repr", "bool", "hash", "type", "id", "isinstance"],
)
def test_looking_at_it_does_not_import(
    look: Callable[[Any], object], program: Callable[[str], dict[str, Any]]
) -> None:
    space = program("heavy_module = coldcache.lazy('heavy_module')")
    look(space["heavy_module"])

    assert "heavy_module" not in sys.modules


def test_it_is_an_instance_of_module_type(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("heavy_module = coldcache.lazy('heavy_module')")

    assert isinstance(space["heavy_module"], types.ModuleType)


def test_it_is_true(program: Callable[[str], dict[str, Any]]) -> None:
    assert program("heavy_module = coldcache.lazy('heavy_module')")["heavy_module"]


def test_the_representation_names_module_and_declaring_line(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("\n\nheavy_module = coldcache.lazy('heavy_module')")

    assert "heavy_module" in repr(space["heavy_module"])
    assert "program.py:3" in repr(space["heavy_module"])


def test_after_loading_the_representation_is_that_of_the_module(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        kept = [coldcache.lazy('heavy_module')]
        kept[0].VALUE
    """)

    assert repr(space["kept"][0]) == repr(sys.modules["heavy_module"])


def test_setting_an_attribute_reaches_the_real_module(
    program: Callable[[str], dict[str, Any]],
) -> None:
    program("""
        heavy_module = coldcache.lazy('heavy_module')
        heavy_module.VALUE = 7
    """)

    assert sys.modules["heavy_module"].VALUE == 7


def test_deleting_an_attribute_reaches_the_real_module(
    program: Callable[[str], dict[str, Any]],
) -> None:
    program("""
        heavy_module = coldcache.lazy('heavy_module')
        del heavy_module.VALUE
    """)

    assert not hasattr(sys.modules["heavy_module"], "VALUE")


def test_dir_is_that_of_the_real_module(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("""
        kept = [coldcache.lazy('heavy_module')]
    """)

    assert "double" in dir(space["kept"][0])


def test_a_missing_attribute_is_the_modules_own_error(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("heavy_module = coldcache.lazy('heavy_module')")

    with pytest.raises(AttributeError, match="module 'heavy_module' has no attribute 'nothing'"):
        space["heavy_module"].nothing


def test_a_first_use_by_many_threads_imports_once(
    program: Callable[[str], dict[str, Any]], start: Callable[..., Any]
) -> None:
    proxy = program("kept = [coldcache.lazy('heavy_module')]")["kept"][0]

    assert start(*[lambda: proxy.VALUE] * 16).values() == [42] * 16
    assert sys.modules["heavy_module"].LOADS == ["heavy_module"]


def test_it_pickles_without_importing(program: Callable[[str], dict[str, Any]]) -> None:
    proxy = program("heavy_module = coldcache.lazy('heavy_module')")["heavy_module"]
    twin = pickle.loads(pickle.dumps(proxy))

    assert "heavy_module" not in sys.modules
    assert twin.VALUE == 42


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_it_is_copied_without_importing(
    duplicate: Callable[[Any], Any], program: Callable[[str], dict[str, Any]]
) -> None:
    proxy = program("heavy_module = coldcache.lazy('heavy_module')")["heavy_module"]
    twin = duplicate(proxy)

    assert "heavy_module" not in sys.modules
    assert twin.VALUE == 42


def test_it_is_never_put_into_sys_modules(program: Callable[[str], dict[str, Any]]) -> None:
    proxy = program("heavy_module = coldcache.lazy('heavy_module')")["heavy_module"]

    assert proxy not in list(sys.modules.values())


def test_a_package_that_is_loaded_already_is_not_loaded_again(
    program: Callable[[str], dict[str, Any]],
) -> None:
    program("""
        import heavy_module
        lazy_one = coldcache.lazy('heavy_module')
        lazy_one.VALUE
    """)

    assert sys.modules["heavy_module"].LOADS == ["heavy_module"]
