"""The wine model: reading samples, training, predicting. Shared with the training job."""

from __future__ import annotations

import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

MEASURED = [
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides",
    "free sulfur dioxide", "total sulfur dioxide", "density", "pH", "sulphates", "alcohol",
]  # fmt: skip


def train(path, trees=40):
    """Fit a forest to a file of samples; return it and how well it does on those held back."""
    samples = pd.read_csv(path, sep=";")
    train_x, test_x, train_y, test_y = train_test_split(
        samples[MEASURED].to_numpy(), samples["quality"].to_numpy(), random_state=0
    )
    model = RandomForestRegressor(n_estimators=trees, max_depth=8, random_state=0)
    model.fit(train_x, train_y)
    predicted = model.predict(test_x)
    scores = {
        "rows": len(samples),
        "rmse": round(float(mean_squared_error(test_y, predicted) ** 0.5), 6),
        "r2": round(float(r2_score(test_y, predicted)), 6),
    }
    return model, scores


def predict(model, samples):
    """Predict the quality of samples, each a mapping from what was measured to its value."""
    rows = [[sample[name] for name in MEASURED] for sample in samples]
    return [round(float(quality), 3) for quality in model.predict(rows)]
