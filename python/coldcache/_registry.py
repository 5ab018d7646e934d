"""Which resources and pools there are, and what all of them do at a fork and at the end."""

import atexit
import os
from _weakref import ref

from coldcache import _core, _hanging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Member(Protocol):
        """What a resource and a pool have in common."""

        name: str

        def _after_fork(self) -> None: ...
        def _close_at_exit(self) -> None: ...


_members: "list[ref[Any]]" = []


def register(member: "Any") -> None:
    """Remember a resource or a pool, as long as somebody else does."""
    if not _members:
        os.register_at_fork(after_in_child=_after_fork)
        atexit.register(_at_exit)
    _members.append(ref(member, _forget))
    declare = getattr(_core, "_declare", None)
    if declare is not None:
        declare(member)


def _forget(gone: "ref[Any]") -> None:
    # By identity: dead references of equal objects do not compare.
    for at, one in enumerate(_members):
        if one is gone:
            del _members[at]
            return


def registered() -> "list[Any]":
    """Return the resources and pools there are, in the order of their declaration."""
    return [member for one in tuple(_members) if (member := one()) is not None]


def _after_fork() -> None:
    _hanging.forget_after_fork()
    for member in registered():
        member._after_fork()  # noqa: SLF001


def _at_exit() -> None:
    # What was declared last may need what was declared before.
    for member in reversed(registered()):
        member._close_at_exit()  # noqa: SLF001
