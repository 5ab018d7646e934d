"""Pages of the lab and of load experiments: what is told, and what is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.page import render_page
from coldcache.tools.page.ticks import ticks


def test_the_head_says_how_target_and_baseline_compare(
    lab_document: Callable[..., dict[str, Any]],
) -> None:
    page = render_page(lab_document())

    assert "1.80\u00a0\u00d7" in page
    assert "Worse in init, first answer, init + first answer, memory." in page


def test_without_a_baseline_there_is_no_comparison_and_no_verdict(
    lab_document: Callable[..., dict[str, Any]],
) -> None:
    page = render_page(lab_document(is_compared=False))

    assert "A cold start answers after" in page
    assert 'id="compared"' not in page
    assert "verdict" not in page.partition("<body")[2]


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ("no difference", "no difference beyond noise"),
        ("too few rounds", "too few rounds for a verdict"),
    ],
)
def test_a_run_that_shows_nothing_says_so(
    verdict: str, told: str, lab_document: Callable[..., dict[str, Any]]
) -> None:
    document = lab_document() | {"verdict": verdict}

    assert told in render_page(document)


def test_ends_that_are_unknown_are_told_in_words(
    lab_document: Callable[..., dict[str, Any]],
) -> None:
    page = render_page(lab_document())

    assert re.search(r"<small>[\d.]+ to [\d.]+</small>", page)
    assert re.search(r"<small>[\d.]+ or more</small>", page)


def test_discarded_samples_are_not_drawn(lab_document: Callable[..., dict[str, Any]]) -> None:
    page = render_page(lab_document(rounds=12))

    # Two lanes of bars, each bar of init and the rest.
    assert page.count('class="own"') == 2 * 12


def test_every_environment_has_a_line_with_a_mark_for_its_start(
    load_document: Callable[..., dict[str, Any]],
) -> None:
    page = render_page(load_document(variants=("nothing",), calls=60))

    assert page.count('class="start"') == 6
    assert page.count('class="waits"') == 6
    assert 'class="fails"' in page


def test_many_environments_are_cut_and_that_is_told(
    load_document: Callable[..., dict[str, Any]],
) -> None:
    page = render_page(load_document(variants=("nothing",), calls=5000))

    assert page.count('class="start"') == 80
    assert "420 environments that began later are not drawn." in page
    assert "The first 400 of 500." in page
    assert len(page) < 1_000_000


def test_the_head_names_the_variants_with_most_and_fewest_cold_starts(
    load_document: Callable[..., dict[str, Any]],
) -> None:
    text = re.sub(r"<[^>]+>", "", render_page(load_document()))

    assert "10\u00a0% of calls met a cold start with nothing, 5\u00a0% with ping:5m." in text


def test_an_experiment_without_answers_has_a_page(
    load_document: Callable[..., dict[str, Any]],
) -> None:
    document = load_document() | {"variants": [], "rows": [], "environments": []}

    assert "No call was answered." in render_page(document | {"is_partial": True})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("samples", {}, "samples is to be a list"),
        ("false_alarm_rate", None, "false_alarm_rate is to be a number"),
    ],
)
def test_what_is_wrong_with_a_lab_document_is_named(
    field: str, value: object, message: str, lab_document: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(UsageError, match=message):
        render_page(lab_document() | {field: value})


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (0, 70, [0, 10, 20, 30, 40, 50, 60, 70]),
        (23.8, 50.3, [25, 30, 35, 40, 45, 50]),
        (0.11, 0.35, [0.15, 0.2, 0.25, 0.3, 0.35]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round_and_within_the_scale(low: float, high: float, found: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(found)
