"""Coldcache stands every scenario of the torture suite; `benches/torture.py` asks its peers too."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from pathlib import Path

import coldcache
import pytest

TRIAL = Path(__file__).parents[1] / "torture" / "trial.py"


def load_trial():
    spec = importlib.util.spec_from_file_location("coldcache_torture_trial", TRIAL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


trial = load_trial()  # from here on its neighbours can be imported
Sequence = importlib.import_module("sequence").Sequence
Crowd = importlib.import_module("crowd").Crowd
SCENARIOS = [(group, scenario) for group, all_of in trial.GROUPS.items() for scenario in all_of]
SCENARIOS += [("clocks by hand", scenario) for scenario in trial.GROUPS["clocks"]]


@pytest.mark.parametrize(("group", "scenario"), SCENARIOS)
def test_coldcache_stands(group, scenario):
    verdict = trial.trial(group, scenario, "coldcache", limit_s=30)
    if verdict.word.startswith("not tested"):
        pytest.skip(verdict.word)
    assert verdict.is_ok, verdict.word


def test_a_subject_that_hangs_is_found_out():
    """The suite itself: a scenario that cannot end is a verdict, not a wait."""
    assert trial.trial("threads", "fork", "cachetools", limit_s=0.01).word == "hangs"


@pytest.mark.parametrize("scenario", ["stampede", "failing"])
def test_a_cache_without_a_single_flight_is_found_out(scenario):
    """The suite itself: `functools.lru_cache` is what these two scenarios are there to tell."""
    verdict = trial.trial("threads", scenario, "functools.lru_cache", limit_s=30)
    assert not verdict.is_ok
    assert verdict.word.endswith("loads")


@pytest.mark.parametrize("plan", [Sequence, Crowd], ids=["sequence", "crowd"])
def test_random_schedules_agree_with_the_oracle(plan):
    """A few; `benches/stress.py` goes on for as long as it is told to."""
    for number in range(40):
        schedule = plan(f"ci:{number}", length=60 if plan is Sequence else 12)
        try:
            schedule.run()
        except AssertionError as error:
            pytest.fail(f"{error}\n{schedule}")


class ForgetsNothing:
    """A cache for which `invalidate` and `clear` do nothing."""

    def __init__(self, **options):
        self._cache = coldcache.Cache(**options)

    def __getattr__(self, name):
        return getattr(self._cache, name)

    def __setitem__(self, key, value):
        self._cache[key] = value

    def __delitem__(self, key):
        del self._cache[key]

    def __contains__(self, key):
        return key in self._cache

    def __len__(self):
        return len(self._cache)

    def invalidate(self, key):
        pass

    def clear(self):
        pass


class SharesNothing(ForgetsNothing):
    """A cache without a single flight."""

    def invalidate(self, key):
        self._cache.invalidate(key)

    def clear(self):
        self._cache.clear()

    def get_or_load(self, key, loader):
        if inspect.iscoroutinefunction(loader):
            return self._cache.get_or_load(key, loader)
        found = self._cache.get(key)
        if found is None:
            self._cache[key] = found = loader()
        return found


def run_all(plan):
    for number in range(100):
        plan(f"broken:{number}", length=60 if plan is Sequence else 12).run()


@pytest.mark.parametrize(
    ("plan", "broken", "finding"),
    [
        (Sequence, ForgetsNothing, "the oracle"),
        (Crowd, ForgetsNothing, "overtaken by"),
        (Crowd, SharesNothing, "two loads of|overtaken by"),
    ],
)
def test_the_oracle_finds_out_a_broken_cache(plan, broken, finding, monkeypatch):
    """The suite itself: what it is there to find is found within a few schedules."""
    monkeypatch.setattr(plan, "make_cache", broken)
    with pytest.raises(AssertionError, match=finding):
        run_all(plan)
