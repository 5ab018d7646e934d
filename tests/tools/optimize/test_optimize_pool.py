"""Trials side by side: a signal that strikes at a bad moment leaves nobody waiting for ever."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest
from coldcache.tools.lab.stop_signals import Stopped, raised
from coldcache.tools.optimize.pool import Pool


class Struck(threading.Condition):
    """A condition in whose moment of locking a signal arrives, the first time that main asks."""

    is_armed = False

    def __enter__(self) -> Any:
        taken = super().__enter__()
        if self.is_armed and threading.current_thread() is threading.main_thread():
            self.is_armed = False
            signal.raise_signal(signal.SIGINT)
        return taken


@pytest.fixture
def struck() -> tuple[Pool, Struck]:
    pool = Pool(2)
    pool._changed = condition = Struck()
    return pool, condition


def unused(stop: threading.Event) -> Any:
    """A trial that ends when it is dropped."""
    stop.wait(30)


@pytest.mark.timeout(20)
def test_a_signal_while_a_trial_is_submitted_ends_the_pool(struck: tuple[Pool, Struck]) -> None:
    pool, condition = struck

    def use() -> None:
        with pool:
            condition.is_armed = True
            pool.submit(unused)

    with raised(), pytest.raises(Stopped):
        use()

    assert not any(thread.is_alive() for thread in pool._threads)


@pytest.mark.timeout(20)
def test_a_signal_while_the_pool_is_left_comes_after_its_end_was_told(
    struck: tuple[Pool, Struck],
) -> None:
    pool, condition = struck

    def use() -> None:
        with pool:
            pool.submit(unused)
            condition.is_armed = True

    with raised(), pytest.raises(Stopped):
        use()
    assert not any(thread.is_alive() for thread in pool._threads)


@pytest.mark.timeout(20)
def test_a_signal_while_a_trial_is_waited_for_ends_the_pool() -> None:
    pool = Pool(1)
    begun = threading.Event()

    def strike(stop: threading.Event) -> Any:
        begun.set()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        stop.wait(30)

    with raised(), pytest.raises(Stopped), pool:
        pool.submit(strike).wait()

    assert begun.is_set()
    assert not any(thread.is_alive() for thread in pool._threads)
