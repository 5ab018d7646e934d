"""A rotated password: the next call is answered, after one fetch and one new connection each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.rotation import rotate

if TYPE_CHECKING:
    from faults.stage import Stage

pytestmark = pytest.mark.timeout(500)


@pytest.mark.parametrize("resources", [1, 8])
def test_the_secret_is_fetched_once_and_every_dependent_made_anew_once(
    resources: int, stage: Stage
) -> None:
    outcome = rotate(stage, resources)

    assert outcome.failed == 0
    assert outcome.fetches == 1
    assert outcome.rebuilds == resources
