"""The executable that starts a function with its lock, and the programs it can start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coldcache
import pytest

AUTO = Path(coldcache.__file__).parent / "auto"
WRAPPER = str(AUTO / "exec_wrapper")
SITE = str(AUTO / "site")


@pytest.fixture
def wrapped(deployed: Any) -> Callable[..., dict[str, Any]]:
    """Start a program by the wrapper, the lock found by the platform's variable; its facts."""

    def run(*command: str, **env: str) -> dict[str, Any]:
        found = {"PYTHONPATH": "", "LAMBDA_TASK_ROOT": str(deployed.folder), **env}
        return deployed.facts(WRAPPER, *command, **found)

    return run


APPLIED = {"deferred": True, "said": []}


def test_the_wrapper_may_be_executed() -> None:
    assert os.access(WRAPPER, os.X_OK)


def test_a_script_is_started(wrapped: Callable[..., dict[str, Any]]) -> None:
    assert wrapped(sys.executable, "main.py") == APPLIED


def test_a_module_is_started(wrapped: Callable[..., dict[str, Any]]) -> None:
    assert wrapped(sys.executable, "-m", "main") == APPLIED


def test_a_command_is_started(deployed: Any, wrapped: Callable[..., dict[str, Any]]) -> None:
    assert wrapped(sys.executable, "-c", deployed.main) == APPLIED


def test_a_program_with_a_line_that_names_its_interpreter_is_started(
    wrapped: Callable[..., dict[str, Any]], deployed: Any
) -> None:
    script = deployed.folder / "console-script"
    script.write_text(f"#!{sys.executable}\nimport sys; sys.path.insert(0, '.')\n{deployed.main}")
    script.chmod(0o755)

    assert wrapped(str(script)) == APPLIED


def test_an_archive_is_started(wrapped: Callable[..., dict[str, Any]], deployed: Any) -> None:
    with zipfile.ZipFile(deployed.folder / "function.pyz", "w") as archive:
        for name in ("app.py", "heavy.py"):
            archive.write(deployed.folder / name, name)
        archive.writestr("__main__.py", deployed.main)

    assert wrapped(sys.executable, "function.pyz") == APPLIED


def test_a_program_that_is_no_python_runs_as_ever(deployed: Any) -> None:
    done = deployed.run(WRAPPER, "sh", "-c", 'echo "$0" "$1"; exit 3', "a b", "c  d")

    assert (done.returncode, done.stdout, done.stderr) == (3, "a b c  d\n", "")


def test_folders_with_spaces_and_other_letters_work(deployed: Any) -> None:
    package = deployed.folder / "a layer $HOME größe" / "coldcache"
    shutil.copytree(AUTO.parent, package)
    done = deployed.run(
        str(package / "auto" / "exec_wrapper"),
        sys.executable,
        "main.py",
        PYTHONPATH="",
        COLDCACHE_LOCK="coldcache.lock",
    )

    assert (json.loads(done.stdout), done.stderr) == ({"deferred": True, "value": 42}, "")


@pytest.mark.parametrize("how", ["./exec_wrapper", "exec_wrapper"])
def test_the_wrapper_may_be_named_without_a_folder(how: str, deployed: Any) -> None:
    command = f'cd "$1" && shift && exec {how} "$0" -c "$@"'
    program = f"import sys; sys.path.insert(0, {str(deployed.folder)!r})\n{deployed.main}"
    done = deployed.run(
        "sh",
        "-c",
        command,
        sys.executable,
        str(AUTO),
        program,
        PATH=f"{AUTO}:{os.environ['PATH']}",
        LAMBDA_TASK_ROOT=str(deployed.folder),
        PYTHONPATH="",
    )

    assert (json.loads(done.stdout), done.stderr) == ({"deferred": True, "value": 42}, "")


def test_arguments_input_and_exit_status_pass_through(deployed: Any) -> None:
    program = "import sys; print(sys.argv[1:], sys.stdin.read()); sys.exit(7)"
    done = subprocess.run(
        [WRAPPER, sys.executable, "-c", program, "a b", "", "$HOME", "*", "'\""],
        input="text",
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert done.stdout == "['a b', '', '$HOME', '*', '\\'\"'] text\n"
    assert (done.returncode, done.stderr) == (7, "")


def test_the_wrapper_becomes_the_program(deployed: Any) -> None:
    with subprocess.Popen(
        [WRAPPER, sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE
    ) as process:
        assert process.communicate(timeout=20)[0].split() == [str(process.pid).encode()]


STAMP = "import json, time; from coldcache.auto import started_at\n" + (
    "print(json.dumps({'value': 42, 'ago': time.time() - started_at()}))"
)


def test_the_wrapper_stamps_the_time_of_the_start(
    wrapped: Callable[..., dict[str, Any]],
) -> None:
    assert 0 <= wrapped(sys.executable, "-c", STAMP)["ago"] < 20


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
@pytest.mark.parametrize("locale", ["C", "de_DE.UTF-8"])
def test_the_stamp_is_a_number_in_any_shell_and_locale(
    shell: str, locale: str, deployed: Any
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"SKIPPED: no {shell} here")
    done = deployed.run(shell, WRAPPER, "printenv", "COLDCACHE_STARTED_AT", LC_ALL=locale)

    assert float(done.stdout) > 1e9
    assert "." in done.stdout


def test_without_the_wrapper_there_is_no_stamp(deployed: Any) -> None:
    program = "from coldcache.auto import started_at; print(started_at())"

    for env in ({}, {"COLDCACHE_STARTED_AT": "yesterday"}, {"COLDCACHE_STARTED_AT": ""}):
        assert deployed.run(sys.executable, "-c", program, **env).stdout == "None\n"
