"""The search on small packages: each needs something eager for another reason, or nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from coldcache.tools.lab.errors import FunctionError, UsageError
from coldcache.tools.optimize.edges import Edge
from coldcache.tools.optimize.oracle import Finding, Oracle

HEAVY = "table = [number * number for number in range(1000)]\n"


def of(result: object) -> set[tuple[str, str]]:
    """The deferred edges as pairs."""
    return {tuple(edge) for edge in result.deferred}


def test_what_is_not_used_is_deferred(bench: Callable, write_files: Callable) -> None:
    write_files(
        {
            "app.py": "import heavy\nimport light\ndef handler(e, c):\n    return light.one\n",
            "heavy.py": HEAVY,
            "light.py": "one = 1\n",
        }
    )

    found, _ = bench().search()

    assert ("app", "heavy") in of(found)
    assert found.is_complete
    assert found.reasons == {}


def test_a_registration_made_by_importing_stays(bench: Callable, write_files: Callable) -> None:
    write_files(
        {
            "app.py": """
            import shop
            def handler(event, context):
                return shop.price(event["kind"])
            """,
            "shop/__init__.py": """
            from . import heavy
            from . import events
            from .registry import price
            """,
            "shop/registry.py": """
            prices = {}
            def price(kind):
                return prices[kind]()
            """,
            "shop/events.py": """
            from .registry import prices
            prices["book"] = lambda: 12
            """,
            "shop/heavy.py": HEAVY,
        }
    )

    found, _ = bench().search({"kind": "book"})

    assert ("shop", "shop:heavy") in of(found)
    assert ("shop", "shop:events") not in of(found)
    [(edge, reason)] = found.reasons.items()
    assert edge == Edge("shop", "shop:events")
    assert "KeyError" in reason


def test_an_import_that_has_to_come_before_another_stays(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import state
            import first
            import second
            def handler(event, context):
                return second.value
            """,
            "state.py": "ready = False\n",
            "first.py": "import state\nstate.ready = True\n",
            "second.py": """
            import state
            if not state.ready:
                raise ImportError('too early')
            value = 5
            """,
        }
    )

    found, _ = bench().search()

    assert set(found.reasons) == {Edge("app", "first")}


def test_an_answer_that_silently_changes_keeps_its_import(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import settings
            import patch
            def handler(event, context):
                return settings.rate
            """,
            "heavy.py": HEAVY,
            "settings.py": "rate = 1\n",
            "patch.py": "import settings\nsettings.rate = 2\n",
        }
    )

    found, _ = bench().search()

    assert set(found.reasons) == {Edge("app", "patch")}
    assert "another answer" in found.reasons[Edge("app", "patch")]
    assert ("app", "heavy") in of(found)


def test_an_error_that_is_logged_and_swallowed_counts(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import logging
            import plugins
            import one
            def handler(event, context):
                if not plugins.found:
                    logging.getLogger("app").warning("no plugin")
                return "ok"
            """,
            "plugins.py": "found = []\n",
            "one.py": "import plugins\nplugins.found.append(1)\n",
        }
    )

    found, _ = bench().search()

    assert set(found.reasons) == {Edge("app", "one")}
    assert "logs at level WARNING" in found.reasons[Edge("app", "one")]


@pytest.mark.parametrize(
    ("effect", "told"),
    [
        ("import warnings; warnings.simplefilter('error', ResourceWarning)", "a warnings filter"),
        ("import os; os.environ['MODE'] = 'secret-value'", "environment variable MODE"),
        ("import logging; logging.getLogger('other').setLevel(10)", "configures logging other"),
        ("import signal; signal.signal(signal.SIGUSR1, lambda *_: None)", "handles a signal"),
        ("import sys; sys.setrecursionlimit(2500)", "recursion limit"),
        ("import json; json.dumps = lambda *a, **k: '1'", "replaces json.dumps"),
        ("import codecs; codecs.register(lambda name: None)", "with codecs.register"),
        ("import sys; sys.modules['blocked'] = None", "puts into sys.modules blocked"),
        ("import decimal; decimal.getcontext().prec = 5", "decimal context"),
        ("import atexit; atexit.register(print)", "registers"),
        ("import builtins; builtins.shout = lambda: 1", "replaces builtins.shout"),
    ],
)
def test_a_side_effect_on_the_interpreter_keeps_its_module(
    effect: str, told: str, bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": "import heavy\nimport outer\ndef handler(e, c):\n    return 1\n",
            "outer.py": "import effect\n",
            "effect.py": effect + "\n",
            "heavy.py": HEAVY,
        }
    )

    found, _ = bench().search()

    assert set(found.reasons) == {Edge("app", "outer"), Edge("outer", "effect")}
    assert all(told in reason for reason in found.reasons.values())
    assert "secret-value" not in str(found.reasons)
    assert of(found) == {("app", "heavy")}


