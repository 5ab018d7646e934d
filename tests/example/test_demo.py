"""The demo driver ends with an honest exit code and leaves no process behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "report_function"
MARK = "COLDCACHE_TEST_MARK"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for left processes in /proc"
)


class Demo:
    """A run of the driver, and a look at the processes that belong to it."""

    def __init__(self, *arguments, example=EXAMPLE, **environment):
        self.mark = f"{MARK}={uuid.uuid4()}"
        self.marks = {self.mark.encode()}
        environment = os.environ | environment | dict([self.mark.split("=")])
        self.process = subprocess.Popen(
            [sys.executable, str(example / "demo.py"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )

    def wait_for_local_aws(self):
        """Wait until the server is filled; what knows its address belongs to the run too."""
        for line in self.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.marks.add(f"AWS_ENDPOINT_URL={found[0]}".encode())
                return
        raise AssertionError(f"no local AWS: {self.process.stderr.read()}")

    def end(self):
        """Wait for the end; give exit code, output and errors."""
        out, err = self.process.communicate(timeout=280)
        return self.process.returncode, out, err

    def processes(self):
        """Find the command lines of all processes of this run that live, by process id."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                marked = self.marks & set((path / "environ").read_bytes().split(b"\0"))
                if marked and path.name != str(self.process.pid):
                    found[path.name] = (path / "cmdline").read_bytes().decode()
            except OSError:
                pass  # it ended while we looked, or it is not ours
        return found

    def wait_for(self, count_is_right):
        """Wait until the processes of this run are as asked; give them."""
        give_up = time.monotonic() + 30
        while not count_is_right(self.processes()):
            assert time.monotonic() < give_up, self.processes()
            time.sleep(0.02)  # real time: other processes have to get there
        return self.processes()


@pytest.fixture
def start_demo(tmp_path):
    """Start the driver; whatever a failing test leaves is ended here."""
    demos = []

    def start(*arguments, **options):
        # The lab's temporary folder is under the eyes of the tests, too.
        options |= {"TMPDIR": str(tmp_path)}
        demos.append(Demo("--json", str(tmp_path / "demo.json"), *arguments, **options))
        return demos[-1]

    yield start
    for demo in demos:
        for pid in [
            *demo.processes(),
            *([] if demo.process.poll() is not None else [demo.process.pid]),
        ]:
            os.kill(int(pid), signal.SIGKILL)
        demo.process.communicate()


def is_measuring(processes):
    """Server, lab, and at least one function under the lab."""
    return len(processes) >= 3


@pytest.mark.timeout(300)
def test_a_run_ends_with_0_writes_the_figures_and_leaves_nothing(start_demo, tmp_path):
    demo = start_demo("--runs", "1", "--budget", "5")
    demo.wait_for_local_aws()
    code, out, err = demo.end()
    assert code == 0, err
    assert str(tmp_path / "demo.json") in out
    assert json.loads((tmp_path / "demo.json").read_text())["answers_agree"] is True
    plan = json.loads((tmp_path / "demo-plan.json").read_text())
    assert all(event["answers_equal"] for event in plan["events"])
    assert "Plain, planned" in out
    assert demo.processes() == {}


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_run_and_everything_it_started(start_demo, number, expected):
    demo = start_demo("--runs", "50")
    demo.wait_for_local_aws()
    demo.wait_for(is_measuring)
    demo.process.send_signal(number)
    code, _, err = demo.end()
    assert (code, demo.processes()) == (expected, {})
    assert f"stopped by {number.name}" in err


def test_a_signal_while_the_local_aws_starts_leaves_nothing(start_demo):
    demo = start_demo("--runs", "50")
    demo.wait_for(lambda processes: len(processes) == 1)
    demo.process.send_signal(signal.SIGINT)
    code, _, _ = demo.end()
    assert (code, demo.processes()) == (130, {})


def test_an_interrupted_run_leaves_no_file(start_demo, tmp_path):
    demo = start_demo("--runs", "50")
    demo.wait_for_local_aws()
    demo.wait_for(is_measuring)
    demo.process.send_signal(signal.SIGINT)
    demo.end()
    assert list(tmp_path.iterdir()) == []


def test_the_local_aws_does_not_outlive_a_killed_driver(start_demo):
    demo = start_demo("--runs", "50")
    demo.wait_for_local_aws()
    assert any("local_aws.py" in line for line in demo.processes().values())
    demo.process.kill()
    demo.wait_for(lambda left: not any("local_aws.py" in line for line in left.values()))


def test_a_lab_that_refuses_makes_the_run_fail_and_leaves_nothing(start_demo, tmp_path):
    demo = start_demo("--runs", "0")
    demo.wait_for_local_aws()
    code, out, _ = demo.end()
    assert code != 0
    assert str(tmp_path / "demo.json") not in out
    assert demo.processes() == {}


@pytest.mark.timeout(300)
def test_answers_that_differ_make_the_run_fail(start_demo, tmp_path):
    example = tmp_path / "examples" / "report_function"
    shutil.copytree(EXAMPLE, example)
    changed = example / "tuned" / "orders.py"
    changed.write_text(changed.read_text().replace('"0.01"', '"0.001"'))
    for name in ("lookup", "report"):
        (example / "events" / f"{name}.json").unlink()
    demo = start_demo("--runs", "1", "--budget", "5", example=example)
    demo.wait_for_local_aws()
    code, _, err = demo.end()
    assert code == 1
    assert err.splitlines()[-1] == "the variants do not give the same answers"


def test_a_server_that_does_not_start_is_one_clear_error(start_demo, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "moto.py").write_text("raise ImportError('broken on purpose')")
    demo = start_demo(PYTHONPATH=str(broken))
    code, _, err = demo.end()
    assert code == 1
    assert "the moto server ended" in err.splitlines()[-1]
    assert demo.processes() == {}
