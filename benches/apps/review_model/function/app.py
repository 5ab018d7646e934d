"""Say whether a product review is a good one, with the model trained beforehand."""

from __future__ import annotations

import re
from pathlib import Path

import joblib
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

HERE = Path(__file__).parent / "model"
NOT_LETTERS = re.compile(r"[^a-z]+")

reviews = pd.read_csv(HERE / "reviews.csv")
vectorizer = TfidfVectorizer(min_df=3).fit(reviews["clean"])
model = joblib.load(HERE / "reviews.joblib")


def handler(event, context):
    asked = pd.DataFrame({"text": event["texts"]})
    asked["clean"] = asked["text"].apply(clean)
    features = vectorizer.transform(asked["clean"])
    asked["good"] = model.predict(features)
    asked["sure"] = model.predict_proba(features).max(axis=1).round(6)
    return asked[["text", "good", "sure"]].to_dict(orient="records")


def clean(text):
    return NOT_LETTERS.sub(" ", text.lower()).strip()
