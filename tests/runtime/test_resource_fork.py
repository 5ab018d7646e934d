"""A forked child makes its own object; the parent's is neither closed nor destroyed there."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

FORK = """
    import gc, os, sys, threading, warnings
    import coldcache

    class Connection:
        def __init__(self):
            self.made_in = os.getpid()
        def __del__(self):
            if self.made_in != os.getpid():
                os.write(1, b"destroyed in the child\\n")
        def close(self):
            if self.made_in != os.getpid():
                os.write(1, b"closed in the child\\n")

    def in_child(call, exit=os._exit):
        '''What the call gives in a forked child.'''
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            try:
                os.write(writer, repr(call()).encode())
            except BaseException as error:
                os.write(writer, repr(error).encode())
            gc.collect()
            sys.stdout.flush()
            exit(0)
        os.close(writer)
        status = os.waitpid(child, 0)[1]
        assert status == 0, status
        return os.read(reader, 10000).decode()
"""


@pytest.fixture
def fork(run_python: Any) -> Callable[[str], list[str]]:
    """Run source with what is needed to fork; the lines it prints."""

    def run(source: str) -> list[str]:
        output: str = run_python(textwrap.dedent(FORK) + textwrap.dedent(source))
        return output.splitlines()

    return run


@pytest.mark.parametrize("leave", ["os._exit", "sys.exit"])
def test_a_child_makes_its_own_object(fork: Callable[[str], list[str]], leave: str) -> None:
    assert fork(f"""
        @coldcache.resource(close=Connection.close)
        def database():
            return Connection()
        mine = database.get()
        print(in_child(lambda: database.get().made_in == os.getpid(), {leave}), flush=True)
        print(database.get() is mine)
    """) == ["True", "True"]


def test_with_on_fork_keep_the_child_uses_the_parents_and_does_not_close_it(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        @coldcache.resource(close=Connection.close, on_fork="keep")
        def database():
            return Connection()
        mine = database.get()
        def look():
            same = database.get() is mine
            database.invalidate()
            return same
        print(in_child(look, sys.exit), flush=True)
        print(database.get() is mine)
    """) == ["True", "True"]


def test_a_fork_inside_a_block_leaves_the_parents_object_alone_in_the_child(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        @coldcache.resource(close=Connection.close)
        def database():
            return Connection()
        def use():
            with database() as connection:
                return in_child(lambda: None, sys.exit), connection.made_in == os.getpid()
        print(use())
        def escape():
            with database() as connection:
                child = os.fork()
            if child == 0:
                database.get()
                sys.exit(0)
            return os.waitpid(child, 0)[1]
        print(escape(), database.stats()["made"])
    """) == ["('None', True)", "0 1"]


def test_a_child_forked_while_another_thread_makes_the_object_makes_its_own(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        entered, gate = threading.Event(), threading.Event()
        parent = os.getpid()
        @coldcache.resource
        def database():
            if os.getpid() == parent:
                entered.set()
                gate.wait(10)
            return os.getpid()
        thread = threading.Thread(target=database.get)
        thread.start()
        entered.wait(10)
        print(in_child(lambda: database.get() == os.getpid()))
        gate.set()
        thread.join()
        print(database.get() == parent)
    """) == ["True", "True"]


def test_a_child_forked_while_a_bounded_factory_hangs_makes_its_own(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        gate = threading.Event()
        parent = os.getpid()
        @coldcache.resource(timeout=5)
        def database():
            if os.getpid() == parent:
                gate.wait(10)
            return os.getpid()
        thread = threading.Thread(target=database.get)
        thread.start()
        while not database._flights.stats()["misses"]:
            pass
        print(in_child(lambda: database.get() == os.getpid()))
        gate.set()
        thread.join()
    """) == ["True"]


def test_a_rotation_works_in_the_child(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        right = ["old"]
        @coldcache.cached
        def secret():
            return right[0]
        class Refused(Exception): pass
        @coldcache.resource(depends_on=(secret,), auth_errors=Refused)
        def database():
            if secret() != right[0]:
                raise Refused
            return secret()
        database.get()
        def rotated():
            right[0] = "new"
            database.invalidate()
            return database.get()
        print(in_child(rotated), database.get())
    """) == ["'new' old"]


def test_a_pool_begins_empty_in_the_child(fork: Callable[[str], list[str]]) -> None:
    assert fork("""
        @coldcache.pool(size=2, close=Connection.close, timeout=5)
        def connections():
            return Connection()
        def use():
            with connections() as one, connections() as two:
                return one.made_in == two.made_in == os.getpid()
        with connections(), connections():
            print(in_child(use, sys.exit), flush=True)
        print(connections.stats()["idle"])
    """) == ["True", "2"]


def test_a_checkout_that_crosses_a_fork_gives_nothing_back_to_the_childs_pool(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        @coldcache.pool(size=1, close=Connection.close, timeout=5)
        def connections():
            return Connection()
        with connections():
            child = os.fork()
        if child == 0:
            with connections() as mine:
                own = mine.made_in == os.getpid()
            sys.exit(0 if own and connections.stats()["idle"] == 1 else 1)
        print(os.waitpid(child, 0)[1], connections.stats()["idle"])
    """) == ["0 1"]


def test_a_child_forked_while_threads_wait_for_a_pool_does_not_hang(
    fork: Callable[[str], list[str]],
) -> None:
    assert fork("""
        @coldcache.pool(size=1, timeout=20)
        def connections():
            return Connection()
        def use():
            with connections() as one:
                return one.made_in == os.getpid()
        with connections():
            threads = [threading.Thread(target=use) for _ in range(4)]
            for thread in threads:
                thread.start()
            while connections.stats()["waiting"] < 4:
                pass
            print(in_child(use))
        for thread in threads:
            thread.join()
    """) == ["True"]
