"""Wrong options: an error at decoration that names the option, what was given and what would do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from coldcache import Cache, cached, once

SECONDS = "must be a positive number of seconds"
DECORATORS = pytest.mark.parametrize("decorator", [once, cached], ids=["once", "cached"])
MAKERS = pytest.mark.parametrize("make", [cached, Cache], ids=["cached", "Cache"])


def load(key: Any = None) -> Any:
    pytest.fail("must not run")


@MAKERS
@pytest.mark.parametrize(
    "option", ["ttl", "stale", "stale_if_error", "refresh_ahead", "jitter", "error_ttl", "timeout"]
)
@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (0, ValueError),
        (-1, ValueError),
        (-0.5, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (1e300, ValueError),
        (10**400, (TypeError, ValueError)),
        ("60", TypeError),
        (True, TypeError),
        ([60], TypeError),
        (60j, TypeError),
    ],
    ids=repr,
)
def test_a_useless_time_is_refused(
    make: Callable[..., Any], option: str, given: Any, kind: type[Exception]
) -> None:
    others = {} if option in {"ttl", "error_ttl", "timeout"} else {"ttl": 60}
    with pytest.raises(kind, match=rf"^{option} must be ") as caught:
        make(**{option: given}, **others)

    assert repr(given)[:20] in str(caught.value)


@pytest.mark.parametrize("given", [0, -1, float("nan"), float("inf"), "60", True], ids=repr)
def test_a_useless_timeout_of_once_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^timeout {SECONDS}"):
        once(timeout=given)


@MAKERS
@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (0, ValueError),
        (-1, ValueError),
        (2**64, ValueError),
        (1.5, TypeError),
        ("10", TypeError),
        (True, TypeError),
        (float("inf"), TypeError),
    ],
    ids=repr,
)
def test_a_useless_bound_is_refused(
    make: Callable[..., Any], given: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=r"^max_entries must be a whole number above zero, got"):
        make(max_entries=given)
    with pytest.raises(kind, match=r"^max_weight must be a whole number above zero, got"):
        make(max_weight=given, weigher=len)


@MAKERS
@pytest.mark.parametrize("option", ["stale", "stale_if_error", "refresh_ahead", "jitter"])
def test_a_window_without_an_end_is_refused(make: Callable[..., Any], option: str) -> None:
    with pytest.raises(ValueError, match=f"^{option} needs an end to count from: pass ttl="):
        make(**{option: 10})


@MAKERS
@pytest.mark.parametrize("option", ["refresh_ahead", "jitter"])
def test_a_window_longer_than_the_life_is_refused(make: Callable[..., Any], option: str) -> None:
    with pytest.raises(ValueError, match=f"^{option} must be shorter than ttl"):
        make(ttl=60, **{option: 60})


@MAKERS
@pytest.mark.parametrize("options", [{"max_weight": 5}, {"weigher": len}], ids=repr)
def test_a_weight_without_a_weigher_or_the_reverse_is_refused(
    make: Callable[..., Any], options: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match="max_weight= and weigher= go together"):
        make(**options)


@pytest.mark.parametrize("option", ["key", "expires_at", "listener"])
def test_what_has_to_be_callable_is_checked(option: str) -> None:
    with pytest.raises(TypeError, match=rf"^{option} must be a callable, got 5 \(int\)"):
        cached(**{option: 5})


@pytest.mark.parametrize("given", ["LRU", "fifo", "", 1, None.__class__], ids=repr)
def test_an_unknown_policy_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^policy must be 'lru' or 'tiny_lfu', got"):
        cached(policy=given)


@pytest.mark.parametrize("given", ["shallowest", "", 5, ["deep"]], ids=repr)
def test_an_unknown_way_of_copying_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^copy must be None, 'shallow', 'deep' or"):
        cached(copy=given)


@DECORATORS
@pytest.mark.parametrize("option", ["on_fork", "on_restore"])
@pytest.mark.parametrize("given", ["drop", "", 1, True], ids=repr)
def test_an_unknown_reaction_is_refused(
    decorator: Callable[..., Any], option: str, given: Any
) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{option} must be 'keep'.* or 'reset'"):
        decorator(**{option: given})


@pytest.mark.parametrize("given", ["sometimes", "", 3, True], ids=repr)
def test_an_unknown_retry_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^retry must be 'always', 'never' or"):
        once(retry=given)


@pytest.mark.parametrize("given", [str, [str], (str, 5), "after"], ids=repr)
def test_dependencies_that_are_no_callables_are_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="after"):
        once(after=given)


@pytest.mark.parametrize("given", [str, [str], (str, 5), "vary"], ids=repr)
def test_contexts_that_are_no_callables_are_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^vary must be a tuple of callables"):
        cached(vary=given)


@pytest.mark.parametrize("options", [{"flag": "HEAVY"}, {"fallback": 1}], ids=repr)
def test_a_flag_without_a_fallback_or_the_reverse_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="flag= and fallback= go together"):
        once(**options)


@pytest.mark.parametrize("given", [(), (1,), (5, 2), (0, 5), (1, 2, 3), (1, "2")], ids=repr)
def test_a_useless_pair_of_times_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^error_ttl must be"):
        cached(error_ttl=given)


@DECORATORS
@pytest.mark.parametrize("given", [5, b"name", ["name"]], ids=repr)
def test_a_name_that_is_no_string_is_refused(decorator: Callable[..., Any], given: Any) -> None:
    with pytest.raises(TypeError, match="name"):
        decorator(name=given)


@pytest.mark.parametrize("make", [once, cached, Cache], ids=["once", "cached", "Cache"])
def test_an_unknown_option_is_refused_and_named(make: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="'tll'"):
        make(tll=60)


@pytest.mark.parametrize("make", [cached, Cache], ids=["cached", "Cache"])
def test_the_error_about_an_unknown_option_lists_the_known_ones(make: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="it takes ttl, stale, "):
        make(tll=60)


@DECORATORS
def test_options_are_keyword_only(decorator: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        decorator(load, 60)


@DECORATORS
@pytest.mark.parametrize("given", [5, "load", [load]], ids=["int", "str", "list"])
def test_what_cannot_be_called_cannot_be_decorated(
    decorator: Callable[..., Any], given: Any
) -> None:
    with pytest.raises(TypeError, match=rf"what {decorator.__name__} decorates must be a function"):
        decorator(given)


@DECORATORS
@pytest.mark.parametrize("given", [(), (load, load)], ids=["nothing", "two"])
def test_a_decorator_with_options_takes_one_function(
    decorator: Callable[..., Any], given: tuple[Any, ...]
) -> None:
    with pytest.raises(TypeError):
        decorator(name="n")(*given)


@DECORATORS
def test_a_property_cannot_be_decorated(decorator: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="must be a function"):
        decorator(property(load))


def generator() -> Any:
    yield 1


async def async_generator() -> Any:
    yield 1


class Generators:
    def method(self) -> Any:
        yield 1

    def __call__(self) -> Any:
        yield 1


@DECORATORS
@pytest.mark.parametrize(
    "function",
    [
        generator,
        async_generator,
        partial(generator),
        partial(partial(generator)),
        lambda: (yield),
        staticmethod(generator),
        classmethod(generator),
        Generators.method,
        Generators().method,
        Generators(),
    ],
    ids=[
        "function",
        "async",
        "partial",
        "partial-of-partial",
        "lambda",
        "staticmethod",
        "classmethod",
        "method",
        "bound-method",
        "object",
    ],
)
def test_generator_functions_are_refused(decorator: Callable[..., Any], function: Any) -> None:
    with pytest.raises(TypeError, match="a generator is used up by its first caller"):
        decorator(function)


@pytest.mark.parametrize("loader", [generator, partial(generator)], ids=["function", "partial"])
def test_a_generator_function_as_a_loader_is_refused(loader: Any) -> None:
    cache = Cache()
    with pytest.raises(TypeError, match="generator"):
        cache.get_or_load("k", loader)

    assert "k" not in cache


@DECORATORS
def test_a_generator_as_a_result_is_refused(decorator: Callable[..., Any]) -> None:
    function = decorator(lambda: (number for number in range(3)))
    with pytest.raises(TypeError, match="returned a generator, which its first caller would use"):
        function()

    assert function.peek() is None


@pytest.mark.parametrize(
    ("weight", "kind"),
    [
        (-1, ValueError),
        (2**32, ValueError),
        (1.0, TypeError),
        ("1", TypeError),
        (None, TypeError),
    ],
    ids=repr,
)
def test_a_useless_weight_is_an_error_and_nothing_is_stored(
    weight: Any, kind: type[Exception]
) -> None:
    weights = [weight]
    cache: Cache[Any, Any] = Cache(
        max_weight=5, weigher=lambda value: weights.pop() if weights else 1
    )
    with pytest.raises(kind, match="the result of weigher must be a whole number from 0 to"):
        cache["k"] = 1

    assert dict(cache) == {}
    cache["k"] = 2
    assert dict(cache) == {"k": 2}


def test_a_useless_weight_of_a_load_reaches_its_caller_and_nothing_is_stored() -> None:
    weights = [-1]
    function = cached(max_weight=5, weigher=lambda value: weights.pop() if weights else 1)(str)
    with pytest.raises(ValueError, match="the result of weigher"):
        function(1)

    assert function.cache_info().currsize == 0
    assert function(1) == "1"


@pytest.mark.parametrize("option", ["weigher", "ttl", "expires_at"])
def test_an_error_of_a_function_about_the_value_comes_out_and_nothing_is_stored(
    option: str,
) -> None:
    errors = [LookupError(option)]

    def about(value: Any) -> Any:
        if errors:
            raise errors.pop()
        return 1 if option != "expires_at" else None

    others = {"max_weight": 5} if option == "weigher" else {}
    cache: Cache[Any, Any] = Cache(**{option: about}, **others)
    cache_before = dict(cache)
    with pytest.raises(LookupError, match=option):
        cache["k"] = 1

    assert dict(cache) == cache_before == {}
    cache["k"] = 2
    assert cache["k"] == 2


def test_a_value_that_could_not_be_stored_leaves_the_old_one() -> None:
    weights = [1]
    cache: Cache[Any, Any] = Cache(max_weight=5, weigher=lambda value: weights.pop())
    cache["k"] = "old"
    with pytest.raises(IndexError):
        cache["k"] = "new"

    assert cache["k"] == "old"


def test_a_wrong_option_is_an_error_before_there_is_a_function() -> None:
    with pytest.raises(ValueError, match="ttl"):
        cached(ttl=0)
    with pytest.raises(ValueError, match="timeout"):
        once(timeout=0)


def test_a_huge_wrong_option_is_shown_shortened() -> None:
    with pytest.raises(TypeError) as caught:
        cached(ttl="x" * 10_000)

    assert len(str(caught.value)) < 300


def test_a_wrong_option_without_a_representation_is_still_refused() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise LookupError

    with pytest.raises(TypeError, match=r"ttl must be .* an object of type Shy"):
        cached(ttl=Shy())


def test_none_stands_for_the_default_everywhere() -> None:
    options = [
        "ttl", "stale", "stale_if_error", "error_ttl", "refresh_ahead", "jitter", "max_weight",
        "weigher", "policy", "key", "typed", "vary", "copy", "timeout", "expires_at", "on_fork",
        "on_restore", "listener", "name",
    ]  # fmt: skip
    function = cached(**dict.fromkeys(options))(lambda key: [key])

    assert function(1) is function(1)
    assert function(True) is not function(1)
    assert function.cache_info().maxsize == 1024
