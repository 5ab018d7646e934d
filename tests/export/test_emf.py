"""CloudWatch's Embedded Metric Format: valid within its limits, whatever the names and numbers."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coldcache._invocation import Invocation
from coldcache.export.emf import Emf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Make = Callable[..., Invocation]

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parent / "data" / "emf.schema.json").read_text("utf-8"))
)
MOST_BYTES = 1_000_000


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def checked(line: str) -> dict[str, Any]:
    """The document of a line, after everything the specification asks of it."""
    assert "\n" not in line
    assert len(line.encode()) <= MOST_BYTES
    document: dict[str, Any] = json.loads(line, parse_constant=refuse_constant)
    SCHEMA.validate(document)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for dimension in directive["Dimensions"][0]:
            value = document[dimension]
            assert isinstance(value, str)
            assert value.isascii()
            assert 0 < len(value.strip()) <= len(value) <= 1024
        for metric in directive["Metrics"]:
            assert type(document[metric["Name"]]) in (int, float)
    return document


def dimensions_of(document: dict[str, Any]) -> dict[str, list[str]]:
    """The dimensions of each metric."""
    return {
        metric["Name"]: directive["Dimensions"][0]
        for directive in document["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }


def test_the_line_of_a_cold_start_is_valid_and_has_everything(first: Make) -> None:
    document = checked(Emf().line(first()))

    told = {name: document[name] for name in dimensions_of(document)}
    assert told == {
        "Invocations": 1,
        "InvokeDuration": 12.0,
        "OwnDuration": 0.003,
        "Starts": 1,
        "ColdStarts": 1,
        "ColdStartDuration": 200.0,
        "InitDuration": 200.0,
        "FirstAnswerDuration": 300.0,
        "VisibleStartDuration": 450.0,
        "FirstEventWait": 1.0,
        "StartupErrors": 3,
        "CacheHits": 4,
        "CacheMisses": 3,
        "CacheLoads": 3,
        "CacheLoadErrors": 1,
        "CacheStale": 1,
        "CacheEvictions": 2,
        "ResourceRebuilds": 1,
        "ResourceCheckFailures": 1,
        "PoolSaturated": 1,
        "PoolWaiting": 2,
    }
    assert document["startup_errors"] == {"ImportError": 2, "OSError": 1}
    assert document["_aws"]["Timestamp"] == 1_795_779_000_250


def test_a_first_call_that_raised_is_counted_as_cold_start_and_as_error(first: Make) -> None:
    document = checked(Emf().line(first(error="KeyError")))
    assert (document["ColdStarts"], document["Errors"], document["error"]) == (1, 1, "KeyError")


def test_the_warm_call_after_a_failing_first_one_is_no_cold_start(first: Make, warm: Make) -> None:
    emf = Emf()
    emf.line(first(error="KeyError"))
    assert "ColdStarts" not in checked(emf.line(warm()))


@pytest.mark.parametrize("start_class", ["proactive", "provisioned", "restored"])
def test_a_start_that_no_request_waited_for_is_a_start_but_not_a_cold_one(
    first: Make, start_class: str
) -> None:
    document = checked(Emf().line(first(start_class=start_class)))
    assert document["Starts"] == 1
    assert "ColdStarts" not in document


def test_a_ping_is_neither_an_invocation_nor_a_cold_start(first: Make) -> None:
    document = checked(Emf().line(first(is_ping=True)))
    assert document["Pings"] == document["Starts"] == 1
    assert "Invocations" not in document
    assert "ColdStarts" not in document


def test_totals_are_told_as_what_was_added_since_the_call_before(first: Make, warm: Make) -> None:
    emf = Emf()
    emf.line(first(cache={"hits": 4}))
    assert checked(emf.line(warm(cache={"hits": 9})))["CacheHits"] == 5
    assert "CacheHits" not in checked(emf.line(warm(cache={"hits": 9})))


def test_a_total_that_comes_late_is_not_told_twice(first: Make, warm: Make) -> None:
    emf = Emf()
    emf.line(first(cache={"hits": 9}))
    assert "CacheHits" not in checked(emf.line(warm(cache={"hits": 7})))
    assert checked(emf.line(warm(cache={"hits": 10})))["CacheHits"] == 1


def test_nobody_waiting_is_told_once_after_somebody_did(first: Make, warm: Make) -> None:
    emf = Emf()
    lines = [emf.line(warm(pools={"waiting": waiting})) for waiting in (0, 2, 0, 0)]
    told = [checked(line).get("PoolWaiting") for line in lines]
    assert told == [None, 2, 0, None]


def test_only_what_is_bounded_is_a_dimension(first: Make) -> None:
    emf = Emf(dimensions={"service": "web"})
    dimensions = dimensions_of(checked(emf.line(first(error="KeyError"))))
    assert dimensions["Errors"] == ["service", "function_name"]
    assert dimensions["ColdStarts"] == ["service", "function_name", "start_class"]
    assert {name for names in dimensions.values() for name in names} == {
        "service",
        "function_name",
        "start_class",
    }


def test_request_trace_and_environment_are_plain_members(first: Make) -> None:
    document = checked(Emf().line(first()))
    assert document["request_id"] == "8d4c"
    assert document["trace_id"] == "Root=1-67"
    assert document["init_id"] == "b0c1"


def test_names_are_made_to_fit_and_that_is_counted(first: Make) -> None:
    emf = Emf("Läden", dimensions={"größe\n": "x" * 2000})
    document = checked(emf.line(first(function_name="käse")))
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "L_den"
    assert document["gr__e_"] == "x" * 1024
    assert document["function_name"] == "k_se"
    assert document["ExportCut"] == 4


def test_a_value_that_is_no_finite_number_is_left_out_and_counted(first: Make) -> None:
    document = checked(
        Emf().line(first(init_seconds=float("nan"), call_seconds=float("inf"), own_seconds=-1.0))
    )
    assert document["ExportRefused"] == 4  # init_seconds stands for two metrics
    assert not {"InitDuration", "InvokeDuration", "OwnDuration"} & set(document)


@pytest.mark.parametrize("began_at", [float("nan"), -5.0, float("inf"), 1e300])
def test_a_time_that_is_none_becomes_a_valid_one(first: Make, began_at: float) -> None:
    assert checked(Emf().line(first(began_at=began_at)))["_aws"]["Timestamp"] == 0


def test_the_longest_names_everywhere_stay_within_a_megabyte(first: Make) -> None:
    ugly = '"' * 100_000
    emf = Emf(ugly, dimensions={f"{n:03}" + ugly: ugly for n in range(28)})
    document = checked(
        emf.line(
            first(
                function_name=ugly,
                function_version=ugly,
                request_id=ugly,
                trace_id=ugly,
                start_rule=ugly,
                error=ugly,
                startup_errors={f"{n:05}" + ugly: 1 for n in range(1000)},
            )
        )
    )
    assert len(document["startup_errors"]) == 32


TEXT = st.text(max_size=40) | st.text(st.characters(categories=["Cs", "Cc"]), max_size=5)
NUMBER = st.floats() | st.integers()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.fixed_dictionaries(
        dict.fromkeys(
            ("init_id", "start_class", "start_rule", "request_id", "function_name", "error"), TEXT
        )
    ),
    numbers=st.fixed_dictionaries(
        dict.fromkeys(("began_at", "call_seconds", "init_seconds", "own_seconds"), NUMBER)
    ),
    counts=st.fixed_dictionaries(dict.fromkeys(("hits", "stale"), NUMBER)),
    errors=st.dictionaries(TEXT, NUMBER, max_size=5),
)
def test_any_text_and_any_number_give_a_valid_line(
    first: Make,
    texts: dict[str, str],
    numbers: dict[str, float],
    counts: dict[str, float],
    errors: dict[str, float],
) -> None:
    call = first(**texts, **numbers, cache=counts, startup_errors=errors)
    checked(Emf().line(call))


def test_a_line_is_written_in_one_piece_and_flushed(first: Make) -> None:
    class Stream(io.StringIO):
        calls: list[str]

        def write(self, text: str, /) -> int:
            self.calls.append(text[-1])
            return len(text)

        def flush(self) -> None:
            self.calls.append("flush")

    stream = Stream()
    stream.calls = []
    Emf(stream=stream).emit(first())
    assert stream.calls == ["\n", "flush"]


def test_lines_go_to_what_stdout_is_at_the_time(
    first: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    emf, stream = Emf(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    emf.emit(first())
    checked(stream.getvalue().removesuffix("\n"))


def test_starts_only_writes_nothing_for_warm_calls(first: Make, warm: Make) -> None:
    stream = io.StringIO()
    emf = Emf(starts_only=True, stream=stream)
    emf.emit(first())
    emf.emit(warm())
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("namespace", "dimensions", "error", "says"),
    [
        (5, None, TypeError, "namespace must be a text, got 5"),
        ("  ", None, ValueError, "must not be blank"),
        ("n", {"a": 1}, TypeError, "a text with a text, got 'a': 1"),
        ("n", {"request_id": "x"}, ValueError, "cannot be named 'request_id'"),
        ("n", {"ColdStarts": "x"}, ValueError, "cannot be named 'ColdStarts'"),
        ("n", {"ä": "x", "ö": "x"}, ValueError, "cannot be named 'ö'"),
        ("n", {str(n): "x" for n in range(29)}, ValueError, "28 dimensions beside .* got 29"),
    ],
)
def test_wrong_options_are_refused(
    namespace: Any, dimensions: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Emf(namespace, dimensions=dimensions)
