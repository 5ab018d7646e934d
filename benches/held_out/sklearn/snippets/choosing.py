"""Choosing a model: splits, cross validation, searches, curves, calibration, dummies."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    LeaveOneOut,
    ParameterSampler,
    RandomizedSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.svm import SVC

x, y = make_classification(80, 6, random_state=3)
x1, x2, y1, y2 = train_test_split(x, y, stratify=y, random_state=0)
print(cross_val_score(LogisticRegression(), x, y, cv=StratifiedKFold(4)).round(4))
print(sorted(cross_validate(SVC(), x, y, cv=3, scoring=["f1", "roc_auc"])))
grid = GridSearchCV(SVC(), {"C": [0.1, 1, 10], "kernel": ["linear", "rbf"]}, cv=3).fit(x1, y1)
print(grid.best_params_, round(grid.score(x2, y2), 4))
print(
    RandomizedSearchCV(SVC(), {"C": np.logspace(-2, 2, 9)}, n_iter=4, random_state=1, cv=3)
    .fit(x, y)
    .best_params_
)
print(HalvingGridSearchCV(SVC(), {"C": [0.1, 1.0]}, random_state=0, cv=3).fit(x, y).best_params_)
print(list(ParameterSampler({"a": [1, 2, 3]}, 2, random_state=0)), LeaveOneOut().get_n_splits(x))
print(
    [len(test) for _, test in TimeSeriesSplit(3).split(x)],
    [len(t) for _, t in GroupKFold(2).split(x, y, y)],
)
print(learning_curve(LogisticRegression(), x, y, cv=3, train_sizes=[0.5, 1.0])[1].round(3))
print(validation_curve(SVC(), x, y, param_name="C", param_range=[0.1, 1], cv=3)[1].round(3))
print(
    round(
        permutation_test_score(LogisticRegression(), x, y, n_permutations=5, random_state=0)[2], 4
    )
)
calibrated = CalibratedClassifierCV(SVC(), cv=3).fit(x, y)
print(calibration_curve(y, calibrated.predict_proba(x)[:, 1], n_bins=3)[0].round(3))
print(cross_val_predict(DummyClassifier(strategy="most_frequent"), x, y, cv=3)[:5])
