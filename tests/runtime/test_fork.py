"""The child of a fork forgets loads of the parent's threads and keeps plain values."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

# Threads and fork: since 3.12 the interpreter warns of the mix, which is what is tested here.
FORK = """
    import os, sys, threading, time, warnings
    import coldcache
    from coldcache import Cache, cached, once

    def in_child(call):
        '''What the call gives in a forked child; "hangs" if it never ends.'''
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            try:
                os.write(writer, repr(call()).encode())
            except BaseException as error:
                os.write(writer, repr(error).encode())
            os._exit(0)
        os.close(writer)
        deadline = time.monotonic() + 10
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(child, 9)
                os.waitpid(child, 0)
                return "hangs"
            time.sleep(0.002)  # real time
        return os.read(reader, 10000).decode()

    loading, may_end = threading.Event(), threading.Event()
    PARENT = os.getpid()

    def slow():
        if os.getpid() == PARENT:
            loading.set()
            assert may_end.wait(10)
            return "of parent"
        return "of child"

    def while_loading(call, then):
        thread = threading.Thread(target=call)
        thread.start()
        assert loading.wait(10)
        result = then()
        may_end.set()
        thread.join()
        return result
"""


@pytest.fixture
def fork(run_python: Callable[..., str]) -> Callable[[str], list[str]]:
    """Run source with what is needed to fork; the lines it prints."""

    def run(source: str) -> list[str]:
        return run_python(textwrap.dedent(FORK) + textwrap.dedent(source)).splitlines()

    return run


@pytest.mark.parametrize(
    "subject",
    [
        "call = once(slow)",
        "call = cached(slow)",
        "cache = Cache(); call = lambda: cache.get_or_load('k', slow)",
        "Service = type('Service', (), {'load': once(lambda self: slow())}); s = Service();"
        " call = lambda: s.load()",
    ],
    ids=["once", "cached", "Cache", "method"],
)
def test_a_child_forked_during_a_load_loads_by_itself(
    subject: str, fork: Callable[[str], list[str]]
) -> None:
    assert fork(f"""
        {subject}
        print(while_loading(call, lambda: in_child(call)))
        print(call())
    """) == ["'of child'", "of parent"]


def test_a_child_forked_while_threads_wait_does_not_hang(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        call = cached(slow)
        waiters = [threading.Thread(target=call) for _ in range(8)]
        def then():
            for waiter in waiters:
                waiter.start()
            while call.stats()["misses"] < 9:
                time.sleep(0.001)  # real time
            return [in_child(call) for _ in range(5)]
        print(*while_loading(call, then))
        for waiter in waiters:
            waiter.join()
    """) == ["'of child' 'of child' 'of child' 'of child' 'of child'"]


def test_the_child_keeps_values(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        runs = []
        load = cached(lambda key: runs.append(key) or len(runs))
        setting = once(lambda: "setting")
        load("a"), setting()
        print(in_child(lambda: (load("a"), setting(), runs)))
    """) == ["(1, 'setting', ['a'])"]


def test_with_on_fork_reset_the_child_starts_anew(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        load = cached(on_fork="reset")(os.getpid)
        setting = once(on_fork="reset")(os.getpid)
        cache = Cache(on_fork="reset")
        cache["k"] = 1
        load(), setting()
        print(in_child(lambda: (load() == os.getpid(), setting() == os.getpid(), list(cache))))
        print(load() == setting() == os.getpid(), list(cache))
    """) == ["(True, True, [])", "True ['k']"]


def test_with_on_fork_reset_a_once_is_not_done_in_the_child(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        setting = once(on_fork="reset")(os.getpid)
        setting()
        print(in_child(setting.is_done), setting.is_done())
    """) == ["False True"]


def test_a_kept_failure_is_kept_in_the_child_unless_reset(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        def fail():
            raise ValueError(os.getpid() == PARENT)
        for on_fork in ("keep", "reset"):
            setting = once(retry="never", on_fork=on_fork)(fail)
            try:
                setting()
            except ValueError:
                pass
            print(in_child(setting))
    """) == ["ValueError(True)", "ValueError(False)"]


def test_the_parent_is_not_disturbed_by_its_child(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        cache = Cache()
        cache["k"] = "parent"
        in_child(lambda: cache.clear())
        in_child(lambda: cache.set("k", "child"))
        print(dict(cache))
    """) == ["{'k': 'parent'}"]


def test_a_load_that_forks_ends_in_both_processes(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        @cached
        def load():
            return "parent" if os.fork() else "child"
        value = load()
        if value == "child":
            os._exit(0 if load() == "child" else 1)
        print(value, load(), os.wait()[1])
    """) == ["parent parent 0"]


def test_a_child_forked_inside_a_load_may_ask_for_the_same_key(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        @cached
        def load():
            return "child" if os.getpid() != PARENT else "parent of " + in_child(load)
        print(load())
    """) == ["parent of 'child'"]


def test_re_entry_is_still_found_in_the_child(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        @once(name="a")
        def a():
            return a()
        print(in_child(a))
    """) == ["ReentrantLoadError('a load waits for itself: a -> a')"]


def test_a_grandchild_does_not_hang_either(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        call = cached(slow)
        print(while_loading(call, lambda: in_child(lambda: in_child(call))))
    """) == ['''"'of child'"''']


def test_full_caches_work_in_the_child(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        cache = Cache(max_entries=3)
        for key in range(10):
            cache[key] = key
        def use():
            for key in range(20, 30):
                cache[key] = key
            return list(cache)
        print(in_child(use), list(cache))
    """) == ["[27, 28, 29] [7, 8, 9]"]


def test_the_interpreter_can_fork_before_anything_was_used(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        print(in_child(once(lambda: "fine")))
    """) == ["'fine'"]