@pytest.mark.parametrize(
    "effect",
    [
        "import logging; logging.getLogger(__name__).addHandler(logging.NullHandler())",
        "import logging; logging.getLogger(__name__).setLevel(10)",
        "import atexit\ndef tidy(): pass\natexit.register(tidy)",
        "import copyreg\nclass Own: pass\ncopyreg.pickle(Own, str)",
        "import warnings\nclass Own(UserWarning): pass\nwarnings.simplefilter('ignore', Own)",
        "import warnings; warnings.filterwarnings('ignore', message='effect is old')",
        "import warnings; warnings.warn('effect is old', UserWarning)",
    ],
)
def test_a_side_effect_that_nobody_can_notice_does_not(
    effect: str, bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": "import effect\ndef handler(e, c):\n    return 1\n",
            "effect.py": effect + "\n",
        }
    )

    found, _ = bench().search()

    assert found.reasons == {}
    assert ("app", "effect") in of(found)


def test_every_event_has_to_pass(bench: Callable, write_files: Callable) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import table
            import german
            def handler(event, context):
                return getattr(table, event, "?")
            """,
            "table.py": "en = 'tree'\n",
            "german.py": "import table\ntable.de = 'Baum'\n",
            "heavy.py": HEAVY,
        }
    )

    alone, _ = bench().search("en")
    both, _ = bench().search("en", "de")

    assert ("app", "german") in of(alone)
    assert ("app", "german") not in of(both)


def test_a_plan_that_only_works_one_event_at_a_time_is_not_taken(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import book
            import late
            def handler(event, context):
                book.pages.append(event)
                if event == "close":
                    late.touch()
                return book.pages
            """,
            "book.py": "pages = []\n",
            # Imported after the first event it forgets that event.
            "late.py": "import book\nbook.pages.clear()\ndef touch():\n    pass\n",
        }
    )

    found, _ = bench().search("open", "close")

    assert ("app", "late") not in of(found)


def test_an_edge_that_is_used_during_init_is_not_in_the_plan(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import early
            value = early.one
            def handler(event, context):
                return value
            """,
            "early.py": "one = 1\n",
            "heavy.py": HEAVY,
        }
    )

    found, _ = bench().search()

    assert of(found) == {("app", "heavy")}


def test_a_function_that_hangs_under_a_plan_is_survived(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import threading
            import flag
            import setter
            import heavy
            def handler(event, context):
                flag.event.wait()
                return "done"
            """,
            "flag.py": "import threading\nevent = threading.Event()\n",
            "setter.py": "import flag\nflag.event.set()\n",
            "heavy.py": HEAVY,
        }
    )

    found, _ = bench().search(budget_s=60)

    assert set(found.reasons) == {Edge("app", "setter")}
    assert "did not end within 5 s" in found.reasons[Edge("app", "setter")]


def test_a_function_that_ends_its_process_under_a_plan_is_survived(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import os
            import flag
            import setter
            def handler(event, context):
                if not flag.is_set:
                    os._exit(7)
                return "done"
            """,
            "flag.py": "is_set = False\n",
            "setter.py": "import flag\nflag.is_set = True\n",
        }
    )

    found, _ = bench().search()

    assert "ended with exit code 7" in found.reasons[Edge("app", "setter")]


def test_without_time_there_is_no_plan(bench: Callable, write_files: Callable) -> None:
    write_files({"app.py": "import heavy\ndef handler(e, c):\n    return 1\n", "heavy.py": HEAVY})

    found, _ = bench().search(budget_s=1e-9)

    assert (found.deferred, found.is_complete) == ((), False)
    assert "nothing was proved" in found.note


def test_an_event_that_fails_as_it_is_is_named(bench: Callable, write_files: Callable) -> None:
    write_files({"app.py": "def handler(event, context):\n    return event['missing']\n"})

    with pytest.raises(FunctionError, match=r"fails on event 'event-0.json' as it is.*KeyError"):
        bench().baseline({})


def test_answers_that_vary_ask_for_a_comparison(bench: Callable, write_files: Callable) -> None:
    write_files({"app.py": "import os\ndef handler(e, c):\n    return os.urandom(8).hex()\n"})

    with pytest.raises(UsageError, match=r"answers event 'event-0.json' differently.*--same"):
        bench().baseline({})


def test_answers_that_vary_are_compared_as_the_user_says(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import os
            def handler(event, context):
                return {"id": os.urandom(8).hex(), "value": 1}
            """,
            "heavy.py": HEAVY,
        }
    )

    found, _ = bench().search({}, same="a['value'] == b['value']")

    assert ("app", "heavy") in of(found)


