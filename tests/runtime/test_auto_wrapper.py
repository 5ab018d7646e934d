"""The executable that starts a function with its lock, and the programs it can start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coldcache
import pytest
from coldcache._lock import Lock

AUTO = Path(coldcache.__file__).parent / "auto"
WRAPPER = str(AUTO / "exec_wrapper")
SITE = str(AUTO / "site")
MAIN = """
import json, sys
import app
deferred = "heavy" not in sys.modules
print(json.dumps({"deferred": deferred, "value": app.use()}))
"""


@dataclass
class Deployed:
    """A function's folder, and what running something in it brings."""

    folder: Path

    def lock(self, **changes: Any) -> Lock:
        facts: dict[str, Any] = {
            "target": "app.use",
            "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
            "requires": [],
            "edges": {"app": ["heavy"]},
            "fingerprints": {},
        }
        return Lock(**{**facts, **changes})

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("COLDCACHE", "PYTHON", "AWS"))
        }
        return subprocess.run(
            command or (sys.executable, "main.py"),
            cwd=self.folder,
            env={**clean, "PYTHONPATH": SITE, **env},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def facts(self, *command: str, **env: str) -> dict[str, Any]:
        done = self.run(*command, **env)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found.pop("value") == 42
        return {**found, "said": done.stderr.splitlines()}


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    """A function whose lock defers one import."""
    (tmp_path / "heavy.py").write_text("VALUE = 42\n")
    (tmp_path / "app.py").write_text("import heavy\ndef use(): return heavy.VALUE\n")
    (tmp_path / "main.py").write_text(MAIN)
    found = Deployed(tmp_path)
    (tmp_path / "coldcache.lock").write_text(found.lock().text())
    return found


@pytest.fixture
def wrapped(deployed: Deployed) -> Callable[..., dict[str, Any]]:
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


def test_a_command_is_started(wrapped: Callable[..., dict[str, Any]]) -> None:
    assert wrapped(sys.executable, "-c", MAIN) == APPLIED


def test_a_program_with_a_line_that_names_its_interpreter_is_started(
    wrapped: Callable[..., dict[str, Any]], deployed: Deployed
) -> None:
    script = deployed.folder / "console-script"
    script.write_text(f"#!{sys.executable}\nimport sys; sys.path.insert(0, '.')\n{MAIN}")
    script.chmod(0o755)

    assert wrapped(str(script)) == APPLIED


def test_an_archive_is_started(wrapped: Callable[..., dict[str, Any]], deployed: Deployed) -> None:
    with zipfile.ZipFile(deployed.folder / "function.pyz", "w") as archive:
        for name in ("app.py", "heavy.py"):
            archive.write(deployed.folder / name, name)
        archive.writestr("__main__.py", MAIN)

    assert wrapped(sys.executable, "function.pyz") == APPLIED


def test_a_program_that_is_no_python_runs_as_ever(deployed: Deployed) -> None:
    done = deployed.run(WRAPPER, "sh", "-c", 'echo "$0" "$1"; exit 3', "a b", "c  d")

    assert (done.returncode, done.stdout, done.stderr) == (3, "a b c  d\n", "")


def test_folders_with_spaces_and_other_letters_work(deployed: Deployed) -> None:
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
def test_the_wrapper_may_be_named_without_a_folder(how: str, deployed: Deployed) -> None:
    command = f'cd "$1" && shift && exec {how} "$0" -c "$@"'
    program = f"import sys; sys.path.insert(0, {str(deployed.folder)!r})\n{MAIN}"
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


def test_arguments_input_and_exit_status_pass_through(deployed: Deployed) -> None:
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


def test_the_wrapper_becomes_the_program(deployed: Deployed) -> None:
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
    shell: str, locale: str, deployed: Deployed
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"SKIPPED: no {shell} here")
    done = deployed.run(shell, WRAPPER, "printenv", "COLDCACHE_STARTED_AT", LC_ALL=locale)

    assert float(done.stdout) > 1e9
    assert "." in done.stdout


def test_without_the_wrapper_there_is_no_stamp(deployed: Deployed) -> None:
    program = "from coldcache.auto import started_at; print(started_at())"

    for env in ({}, {"COLDCACHE_STARTED_AT": "yesterday"}, {"COLDCACHE_STARTED_AT": ""}):
        assert deployed.run(sys.executable, "-c", program, **env).stdout == "None\n"
