"""`preload`: imports before the fork, what the audit finds, and what the children put right."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import coldcache
import pytest

BEGIN = """
    import gc, json, os, sys
    sys.path.insert(0, {folder!r})
    import coldcache

    def in_child(act):
        read, write = os.pipe()
        if os.fork() == 0:
            try:
                answer = repr(act())
            except BaseException as error:
                answer = repr(error)
            os.write(write, answer.encode())
            os._exit(0)
        os.close(write)
        answer = os.read(read, 10000).decode()
        os.wait()
        return answer

    def kinds(report):
        return [(finding.kind, finding.repaired) for finding in report.findings]
"""

Program = Callable[[str, str], list[str]]


@pytest.fixture
def program(tmp_path: Path, run_python: Callable[..., str]) -> Program:
    """Run a program beside a module ``app`` of this source; its lines."""

    def run(app: str, source: str) -> list[str]:
        (tmp_path / "app.py").write_text(textwrap.dedent(app))
        begin = textwrap.dedent(BEGIN.format(folder=str(tmp_path)))
        quiet = "import logging; logging.getLogger('coldcache').addHandler(logging.NullHandler())\n"
        return run_python(begin + quiet + textwrap.dedent(source)).splitlines()

    return run


def test_a_module_is_imported_once_for_all_children(program: Program) -> None:
    assert program(
        "import os; pid = os.getpid()",
        """
        report = coldcache.preload("app")
        import app
        print(in_child(lambda: __import__("app").pid) == str(os.getpid()))
        print([name for name, _ in report.modules], report.findings)
        """,
    ) == ["True", "['app'] ()"]


def test_a_name_of_the_module_may_be_given(program: Program) -> None:
    assert program(
        "application = 1",
        """
        coldcache.preload("app:application")
        try:
            coldcache.preload("app:missing")
        except AttributeError as error:
            print(error)
        """,
    ) == ["module 'app' has no attribute 'missing' (preload of 'app:missing')"]


def test_an_error_of_the_import_comes_out(program: Program) -> None:
    assert program(
        "raise LookupError('hello')",
        """
        try:
            coldcache.preload("app")
        except LookupError as error:
            print(error, gc.isenabled())
        """,
    ) == ["hello True"]


@pytest.mark.parametrize(("names", "message"), [((), "at least one name"), ((3,), "got 3")])
def test_wrong_arguments_are_named(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        coldcache.preload(*names)


@pytest.mark.parametrize("freeze", [True, False])
def test_what_is_there_is_kept_from_the_collector_if_wanted(program: Program, freeze: bool) -> None:
    assert program(
        "",
        f"""
        coldcache.preload("app", freeze={freeze})
        print(gc.get_freeze_count() > 1000, gc.isenabled())
        """,
    ) == [f"{freeze} True"]


def test_a_collector_that_was_off_stays_off(program: Program) -> None:
    assert program("", "gc.disable(); coldcache.preload('app'); print(gc.isenabled())") == ["False"]


def test_a_connected_socket_is_named(program: Program) -> None:
    assert program(
        """
        import socket
        server = socket.create_server(("127.0.0.1", 0))
        connection = socket.create_connection(server.getsockname())
        """,
        """
        report = coldcache.preload("app")
        import app
        (finding,) = report.unsafe
        peer = "127.0.0.1:%d" % app.server.getsockname()[1]
        print(finding.kind, finding.what.startswith("app.connection, descriptor "))
        print(finding.what.endswith(peer), finding.since)
        app.connection.close(); app.server.close()
        """,
    ) == ["socket True", "True the import of app"]


def test_what_listens_or_sends_whole_messages_may_be_shared(program: Program) -> None:
    assert program(
        """
        import socket
        server = socket.create_server(("127.0.0.1", 0))
        messages = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        messages.connect(server.getsockname())
        """,
        """
        print(coldcache.preload("app").findings)
        import app
        app.server.close(); app.messages.close()
        """,
    ) == ["()"]


def test_an_event_loop_is_named_once(program: Program) -> None:
    assert program(
        "import asyncio; loop = asyncio.new_event_loop()",
        """
        (finding,) = coldcache.preload("app").unsafe
        print(finding.kind, finding.what.startswith("app.loop, an open "))
        import app; app.loop.close()
        print(coldcache.preload("app").unsafe)
        """,
    ) == ["event loop True", "()"]


def test_a_bare_epoll_is_named(program: Program) -> None:
    assert program(
        "import select; poll = select.epoll()",
        """
        print(kinds(coldcache.preload("app")))
        import app; app.poll.close()
        """,
    ) == ["[('event loop', False)]"]


def test_a_thread_is_named_with_what_started_it(program: Program) -> None:
    assert program(
        """
        import threading
        thread = threading.Thread(target=threading.Event().wait, name="poller", daemon=True)
        thread.start()
        """,
        """
        (finding,) = coldcache.preload("app").unsafe
        print(finding.kind, finding.what, finding.since)
        """,
    ) == ["thread 'poller' the import of app"]


def test_a_thread_pool_works_again_in_the_child(program: Program) -> None:
    assert program(
        """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        pool.submit(int).result()
        """,
        """
        report = coldcache.preload("app")
        import app
        print(kinds(report), report.unsafe)
        print(in_child(lambda: app.pool.submit(lambda: "works").result(timeout=10)))
        print(app.pool.submit(lambda: "works").result(timeout=10))
        """,
    ) == ["[('pool', True), ('thread', True)] ()", "'works'", "works"]


def test_without_repair_nothing_is_touched(program: Program) -> None:
    assert program(
        "import random; rng = random.Random(7)",
        """
        report = coldcache.preload("app", repair=False)
        import app
        print(kinds(report), in_child(app.rng.random) == in_child(app.rng.random))
        """,
    ) == ["[('random state', False)] True"]


def test_each_child_draws_numbers_of_its_own(program: Program) -> None:
    assert program(
        "import random; rng = random.Random(7); safe = random.SystemRandom()",
        """
        import random
        expected = random.Random(7).random()
        report = coldcache.preload("app")
        import app
        drawn = {in_child(app.rng.random), in_child(app.rng.random), str(app.rng.random())}
        print([finding.what for finding in report.findings], len(drawn), str(expected) in drawn)
        """,
    ) == ["['app.rng, a random.Random'] 3 True"]


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_a_lock_that_is_held_is_named(kind: str, program: Program) -> None:
    assert program(
        f"""
        import threading
        free, held = threading.{kind}(), threading.{kind}()
        held.acquire()

        class Cache:
            def __init__(self):
                self.guard = threading.{kind}()
                self.guard.acquire()

        cache = Cache()
        """,
        """
        report = coldcache.preload("app")
        print(sorted(finding.what for finding in report.unsafe))
        """,
    ) == ["['app.Cache.guard', 'app.held']"]


def test_a_coldcache_resource_counts_as_repaired(program: Program) -> None:
    assert program(
        """
        import socket, coldcache
        server = socket.create_server(("127.0.0.1", 0))

        @coldcache.resource(close=lambda connection: connection.close())
        def connection():
            return socket.create_connection(server.getsockname())

        connection.get()
        """,
        """
        report = coldcache.preload("app")
        import app
        print(kinds(report), report.unsafe)
        here = app.connection.get().getsockname()
        print(in_child(lambda: app.connection.get().getsockname()) != repr(here))
        app.connection.close(); app.server.close()
        """,
    ) == ["[('socket', True)] ()", "True"]


def test_what_is_unsafe_is_logged(program: Program) -> None:
    assert program(
        "import threading; lock = threading.Lock(); lock.acquire()",
        """
        import logging
        class Lines(logging.Handler):
            def emit(self, record):
                print(record.getMessage())
        logging.getLogger("coldcache").addHandler(Lines())
        coldcache.preload("app")
        """,
    ) == [
        "not safe to fork with: lock: app.lock: release it before the fork: nobody would release "
        "it in the children"
    ]


def test_a_strict_preload_fails_with_the_report(program: Program) -> None:
    assert program(
        "import threading; lock = threading.Lock(); lock.acquire()",
        """
        try:
            coldcache.preload("app", strict=True)
        except coldcache.PreloadError as error:
            print("app.lock" in str(error), len(error.report.unsafe))
        """,
    ) == ["True 1"]


def test_the_warm_up_is_part_of_it_if_wanted(program: Program) -> None:
    assert program(
        "import coldcache, os\nsettings = coldcache.once(lambda: os.getpid())",
        """
        report = coldcache.preload("app", warm_up=True)
        import app
        print(report.warm_up.steps[0].state, in_child(app.settings) == str(os.getpid()))
        print(json.loads(report.to_json())["warm_up"]["ok"], str(report).splitlines()[0][:15])
        """,
    ) == ["done True", "True preload of app:"]


def test_the_audit_starts_and_opens_nothing(program: Program) -> None:
    before = """
        seen = lambda: (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")))
        import app
        before = seen()
        coldcache.preload("app")
        print(seen() == before)
    """
    assert program("", before) == ["True"]


def test_lazy_names_stay_lazy(program: Program) -> None:
    assert program(
        """
        import coldcache

        wave, Error = coldcache.lazy("wave"), coldcache.lazy("colorsys", "rgb_to_hsv")

        @coldcache.resource
        def holder():
            return [wave, Error, {"a": Error}]

        holder.get()
        """,
        """
        print(coldcache.preload("app").findings, len(coldcache.pending()))
        """,
    ) == ["() 2"]


GUNICORN = """
import os, sys
sys.path.insert(0, {folder!r})
import coldcache
report = coldcache.preload("app:application")

def post_worker_init(worker):
    loaded_in = worker.app.callable.__globals__["loaded_in"]
    os.write({pipe}, ("%d %d;" % (loaded_in, os.getpid())).encode())
"""


def test_workers_of_gunicorn_share_what_was_preloaded(tmp_path: Path) -> None:
    pytest.importorskip("gunicorn", reason="NOT TESTED: gunicorn is missing")
    import signal  # noqa: PLC0415
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    app = """
import os, random
loaded_in = os.getpid()
rng = random.Random(7)

def application(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""
    (tmp_path / "app.py").write_text(app)
    read, write = os.pipe()
    (tmp_path / "conf.py").write_text(GUNICORN.format(folder=str(tmp_path), pipe=write))
    command = [sys.executable, "-m", "gunicorn", "-c", "conf.py", "-w", "3", "-b", "127.0.0.1:0"]
    master = subprocess.Popen(
        [*command, "app:application"],
        cwd=tmp_path,
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(write)
    try:
        text = ""
        while text.count(";") < 3:
            piece = os.read(read, 1000).decode()
            assert piece, "gunicorn ended"
            text += piece
    finally:
        os.close(read)
        os.killpg(master.pid, signal.SIGKILL)
        master.wait()
    pairs = [tuple(map(int, pair.split())) for pair in text.rstrip(";").split(";")]

    assert {loaded for loaded, _ in pairs} == {master.pid}
    assert len({worker for _, worker in pairs}) == 3
