"""The server against an ordinary HTTP client; the real runtime client meets it in test_run.py."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from coldcache.tools.lab.runtime_api import (
    ANSWER_LIMIT_BYTES,
    ClientGone,
    InitFailed,
    RuntimeApi,
    WaitTimeout,
)

PREFIX = "/2018-06-01/runtime"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
# Beyond the time limit of a test: a wake-up that does not come fails the test.
LONG_S = 120.0


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with RuntimeApi(function_arn=ARN) as server:
        yield server


@pytest.fixture
def client(api: RuntimeApi) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(api.address, timeout=LONG_S)
    yield connection
    connection.close()


def ask(
    client: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> tuple[http.client.HTTPResponse, bytes]:
    client.request(method, PREFIX + path, body=body)  # type: ignore[arg-type]
    response = client.getresponse()
    return response, response.read()


def test_next_hands_out_the_offered_event_with_the_platforms_headers(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    request_id = api.offer(b'{"a": 1}', timeout_s=3)

    response, body = ask(client, "GET", "/invocation/next")

    assert (response.status, body) == (200, b'{"a": 1}')
    assert response.headers["Lambda-Runtime-Aws-Request-Id"] == request_id
    assert response.headers["Lambda-Runtime-Invoked-Function-Arn"] == ARN
    assert response.headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    assert response.headers["Content-Type"] == "application/json"


def test_the_deadline_is_the_hand_out_plus_the_time_limit(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    api.offer(b"{}", timeout_s=7)
    before_ms = time.time_ns() // 1_000_000

    response, _ = ask(client, "GET", "/invocation/next")

    after_ms = time.time_ns() // 1_000_000
    deadline_ms = int(response.headers["Lambda-Runtime-Deadline-Ms"])
    assert before_ms + 7000 <= deadline_ms <= after_ms + 7000


def test_next_waits_until_an_event_is_offered(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    bodies: list[bytes] = []
    asking = threading.Thread(
        target=lambda: bodies.append(ask(client, "GET", "/invocation/next")[1])
    )
    asking.start()
    api.wait_for_init(LONG_S)

    api.offer(b"1", timeout_s=1)

    asking.join(LONG_S)
    assert bodies == [b"1"]


def test_events_are_handed_out_in_the_order_of_their_offers(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    for event in (b"1", b"2", b"3"):
        api.offer(event, timeout_s=1)

    assert [ask(client, "GET", "/invocation/next")[1] for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_answer_reaches_the_one_who_waits(
    api: RuntimeApi, client: http.client.HTTPConnection, is_chunked: bool
) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    ask(client, "GET", "/invocation/next")

    body = iter([b'{"an', b'swer": 1}']) if is_chunked else b'{"answer": 1}'
    response, _ = ask(client, "POST", f"/invocation/{request_id}/response", body)

    exchange = api.wait_for_answer(request_id, LONG_S)
    assert response.status == 202
    assert (exchange.body, exchange.error) == (b'{"answer": 1}', None)
    assert exchange.handed_ns < exchange.answered_ns


def test_one_connection_serves_many_requests(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    sockets = set()
    for _ in range(3):
        request_id = api.offer(b"{}", timeout_s=1)
        ask(client, "GET", "/invocation/next")
        sockets.add(client.sock)
        ask(client, "POST", f"/invocation/{request_id}/response", b"1")
        sockets.add(client.sock)

    assert len(sockets) == 1


def test_an_answer_of_megabytes_is_taken_at_once_from_a_client_that_waits_for_continue(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    ask(client, "GET", "/invocation/next")
    host, port = api.address.split(":")
    with socket.create_connection((host, int(port)), timeout=LONG_S) as raw:
        raw.sendall(
            f"POST {PREFIX}/invocation/{request_id}/response HTTP/1.1\r\n"
            "Expect: 100-continue\r\nContent-Length: 3000000\r\n\r\n".encode()
        )
        told = raw.recv(100)
        raw.sendall(b"x" * 3_000_000)

        assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert raw.recv(100).startswith(b"HTTP/1.1 202 ")


def test_a_reported_error_reaches_the_one_who_waits(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    ask(client, "GET", "/invocation/next")
    report = {"errorType": "KeyError", "errorMessage": "'a'", "stackTrace": ["  File x\n"]}

    response, _ = ask(client, "POST", f"/invocation/{request_id}/error", json.dumps(report))

    error = api.wait_for_answer(request_id, LONG_S).error
    assert response.status == 202
    assert error is not None
    assert (error.kind, error.message, error.frames) == ("KeyError", "'a'", ("  File x\n",))


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[1]", b'{"stackTrace": 3}'])
def test_a_report_of_another_shape_is_still_an_error(
    api: RuntimeApi, client: http.client.HTTPConnection, body: bytes
) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    ask(client, "GET", "/invocation/next")
    ask(client, "POST", f"/invocation/{request_id}/error", body)

    error = api.wait_for_answer(request_id, LONG_S).error
    assert error is not None
    assert error.kind == "unknown error"


def test_an_answer_over_the_platforms_limit_is_refused_and_named(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    ask(client, "GET", "/invocation/next")

    path = f"/invocation/{request_id}/response"
    response, _ = ask(client, "POST", path, b"x" * (ANSWER_LIMIT_BYTES + 1))

    error = api.wait_for_answer(request_id, LONG_S).error
    assert response.status == 413
    assert error is not None
    assert error.kind == "Function.ResponseSizeTooLarge"


def test_an_error_at_init_is_accepted_and_ends_the_wait(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    response, _ = ask(client, "POST", "/init/error", b'{"errorType": "Runtime.X"}')

    with pytest.raises(InitFailed, match=r"Runtime\.X"):
        api.wait_for_init(LONG_S)
    assert response.status == 202


def test_a_restored_client_is_let_through(client: http.client.HTTPConnection) -> None:
    assert ask(client, "GET", "/restore/next")[0].status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("POST", "/invocation/next"),
        ("GET", "/init/error"),
        ("POST", "/invocation/a/b/response"),
        ("PUT", "/invocation/a/response"),
    ],
)
def test_an_unknown_path_or_method_is_not_found(
    client: http.client.HTTPConnection, method: str, path: str
) -> None:
    assert ask(client, method, path)[0].status == 404


def test_a_path_of_another_version_is_not_found(client: http.client.HTTPConnection) -> None:
    client.request("GET", "/2015-01-01/2018-06-01/runtime/invocation/next")

    assert client.getresponse().status == 404


def test_an_answer_to_an_unknown_request_is_refused(client: http.client.HTTPConnection) -> None:
    assert ask(client, "POST", "/invocation/unknown/response", b"1")[0].status == 400


def test_a_second_answer_to_one_request_is_refused(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    ask(client, "GET", "/invocation/next")
    path = f"/invocation/{request_id}/response"
    ask(client, "POST", path, b"1")

    assert ask(client, "POST", path, b"2")[0].status == 400
    assert api.wait_for_answer(request_id, LONG_S).body == b"1"


def test_a_process_that_is_gone_ends_both_waits(api: RuntimeApi) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    api.client_gone()

    with pytest.raises(ClientGone):
        api.wait_for_init(LONG_S)
    with pytest.raises(ClientGone):
        api.wait_for_answer(request_id, LONG_S)


def test_an_answer_given_before_the_end_still_counts(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    ask(client, "GET", "/invocation/next")
    ask(client, "POST", f"/invocation/{request_id}/response", b"1")
    api.client_gone()

    assert api.wait_for_answer(request_id, LONG_S).body == b"1"


def test_a_wait_ends_with_its_time_limit(api: RuntimeApi) -> None:
    with pytest.raises(WaitTimeout):
        api.wait_for_init(0.01)


def test_closing_ends_a_client_that_waits_for_an_event() -> None:
    with RuntimeApi(function_arn=ARN) as api:
        client = http.client.HTTPConnection(api.address, timeout=LONG_S)
        client.request("GET", PREFIX + "/invocation/next")
        api.wait_for_init(LONG_S)

    with contextlib.closing(client):
        try:
            outcome = client.getresponse().status
        except ConnectionError:
            outcome = 0
    assert outcome in {0, 410}


def test_after_closing_nothing_listens() -> None:
    with RuntimeApi(function_arn=ARN) as api:
        host, port = api.address.split(":")

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=LONG_S).close()


def test_closing_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with RuntimeApi(function_arn=ARN) as api:
        client = http.client.HTTPConnection(api.address, timeout=LONG_S)
        with contextlib.closing(client):
            client.request("GET", PREFIX + "/invocation/next")
            api.wait_for_init(LONG_S)
            started = set(threading.enumerate()) - before

    for thread in started:
        thread.join(LONG_S)
    assert len(started) == 2
    assert not any(thread.is_alive() for thread in started)


def test_the_first_byte_of_a_streamed_answer_is_stamped(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    request_id = api.offer(b"{}", timeout_s=1)
    ask(client, "GET", "/invocation/next")
    sent_ns: list[int] = []

    def stream() -> Iterator[bytes]:
        yield b"first"
        sent_ns.append(time.monotonic_ns())
        threading.Event().wait(0.05)  # real time: the rest of the answer takes a while
        yield b"rest"

    ask(client, "POST", f"/invocation/{request_id}/response", stream())

    exchange = api.wait_for_answer(request_id, LONG_S)
    assert exchange.size == 9
    assert exchange.handed_ns < exchange.first_byte_ns
    assert exchange.first_byte_ns + 40_000_000 < exchange.answered_ns


def test_several_workers_take_turns_and_none_before_all_are_there() -> None:
    with RuntimeApi(function_arn=ARN, workers=2) as api:
        for event in (b"1", b"2"):
            api.offer(event, timeout_s=1)
        bodies: list[bytes] = []
        first = threading.Thread(target=lambda: bodies.append(next_event(api)))
        first.start()
        with pytest.raises(WaitTimeout):
            api.wait_for_init(0.1)  # real time: nothing may happen
        assert bodies == []

        second = next_event(api)
        first.join(LONG_S)

    assert sorted([second, *bodies]) == [b"1", b"2"]


def next_event(api: RuntimeApi) -> bytes:
    with contextlib.closing(http.client.HTTPConnection(api.address, timeout=LONG_S)) as client:
        return ask(client, "GET", "/invocation/next")[1]


def test_a_held_restore_is_answered_when_it_is_released() -> None:
    with RuntimeApi(function_arn=ARN, hold_restore=True) as api:
        answers: list[int] = []

        def restore() -> None:
            client = http.client.HTTPConnection(api.address, timeout=LONG_S)
            with contextlib.closing(client):
                answers.append(ask(client, "GET", "/restore/next")[0].status)

        asking = threading.Thread(target=restore)
        asking.start()
        api.wait_for_restore(LONG_S)
        assert answers == []

        api.release_restore()
        asking.join(LONG_S)

    assert answers == [200]


def test_a_deadline_can_begin_before_the_hand_out_and_go_by_another_clock(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    api.wall_ahead_s = 1000.0
    api.offer(b"{}", timeout_s=7, since_ns=time.monotonic_ns() - 2_000_000_000)
    before_ms = time.time_ns() // 1_000_000

    response, _ = ask(client, "GET", "/invocation/next")

    deadline_ms = int(response.headers["Lambda-Runtime-Deadline-Ms"])
    assert -1 <= deadline_ms - before_ms - 1_005_000 <= 1000
    assert deadline_ms <= time.time_ns() // 1_000_000 + 1_005_000


def test_a_forgotten_event_is_not_handed_out_and_its_answer_is_refused(
    api: RuntimeApi, client: http.client.HTTPConnection
) -> None:
    forgotten = api.offer(b"1", timeout_s=1)
    api.forget(forgotten)
    api.offer(b"2", timeout_s=1)

    assert ask(client, "GET", "/invocation/next")[1] == b"2"
    response, _ = ask(client, "POST", f"/invocation/{forgotten}/response", b"{}")
    assert response.status == 400
