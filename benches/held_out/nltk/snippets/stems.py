"""All stemmers that need no data."""

from nltk.stem import (
    ARLSTem,
    ISRIStemmer,
    LancasterStemmer,
    PorterStemmer,
    RegexpStemmer,
    RSLPStemmer,
    SnowballStemmer,
)
from nltk.stem.cistem import Cistem

words = "running flies happily generalizations maximum relational".split()
for stemmer in (PorterStemmer(), LancasterStemmer(), RegexpStemmer("ing$|s$|e$", min=4)):
    print(stemmer, [stemmer.stem(word) for word in words])
for language in ("english", "german", "french", "finnish", "russian", "arabic"):
    print(
        language,
        SnowballStemmer(language).stem("автомобили" if language == "russian" else "libres"),
    )
print(Cistem().segment("Speisekarten"), ISRIStemmer().stem("كتابة"), ARLSTem().stem("يعمل"))
try:
    RSLPStemmer()
except LookupError:
    print("no data for rslp")
