"""Which errors say that the credentials were refused."""

from __future__ import annotations

from typing import Any

import pytest
from coldcache import once, resource


class Coded(Exception):
    def __init__(self, **attributes: Any) -> None:
        super().__init__("no")
        self.__dict__.update(attributes)


class AuthenticationError(Exception): ...


class Response:
    status_code = 401


@pytest.mark.parametrize(
    "error",
    [
        Coded(sqlstate="28P01"),
        Coded(pgcode="28000"),
        Coded(response={"Error": {"Code": "ExpiredTokenException"}}),
        Coded(response=Response()),
        RuntimeError(1045, "Access denied"),
        AuthenticationError(),
        RuntimeError('FATAL:  password authentication failed for user "app"'),
        RuntimeError("WRONGPASS invalid username-password pair or user is disabled."),
    ],
    ids=str,
)
def test_refusals_of_common_drivers_are_recognised(error: Exception) -> None:
    errors = [error]
    secret = once(object)

    @resource(depends_on=(secret,))
    def database() -> object:
        if errors:
            raise errors.pop()
        return object()

    database.get()

    assert database.stats()["rotations"] == 1


@pytest.mark.parametrize(
    "error",
    [
        Coded(sqlstate="57P01"),
        Coded(response={"Error": {"Code": "Throttling"}}),
        RuntimeError("connection refused"),
        RuntimeError(),
    ],
    ids=str,
)
def test_other_errors_of_drivers_are_not_taken_for_refusals(error: Exception) -> None:
    secret = once(object)

    @resource(depends_on=(secret,))
    def database() -> object:
        raise error

    with pytest.raises(type(error)):
        database.get()

    assert database.stats()["rotations"] == 0


def test_a_refusal_that_was_wrapped_is_recognised() -> None:
    errors = [1]
    secret = once(object)

    @resource(depends_on=(secret,))
    def database() -> object:
        if errors.pop() if errors else 0:
            try:
                raise Coded(sqlstate="28P01")
            except Coded as cause:
                raise RuntimeError("could not connect") from cause
        return object()

    database.get()

    assert database.stats()["rotations"] == 1


def test_auth_errors_may_be_a_function() -> None:
    errors = [LookupError("refused")]
    secret = once(object)

    @resource(depends_on=(secret,), auth_errors=lambda error: "refused" in str(error))
    def database() -> object:
        if errors:
            raise errors.pop()
        return object()

    database.get()

    assert database.stats()["rotations"] == 1
