"""``coldcache ping`` with the real boto3, against real environments of the runtime client."""

from __future__ import annotations

import io
import json
import socket
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from coldcache.tools.cli import main
from moto import mock_aws
from moto.core.config import default_user_config

HOLD = "1.0"  # seconds: longer than environments take to start side by side here


@pytest.fixture
def ping(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command: exit code, and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["ping", *arguments])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


Ping = Callable[..., tuple[int, str]]
Serve = Callable[..., Any]


def test_pings_reach_as_many_environments_as_were_sent(
    ping: Ping, serve: Serve, marks: Path, tmp_path: Path
) -> None:
    api = serve()
    out = tmp_path / "out.json"
    code, printed = ping(
        "shop", "--count", "3", "--hold", HOLD, "--require", "3", "--json", str(out),
        "--endpoint-url", api.url, "--qualifier", "live",
    )  # fmt: skip
    assert code == 0, printed
    assert "3 pings reached 3 environments of shop, 3 of them new" in printed
    assert "start classes: on-demand 3" in printed
    assert len(api.environments) == 3
    assert api.qualifiers == ["Qualifier=live"] * 3

    document = json.loads(out.read_text())
    reached = {one["init_id"] for one in document["outcomes"]}
    assert document["environments"] == len(reached) == 3
    assert set(marks.read_text().split()) == reached  # each ran what declared itself
    assert stat.S_IMODE(out.stat().st_mode) == 0o600

    code, printed = ping("shop", "--count", "2", "--hold", HOLD, "--endpoint-url", api.url)
    assert code == 0
    assert "2 pings reached 2 environments of shop, 0 of them new" in printed
    assert len(marks.read_text().split()) == 3


def test_pings_that_meet_the_same_environment_are_told(ping: Ping, serve: Serve) -> None:
    api = serve()
    first, _ = ping("shop", "--hold", "0", "--endpoint-url", api.url)
    second, printed = ping("shop", "--hold", "0", "--endpoint-url", api.url)
    assert first == second == 0
    assert "1 ping reached 1 environment of shop, 0 of them new" in printed


def test_fewer_environments_than_required_is_a_failure(ping: Ping, serve: Serve) -> None:
    api = serve(most=1)
    code, printed = ping(
        "shop", "--count", "2", "--hold", HOLD, "--require", "2", "--endpoint-url", api.url
    )
    assert code == 1
    assert "throttled: 1 (TooManyRequestsException)" in printed


def test_a_handler_that_knows_no_pings_is_told_from_one_that_does(ping: Ping, serve: Serve) -> None:
    api = serve("unaware")
    code, printed = ping("unaware", "--endpoint-url", api.url)
    assert code == 1
    assert "no pong: 1" in printed
    assert "put @coldcache.handler on it" in printed


@pytest.mark.parametrize("name", ["raising", "ending"])
def test_a_function_that_fails_is_counted_as_such(ping: Ping, serve: Serve, name: str) -> None:
    api = serve(name)
    code, printed = ping(name, "--endpoint-url", api.url)
    assert code == 1
    assert "function error: 1 (Unhandled)" in printed
    assert "secret" not in printed


def test_a_function_that_is_not_there_is_an_error_that_names_it(ping: Ping, serve: Serve) -> None:
    api = serve()
    code, printed = ping("shopp", "--endpoint-url", api.url)
    assert code == 2
    assert "coldcache: error: shopp: ResourceNotFoundException" in printed


def test_a_platform_that_cannot_be_reached_is_an_error(ping: Ping, aws: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    code, printed = ping("shop", "--endpoint-url", f"http://127.0.0.1:{port}")
    assert code == 2
    assert "Could not connect to the endpoint URL" in printed


def test_missing_credentials_are_an_error(
    ping: Ping, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    code, printed = ping("shop", "--endpoint-url", "http://127.0.0.1:1")
    assert code == 2
    assert "Unable to locate credentials" in printed


def test_an_unknown_profile_is_an_error(ping: Ping, aws: None) -> None:
    code, printed = ping("shop", "--profile", "nobody")
    assert code == 2
    assert "nobody" in printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["", "--count", "1"], "the function's name is empty"),
        (["shop", "--count", "0"], "--count must be 1 to 1000, got 0"),
        (["shop", "--count", "1001"], "--count must be 1 to 1000, got 1001"),
        (["shop", "--hold", "11"], "--hold must be 0 to 10 seconds, got 11"),
        (["shop", "--hold", "nan"], "--hold must be 0 to 10 seconds, got nan"),
        (["shop", "--timeout", "0"], "--timeout must be up to 900 seconds, got 0"),
        (["shop", "--require", "2"], "must be 1 to --count (1)"),
        (["shop", "--json", "/nowhere/out.json"], "the folder '/nowhere' does not exist"),
        (["shop", "--endpoint-url", "x y", "--region", "us-east-1"], "shop: Invalid endpoint"),
        (["a b", "--endpoint-url", "http://127.0.0.1:1"], "a b"),
    ],
)
def test_wrong_arguments_are_refused(
    ping: Ping, aws: None, arguments: list[str], says: str
) -> None:
    code, printed = ping(*arguments)
    assert code == 2
    assert says in printed


def test_without_boto3_the_command_says_what_installs_it(
    ping: Ping, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    code, printed = ping("shop")
    assert code == 2
    assert "the package boto3, which is not installed; install it with: pip install" in printed


def test_motos_lambda_accepts_what_is_sent(
    ping: Ping, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its simple backend runs nothing: it checks the call, and answers a text of its own.
    monkeypatch.setitem(default_user_config, "lambda", {"use_docker": False})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", "def handler(event, context): ...")
    with mock_aws():
        role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        boto3.client("lambda").create_function(
            FunctionName="shop",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        code, printed = ping("shop", "--count", "2", "--hold", "0")
    assert code == 1
    assert "no pong: 2" in printed
