"""Taggers trained on the spot."""

import warnings

from nltk.tag import (
    AffixTagger,
    BigramTagger,
    DefaultTagger,
    RegexpTagger,
    UnigramTagger,
    brill,
    brill_trainer,
    hmm,
    pos_tag,
    str2tuple,
    untag,
)
from nltk.tag.mapping import tagset_mapping
from nltk.tag.tnt import TnT

lines = ["the/DT dog/NN runs/VBZ", "a/DT cat/NN sees/VBZ the/DT dog/NN", "the/DT run/NN ends/VBZ"]
sentences = [[str2tuple(token) for token in line.split()] for line in lines]
words = "the cat runs".split()
backoff = RegexpTagger([(r".*s$", "VBZ"), (r".*", "NN")])
unigram = UnigramTagger(sentences, backoff=backoff)
bigram = BigramTagger(sentences, backoff=unigram)
for tagger in (DefaultTagger("X"), backoff, unigram, bigram, AffixTagger(sentences)):
    print(type(tagger).__name__, tagger.tag(words), round(tagger.accuracy(sentences), 3))
trained = hmm.HiddenMarkovModelTrainer().train_supervised(sentences)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(trained.tag("the dog runs".split()))
print([f"{warning.category.__name__} {warning.message}" for warning in caught])
tnt = TnT()
tnt.train(sentences)
print(tnt.tag(words))
trainer = brill_trainer.BrillTaggerTrainer(unigram, brill.fntbl37(), trace=0)
print(len(trainer.train(sentences, max_rules=3).rules()), untag(sentences[0]))
for needs_data in (lambda: pos_tag(words), lambda: tagset_mapping("en-ptb", "universal")):
    try:
        print(needs_data())
    except LookupError:
        print("no data")
