"""A sample event before the first request, and the side effects that it must not have."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any

import coldcache
import pytest
from coldcache import _step


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("coldcache._graph._declared", list)
    monkeypatch.setattr("coldcache._graph._pending_numbers", list)
    steps = dict(_step._declared)
    _step._declared.clear()
    yield
    _step._declared.clear()
    _step._declared.update(steps)


SENT: list[object] = []


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    SENT.clear()


@coldcache.side_effect
def send(mail: object) -> str:
    SENT.append(mail)
    return "sent"


@coldcache.side_effect(instead="not sent")
def send_quietly(mail: object) -> str:
    SENT.append(mail)
    return "sent"


@coldcache.side_effect(instead=lambda mail: f"not {mail}")
async def send_later(mail: object) -> str:
    SENT.append(mail)
    return "sent"


def replay(handler: Any, event: object = None) -> Any:
    report = coldcache.warm_up(event={} if event is None else event, handler=handler)
    return report.step("sample event")


def test_the_handler_is_called_with_the_event_when_all_else_is_done() -> None:
    calls: list[object] = []
    coldcache.step("first")(lambda: calls.append("first"))
    step = replay(lambda event, context: calls.append(event), {"id": 7})

    assert (calls, step.state) == (["first", {"id": 7}], "done")


def test_the_handler_cannot_change_the_event() -> None:
    event = {"items": [1]}
    replay(lambda event, context: event["items"].append(2), event)

    assert event == {"items": [1]}


def test_the_context_has_what_the_platforms_has() -> None:
    seen: list[Any] = []
    replay(lambda event, context: seen.append(context))
    (context,) = seen

    assert 0 < context.get_remaining_time_in_millis() <= 10_000
    assert context.aws_request_id.count("-") == 4
    assert context.invoked_function_arn.startswith("arn:aws:lambda:")


def test_outside_a_replay_a_side_effect_happens() -> None:
    assert (send("a"), send_quietly("b"), asyncio.run(send_later("c"))) == ("sent",) * 3
    assert SENT == ["a", "b", "c"]


def test_in_a_replay_it_is_blocked_and_the_replay_is_done() -> None:
    step = replay(lambda event, context: send("a"))

    assert (SENT, step.state, step.error) == ([], "done", None)
    assert step.reason == "send blocked 1 x, ended by it"


def test_a_handler_that_answers_after_a_blocked_one_is_done_too() -> None:
    def handler(event: object, context: object) -> dict[str, int]:
        try:
            send("a")
        except coldcache.ColdcacheError:
            return {"statusCode": 500}
        return {"statusCode": 200}

    step = replay(handler)

    assert (SENT, step.state, step.reason) == ([], "done", "send blocked 1 x")


def test_instead_of_a_blocked_one_something_may_be_returned() -> None:
    answers: list[str] = []
    step = replay(lambda event, context: answers.append(send_quietly("a")))

    assert (SENT, answers, step.reason) == ([], ["not sent"], "send_quietly blocked 1 x")


def test_an_asynchronous_handler_is_run_and_guarded() -> None:
    answers: list[str] = []

    async def handler(event: object, context: object) -> None:
        answers.append(await send_later("a"))

    step = replay(handler)

    assert (SENT, answers, step.state) == ([], ["not a"], "done")


def test_threads_of_the_handler_are_blocked_too() -> None:
    answers: list[str] = []

    def handler(event: object, context: object) -> None:
        thread = threading.Thread(target=lambda: answers.append(send_quietly("a")))
        thread.start()
        thread.join()

    replay(handler)

    assert (SENT, answers) == ([], ["not sent"])


def test_after_the_replay_side_effects_happen_again() -> None:
    replay(lambda event, context: send("a"))

    assert (send("b"), SENT) == ("sent", ["b"])


def test_a_method_can_be_guarded() -> None:
    class Mailer:
        @coldcache.side_effect(instead=None)
        def send(self, mail: object) -> None:
            SENT.append(mail)

        @staticmethod
        @coldcache.side_effect(instead=None)
        def send_static(mail: object) -> None:
            SENT.append(mail)

    def handler(event: object, context: object) -> None:
        Mailer().send("a")
        Mailer.send_static("b")

    replay(handler)
    Mailer().send("c")

    assert SENT == ["c"]


def test_a_handler_that_fails_by_itself_is_reported_and_the_warm_up_goes_on() -> None:
    def handler(event: object, context: object) -> None:
        raise LookupError("hunter2")

    report = coldcache.warm_up(event={"password": "hunter2"}, handler=handler)
    step = report.step("sample event")

    assert (step.state, type(step.error), report.ok) == ("failed", LookupError, True)
    assert "hunter2" not in f"{report} {report.to_json()}"


def test_where_a_request_waits_the_event_is_not_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    calls: list[object] = []
    step = replay(lambda event, context: calls.append(event))

    assert (step.state, calls) == ("deferred", [])


def test_the_handler_is_the_one_that_the_platform_was_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[object] = []
    module = type(sys)("app")
    module.handler = lambda event, context: calls.append(event)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app", module)
    monkeypatch.setenv("_HANDLER", "app.handler")
    coldcache.warm_up(event={"id": 1})

    assert calls == [{"id": 1}]


@pytest.mark.parametrize("given", [3, staticmethod(len), int])
def test_what_is_no_function_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="side_effect decorates functions"):
        coldcache.side_effect(given)
