"""How long an idle environment lives: a fixed time, or a survival curve that was measured."""

from __future__ import annotations

import bisect
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Protocol

from coldcache.tools.lab.errors import UsageError

from .quantity import parse_seconds

__all__ = ["FixedKeepAlive", "KeepAlive", "SurvivalCurve", "parse_keep_alive"]

_MINUTE_S = 60.0
_CURVES = "survival_curves.json"


class KeepAlive(Protocol):
    """Decides at the begin of an idle time how long it may last."""

    @property
    def spec(self) -> str:
        """As a user writes it."""

    def limit_s(self, luck: float) -> float:
        """Seconds until the environment is ended, if no call comes before.

        Args:
            luck: A number drawn evenly from [0, 1).
        """


@dataclass(frozen=True)
class FixedKeepAlive:
    """The same time for every environment.

    Attributes:
        seconds: 0 or more; ``math.inf`` for as long as the experiment lasts. A call that comes
            exactly at the end of that time is cold.
    """

    seconds: float

    def __post_init__(self) -> None:
        if math.isnan(self.seconds) or self.seconds < 0:
            raise UsageError(f"a keep-alive is 0 or more seconds; got {self.seconds}")

    @property
    def spec(self) -> str:
        """As a user writes it."""
        return "forever" if math.isinf(self.seconds) else f"{self.seconds:g}s"

    def limit_s(self, luck: float) -> float:  # noqa: ARG002
        """See :class:`KeepAlive`."""
        return self.seconds


@dataclass(frozen=True)
class SurvivalCurve:
    """The chance that a call after an idle gap is cold, by the length of the gap.

    Between the points the chance changes evenly. Measured chances that fall again are noise: the
    curve is their running maximum. Environments beyond the last chance are not ended.

    Attributes:
        name: As a user writes it.
        gaps_s: Ascending, seconds.
        chances: As many, from 0 to 1.
    """

    name: str
    gaps_s: Sequence[float] = field(repr=False)
    chances: Sequence[float] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.gaps_s) < 2 or len(self.gaps_s) != len(self.chances):
            raise UsageError(f"the survival curve {self.name!r} needs at least two points")
        if any(b <= a for a, b in itertools.pairwise(self.gaps_s)) or self.gaps_s[0] < 0:
            raise UsageError(f"the gaps of the survival curve {self.name!r} must be ascending")
        if not all(0 <= chance <= 1 for chance in self.chances):
            raise UsageError(f"the chances of the survival curve {self.name!r} lie in 0 to 1")
        object.__setattr__(self, "chances", tuple(itertools.accumulate(self.chances, max)))

    @property
    def spec(self) -> str:
        """As a user writes it."""
        return f"curve:{self.name}"

    def limit_s(self, luck: float) -> float:
        """See :class:`KeepAlive`: the gap at which the chance reaches *luck*."""
        after = bisect.bisect_right(self.chances, luck)
        if after == len(self.chances):
            return math.inf
        if after == 0:
            return self.gaps_s[0]
        low, high = self.chances[after - 1], self.chances[after]
        begin, end = self.gaps_s[after - 1], self.gaps_s[after]
        return begin + (end - begin) * (luck - low) / (high - low)


def parse_keep_alive(text: str) -> KeepAlive:
    """Read a keep-alive: ``6m``, ``0``, ``forever``, ``curve:aws-2021`` or ``curve:FILE.json``.

    A file holds ``{"points": [[minutes idle, chance of a cold start], ...]}``.

    Raises:
        UsageError: The text or the file has another form.
    """
    if text == "forever":
        return FixedKeepAlive(math.inf)
    kind, colon, name = text.partition(":")
    if not colon:
        return FixedKeepAlive(parse_seconds(text, "a keep-alive", allow_zero=True))
    if kind != "curve" or not name:
        raise UsageError(
            "a keep-alive is a time like 6m, the word forever, or a curve like "
            f"curve:aws-2021; got {text!r}"
        )
    shipped = _shipped_curves()
    if name in shipped:
        return _curve(name, shipped[name])
    path = Path(name)
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(
            f"there is no curve {name!r}: neither a file, nor one of {', '.join(sorted(shipped))}"
        ) from None
    except OSError as error:
        raise UsageError(f"the curve {name!r} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"the curve {name!r} is not JSON") from None
    return _curve(name, document.get("points") if isinstance(document, dict) else None)


def _shipped_curves() -> dict[str, object]:
    text = resources.files(__package__).joinpath(_CURVES).read_text("utf-8")
    curves: dict[str, object] = json.loads(text)["curves"]
    return curves


def _curve(name: str, points: object) -> SurvivalCurve:
    if not isinstance(points, list) or not all(
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(one, int | float) and math.isfinite(one) for one in point)
        for point in points
    ):
        raise UsageError(
            f"the curve {name!r} must hold "
            '{"points": [[minutes idle, chance of a cold start], ...]}'
        )
    return SurvivalCurve(
        name, [minutes * _MINUTE_S for minutes, _ in points], [chance for _, chance in points]
    )
