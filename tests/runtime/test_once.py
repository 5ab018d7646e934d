"""`once`: one run for the container's lifetime, unless it fails or is reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from coldcache import FlagError, _core, cached, once


def test_the_function_runs_once() -> None:
    runs: list[int] = []

    @once
    def settings() -> int:
        runs.append(1)
        return len(runs)

    assert [settings() for _ in range(5)] == [1] * 5


def test_all_callers_get_the_same_object() -> None:
    @once
    def settings() -> dict[str, str]:
        return {}

    assert settings() is settings()


def test_it_does_not_run_before_it_is_called() -> None:
    @once
    def settings() -> None:
        pytest.fail("must not run")

    assert not settings.is_done()


def test_none_is_a_result() -> None:
    runs: list[int] = []

    @once
    def connect() -> None:
        runs.append(1)

    connect(), connect()

    assert len(runs) == 1
    assert connect.is_done()


def test_is_done_after_the_first_call() -> None:
    settings = once(lambda: 1)
    settings()

    assert settings.is_done()


def test_peek_never_runs_the_function() -> None:
    settings = once(lambda: pytest.fail("must not run"))

    assert settings.peek() is None
    assert settings.peek("default") == "default"


def test_peek_gives_the_result_once_there_is_one() -> None:
    settings = once(lambda: "value")
    settings()

    assert settings.peek("default") == "value"


def test_after_a_reset_the_function_runs_again() -> None:
    settings = once(object)
    first = settings()
    settings.reset()

    assert not settings.is_done()
    assert settings() is not first


def test_a_reset_before_the_first_call_changes_nothing() -> None:
    settings = once(lambda: 1)
    settings.reset()

    assert settings() == 1


def test_time_does_not_end_it(clock: Any) -> None:
    settings = once(object)
    first = settings()
    clock.advance(1e9)
    clock.freeze(1e9)

    assert settings() is first


def failing_first(times: int, **options: Any) -> tuple[Any, list[int]]:
    """A once function that fails so many times, and the list of its runs."""
    runs: list[int] = []

    @once(**options)
    def settings() -> str:
        runs.append(1)
        if len(runs) <= times:
            raise ConnectionError(f"try {len(runs)}")
        return "value"

    return settings, runs


@pytest.mark.parametrize("options", [{}, {"retry": "always"}, {"retry": None}], ids=repr)
def test_a_failure_is_not_kept(options: dict[str, Any]) -> None:
    settings, runs = failing_first(2, **options)
    for number in (1, 2):
        with pytest.raises(ConnectionError, match=f"try {number}"):
            settings()

    assert settings() == "value"
    assert len(runs) == 3


def test_a_failed_run_is_not_done() -> None:
    settings, _ = failing_first(1)
    with pytest.raises(ConnectionError):
        settings()

    assert not settings.is_done()


def test_with_retry_never_the_failure_is_kept(clock: Any) -> None:
    settings, runs = failing_first(1, retry="never")
    for _ in range(3):
        with pytest.raises(ConnectionError, match="try 1"):
            settings()
        clock.advance(1e9)

    assert len(runs) == 1


def test_with_retry_never_each_caller_has_an_exception_of_its_own() -> None:
    settings, _ = failing_first(1, retry="never")
    caught = []
    for _ in range(3):
        with pytest.raises(ConnectionError) as info:
            settings()
        caught.append(info.value)

    assert len({id(error) for error in caught}) == 3
    assert [error.__cause__ for error in caught] == [None, caught[0], caught[0]]


def test_with_retry_never_an_exit_is_not_kept() -> None:
    exits = [KeyboardInterrupt()]

    @once(retry="never")
    def settings() -> str:
        if exits:
            raise exits.pop()
        return "value"

    with pytest.raises(KeyboardInterrupt):
        settings()

    assert settings() == "value"


def test_a_reset_ends_a_kept_failure() -> None:
    settings, _ = failing_first(1, retry="never")
    with pytest.raises(ConnectionError):
        settings()
    settings.reset()

    assert settings() == "value"


def test_with_backoff_the_next_try_comes_later_each_time(clock: Any) -> None:
    settings, runs = failing_first(100, retry="backoff")
    waited = []
    for _ in range(9):
        tries, seconds = len(runs), 0
        while len(runs) == tries:
            with pytest.raises(ConnectionError):
                settings()
            if len(runs) == tries:
                clock.advance(1)
                seconds += 1
        waited.append(seconds)

    assert waited == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_dependencies_run_first() -> None:
    order: list[str] = []
    secret = once(lambda: order.append("secret"))
    region = once(lambda: order.append("region"))

    @once(after=(region, secret))
    def connect() -> None:
        order.append("connect")

    connect()

    assert order == ["region", "secret", "connect"]


def test_a_dependency_that_is_done_does_not_run_again() -> None:
    runs: list[int] = []
    secret = once(lambda: runs.append(1))
    first, second = (once(after=(secret,))(lambda: None) for _ in range(2))
    first(), second(), secret()

    assert len(runs) == 1


def test_a_failing_dependency_keeps_the_function_from_running() -> None:
    secret, _ = failing_first(1)

    @once(after=(secret,))
    def connect() -> str:
        assert secret.is_done()
        return "connected"

    with pytest.raises(ConnectionError):
        connect()

    assert not connect.is_done()
    assert connect() == "connected"


def test_anything_callable_may_be_a_dependency() -> None:
    order: list[str] = []

    @once(after=(lambda: order.append("plain"), cached(lambda: order.append("cached"))))
    def connect() -> None:
        order.append("connect")

    connect()

    assert order == ["plain", "cached", "connect"]


@pytest.mark.parametrize("value", ["0", "off", "False", None])
def test_a_flag_that_is_off_gives_the_fallback_and_the_function_never_runs(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEAVY_MODEL", raising=False)
    if value is not None:
        monkeypatch.setenv("HEAVY_MODEL", value)

    @once(flag="HEAVY_MODEL", fallback="light")
    def model() -> None:
        pytest.fail("must not run")

    assert [model(), model()] == ["light", "light"]


def test_a_flag_that_is_on_lets_the_function_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAVY_MODEL", "on")

    @once(flag="HEAVY_MODEL", fallback="light")
    def model() -> str:
        return "heavy"

    assert model() == "heavy"


def test_the_fallback_may_be_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEAVY_MODEL", raising=False)
    model = once(flag="HEAVY_MODEL", fallback=lambda: ["light"])(lambda: "heavy")

    assert model() == ["light"]
    assert model() is model()


def test_the_fallback_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEAVY_MODEL", raising=False)
    model = once(flag="HEAVY_MODEL", fallback=None)(lambda: "heavy")

    assert model() is None
    assert model.is_done()


def test_the_fallback_does_not_stand_in_for_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAVY_MODEL", "1")

    @once(flag="HEAVY_MODEL", fallback="light")
    def model() -> None:
        raise LookupError("weights")

    with pytest.raises(LookupError, match="weights"):
        model()


def test_a_flag_that_is_neither_is_an_error_and_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEAVY_MODEL", "maybe")
    model = once(flag="HEAVY_MODEL", fallback="light")(lambda: "heavy")

    with pytest.raises(FlagError, match="HEAVY_MODEL"):
        model()
    monkeypatch.setenv("HEAVY_MODEL", "yes")

    assert model() == "heavy"


def test_a_name_of_ones_own_is_shown() -> None:
    assert "my settings" in repr(once(name="my settings")(lambda: 1))


def test_the_representation_tells_whether_it_has_run() -> None:
    settings = once(name="settings")(lambda: 1)
    before = repr(settings)
    settings()

    assert before == "<coldcache.once settings: not run>"
    assert repr(settings) == "<coldcache.once settings: done>"


@pytest.mark.parametrize(("options", "warm"), [({}, True), ({"warm": False}, False)])
def test_it_says_whether_it_takes_part_in_a_warm_up(options: dict[str, Any], warm: bool) -> None:
    assert once(**options)(lambda: 1).warm is warm


def test_it_can_be_left_to_starts_that_nobody_waits_for() -> None:
    assert once(warm="prepaid")(lambda: 1).warm == "prepaid"


def test_a_misspelt_warm_names_what_would_do() -> None:
    with pytest.raises(ValueError, match="warm must be True, False or 'prepaid', got 'prepay'"):
        once(warm="prepay")


def test_it_tells_what_comes_before_it() -> None:
    first = once(lambda: 1)

    assert once(after=(first,))(lambda: 2).after == (first,)


def test_only_a_method_says_that_it_is_one() -> None:
    class Service:
        plain = once(lambda self: 1)
        static = once(staticmethod(lambda: 1))
        of_class = once(classmethod(lambda cls: 1))

    found = [vars(Service)[name].is_method for name in ("plain", "static", "of_class")]
    assert found == [True, False, True]


def test_what_declared_itself_is_remembered_in_order_while_it_lives() -> None:
    first, second = once(lambda: 1), once(lambda: 2)
    third = once(warm=False)(lambda: 3)
    kept = [one for one in _core._declared() if one in (first, second, third)]
    del first
    alive = [one for one in _core._declared() if one in kept[1:]]

    assert kept[1:] == [second] == alive


def test_declaring_does_not_keep_anything() -> None:
    before = len(_core._declared())
    for _ in range(1000):
        once(lambda: 1)

    assert len(_core._declared()) == before


def test_a_lambda_a_partial_and_a_callable_object_will_do() -> None:
    from functools import partial  # noqa: PLC0415

    class Loader:
        def __call__(self) -> str:
            return "object"

    functions: list[Callable[[], str]] = [lambda: "lambda", partial(str, "partial"), Loader()]

    assert [once(function)() for function in functions] == ["lambda", "partial", "object"]


def test_a_class_will_do() -> None:
    class Settings: ...

    settings = once(Settings)

    assert isinstance(settings(), Settings)
    assert settings() is settings()


@pytest.mark.parametrize("call", [lambda f: f(1), lambda f: f(a=1)], ids=["positional", "keyword"])
def test_a_call_with_arguments_is_refused(call: Callable[[Any], object]) -> None:
    settings = once(lambda a=0: a)
    with pytest.raises(TypeError, match="takes no arguments"):
        call(settings)

    assert settings() == 0


def test_a_call_of_a_method_with_arguments_is_refused() -> None:
    class Service:
        @once
        def load(self, key: int = 0) -> int:
            return key

    service = Service()
    with pytest.raises(TypeError, match="takes no arguments"):
        service.load(1)

    assert service.load() == 0
