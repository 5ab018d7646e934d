"""Every way a lab run can end without a result, each with the exit code the command gives for it.

Two kinds: the caller asked for something that cannot be run, or the function under test failed.
"""

from __future__ import annotations

from coldcache.exceptions import ColdcacheError

__all__ = ["FunctionError", "LabError", "UsageError"]


class LabError(ColdcacheError):
    """A lab run ended without a result. The message names what was wrong.

    Attributes:
        exit_code: What the command returns to the shell.
        details: Longer evidence (a traceback, the end of a process's output), possibly empty.
    """

    exit_code = 1

    def __init__(self, message: str, *, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class UsageError(LabError):
    """What was asked for cannot be run: a folder, module, handler, event or option is wrong."""

    exit_code = 2


class FunctionError(LabError):
    """The function under test failed: it raised, ended, or exceeded its time limit."""

    exit_code = 1
