"""The entry of the command ``coldcache``: runs a command, turns every ending into an exit code.

Imports nothing of the extra ``tools`` by itself, so that it can say in one line when that is
missing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .lab.errors import LabError
from .lab.stop_signals import Stopped, raised

__all__ = ["main"]

_EXTRA = frozenset({"click", "rich"})
_EXIT_USAGE = 2
_EXIT_SIGNAL = 128


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        0: done; 1: the function under test failed; 2: what was asked for cannot be run;
        3: measured, and as `--fail-on` says it must not be; 128 + n: stopped by signal n.
    """
    try:
        from .commands import coldcache  # noqa: PLC0415 - see the top of the file
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        _say(
            f"the command line needs the package {package}, which is not installed; "
            'install it with: pip install "coldcache[tools]"'
        )
        return _EXIT_USAGE
    import click  # noqa: PLC0415 - known to be there now

    try:
        with raised():
            code = coldcache.main(
                list(sys.argv[1:] if argv is None else argv),
                prog_name="coldcache",
                standalone_mode=False,
            )
    except Stopped as stop:
        _say(f"stopped by {stop.signal.name}")
        return _EXIT_SIGNAL + stop.signal
    except LabError as error:
        _say(f"error: {error}")
        if error.details:
            print(f"\n{error.details}", file=sys.stderr)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return code if isinstance(code, int) else 0


def _say(text: str) -> None:
    print(f"coldcache: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
