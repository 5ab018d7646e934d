"""``python -m coldcache.web [--probe PORT] (-m MODULE | FILE) ARGUMENTS``: a program with a probe.

The probe is there before anything of the program is imported. Without ``--probe`` the environment
variable ``COLDCACHE_PROBE`` says where.
"""

from __future__ import annotations

import os
import sys

_USAGE = "usage: python -m coldcache.web [--probe [ADDRESS:]PORT] (-m MODULE | FILE) [ARGUMENT...]"


def main(arguments: list[str]) -> int:
    """Open the probe, then become the program.

    Args:
        arguments: The command line without the name of this program.

    Returns:
        2 if the command line says no program; otherwise the program decides.
    """
    from coldcache.exceptions import ConfigError  # noqa: PLC0415
    from coldcache.web import _address, probe  # noqa: PLC0415

    rest = list(arguments)
    if rest[:1] == ["--probe"] and len(rest) > 1:
        try:
            _address.parse("--probe", rest[1])
        except ConfigError as error:
            print(f"{_USAGE}\n{error}", file=sys.stderr)
            return 2
        os.environ["COLDCACHE_PROBE"] = rest[1]
        del rest[:2]
    is_module = rest[:1] == ["-m"]
    if is_module:
        del rest[0]
    if not rest or rest[0].startswith("-"):
        print(_USAGE, file=sys.stderr)
        return 2
    probe.start_from_environment()
    import runpy  # noqa: PLC0415

    sys.argv = rest
    if is_module:
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
        runpy.run_path(rest[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
