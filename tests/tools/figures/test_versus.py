"""Whether variants of a load differ is judged call by call, and by stretches of time."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from coldcache.tools.lab.figures.rounds import of_stretches
from coldcache.tools.lab.figures.versus import compare_variants
from coldcache.tools.lab.load.document import to_document
from coldcache.tools.lab.load.prices import LIST_PRICES
from coldcache.tools.lab.load.report import print_load_report
from rich.console import Console

PRICES = LIST_PRICES["x86"]


@pytest.fixture
def noisy(load: Callable[..., Any], row: Callable[..., Any]) -> Callable[..., Any]:
    """An experiment with two variants whose calls are alike but for *slower*."""

    def make(seed: int, slower: Callable[[int], float] = lambda number: 0.0) -> Any:
        draw = random.Random(seed)
        rows = [
            row(
                number,
                arrived_s=number / 4,
                handler_ms=10 + draw.expovariate(1 / 5) + (slower(number) if place else 0.0),
                variant=variant,
            )
            for place, variant in enumerate(("nothing", "ping:5m"))
            for number in range(300)
        ]
        return load(rows=tuple(rows), environments=(), pings=(), seed=seed)

    return make


def test_fewer_cold_calls_are_better(load: Callable[..., Any]) -> None:
    [versus] = compare_variants(load())

    assert (versus.variant, versus.baseline) == ("ping:5m", "nothing")
    assert versus.cold.verdict == versus.latency_ms.verdict == "better"
    assert versus.cold.difference == pytest.approx(-20 / 400)


def test_the_first_variant_is_what_others_are_compared_with(load: Callable[..., Any]) -> None:
    result = load()
    rows = tuple(sorted(result.rows, key=lambda row: row.variant, reverse=True))

    [versus] = compare_variants(load(rows=rows, variants=("ping:5m", "nothing")))

    assert versus.variant == rows[-1].variant


def test_calls_that_only_one_variant_answered_are_left_out_of_the_latency(
    load: Callable[..., Any], row: Callable[..., Any]
) -> None:
    rows = [
        row(number, variant=variant, handler_ms=10.0 + place, outcome="ok")
        for place, variant in enumerate(("nothing", "ping:5m"))
        for number in range(100)
    ]
    rows[150] = row(50, variant="ping:5m", handler_ms=9000.0, outcome="error")

    [versus] = compare_variants(load(rows=tuple(rows), environments=(), pings=()))

    assert versus.latency_ms.difference == pytest.approx(1.0)
    assert versus.latency_ms.verdict == "worse"


def test_calls_that_are_alike_seldom_tell_a_difference(noisy: Callable[..., Any]) -> None:
    told = [compare_variants(noisy(seed))[0].latency_ms.verdict for seed in range(40)]

    assert told.count("no difference") >= 38


def test_a_difference_that_is_too_small_to_count_is_none(
    load: Callable[..., Any], row: Callable[..., Any]
) -> None:
    rows = [
        row(number, variant=variant, handler_ms=100.0 + place)
        for place, variant in enumerate(("nothing", "ping:5m"))
        for number in range(100)
    ]

    [versus] = compare_variants(load(rows=tuple(rows), environments=(), pings=()))

    assert versus.latency_ms.p_value <= versus.latency_ms.threshold
    assert versus.latency_ms.verdict == "no difference"


def test_one_burst_of_slow_calls_is_no_verdict(noisy: Callable[..., Any]) -> None:
    result = noisy(3, slower=lambda number: 50.0 if 100 <= number < 112 else 0.0)

    [versus] = compare_variants(result)

    assert versus.latency_ms.difference > 1
    assert versus.latency_ms.verdict == "no difference"


def test_a_few_calls_are_too_short_to_tell(load: Callable[..., Any]) -> None:
    [versus] = compare_variants(load(calls=5))

    assert versus.cold.verdict == "too few rounds"


@pytest.mark.parametrize("variants", [("nothing",), ()])
def test_less_than_two_variants_are_not_compared(
    load: Callable[..., Any], variants: tuple[str, ...]
) -> None:
    assert compare_variants(load(variants=variants)) == ()


def test_the_chance_of_stretches_is_that_of_all_exchanges() -> None:
    sums = [3.0, -1.0, 4.0, 1.5, -2.0, 6.0, 0.5, 2.0]
    every = [
        sum(map(lambda a, b: a * b, sums, signs)) for signs in itertools.product((-1, 1), repeat=8)
    ]
    exact = sum(abs(one) >= sum(sums) for one in every) / len(every)

    found = of_stretches(sums, [2] * 8, rate=0.005, seed=0)

    assert found.p_value == pytest.approx(exact)
    assert found.value == sum(sums) / 16


def test_the_report_tells_the_verdicts(load: Callable[..., Any]) -> None:
    console = Console(file=io.StringIO(), width=120)
    print_load_report(load(), PRICES, console)
    printed = console.file.getvalue()

    assert "against nothing" in printed
    assert "-5.00 [" in printed
    assert "better" in printed


def test_the_document_has_a_comparison_for_all_but_the_first(load: Callable[..., Any]) -> None:
    first, second = to_document(load(), PRICES)["variants"]

    assert first["versus"] is None
    assert second["versus"]["cold"]["verdict"] == "better"
