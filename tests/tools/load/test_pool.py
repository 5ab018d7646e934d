from __future__ import annotations

import csv
import gzip
import heapq
import itertools
import math

import pytest
from coldcache.tools.lab import UsageError
from coldcache.tools.lab.load import FixedKeepAlive, parse_keep_alive
from coldcache.tools.lab.load.pool import Pool, PoolRules
from hypothesis import given
from hypothesis import strategies as st


class Watched:
    """A pool, and what it said."""

    def __init__(self, **rules):
        self.ended = {}
        self.timed_out = []
        counter = itertools.count()
        self.pool = Pool(
            PoolRules(**{"keep_alive": FixedKeepAlive(10.0), **rules}),
            function="app",
            seed=0,
            number=lambda: next(counter),
            on_end=lambda slot, at_s, reason: self.ended.update({slot.number: (at_s, reason)}),
            on_timeout=lambda call, at_s: self.timed_out.append((call, at_s)),
        )


@pytest.fixture
def watched():
    return Watched()


def test_an_idle_environment_takes_the_next_call(watched):
    slot, _ = watched.pool.take(0.0)
    watched.pool.release(slot, 1.0)

    assert watched.pool.take(2.0) == (slot, False)


def test_a_busy_environment_takes_no_second_call(watched):
    first, _ = watched.pool.take(0.0)

    assert watched.pool.take(0.0) != (first, False)


def test_an_environment_ends_when_its_idle_time_is_over(watched):
    slot, _ = watched.pool.take(0.0)
    watched.pool.release(slot, 1.0)
    watched.pool.pass_time(100.0)

    assert watched.ended == {0: (11.0, "idle")}


def test_a_call_at_the_end_of_the_idle_time_is_cold(watched):
    slot, _ = watched.pool.take(0.0)
    watched.pool.release(slot, 1.0)

    _, is_new = watched.pool.take(11.0)
    assert is_new


def test_each_call_begins_a_new_idle_time(watched):
    slot, _ = watched.pool.take(0.0)
    watched.pool.release(slot, 1.0)
    watched.pool.take(10.0)
    watched.pool.release(slot, 12.0)

    assert watched.pool.take(21.0) == (slot, False)


@pytest.mark.parametrize(("reuse", "expected"), [("most-recent", 1), ("least-recent", 0)])
def test_the_reuse_order_says_which_idle_environment_goes_first(reuse, expected):
    pool = Watched(reuse=reuse).pool
    slots = [pool.take(0.0)[0], pool.take(0.0)[0]]
    for time_s, slot in enumerate(slots, start=1):
        pool.release(slot, float(time_s))

    assert pool.take(3.0)[0].number == expected


def test_without_a_queue_a_call_above_the_limit_is_turned_away():
    pool = Watched(max_concurrency=1).pool
    pool.take(0.0)

    assert pool.take(0.0) is None
    assert not pool.wait("call", 0.0)


def test_calls_in_line_are_taken_first_come_first_served():
    pool = Watched(max_concurrency=1, queue_s=5.0).pool
    slot, _ = pool.take(0.0)
    pool.wait("first", 1.0)
    pool.wait("second", 2.0)

    assert [pool.release(slot, 3.0), pool.release(slot, 4.0), pool.release(slot, 5.0)] == [
        "first",
        "second",
        None,
    ]


def test_a_call_that_waited_too_long_is_turned_away_at_its_time():
    watched = Watched(max_concurrency=1, queue_s=5.0)
    slot, _ = watched.pool.take(0.0)
    watched.pool.wait("call", 1.0)

    assert watched.pool.release(slot, 100.0) is None
    assert watched.timed_out == [("call", 6.0)]


def test_provisioned_environments_go_first_and_never_expire(watched):
    (kept,) = watched.pool.provision(1, 0.0)
    watched.pool.ready(kept, 1.0)

    assert watched.pool.take(10_000.0) == (kept, False)


def test_a_call_does_not_wait_for_an_environment_that_is_being_provisioned(watched):
    watched.pool.provision(1, 0.0)

    assert watched.pool.take(0.5)[1]


def test_surplus_environments_end_when_they_fall_free(watched):
    for slot in watched.pool.provision(2, 0.0):
        watched.pool.ready(slot, 0.0)
    busy, _ = watched.pool.take(1.0)
    watched.pool.provision(0, 2.0)
    watched.pool.release(busy, 3.0)

    assert sorted(watched.ended.values()) == [(2.0, "scaled-in"), (3.0, "scaled-in")]


