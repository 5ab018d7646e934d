"""Predict the quality of wines from what the laboratory measured."""

from __future__ import annotations

import json
from pathlib import Path

import joblib

import wine

MODEL = Path(__file__).parent / "model" / "wine.joblib"

model = joblib.load(MODEL)


def handler(event, context):
    samples = json.loads(event["body"])["samples"]
    return {"statusCode": 200, "body": json.dumps({"quality": wine.predict(model, samples)})}
