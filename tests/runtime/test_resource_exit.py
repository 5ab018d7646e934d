"""At exit: everything is closed once, dependents first, and nothing hangs."""

from __future__ import annotations

from typing import Any


def test_objects_are_closed_at_exit_last_declared_first(run_python: Any) -> None:
    assert (
        run_python("""
        import coldcache
        def closing(name):
            return lambda one: print("closed", name)
        inner = coldcache.resource(close=closing("inner"))(object)
        outer = coldcache.resource(close=closing("outer"))(lambda: inner.get() and object())
        pool = coldcache.pool(close=closing("pooled"))(object)
        with outer(), pool():
            pass
    """)
        == "closed pooled\nclosed outer\nclosed inner"
    )


def test_what_was_never_made_is_not_closed(run_python: Any) -> None:
    assert (
        run_python("""
        import coldcache
        coldcache.resource(close=lambda one: print("closed"))(object)
    """)
        == ""
    )


def test_an_object_in_use_is_closed_at_exit(run_python: Any) -> None:
    assert (
        run_python("""
        import coldcache
        database = coldcache.resource(close=lambda one: print("closed"))(object)
        lease = database()
        lease.__enter__()
    """)
        == "closed"
    )


def test_a_close_that_raises_at_exit_does_not_keep_others_from_theirs(run_python: Any) -> None:
    output = run_python("""
        import coldcache, logging
        logging.disable()
        first = coldcache.resource(close=lambda one: print("closed"))(object)
        second = coldcache.resource(close=lambda one: 1 / 0)(object)
        first.get(), second.get()
    """)

    assert output == "closed"


def test_a_load_under_way_does_not_hang_the_exit(run_python: Any) -> None:
    assert (
        run_python("""
        import coldcache, threading, time
        entered = threading.Event()
        @coldcache.resource(close=lambda one: print("closed"), timeout=60)
        def database():
            entered.set()
            threading.Event().wait()
        def use():
            try:
                database.get()
            except BaseException:
                pass
        threading.Thread(target=use, daemon=True).start()
        entered.wait()
        print("leaving")
    """)
        == "leaving"
    )


def test_asynchronous_objects_are_closed_at_exit_where_their_loop_is_still_open(
    run_python: Any,
) -> None:
    assert (
        run_python("""
        import asyncio, coldcache
        async def close(one):
            await asyncio.sleep(0)
            print("closed")
        @coldcache.resource(close=close)
        async def client():
            return object()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.get())
        import atexit
        atexit.register(lambda: None)
        atexit._run_exitfuncs()
        loop.close()
    """)
        == "closed"
    )


def test_nothing_of_it_is_imported_until_it_is_used(run_python: Any) -> None:
    assert (
        run_python("""
        import sys, coldcache
        print(sorted(name for name in sys.modules if name.startswith("coldcache")))
    """)
        == "['coldcache', 'coldcache._core']"
    )


def test_using_it_imports_nothing_slow(run_python: Any) -> None:
    assert (
        run_python("""
        import sys
        before = set(sys.modules)
        import coldcache
        database = coldcache.resource(check=id, close=id, timeout=5)(object)
        pool = coldcache.pool(size=2)(object)
        with database(), pool():
            pass
        slow = {"asyncio", "threading", "typing", "inspect", "logging", "dataclasses"}
        print(sorted(slow & (set(sys.modules) - before)))
    """)
        == "[]"
    )


def test_a_daemon_thread_that_waits_for_a_bounded_factory_does_not_disturb_the_end(
    run_python: Any,
) -> None:
    # Several interpreters: whether it wakes up at the wrong moment is a matter of luck.
    for _ in range(5):
        run_python(
            """
            import threading, time
            import coldcache
            begun = threading.Event()
            def factory():
                begun.set()
                time.sleep(10)  # hangs for longer than the program lives
            resource = coldcache.resource(timeout=2)(factory)
            threading.Thread(target=resource.get, daemon=True).start()
            assert begun.wait(5)
            time.sleep(0.06)  # so that a look for signals would be due while the interpreter ends
            """
        )


def test_daemon_threads_inside_an_unbounded_factory_do_not_disturb_the_end(run_python: Any) -> None:
    # Several interpreters: whether one wakes up at the wrong moment is a matter of luck.
    for _ in range(5):
        run_python(
            """
            import threading, time
            import coldcache
            begun = threading.Event()
            def factory():
                begun.set()
                while True:
                    time.sleep(0.001)  # wakes up while the interpreter ends
            resource = coldcache.resource(factory)
            def use():
                with resource():
                    pass
            for _ in range(4):
                threading.Thread(target=use, daemon=True).start()
            assert begun.wait(5)
            """
        )


def test_other_threads_run_an_unbounded_factory_themselves(run_python: Any) -> None:
    assert (
        run_python("""
        import threading
        import coldcache
        made = []
        resource = coldcache.resource(threading.get_ident)
        thread = threading.Thread(target=lambda: made.append(resource.get()), daemon=False)
        thread.start()
        thread.join()
        print(made == [thread.ident])
    """)
        == "True"
    )
