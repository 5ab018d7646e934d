"""More than two classes, several labels, few labels, outliers, density, passive updates."""

import numpy as np
from sklearn.datasets import load_wine, make_multilabel_classification
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.neighbors import KernelDensity, LocalOutlierFactor, NearestCentroid
from sklearn.preprocessing import MinMaxScaler
from sklearn.semi_supervised import LabelPropagation, SelfTrainingClassifier
from sklearn.svm import LinearSVC, OneClassSVM
from sklearn.utils.class_weight import compute_class_weight

bunch = load_wine(as_frame=True)
x, y = MinMaxScaler().fit_transform(bunch.data), bunch.target.to_numpy()
print(
    bunch.frame.shape,
    bunch.target_names,
    compute_class_weight("balanced", classes=np.unique(y), y=y).round(3),
)
line = LogisticRegression()
for made in (
    OneVsRestClassifier(line),
    OneVsOneClassifier(LinearSVC()),
    OutputCodeClassifier(line, random_state=0),
    NearestCentroid(),
):
    print(type(made).__name__, round(made.fit(x, y).score(x, y), 4))
some = np.where(np.arange(len(y)) % 5, -1, y)
for made in (SelfTrainingClassifier(line), LabelPropagation()):
    print(type(made).__name__, round(made.fit(x, some).score(x, y), 4))
features, labels = make_multilabel_classification(40, 5, random_state=0)
print(ClassifierChain(line, random_state=0).fit(features, labels).predict(features[:2]))
print(
    np.bincount(LocalOutlierFactor().fit_predict(x) + 1),
    np.bincount(OneClassSVM(nu=0.1).fit_predict(x) + 1),
)
print(KernelDensity(bandwidth=0.5).fit(x).score_samples(x[:2]).round(4))
online = Perceptron(random_state=0)
for part in np.array_split(np.arange(len(y)), 4):
    online.partial_fit(x[part], y[part], classes=[0, 1, 2])
print(round(online.score(x, y), 4))
