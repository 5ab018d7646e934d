from __future__ import annotations

import pytest
from coldcache.tools.lab.figures.plots import blocks, ecdf, histogram, scale, strip
from hypothesis import given
from hypothesis import strategies as st

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


def test_blocks_are_as_high_as_told() -> None:
    assert blocks([0, 0.25, 0.5, 1], rows=2) == ["   █", " ▄██"]


def test_what_is_not_nothing_is_drawn() -> None:
    assert blocks([0.0001, 0], rows=1) == ["▁ "]


def test_a_histogram_shows_where_values_are() -> None:
    assert histogram([0, 0, 5, 10], low=0, high=10, width=3, rows=1) == ["█▄▄"]


def test_an_ecdf_rises_to_the_top() -> None:
    assert ecdf([0, 4, 8, 10], low=0, high=10, width=4, rows=1) == ["▂▄▄█"]


@given(numbers, st.integers(1, 80))
def test_drawings_have_the_width_asked_for(values: list[float], width: int) -> None:
    for draw in (histogram, ecdf):
        lines = draw(values, low=min(values), high=max(values), width=width)
        assert {len(line) for line in lines} == {width}
        assert "█" in lines[-1] + lines[0]


@given(numbers)
def test_an_ecdf_never_falls(values: list[float]) -> None:
    [line] = ecdf(values, low=min(values), high=max(values), width=30, rows=1)

    heights = [" ▁▂▃▄▅▆▇█".index(char) for char in line]
    assert heights == sorted(heights)


def test_a_strip_shows_start_work_and_waiting() -> None:
    life = [(0.0, 8.0, "idle"), (0.0, 1.0, "init"), (2.0, 4.0, "working")]

    assert strip(life, until=10, width=10) == "▓▓███░░░░"


@pytest.mark.parametrize("order", [1, -1])
def test_a_start_is_never_drawn_over(order: int) -> None:
    life = [(0.0, 10.0, "idle"), (5.0, 5.01, "init"), (4.0, 6.0, "working")][::order]

    assert strip(life, until=10, width=10) == "░░░░█▓█░░░"


def test_a_scale_names_both_ends() -> None:
    assert scale("0 s", "60 s", width=12) == "0 s     60 s"
    assert scale("0.001", "1000.5", width=4) == "0.001 1000.5"
