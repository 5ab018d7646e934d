"""The steps of a start as spans."""

from os import urandom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coldcache._invocation import Invocation

MOST_SPANS = 512


class Span:
    """One span.

    Attributes:
        name: What ran.
        start_ns: When it began, nanoseconds since 1970.
        end_ns: When it ended.
        parent: Place of the span around it in the list; ``None`` for the one around all.
        error: Type of what it raised, or ``None``.
        attributes: Texts and numbers by name.
        span_id: 16 hexadecimal digits.
    """

    __slots__ = ("attributes", "end_ns", "error", "name", "parent", "span_id", "start_ns")

    def __init__(
        self,
        name: str,
        start_ns: int,
        end_ns: int,
        parent: int | None,
        error: str | None = None,
        attributes: "dict[str, str | int | bool] | None" = None,
    ) -> None:
        self.name = name
        self.start_ns = start_ns
        self.end_ns = max(start_ns, end_ns)
        self.parent = parent
        self.error = error
        self.attributes = attributes or {}
        self.span_id = random_hex(8)


def random_hex(count: int) -> str:
    """So many random bytes, from the kernel each time: clones of a snapshot must differ."""
    return urandom(count).hex()


def of(invocation: "Invocation") -> "list[Span]":
    """The spans of the start whose first call this was: one around all, and its steps in it.

    Args:
        invocation: The first call.
    """
    return []
