"""Texts and mappings to numbers, topics, naive Bayes, neighbours."""

from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import LabelBinarizer, LabelEncoder, MultiLabelBinarizer, normalize

texts = ["the cat sat", "the dog sat down", "stocks fell", "stocks and shares rose again"]
about = ["pets", "pets", "money", "money"]
counts = CountVectorizer(stop_words="english", ngram_range=(1, 2))
features = counts.fit_transform(texts)
print(counts.get_feature_names_out(), features.toarray())
weights = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
print(cosine_similarity(weights).round(4), normalize(weights, "l1").sum())
print(
    HashingVectorizer(n_features=8).fit_transform(texts).shape,
    FeatureHasher(4).transform([{"a": 1}]).toarray(),
)
print(DictVectorizer(sparse=False).fit_transform([{"a": 1, "b": "x"}, {"b": "y"}]))
for made in (MultinomialNB(), BernoulliNB(), ComplementNB()):
    print(
        type(made).__name__,
        made.fit(features, about).predict(counts.transform(["a cat and a dog"])),
    )
print(GaussianNB().fit(features.toarray(), about).theta_.round(3)[0][:4])
print(
    KNeighborsClassifier(1).fit(weights, about).predict(weights),
    NearestNeighbors(n_neighbors=1).fit(weights).kneighbors(weights)[1].ravel(),
)
print(
    LabelEncoder().fit(about).classes_,
    LabelBinarizer().fit_transform(about).ravel(),
    MultiLabelBinarizer().fit_transform([["a"], ["b", "a"]]),
)
