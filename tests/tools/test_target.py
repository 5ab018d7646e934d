from __future__ import annotations

from pathlib import Path

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.target import Target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "function" / "pkg"
    package.mkdir(parents=True)
    (tmp_path / "function" / "app.py").write_text("raise SystemExit('imported by the lab')")
    (package / "inner.py").write_text("")
    (tmp_path / "function" / "native.cpython-399-x.so").write_text("")
    (tmp_path / "function" / "whole").mkdir()
    (tmp_path / "function" / "whole" / "__init__.py").write_text("")
    return tmp_path / "function"


@pytest.mark.parametrize("module", ["app", "pkg.inner", "native", "whole"])
def test_an_existing_module_is_accepted_without_importing_it(folder: Path, module: str) -> None:
    target = Target.parse(f"{folder}:{module}.handler")

    assert (target.folder, target.handler) == (folder, f"{module}.handler")


def test_slashes_in_the_module_count_as_dots(folder: Path) -> None:
    assert Target.parse(f"{folder}:pkg/inner.handler").handler == "pkg.inner.handler"


def test_the_last_colon_separates(folder: Path) -> None:
    odd = folder.rename(folder.with_name("with:colon"))

    assert Target.parse(f"{odd}:app.handler").folder == odd


def test_a_relative_folder_becomes_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)

    assert Target.parse("function:app.handler").folder == folder


@pytest.mark.parametrize("spec", ["", "app.handler", ":app.handler", "function:", "function"])
def test_another_form_is_refused_with_the_right_one(spec: str) -> None:
    with pytest.raises(UsageError, match=r"FOLDER:module\.handler"):
        Target.parse(spec)


@pytest.mark.parametrize(
    "handler", ["app", ".handler", "app.", "a-b.handler", "app..handler", "1.x"]
)
def test_a_handler_that_is_no_dotted_name_is_refused_and_named(folder: Path, handler: str) -> None:
    with pytest.raises(UsageError, match=r"form module\.handler") as caught:
        Target.parse(f"{folder}:{handler}")

    assert repr(handler) in str(caught.value)


def test_a_missing_folder_is_named() -> None:
    with pytest.raises(UsageError, match=r"folder 'nowhere' .* does not exist"):
        Target.parse("nowhere:app.handler")


def test_a_file_in_place_of_the_folder_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        Target.parse(f"{folder / 'app.py'}:app.handler")


@pytest.mark.parametrize("module", ["missing", "pkg", "pkg.missing", "missing.inner", "app.inner"])
def test_a_missing_module_is_named_with_the_files_that_would_do(folder: Path, module: str) -> None:
    path = module.replace(".", "/")

    with pytest.raises(UsageError, match=rf"no module '{module}' .*{path}\.py or {path}/__init__"):
        Target.parse(f"{folder}:{module}.handler")
