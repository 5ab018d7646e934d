"""Measures of classifications, regressions and rankings."""

import warnings

import numpy as np
from sklearn import metrics

truth, guess = [0, 1, 1, 0, 1, 2, 2], [0, 1, 0, 0, 1, 2, 1]
print(metrics.classification_report(truth, guess, digits=4))
print(metrics.confusion_matrix(truth, guess), metrics.cohen_kappa_score(truth, guess))
print(metrics.multilabel_confusion_matrix(truth, guess)[0], metrics.matthews_corrcoef(truth, guess))
sure = [0.1, 0.9, 0.4, 0.35]
curve = metrics.precision_recall_curve([0, 1, 0, 1], sure)
print(curve[0], metrics.roc_auc_score([0, 1, 0, 1], sure), metrics.log_loss([0, 1, 0, 1], sure))
print(
    metrics.brier_score_loss([0, 1, 0, 1], sure),
    metrics.average_precision_score([0, 1, 0, 1], sure),
)
real, predicted = [3.0, 2.0, 7.0], [2.5, 2.0, 8.0]
for name in (
    "mean_squared_error",
    "mean_absolute_error",
    "r2_score",
    "mean_poisson_deviance",
    "max_error",
):
    print(name, round(float(getattr(metrics, name)(real, predicted)), 6))
print(
    metrics.ndcg_score([[3, 2, 1]], [[1, 2, 3]]),
    metrics.top_k_accuracy_score([0, 1, 2], np.eye(3), k=1),
)
print(metrics.pairwise_distances([[0, 0], [3, 4]]), metrics.pairwise.rbf_kernel([[0.0], [1.0]]))
print(
    metrics.normalized_mutual_info_score(truth, guess),
    metrics.make_scorer(metrics.fbeta_score, beta=2),
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    metrics.precision_score([0, 0], [0, 0], zero_division="warn", pos_label=1)
print([warning.category.__name__ for warning in caught], len(metrics.get_scorer_names()))
try:
    metrics.accuracy_score([0, 1], [0])
except ValueError as error:
    print(error)
