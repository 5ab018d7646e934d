"""Make up two cohorts, train the model on one and keep the other to judge it."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = ["age", "ejection_fraction", "serum_creatinine", "serum_sodium", "time", "smoking"]


def cohort(generator, count):
    """Patients with the shape of the published records, none of them real."""
    patients = pd.DataFrame(
        {
            "age": generator.integers(40, 96, count),
            "ejection_fraction": generator.integers(14, 71, count),
            "serum_creatinine": generator.gamma(4, 0.35, count).round(2),
            "serum_sodium": generator.normal(137, 4, count).round(),
            "time": generator.integers(4, 286, count),
            "smoking": generator.integers(0, 2, count),
        }
    )
    risk = (
        0.05 * (patients["age"] - 60)
        - 0.06 * (patients["ejection_fraction"] - 38)
        + 0.8 * (patients["serum_creatinine"] - 1.4)
        - 0.015 * (patients["time"] - 130)
    )
    patients["died"] = (generator.random(count) < 1 / (1 + np.exp(-risk))).astype(int)
    return patients


generator = np.random.default_rng(31)
known = cohort(generator, 900)
model = make_pipeline(StandardScaler(), LogisticRegression())
model.fit(known[FEATURES].to_numpy(), known["died"])
Path("model").mkdir(exist_ok=True)
joblib.dump(model, "model/heart.joblib")
Path("cohorts").mkdir(exist_ok=True)
cohort(generator, 300).to_csv("cohorts/spring.csv", index=False)
