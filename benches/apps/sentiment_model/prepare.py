"""Make up comments and train the model on them."""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

import joblib

sys.path.insert(0, ".")
import comments

WORDS = {
    "happy": "love great thanks awesome fast friendly smile best".split(),
    "angry": "hate slow never broken refund worst rude again".split(),
    "neutral": "when where open today parking size delivery question".split(),
}
FILLING = "the you your a is it was my to for on with and shop order".split()

generator = random.Random(8)
Path("model").mkdir(exist_ok=True)
table = Path("model/comments.csv")
with table.open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["text", "mood"])
    for _ in range(900):
        mood = generator.choice(list(WORDS))
        words = generator.choices(FILLING, k=7) + generator.choices(WORDS[mood], k=3)
        words += generator.choices(WORDS[generator.choice(list(WORDS))], k=1)
        generator.shuffle(words)
        writer.writerow([" ".join(words), mood])
model, _ = comments.train(table)
joblib.dump(model, "model/mood.joblib")
table.unlink()
