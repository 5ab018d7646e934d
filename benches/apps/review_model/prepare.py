"""Make up product reviews and train the model on them."""

from __future__ import annotations

import random
from pathlib import Path

import joblib
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

THINGS = "lamp desk chair shelf sofa carpet mirror table bed drawer".split()
GOOD = "great wonderful sturdy comfortable beautiful perfect excellent lovely".split()
BAD = "broken awful wobbly ugly terrible disappointing scratched useless".split()
FILLING = "the a is was it this very really arrived looks feels i bought for my room".split()

generator = random.Random(5)
rows = []
for _ in range(800):
    good = generator.random() < 0.5
    mostly, seldom = (GOOD, BAD) if good else (BAD, GOOD)
    words = generator.choices(FILLING, k=8) + generator.choices(THINGS, k=2)
    words += generator.choices(mostly, k=3) + generator.choices(seldom, k=generator.randint(0, 1))
    generator.shuffle(words)
    rows.append({"clean": " ".join(words), "good": int(good)})
reviews = pd.DataFrame(rows)
features = TfidfVectorizer(min_df=3).fit_transform(reviews["clean"])
Path("model").mkdir(exist_ok=True)
reviews.to_csv("model/reviews.csv", index=False)
joblib.dump(LogisticRegression().fit(features, reviews["good"]), "model/reviews.joblib")
