"""Which calls share an entry, and what happens to arguments that cannot be a key."""

from __future__ import annotations

from typing import Any

import pytest
from coldcache import cached


class Echo:
    """A cached function that notes the calls that reached it."""

    def __init__(self, **options: Any) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

        @cached(**options)
        def echo(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
            self.calls.append((args, kwargs))
            return args, kwargs

        self.function = echo

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


@pytest.mark.parametrize(
    "arguments",
    [(), ("a",), (1,), (1.5,), (None,), (True,), (b"a",), ("a", 1), ("a", 1.5), ((1, 2),), (int,)],
    ids=repr,
)
def test_equal_calls_share_an_entry(arguments: tuple[Any, ...]) -> None:
    echo = Echo()
    first = echo(*arguments)

    assert echo(*arguments) is first
    assert first == (arguments, {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (1.0,)),
        ((1,), (True,)),
        ((1.0,), (True,)),
        ((0,), (False,)),
        ((1, "x"), (1.0, "x")),
        ((1, "x"), (True, "x")),
        (("a",), (b"a",)),
        ((1,), ("1",)),
        (("1", "2"), ("1 2",)),
        (("a", "b"), (("a", "b"),)),
        ((), (None,)),
        ((), ((),)),
        ((None,), ((None,),)),
        ((-1,), (-2,)),
        (("a",), ("a", None)),
        (("a",), ("a", str)),
        ((1.5,), (1.5, float)),
    ],
    ids=repr,
)
def test_different_calls_do_not_share_an_entry(
    one: tuple[Any, ...], other: tuple[Any, ...]
) -> None:
    echo = Echo()

    assert echo(*one) == (one, {})
    assert echo(*other) == (other, {})
    assert len(echo.calls) == 2


def test_keyword_values_of_different_types_do_not_share_an_entry() -> None:
    echo = Echo()
    for value in (1, 1.0, True):
        echo(a=value)

    assert len(echo.calls) == 3


def test_untyped_equal_arguments_share_an_entry() -> None:
    echo = Echo(typed=False)
    for value in (1, 1.0, True):
        echo("x", value)
        echo(a=value)

    assert len(echo.calls) == 2


def test_a_positional_and_a_keyword_spelling_are_different_calls() -> None:
    echo = Echo()
    echo(1)
    echo(a=1)

    assert echo.calls == [((1,), {}), ((), {"a": 1})]


@pytest.mark.parametrize("typed", [True, False])
def test_keyword_arguments_do_not_run_into_positional_ones(typed: bool) -> None:
    echo = Echo(typed=typed)
    echo("a", 1)
    echo(a=1)
    echo(("a", 1))

    assert len(echo.calls) == 3


def test_no_keywords_and_empty_keywords_are_the_same_call() -> None:
    echo = Echo()

    assert echo("a") is echo("a")


def test_equal_strings_share_an_entry_whatever_their_identity() -> None:
    echo = Echo()

    assert echo("region") is echo("".join(["reg", "ion"]))


def test_a_subclass_of_str_is_told_from_str() -> None:
    class Name(str):
        __slots__ = ()

    echo = Echo()
    echo("a")
    echo(Name("a"))

    assert [type(args[0]) for args, _ in echo.calls] == [str, Name]


def test_the_first_argument_of_a_function_is_passed_on_untouched() -> None:
    echo = Echo()
    given = ("a", [1][0], None)

    assert echo(*given)[0] == given


def test_a_key_function_makes_unhashable_arguments_possible() -> None:
    runs: list[Any] = []

    @cached(key=lambda event: event["id"])
    def handle(event: dict[str, Any]) -> str:
        runs.append(event)
        return f"done {event['id']}"

    assert [handle({"id": 1, "at": at}) for at in range(3)] == ["done 1"] * 3
    assert len(runs) == 1


def test_a_key_function_gets_the_arguments_of_the_call() -> None:
    seen: list[Any] = []

    @cached(key=lambda *args, **kwargs: seen.append((args, kwargs)))
    def load(*args: Any, **kwargs: Any) -> None: ...

    load(1, 2, a=3)

    assert seen == [((1, 2), {"a": 3})]


def test_the_key_function_of_a_method_gets_the_instance() -> None:
    class Service:
        region = "eu"

        @cached(key=lambda self, name: (self.region, name.lower()))
        def load(self, name: str) -> str:
            return name

    service = Service()

    assert [service.load("A"), service.load("a")] == ["A", "A"]


def test_a_key_of_none_is_a_key() -> None:
    runs: list[int] = []

    @cached(key=lambda name: None)
    def load(name: str) -> int:
        runs.append(1)
        return len(runs)

    assert [load("a"), load("b")] == [1, 1]


def test_a_hit_hashes_its_argument_once() -> None:
    class Counted:
        hashed = 0

        def __hash__(self) -> int:
            Counted.hashed += 1
            return 1

    echo = Echo()
    key = Counted()
    echo(key)
    Counted.hashed = 0
    echo(key)

    assert Counted.hashed == 1


def test_vary_adds_context_to_the_key() -> None:
    tenant = ["a"]
    runs: list[str] = []

    @cached(vary=(lambda: tenant[0],))
    def settings() -> str:
        runs.append(tenant[0])
        return tenant[0]

    answers = [settings(), settings()]
    tenant[0] = "b"
    answers += [settings(), settings()]

    assert answers == ["a", "a", "b", "b"]
    assert runs == ["a", "b"]


def test_an_error_of_vary_comes_out_as_itself() -> None:
    def context() -> str:
        raise LookupError("no tenant")

    @cached(vary=(context,))
    def settings() -> None:
        pytest.fail("must not run")

    with pytest.raises(LookupError, match="no tenant"):
        settings()


def test_vary_applies_to_invalidate_and_peek() -> None:
    tenant = ["a"]

    @cached(vary=(lambda: tenant[0],))
    def settings() -> str:
        return tenant[0]

    settings()
    tenant[0] = "b"

    assert settings.peek() is None
    assert not settings.invalidate()
    tenant[0] = "a"
    assert settings.peek() == "a"
