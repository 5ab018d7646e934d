"""The Invoke API of AWS Lambda on loopback, in front of real environments of the runtime client."""

from __future__ import annotations

import json
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

import pytest
from coldcache.tools.lab.environment import base_environment
from coldcache.tools.lab.http_message import Request, Response
from coldcache.tools.lab.loopback import LoopbackServer
from coldcache.tools.lab.output import Output
from coldcache.tools.lab.runtime_api import ClientGone, RuntimeApi
from coldcache.tools.lab.sandbox import Sandbox

CALL_TIMEOUT_S = 30.0  # long beyond need

FUNCTION = """
    import os
    from coldcache import _ping, once

    class Facts:
        init_id = os.urandom(8).hex()
        start_class = "on-demand"
        is_first = True

    @once
    def settings():
        with open(os.environ["MARKS"], "a") as marks:
            marks.write(Facts.init_id + "\\n")

    def handler(event, context):
        ping = _ping.recognise(event)
        if ping is None:
            return {"answered by": "the user's handler"}
        remaining = context.get_remaining_time_in_millis() / 1000
        answer = _ping.answer(ping, Facts, remaining=remaining)
        Facts.is_first, Facts.start_class = False, "warm"
        return answer
"""
OTHERS = {
    "unaware": "def handler(event, context):\n    return {'hello': 'world'}\n",
    "raising": "def handler(event, context):\n    raise LookupError('secret')\n",
    "ending": "import os\ndef handler(event, context):\n    os._exit(3)\n",
}


class Environment:
    """One process of the real runtime client."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._stack = ExitStack()
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{folder.name}"
        self.api = self._stack.enter_context(RuntimeApi(function_arn=arn))
        self._sandbox = self._stack.enter_context(
            Sandbox(
                [sys.executable, "-m", "awslambdaric", "app.handler"],
                environment={
                    **base_environment(home, home / "pycache"),
                    "AWS_LAMBDA_RUNTIME_API": self.api.address,
                    "AWS_LAMBDA_FUNCTION_NAME": folder.name,
                    "MARKS": str(home / "marks"),
                },
                folder=folder,
                output=Output(),
                on_exit=self.api.client_gone,
            )
        )
        self._sandbox.start()

    def close(self) -> None:
        self._stack.close()


class InvokeApi:
    """Answers ``POST /2015-03-31/functions/NAME/invocations`` as the platform does.

    A call goes to an idle environment, or a new one is started, up to *most* of them.
    """

    def __init__(self, folder: Path, home: Path, *, most: int = 100) -> None:
        self.most = most
        self.events: list[bytes] = []
        self.qualifiers: list[str] = []
        self.environments: list[Environment] = []
        self._folder = folder
        self._home = home
        self._idle: list[Environment] = []
        self._lock = threading.Lock()
        self._server = LoopbackServer(self._respond, body_limit=1_000_000)

    def __enter__(self) -> InvokeApi:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for environment in self.environments:
            environment.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def _respond(self, request: Request) -> Response:
        path, _, query = request.path.partition("?")
        parts = path.strip("/").split("/")
        assert (request.method, parts[:2], parts[3:]) == (
            "POST",
            ["2015-03-31", "functions"],
            ["invocations"],
        )
        if parts[2] != self._folder.name:
            return _refuse(HTTPStatus.NOT_FOUND, "ResourceNotFoundException")
        self.events.append(request.body)
        self.qualifiers.append(query)
        environment = self._take()
        if environment is None:
            return _refuse(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequestsException")
        call = environment.api.offer(request.body, timeout_s=CALL_TIMEOUT_S)
        try:
            exchange = environment.api.wait_for_answer(call, CALL_TIMEOUT_S)
        except ClientGone:
            return Response(HTTPStatus.OK, b"{}", {"X-Amz-Function-Error": "Unhandled"})
        with self._lock:
            self._idle.append(environment)
        if exchange.error is not None:
            return Response(HTTPStatus.OK, b"{}", {"X-Amz-Function-Error": "Unhandled"})
        return Response(HTTPStatus.OK, exchange.body, {"X-Amz-Executed-Version": "$LATEST"})

    def _take(self) -> Environment | None:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if len(self.environments) >= self.most:
                return None
            environment = Environment(self._folder, self._home)
            self.environments.append(environment)
            return environment


def _refuse(status: HTTPStatus, code: str) -> Response:
    body = json.dumps({"Type": "User", "Message": f"refused: {code}"}).encode()
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return Response(status, body, headers)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials and a region that mean nothing, and no file of the developer's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Where environments note that they ran what declared itself."""
    return tmp_path / "home" / "marks"


@pytest.fixture
def serve(
    aws: None, tmp_path: Path, needs_runtime_client: None
) -> Iterator[Callable[..., InvokeApi]]:
    """Serve a function of the name, by its Invoke API."""
    with ExitStack() as stack:

        def start(name: str = "shop", **options: int) -> InvokeApi:
            folder, home = tmp_path / name, tmp_path / "home"
            folder.mkdir()
            home.mkdir()
            (folder / "app.py").write_text(textwrap.dedent(OTHERS.get(name, FUNCTION)))
            return stack.enter_context(InvokeApi(folder, home, **options))

        yield start
