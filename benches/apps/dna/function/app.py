"""Turn a DNA sequence in FASTA format into the points of its two-dimensional picture."""

from __future__ import annotations

import json
from pathlib import Path

from squiggle import transform

GENES = Path(__file__).parent / "genes"


def handler(event, context):
    title, *lines = (GENES / event["gene"]).read_text().splitlines()
    x, y = transform("".join(lines), method=event.get("method", "squiggle"))
    points = [[float(a), float(b)] for a, b in zip(x, y)]
    return {
        "title": title.lstrip("> "),
        "points": len(points),
        "highest": max(b for _, b in points),
        "lowest": min(b for _, b in points),
        "picture": json.dumps(points[:: len(points) // 200]),
    }
