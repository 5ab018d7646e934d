"""Trees, forests, boosting, voting, stacking, isolation, importances."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, export_graphviz, export_text

x, y = load_iris(return_X_y=True)
tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(x, y)
print(export_text(tree), export_graphviz(tree)[:20])
few = {"n_estimators": 5, "random_state": 0}
for made in (
    RandomForestClassifier(**few),
    ExtraTreesClassifier(**few),
    GradientBoostingClassifier(**few),
    AdaBoostClassifier(**few),
    BaggingClassifier(**few),
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
):
    print(type(made).__name__, round(made.fit(x, y).score(x, y), 4))
parts = [("tree", tree), ("line", LogisticRegression(max_iter=500))]
print(VotingClassifier(parts, voting="soft").fit(x, y).predict(x[::50]))
print(StackingClassifier(parts, cv=3).fit(x, y).predict(x[::50]))
print(np.bincount(IsolationForest(**few).fit_predict(x) + 1))
print(permutation_importance(tree, x, y, n_repeats=2, random_state=0).importances_mean.round(3))
print(
    partial_dependence(tree, x, [3], response_method="predict_proba", grid_resolution=4)[
        "average"
    ].shape
)
print(DecisionTreeRegressor(max_depth=1).fit([[0], [1], [2]], [0, 1, 5]).predict([[3]]))
