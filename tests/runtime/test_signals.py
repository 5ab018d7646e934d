"""Signals reach the main thread while it waits for somebody else's load."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

SOON_S = 0.02


class Alarm(Exception):
    """Raised by a handler."""


@pytest.fixture
def on_alarm() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Have a function run by a signal that comes soon."""
    before = signal.getsignal(signal.SIGALRM)

    def install(handler: Callable[[], object]) -> None:
        signal.signal(signal.SIGALRM, lambda number, frame: handler())
        signal.setitimer(signal.ITIMER_REAL, SOON_S)  # real time

    yield install
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def loading_elsewhere(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> Iterator[tuple[Any, threading.Event]]:
    """A subject that another thread loads, and what lets that load end."""
    may_end = threading.Event()

    def load() -> str:
        assert may_end.wait(10)
        return "value"

    subject = subject_of(load)
    crew = start(subject.call)
    subject.wait_for_callers(1)
    yield subject, may_end
    may_end.set()
    assert crew.values() == ["value"]


def test_a_handler_runs_while_the_main_thread_waits(
    loading_elsewhere: tuple[Any, threading.Event], on_alarm: Callable[..., None]
) -> None:
    subject, may_end = loading_elsewhere
    on_alarm(may_end.set)  # the load ends only if the handler runs during the wait

    assert subject.call() == "value"


def test_an_exception_of_a_handler_ends_the_wait_and_not_the_load(
    loading_elsewhere: tuple[Any, threading.Event], on_alarm: Callable[..., None]
) -> None:
    def handler() -> None:
        raise Alarm

    subject, may_end = loading_elsewhere
    on_alarm(handler)
    with pytest.raises(Alarm):
        subject.call()
    may_end.set()

    assert subject.call() == "value"


def test_an_interrupt_ends_the_wait_and_not_the_load(
    loading_elsewhere: tuple[Any, threading.Event],
) -> None:
    subject, may_end = loading_elsewhere
    timer = threading.Timer(SOON_S, _thread.interrupt_main)  # real time
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        subject.call()
    may_end.set()
    timer.join()

    assert subject.call() == "value"


def test_a_handler_may_use_the_cell_it_interrupted(
    loading_elsewhere: tuple[Any, threading.Event], on_alarm: Callable[..., None]
) -> None:
    def handler() -> None:
        may_end.set()
        answers.append(subject.call())

    answers: list[str] = []
    subject, may_end = loading_elsewhere
    on_alarm(handler)

    assert subject.call() == "value"
    assert answers == ["value"]


def test_a_handler_that_asks_for_what_its_own_thread_loads_is_refused(
    subject_of: Callable[..., Any], on_alarm: Callable[..., None]
) -> None:
    answers: list[Any] = []

    def handler() -> None:
        try:
            answers.append(subject.call())
        except RuntimeError as error:
            answers.append(error)

    def load() -> str:
        on_alarm(handler)
        while not answers:
            pass
        return "value"

    subject = subject_of(load)

    assert subject.call() == "value"
    assert "a load waits for itself" in str(answers[0])
