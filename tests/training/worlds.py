"""A tiny world to learn: one city has bright squares, the other dark ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from urbanlens.collection import Columns, ImageCollection, write_collection

SPLITS = ("train", "train", "train", "val", "test")


def world(root: Path, count: int = 60, seed: int = 0, **columns: object) -> ImageCollection:
    """`count` images of 40 px; every sixth has no city."""
    generator = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    rows = []
    for number in range(count):
        name, city = (
            f"image-{seed}-{number:03d}",
            (None, "Dark", "Light")[(number % 3) if number % 2 else 1 + number // 2 % 2],
        )
        pixels = generator.integers(90, 160, (40, 40, 3), dtype=np.uint8)
        top, left = generator.integers(0, 20, 2)
        pixels[top : top + 20, left : left + 20] = 240 if city == "Light" else 15
        Image.fromarray(pixels).save(root / "images" / f"{name}.png")
        rows.append({"image_id": name, "path": f"images/{name}.png", "lat": 0.001 * number, "lon": 0.0, "city": city,
                     "split": SPLITS[number // 3 % 5], "mark": city == "Light" and number % 8 == 2})  # fmt: skip
    table = pd.DataFrame(rows).assign(**columns)
    write_collection(root, table, title="Two cities", columns=Columns(labels=["city"]))
    return ImageCollection.open(root)
