"""Draw the start of the tuned report function: `docs/startup.svg`, the picture in the README.

Runs it once on the local AWS, in a fresh process of the real runtime client, and has
``coldcache startup`` draw the timeline that the function wrote.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from coldcache.tools.lab.stop_signals import raised

from demo import EVENTS, PROJECT, TUNED, run_tool
from local_aws import environment, local_aws

PICTURE = Path("docs") / "startup.svg"
WITHIN_S = 300


def main() -> int:
    """Draw it; the exit code of what failed, else 0."""
    [event] = [path for path in EVENTS if path.stem == "lookup"]
    with (
        raised(),
        tempfile.TemporaryDirectory() as folder,
        local_aws() as endpoint_url,
    ):
        timeline = Path(folder, "startup.json")
        settings = {
            **environment(endpoint_url),
            "COLDCACHE_STARTUP_FILE": str(timeline),
            "COLDCACHE_TRACE_IMPORTS": "1",
        }
        arguments = ["lab", TUNED, "--event", str(event), "--runs", "1"]
        for name, value in settings.items():
            arguments += ["--env", f"{name}={value}"]
        return run_tool(arguments, WITHIN_S) or run_tool(
            ["startup", str(timeline), "--svg", str(PROJECT / PICTURE)], WITHIN_S
        )


if __name__ == "__main__":
    sys.exit(main())
