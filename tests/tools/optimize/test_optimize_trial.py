"""A trial: whatever the function does to its process, what happened is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from coldcache.tools.optimize.edges import Edge

UNUSED = {
    "app.py": """
        import unused
        import used

        def handler(event, context):
            return used.double(event["n"])
        """,
    "unused.py": "import colorsys\n",
    "used.py": "def double(n):\n    return 2 * n\n",
}


def test_the_answer_is_what_the_client_would_send(bench: Callable, write_files: Callable) -> None:
    write_files(UNUSED)

    outcome = bench().run({"n": 21})

    assert [call.answer for call in outcome.calls] == ["42"]
    assert outcome.error is None


def test_candidates_are_the_statements_of_the_function_only(
    bench: Callable, write_files: Callable
) -> None:
    write_files(UNUSED)

    outcome = bench().run({"n": 1}, deferred=frozenset())

    assert [(*row.edge, row.state) for row in outcome.rows if row.state != "fixed"] == [
        ("app", "unused", "eager"),
        ("unused", "colorsys", "eager"),
        ("app", "used", "eager"),
    ]


def test_a_deferred_module_is_not_loaded_until_it_is_used(
    bench: Callable, write_files: Callable
) -> None:
    write_files(UNUSED)
    deferred = frozenset({Edge("app", "unused"), Edge("app", "used")})

    outcome = bench().run({"n": 1}, deferred=deferred)

    assert not outcome.modules_init & {"unused", "used", "colorsys"}
    assert "used" in outcome.modules_first
    assert "unused" not in outcome.modules
    rows = [row for row in outcome.rows if row.edge.importer == "app"]
    states = {row.edge.text: (row.at_init, row.state) for row in rows}
    assert states == {"unused": ("pending", "pending"), "used": ("pending", "resolved")}


def test_the_context_is_the_clients_own(bench: Callable, write_files: Callable) -> None:
    write_files(
        {
            "app.py": """
            def handler(event, context):
                left = context.get_remaining_time_in_millis()
                return [0 < left <= 20000, context.function_name, bool(context.aws_request_id)]
            """
        }
    )

    assert bench().run().calls[0].answer == '[true, "coldcache-lab", true]'


def test_events_of_a_trial_are_handed_to_one_process_in_turn(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            seen = []
            def handler(event, context):
                seen.append(event)
                return seen
            """
        }
    )

    answers = [call.answer for call in bench().run(1, 2, 3).calls]

    assert answers == ["[1]", "[1, 2]", "[1, 2, 3]"]


def test_what_the_function_prints_does_not_get_into_the_result(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import os, sys
            print("{" * 100000)
            def handler(event, context):
                os.write(1, b"raw")
                sys.stdout.close()
                os.close(2)
                return "fine"
            """
        }
    )

    assert bench().run().calls[0].answer == '"fine"'


def test_an_exception_comes_with_its_chain_and_its_modules(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import inner
            def handler(event, context):
                try:
                    inner.fail()
                except KeyError as error:
                    raise RuntimeError("outer") from error
            """,
            "inner.py": "def fail():\n    raise KeyError('k')\n",
        }
    )

    fault = bench().run().error

    assert (fault.type, fault.message) == ("RuntimeError", "outer")
    assert [raised.type for raised in fault.chain] == ["RuntimeError", "KeyError"]
    assert [module for module, _, _ in fault.chain[1].frames][-2:] == ["app", "inner"]


def test_a_failing_import_is_told_with_the_exception_behind_it(
    bench: Callable, write_files: Callable
) -> None:
    write_files({"app.py": "import not_there\n"})

    fault = bench().run().error

    assert fault.type == "Runtime.ImportModuleError"
    assert [raised.type for raised in fault.chain] == ["FaultException", "ModuleNotFoundError"]


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("import os; os._exit(3)", "its process ended with exit code 3"),
        ("import os; os.abort()", "its process was ended by SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), 9)", "its process was ended by SIGKILL"),
    ],
)
def test_an_abrupt_end_is_told(body: str, how: str, bench: Callable, write_files: Callable) -> None:
    write_files({"app.py": f"def handler(event, context):\n    {body}\n"})

    assert bench().run().how == how


