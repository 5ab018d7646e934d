"""Fewer dimensions: components, manifolds, projections, covariances."""

import numpy as np
from sklearn.covariance import EllipticEnvelope, GraphicalLasso, LedoitWolf
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_digits, make_spd_matrix
from sklearn.decomposition import (
    NMF,
    PCA,
    FastICA,
    IncrementalPCA,
    KernelPCA,
    LatentDirichletAllocation,
    TruncatedSVD,
)
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.manifold import MDS, TSNE, Isomap, LocallyLinearEmbedding
from sklearn.random_projection import GaussianRandomProjection

digits = load_digits(n_class=3)
x, y = digits.data[:90], digits.target[:90]
for made in (PCA(2), IncrementalPCA(2), TruncatedSVD(2, random_state=0), KernelPCA(2)):
    print(type(made).__name__, np.abs(made.fit_transform(x)).sum().round(1))
print(FastICA(2, random_state=0, max_iter=1000).fit_transform(x[:, 19:22]).shape)
print(PCA(0.9).fit(x).n_components_, NMF(2, init="nndsvda").fit_transform(x).shape)
print(LatentDirichletAllocation(2, random_state=0, max_iter=2).fit_transform(x).argmax(axis=1)[:9])
for made in (
    Isomap(),
    LocallyLinearEmbedding(random_state=0),
    TSNE(max_iter=250, perplexity=9, random_state=0, init="random"),
):
    print(type(made).__name__, made.fit_transform(x).shape)
print(MDS(n_init=1, max_iter=5, random_state=0, init="random").fit_transform(x[:9]).shape)
print(
    LinearDiscriminantAnalysis().fit(x, y).score(x, y),
    PLSRegression(2).fit(x, y).predict(x[:1]).shape,
)
print(
    GaussianRandomProjection(3, random_state=0).fit_transform(x).shape,
    RBFSampler(random_state=0).fit_transform(x).shape,
)
print(
    Nystroem(n_components=5, random_state=0).fit_transform(x).shape,
    make_spd_matrix(2, random_state=0).round(3),
)
print(
    LedoitWolf().fit(x[:, 20:24]).shrinkage_.round(4), GraphicalLasso().fit(x[:, 20:22]).n_iter_ > 0
)
print(np.bincount(EllipticEnvelope(random_state=0).fit_predict(x[:, 20:22]) + 1))
