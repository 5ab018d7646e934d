"""Whole runs by the programming interface, with real processes of the real runtime client."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
from coldcache.tools.lab import Event, LabPlan, LabResult, Sample, Target, run_lab

pytestmark = pytest.mark.usefixtures("needs_runtime_client")

HELLO = """
def handler(event, context):
    return {"hello": event["name"]}
"""

EVENTS = (Event("a.json", b'{"name": "a"}'), Event("b.json", b'{"name": "b"}'))


@pytest.fixture
def plan(write_function: Callable[..., str]) -> LabPlan:
    return LabPlan(
        target=Target.parse(write_function(HELLO)),
        events=EVENTS,
        runs=2,
        warmups=1,
    )


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> LabResult:
    """A run of two functions; the target imports a module at init, and one more when called."""
    pytest.importorskip("awslambdaric", reason="NOT TESTED: awslambdaric is missing")
    heavier = """
import this
def handler(event, context):
    import __hello__
    return {"hello": event["name"]}
"""
    targets = []
    for name, source in (("heavier", heavier), ("plain", HELLO)):
        folder = tmp_path_factory.mktemp(name)
        (folder / "app.py").write_text(source)
        targets.append(Target.parse(f"{folder}:app.handler"))
    plan = LabPlan(target=targets[0], baseline=targets[1], events=EVENTS, runs=2, warmups=1)
    return run_lab(plan)


def test_every_round_holds_a_sample_of_every_variant_on_every_event(compared: LabResult) -> None:
    cases = [(one.round, one.variant, one.event) for one in compared.samples]

    assert sorted(cases) == sorted(
        (number, variant, event)
        for number in range(3)
        for variant in ("target", "baseline")
        for event in ("a.json", "b.json")
    )


def test_samples_are_taken_in_an_interleaved_order(compared: LabResult) -> None:
    variants = [one.variant for one in compared.samples]

    assert variants[0::4] == variants[2::4] == ["target", "baseline", "target"]
    assert variants[1::4] == variants[3::4] == ["baseline", "target", "baseline"]


def test_warm_ups_are_kept_as_samples_but_not_counted(compared: LabResult) -> None:
    assert {one.round for one in compared.samples if one.is_warmup} == {0}
    assert compared.events[0].metrics["init_ms"].summaries["target"].n == 2


def test_the_figures_are_drawn_from_the_counted_samples(compared: LabResult) -> None:
    counted = [
        one.first_answer_ms
        for one in compared.samples
        if (one.variant, one.event, one.is_warmup) == ("baseline", "b.json", False)
    ]
    figures = compared.events[1].metrics["first_answer_ms"].summaries["baseline"]

    assert (figures.minimum, figures.maximum) == (min(counted), max(counted))


def test_first_answers_come_after_init(compared: LabResult) -> None:
    assert all(0 < one.init_ms < one.first_answer_ms for one in compared.samples)


def test_each_figure_holds_the_work_that_belongs_to_it(
    plan: LabPlan, write_function: Callable[..., str]
) -> None:
    # Real time is what is measured here; only lower bounds, which no slow machine can break.
    slow = write_function(
        """
        import time
        time.sleep(0.2)
        calls = []
        def handler(event, context):
            calls.append(1)
            time.sleep(0.1 * len(calls))
        """
    )
    result = run_lab(dataclasses.replace(plan, target=Target.parse(slow), runs=1, warmups=0))

    for sample in result.samples:
        assert sample.init_ms >= 200
        assert sample.first_answer_ms - sample.init_ms >= 100
        assert sample.warm_answer_ms >= 200


def test_peak_memory_is_that_of_the_process(compared: LabResult) -> None:
    assert all(5e6 < one.peak_memory_bytes < 100e6 for one in compared.samples)
    assert {one.memory_source for one in compared.samples} == {"VmHWM"}


def test_modules_are_counted_at_init_and_at_the_first_answer(compared: LabResult) -> None:
    modules = compared.events[0].modules

    assert modules["baseline"].at_first_answer == modules["baseline"].at_init
    assert modules["target"].at_init == modules["baseline"].at_init + 1
    assert modules["target"].at_first_answer == modules["target"].at_init + 1


def test_modules_are_counted_from_all_that_was_written_by_then(
    plan: LabPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = run_lab(dataclasses.replace(plan, runs=1)).events[0].modules
    # Without the reading thread, nothing has been read when the count is taken.
    monkeypatch.setattr("coldcache.tools.lab.output.Output._read", lambda self: None)

    assert run_lab(dataclasses.replace(plan, runs=1)).events[0].modules == exact


def test_equal_answers_are_said_to_be_equal(compared: LabResult) -> None:
    assert [event.answers.verdict for event in compared.events] == ["equal", "equal"]
    assert compared.answers_agree


def test_different_answers_are_said_to_be_different(
    plan: LabPlan, write_function: Callable[..., str]
) -> None:
    other = write_function(
        """
        def handler(event, context):
            return {"hello": "a"}
        """,
        folder="other",
    )
    result = run_lab(dataclasses.replace(plan, baseline=Target.parse(other)))

    assert [event.answers.verdict for event in result.events] == ["equal", "different"]
    assert not result.answers_agree


def test_an_answer_of_chance_is_said_to_be_unstable(
    plan: LabPlan, write_function: Callable[..., str]
) -> None:
    chance = write_function(
        """
        import uuid
        def handler(event, context):
            return str(uuid.uuid4())
        """
    )
    result = run_lab(dataclasses.replace(plan, target=Target.parse(chance)))

    assert {event.answers.verdict for event in result.events} == {"unstable"}


def test_every_sample_is_a_process_of_its_own_called_twice(
    plan: LabPlan, write_function: Callable[..., str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    counting = write_function(
        """
        import os
        def handler(event, context):
            with open(os.environ["LOG"], "a") as file:
                print(os.getpid(), file=file)
        """
    )
    run_lab(
        dataclasses.replace(
            plan, target=Target.parse(counting), events=plan.events[:1], settings={"LOG": str(log)}
        )
    )

    pids = log.read_text().split()
    census, *samples = pids
    assert census not in samples
    assert samples[0::2] == samples[1::2]
    assert len(set(samples)) == 3


def test_the_function_sees_the_events_bytes_and_its_deadline(
    plan: LabPlan, write_function: Callable[..., str]
) -> None:
    looking = write_function(
        """
        def handler(event, context):
            assert event == {"name": "\\u00e4", "list": [1.5, None]}
            assert 0 < context.get_remaining_time_in_millis() <= 5000
            assert context.function_name == "coldcache-lab"
            assert context.invoked_function_arn.startswith("arn:aws:lambda:us-east-1:")
        """
    )
    event = Event("e.json", '{"name": "ä", "list": [1.5, null]}'.encode())

    run_lab(
        dataclasses.replace(
            plan, target=Target.parse(looking), events=(event,), timeout_s=5.0, runs=1
        )
    )


def environment_seen(plan: LabPlan, write_function: Callable[..., str], dump: Path) -> dict:
    looking = write_function(
        """
        import json, os
        seen = dict(os.environ)
        def handler(event, context):
            with open(os.environ["DUMP"], "w") as file:
                json.dump(seen, file)
        """
    )
    settings = {"DUMP": str(dump), "AWS_REGION": "eu-west-1"}
    run_lab(
        dataclasses.replace(
            plan,
            target=Target.parse(looking),
            events=plan.events[:1],
            runs=1,
            warmups=0,
            settings=settings,
        )
    )
    return json.loads(dump.read_text())


def test_nothing_of_the_developers_environment_reaches_the_function(
    plan: LabPlan,
    write_function: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONSTARTUP", "LC_ALL"):
        monkeypatch.setenv(name, "developer")

    seen = environment_seen(plan, write_function, tmp_path / "dump")

    assert set(seen) - {"LC_CTYPE"} == {
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "DUMP",
        "HOME",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "PATH",
        "PYTHONPYCACHEPREFIX",
        "PYTHONUSERBASE",
        "TMPDIR",
        "TZ",
        "_HANDLER",
    }
    assert "developer" not in seen.values()


def test_settings_and_the_platforms_identity_reach_the_function(
    plan: LabPlan, write_function: Callable[..., str], tmp_path: Path
) -> None:
    seen = environment_seen(plan, write_function, tmp_path / "dump")

    assert seen["AWS_REGION"] == "eu-west-1"
    assert seen["_HANDLER"] == "app.handler"
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python{}.{}".format(*sys.version_info)
    assert seen["HOME"] != os.environ.get("HOME")


def test_the_function_folder_is_left_as_it_was_and_the_private_one_is_gone(
    plan: LabPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    run_lab(plan)

    assert [path.name for path in plan.target.folder.iterdir()] == ["app.py"]
    assert list(temporary.iterdir()) == []


def test_an_observer_hears_of_every_process_and_every_round(plan: LabPlan) -> None:
    class Listener:
        def __init__(self) -> None:
            self.processes: list[str] = []
            self.rounds: list[int] = []

        def process_done(self, what: str) -> None:
            self.processes.append(what)

        def round_done(self, samples: Sequence[Sample]) -> None:
            self.rounds.append(len(samples))

    listener = Listener()
    run_lab(plan, listener)

    assert len(listener.processes) == plan.processes == 2 + 3 * 2
    assert listener.rounds == [2, 4, 6]


def test_a_result_names_machine_and_versions(compared: LabResult) -> None:
    assert compared.machine.awslambdaric == version("awslambdaric")
    assert compared.machine.python.endswith(" " + sys.version.split()[0])
    assert compared.machine.cores >= 1
    assert compared.machine.cpu


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: sessions escape elsewhere")
def test_a_daemon_in_a_session_of_its_own_ends_with_its_sample(
    plan: LabPlan, write_function: Callable[..., str], tmp_path: Path
) -> None:
    daemons = tmp_path / "daemons"
    started = write_function(
        """
        import os, subprocess, sys
        program = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(900)"]
        daemon = subprocess.Popen(program, start_new_session=True)
        with open(os.environ["DAEMONS"], "a") as file:
            print(daemon.pid, file=file)
        def handler(event, context):
            return "answered"
        """
    )

    run_lab(
        dataclasses.replace(
            plan,
            target=Target.parse(started),
            runs=1,
            warmups=0,
            settings={"DAEMONS": str(daemons)},
        )
    )

    pids = daemons.read_text().split()
    assert len(pids) == 2 * len(EVENTS)  # one to count modules, one that is timed
    assert [pid for pid in pids if Path("/proc", pid).exists()] == []
