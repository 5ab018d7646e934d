"""How long a connection may take to answer: after its time the socket below is shut down."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from coldcache import recipes
from coldcache._answer_limit import AnswerLimit, socket_of

# Seconds: short, since the tests wait for it, in real time.
LIMIT = 0.05


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    for one in (ours, theirs):
        one.settimeout(20)
    with ours, theirs:
        yield ours, theirs


class Behind:
    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)


def test_a_silent_connection_is_shut_down(ends: tuple[socket.socket, socket.socket]) -> None:
    limit = AnswerLimit(ends[0], LIMIT)
    with limit:
        assert ends[0].recv(1) == b""

    assert limit.is_over


def test_a_connection_that_answers_stays_open(ends: tuple[socket.socket, socket.socket]) -> None:
    limit = AnswerLimit(ends[0], 20)
    ends[1].send(b"1")
    with limit:
        assert ends[0].recv(1) == b"1"
    ends[1].send(b"2")

    assert ends[0].recv(1) == b"2"
    assert not limit.is_over


def test_an_error_in_the_block_comes_out(ends: tuple[socket.socket, socket.socket]) -> None:
    error = LookupError()

    with pytest.raises(LookupError) as caught, AnswerLimit(ends[0], 20):
        raise error

    assert caught.value is error


def test_another_file_under_the_number_of_a_closed_connection_is_left_alone(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    connection, other = socket.socketpair()
    with other, AnswerLimit(connection, LIMIT):
        number = connection.detach()
        os.dup2(ends[0].fileno(), number)  # reused while the question is under way
        assert other.recv(1) == b""  # the limit is over
        os.close(number)
    ends[1].send(b"1")

    assert ends[0].recv(1) == b"1"


def test_sockets_of_drivers_are_found(ends: tuple[socket.socket, socket.socket]) -> None:
    number = ends[0].fileno()
    transport = Behind(get_extra_info={"socket": ends[0]}.get)

    assert socket_of(Behind(_sock=ends[0])) == number
    assert socket_of(Behind(driver_connection=ends[0])) == number
    assert socket_of(Behind(driver_connection=Behind(_transport=transport))) == number


def test_a_connection_without_a_socket_has_no_limit() -> None:
    limit = AnswerLimit(object(), LIMIT)

    with limit:
        pass

    assert not limit.is_over


def test_a_closed_connection_has_no_socket() -> None:
    closed = socket.socket()
    closed.close()

    assert socket_of(closed) is None


def test_the_socket_of_an_asyncio_transport_is_found() -> None:
    async def main() -> bool:
        ours, theirs = socket.socketpair()
        with theirs:
            _, writer = await asyncio.open_connection(sock=ours)
            try:
                return socket_of(Behind(_transport=writer.transport)) == ours.fileno()
            finally:
                writer.close()
                await writer.wait_closed()

    assert asyncio.run(main())


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "2"])
def test_a_wrong_limit_is_an_error_that_names_it(timeout: Any) -> None:
    with pytest.raises(ValueError, match="timeout must be a positive number of seconds or None"):
        recipes.psycopg_check(timeout=timeout)
