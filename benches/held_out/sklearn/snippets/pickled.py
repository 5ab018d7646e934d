"""Models that leave the process: pickle, joblib, clone, checks, configuration, HTML."""

import io
import pickle
import warnings

import joblib
import numpy as np
import sklearn
from sklearn import clone, config_context, get_config
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.utils import Bunch, all_estimators, check_array, resample, shuffle
from sklearn.utils.validation import check_is_fitted, check_X_y

x, y = make_regression(40, 3, random_state=0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    network = MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0).fit(x, y)
print([warning.category is ConvergenceWarning for warning in caught])
same = pickle.loads(pickle.dumps(network))
buffer = io.BytesIO()
joblib.dump(network, buffer)
buffer.seek(0)
print(np.array_equal(same.predict(x), network.predict(x)), joblib.load(buffer).n_layers_)
with config_context(display="diagram", assume_finite=True):
    print(len(LogisticRegression()._repr_html_()) > 1000, get_config()["assume_finite"])
try:
    check_is_fitted(clone(network))
except NotFittedError as error:
    print("NotFittedError", error)


class Constant(ClassifierMixin, BaseEstimator):
    """Always the same."""

    def __init__(self, value=1):
        self.value = value

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return np.full(len(x), self.value)


print(is_classifier(Constant()), Constant(2).fit(x, y > 0).score(x, y > 0), Constant(3))
print(
    check_array([[1, 2]]).dtype,
    check_X_y(x, y)[0].shape,
    shuffle([1, 2, 3], random_state=0),
    resample([1, 2], random_state=0),
)
print(
    len(all_estimators()) > 150,
    Bunch(a=1).a,
    sklearn.__version__,
    SGDClassifier(random_state=0).fit(x, y > 0).score(x, y > 0) > 0.5,
)
for broken in ([[np.nan]], [["a"]]):
    try:
        check_array(broken, dtype="numeric")
    except ValueError as error:
        print(str(error).splitlines()[0])
