"""How a customer's review feels, sentence by sentence."""

from __future__ import annotations

import json

import nltk
from textblob import TextBlob

# Untrained on purpose: without a download it splits at the usual marks, which suits reviews.
SENTENCES = nltk.tokenize.PunktSentenceTokenizer()


def handler(event, context):
    review = json.loads(event["body"])["review"]
    whole = TextBlob(review).sentiment
    sentences = []
    for sentence in SENTENCES.tokenize(review):
        sentiment = TextBlob(sentence).sentiment
        sentences.append(
            {
                "sentence": sentence,
                "polarity": round(sentiment.polarity, 4),
                "subjectivity": round(sentiment.subjectivity, 4),
            }
        )
    return {
        "statusCode": 200,
        "body": json.dumps({"polarity": round(whole.polarity, 4), "sentences": sentences}),
    }
