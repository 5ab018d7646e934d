"""Memory ceiling and processor share, seen from inside the function where the machine has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache.tools.lab.life import CallRecord, Life, cgroups
from coldcache.tools.lab.life.cgroups import Ceiling

from .conftest import Function

HOG = """
from pathlib import Path
import time
def handler(event, context):
    if event.get("take"):
        return len(bytearray(event["take"] * 1_000_000))
    if event.get("burn"):
        while time.process_time() < event["burn"]: pass
    note("groups", Path("/proc/self/cgroup").read_text())
"""


def event(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.fixture
def needs_groups() -> None:
    ceiling = Ceiling.of(Life(limit_memory=True, limit_cpu=True))
    ceiling.remove()
    if ceiling.notes:
        pytest.skip(f"NOT TESTED: {'; '.join(ceiling.notes)}")


def test_more_memory_than_the_ceiling_ends_the_function(
    needs_groups: None, function: Callable[..., Function], nothing_left: None
) -> None:
    subject = function(HOG)
    life = Life(memory_mb=128, limit_memory=True)
    with subject.environment(life) as environment:
        within, above = environment.call(event(take=50)), environment.call(event(take=300))
        after = environment.call(event(take=50))

    assert (within.outcome, above.outcome, after.outcome) == ("ok", "crash", "ok")
    assert above.error == ("its process used up its 128 MB of memory and was ended by SIGKILL")


def test_without_the_limit_the_same_function_lives(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(HOG)
    with subject.environment(Life(memory_mb=128)) as environment:
        record = call(environment, take=300)

    assert record.peak_memory_bytes is not None
    assert record.peak_memory_bytes > 300e6


def test_calls_are_throttled_to_the_share_of_the_size_and_init_is_not(
    needs_groups: None, function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    burning = HOG.replace("import time", "import time\nwhile time.process_time() < 0.2: pass", 1)
    subject = function(burning)
    life = Life(memory_mb=442, limit_cpu=True)  # a quarter of a processor
    with subject.environment(life) as environment:
        environment.start()
        [group] = [one.folder for one in environment._initializer._ceiling._groups.values()]
        after_init = throttled(group)
        call(environment, burn=0.4)
        after_call = throttled(group)
        assert group.name in subject.noted("groups")[0]  # the function is in it

    assert after_init == 0
    assert after_call >= 5
    assert not group.exists()


def throttled(group: Path) -> int:
    """How many periods of a group were cut short."""
    facts = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(facts["nr_throttled"])


def test_a_copy_of_a_template_has_a_ceiling_of_its_own(
    needs_groups: None, function: Callable[..., Function]
) -> None:
    subject = function(HOG)
    life = Life(initialization="snap-start", memory_mb=128, limit_memory=True)
    with (
        subject.template(life) as template,
        subject.environment(life, template=template) as environment,
    ):
        above, after = environment.call(event(take=300)), environment.call(event(take=50))

    assert (above.outcome, after.outcome) == ("crash", "ok")


def test_a_machine_without_control_groups_says_so_in_the_result(
    function: Callable[..., Function],
    call: Callable[..., CallRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cgroups, "_parents", lambda controller: iter(()))
    subject = function(HOG)
    life = Life(memory_mb=128, limit_memory=True, limit_cpu=True)
    with subject.environment(life) as environment:
        started = environment.start()
        call(environment, take=300)

    assert [note.partition(":")[0] for note in started.notes] == [
        "the memory ceiling is not imitated",
        "the processor share is not imitated",
    ]


@pytest.mark.parametrize("controller", ["memory", "cpu"])
def test_a_group_that_cannot_be_made_is_named(
    controller: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only = tmp_path / "no such mount"
    monkeypatch.setattr(cgroups, "_parents", lambda controller: iter([(read_only, 1)]))

    ceiling = Ceiling.of(Life(**{f"limit_{controller}": True}))  # type: ignore[arg-type]

    assert len(ceiling.notes) == 1
    assert "No such file or directory" in ceiling.notes[0]
    assert ceiling.joins == []


def test_groups_of_version_2_are_written_as_that_version_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    (tmp_path / "existing").touch()
    monkeypatch.setattr(cgroups, "_parents", lambda controller: iter([(tmp_path, 2)]))

    ceiling = Ceiling.of(Life(memory_mb=1769, limit_memory=True, limit_cpu=True))

    [group] = [path.parent for path in ceiling.joins]  # one group for both controllers
    assert ceiling.notes == []
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"
    assert (group / "memory.max").read_text() == str(1769 * 1024 * 1024)
    ceiling.throttle(is_on=True)
    assert (group / "cpu.max").read_text() == "20000 20000"
    ceiling.throttle(is_on=False)
    assert (group / "cpu.max").read_text() == "max 20000"
    (group / "memory.events").write_text("low 0\noom_kill 2\n")
    assert ceiling.kills() == 2
