"""Runs a snippet as `python snippet.py` would, and leaves a line about the process when it ends.

python run.py SNIPPET REPORT
"""

import atexit
import sys


def _tell(report: str) -> None:
    """Write down how many modules there are and whether a plan is applied."""
    auto = sys.modules.get("coldcache.auto")
    with open(report, "w") as file:
        file.write(f"{len(sys.modules)}\n{auto.status() if auto else ''}\n")


_snippet = sys.argv[1]
atexit.register(_tell, sys.argv[2])
sys.argv = [_snippet]
with open(_snippet) as _file:
    _code = compile(_file.read(), _snippet, "exec")
exec(_code)
