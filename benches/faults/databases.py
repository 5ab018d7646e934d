"""The two databases, with what a fault may ask of them beyond starting and stopping."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import psycopg
import psycopg.sql
import redis

from faults.servers import Server, servant

if TYPE_CHECKING:
    from pathlib import Path


class PostgreSQL(Server):
    """A cluster with one application role, whose password can be changed."""

    name = "postgresql"
    stop_with = signal.SIGINT  # fast: tells the clients and closes their connections
    role = "app"

    def __init__(self, program: str, folder: Path) -> None:
        super().__init__(program, folder)
        self.data = self.folder / "data"
        self.owner_password = secrets.token_urlsafe(18)
        self.password = ""
        given = self.folder / "password"
        given.write_text(self.owner_password, encoding="ascii")
        user = servant()
        if user:
            shutil.chown(given, user)
        given.chmod(0o600)
        subprocess.run(
            [
                f"{program}/initdb",
                *("-D", str(self.data), "-U", "owner", f"--pwfile={given}", "-E", "UTF8"),
                *("--no-locale", "--no-sync", "--auth=scram-sha-256"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            timeout=120,
            **self.as_servant(),
        )
        given.unlink()

    def command(self) -> list[str]:
        """Give the command line."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "60",
            "log_line_prefix": "%u ",
        }
        chosen = [f"--{name}={value}" for name, value in settings.items()]
        return [f"{self.program}/postgres", "-D", str(self.data), *chosen]

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def execute(self, text: str, *values: object) -> list[tuple[object, ...]]:
        """Run one statement as the owner of the cluster."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="owner",
            password=self.owner_password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        ) as connection:
            cursor = connection.execute(text, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def set_password(self, password: str) -> None:
        """Make or change the application's role, and end the connections it has."""
        known = self.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", self.role)
        verb = "ALTER" if known else "CREATE"
        statement = psycopg.sql.SQL("{} ROLE app LOGIN PASSWORD {}").format(
            psycopg.sql.SQL(verb), password
        )
        self.execute(statement)  # type: ignore[arg-type]
        self.password = password
        self.end_sessions()

    def end_sessions(self) -> None:
        """End every connection of the application's role."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", self.role
        )

    def count_statements(self) -> int:
        """Count the statements of the application's role so far, if it is told to log them."""
        lines = self.log.read_text(errors="replace").splitlines()
        marks = (f"{self.role} LOG:  statement:", f"{self.role} LOG:  execute ")
        return sum(line.startswith(marks) for line in lines)


class Redis(Server):
    """Keeps nothing on disk; one password, which can be changed."""

    name = "redis"
    password = ""

    def command(self) -> list[str]:
        """Give the command line."""
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "save": "",
            "appendonly": "no",
            "requirepass": self.password,
            "enable-debug-command": "local",
        }
        return [
            self.program,
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ]

    def client(self) -> redis.Redis:
        """Connect as the bench does."""
        return redis.Redis(
            host="127.0.0.1", port=self.port, password=self.password or None, socket_timeout=5
        )

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def set_password(self, password: str) -> None:
        """Change the password, and end the connections there are."""
        with self.client() as client:
            client.config_set("requirepass", password)
            client.client_kill_filter(_type="normal", skipme=True)
        self.password = password
