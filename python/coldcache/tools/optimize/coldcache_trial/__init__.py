"""What runs inside a trial: the function under the real runtime client, with a plan installed.

Loaded by its path into the interpreter of the function, under a name of its own, so that it needs
no particular coldcache there but the plan engine. It imports nothing that an interpreter does not
load by itself, because what is loaded already is bound at once and hides what a plan would do.
Results go to a private file: stdout, stderr and the exit code belong to the function.
"""

from __future__ import annotations

import marshal
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from typing import Any

    from .record import Record

__all__ = ["main"]


def main(path: str) -> None:
    """Run the trial that is described in a file, write its result, and end the process.

    Args:
        path: What `coldcache.tools.optimize.trial` wrote.
    """
    began_ns = time.monotonic_ns()
    with open(path, "rb") as file:
        trial = marshal.loads(file.read())  # noqa: S302 - our own file, owner only
    from .record import Record  # noqa: PLC0415 - nothing is loaded before the trial is read

    record = Record(trial, began_ns)
    process = os.getpid()
    try:
        _run(trial, record)
    except BaseException as error:  # noqa: BLE001 - whatever ends the function is its outcome
        if os.getpid() != process:
            os._exit(1)  # a child that the function forked came back here
        record.ended(error)
    if os.getpid() != process:
        os._exit(0)
    record.finish()


def _run(trial: dict[str, Any], record: Record) -> None:
    from .client import run  # noqa: PLC0415 - see above

    sys.argv[:] = ["awslambdaric", str(trial["handler"])]
    run(trial, record)
