"""Figures of a load experiment say what its rows and environments say."""

from __future__ import annotations

import io
import json
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from coldcache.tools.lab.figures.load import TIMES, draw_figures, is_startup_error
from coldcache.tools.lab.figures.load_report import print_load_figures
from coldcache.tools.lab.load.document import to_document
from coldcache.tools.lab.load.prices import LIST_PRICES
from coldcache.tools.page import render_page
from rich.console import Console


def printed(result: Any, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_load_figures(result, console)
    return console.file.getvalue()


def test_each_variant_has_figures_in_the_order_in_which_they_ran(load: Callable[..., Any]) -> None:
    names = [one.variant for one in draw_figures(load(variants=("ping:5m", "nothing")))]

    assert names == ["ping:5m", "nothing"]


def test_latencies_are_those_of_the_rows(load: Callable[..., Any]) -> None:
    result = load(variants=("nothing",))
    [figures] = draw_figures(result)
    cold = [row.latency_ms for row in result.rows if row.kind == "cold"]

    assert figures.times_ms["cold latency"].n == len(cold) == 40
    assert figures.times_ms["cold latency"].quantiles["p50"].value == statistics.median(cold)
    assert figures.times_ms["cold latency"].maximum == max(cold)


def test_init_and_first_answer_add_up_to_a_cold_latency_but_for_the_queue(
    row: Callable[..., Any],
) -> None:
    one = row(init_ms=200.0, handler_ms=9.0, queued_ms=1.0)

    parts = [TIMES[name](one) for name in ("init", "first answer after init", "queue")]
    assert sum(parts) == TIMES["cold latency"](one) == TIMES["latency"](one) == 210
    assert TIMES["warm latency"](one) is None


def test_the_first_byte_counts_from_the_arrival(row: Callable[..., Any]) -> None:
    one = row(arrived_s=3.0, first_byte_s=3.25)

    assert TIMES["first byte"](one) == 250
    assert TIMES["first byte"](row(first_byte_s=None)) is None


@pytest.mark.parametrize(
    ("facts", "is_one"),
    [
        ({"outcome": "init_error", "init_ms": 90.0, "handler_ms": None}, True),
        ({"outcome": "init_timeout", "init_ms": 10_000.0, "handler_ms": None}, True),
        ({"outcome": "crash", "init_ms": 90.0, "handler_ms": None}, True),
        ({"outcome": "crash", "init_ms": 90.0, "handler_ms": 4.0}, False),
        ({"outcome": "error", "init_ms": 90.0}, False),
        ({"outcome": "timeout"}, False),
        ({"outcome": "ok", "init_ms": 90.0}, False),
    ],
)
def test_startup_errors_are_told_from_those_of_the_handler(
    facts: dict[str, Any], is_one: bool, row: Callable[..., Any]
) -> None:
    assert is_startup_error(row(**facts)) is is_one


def test_throttled_calls_are_no_warm_ones_and_have_no_queue(
    row: Callable[..., Any], load: Callable[..., Any]
) -> None:
    turned_away = {"kind": "throttled", "outcome": "throttled", "environment": None}
    rows = (
        row(0, init_ms=100.0),
        row(1, **turned_away, handler_ms=None, latency_ms=None, answered_s=None),
    )
    [figures] = draw_figures(load(variants=("nothing",), rows=rows, environments=()))

    assert (figures.throttled.count, figures.throttled.of) == (1, 2)
    assert (figures.cold_share.count, figures.cold_share.of) == (1, 1)
    assert (figures.errors.count, figures.times_ms["queue"].n) == (1, 1)


def test_only_environments_that_took_a_call_were_used(
    row: Callable[..., Any], span: Callable[..., Any], load: Callable[..., Any]
) -> None:
    spans = (span(1), span(2, calls=0), span(3, calls=7))
    [figures] = draw_figures(load(variants=("nothing",), rows=(row(),), environments=spans))

    assert figures.environments_used == 2


def test_an_experiment_without_rows_has_no_figures_and_a_report(load: Callable[..., Any]) -> None:
    result = load(rows=(), environments=())

    assert draw_figures(result) == ()
    assert printed(result) == "no call was answered\n"


def test_the_report_tells_shares_with_intervals_and_what_is_not_bounded(
    load: Callable[..., Any],
) -> None:
    text = printed(load())

    assert "40: 10 % [7.4, 13]" in text
    assert "errors in startup [95 %]" in text
    assert "A dash stands for an end that the calls are too few to bound: p99.9." in text


def test_the_report_draws_the_environments_that_began_first(load: Callable[..., Any]) -> None:
    text = printed(load(variants=("nothing",)))

    lanes = [line for line in text.splitlines() if "▓" in line and "░" in line]
    assert len(lanes) == 1 + 16  # the legend, and the first of 40
    assert "and 24 more that began later" in text


@pytest.mark.parametrize("width", [40, 120])
def test_drawings_fit_the_width(width: int, load: Callable[..., Any]) -> None:
    drawn = [line for line in printed(load(), width).splitlines() if set(line) & set("█▓▁▃▅▇")]

    assert drawn
    assert max(map(len, drawn[1:])) <= max(width, 72)


def test_the_document_of_an_experiment_makes_a_page(load: Callable[..., Any]) -> None:
    document = to_document(load(), LIST_PRICES["x86"])

    page = render_page(json.loads(json.dumps(document, allow_nan=False)))

    assert "Environments over time" in page
    assert "us-east-1 x86, list prices of 2026-11" in page


def test_figures_of_the_document_have_intervals(load: Callable[..., Any]) -> None:
    document = to_document(load(), LIST_PRICES["x86"])

    latency = document["variants"][0]["figures"]["times_ms"]["latency"]["quantiles"]["p99"]
    assert latency["low"] <= latency["value"] <= latency["high"]
