"""The one table of metrics, and the document that shows it."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser
import pytest
from coldcache.export import names
from coldcache.export.names import TABLE, encodable, printable

PAGE = Path(__file__).resolve().parents[2] / "docs" / "observability.md"


def page() -> str:
    return PAGE.read_text("utf-8")


def test_the_table_of_the_document_is_that_of_the_code() -> None:
    table = page().partition("<!-- metrics:")[2].partition("<!-- /metrics -->")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    expected = [
        f"| {metric.key} | {'s' if metric.kind == 'duration' else '1'} | {metric.label or ''} | "
        f"`{metric.emf}` | `{metric.otel}` | `{metric.prometheus}` | {metric.description} |"
        for metric in TABLE
    ]
    assert rows == expected


def test_every_promql_query_is_one() -> None:
    blocks = re.findall(r"^```promql\n(.*?)^```", page(), re.MULTILINE | re.DOTALL)
    queries = [line for block in blocks for line in block.splitlines()]
    assert len(queries) >= 6
    for query in queries:
        promql_parser.parse(query)  # raises ValueError
    with pytest.raises(ValueError, match="unexpected right parenthesis"):
        promql_parser.parse(queries[0] + ")")


def test_queries_name_only_metrics_that_there_are() -> None:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page(), re.MULTILINE | re.DOTALL)
    queries = {kind: "" for kind, _ in blocks}
    for kind, block in blocks:
        queries[kind] += block
    parts = r"(?:_bucket|_sum|_count)?\b"
    told = set(re.findall(rf"(coldcache_\w+?|faas_\w+?){parts}\s*\[", queries["promql"]))
    prometheus = {metric.prometheus for metric in TABLE}
    behind_a_collector = {
        metric.otel.replace(".", "_") + {"count": "_total", "duration": "_seconds"}[metric.kind]
        for metric in TABLE
        if metric.kind != "gauge"
    }
    assert told
    assert told <= prometheus | behind_a_collector

    words = set(re.findall(r"\b[A-Z][a-z]+[A-Z][A-Za-z]+\b", queries["sql"] + queries[""]))
    assert words
    assert words <= {metric.emf for metric in TABLE}


@pytest.mark.parametrize("name", ["key", "emf", "otel", "prometheus"])
def test_no_name_is_used_twice(name: str) -> None:
    assert len({getattr(metric, name) for metric in TABLE}) == len(TABLE)


def test_names_keep_to_the_rules_of_their_formats() -> None:
    for metric in TABLE:
        assert re.fullmatch(r"[A-Z][A-Za-z]{0,100}", metric.emf)
        assert re.fullmatch(r"(faas|coldcache)\.[a-z_.]{1,100}", metric.otel)
        assert re.fullmatch(r"coldcache_[a-z_]{1,100}", metric.prometheus)
        assert metric.description.endswith(".")


@pytest.mark.parametrize(
    ("text", "fitted"),
    [
        ("a-1.2/3: b", "a-1.2/3: b"),
        ("käse", "k_se"),
        ("a\nb\0c\x7f", "a_b_c_"),
        ("", "_"),
        ("   ", "_"),
        ("x" * 30, "x" * 10),
        ("é" * 30, "_" * 10),
        ("\ud800", "_"),
        (17, "17"),
    ],
)
def test_a_name_is_made_printable_ascii_of_bounded_length(text: object, fitted: str) -> None:
    assert printable(text, 10) == fitted


@pytest.mark.parametrize(
    ("text", "fitted"), [("é" * 30, "é" * 10), ("\ud800x", "?x"), ("", ""), (17, "17")]
)
def test_a_text_is_made_encodable_and_bounded(text: object, fitted: str) -> None:
    assert encodable(text, 10) == fitted


def test_the_sum_of_all_metrics_is_within_one_directive() -> None:
    assert len(names.TABLE) <= 100
