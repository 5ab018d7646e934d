"""Corpora of one's own, lookups that fail, features, tables, chat, and what the package shows."""

import tempfile
from pathlib import Path

import nltk
from nltk.chat.eliza import eliza_chatbot
from nltk.corpus.reader import (
    CategorizedPlaintextCorpusReader,
    PlaintextCorpusReader,
    TaggedCorpusReader,
)
from nltk.corpus.reader.wordlist import WordListCorpusReader
from nltk.featstruct import FeatStruct
from nltk.tokenize import LineTokenizer
from nltk.util import binary_search_file, flatten, guess_encoding, pad_sequence, tokenwrap

with tempfile.TemporaryDirectory() as folder:
    nltk.data.path.append(folder)
    for name, text in {"a_1.txt": "One two.\n\nThree four!", "b_1.txt": "Five/CD six/CD"}.items():
        Path(folder, name).write_text(text)
    plain = PlaintextCorpusReader(folder, r"a.*\.txt", sent_tokenizer=LineTokenizer())
    print(plain.fileids(), list(plain.words()), len(plain.paras()), plain.raw()[:4])
    named = CategorizedPlaintextCorpusReader(folder, r".*\.txt", cat_pattern=r"(\w)_.*")
    print(named.categories(), list(named.words(categories="a")))
    print(TaggedCorpusReader(folder, "b_1.txt").tagged_words()[0])
    print(WordListCorpusReader(folder, ["a_1.txt"]).words())
for name in ("stopwords", "wordnet", "brown"):
    try:
        print(getattr(nltk.corpus, name).words())
    except (LookupError, AttributeError) as error:
        print(name, type(error).__name__)
one, two = FeatStruct(NUM="sg", SUBJ=FeatStruct(PER=3)), FeatStruct("[NUM=?n, CASE='nom']")
print(one.unify(two), FeatStruct("[A=1]").unify(FeatStruct("[A=2]")))
print(type(eliza_chatbot).__name__, eliza_chatbot.respond("quit") is not None)
print(list(pad_sequence([1, 2], 2, pad_left=True, left_pad_symbol="<s>")), flatten([1, [2, [3]]]))
print(guess_encoding("ä".encode())[1], tokenwrap(["a", "b"]), binary_search_file.__module__)
print(nltk.__version__, "word_tokenize" in dir(nltk), nltk.data.path[-1] is not None)
print(nltk.parse.util.__name__, nltk.ccg.__name__, hasattr(nltk, "nothing_like_this"))
