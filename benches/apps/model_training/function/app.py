"""Train the model that tells good reviews from bad ones, and keep it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import joblib
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

DATA = Path(__file__).parent / "data"
NOT_LETTERS = re.compile(r"[^a-z]+")


def handler(event, context):
    reviews = pd.read_csv(DATA / event["dataset"])
    reviews["clean"] = reviews["text"].apply(clean)
    vectorizer = TfidfVectorizer(min_df=event.get("min_df", 3)).fit(reviews["clean"])
    features = vectorizer.transform(reviews["clean"])
    model = LogisticRegression().fit(features, reviews["score"] > 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "reviews.joblib")
        joblib.dump(model, path)
        size = path.stat().st_size
    return {
        "reviews": len(reviews),
        "words": len(vectorizer.vocabulary_),
        "accuracy": round(float(model.score(features, reviews["score"] > 3)), 6),
        "model_bytes": size,
    }


def clean(text):
    return NOT_LETTERS.sub(" ", text.lower()).strip()
