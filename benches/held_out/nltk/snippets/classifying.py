"""Classifiers: Bayes, decision trees, maximum entropy, positive naive Bayes, and their measures."""

from nltk import ConfusionMatrix, DecisionTreeClassifier, MaxentClassifier, NaiveBayesClassifier
from nltk.classify import PositiveNaiveBayesClassifier, accuracy, apply_features
from nltk.metrics import accuracy as agreement
from nltk.metrics import f_measure, precision, recall
from nltk.metrics.agreement import AnnotationTask

names = [
    ("Ada", "f"),
    ("Grace", "f"),
    ("Barbara", "f"),
    ("Edsger", "m"),
    ("Tony", "m"),
    ("Don", "m"),
]


def features(name):
    return {"last": name[-1].lower(), "length": len(name), "first": name[0].lower()}


train = apply_features(lambda pair: features(pair), [name for name, _ in names], labeled=False)
labelled = list(zip(train, [label for _, label in names], strict=True))
bayes = NaiveBayesClassifier.train(labelled)
print(bayes.classify(features("Maria")), accuracy(bayes, labelled))
print(round(bayes.prob_classify(features("Leon")).prob("m"), 4))
tree = DecisionTreeClassifier.train(labelled, entropy_cutoff=0, support_cutoff=0)
print(tree.pseudocode())
entropy = MaxentClassifier.train(labelled, algorithm="gis", trace=0, max_iter=5)
print(entropy.classify(features("Leon")))
positive = PositiveNaiveBayesClassifier.train([features("Ada")], [features(n) for n, _ in names])
print(positive.classify(features("Ada")))
guesses = [bayes.classify(features(name)) for name, _ in names]
labels = [label for _, label in names]
print(ConfusionMatrix(labels, guesses), agreement(labels, guesses))
print(precision({1, 2}, {2, 3}), recall({1, 2}, {2, 3}), f_measure({1, 2}, {2, 3}))
print(
    round(AnnotationTask([("a", 1, "x"), ("b", 1, "x"), ("a", 2, "y"), ("b", 2, "x")]).kappa(), 4)
)