def test_leaving_by_system_exit_is_an_error(bench: Callable, write_files: Callable) -> None:
    write_files({"app.py": "import sys\ndef handler(event, context):\n    sys.exit(4)\n"})

    assert bench().run().error.type == "SystemExit"


def test_a_hanging_function_is_killed_at_its_limit(bench: Callable, write_files: Callable) -> None:
    write_files({"app.py": "import threading\ndef handler(e, c):\n    threading.Event().wait()\n"})

    outcome = bench().run(limit_s=1.0)

    assert outcome.how == "it did not end within 1 s"


def test_nothing_of_a_killed_trial_is_left(
    bench: Callable, write_files: Callable, group_ends: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import os, pathlib, signal, time
            def handler(event, context):
                child = os.fork()
                if child == 0:
                    signal.pause()
                pathlib.Path("group").write_text(str(os.getpgid(child)))
                signal.pause()
            """
        }
    )
    one = bench()

    one.run(limit_s=1.5)

    group = int((one.laboratory.target.folder / "group").read_text())
    assert group_ends(group)


def test_a_forked_child_that_comes_back_does_not_answer(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import os
            def handler(event, context):
                child = os.fork()
                if child:
                    os.waitpid(child, 0)
                    return "parent"
                return "child"
            """
        }
    )

    assert [call.answer for call in bench().run().calls] == ['"parent"']


def test_logs_from_warning_upwards_and_shown_warnings_are_noted(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import logging, warnings
            logger = logging.getLogger("mine")
            logger.propagate = False
            def handler(event, context):
                logger.info("not this")
                logger.warning("careful %s", 7)
                try:
                    1 / 0
                except ZeroDivisionError:
                    logger.exception("oh")
                warnings.warn("old", UserWarning)
            """
        }
    )

    call = bench().run().calls[0]

    assert call.logs == (("mine", "WARNING", "careful 7"), ("mine", "ERROR", "oh"))
    assert [raised.type for raised in call.chains] == ["ZeroDivisionError"]
    assert call.warnings == ("UserWarning: old",)


def test_a_plan_that_fails_names_the_edge_that_failed(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": "import late\ndef handler(e, c):\n    return late.value\n",
            "late.py": "raise LookupError('too late')\n",
        }
    )
    edge = Edge("app", "late")

    outcome = bench().run(deferred=frozenset({edge}))

    assert outcome.failures == (edge,)
    assert "too late" in str(outcome.error)


def test_an_import_that_somebody_passes_over_tells_why_it_failed(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            try:
                import optional
            except ImportError:
                optional = None
            def handler(event, context):
                return optional is None
            """,
            "optional.py": "from json import nothing_of_that_name\n",
        }
    )

    outcome = bench().run(deferred=frozenset())

    chains = dict(outcome.failed_imports)
    raised = chains[Edge("app", "optional")][0]
    assert outcome.error is None
    assert "nothing_of_that_name" in raised.message
    assert "optional" in [module for module, _, _ in raised.frames]


def test_functions_behind_a_cache_are_told_apart_in_tables(
    bench: Callable, write_files: Callable
) -> None:
    write_files(
        {
            "app.py": """
            import functools
            table = {}
            @functools.lru_cache
            def slow(): pass
            table[slow] = 1
            def handler(event, context): return 1
            """,
        }
    )

    outcome = bench().run(tables=True)

    assert "app|table|<app.slow>" in outcome.registries["tables"]


def test_the_tracer_tells_what_was_imported(bench: Callable, write_files: Callable) -> None:
    write_files(UNUSED)

    outcome = bench().run({"n": 1}, traced=True, fingerprints=["app", "json"])

    by_name = {one.name: one for one in outcome.imports}
    assert by_name["colorsys"].asked_by == "unused"
    assert outcome.origins["app"].endswith("src/app.py")
    assert outcome.fingerprints.keys() == {"app", "json"}
