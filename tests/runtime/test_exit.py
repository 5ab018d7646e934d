"""The interpreter ends cleanly whatever the other threads are at."""

from __future__ import annotations

from collections.abc import Callable

# Threads that want to go on while the interpreter ends are stopped in their tracks. That they try
# takes an end that lasts a moment.
SLOW_END = """
    import sys, threading, time
    import coldcache

    class SlowEnd:
        def __del__(self, sleep=time.sleep):
            sleep(0.3)  # real time

    sys.slow_end = SlowEnd()
    entered = threading.Event()
    runs = []

    def load():
        runs.append(1)
        if len(runs) > 1:
            entered.set()
            time.sleep(0.1)  # real time
        return len(runs)
"""


def test_a_refresh_under_way_does_not_disturb_the_end(run_python: Callable[..., str]) -> None:
    source = f"""{SLOW_END}
    with coldcache.testing.clock() as clock:
        function = coldcache.cached(ttl=60, stale=600)(load)
        function()
        clock.advance(60)
        function()
        assert entered.wait(10)
    print("done")
    """

    assert run_python(source) == "done"


def test_waiting_threads_do_not_disturb_the_end(run_python: Callable[..., str]) -> None:
    source = f"""{SLOW_END}
    function = coldcache.cached(lambda: threading.Event().wait(100))
    for _ in range(4):
        threading.Thread(target=function, daemon=True).start()
    while function.stats()["misses"] < 4:
        pass
    print("done")
    """

    assert run_python(source) == "done"


def test_values_with_destructors_do_not_disturb_the_end(run_python: Callable[..., str]) -> None:
    source = """
    import coldcache

    cache = coldcache.Cache(max_entries=10)

    class Value:
        def __del__(self):
            cache.get("a"), cache.set("b", 1), cache.clear()

    @coldcache.once
    def settings():
        return Value()

    @coldcache.cached
    def load(key):
        return Value()

    settings(), load(1)
    for key in range(20):
        cache[key] = Value()
    print("done")
    """

    assert run_python(source) == "done"


def test_calls_at_the_very_end_still_work(run_python: Callable[..., str]) -> None:
    source = """
    import sys
    import coldcache

    @coldcache.cached(copy=list)
    def load(key):
        return [key]

    class Last:
        def __del__(self, load=load, write=sys.stdout.write, flush=sys.stdout.flush):
            write(str(load("a") + load(key="b")))
            flush()

    sys.last = Last()
    """

    assert run_python(source) == "['a', 'b']"
