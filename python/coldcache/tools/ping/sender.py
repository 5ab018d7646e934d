"""Sends the pings of a round through boto3, all at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coldcache.tools.lab.errors import UsageError

from .outcome import Outcome, Round, read_answer
from .plan import PingPlan

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

__all__ = ["Access", "send_round"]

_CONNECT_TIMEOUT_S = 10.0
# What no other ping of the round could do better: the round ends with an error.
_HOPELESS = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)


@dataclass(frozen=True)
class Access:
    """How to reach the platform; ``None`` is what boto3 finds by itself.

    Attributes:
        region: Region of the function.
        profile: Profile in the files of the AWS command line.
        endpoint_url: Another address of the Lambda API, such as that of an emulator.
    """

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None


def send_round(plan: PingPlan, access: Access) -> Round:
    """Send the pings, and wait for all answers.

    Args:
        plan: What to send.
        access: Where to.

    Raises:
        UsageError: boto3 is not installed, there are no credentials or no region, the platform
            cannot be reached, or it refuses the call.
    """
    try:
        import boto3  # noqa: PLC0415 - no other command needs it
        import botocore.exceptions as errors  # noqa: PLC0415 - see above
        from botocore.config import Config  # noqa: PLC0415 - see above
    except ImportError as missing:
        message = (
            f"coldcache ping needs the package {missing.name}, which is not installed; "
            'install it with: pip install "coldcache[ping]"'
        )
        raise UsageError(message) from missing
    config = Config(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=plan.timeout_s + plan.hold_s,
        max_pool_connections=plan.count,
        # A ping that is sent again would be counted twice, and one that is throttled says enough.
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    try:
        session = boto3.Session(profile_name=access.profile, region_name=access.region)
        client = session.client("lambda", endpoint_url=access.endpoint_url, config=config)
        outcomes = _send_all(client, plan, errors)
    except (errors.BotoCoreError, ValueError) as error:
        raise UsageError(f"{plan.function}: {error}") from error
    return Round(plan, outcomes)


def _send_all(client: Any, plan: PingPlan, errors: Any) -> tuple[Outcome, ...]:
    with ThreadPoolExecutor(plan.count) as crew:
        futures = [crew.submit(_send, client, plan, errors) for _ in range(plan.count)]
        return tuple(future.result() for future in futures)


def _send(client: Any, plan: PingPlan, errors: Any) -> Outcome:
    wanted = {"FunctionName": plan.function, "Payload": plan.payload}
    if plan.qualifier is not None:
        wanted["Qualifier"] = plan.qualifier
    began = time.monotonic()
    try:
        answer = client.invoke(InvocationType="RequestResponse", **wanted)
        body = answer["Payload"].read()
    except errors.ClientError as error:
        return _refused(error, plan, time.monotonic() - began)
    except (errors.ReadTimeoutError, errors.ConnectionClosedError) as error:
        return Outcome("failed", time.monotonic() - began, detail=type(error).__name__)
    seconds = time.monotonic() - began
    if answer.get("FunctionError"):
        return Outcome("function error", seconds, detail=str(answer["FunctionError"]))
    return read_answer(body, seconds)


def _refused(error: ClientError, plan: PingPlan, seconds: float) -> Outcome:
    told: Any = error.response.get("Error", {})
    code = str(told.get("Code") or "unknown")
    if code == "TooManyRequestsException":
        return Outcome("throttled", seconds, detail=code)
    if code in _HOPELESS:
        raise UsageError(f"{plan.function}: {code}: {told.get('Message') or 'no message'}")
    return Outcome("failed", seconds, detail=code)
