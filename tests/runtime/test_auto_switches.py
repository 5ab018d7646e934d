"""When the lock of a function is applied at the start of its interpreter, and when not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import coldcache
import pytest

AUTO = Path(coldcache.__file__).parent / "auto"
SITE = str(AUTO / "site")


def test_the_lock_that_a_variable_names_is_applied(deployed: Any) -> None:
    found = deployed.facts(COLDCACHE_LOCK=str(deployed.folder / "coldcache.lock"))

    assert found == {"deferred": True, "said": []}


def test_a_lock_named_relatively_is_found_from_the_folder_of_the_start(deployed: Any) -> None:
    assert deployed.facts(COLDCACHE_LOCK="coldcache.lock") == {"deferred": True, "said": []}


def test_the_lock_in_the_folder_of_the_function_is_applied(deployed: Any) -> None:
    found = deployed.facts(LAMBDA_TASK_ROOT=str(deployed.folder))

    assert found == {"deferred": True, "said": []}


def test_the_variable_goes_before_the_folder_of_the_function(deployed: Any) -> None:
    other = deployed.folder / "other.lock"
    other.write_text(deployed.lock(edges={"nobody": ["nothing"]}).text())

    found = deployed.facts(LAMBDA_TASK_ROOT=str(deployed.folder), COLDCACHE_LOCK=str(other))
    assert found == {"deferred": False, "said": []}


def test_without_a_lock_nothing_is_deferred_and_nothing_said(deployed: Any) -> None:
    (deployed.folder / "coldcache.lock").unlink()

    assert deployed.facts() == {"deferred": False, "said": []}
    assert deployed.facts(LAMBDA_TASK_ROOT=str(deployed.folder)) == {"deferred": False, "said": []}


def test_a_lock_that_nobody_named_is_not_applied(deployed: Any) -> None:
    assert deployed.facts() == {"deferred": False, "said": []}


def test_a_lock_is_not_looked_for_in_the_current_folder_by_an_empty_name(
    deployed: Any,
) -> None:
    assert deployed.facts(COLDCACHE_LOCK="") == {"deferred": False, "said": []}


SWITCHES = {
    "auto-off": ({"COLDCACHE_AUTO": "off"}, False),
    "auto-always": ({"COLDCACHE_AUTO": "always"}, True),
    "auto-empty": ({"COLDCACHE_AUTO": ""}, True),
    "eager": ({"COLDCACHE_EAGER": "1"}, False),
    "eager-true": ({"COLDCACHE_EAGER": "true"}, False),
    "not-eager": ({"COLDCACHE_EAGER": "0"}, True),
    "eager-against-always": ({"COLDCACHE_EAGER": "1", "COLDCACHE_AUTO": "always"}, False),
    "on-demand": ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, True),
    "provisioned": ({"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}, False),
    "snap-start": ({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, False),
    "provisioned-always": (
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency", "COLDCACHE_AUTO": "always"},
        True,
    ),
    "snap-start-always": (
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "COLDCACHE_AUTO": "always"},
        True,
    ),
    "snap-start-off": (
        {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "COLDCACHE_AUTO": "off"},
        False,
    ),
}


@pytest.mark.parametrize("case", SWITCHES)
def test_switches_and_the_platform_decide_quietly(case: str, deployed: Any) -> None:
    env, deferred = SWITCHES[case]

    assert deployed.facts(COLDCACHE_LOCK="coldcache.lock", **env) == {
        "deferred": deferred,
        "said": [],
    }


UNKNOWN = {"COLDCACHE_AUTO": "sometimes", "COLDCACHE_EAGER": "perhaps"}


@pytest.mark.parametrize("variable", UNKNOWN)
def test_a_switch_of_no_known_meaning_is_named_and_imports_stay_eager(
    variable: str, deployed: Any
) -> None:
    env = {variable: UNKNOWN[variable]}
    found = deployed.facts(COLDCACHE_LOCK="coldcache.lock", **env)

    assert not found["deferred"]
    assert len(found["said"]) == 1
    assert variable in found["said"][0]


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="the interpreter has a use for it")
def test_a_variable_of_later_interpreters_has_no_meaning_here(deployed: Any) -> None:
    for value in ("all", "normal", "none", "heavy"):
        found = deployed.facts(COLDCACHE_LOCK="coldcache.lock", PYTHON_LAZY_IMPORTS=value)
        assert found == {"deferred": True, "said": []}
        assert deployed.facts(PYTHON_LAZY_IMPORTS=value) == {"deferred": False, "said": []}


def test_no_file_of_the_package_uses_the_variable_of_later_interpreters() -> None:
    named = [
        path
        for path in AUTO.parent.rglob("*")
        if path.is_file() and b"PYTHON_LAZY_IMPORTS" in path.read_bytes()
    ]

    assert named == []


def test_an_isolated_interpreter_is_left_alone(deployed: Any) -> None:
    lock = str(deployed.folder / "coldcache.lock")
    program = f"import sys; sys.path.insert(0, '.')\n{deployed.main}"
    found = deployed.facts(sys.executable, "-I", "-c", program, COLDCACHE_LOCK=lock)

    assert found == {"deferred": False, "said": []}


def test_importing_coldcache_alone_applies_nothing(deployed: Any) -> None:
    program = f"import coldcache\n{deployed.main}"
    found = deployed.facts(
        sys.executable, "-c", program, COLDCACHE_LOCK="coldcache.lock", PYTHONPATH="."
    )

    assert found == {"deferred": False, "said": []}


def test_importing_the_module_by_hand_applies_the_lock(deployed: Any) -> None:
    program = f"import coldcache.auto\n{deployed.main}"
    found = deployed.facts(
        sys.executable, "-c", program, COLDCACHE_LOCK="coldcache.lock", PYTHONPATH="."
    )

    assert found == {"deferred": True, "said": []}


def test_a_message_reaches_a_log_that_is_set_up_before(deployed: Any) -> None:
    (deployed.folder / "coldcache.lock").write_text("nonsense")
    program = (
        "import logging\nlogging.basicConfig(format='%(levelname)s %(name)s %(message)s')\n"
        f"import coldcache.auto\n{deployed.main}"
    )
    found = deployed.facts(
        sys.executable, "-c", program, COLDCACHE_LOCK="coldcache.lock", PYTHONPATH="."
    )

    [line] = found["said"]
    assert line.startswith("WARNING coldcache ")
