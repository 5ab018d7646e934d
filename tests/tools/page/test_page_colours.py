"""Text and lines can be told from what is behind them, in both schemes (WCAG 2.2, AA)."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

TEXT = 4.5
LINE = 3.0
GROUPS = ("own", "p1", "p2", "p3", "p4", "p5", "rest", "std", "idle", "plain", "planned")
STYLE = files("coldcache.tools.page").joinpath("page.css").read_text("utf-8")


def schemes() -> dict[str, dict[str, str]]:
    """The named colours, by scheme."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
    )
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in parts)
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def pairs() -> list[tuple[str, str, float]]:
    words = ("ink", "soft", "accent", "mark")
    text = [(word, behind, TEXT) for word in words for behind in ("paper", "sheet")]
    text += [("ink", f"{group}-tint", TEXT) for group in GROUPS]
    text += [("ink", "hit", TEXT), ("accent", "line", LINE)]
    return text + [(group, "paper", LINE) for group in GROUPS]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "behind", "least"), pairs())
def test_contrast_is_enough(scheme: str, front: str, behind: str, least: float) -> None:
    colours = schemes()[scheme]

    assert contrast(colours[front], colours[behind]) >= least


def test_both_schemes_name_the_same_colours() -> None:
    light, dark = schemes().values()

    assert light.keys() == dark.keys()
    assert len(light) > 25


def test_colours_are_used_by_name_only() -> None:
    rules = re.sub(r":root \{.*?\}", "", STYLE, flags=re.S)

    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", rules)
