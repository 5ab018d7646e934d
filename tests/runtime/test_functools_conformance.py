"""CPython's own tests of `functools.lru_cache` and `cache`, pointed at `coldcache.cached`.

They are taken from the `test` package of the interpreter that runs this; nothing of them is
copied. What differs on purpose is listed with its reason and with the words it fails with: a test
that fails otherwise fails here, and so does one on the list that no longer fails.
"""

from __future__ import annotations

import functools
import threading
import types
import unittest
import warnings
from typing import NamedTuple

import coldcache
import pytest

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from test import test_functools
except ImportError as missing:
    pytest.skip(
        f"CPython's test package is not installed, its tests of lru_cache were NOT run ({missing})",
        allow_module_level=True,
    )


def lru_cache(maxsize=128, typed=False):
    """`coldcache.cached` under the signature of `functools.lru_cache`."""
    if callable(maxsize):
        return coldcache.cached(max_entries=128, typed=typed)(maxsize)
    return coldcache.cached(max_entries=maxsize, typed=typed)


def cache(function):
    """`coldcache.cached` under the signature of `functools.cache`."""
    return coldcache.cached(max_entries=None, typed=False)(function)


def lru_cache_of_some_size(maxsize=128, typed=False):
    """The same, but sizes that we refuse are left to functools."""
    if isinstance(maxsize, int) and maxsize <= 0:
        return functools.lru_cache(maxsize, typed)
    return lru_cache(maxsize, typed)


def pointing_at(lru_cache):
    """What the tests take for the module `functools`."""
    names = {**vars(functools), "lru_cache": lru_cache, "cache": cache}
    return types.SimpleNamespace(**names)


@lru_cache()
def cached_function(x, y):
    return 3 * x + y


class Lru(test_functools.TestLRU, unittest.TestCase):
    __test__ = False  # pytest: each of its tests is run below, by name
    module = pointing_at(lru_cache)
    cached_func = (cached_function,)

    @lru_cache()
    def cached_meth(self, x, y):
        return 3 * x + y

    @staticmethod
    @lru_cache()
    def cached_staticmeth(x, y):
        return 3 * x + y


class LruOfSomeSize(Lru):
    module = pointing_at(lru_cache_of_some_size)


class Cache(test_functools.TestCache, unittest.TestCase):
    __test__ = False
    module = pointing_at(lru_cache)


class Difference(NamedTuple):
    reason: str
    says: str


DIFFERENCES = {
    "test_lru": Difference(
        "a size of zero is refused: a cache that keeps nothing is a mistake, not a wish",
        "ValueError: max_entries must be .* got 0",
    ),
    "test_lru_with_maxsize_negative": Difference(
        "a negative size is refused instead of being taken for zero",
        "ValueError: max_entries must be .* got -10",
    ),
    "test_lru_bug_35780": Difference(
        "a call that calls itself with the same arguments is an error that says so: one load runs "
        "at a time, and this one would wait for itself",
        "ReentrantLoadError: a load waits for itself",
    ),
    "test_lru_cache_threaded2": Difference(
        "one load for all callers: the test waits for five threads inside the function at once",
        "BrokenBarrierError",
    ),
    "test_lru_hash_only_once": Difference(
        "a miss looks up entries and flights, so it hashes more than once; a hit hashes once",
        r"AssertionError: \d+ != 1",
    ),
    "test_lru_method": Difference(
        "methods keep their results per instance, and neither hash the instance nor keep it alive",
        "AssertionError",
    ),
    "test_lru_cache_parameters": Difference(
        "cache_parameters() also shows our own options as they were given",
        "AssertionError: .*'max_entries': 2",
    ),
}


@pytest.fixture
def failures_of(monkeypatch):
    """Run one of CPython's tests; what it failed with, in the main thread or in another."""
    in_threads = []
    monkeypatch.setattr(threading, "excepthook", in_threads.append)

    def run(case, name):
        result = unittest.TestResult()
        case(name).run(result)
        assert result.testsRun == 1
        texts = [text for _, text in result.failures + result.errors]
        return texts + [f"{told.exc_type.__name__}: {told.exc_value}" for told in in_threads]

    return run


def names_of(case):
    return unittest.TestLoader().getTestCaseNames(case)


@pytest.mark.parametrize("name", [name for name in names_of(Lru) if name not in DIFFERENCES])
def test_lru_cache_conforms(name, failures_of):
    assert failures_of(Lru, name) == []


@pytest.mark.parametrize("name", names_of(Cache))
def test_cache_conforms(name, failures_of):
    assert failures_of(Cache, name) == []


@pytest.mark.parametrize("name", [name for name in names_of(Lru) if name in DIFFERENCES])
def test_a_difference_is_the_one_we_mean(name, failures_of, monkeypatch):
    # For the test that waits for threads which never come.
    wait = threading.Barrier.wait
    monkeypatch.setattr(threading.Barrier, "wait", lambda barrier, _=None: wait(barrier, 0.2))
    failures = failures_of(Lru, name)
    assert failures, f"{name} passes now: take it off the list"
    failures = "\n".join(failures)
    with pytest.raises(AssertionError, match=f"(?s){DIFFERENCES[name].says}"):
        raise AssertionError(failures)


def test_apart_from_the_size_of_zero_the_main_test_conforms(failures_of):
    assert failures_of(LruOfSomeSize, "test_lru") == []


def test_every_difference_has_a_reason_of_its_own():
    reasons = [difference.reason for difference in DIFFERENCES.values()]
    assert len(set(reasons)) == len(reasons)
