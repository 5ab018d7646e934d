"""The model of moods: trained from a table of comments, asked with single ones."""

from __future__ import annotations

import re

import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

LINK = re.compile(r"https?://\S+|@\w+")


def train(path):
    """Fit the model to a file of comments; return it and how good it is."""
    table = pd.read_csv(path).dropna()
    texts = table["text"].map(cleaned)
    model = make_pipeline(CountVectorizer(ngram_range=(1, 2), min_df=2), MultinomialNB())
    score = cross_val_score(model, texts, table["mood"], cv=5).mean()
    return model.fit(texts, table["mood"]), float(score)


def moods(model, texts):
    """Say the mood of each text, and how sure that is."""
    sure = model.predict_proba([cleaned(text) for text in texts])
    return [
        {"mood": str(model.classes_[row.argmax()]), "sure": round(float(row.max()), 6)}
        for row in sure
    ]


def cleaned(text):
    return LINK.sub(" ", text).lower()
