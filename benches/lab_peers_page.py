"""Writes what `lab_peers.py` measured as a page of the documentation."""

from __future__ import annotations

from typing import Any

INTRODUCTION = """\
# Comparison in the lab: plain, AWS Powertools, coldcache

<!-- Written by benches/lab_peers.py; do not edit by hand. -->

Four functions in the [lab](lab.md), each fetching a setting (the report function also a secret)
from a local AWS: the [example](demo.md), and three of the
[rebuilt applications](../benches/apps/README.md).

| variant | what it is |
| --- | --- |
| plain | a boto3 client at module level, the setting fetched on every call |
| powertools | the same with `parameters` of AWS Powertools, kept for 300 s |
| coldcache | the same with `coldcache.once` and `coldcache.cached(ttl=300)` |
| coldcache, with a plan | that code under the plan of `coldcache optimize`, without an edit |

The report function's variant with coldcache is `examples/report_function/tuned`, which also
imports pandas lazily.

Every row is a comparison of its own: fresh processes of the real runtime client, the two variants
in turns, so ratios mean more than times. Target / baseline, medians, with 95 % intervals; the
verdict is [the lab's](lab.md#the-verdict): at most 1 % of comparisons of equal functions would say
that one differs. The local AWS answers within milliseconds; what a call to AWS takes in a region
is not in these figures, and with it plain's warm answers would be longer.
"""

METRICS = (
    ("init_ms", "init", 1.0, "ms"),
    ("first_answer_ms", "init + first answer", 1.0, "ms"),
    ("warm_answer_ms", "warm answer", 1.0, "ms"),
    ("peak_memory_bytes", "memory", 1e-6, "MB"),
)


def as_page(documents: list[dict[str, Any]]) -> str:
    """The page."""
    first = documents[0]
    lab = first["measured"][0]["lab"]
    machine = lab["machine"]
    loads = ", ".join(f"{one['load']:.1f}" for one in documents)
    facts = (
        f"Measured on {lab['started_at'][:10]} on {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['platform']}; {machine['python']}, awslambdaric {machine['awslambdaric']}, "
        f"coldcache {machine['coldcache']}, AWS Powertools "
        f"{first['versions']['aws-lambda-powertools']}, boto3 {first['versions']['boto3']}. "
        f"{lab['options']['runs']} rounds each; load afterwards {loads}. "
        "Command: `python benches/lab_peers.py`."
    )
    return "\n".join([INTRODUCTION, facts, "", *(table(one) for one in documents)])


def table(document: dict[str, Any]) -> str:
    """One function: a row a comparison, a column a figure."""
    heads = [f"{name}, {unit}" for _, name, _, unit in METRICS]
    lines = [
        f"## {document['case']}, {document['event']}",
        "",
        "| target | baseline | " + " | ".join(heads) + " | answers |",
        "| --- | --- | " + "---: | " * len(METRICS) + "--- |",
    ]
    for one in document["measured"]:
        [result] = one["lab"]["results"]
        cells = [cell(result["metrics"][name], factor) for name, _, factor, _ in METRICS]
        answers = result["answers"]["verdict"]
        lines.append(f"| {one['target']} | {one['baseline']} | {' | '.join(cells)} | {answers} |")
    if not document["has_plan"]:
        lines += ["", "`coldcache optimize` found no plan that is better, so there is no such row."]
    return "\n".join([*lines, ""])


def cell(metric: dict[str, Any], factor: float) -> str:
    """Medians, ratio with its interval, verdict."""
    target, baseline = (metric[role]["median"] * factor for role in ("target", "baseline"))
    ratio, verdict = metric["ratio"], metric["effect"]["verdict"]
    word = f"**{verdict}**" if verdict in {"better", "worse"} else verdict
    between = f"{ratio['value']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
    return f"{number(target)} / {number(baseline)} = {between} {word}"


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
