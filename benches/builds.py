"""Builds a benchmarked function: a copy of it, an environment of its own, checksums of both.

What is in the repository is only copied, so nothing a run does can change it. An environment is
kept until the requirements, the wheel or the interpreter change.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PREPARE_WITHIN_S = 300
INSTALL_WITHIN_S = 900


class BuildError(Exception):
    """A function or its environment could not be built."""


@dataclass(frozen=True)
class Build:
    """The place of one function.

    Attributes:
        source: The folder in the repository: ``function/``, ``requirements.txt``, perhaps a
            ``prepare.py`` that makes its data.
        place: The folder that is built.
        wheel: The coldcache to install.
    """

    source: Path
    place: Path
    wheel: Path

    @property
    def function(self) -> Path:
        """The function folder, as it would be deployed."""
        return self.place / "function"

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.place / "venv" / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The folder of the installed packages."""
        return next((self.place / "venv" / "lib").glob("python*")) / "site-packages"

    def make(self) -> None:
        """Make environment and function, whichever of them is not there yet as it should be.

        Raises:
            BuildError: A package cannot be installed or the data cannot be made; with the output
                of the command that failed.
        """
        self.place.mkdir(parents=True, exist_ok=True)
        self._make_environment()
        self._make_function()

    def _make_environment(self) -> None:
        install = [str(self.python), "-m", "pip", "install", "--quiet", "--no-input"]
        requirements = self.source / "requirements.txt"
        with self._kept("venv", requirements.read_bytes(), needs(self.wheel)) as is_kept:
            if not is_kept:
                place = str(self.place / "venv")
                run([sys.executable, "-m", "venv", "--clear", place], INSTALL_WITHIN_S)
                (self.place / "wheel.stamp").unlink(missing_ok=True)
                # One call: what the tools need must not move a version that the function pins.
                run([*install, f"{self.wheel}[tools]", "-r", str(requirements)], INSTALL_WITHIN_S)
        with self._kept("wheel", self.wheel.read_bytes()) as is_kept:
            if not is_kept:
                again = ["--force-reinstall", "--no-deps", str(self.wheel)]
                run([*install, *again], INSTALL_WITHIN_S)

    @contextmanager
    def _kept(self, name: str, *made_of: bytes) -> Iterator[bool]:
        """Say whether a part was made of just this before; note it when it was made now."""
        wanted = hashlib.sha256(b"".join([sys.version.encode(), *made_of])).hexdigest()
        stamp = self.place / f"{name}.stamp"
        is_kept = stamp.exists() and stamp.read_text() == wanted
        if not is_kept:
            stamp.unlink(missing_ok=True)
        yield is_kept
        stamp.write_text(wanted)

    def _make_function(self) -> None:
        """Copy the function anew and make its data."""
        shutil.rmtree(self.function, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(self.source / "function", self.function, ignore=ignored)
        prepare = self.source / "prepare.py"
        if prepare.exists():
            command = [str(self.python), "-B", str(prepare)]
            run(command, PREPARE_WITHIN_S, cwd=self.function)

    def checksums(self) -> dict[str, str]:
        """Every file of the function and of the installed packages, with its SHA-256."""
        found = {}
        for folder in (self.function, self.packages):
            for path in sorted(folder.rglob("*")):
                if path.is_symlink():
                    found[str(path)] = f"-> {path.readlink()}"
                elif path.is_file():
                    found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Name the files that were changed, added or removed between two sets of checksums."""
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]


def newest_wheel(folder: Path = PROJECT / "build" / "wheels" / "current") -> Path:
    """The wheel that ``make build`` left.

    Raises:
        BuildError: There is none.
    """
    wheels = sorted(folder.glob("coldcache-*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise BuildError(f"there is no wheel in {folder}; run `make build`, or name one: --wheel")
    return wheels[-1]


def needs(wheel: Path) -> bytes:
    """What a wheel asks for besides itself."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = archive.read(name).splitlines()
    return b"\n".join(line for line in lines if line.startswith(b"Requires-"))


def run(command: list[str], within_s: float, cwd: Path | None = None) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        BuildError: It failed or did not end in time.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within_s,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{' '.join(command)} did not end within {within_s} s") from error
    if done.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout
