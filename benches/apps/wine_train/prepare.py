"""Make up the wine samples of a season."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, ".")
import wine

LOWEST = [4.6, 0.12, 0.0, 0.9, 0.012, 1, 6, 0.990, 2.74, 0.33, 8.4]
HIGHEST = [15.9, 1.58, 1.0, 15.5, 0.61, 72, 289, 1.004, 4.01, 2.0, 14.9]

generator = np.random.default_rng(12)
values = generator.uniform(LOWEST, HIGHEST, (1600, len(wine.MEASURED)))
samples = pd.DataFrame(values.round(4), columns=wine.MEASURED)
score = 3 + 0.4 * (samples["alcohol"] - 8.4) - 1.2 * samples["volatile acidity"]
samples["quality"] = (score + generator.normal(0, 0.4, len(samples))).round().clip(3, 8).astype(int)
Path("seasons").mkdir(exist_ok=True)
samples.to_csv("seasons/2026.csv", sep=";", index=False)
