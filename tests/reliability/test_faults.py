"""Coldcache stands every fault, with real servers and eight callers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults import scenarios
from faults.coldcache_subjects import OURS

if TYPE_CHECKING:
    from faults.outcome import Outcome
    from faults.stage import Stage

# The first test of all may have to install the servers.
pytestmark = pytest.mark.timeout(500)

CALLS = 80  # a tenth of them for each caller; benches/reliability.py makes more
EXITS = 24  # three processes of eight callers each

TRIALS = [
    pytest.param(fault, name, id=f"{fault}-{name}")
    for fault in [*scenarios.FAULTS, *scenarios.EXITS]
    for name, kind in OURS.items()
    if scenarios.takes_part(kind, fault)
]


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, str], Outcome]:
    return {}


@pytest.mark.parametrize(("fault", "name"), TRIALS)
def test_every_call_ends_and_those_after_the_fault_are_answered(
    fault: str, name: str, stage: Stage
) -> None:
    outcome = stage.play(name, fault, EXITS if fault in scenarios.EXITS else CALLS)

    if not outcome.is_tested:
        pytest.skip(outcome.remarks[-1])
    assert outcome.remarks == []
    assert outcome.made == (EXITS if fault in scenarios.EXITS else CALLS)
    assert (outcome.wrong, outcome.hung, outcome.not_made) == (0, 0, 0)
    assert outcome.undocumented == {}
    assert outcome.late == 0, f"an error took {outcome.longest_error_s:.1f} s"
    assert outcome.leaks == 0
    assert outcome.to_recovery is not None
    assert outcome.to_recovery <= OURS[name].answers_at
