"""Train the wine model on the samples of a season and keep it for the predicting function."""

from __future__ import annotations

import tempfile
from pathlib import Path

import joblib

import wine

SEASONS = Path(__file__).parent / "seasons"


def handler(event, context):
    model, scores = wine.train(SEASONS / event["season"], trees=event.get("trees", 40))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "wine.joblib")
        joblib.dump(model, path)
        size = path.stat().st_size
    return {"season": event["season"], "model_bytes": size, **scores}
