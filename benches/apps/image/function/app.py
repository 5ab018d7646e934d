"""Numbers about a picture: how bright, how much of it is foreground, how it is spread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from skimage import io
from skimage.color import rgb2gray
from skimage.exposure import equalize_hist
from skimage.filters import threshold_otsu

PICTURES = Path(__file__).parent / "pictures"


def handler(event, context):
    picture = io.imread(PICTURES / event["picture"])
    gray = rgb2gray(picture)
    threshold = threshold_otsu(gray)
    equalized = equalize_hist(gray)
    histogram, _ = np.histogram(equalized, bins=8, range=(0, 1))
    return {
        "size": list(picture.shape[:2]),
        "brightness": round(float(gray.mean()), 6),
        "threshold": round(float(threshold), 6),
        "foreground": round(float((gray > threshold).mean()), 6),
        "histogram": histogram.tolist(),
    }
