"""The environment of a sample: the platform's variables, what the user passes, and little else.

A developer's shell carries proxies, profiles, regions and Python switches that change what is
measured. So nothing is inherited but ``PATH``; ``HOME`` is an empty folder, so that no ``~/.aws``
is read.
"""

from __future__ import annotations

import os
import site
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from .errors import UsageError
from .interpreter import Interpreter
from .target import Target

__all__ = ["FUNCTION_NAME", "RESERVED", "base_environment", "parse_settings", "sample_environment"]

FUNCTION_NAME = "coldcache-lab"
_MEMORY_MB = "1769"  # the size at which the platform gives one full processor
_REGION = "us-east-1"

RESERVED = frozenset(
    {
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "_LAMBDA_TELEMETRY_LOG_FD",
        "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET",
        "_HANDLER",
        "LAMBDA_TASK_ROOT",
        "PYTHONHOME",
        "PYTHONPROFILEIMPORTTIME",
        "PYTHONPYCACHEPREFIX",
    }
)
"""Names the lab sets or leaves out itself; measuring would go wrong with another value."""


def parse_settings(settings: Iterable[str]) -> Mapping[str, str]:
    """Read ``NAME=VALUE`` texts.

    Raises:
        UsageError: A text has another form, a name is reserved, or a name is given twice. The
            message names the variable, never its value.
    """
    parsed: dict[str, str] = {}
    for position, setting in enumerate(settings, start=1):
        name, equals, value = setting.partition("=")
        if not equals:
            # Without `=` the text may be a bare secret: name its position, not the text.
            raise UsageError(f"--env takes NAME=VALUE; the one in place {position} has no '='")
        if not name.isascii() or not name.isidentifier():
            raise UsageError(
                f"--env takes NAME=VALUE; the name in place {position} is not a variable name "
                "of letters, digits and underscores"
            )
        if "\0" in value:
            raise UsageError(f"the value of --env {name} holds a zero byte")
        if name in RESERVED:
            raise UsageError(f"--env {name} cannot be set: the lab needs it for measuring")
        if name in parsed:
            raise UsageError(f"--env {name} is given twice")
        parsed[name] = value
    return MappingProxyType(parsed)


def base_environment(home: Path, pycache: Path) -> dict[str, str]:
    """What every process of a run gets, whichever function it runs.

    Args:
        home: An empty folder.
        pycache: Where bytecode goes instead of the function folder.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPYCACHEPREFIX": str(pycache),
        # HOME is empty, but packages installed for the user must stay importable.
        "PYTHONUSERBASE": site.getuserbase(),
    }


def sample_environment(
    base: Mapping[str, str],
    target: Target,
    interpreter: Interpreter,
    settings: Mapping[str, str],
) -> dict[str, str]:
    """The environment of the processes that run *target*, all but the server's address."""
    major, minor = interpreter.minor
    environment = {
        **base,
        "AWS_DEFAULT_REGION": _REGION,
        # Off the platform there is no metadata service; a client without credentials would wait for
        # it.
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{major}.{minor}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": _MEMORY_MB,
        "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{FUNCTION_NAME}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2020/01/01/[$LATEST]00000000000000000000000000000000",
        "AWS_REGION": _REGION,
        "LAMBDA_TASK_ROOT": str(target.folder),
        "_HANDLER": target.handler,
    }
    return {**environment, **settings}
