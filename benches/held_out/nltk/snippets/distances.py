"""Distances, alignments, translation scores, clusters."""

import numpy as np
from nltk.cluster import GAAClusterer, KMeansClusterer, cosine_distance, euclidean_distance
from nltk.metrics import edit_distance, edit_distance_align, jaccard_distance, masi_distance
from nltk.metrics.aline import align
from nltk.metrics.distance import jaro_similarity, jaro_winkler_similarity
from nltk.metrics.segmentation import ghd, pk, windowdiff
from nltk.translate import Alignment, IBMModel1, bleu_score, chrf_score, gale_church, ribes_score
from nltk.translate.api import AlignedSent

print(edit_distance("rain", "shine"), edit_distance("abcdef", "acbdef", transpositions=True))
print(
    edit_distance_align("rain", "shine"),
    jaccard_distance({1, 2}, {2, 3}),
    masi_distance({1}, {1, 2}),
)
print(
    round(jaro_similarity("martha", "marhta"), 4),
    round(jaro_winkler_similarity("dwayne", "duane"), 4),
)
print(align("driver", "riverbank")[0][:3])
print(
    windowdiff("0001000", "0010000", 3),
    pk("0100010", "0100100", 2),
    ghd("1100100000", "1100010000", 1.0, 1.0, 0.5),
)
reference = "the cat is on the mat".split()
guess = "the cat sat on the mat".split()
print(round(bleu_score.sentence_bleu([reference], guess, weights=(0.5, 0.5)), 5))
print(
    round(chrf_score.sentence_chrf(reference, guess), 5),
    round(ribes_score.sentence_ribes([reference], guess), 5),
)
pairs = [
    AlignedSent(["das", "haus"], ["the", "house"]),
    AlignedSent(["das", "buch"], ["the", "book"]),
]
model = IBMModel1(pairs, 5)
print(
    round(model.translation_table["buch"]["book"], 3),
    pairs[0].alignment,
    Alignment.fromstring("0-0 1-1"),
)
print(gale_church.align_blocks([5, 9], [6, 9]))
vectors = [np.array(pair) for pair in ([3, 3], [1, 2], [4, 2], [4, 0])]
clusterer = KMeansClusterer(2, euclidean_distance, initial_means=[[4, 3], [1, 2]])
print(clusterer.cluster(vectors, True), clusterer.means(), GAAClusterer(2).cluster(vectors, True))
print(round(float(cosine_distance(vectors[0], vectors[1])), 5))
