from __future__ import annotations

import signal
import threading

import pytest
from coldcache.tools.lab.stop_signals import Stopped, deferred, raised

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_becomes_an_exception_that_names_it(signum: signal.Signals) -> None:
    with pytest.raises(Stopped, match=signum.name) as caught, raised():
        signal.raise_signal(signum)

    assert caught.value.signal == signum


@pytest.mark.parametrize("signum", SIGNALS)
def test_handlers_are_put_back(signum: signal.Signals) -> None:
    before = signal.getsignal(signum)
    with raised(), deferred():
        assert signal.getsignal(signum) != before

    assert signal.getsignal(signum) == before


def test_a_deferred_signal_strikes_at_the_end_of_the_block() -> None:
    steps = []

    def interrupted() -> None:
        with deferred():
            signal.raise_signal(signal.SIGTERM)
            steps.append("block")
        steps.append("after")

    with pytest.raises(Stopped), raised():
        interrupted()
    assert steps == ["block"]


def test_a_deferred_signal_is_not_lost_when_the_block_fails() -> None:
    def failing() -> None:
        with deferred():
            signal.raise_signal(signal.SIGTERM)
            raise ValueError

    with pytest.raises(Stopped), raised():
        failing()


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raised(), deferred():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_nothing_is_touched() -> None:
    handlers = []

    def look() -> None:
        with raised(), deferred():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert handlers == [signal.getsignal(signal.SIGINT)]