def test_a_raised_target_keeps_what_was_to_be_given_up(watched):
    (slot,) = watched.pool.provision(1, 0.0)
    watched.pool.ready(slot, 0.0)
    watched.pool.take(1.0)
    watched.pool.provision(0, 2.0)

    assert watched.pool.provision(1, 3.0) == []
    watched.pool.release(slot, 4.0)
    assert watched.pool.take(5.0) == (slot, False)


@pytest.mark.parametrize("rules", [{"reuse": "random"}, {"max_concurrency": 0}, {"queue_s": -1.0}])
def test_impossible_rules_are_refused(rules):
    with pytest.raises(UsageError):
        Watched(**rules)


class Naive:
    """The same rules, written down as plainly as can be: the oracle."""

    def __init__(self, limit_s, reuse, concurrency):
        self.limit_s, self.reuse, self.concurrency = limit_s, reuse, concurrency
        self.environments = []  # [number, free from, calls]

    def take(self, now_s, took_s):
        self.environments = [
            one for one in self.environments if one[1] > now_s or one[1] + self.limit_s > now_s
        ]
        if sum(one[1] > now_s for one in self.environments) >= self.concurrency:
            return None
        idle = sorted((one for one in self.environments if one[1] <= now_s), key=lambda o: o[1])
        if idle:
            taken = idle[-1 if self.reuse == "most-recent" else 0]
            taken[1] = now_s + took_s
            return taken[0], False
        number = self.started = getattr(self, "started", -1) + 1
        self.environments.append([number, now_s + took_s])
        return number, True


# Whole milliseconds, all different where it matters, so that no order depends on rounding.
calls = st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 9000)), min_size=1, max_size=60)


@given(
    calls,
    st.integers(0, 8000),
    st.sampled_from(["most-recent", "least-recent"]),
    st.integers(1, 6),
)
def test_the_pool_decides_as_its_rules_in_plain_words(gaps, limit, reuse, concurrency):
    pool = Watched(keep_alive=FixedKeepAlive(limit), reuse=reuse, max_concurrency=concurrency).pool
    oracle = Naive(limit, reuse, concurrency)
    busy = []
    now = 0
    for place, (gap, took) in enumerate(gaps):
        now += gap
        # A fraction of its own keeps two answers from falling on one moment.
        took_s = took + (place + 1) / 1000
        while busy and busy[0][0] <= now:
            at_s, _, slot = heapq.heappop(busy)
            pool.release(slot, at_s)
        taken = pool.take(float(now))
        expected = oracle.take(now, took_s)
        assert (taken and (taken[0].number, taken[1])) == expected
        if taken:
            heapq.heappush(busy, (now + took_s, place, taken[0]))


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=50), st.integers(0, 5))
def test_environments_end_no_later_than_their_curve_allows(times, seed):
    watched = Watched(keep_alive=parse_keep_alive("curve:aws-2021"))
    for time_s in sorted(times):
        slot, _ = watched.pool.take(time_s)
        watched.pool.release(slot, time_s)
    watched.pool.pass_time(math.inf)

    assert watched.pool.size == 0
    assert all(at_s <= max(times) + 420 for at_s, _ in watched.ended.values())


@pytest.mark.parametrize(
    ("minutes", "cold"), [(5, 3919), (7, 3534), (10, 2375), (20, 1291), (60, 604), (240, 485)]
)
def test_cold_starts_of_a_published_workload_are_counted_to_the_integer(traces, minutes, cold):
    """Shahrad et al., ATC'20: idle minutes between active ones of an app, on 8 h of Azure 2019."""
    active = {}
    with gzip.open(traces / "azure2019-500fn-8h/invocations.csv.gz", "rt") as file:
        for row in itertools.islice(csv.reader(file), 1, None):
            counts = map(int, row[4:])
            active.setdefault(row[1], set()).update(m for m, one in enumerate(counts) if one)
    found = 0
    for times in active.values():
        # An app is cold after `minutes` whole idle minutes, that is at a gap of one more.
        pool = Watched(keep_alive=FixedKeepAlive(minutes + 1)).pool
        for minute in sorted(times):
            slot, is_new = pool.take(float(minute))
            pool.release(slot, float(minute))
            found += is_new

    assert found == cold
