"""How the runtime client is started after something of our own, in one interpreter.

What it does then is what ``python -m awslambdaric`` would do. The first entry of the path is what
``-m`` makes it, unless the interpreter was told to leave the current folder out.
"""

from __future__ import annotations

__all__ = ["launch"]

_BEFORE = """
import os, sys
*arguments, handler = sys.argv[1:]
if sys.path and sys.path[0] == "":
    sys.path[0] = os.getcwd()
sys.argv[:] = ["awslambdaric", handler]
"""
_AFTER = """
del arguments, handler, os, sys
import runpy
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
"""


def launch(program: str, *arguments: str) -> tuple[str, ...]:
    """What an interpreter is given, before the handler, to run *program* and then the client.

    Args:
        program: Finds ``os`` and ``sys`` there, and a list ``arguments``. It leaves no names.
        *arguments: What is in that list.
    """
    return ("-c", f"{_BEFORE}{program}{_AFTER}", *arguments)
