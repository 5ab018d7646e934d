"""When the process was started, and what the platform says of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping

import pytest
from coldcache import _identity, _start_class

PROGRAM = """
import time
import coldcache
from coldcache import _start_class
began, source = _start_class.started()
print(time.time() - (time.perf_counter() - began), source)
"""


def started(**environment: str) -> tuple[float, str]:
    """When a child says that it was started, and how it knows."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, **environment},
    )
    at, source = done.stdout.split()
    return float(at), source


def test_the_kernel_knows_when_a_process_was_started() -> None:
    before = time.time()
    at, source = started()

    assert source == "process"
    assert before - 0.02 <= at <= time.time()


def test_the_exec_wrappers_stamp_is_better() -> None:
    stamp = time.time()
    at, source = started(COLDCACHE_STARTED_AT=f"{stamp:.6f}")

    assert source == "exec-wrapper"
    assert at == pytest.approx(stamp, abs=0.002)


@pytest.mark.parametrize("ago", [60.0, -60.0])
def test_a_stamp_of_another_process_is_not_used(ago: float) -> None:
    _, source = started(COLDCACHE_STARTED_AT=str(time.time() - ago))

    assert source == "process"


def test_a_wrong_stamp_is_one_line_in_the_log() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, "COLDCACHE_STARTED_AT": "yesterday"},
    )

    assert done.stdout.endswith("process\n")
    assert done.stderr.count("COLDCACHE_STARTED_AT is not a number") == 1


@pytest.mark.parametrize(
    ("environment", "platform", "name"),
    [
        ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, "lambda", "f"),
        ({"K_SERVICE": "s", "K_REVISION": "s-1"}, "cloud-run", "s"),
        ({"FUNCTIONS_WORKER_RUNTIME": "python", "WEBSITE_SITE_NAME": "w"}, "azure", "w"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes", None),
        ({}, "server", None),
    ],
)
def test_the_platform_is_told_by_its_variables(
    environment: Mapping[str, str], platform: str, name: str | None
) -> None:
    identity = _identity.Identity(environment)

    assert (identity.platform, identity.name) == (platform, name)


def test_no_process_has_no_start() -> None:
    assert _start_class.start_ticks(0) is None
