"""A tiny world to judge: the more green a picture has, the better its votes; tags say what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tests.training.worlds import SPLITS
from urbanlens.collection import Columns, ImageCollection, write_collection

SIDE, VOTERS = 40, 60
GREEN, OBJECTS = (30, 190, 40), {4: "wall", 9: "grass"}
WORST, BEST = 2.0, 8.5
"""The mean mark of a picture without green, and of one that is all green."""


def green_world(
    root: Path, count: int = 90, seed: int = 0, *, objects: bool = False, **columns: object
) -> ImageCollection:
    """`count` images of 40 px; a column that is given replaces the drawn one, None takes it away.

    The lower part is green, `green` says how much of the picture. Votes are drawn round a mean that follows it; for
    every fifteenth image nobody voted. Tags: "green" above one half, "grey" below; a few are "rare".
    """
    generator = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    rows = []
    for number in range(count):
        pixels = generator.integers(70, 150, (SIDE, SIDE, 1)).repeat(3, 2)
        first = int(generator.integers(0, SIDE + 1))
        pixels[first:] = GREEN + generator.integers(-25, 25, (SIDE - first, SIDE, 1))
        share, name = 1 - first / SIDE, f"green-{seed}-{number:03d}"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / "images" / f"{name}.png")
        if objects:
            ids = np.full((SIDE, SIDE), 4, np.uint8)
            ids[first:] = 9
            (root / "objects").mkdir(exist_ok=True)
            Image.fromarray(ids).save(root / "objects" / f"{name}.png")
        marks = generator.normal(WORST + (BEST - WORST) * share, 1, VOTERS).round().clip(1, 10).astype(int)
        rows.append({"image_id": name, "path": f"images/{name}.png", "lat": 0.01 * number, "lon": 0.0,
                     "split": SPLITS[number % 5], "green": share,
                     "votes": None if number % 15 == 7 else np.bincount(marks, minlength=11)[1:].tolist(),
                     "tags": ["green" if share > 0.5 else "grey", *["rare"] * (number < 3)]})  # fmt: skip
    table = pd.DataFrame(rows).assign(**{name: value for name, value in columns.items() if value is not None})
    table = table.drop(columns=[name for name, value in columns.items() if value is None])
    lists = {name: name if name in table else None for name in ("votes", "tags")}
    write_collection(root, table, title="Green", columns=Columns(**lists), objects=OBJECTS if objects else None)
    return ImageCollection.open(root)
