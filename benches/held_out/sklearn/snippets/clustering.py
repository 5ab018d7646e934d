"""Clusters of all kinds, and how good they are."""

import warnings

import numpy as np
from sklearn.cluster import (
    DBSCAN,
    HDBSCAN,
    OPTICS,
    AgglomerativeClustering,
    Birch,
    KMeans,
    MeanShift,
    MiniBatchKMeans,
    SpectralClustering,
)
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

points, truth = make_blobs(90, centers=[[0, 0], [6, 6], [0, 7]], cluster_std=0.5, random_state=0)
for made in (
    KMeans(3, n_init=3, random_state=0),
    MiniBatchKMeans(3, n_init=3, random_state=0),
    AgglomerativeClustering(3),
    DBSCAN(eps=1.0),
    HDBSCAN(min_cluster_size=5, copy=True),
    OPTICS(min_samples=5),
    Birch(n_clusters=3),
    MeanShift(bandwidth=2),
    SpectralClustering(3, random_state=0),
):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        labels = made.fit_predict(points)
    print(
        type(made).__name__,
        round(adjusted_rand_score(truth, labels), 4),
        [str(w.message)[:40] for w in caught],
    )
print(round(silhouette_score(points, truth), 4))
for mixture in (
    GaussianMixture(3, random_state=0),
    BayesianGaussianMixture(n_components=3, random_state=0),
):
    print(np.bincount(mixture.fit_predict(points)), round(float(mixture.score(points)), 3))
