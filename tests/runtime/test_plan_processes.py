"""Deferred names across fork, in children, under signals, at exit, and in asynchronous code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": "VALUE = 42\n",
    "second.py": "VALUE = 'second'\n",
    "app.py": "import heavy\nimport second\ndef use(): return heavy.VALUE\n",
}
PLAN = {"app": ["heavy", "second"]}
FORKED = """
import os
def in_child(call):
    child = os.fork()
    if child == 0:
        try:
            call()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_child_uses_names_that_were_pending(planned: Planned) -> None:
    planned(
        FORKED
        + """
import app
def use():
    assert app.use() == 42 and app.second.VALUE == "second"
in_child(use)
assert "heavy" not in sys.modules
assert app.use() == 42
""",
        PLAN,
        MODULES,
    )


def test_a_child_keeps_names_that_were_used(planned: Planned) -> None:
    planned(
        FORKED
        + """
import app
heavy = app.heavy
def use():
    assert app.heavy is heavy and "second" not in sys.modules
    assert app.second.VALUE == "second"
in_child(use)
""",
        PLAN,
        MODULES,
    )


@pytest.mark.filterwarnings("ignore")
def test_a_child_forked_while_another_thread_loads_uses_other_names(planned: Planned) -> None:
    planned(
        FORKED
        + """
import app, gate, threading, warnings
warnings.simplefilter("ignore")  # threads are about: the very point
thread = threading.Thread(target=lambda: app.gated, daemon=True)
thread.start()
assert gate.entered.wait(15)
def use():
    assert app.heavy.VALUE == 42
in_child(use)
gate.left.set()
thread.join(15)
assert app.gated is sys.modules["gated"]
""",
        {"app": ["heavy", "gated"]},
        {
            **MODULES,
            "gate.py": "import threading\nentered = threading.Event()\nleft = threading.Event()\n",
            "gated.py": "import gate\ngate.entered.set()\nassert gate.left.wait(15)\n",
            "app.py": "import heavy\nimport gated\n",
        },
    )


def test_processes_of_a_pool_use_pending_names(planned: Planned) -> None:
    planned(
        """
        import multiprocessing, app
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(len, [[app.use()]] * 4) == [1] * 4
            assert pool.apply(app.use) == 42
        """,
        PLAN,
        MODULES,
    )


SIGNALS = {
    "keyboard-interrupt": ("signal.default_int_handler", "KeyboardInterrupt"),
    "own-exception": ("own_handler", "TimeoutError"),
}


@pytest.mark.parametrize("case", SIGNALS)
def test_a_signal_during_a_load_comes_out_and_the_name_can_be_used_again(
    case: str, planned: Planned
) -> None:
    handler, error = SIGNALS[case]
    planned(
        f"""
        import app, os, signal
        def own_handler(*_):
            raise TimeoutError
        signal.signal(signal.SIGINT, {handler})
        app.armed = True
        try:
            app.use()
        except {error}:
            pass
        else:
            raise AssertionError("the signal was lost")
        app.armed = False
        assert app.use() == 42
        """,
        {"app": ["interrupted"]},
        {
            "interrupted.py": "import app, os, signal\n"
            "if app.armed:\n    os.kill(os.getpid(), signal.SIGINT)\n"
            "    for _ in range(10**6): pass\nVALUE = 42\n",
            "app.py": "import interrupted\ndef use(): return interrupted.VALUE\n",
        },
    )


def test_a_signal_handler_may_use_the_name_that_is_being_loaded(planned: Planned) -> None:
    planned(
        """
        import app, signal
        seen = []
        def handler(*_):
            try:
                seen.append(app.use())
            except (AttributeError, NameError, ImportError) as error:
                seen.append(type(error).__name__)
        signal.signal(signal.SIGINT, handler)
        assert app.use() == 42
        assert len(seen) == 1
        """,
        {"app": ["interrupted"]},
        {
            "interrupted.py": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
            "for _ in range(1000): pass\nVALUE = 42\n",
            "app.py": "import interrupted\ndef use(): return interrupted.VALUE\n",
        },
    )


def test_the_interpreter_ends_quietly_with_pending_names(planned: Planned) -> None:
    planned(
        "import app\n",
        {"app": ["loud", "heavy"]},
        {**MODULES, "loud.py": "print('loaded')\n", "app.py": "import loud\nimport heavy\n"},
    )


def test_exit_handlers_may_use_pending_names(planned: Planned) -> None:
    output = planned(
        "import app, atexit\natexit.register(lambda: print(app.use()))\n", PLAN, MODULES
    )
    assert output == "42"


def test_a_finalizer_at_the_very_end_does_not_crash(planned: Planned) -> None:
    planned(
        """
        import app
        class Last:
            def __del__(self, app=app):
                try:
                    app.heavy
                except BaseException:
                    pass
        sys.last = Last()
        """,
        PLAN,
        MODULES,
    )


def test_tasks_use_pending_names(planned: Planned) -> None:
    planned(
        """
        import app, asyncio
        async def use():
            await asyncio.sleep(0)
            return app.heavy.VALUE
        async def main():
            return await asyncio.gather(*[use() for _ in range(8)])
        assert asyncio.run(main()) == [42] * 8
        """,
        PLAN,
        MODULES,
    )


def test_a_generator_closed_by_collection_may_use_a_pending_name(planned: Planned) -> None:
    planned(
        """
        import app, gc
        seen = []
        def generate():
            try:
                yield
            finally:
                seen.append(app.use())
        generator = generate()
        next(generator)
        del generator
        gc.collect()
        assert seen == [42]
        """,
        PLAN,
        MODULES,
    )


def test_a_collection_in_the_midst_of_every_step_does_no_harm(planned: Planned) -> None:
    planned(
        """
        import gc
        gc.set_threshold(1)
        import app
        for _ in range(20):
            dir(app), dict(vars(app))
        assert app.use() == 42 and app.second.VALUE == "second"
        """,
        PLAN,
        MODULES,
    )


def test_tracing_sees_the_load_where_it_happens(planned: Planned) -> None:
    planned(
        """
        import app
        seen = []
        def trace(frame, event, arg):
            if event == "call" and frame.f_code.co_filename.endswith("heavy.py"):
                seen.append(frame.f_code.co_name)
        sys.settrace(trace)
        app.use()
        sys.settrace(None)
        assert seen == ["<module>"]
        """,
        PLAN,
        MODULES,
    )
