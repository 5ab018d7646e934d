"""Ports of gunicorn that are bound, and listen only when a worker says so."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Patient(socket.socket):
    """A socket that does not listen yet; what it is made into does, when it is told again."""

    def listen(self, backlog: int = 0) -> None:
        """Not yet: gunicorn says so when it has bound the port."""


def bind(config: Any, log: Any) -> list[Any]:
    """Bind gunicorn's ports by its own means, all but listening.

    Raises:
        AttributeError: This gunicorn makes its sockets in another way.
    """
    from gunicorn import sock  # noqa: PLC0415 - a program that uses these hooks has it

    kind_of = sock._sock_type  # noqa: SLF001 - there is no other way between bind and listen
    be_patient()
    try:
        made: list[Any] = sock.create_sockets(config, log)
    finally:
        sock._sock_type = kind_of  # noqa: SLF001
    return made


def be_patient() -> None:
    """Have gunicorn's ports made so that they do not listen, from now on.

    Raises:
        AttributeError: This gunicorn makes its sockets in another way.
    """
    from gunicorn import sock  # noqa: PLC0415

    kind_of = sock._sock_type  # noqa: SLF001

    def patient_kind_of(address: Any) -> Any:
        kind = kind_of(address)

        class Bound(kind):  # type: ignore[misc, valid-type]
            """A listener of gunicorn that does not listen yet."""

            def set_options(self, made: socket.socket, bound: bool = False) -> socket.socket:
                patient = _Patient(made.family, made.type, made.proto, fileno=made.detach())
                ready = super().set_options(patient, bound=bound)
                plain = socket.socket(ready.family, ready.type, ready.proto, fileno=ready.detach())
                plain.setblocking(False)
                plain.set_inheritable(True)
                return plain

        return Bound

    sock._sock_type = patient_kind_of  # noqa: SLF001
