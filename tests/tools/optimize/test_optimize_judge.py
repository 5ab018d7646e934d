"""The verdict follows from the samples, and says when noise has hidden it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from coldcache.tools.lab import Event, LabPlan, LabResult, Sample, Target, run_lab
from coldcache.tools.lab.plan import Role
from coldcache.tools.lab.result import MetricResult
from coldcache.tools.optimize import run as optimizing
from coldcache.tools.optimize.judge import Judgement, judge

ROUNDS = 10


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> LabResult:
    """A real result, whose samples tests replace."""
    pytest.importorskip("awslambdaric", reason="NOT TESTED: awslambdaric is missing")
    folder = tmp_path_factory.mktemp("function")
    (folder / "app.py").write_text("def handler(event, context):\n    return 1\n")
    target = Target.parse(f"{folder}:app.handler")
    events = (Event("e", b"1"),)
    return run_lab(LabPlan(target=target, baseline=target, events=events, runs=1, warmups=0))


@pytest.fixture
def result(measured: LabResult) -> Callable[..., LabResult]:
    """Makes a result in which the plan takes so much of the time, and the machine adds noise."""

    def make(*, init: float = 1.0, first: float = 1.0, noise_ms: float = 0.0) -> LabResult:
        draw = random.Random(5)
        one = measured.samples[0]
        roles: tuple[Role, ...] = ("target", "baseline")
        samples: list[Sample] = [
            dataclasses.replace(
                one,
                round=number,
                variant=role,
                init_ms=100 * (init if role == "target" else 1) + draw.uniform(0, noise_ms),
                first_answer_ms=120 * (first if role == "target" else 1)
                + draw.uniform(0, noise_ms),
            )
            for number in range(ROUNDS)
            for role in roles
        ]
        plan = dataclasses.replace(measured.plan, runs=ROUNDS)
        figures = MetricResult.of(
            "first_answer_ms",
            {role: [it.first_answer_ms for it in samples if it.variant == role] for role in roles},
            seed=0,
            relevant_percent=2.0,
            rate=0.01,
        )
        event = measured.events[0]
        event = dataclasses.replace(event, metrics={**event.metrics, "first_answer_ms": figures})
        return dataclasses.replace(measured, plan=plan, samples=tuple(samples), events=(event,))

    return make


@pytest.mark.parametrize(
    ("facts", "verdict", "is_unclear"),
    [
        ({"init": 0.8, "first": 0.85}, "better", False),
        ({"init": 0.8, "first": 1.0}, "only moved", False),
        ({"init": 0.8, "first": 1.1}, "only moved", False),
        ({"init": 1.0, "first": 1.1}, "no gain", False),
        ({"init": 1.0, "first": 1.0}, "no gain", False),
        ({"init": 0.9, "first": 0.9, "noise_ms": 200.0}, "no gain", True),
    ],
)
def test_the_verdict_follows_from_init_and_first_answer(
    result: Callable[..., LabResult], facts: dict[str, float], verdict: str, is_unclear: bool
) -> None:
    judged = judge(result(**facts))

    assert (judged.verdict, judged.is_unclear) == (verdict, is_unclear)


@pytest.fixture
def judgements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bool]]]:
    """What the judge says of one measurement after the other, whatever was measured."""
    said: list[tuple[str, bool]] = []

    def say(lab: LabResult, *_: Any) -> Judgement:
        verdict, is_unclear = said.pop(0)
        real = judge(lab)
        return Judgement(verdict, verdict, real.init, real.first, is_unclear)  # type: ignore[arg-type]

    monkeypatch.setattr(optimizing, "_judge", say)
    yield said
    assert said == []


@pytest.fixture
def plan(write_function: Callable[..., str]) -> optimizing.OptimizePlan:
    target = write_function("import json\n\ndef handler(event, context):\n    return 1\n")
    return optimizing.OptimizePlan(
        target=Target.parse(target), events=(Event("e", b"1"),), runs=2, budget_s=5.0
    )


@pytest.mark.usefixtures("needs_runtime_client")
def test_what_noise_has_hidden_is_measured_anew_and_longer(
    judgements: list[tuple[str, bool]], plan: optimizing.OptimizePlan
) -> None:
    judgements += [("no gain", True), ("better", False)]
    result = optimizing.run_optimize(plan)

    assert (result.judgement.verdict, result.lab.plan.runs) == ("better", 6)
    assert len({one.round for one in result.lab.samples if not one.is_warmup}) == 6


@pytest.mark.usefixtures("needs_runtime_client")
def test_what_stays_unclear_is_no_gain(
    judgements: list[tuple[str, bool]], plan: optimizing.OptimizePlan
) -> None:
    judgements += [("no gain", True), ("no gain", True)]
    assert optimizing.run_optimize(plan).lock is None
