"""The bill of one cold start: whose the milliseconds of init are, in one bar and its legend."""

from __future__ import annotations

from collections import Counter

from .figures import ms, percent
from .markup import Html, element
from .packages import IDLE, Packages
from .traces import Trace

__all__ = ["bill"]


def bill(trace: Trace, packages: Packages) -> Html:
    """The bar and the list of what it is made of; the list says all that the bar shows."""
    parts = _parts(trace, packages)
    whole_ms = sum(took for _, _, took in parts) or 1.0
    drawn, left = [], 0.0
    for label, style, took in parts:
        share = 100 * took / whole_ms
        text = element("text", label, x=6, y=21) if share > 6 else None
        drawn.append(
            element(
                "svg",
                element("rect", width="100%", height=32),
                text,
                class_=f"f {style}",
                x=f"{left:.3f}%",
                y=0,
                width=f"{share:.3f}%",
                height=32,
            )
        )
        left += share
    legend = [
        element(
            "li",
            element("span", class_=f"swatch {style}"),
            element("span", label, class_="label"),
            element("b", f"{ms(took)} ms"),
            element("span", percent(took, whole_ms), class_="share"),
        )
        for label, style, took in parts
    ]
    return element(
        "div",
        element("svg", drawn, width="100%", height=32, aria_hidden="true", class_="bill-bar"),
        element("ul", legend, class_="legend"),
        class_="bill",
    )


def _parts(trace: Trace, packages: Packages) -> list[tuple[str, str, float]]:
    """Label, class and milliseconds, in an order that is the same for every event."""
    took: Counter[str] = Counter()
    for one in trace.imports:
        if one.phase == "init":
            took[packages.group(one).style] += one.self_ns
    parts = [(it.label, it.style, took[it.style] / 1e6) for it in packages.groups]
    if trace.init_ms is not None:
        rest = trace.init_ms - trace.start_ms - sum(part for _, _, part in parts)
        parts.insert(0, ("interpreter start", IDLE, trace.start_ms))
        parts.append(("other than imports", IDLE, max(0.0, rest)))
    return [part for part in parts if part[2] > 0]
