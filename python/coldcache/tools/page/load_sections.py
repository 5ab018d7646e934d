"""The page of a load experiment: its head, and the parts below."""

from __future__ import annotations

from .distribution import distribution
from .estimates import estimate_table
from .figures import NO_BREAK, count, ms, thousands
from .headline import Figure, top
from .lifelines import lifelines
from .load import Against, Load, Part, Variant
from .markup import Content, Html, element
from .sections import Section, facts, machine_facts

__all__ = ["load_headline", "load_sections"]

_DRAWN = ("cold latency", "warm latency")


def load_headline(load: Load) -> Html:
    """The top of the page."""
    ranked = sorted(load.variants, key=lambda it: it.shares["cold_share"].value or 0.0)
    finding: list[Content] = []
    if not ranked or not any(sum(it.calls.values()) for it in ranked):
        finding = ["No call was answered."]
        return top(finding, [])
    few, many = ranked[0], ranked[-1]
    finding = [f"{_percent(many.shares['cold_share'])} of calls met a cold start"]
    if few is many:
        finding.append(".")
    else:
        finding += [
            " with ",
            element("em", many.name),
            f", {_percent(few.shares['cold_share'])} with ",
            element("em", few.name),
            ".",
        ]
    if load.is_partial:
        aside = " Stopped early: what was not answered by then is missing."
        finding.append(element("span", aside, class_="aside"))
    return top(finding, _head_figures(few, load))


def _head_figures(variant: Variant, load: Load) -> list[Figure]:
    latency = variant.times["latency"].quantiles
    of = "" if len(load.variants) == 1 else f"with {variant.name}"
    figures: list[Figure] = [
        (thousands(sum(variant.calls.values())), "calls", of or "of the workload"),
    ]
    for name in ("p50", "p99"):
        if name in latency:
            figures.append((f"{ms(latency[name].value)} ms", f"latency {name}", of))
    figures.append((thousands(variant.used), "environments", f"{variant.most_at_once} at once"))
    amount = f"{variant.money_a_month:.2f} {load.currency}"
    figures.append((amount, "a month", "at list prices, if it went on like this"))
    return figures


def load_sections(load: Load) -> list[Section]:
    """The parts of the page below its head."""
    return [
        Section("variants", "Calls, errors, money", _variants(load)),
        Section("distributions", "How latencies are spread", _distributions(load)),
        Section("timeline", "Environments over time", _timelines(load)),
        Section("figures", "Figures with intervals", _figures(load)),
        Section("method", "How it was measured", _method(load)),
    ]


