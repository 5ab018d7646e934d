"""``python -m coldcache``: the same as the command ``coldcache``."""

from __future__ import annotations

import sys

from coldcache.tools.cli import main

if __name__ == "__main__":
    sys.exit(main())