def test_the_best_plan_known_is_proved_when_the_time_is_over(
    bench: Callable, write_files: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import table
            import german
            def handler(event, context):
                return table.words["de"]
            """,
            "table.py": "words = {}\n",
            "german.py": "import table\ntable.words['de'] = 'Baum'\n",
            "heavy.py": HEAVY,
        }
    )
    # The time is over at the first set that works.
    check = Oracle.check

    def check_and_stop(oracle: Oracle, *args: object, **options: object) -> Finding:
        finding = check(oracle, *args, **options)
        if finding.passes and oracle.deadline < float("inf") and not stopped:
            stopped.append(finding.eager)
            oracle.deadline = 0.0
        return finding

    stopped: list[object] = []
    monkeypatch.setattr(Oracle, "check", check_and_stop)

    found, _ = bench().search()

    assert not found.is_complete
    assert "the best plan proved so far is used" in found.note
    assert ("app", "german") not in of(found)
    assert found.finding is not None
    assert found.finding.passes


def test_a_plan_that_was_found_is_proved_even_if_no_time_is_left(
    bench: Callable, write_files: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(
        {
            "app.py": "import heavy\ndef handler(e, c):\n    return 1\n",
            "heavy.py": HEAVY,
        }
    )
    monkeypatch.setattr("coldcache.tools.optimize.search._PRUNING_SHARE", 0.0)

    found, _ = bench().search()

    assert found.is_complete
    assert found.finding is not None
    assert found.deferred


def test_what_a_module_writes_into_a_table_of_another_is_not_missed(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import shop
            import shop.german
            def handler(event, context):
                return shop.words.get(event, "?")
            """,
            "shop/__init__.py": "words = {'en': 'tree'}\n",
            "shop/german.py": "import shop\nshop.words['de'] = 'Baum'\n",
            "heavy.py": HEAVY,
        }
    )

    found, _ = bench().search("en")  # no event asks for the German word

    assert of(found) == {("app", "heavy")}
    assert "shop.german writes into the table shop.words" in str(found.reasons)


def test_a_package_that_fills_its_own_tables_may_wait_as_a_whole(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import shop
            def handler(event, context):
                return shop.words.get(event, "?") if event else "closed"
            """,
            "shop/__init__.py": """
            words = {'en': 'tree'}
            from . import german
            from . import heavy
            """,
            "shop/german.py": "from . import words\nwords['de'] = 'Baum'\n",
            "shop/heavy.py": HEAVY,
        }
    )

    # One event needs the package, and none asks for the German word.
    found, _ = bench().search("", "en")

    assert {("app", "shop"), ("shop", "shop:heavy")} <= of(found)
    assert ("shop", "shop:german") not in of(found)
    assert "shop.german writes into the table shop.words" in str(found.reasons)


def test_a_native_interface_in_the_package_that_is_loaded_is_not_missed(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import shop
            def handler(event, context):
                return shop.name
            """,
            "shop/__init__.py": "name = 'shop'\nfrom . import parser\n",
            "shop/parser.py": """
            import _socket, shop
            shop._parser_CAPI = _socket.CAPI  # a capsule, as compiled modules put it there
            """,
            "heavy.py": HEAVY,
        }
    )

    found, _ = bench().search()

    assert ("app", "heavy") in of(found)
    assert ("shop", "shop:parser") not in of(found)
    assert "shop.parser offers to compiled code shop._parser_CAPI" in str(found.reasons)


def test_what_a_module_would_find_if_another_came_first_comes_first(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import base
            import child
            import collect
            collect.done
            def handler(event, context):
                return child.Child.__name__
            """,
            "base.py": "class Base: pass\nknown = {}\n",
            "child.py": "import base\nclass Child(base.Base): pass\n",
            "collect.py": (
                "import base\n"
                "for kind in base.Base.__subclasses__():\n    base.known[kind] = True\n"
                "done = True\n"
            ),
            "heavy.py": HEAVY,
        }
    )

    found, _ = bench().search()

    assert ("app", "child") not in of(found)
    assert ("app", "heavy") in of(found)
    assert "collect writes into the table base.known (<child.Child>)" in str(found.reasons)


def test_an_import_that_fails_only_with_the_plan_fails_the_trial(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import heavy
            import first
            try:
                import second
            except ImportError:
                second = None
            def handler(event, context):
                return "the same in any case"
            """,
            "first.py": "import sys\nsys.ready = True\n",
            "second.py": "import sys\nimport third\nthird.thing\n",
            "third.py": (
                "import sys\n"
                "if not hasattr(sys, 'ready'):\n    raise ImportError('not ready')\n"
                "thing = 1\n"
            ),
            "heavy.py": HEAVY,
        }
    )

    found, _ = bench().search("any")

    assert ("app", "first") not in of(found)
    assert ("app", "heavy") in of(found)
