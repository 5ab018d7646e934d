"""What a figure cannot be read without: the machine and the versions it was taken with."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .interpreter import Interpreter

__all__ = ["Machine"]


@dataclass(frozen=True)
class Machine:
    """The place of a run.

    Attributes:
        cpu: Model name of the processor.
        cores: Processors this process may use.
        platform: Operating system, release and architecture.
        python: Implementation and version of the samples' interpreter.
        awslambdaric: Version of the runtime client.
        coldcache: Version of the lab.
    """

    cpu: str
    cores: int
    platform: str
    python: str
    awslambdaric: str
    coldcache: str

    @classmethod
    def here(cls, interpreter: Interpreter) -> Machine:
        """This machine, with the interpreter of the samples."""
        return cls(
            cpu=_cpu_model(),
            cores=len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1,
            platform=platform.platform(),
            python=f"{interpreter.implementation} {interpreter.python_version}",
            awslambdaric=interpreter.client_version,
            coldcache=_own_version(),
        )


def _cpu_model() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        facts = ""
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", facts, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _own_version() -> str:
    try:
        return version("coldcache")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"
