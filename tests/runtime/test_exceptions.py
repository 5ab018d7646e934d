"""The tree of exceptions."""

from __future__ import annotations

import pickle

import coldcache
import pytest
from coldcache import exceptions

TREE = {
    "ReentrantLoadError": (coldcache.ColdcacheError, RuntimeError),
    "LoadTimeout": (coldcache.ColdcacheError, TimeoutError),
    "PoolSaturated": (coldcache.ColdcacheError, TimeoutError),
    "ConfigError": (coldcache.ColdcacheError, ValueError),
    "FlagError": (coldcache.ConfigError, ValueError),
    "StoreError": (coldcache.ColdcacheError,),
    "PlanError": (coldcache.ColdcacheError,),
    "SerializationError": (coldcache.ColdcacheError,),
    "WarmUpError": (coldcache.ColdcacheError, RuntimeError),
    "PreloadError": (coldcache.ColdcacheError, RuntimeError),
    "SideEffectBlocked": (coldcache.ColdcacheError, RuntimeError),
}


@pytest.mark.parametrize("name", TREE)
def test_an_exception_is_below_its_bases(name: str) -> None:
    kind = getattr(coldcache, name)

    assert all(issubclass(kind, base) for base in TREE[name])


@pytest.mark.parametrize("name", ["ColdcacheError", *TREE])
def test_the_package_and_the_module_name_the_same_class(name: str) -> None:
    assert getattr(coldcache, name) is getattr(exceptions, name)


def test_every_exception_is_in_the_tree() -> None:
    classes = {name for name, kind in vars(exceptions).items() if isinstance(kind, type)}

    assert classes == {"ColdcacheError", *TREE}


@pytest.mark.parametrize("name", ["ColdcacheError", *TREE])
def test_an_exception_is_drawn_in_the_docstring_of_its_module(name: str) -> None:
    assert exceptions.__doc__ is not None
    assert f" {name}" in f" {exceptions.__doc__}" or f"\n{name}" in exceptions.__doc__


@pytest.mark.parametrize("name", ["ColdcacheError", *TREE])
def test_an_exception_survives_pickling(name: str) -> None:
    error = getattr(coldcache, name)("why")
    twin = pickle.loads(pickle.dumps(error))

    assert (type(twin), twin.args) == (type(error), error.args)


def test_an_error_raised_by_the_native_half_is_of_these_classes() -> None:
    @coldcache.once
    def settings() -> object:
        return settings()

    with pytest.raises(exceptions.ColdcacheError):
        settings()