def _variants(load: Load) -> Html:
    head = element(
        "tr",
        element("th", "", scope="col"),
        [
            element(
                "th", element("span", class_=f"swatch {it.style}"), it.name, scope="col", class_="n"
            )
            for it in load.variants
        ],
    )
    lines: list[tuple[str, str, list[tuple[str, str]]]] = [
        (
            "calls",
            "cold, warm, throttled",
            [
                (
                    thousands(sum(it.calls.values())),
                    ", ".join(thousands(it.calls[kind]) for kind in ("cold", "warm", "throttled")),
                )
                for it in load.variants
            ],
        ),
        ("pings", "of the strategy itself", [(thousands(it.pings), "") for it in load.variants]),
        *(
            (name, meaning, [_cells(it.shares[share]) for it in load.variants])
            for share, name, meaning in (
                ("cold_share", "cold starts", "of calls that reached an environment"),
                ("startup_errors", "errors in startup", "of cold starts"),
                ("errors", "no good answer", "of all calls"),
                ("throttled", "throttled", "of all calls"),
            )
        ),
        *_versus(load),
        (
            "environments",
            "that took a call",
            [(thousands(it.used), f"{thousands(it.most_at_once)} at once") for it in load.variants],
        ),
        (
            "GB-seconds",
            "of calls, and of environments kept",
            [(f"{it.gb_s:.1f}", f"{it.kept_gb_s:.1f} kept") for it in load.variants],
        ),
        (
            f"{load.currency} a month",
            load.prices,
            [(f"{it.money_a_month:.2f}", f"{it.money:.2g} in all") for it in load.variants],
        ),
    ]
    rows = [
        element(
            "tr",
            element("th", element("b", name), " ", element("small", meaning), scope="row"),
            [
                element(
                    "td",
                    element("span", it.name, class_="role"),
                    element("b", number),
                    element("small", note),
                    class_="n",
                )
                for it, (number, note) in zip(load.variants, cells, strict=True)
            ],
        )
        for name, meaning, cells in lines
    ]
    caption = "Figures of each variant"
    table = element(
        "table",
        element("caption", caption, class_="vh"),
        element("thead", head),
        element("tbody", rows),
        class_="variants",
    )
    return element("div", table, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _versus(load: Load) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """How the variants differ from the first of them, call by call."""
    compared = [it.versus for it in load.variants if it.versus]
    if not compared:
        return []
    baseline = compared[0]["cold"].baseline
    return [
        (
            name,
            f"against {baseline}, {of}",
            [
                _difference(it.versus[field], scale, unit) if it.versus else ("", "")
                for it in load.variants
            ],
        )
        for field, name, of, scale, unit in (
            ("cold", "fewer or more cold starts", "of the same calls", 100.0, "%"),
            ("latency_ms", "mean latency", "of calls that both answered", 1.0, "ms"),
        )
    ]


def _difference(against: Against, scale: float, unit: str) -> tuple[str, str]:
    value, low, high = (scale * it for it in (against.difference, against.low, against.high))
    verdict = "too short to tell" if against.verdict == "too few rounds" else against.verdict
    return f"{value:+.2f}{NO_BREAK}{unit}", f"{verdict}; {low:+.2f} to {high:+.2f}"


def _cells(part: Part) -> tuple[str, str]:
    if part.value is None:
        return "none", ""
    ends = f"{100 * part.low:.2g} to {100 * part.high:.2g} %"
    return f"{_percent(part)}", f"{thousands(part.count)}; {ends}"


def _percent(part: Part) -> str:
    return f"{100 * (part.value or 0.0):.2g}{NO_BREAK}%"


def _distributions(load: Load) -> Html:
    note = (
        "Above, how many calls fall into each step; below, the share of calls "
        "that took at most so long. Lines are at 50, 90 and 100 %."
    )
    parts = [element("p", note, class_="note")]
    for name in _DRAWN:
        drawn = distribution([it.times[name] for it in load.variants], "ms")
        if drawn is not None:
            parts += [element("h3", name), drawn]
    return Html("".join(parts))


def _timelines(load: Load) -> Html:
    kinds = (
        ("start", "cold start"),
        ("works", "answers"),
        ("fails", "no good answer"),
        ("waits", "waits"),
    )
    legend = element(
        "ul",
        [
            element("li", element("span", class_=f"swatch {style}"), element("span", name))
            for style, name in kinds
        ],
        class_="legend",
    )
    parts = [legend]
    for it in load.variants:
        if it.lives:
            caption = f"Environments of {it.name}"
            parts.append(element("h3", it.name))
            parts.append(lifelines(it.lives, it.style, caption))
    return Html("".join(parts))


def _figures(load: Load) -> Html:
    note = (
        "Milliseconds. Below each quantile: between which order statistics the "
        "true one lies, at 95 %, if calls were independent of each other; those of one burst are "
        "not, so repeat with other seeds before you rely on a narrow interval."
    )
    names = list(load.variants[0].times) if load.variants else []
    groups = {name: [it.times[name] for it in load.variants] for name in names}
    return Html(element("p", note, class_="note") + estimate_table("Quantiles", groups))


def _method(load: Load) -> Html:
    simulated = sum(it.simulated for it in load.variants)
    calls = sum(sum(it.calls.values()) for it in load.variants)
    real = f"{count(calls - simulated, 'call')} answered by real processes"
    if simulated:
        real += f", {thousands(simulated)} simulated from measured times"
    rows: list[tuple[str, Content]] = [
        ("calls", real),
        *(
            (name, value)
            for name, value in load.options.items()
            if value not in {"null", "", "[]", "{}"}
        ),
        ("seed", str(load.seed)),
        ("memory", f"{load.memory_mb} MB"),
        ("money", f"{load.prices}; init is charged for, free tier and discounts are not taken off"),
        *machine_facts(load.machine),
        ("taken", f"{load.started_at}, in {load.elapsed_s:.0f} s"),
    ]
    return facts(rows)
