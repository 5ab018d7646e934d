"""Make up product reviews."""

from __future__ import annotations

import csv
import random
from pathlib import Path

THINGS = "lamp desk chair shelf sofa carpet mirror table bed drawer".split()
WORDS = [
    "broken awful terrible useless".split(),
    "ugly wobbly scratched disappointing".split(),
    "plain usual expected average".split(),
    "good sturdy comfortable nice".split(),
    "great wonderful perfect excellent".split(),
]
FILLING = "the a is was it this very really arrived looks feels i bought for my room".split()

generator = random.Random(6)
Path("data").mkdir(exist_ok=True)
with Path("data", "reviews.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["score", "text"])
    for _ in range(1000):
        score = generator.randint(1, 5)
        words = generator.choices(FILLING, k=8) + generator.choices(THINGS, k=2)
        words += generator.choices(WORDS[score - 1], k=3) + generator.choices(sum(WORDS, []), k=1)
        generator.shuffle(words)
        writer.writerow([score, " ".join(words).capitalize() + "!"])
