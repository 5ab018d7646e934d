"""A limit on how long a connection of somebody else's driver may take to answer a question.

Half-open connections never answer, most drivers wait for ever, and the driver's object may be bound
to the thread or loop that uses it. So the question is asked where it would be asked anyway, and
after its time the socket below the connection is shut down: the driver notices that, wherever it
waits, and raises what it raises for a lost connection. No thread is left behind.
"""

import _thread
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AnswerLimit:
    """A block in which a connection has so many seconds to answer.

    Args:
        connection: Of a driver; where it shows no socket there is no limit.
        seconds: The limit, or `None` for none.
    """

    __slots__ = ("_connection", "_done", "_seconds", "is_over")

    def __init__(self, connection: "Any", seconds: float | None) -> None:
        self._connection = connection
        self._seconds = seconds
        self._done = _thread.allocate_lock()
        self._done.acquire()
        self.is_over = False

    def __enter__(self) -> "AnswerLimit":
        descriptor = None if self._seconds is None else socket_of(self._connection)
        if descriptor is None:
            return self
        # A number of our own: the connection's may be another file's by the time it is over.
        own = os.dup(descriptor)
        try:
            _thread.start_new_thread(self._watch, (own,))
        except RuntimeError:  # no thread can be started any more: at the very end
            os.close(own)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._done.release()

    def _watch(self, descriptor: int) -> None:
        import socket  # noqa: PLC0415 - the driver has it

        with socket.socket(fileno=descriptor) as watched:
            if not self._done.acquire(True, self._seconds or 0):
                self.is_over = True
                try:
                    watched.shutdown(socket.SHUT_RDWR)
                except OSError:  # it is closed already
                    return


def socket_of(connection: "Any") -> int | None:
    """Return the number of the socket below a connection, or `None` if it shows none.

    Known are connections with `fileno()` (psycopg, psycopg2, mysqlclient), those that keep their
    socket in `_sock` (PyMySQL) or behind a transport of asyncio (asyncpg), and SQLAlchemy's
    adapters around asynchronous ones.
    """
    for found in (connection, getattr(connection, "driver_connection", None)):
        if found is None:
            continue
        transport = getattr(found, "_transport", None)
        behind = transport.get_extra_info("socket") if transport is not None else None
        for one in (found, getattr(found, "_sock", None), behind):
            fileno = getattr(one, "fileno", None)
            if fileno is None:
                continue
            try:
                number = fileno()
            except Exception:  # noqa: BLE001 - of any driver: closed, or not connected
                return None
            if isinstance(number, int) and number >= 0:
                return number
    return None
