"""Drives the real runtime client without a server: events come from the trial, answers go to it.

Only the four methods that talk to the platform are replaced. How a handler is found, what context
it gets, how answers are encoded and errors are reported stay the client's own doing.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from typing import Any

    from .record import Record

__all__ = ["run"]

_ARN = "arn:aws:lambda:us-east-1:123456789012:function:coldcache-lab"


class _Request:
    """What the client expects of an event; what it asks for beyond that is not there."""

    def __init__(self, body: bytes, deadline_ms: int) -> None:
        random = os.urandom(16).hex()
        self.invoke_id = "-".join(
            (random[:8], random[8:12], "4" + random[13:16], "8" + random[17:20], random[20:])
        )
        self.x_amzn_trace_id = f"Root=1-{deadline_ms // 1000:08x}-{random[:24]};Sampled=0"
        self.invoked_function_arn = _ARN
        self.deadline_time_in_ms = deadline_ms
        self.content_type = "application/json"
        self.event_body = body

    def __getattr__(self, name: str) -> None:
        return None


def run(trial: dict[str, Any], record: Record) -> None:
    """Run the function on the events of the trial; does not return when it answers all of them.

    Args:
        trial: The mapping that the parent wrote.
        record: Takes what happens.
    """
    record.install(trial)
    from importlib import import_module  # noqa: PLC0415 - after the plan is in place

    # Ours to load first, so that its methods can be replaced; `__main__` loads both anyway.
    bootstrap = import_module("awslambdaric.bootstrap")
    client = import_module("awslambdaric.lambda_runtime_client").LambdaRuntimeClient

    record.client_loaded()
    events = iter(trial["events"])

    def wait_next_invocation(_client: Any) -> _Request:
        record.call_begins()
        body = next(events)
        return _Request(body, int(time.time() * 1000) + round(trial["timeout_s"] * 1000))

    def post_invocation_result(
        _client: Any, _invoke_id: str, answer: str | bytes, *_rest: Any, **_more: Any
    ) -> None:
        if isinstance(answer, str):
            record.call_ends(answer=answer, kind="json")
        else:
            record.call_ends(answer=bytes(answer).decode("latin-1"), kind="bytes")

    def post_invocation_error(
        _client: Any, _invoke_id: str, error: str | bytes, *_rest: Any, **_more: Any
    ) -> None:
        record.call_ends(error=error)

    def post_init_error(_client: Any, error: Any, *_rest: Any, **_more: Any) -> None:
        record.init_failed(error)

    for replacement in (
        wait_next_invocation,
        post_invocation_result,
        post_invocation_error,
        post_init_error,
    ):
        setattr(client, replacement.__name__, replacement)
    _watch_handler(bootstrap, record)
    import runpy  # noqa: PLC0415

    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


def _watch_handler(bootstrap: Any, record: Record) -> None:
    """See the exceptions themselves: the client posts no more than their text."""
    find = getattr(bootstrap, "_get_handler", None)
    if find is None:
        return

    def get_handler(name: str) -> Any:
        record.init_begins()
        try:
            handler = find(name)
        except BaseException as error:
            record.note_exception(error)
            raise

        def call(event: Any, context: Any) -> Any:
            try:
                return handler(event, context)
            except BaseException as error:
                record.note_exception(error)
                raise

        return call

    bootstrap._get_handler = get_handler  # noqa: SLF001 - see above
