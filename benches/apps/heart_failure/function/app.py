"""The risk of patients with heart failure: of one, and how good the model is on a cohort."""

from __future__ import annotations

from pathlib import Path

import joblib
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score

HERE = Path(__file__).parent
FEATURES = ["age", "ejection_fraction", "serum_creatinine", "serum_sodium", "time", "smoking"]

model = joblib.load(HERE / "model" / "heart.joblib")


def handler(event, context):
    if event["action"] == "predict":
        return predict(event["patient"])
    return evaluate(HERE / "cohorts" / event["cohort"])


def predict(patient):
    row = [[patient[name] for name in FEATURES]]
    risk = float(model.predict_proba(row)[0, 1])
    return {"risk": round(risk, 6), "high": risk > 0.5}


def evaluate(path):
    cohort = pd.read_csv(path)
    risk = model.predict_proba(cohort[FEATURES].to_numpy())[:, 1]
    died = cohort["died"]
    by_age = cohort.assign(risk=risk).groupby(
        pd.cut(cohort["age"], [0, 50, 65, 80, 120]), observed=True
    )
    return {
        "patients": len(cohort),
        "accuracy": round(float(accuracy_score(died, risk > 0.5)), 6),
        "auc": round(float(roc_auc_score(died, risk)), 6),
        "confusion": confusion_matrix(died, risk > 0.5).tolist(),
        "risk_by_age": {
            str(ages): round(float(mean), 6) for ages, mean in by_age["risk"].mean().items()
        },
    }
