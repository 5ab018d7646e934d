"""Regressions: regularised, robust, quantile, Gaussian processes, isotonic, kernels, support vectors."""

import warnings

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    Lars,
    LassoCV,
    OrthogonalMatchingPursuit,
    PoissonRegressor,
    QuantileRegressor,
    RANSACRegressor,
    RidgeCV,
    TheilSenRegressor,
)
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.preprocessing import PowerTransformer, QuantileTransformer, SplineTransformer
from sklearn.svm import SVR, LinearSVR, NuSVR

x, y = load_diabetes(return_X_y=True)
x, y = x[:120], y[:120]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for made in (
        RidgeCV(), LassoCV(cv=3), ElasticNetCV(cv=3), BayesianRidge(), ARDRegression(), HuberRegressor(max_iter=300),
        Lars(), OrthogonalMatchingPursuit(), QuantileRegressor(alpha=0), PoissonRegressor(), GammaRegressor(),
        RANSACRegressor(random_state=0), TheilSenRegressor(random_state=0, max_subpopulation=50), KernelRidge(),
        SVR(C=10), NuSVR(C=10), LinearSVR(random_state=0, max_iter=500),
        TransformedTargetRegressor(RidgeCV(), func=np.log1p, inverse_func=np.expm1),
        GaussianProcessRegressor(RBF() + WhiteKernel(), random_state=0, optimizer=None),
    ):  # fmt: skip
        print(type(made).__name__, round(float(made.fit(x, y).score(x, y)), 3))
print(IsotonicRegression().fit_transform([1, 2, 3], [3, 1, 2]))
both = np.column_stack([y, -y])
print(
    MultiOutputRegressor(RidgeCV()).fit(x, both).predict(x[:1]).round(2),
    RegressorChain(RidgeCV()).fit(x, both).predict(x[:1]).round(2),
)
print(
    SplineTransformer(n_knots=3).fit_transform(x[:, :1]).shape,
    PowerTransformer().fit_transform(x[:, :1])[0].round(3),
)
print(QuantileTransformer(n_quantiles=5).fit_transform(x[:, :1])[0].round(3))
