"""Workers of the real runtime client, which forks before it imports the handler."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("awslambdaric", reason="NOT TESTED: awslambdaric is missing")

import coldcache
from coldcache.tools.lab.output import Output
from coldcache.tools.lab.runtime_api import RuntimeApi
from coldcache.tools.lab.sandbox import Sandbox

WRAPPER = str(Path(coldcache.__file__).parent / "auto" / "exec_wrapper")
WORKERS, LONG_S = 3, 40.0

FUNCTION = """
import os, random
import coldcache

loaded_in = os.getpid()
generator = random.Random(7)

@coldcache.cached(ttl=3600)
def parameter():
    return os.getpid()

parameter()

def handler(event, context):
    return {
        "parent": os.getppid(),
        "worker": os.getpid(),
        "loaded_in": loaded_in,
        "number": generator.random(),
        "parameter": parameter(),
    }
"""


@pytest.fixture
def answers(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """One answer of each of several workers."""

    def run(source: str = FUNCTION, **environment: str) -> list[dict[str, Any]]:
        (tmp_path / "app.py").write_text(source)
        with RuntimeApi(function_arn="arn:aws:lambda:us-east-1:0:function:f") as api:
            settings = {
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances",
                "AWS_LAMBDA_MAX_CONCURRENCY": str(WORKERS),
                "LAMBDA_TASK_ROOT": str(tmp_path),
                "PATH": "/usr/bin:/bin",
                "_HANDLER": "app.handler",
                **environment,
            }
            sandbox = Sandbox(
                [WRAPPER, sys.executable, "-m", "awslambdaric", "app.handler"],
                environment=settings,
                folder=tmp_path,
                output=Output(keep_bytes=10_000),
                on_exit=api.client_gone,
            )
            with sandbox:
                requests = [api.offer(b"{}", timeout_s=LONG_S) for _ in range(2 * WORKERS)]
                sandbox.start()
                found = [api.wait_for_answer(request, LONG_S) for request in requests]
        assert [one.error for one in found if one.error] == []
        return [json.loads(one.body) for one in found]

    return run


def test_without_preload_each_worker_imports_for_itself(
    answers: Callable[..., list[dict[str, Any]]],
) -> None:
    assert all(one["loaded_in"] == one["worker"] for one in answers())


def test_with_preload_the_parent_imports_for_all(
    answers: Callable[..., list[dict[str, Any]]],
) -> None:
    found = answers(COLDCACHE_PRELOAD="1")

    assert all(one["loaded_in"] == one["parent"] == one["parameter"] for one in found)


def test_workers_of_one_parent_draw_different_numbers(
    answers: Callable[..., list[dict[str, Any]]],
) -> None:
    found = answers(COLDCACHE_PRELOAD="app")

    assert len({one["number"] for one in found}) == len(found)


def test_a_handler_that_cannot_be_preloaded_is_imported_by_the_workers(
    answers: Callable[..., list[dict[str, Any]]],
) -> None:
    # In the parent it fails: only workers have a process of multiprocessing around them.
    fails = "import multiprocessing\nassert multiprocessing.parent_process()\n"
    found = answers(fails + FUNCTION, COLDCACHE_PRELOAD="1")

    assert all(one["loaded_in"] == one["worker"] for one in found)
