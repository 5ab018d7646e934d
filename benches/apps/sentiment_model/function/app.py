"""The mood of a comment, by the model that was trained on the comments of last year."""

from __future__ import annotations

import json
from pathlib import Path

import joblib

import comments

model = joblib.load(Path(__file__).parent / "model" / "mood.joblib")


def handler(event, context):
    asked = json.loads(event["body"])["comments"]
    return {"statusCode": 200, "body": json.dumps({"moods": comments.moods(model, asked)})}
