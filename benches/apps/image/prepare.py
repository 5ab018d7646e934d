"""Draw the picture that the function looks at: a bright disc on a slope, with some noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

PICTURES = Path("pictures")

rows, columns = np.mgrid[0:240, 0:320]
slope = (rows + columns) / (240 + 320)
disc = (rows - 120) ** 2 + (columns - 160) ** 2 < 70**2
noise = np.random.default_rng(4).normal(0, 0.03, rows.shape)
gray = np.clip(0.5 * slope + 0.45 * disc + noise, 0, 1)
colours = np.stack([gray, gray * 0.9, gray * 0.7], axis=-1)
PICTURES.mkdir(exist_ok=True)
Image.fromarray((colours * 255).astype(np.uint8)).save(PICTURES / "disc.png")
