"""Bad input to `resource` and `pool`: one clear error that says what was given and would do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import pool, resource

BOTH = pytest.mark.parametrize("decorator", [resource, pool], ids=["resource", "pool"])


@BOTH
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"max_age": 0}, ValueError, "max_age must be a positive number of seconds, got 0"),
        ({"max_age": -1}, ValueError, "max_age must be a positive number of seconds, got -1"),
        ({"max_idle": float("nan")}, ValueError, "max_idle must be a positive number .* got nan"),
        ({"max_idle": float("inf")}, ValueError, "max_idle must be a positive number .* got inf"),
        ({"timeout": "5"}, TypeError, r"timeout must be a positive number .* got '5' \(str\)"),
        ({"timeout": True}, TypeError, r"timeout must be a positive number .* got True \(bool\)"),
        ({"timeout": 1e12}, ValueError, "timeout must be at most 100 years"),
        ({"check": 1}, TypeError, r"check must be a callable that takes the object, got 1 \(int\)"),
        ({"close": "close"}, TypeError, "close must be a callable that takes the object"),
        ({"retry_on": "OSError"}, TypeError, "retry_on must be an exception class or a tuple"),
        ({"retry_on": (OSError, 1)}, TypeError, "retry_on must be an exception class or a tuple"),
        (
            {"retry_on": KeyboardInterrupt},
            ValueError,
            "retry_on must be of classes below Exception",
        ),
        ({"retry_on": int}, ValueError, "retry_on must be of classes below Exception"),
        ({"depends_on": 5}, TypeError, "depends_on must be a tuple of what is called"),
        ({"depends_on": (5,)}, TypeError, "depends_on must be a tuple of what is called"),
        ({"depends_on": (len,)}, TypeError, "which can be told to forget the value, got <built-in"),
        ({"depends_on": ((),)}, TypeError, "depends_on must be a tuple of what is called"),
        ({"auth_errors": OSError}, TypeError, "name the secrets as well"),
        ({"after": [len]}, TypeError, "after must be a tuple of callables without arguments"),
        ({"after": (1,)}, TypeError, "after must be a tuple of callables without arguments"),
        ({"on_restore": "stale"}, ValueError, "on_restore must be 'keep', 'check' or 'reset'"),
        ({"on_restore": None}, TypeError, "on_restore must be 'keep', 'check' or 'reset'"),
        ({"per_loop": 1}, TypeError, "per_loop must be True or False, got 1"),
        ({"warm": "yes"}, TypeError, "warm must be True, False or 'prepaid', got 'yes'"),
        ({"warm": 1}, TypeError, "warm must be True, False or 'prepaid', got 1"),
        ({"name": ""}, ValueError, "name must be a string that is not empty"),
        ({"name": 7}, TypeError, r"name must be a string, got 7 \(int\)"),
    ],
    ids=str,
)
def test_a_wrong_option_is_an_error_when_it_is_given(
    decorator: Callable[..., Any], options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        decorator(**options)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"size": 0}, ValueError, "size must be a whole number, 1 or more, got 0"),
        ({"size": 2.0}, TypeError, r"size must be a whole number, 1 or more, got 2.0 \(float\)"),
        ({"size": True}, TypeError, "size must be a whole number, 1 or more, got True"),
        ({"min_idle": -1}, ValueError, "min_idle must be a whole number, 0 or more, got -1"),
        ({"size": 2, "min_idle": 3}, ValueError, r"min_idle must be at most size \(2\), got 3"),
        ({"reset": 1}, TypeError, "reset must be a callable that takes the object, got 1"),
    ],
    ids=str,
)
def test_a_wrong_option_of_a_pool_is_an_error(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        pool(**options)


def test_a_resource_refuses_an_unknown_reaction_to_a_fork() -> None:
    with pytest.raises(ValueError, match="on_fork must be 'keep' or 'reset', got 'drop'"):
        resource(on_fork="drop")  # type: ignore[call-overload]


@BOTH
def test_an_unknown_option_is_a_type_error(decorator: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="max_agee"):
        decorator(max_agee=1)


@BOTH
def test_what_is_no_function_is_refused(decorator: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"is put on must be a function .* got 5"):
        decorator(5)


@BOTH
def test_a_factory_with_arguments_is_refused_by_name(decorator: Callable[..., Any]) -> None:
    def connect(host: str, *, port: int) -> object:
        return host

    with pytest.raises(TypeError, match=r"connect wants arguments \(host, port\)"):
        decorator(connect)


@BOTH
def test_a_factory_whose_arguments_have_defaults_is_fine(decorator: Callable[..., Any]) -> None:
    def connect(host: str = "localhost", *rest: object, port: int = 1, **more: object) -> object:
        return host

    decorator(connect)
    decorator(functools.partial(connect, "elsewhere"))
    decorator("text".upper)


@BOTH
def test_generator_functions_are_refused(decorator: Callable[..., Any]) -> None:
    def plain() -> Any:
        yield 1

    async def asynchronous() -> Any:
        yield 1

    for factory in (plain, asynchronous, functools.partial(plain)):
        with pytest.raises(TypeError, match="is a generator function"):
            decorator(factory)


@BOTH
def test_a_factory_that_returns_none_is_told_so(decorator: Callable[..., Any]) -> None:
    @decorator(name="database", timeout=5)
    def database() -> None:
        pass

    with pytest.raises(TypeError, match=r"database\(\) returned None"), database():
        pass


@BOTH
def test_a_plain_factory_that_returns_a_coroutine_is_told_so(decorator: Callable[..., Any]) -> None:
    async def connect() -> object:
        return object()

    database = decorator(name="database")(lambda: connect())  # noqa: PLW0108
    with pytest.raises(TypeError, match="decorate the coroutine function itself"), database():
        pass


@BOTH
def test_with_on_a_coroutine_function_says_what_would_do(decorator: Callable[..., Any]) -> None:
    @decorator
    async def client() -> object:
        return object()

    message = r"client is made by a coroutine function: use `async with client\(\) as ...`"
    with pytest.raises(TypeError, match=message), client():
        pass


@BOTH
def test_async_with_on_a_plain_function_says_what_would_do(decorator: Callable[..., Any]) -> None:
    import asyncio  # noqa: PLC0415

    @decorator
    def client() -> object:
        return object()

    async def use() -> None:
        async with client():
            pass

    with pytest.raises(TypeError, match=r"made by a plain function: use `with client\(\) as ...`"):
        asyncio.run(use())


@BOTH
def test_arguments_to_a_use_are_refused(decorator: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        decorator(object)(1)


@BOTH
def test_a_refused_decoration_leaves_nothing_behind(decorator: Callable[..., Any]) -> None:
    from coldcache._resource import registered  # noqa: PLC0415

    before = registered()
    with pytest.raises(TypeError):
        decorator(lambda host: host)

    assert registered() == before


def test_a_for_loop_without_retry_says_so() -> None:
    database = resource(object)
    with pytest.raises(TypeError):
        list(database())


def test_a_with_block_on_attempts_fails_before_anything_is_made() -> None:
    database = resource(object)
    with pytest.raises((TypeError, AttributeError)), database(retry=True):
        pass

    assert database.stats()["made"] == 0
