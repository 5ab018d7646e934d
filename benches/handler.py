"""What the handler adds to a warm call, in microseconds, in one interleaved run.

python benches/handler.py [--quick] [--json] [--rounds N]
"""

from __future__ import annotations

import os
import time
from typing import Any

os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "bench"

import coldcache
import tables
from interleaved import Case, Spread, Subject, run

MOST_MICROSECONDS = 5.0


class Context:
    """What the runtime client hands over, as far as it is looked at."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name = "bench"
    function_version = "$LATEST"
    memory_limit_in_mb = "1769"
    invoked_function_arn = "arn:aws:lambda:us-east-1:0:function:bench"

    def __init__(self) -> None:
        self._deadline_ms = int(time.time() * 1000) + 900_000

    def get_remaining_time_in_millis(self) -> int:
        """As the client's own."""
        left = self._deadline_ms - int(time.time() * 1000)
        return left if left > 0 else 0


class Nowhere:
    """An exporter that only takes the facts."""

    def emit(self, invocation: object) -> None:
        """Do nothing."""


EVENT = {"path": "/", "headers": {"accept": "*/*"}, "body": "x" * 200}


def function(event: Any, context: Any) -> int:
    return 42


async def coroutine_function(event: Any, context: Any) -> int:
    return 42


def names(called: Any) -> dict[str, Any]:
    return {"handler": called, "event": EVENT, "context": Context()}


CALL = "handler(event, context)"
PLAIN, OURS, FACTS = "bare", "coldcache.handler", "with an exporter that takes the facts"
CASES = [
    Case(
        "a warm call",
        [
            Subject(OURS, CALL, lambda: names(coldcache.handler(function))),
            Subject(PLAIN, CALL, lambda: names(function)),
            Subject(FACTS, CALL, lambda: names(coldcache.handler(metrics=Nowhere())(function))),
        ],
    ),
    Case(
        "a warm call that is awaited",
        [
            Subject(
                OURS,
                f"await {CALL}",
                lambda: names(coldcache.handler(coroutine_function)),
                kind="async",
            ),
            Subject(PLAIN, f"await {CALL}", lambda: names(coroutine_function), kind="async"),
        ],
    ),
]


def main() -> int:
    """Print the table and the target; fail if it is missed."""
    given = tables.parser(__doc__, rounds=15, quick=4).parse_args()
    run(CASES, given.rounds)
    rows, targets = [], []
    for case in CASES:
        bare = case.samples[PLAIN]
        for subject in case.subjects:
            if subject.name == PLAIN:
                continue
            pairs = zip(case.samples[subject.name], bare, strict=True)
            added = Spread.of([(ours - plain) / 1000 for ours, plain in pairs])
            rows.append(
                [
                    f"{case.name}: {subject.name}",
                    f"{Spread.of(bare).median / 1000:.2f}",
                    f"{added.median:.2f} [{added.low:.2f}, {added.high:.2f}]",
                ]
            )
            if subject.name == OURS:
                targets.append(
                    tables.Target.of(f"{case.name}: handler adds, us", MOST_MICROSECONDS, added)
                )
    table = tables.Table(
        "Warm calls",
        ["call", "bare, us", "added, us"],
        rows,
        "Processor time, quartiles in brackets.",
    )
    return tables.Outcome([table], targets, []).emit(given.json)


if __name__ == "__main__":
    raise SystemExit(main())
