"""Connection pools of libraries before and after a fork, with a real server."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SERVER = """
import http.server, socketserver, threading

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = str(self.client_address[1]).encode()  # tells which connection it was
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

with Server(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""

BEGIN = """
import os, sys
sys.path.insert(0, {folder!r})
import coldcache
PORT = {port}

def in_child(act):
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            answer = str(act())
        except BaseException as error:
            answer = repr(error)
        os.write(write, answer.encode())
        os._exit(0)
    os.close(write)
    answer = os.read(read, 10000).decode()
    os.wait()
    return answer
"""


@pytest.fixture
def port() -> Iterator[int]:
    """A server that answers with the client's port."""
    import subprocess  # noqa: PLC0415

    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def program(tmp_path: Path, run_python: Callable[..., str]) -> Callable[..., list[str]]:
    def run(app: str, source: str, port: int = 0) -> list[str]:
        (tmp_path / "app.py").write_text(f"PORT = {port}\n" + textwrap.dedent(app))
        begin = BEGIN.format(folder=str(tmp_path), port=port)
        return run_python(begin + textwrap.dedent(source)).splitlines()

    return run


def test_idle_connections_of_urllib3_stay_the_parents(
    port: int, program: Callable[..., list[str]]
) -> None:
    pytest.importorskip("urllib3", reason="NOT TESTED: urllib3 is missing")
    found = program(
        """
        import urllib3
        http = urllib3.PoolManager()
        def ask():
            return int(http.request("GET", f"http://127.0.0.1:{PORT}/").data)
        ask()
        """,
        """
        report = coldcache.preload("app")
        import app
        print(sorted((one.kind, one.repaired) for one in report.findings))
        here = app.ask()
        there = {in_child(app.ask), in_child(app.ask)}
        print(len(there), str(here) in there, app.ask() == here)
        """,
        port,
    )

    assert found == ["[('pool', True), ('socket', True)]", "2 False True"]


def test_an_engine_of_sqlalchemy_connects_anew(program: Callable[..., list[str]]) -> None:
    pytest.importorskip("sqlalchemy", reason="NOT TESTED: SQLAlchemy is missing")
    found = program(
        """
        import os, tempfile
        import sqlalchemy
        from sqlalchemy.pool import QueuePool
        folder = tempfile.mkdtemp()
        engine = sqlalchemy.create_engine(f"sqlite:///{folder}/db", poolclass=QueuePool)
        with engine.connect():
            pass
        """,
        """
        report = coldcache.preload("app")
        import app, shutil
        print([(one.what, one.repaired) for one in report.findings])
        print(app.engine.pool.checkedin(), in_child(lambda: app.engine.pool.checkedin()))
        app.engine.dispose()
        shutil.rmtree(app.folder)
        """,
    )

    assert found == [
        "[('app.engine, an SQLAlchemy engine (1 idle connections, 0 in use)', True)]",
        "1 0",
    ]


def test_an_engine_in_use_is_unsafe(program: Callable[..., list[str]]) -> None:
    pytest.importorskip("sqlalchemy", reason="NOT TESTED: SQLAlchemy is missing")
    found = program(
        """
        import sqlalchemy
        from sqlalchemy.pool import QueuePool
        engine = sqlalchemy.create_engine("sqlite://", poolclass=QueuePool)
        connection = engine.connect()
        """,
        """
        import logging
        logging.getLogger("coldcache").addHandler(logging.NullHandler())
        report = coldcache.preload("app")
        import app
        print([one.what for one in report.unsafe])
        app.connection.close()
        app.engine.dispose()
        """,
    )

    assert found == ["['app.engine, an SQLAlchemy engine (0 idle connections, 1 in use)']"]
