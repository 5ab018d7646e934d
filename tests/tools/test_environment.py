from __future__ import annotations

import pytest
from coldcache.tools.lab.environment import RESERVED, parse_settings
from coldcache.tools.lab.errors import UsageError


def test_settings_are_split_at_the_first_equals_sign() -> None:
    assert parse_settings(["A=1", "B=", "C=x=y"]) == {"A": "1", "B": "", "C": "x=y"}


@pytest.mark.parametrize("setting", ["hunter2", "", "=hunter2", "a-hunter2=1", "1=2"])
def test_another_form_is_refused_by_place_and_never_quoted(setting: str) -> None:
    with pytest.raises(UsageError, match=r"--env takes NAME=VALUE.*place 2") as caught:
        parse_settings(["A=1", setting])

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_what_the_lab_sets_itself_cannot_be_set(name: str) -> None:
    with pytest.raises(UsageError, match=f"--env {name} cannot be set"):
        parse_settings([f"{name}=1"])


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="--env A is given twice"):
        parse_settings(["A=1", "A=2"])


def test_a_zero_byte_is_refused() -> None:
    with pytest.raises(UsageError, match="--env A holds a zero byte"):
        parse_settings(["A=\0"])
