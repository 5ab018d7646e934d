"""Tokenizers by rule, and the corpora-based one without its data."""

import nltk
from nltk.tokenize import (
    BlanklineTokenizer,
    LegalitySyllableTokenizer,
    MWETokenizer,
    NLTKWordTokenizer,
    PunktSentenceTokenizer,
    RegexpTokenizer,
    SExprTokenizer,
    SyllableTokenizer,
    TextTilingTokenizer,
    ToktokTokenizer,
    TreebankWordDetokenizer,
    TreebankWordTokenizer,
    TweetTokenizer,
    line_tokenize,
    regexp_tokenize,
)
from nltk.tokenize.util import spans_to_relative

text = "Good muffins cost $3.88\nin New York.  Please don't buy me\ntwo of them. Thanks, Mr. O'Neil :-)"
for tokenizer in (
    TreebankWordTokenizer(),
    NLTKWordTokenizer(),
    ToktokTokenizer(),
    TweetTokenizer(),
):
    print(type(tokenizer).__name__, tokenizer.tokenize(text))
print(PunktSentenceTokenizer("Mr. Smith came. Mr. Smith left. He was late.").tokenize(text))
print(TreebankWordDetokenizer().detokenize(TreebankWordTokenizer().tokenize("I don't know.")))
print(list(spans_to_relative(RegexpTokenizer(r"\w+").span_tokenize(text)))[:5])
print(MWETokenizer([("New", "York")]).tokenize(text.split()), line_tokenize(text))
print(SExprTokenizer().tokenize("(a b (c d)) e"), SyllableTokenizer().tokenize("justification"))
print(LegalitySyllableTokenizer(["happy", "people"]).tokenize("happily"))
print(BlanklineTokenizer().tokenize("a\n\nb"), regexp_tokenize(text, r"[A-Z]\w+"))
for needs_data in (nltk.word_tokenize, nltk.sent_tokenize, lambda _: TextTilingTokenizer()):
    try:
        print(needs_data(text))
    except LookupError as error:
        print("LookupError", "punkt" in str(error), "stopwords" in str(error))
