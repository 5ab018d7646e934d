"""The steps of a start as spans, for those who send them."""

import coldcache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def of_start() -> "list[dict[str, Any]]":
    """The spans of this process's start in the shape of OTLP's JSON: one around all the others."""
    return coldcache.startup().to_spans()


def parents_first(spans: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
    """The same spans, each after the one around it."""
    waiting = {span["spanId"]: span for span in spans}
    ordered: list[dict[str, Any]] = []
    for span in spans:
        chain = []
        one: dict[str, Any] | None = waiting.pop(span["spanId"], None)
        while one is not None:
            chain.append(one)
            one = waiting.pop(one.get("parentSpanId", ""), None)
        ordered += reversed(chain)
    return ordered
