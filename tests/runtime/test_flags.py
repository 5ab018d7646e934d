"""Environment feature flags: on, off, or a clear error."""

from __future__ import annotations

from typing import Any

import coldcache
import pytest
from coldcache import FlagError, flag


@pytest.mark.parametrize("value", ["1", "true", "on", "yes", "TRUE", "On", " yes "])
def test_words_for_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAVY_MODEL", value)

    assert flag("HEAVY_MODEL") is True


@pytest.mark.parametrize("value", ["0", "false", "off", "no", "FALSE", "Off", " no "])
def test_words_for_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAVY_MODEL", value)

    assert flag("HEAVY_MODEL", default=True) is False


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_the_default_counts_where_nothing_is_set(
    value: str | None, default: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEAVY_MODEL", raising=False)
    if value is not None:
        monkeypatch.setenv("HEAVY_MODEL", value)

    assert flag("HEAVY_MODEL", default=default) is default


def test_the_default_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEAVY_MODEL", raising=False)

    assert flag("HEAVY_MODEL") is False


@pytest.mark.parametrize("value", ["maybe", "2", "-1", "y", "enabled", "\udcff"], ids=ascii)
def test_anything_else_is_an_error_that_names_the_variable_and_the_words(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEAVY_MODEL", value)

    with pytest.raises(FlagError, match=r"HEAVY_MODEL must be one of 1/0, true/false, on/off, yes"):
        flag("HEAVY_MODEL")


def test_the_error_does_not_show_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAVY_MODEL", "hunter2")

    with pytest.raises(FlagError) as caught:
        flag("HEAVY_MODEL")
    assert "hunter2" not in str(caught.value)


def test_the_environment_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAVY_MODEL", "1")
    before = flag("HEAVY_MODEL")
    monkeypatch.setenv("HEAVY_MODEL", "0")

    assert (before, flag("HEAVY_MODEL")) == (True, False)


@pytest.mark.parametrize("name", [None, 1, b"HEAVY_MODEL"], ids=repr)
def test_a_name_that_is_no_string_is_an_error(name: Any) -> None:
    with pytest.raises(TypeError):
        flag(name)


@pytest.mark.parametrize("name", ["", "A=B", "A\0B"], ids=repr)
def test_a_name_that_no_variable_can_have_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        flag(name)


def test_the_default_is_keyword_only() -> None:
    with pytest.raises(TypeError):
        flag("HEAVY_MODEL", True)


def test_a_flag_error_is_a_value_error() -> None:
    assert issubclass(coldcache.FlagError, ValueError)
