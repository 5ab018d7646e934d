"""What the platform says of the function: on which platform it is, and what it is called."""

from __future__ import annotations

import os

from coldcache._core import _log_warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_identity: Identity | None = None


class Identity:
    """What the platform says of the function.

    Attributes:
        platform: ``lambda``, ``cloud-run``, ``azure``, ``kubernetes`` or ``server``.
        name: Name of the function or service, or ``None``.
        version: Its version or revision, or ``None``.
        memory_mb: Its memory in MB, or ``None``.
    """

    __slots__ = ("memory_mb", "name", "platform", "version")

    def __init__(self, environment: Mapping[str, str]) -> None:
        get = environment.get
        self.name: str | None = None
        self.version: str | None = None
        self.memory_mb: int | None = None
        if get("AWS_LAMBDA_FUNCTION_NAME") or get("AWS_LAMBDA_RUNTIME_API"):
            self.platform = "lambda"
            self.name = get("AWS_LAMBDA_FUNCTION_NAME")
            self.version = get("AWS_LAMBDA_FUNCTION_VERSION")
            self.memory_mb = _whole_number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", environment)
        elif get("K_SERVICE"):
            self.platform = "cloud-run"
            self.name, self.version = get("K_SERVICE"), get("K_REVISION")
        elif get("FUNCTIONS_WORKER_RUNTIME") or get("WEBSITE_INSTANCE_ID"):
            self.platform = "azure"
            self.name = get("WEBSITE_SITE_NAME")
        elif get("KUBERNETES_SERVICE_HOST"):
            self.platform = "kubernetes"
        else:
            self.platform = "server"


def identity() -> Identity:
    """Return what the platform says of the function; asked once."""
    global _identity  # noqa: PLW0603 - it does not change
    if _identity is None:
        _identity = Identity(os.environ)
    return _identity


def _whole_number(name: str, environment: Mapping[str, str]) -> int | None:
    value = environment.get(name)
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        _log_warning(f"{name} is not a whole number: it is not used")
        return None
