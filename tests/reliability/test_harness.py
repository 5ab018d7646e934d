"""The bench of faults finds out who does not stand them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from faults import callers, page, scenarios
from faults.callers import Crowd
from faults.every_subject import SUBJECTS
from faults.outcome import Outcome, judge
from faults.servers import ServerError, wait_until

if TYPE_CHECKING:
    from faults.stage import Stage

pytestmark = pytest.mark.timeout(500)


def made_by(ask) -> Crowd:
    crowd = Crowd()
    crowd.start("before", 16, ask).finish()
    return crowd


def right(number: int) -> int:
    return number * 2 + 1


def test_right_answers_are_counted() -> None:
    outcome = judge(made_by(right), 0.0, (), [])

    assert (outcome.made, outcome.right, outcome.failed) == (16, 16, 0)
    assert outcome.to_recovery == 1


def test_the_answer_to_another_question_is_wrong() -> None:
    outcome = judge(made_by(lambda number: right(number + 1)), 0.0, (), [])

    assert (outcome.right, outcome.wrong, outcome.to_recovery) == (0, 16, None)


def test_errors_are_counted_by_kind() -> None:
    def fail(number: int) -> int:
        raise psycopg.OperationalError

    outcome = judge(made_by(fail), None, (psycopg.Error,), [])

    assert outcome.errors == {"psycopg.OperationalError": 16}
    assert outcome.undocumented == {}


def test_an_error_that_nobody_announced_is_undocumented() -> None:
    def fail(number: int) -> int:
        raise ZeroDivisionError

    assert judge(made_by(fail), None, (psycopg.Error,), []).undocumented == {
        "ZeroDivisionError": 16
    }


def test_a_secret_in_the_text_of_an_error_is_a_leak() -> None:
    def fail(number: int) -> int:
        raise LookupError(secret if number == 1 else "")

    secret = "xyz" + "zy"  # the line of source is in the traceback too

    assert judge(made_by(fail), None, (), ["xyzzy"]).leaks == 1


def test_a_caller_that_does_not_come_back_is_written_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "HANG_S", 0.05)
    released = threading.Event()

    def ask(number: int) -> int:
        if number == 1:
            released.wait(30)
        return right(number)

    outcome = judge(made_by(ask), 0.0, (), [])
    released.set()

    assert (outcome.hung, outcome.right, outcome.to_recovery) == (1, 15, None)


def test_recovery_counts_the_calls_of_the_slowest_caller() -> None:
    failing = threading.local()

    def ask(number: int) -> int:
        failing.calls = getattr(failing, "calls", 0) + 1
        if threading.current_thread().name == "caller 0" and failing.calls < 3:
            raise LookupError
        barrier.wait(10)
        return right(number)

    barrier = threading.Barrier(1)
    crowd = Crowd()
    crowd.start("after", 400, ask).finish()

    outcome = judge(crowd, 0.0, (), [])
    assert outcome.to_recovery in {1, 3}  # 1 if that caller never got a turn
    assert (outcome.failed_after == 2) is (outcome.to_recovery == 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"wrong": 1},
        {"hung": 1},
        {"not_made": 1},
        {"leaks": 1},
        {"late": 1},
        {"undocumented": {"ValueError": 1}},
        {"to_recovery": 2},
        {"to_recovery": None},
    ],
    ids=str,
)
def test_what_does_not_stand_a_fault_is_not_bold(changes: dict[str, object]) -> None:
    stood = Outcome(made=10, right=10)
    fallen = Outcome(**{"made": 10, "right": 10, **changes})

    assert page.cell(stood).startswith("**")
    assert not page.cell(fallen).startswith("**")


def test_a_connection_that_is_never_made_anew_is_found_out(stage: Stage) -> None:
    outcome = stage.play("global connection", "restarted", 40)

    assert outcome.right == 8
    assert outcome.to_recovery is None


def test_a_password_that_is_never_read_again_is_found_out(stage: Stage) -> None:
    assert stage.play("SQLAlchemy, pre-ping", "rotated", 40).to_recovery is None


def test_packages_that_check_each_time_stand_a_restart(stage: Stage) -> None:
    assert page.is_stood(stage.play("SQLAlchemy, pre-ping", "restarted", 40))


def test_every_fault_has_a_title() -> None:
    assert all(page.title(fault) for fault in [*scenarios.FAULTS, *scenarios.EXITS])


def test_servers_listen_on_loopback_alone(stage: Stage) -> None:
    ports = {server.port for server in (stage.postgresql, stage.redis, stage.aws)}
    ports |= set(stage.middleman.ports.values())
    listening = {}
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text("ascii").splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            if state == "0A":
                listening[int(address.rpartition(":")[2], 16)] = address.partition(":")[0]

    assert {listening[port] for port in ports} == {"0100007F"}


def test_servers_run_without_the_rights_of_root(stage: Stage) -> None:
    if os.geteuid() != 0:
        pytest.skip("nobody is root here")
    for server in (stage.postgresql, stage.redis, stage.middleman):
        assert os.stat(f"/proc/{server.process.pid}").st_uid != 0


def test_waiting_has_an_end() -> None:
    with pytest.raises(ServerError, match="pigs fly: not within 0 s"):
        wait_until(lambda: False, "pigs fly", seconds=0.01)


def test_every_subject_takes_part_in_a_restart() -> None:
    assert all(scenarios.takes_part(kind, "restarted") for kind in SUBJECTS.values())
