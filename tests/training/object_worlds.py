"""A tiny world with pixel labels: a bright square on darker ground, and a blue sky above; some pixels have no label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tests.training.worlds import SPLITS
from urbanlens.collection import Columns, ImageCollection, write_collection

NAMES = {3: "sky", 14: "earth", 44: "signboard", 77: "boat"}
SIDE = 48


def object_world(root: Path, count: int = 40, seed: int = 0, *, labels: bool = True) -> ImageCollection:
    """`count` images; every eighth has no labels. A boat is a single pixel of the first image."""
    generator = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    (root / "objects").mkdir()
    rows = []
    for number in range(count):
        name = f"image-{seed}-{number:03d}"
        ids = np.full((SIDE, SIDE), 14, np.uint8)
        ids[: generator.integers(12, 20)] = 3
        top, left = generator.integers(0, SIDE - 16, 2)
        ids[top : top + 16, left : left + 16] = 44
        pixels = np.zeros((SIDE, SIDE, 3), np.int64)
        for number_of, colour in ((3, (60, 120, 220)), (14, (110, 80, 50)), (44, (240, 220, 40))):
            pixels[ids == number_of] = colour
        pixels += generator.integers(-15, 15, pixels.shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / "images" / f"{name}.png")
        ids[:, :4] = 0
        if number == 0:
            ids[-1, -1] = 77
        if labels and number % 8 != 7:
            Image.fromarray(ids).save(root / "objects" / f"{name}.png")
        rows.append({"image_id": name, "path": f"images/{name}.png", "lat": 0.01 * number, "lon": 0.0,
                     "split": SPLITS[number % 5]})  # fmt: skip
    write_collection(root, pd.DataFrame(rows), title="Signs", columns=Columns(), objects=NAMES)
    return ImageCollection.open(root)
