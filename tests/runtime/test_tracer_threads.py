"""The import tracer and threads: each has its own tree, and none is kept waiting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

FRAME = """
import json, sys, threading
sys.path.insert(0, {folder!r})
sys.dont_write_bytecode = True
from coldcache._core import ImportTracer
tracer = ImportTracer()
tracer.install()
{program}
tracer.uninstall()
print(tracer.take().decode())
"""


def trace(folder: Path, program: str, **modules: str) -> list[dict[str, Any]]:
    """The imports of a program in a fresh process, in the order in which they began."""
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    program = FRAME.format(folder=str(folder), program=textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env={"PATH": os.environ.get("PATH", "")},
    )
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines() if line]
    return sorted((one for one in records if "id" in one), key=lambda one: one["id"])


def test_threads_have_trees_of_their_own(tmp_path: Path) -> None:
    program = """
        meet = threading.Barrier(2)
        sys.modules["meeting"] = meet
        threads = [threading.Thread(target=__import__, args=(name,)) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """
    body = "import meeting, {0}\nmeeting.wait(20)\nimport {1}"

    records = trace(
        tmp_path,
        program,
        a=body.format("a1", "a2"),
        b=body.format("b1", "b2"),
        **dict.fromkeys(("a1", "a2", "b1", "b2"), ""),
    )

    by_name = {record["name"]: record for record in records}
    for root, inner in (("a", ("a1", "a2")), ("b", ("b1", "b2"))):
        for name in inner:
            assert by_name[name]["parent"] == by_name[root]["id"]
            assert by_name[name]["thread"] == by_name[root]["thread"]
    assert by_name["a"]["thread"] != by_name["b"]["thread"]


def test_one_thread_loads_and_the_other_has_the_same_module(tmp_path: Path) -> None:
    program = """
        started, go = threading.Event(), threading.Event()
        sys.modules["gate"] = (started, go)
        seen = []
        def first():
            import slow
        def second():
            go.set()
            import slow
            seen.append(slow.ready)
        one = threading.Thread(target=first); one.start()
        assert started.wait(20)
        two = threading.Thread(target=second); two.start()
        one.join(); two.join()
        assert seen == [True]
    """
    body = "import gate\nstarted, go = gate\nstarted.set()\ngo.wait(20)\nready = True"

    records = trace(tmp_path, program, slow=body)

    kinds = [record["kind"] for record in records if record["name"] == "slow"]
    assert kinds == ["source"]


def test_many_threads_that_fail_leave_nothing_open(tmp_path: Path) -> None:
    program = """
        def fail(number):
            try:
                __import__(f"nowhere{number}")
            except ImportError:
                pass
        threads = [threading.Thread(target=fail, args=(number,)) for number in range(50)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        import last
    """

    records = trace(tmp_path, program, last="")

    failed = [record for record in records if record["name"].startswith("nowhere")]
    assert len(failed) == 50
    assert all(record["parent"] is None for record in records)
