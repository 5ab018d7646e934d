"""Where a function finds its servers, and the switches with which a fault reaches into it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

TIMEOUT_S = 2  # for connecting, and for an answer where the client can limit that
WAIT_S = 1  # for a free connection, and for a check
SIZE = 4


@dataclass
class Switches:
    """What a fault does inside the function."""

    check: str | None = None  # "raise" or "hang"
    close_raises: bool = False
    checks: int = 0
    released: threading.Event = field(default_factory=threading.Event)


class CheckError(Exception):
    """What a check raises when it is told to."""


class CloseError(Exception):
    """What closing raises when it is told to."""


@dataclass
class Place:
    """The function's environment."""

    host: str
    port: int
    redis_port: int
    password: str
    secrets_url: str | None = None
    connect_timeout: int | None = TIMEOUT_S
    timeout: float | None = TIMEOUT_S  # for making a connection, where the subject has one
    tcp_user_timeout: int | None = None  # milliseconds
    switches: Switches = field(default_factory=Switches)

    def __post_init__(self) -> None:
        self._aws: Any = None

    def secret(self) -> str:
        """Ask for the password; without a manager of secrets it is part of the environment."""
        if not self.secrets_url:
            return self.password
        from faults import secrets_manager  # noqa: PLC0415 - boto3 takes its time, and most faults do without

        if self._aws is None:
            self._aws = secrets_manager.client(self.secrets_url)
        return secrets_manager.fetch(self._aws)

    def options(self) -> dict[str, Any]:
        """Give what psycopg needs to connect, the password aside."""
        options: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": "app",
            "dbname": "postgres",
            "autocommit": True,
            # Off unless a fault asks for something else: the driver would wait for two minutes.
            "connect_timeout": 0 if self.connect_timeout is None else self.connect_timeout,
        }
        if self.tcp_user_timeout:
            options["tcp_user_timeout"] = self.tcp_user_timeout
        return options

    def connection_class(self) -> type[psycopg.Connection[Any]]:
        """Make a connection whose `close` closes and then may raise."""
        closed = self.closed

        class Connection(psycopg.Connection[Any]):
            def close(self) -> None:
                super().close()
                closed()

        return Connection

    def closed(self) -> None:
        """Raise after closing, where that is asked for."""
        if self.switches.close_raises:
            raise CloseError("told to raise")

    def connect(self, password: str) -> psycopg.Connection[Any]:
        """Connect to PostgreSQL."""
        return self.connection_class().connect(**self.options(), password=password)

    def check(self, connection: psycopg.Connection[Any]) -> None:
        """Ask the server for a sign of life, or do what the switch says."""
        self._switched_check()
        connection.execute("")

    def check_redis(self, client: redis.Redis) -> None:
        """Do the same for Redis."""
        self._switched_check()
        client.ping()

    def _switched_check(self) -> None:
        self.switches.checks += 1
        if self.switches.check == "raise":
            raise CheckError("told to raise")
        if self.switches.check == "hang":
            self.switches.released.wait(60)

    def redis_options(self) -> dict[str, Any]:
        """Give what redis-py needs to connect, the password aside."""
        return {
            "host": self.host,
            "port": self.redis_port,
            "socket_timeout": self.connect_timeout,
            "socket_connect_timeout": self.connect_timeout,
        }
