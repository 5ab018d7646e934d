"""Which lazy names are not loaded yet, loading them all, and loading them at once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import coldcache
import pytest

PREFIXES = ("heavy_", "late_", "nested_")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what is imported from it is forgotten afterwards."""
    (tmp_path / "heavy_module.py").write_text("VALUE = 42\nclass Name: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(PREFIXES)]:
        del sys.modules[name]


def pending_here() -> list[tuple[str, str]]:
    """What the programs of these tests declared."""
    gc.collect()
    return [(name, Path(where).name) for name, where in coldcache.pending() if "program" in where]


def test_a_declared_name_is_pending_with_its_line(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("\nheavy = coldcache.lazy('heavy_module')")

    assert pending_here() == [("heavy_module", "program.py:2")]
    assert space["heavy"]


def test_a_name_of_a_module_is_pending_under_both(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("Name = coldcache.lazy('heavy_module', 'Name')")

    assert pending_here() == [("heavy_module:Name", "program.py:1")]
    assert "Name" in space


def test_pending_names_come_in_the_order_of_their_declaration(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        b = coldcache.lazy('late_b')
        a = coldcache.lazy('late_a')
    """)

    assert [name for name, _ in pending_here()] == ["late_b", "late_a"]
    assert "a" in space


def test_asking_what_is_pending_loads_nothing(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("heavy = coldcache.lazy('heavy_module')")
    coldcache.pending()

    assert "heavy_module" not in sys.modules
    assert "heavy" in space


def test_a_loaded_name_is_not_pending(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("""
        heavy = coldcache.lazy('heavy_module')
        heavy.VALUE
    """)

    assert pending_here() == []
    assert "heavy" in space


def test_a_name_that_failed_to_load_is_still_pending(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("late = coldcache.lazy('late_module')")
    with pytest.raises(ModuleNotFoundError):
        space["late"].VALUE

    assert [name for name, _ in pending_here()] == ["late_module"]


def test_a_name_that_was_dropped_is_not_pending(program: Callable[[str], dict[str, Any]]) -> None:
    program("heavy = coldcache.lazy('heavy_module')\ndel heavy")

    assert pending_here() == []


def test_being_pending_keeps_no_namespace_alive(program: Callable[[str], dict[str, Any]]) -> None:
    program("heavy = coldcache.lazy('heavy_module')")

    assert pending_here() == []


def test_resolve_all_loads_and_rebinds(program: Callable[[str], dict[str, Any]]) -> None:
    space = program("""
        heavy = coldcache.lazy('heavy_module')
        Name = coldcache.lazy('heavy_module', 'Name')
    """)
    loaded = coldcache.resolve_all()

    assert {"heavy_module", "heavy_module:Name"} <= set(loaded)
    assert space["heavy"] is sys.modules["heavy_module"]
    assert space["Name"] is sys.modules["heavy_module"].Name
    assert pending_here() == []


def test_resolve_all_loads_what_is_declared_on_the_way(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "nested_module.py").write_text(
        "import coldcache\nheavy = coldcache.lazy('heavy_module')"
    )
    space = program("nested = coldcache.lazy('nested_module')")
    coldcache.resolve_all()

    assert "heavy_module" in sys.modules
    assert "nested" in space


def test_resolve_all_tries_all_before_it_raises(
    program: Callable[[str], dict[str, Any]],
) -> None:
    space = program("""
        late = coldcache.lazy('late_module')
        heavy = coldcache.lazy('heavy_module')
    """)

    with pytest.raises(ModuleNotFoundError, match="late_module"):
        coldcache.resolve_all()
    assert space["heavy"] is sys.modules["heavy_module"]
    assert [name for name, _ in pending_here()] == ["late_module"]


def test_resolve_all_ends_at_an_interrupt(
    program: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    (folder / "late_module.py").write_text("raise KeyboardInterrupt")
    space = program("""
        late = coldcache.lazy('late_module')
        heavy = coldcache.lazy('heavy_module')
    """)

    with pytest.raises(KeyboardInterrupt):
        coldcache.resolve_all()
    assert "heavy_module" not in sys.modules
    assert "late" in space


def test_eager_mode_gives_the_real_module_at_once(
    program: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDCACHE_EAGER", "1")
    space = program("heavy_module = coldcache.lazy('heavy_module')")

    assert space["heavy_module"] is sys.modules["heavy_module"]


def test_eager_mode_raises_for_a_missing_module_at_once(
    program: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDCACHE_EAGER", "1")

    with pytest.raises(ModuleNotFoundError, match="late_module"):
        program("late_module = coldcache.lazy('late_module')")


def test_eager_mode_turned_off_is_lazy(
    program: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDCACHE_EAGER", "0")
    program("heavy_module = coldcache.lazy('heavy_module')")

    assert "heavy_module" not in sys.modules


def test_eager_mode_that_is_neither_on_nor_off_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLDCACHE_EAGER", "perhaps")

    with pytest.raises(coldcache.FlagError, match="COLDCACHE_EAGER"):
        coldcache.lazy("json")


def test_eager_mode_gives_the_real_name_at_once(
    program: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDCACHE_EAGER", "1")
    space = program("Name = coldcache.lazy('heavy_module', 'Name')")

    assert space["Name"] is sys.modules["heavy_module"].Name


def test_eager_mode_raises_for_a_missing_name_at_once(
    program: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDCACHE_EAGER", "1")

    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        program("nothing = coldcache.lazy('heavy_module', 'nothing')")
