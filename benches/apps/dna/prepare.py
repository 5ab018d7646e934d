"""Make up a gene."""

from __future__ import annotations

import random
from pathlib import Path

generator = random.Random(23)
bases = "".join(generator.choices("ACGT", weights=[3, 2, 2, 3], k=6000))
lines = [bases[at : at + 70] for at in range(0, len(bases), 70)]
Path("genes").mkdir(exist_ok=True)
Path("genes", "made_up.fasta").write_text("\n".join([">made up, 6000 bases", *lines]) + "\n")
