"""The package: its names, what importing it costs, and what it leaves alone."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import coldcache
import pytest

FORBIDDEN = ("asyncio", "threading", "typing", "inspect", "logging", "functools", "collections")


def modules_after(statement: str) -> set[str]:
    """The modules a statement adds in an interpreter without site packages of its own."""
    folder = str(Path(coldcache.__file__).parent.parent)
    program = (
        f"import sys; sys.path.insert(0, {folder!r}); before = set(sys.modules); {statement}; "
        "after = set(sys.modules); import json; print(json.dumps(sorted(after - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={name: value for name, value in os.environ.items() if name.startswith("COLDCACHE_")},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_all_names_exist() -> None:
    assert [name for name in coldcache.__all__ if not hasattr(coldcache, name)] == []


def test_all_names_are_listed_in_order() -> None:
    assert list(coldcache.__all__) == sorted(set(coldcache.__all__))


def test_all_public_names_are_listed() -> None:
    importlib.import_module("coldcache.testing")
    importlib.import_module("coldcache.exceptions")
    # pytest writes assertions of plugins' packages anew, with names that are none for people.
    public = {name for name in vars(coldcache) if name.isidentifier() and name[0] != "_"}

    modules = {"exceptions", "export", "pytest_plugin", "recipes", "tools", "web"}
    assert public - modules - {"TYPE_CHECKING"} <= set(coldcache.__all__)


def test_dir_lists_the_public_names() -> None:
    assert dir(coldcache) == sorted(coldcache.__all__)


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="module 'coldcache' has no attribute 'onec'"):
        coldcache.onec


def test_a_star_import_gives_the_public_names() -> None:
    space: dict[str, object] = {}
    exec("from coldcache import *", space)

    assert set(coldcache.__all__) <= set(space)


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version  # noqa: PLC0415

    assert coldcache.__version__ == version("coldcache")


def test_importing_adds_at_most_four_modules() -> None:
    added = modules_after("import coldcache")

    assert {"coldcache", "coldcache._core"} <= added
    assert len(added) <= 4


@pytest.mark.parametrize("name", FORBIDDEN)
def test_importing_does_not_import(name: str) -> None:
    added = modules_after("import coldcache")

    assert not any(module == name or module.startswith(f"{name}.") for module in added)


def test_using_it_does_not_import_asyncio_or_threading() -> None:
    added = modules_after(
        "import coldcache; f = coldcache.cached(ttl=60)(lambda key: key); f(1); f(1); "
        "g = coldcache.once(lambda: 1); g(); c = coldcache.Cache(ttl=5); c['a'] = 1; c['a']; "
        "c.get_or_load('b', lambda: 1)"
    )

    assert added.isdisjoint({"asyncio", "threading", "typing", "inspect", "logging"})


def test_the_runtime_never_imports_the_tools() -> None:
    added = modules_after(
        "import coldcache, coldcache.testing, coldcache.exceptions; "
        "[getattr(coldcache, name) for name in coldcache.__all__]; "
        "coldcache.cached(lambda: 1).cache_info()"
    )

    assert not any(module.startswith("coldcache.tools") for module in added)


def test_importing_starts_no_thread() -> None:
    program = "import coldcache, os; print(len(os.listdir('/proc/self/task')))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )

    assert done.stdout.strip() == "1"


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(coldcache.__file__).parent / "py.typed").is_file()


def test_the_native_half_has_a_stub() -> None:
    assert (Path(coldcache.__file__).parent / "_core.pyi").is_file()


def test_every_runtime_module_can_be_imported_alone() -> None:
    folder = Path(coldcache.__file__).parent
    names = [path.stem for path in folder.glob("*.py") if path.stem not in {"__main__", "__init__"}]
    assert importlib.util.find_spec("coldcache._core") is not None
    for name in names:
        assert f"coldcache.{name}" in modules_after(f"import coldcache.{name}")
