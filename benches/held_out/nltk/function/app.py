"""The words a review uses most, in their stems."""

from __future__ import annotations

import nltk
from nltk.stem import PorterStemmer
from nltk.tokenize import wordpunct_tokenize

stemmer = PorterStemmer()


def handler(event, context):
    words = [word.lower() for word in wordpunct_tokenize(event["text"]) if word.isalpha()]
    counts = nltk.FreqDist(stemmer.stem(word) for word in words)
    return {"words": len(words), "most": counts.most_common(5)}
