"""n-grams, counts, smoothed models, collocations, concordances."""

from nltk import ConditionalFreqDist, FreqDist, Text, bigrams, everygrams, ngrams, trigrams
from nltk.collocations import BigramAssocMeasures, BigramCollocationFinder, TrigramCollocationFinder
from nltk.lm import MLE, KneserNeyInterpolated, Laplace, Vocabulary
from nltk.lm.preprocessing import padded_everygram_pipeline
from nltk.metrics import TrigramAssocMeasures
from nltk.probability import ELEProbDist, LidstoneProbDist, SimpleGoodTuringProbDist

words = "the cat sat on the mat the dog sat on the log the cat ran to the dog".split()
print(list(bigrams(words))[:2], list(trigrams(words))[:1], list(ngrams(words, 4))[:1])
print(
    len(list(everygrams(words, max_len=3))),
    ConditionalFreqDist(bigrams(words))["the"].most_common(2),
)
for kind in (MLE, Laplace, KneserNeyInterpolated):
    data, vocabulary = padded_everygram_pipeline(2, [words])
    model = kind(2)
    model.fit(data, vocabulary)
    print(kind.__name__, round(model.score("cat", ["the"]), 5), model.generate(4, random_seed=3))
finder = BigramCollocationFinder.from_words(words)
print(
    finder.nbest(BigramAssocMeasures.pmi, 3), finder.nbest(BigramAssocMeasures.likelihood_ratio, 2)
)
print(TrigramCollocationFinder.from_words(words).nbest(TrigramAssocMeasures.raw_freq, 2))
counts = FreqDist(words)
print(LidstoneProbDist(counts, 0.1).prob("cat"), ELEProbDist(counts).prob("dog"), counts.hapaxes())
print(round(SimpleGoodTuringProbDist(counts).prob("the"), 5), Vocabulary(words, 2).lookup("mat"))
text = Text(words)
print(text.concordance_list("cat", width=30)[0].line, text.count("the"), text.vocab().N())
