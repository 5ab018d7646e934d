from __future__ import annotations

import pytest
from coldcache.tools.budget import Budget
from coldcache.tools.budget.judge import matching
from coldcache.tools.lab import UsageError


def read(**table: object) -> Budget:
    return Budget.read("orders", {"function": "src:app.handler", **table}, where="here")


@pytest.mark.parametrize(
    ("text", "size"),
    [(1500, 1500), ("12 MB", 12_000_000), ("1.5kB", 1500), ("2 MiB", 2_097_152), ("7", 7)],
)
def test_sizes_are_numbers_or_texts_with_a_unit(text: object, size: int) -> None:
    assert read(bytes=text).bytes == read(memory=text).memory == size


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"module": 3}, "here: there is no key 'module'; did you mean 'modules'?"),
        ({"forbidden": ["a"]}, "did you mean 'forbid'?"),
        ({"xyz": 3}, "there are function, event, env, forbid, modules"),
        ({"modules": "many"}, "modules must be a whole number from 0 on; got 'many'"),
        ({"modules": -1}, "got -1"),
        ({"modules": True}, "got True"),
        ({"modules": 1.5}, "got 1.5"),
        ({"bytes": "12 XB"}, "bytes must be a number of bytes or a text such as"),
        ({"memory": 1.5}, "memory must be a number of bytes"),
        ({"time_ratio": 0}, "time_ratio must be a number above 0; got 0"),
        ({"time_ratio": float("nan")}, "time_ratio must be a number above 0; got nan"),
        ({"time_ratio": "2"}, "time_ratio must be a number; got '2'"),
        ({"forbid": "pandas"}, "forbid must be a list of module names or patterns; got 'pandas'"),
        ({"forbid": []}, "forbid must be a list"),
        ({"forbid": ["a b"]}, "forbid must be a list"),
        ({"runs": 1}, "runs must be a whole number from 5 on; got 1"),
        ({"function": 3}, "function must be a text; got 3"),
        ({"env": ["A=1"]}, "env must be a table of variables"),
        ({"env": {"A": 1}}, "env must be a table of texts; A is none"),
        ({"env": {"PYTHONHOME": "x"}}, "cannot be set"),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(**table)

    assert message in str(raised.value)


def test_a_missing_function_is_named() -> None:
    with pytest.raises(UsageError, match="here: function is missing"):
        Budget.read("orders", {"modules": 3}, where="here")


def test_values_of_variables_are_in_no_message() -> None:
    with pytest.raises(UsageError) as raised:
        read(env={"TOKEN": ["secret-51"]})

    assert "secret-51" not in str(raised.value)


def test_a_budget_without_a_limit_has_none() -> None:
    assert not read().has_limits
    assert read(modules=0).has_limits
    assert read(forbid=["pandas"]).has_limits


@pytest.mark.parametrize(
    ("pattern", "hits"),
    [
        ("pandas", ["pandas", "pandas.core"]),
        ("pandas.core", ["pandas.core"]),
        ("pandas*", ["pandas", "pandas.core", "pandas_gbq"]),
        ("*.core", ["pandas.core"]),
        ("scipy", []),
    ],
)
def test_a_name_means_what_is_in_it_and_a_pattern_what_it_matches(
    pattern: str, hits: list[str]
) -> None:
    assert matching(pattern, ["pandas", "pandas.core", "pandas_gbq", "numpy"]) == hits
