"""Whether two answers are the same: byte for byte, or by what the user says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from coldcache.tools.lab.errors import UsageError

__all__ = ["Same", "read_same"]

Same = Callable[[str, str], bool]
"""Says whether two answers, JSON texts both, count as equal."""

_SCRIPT_TIMEOUT_S = 30.0


def read_same(text: str | None, folder: Path) -> Same:
    """The comparison that ``--same`` asks for; without it texts have to be equal.

    Args:
        text: A Python expression over `a` and `b`, the two answers as JSON values, or the path of
            a script that gets two JSON files and ends with 0 where they count as equal.
        folder: A private folder for those files.

    Raises:
        UsageError: It is neither the one nor the other.
    """
    if text is None:
        return _equal
    path = Path(text).expanduser()
    if _is_file(path):
        return _Script(path.absolute(), folder)
    try:
        return _Expression(text, compile(text, "--same", "eval"))
    except (SyntaxError, ValueError) as error:
        raise UsageError(
            "--same takes a Python expression over a and b, or the path of a script; "
            f"{text!r} is no file, and no expression either: {error}"
        ) from None


def _equal(left: str, right: str) -> bool:
    return left == right


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # too long for a path: an expression
        return False


class _Expression:
    def __init__(self, text: str, code: CodeType) -> None:
        self._text = text
        self._code = code

    def __call__(self, left: str, right: str) -> bool:
        names: dict[str, Any] = {"a": _value(left), "b": _value(right)}
        try:
            # What the user typed, run with the user's own rights.
            return bool(eval(self._code, names))  # noqa: S307
        except Exception as error:  # noqa: BLE001 - it may raise anything
            # No values in the message: answers may hold secrets.
            raise UsageError(
                f"--same {self._text!r} raised {type(error).__name__} on two answers"
            ) from None


class _Script:
    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder

    def __call__(self, left: str, right: str) -> bool:
        with tempfile.TemporaryDirectory(prefix="same-", dir=self._folder) as place:
            files = [Path(place) / name for name in ("a.json", "b.json")]
            for file, text in zip(files, (left, right), strict=True):
                file.write_text(text, "utf-8")
            runner = [] if os.access(self._path, os.X_OK) else [sys.executable]
            try:
                run = subprocess.run(
                    [*runner, str(self._path), *map(str, files)],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_SCRIPT_TIMEOUT_S,
                    check=False,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise UsageError(f"--same {str(self._path)!r} did not run: {error}") from None
        if run.returncode not in {0, 1}:
            raise UsageError(
                f"--same {str(self._path)!r} ended with {run.returncode}; it has to end with 0 "
                "for answers that count as equal and with 1 for others",
                details=run.stderr.decode("utf-8", "replace").strip(),
            )
        return run.returncode == 0


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
