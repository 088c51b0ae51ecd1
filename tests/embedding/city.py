"""A collection of a few drawn pictures, for tests of the embedding."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from urbanlens.collection import Columns, ImageCollection, write_collection


def small_city(root: Path, count: int = 7) -> ImageCollection:
    """Pictures of noise on a ground of their own, every second one in the west."""
    (root / "images").mkdir(parents=True)
    random = np.random.default_rng(3)
    rows = []
    for number in range(count):
        pixels = random.integers(0, 90, (48, 64, 3)) + np.array([number * 20, 80, 140 - number * 15])
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / "images" / f"p{number}.png")
        lon = 0.01 if number % 2 else -0.01
        rows.append({"image_id": f"p{number}", "path": f"images/p{number}.png", "lat": 0.001 * number, "lon": lon})
    table = pd.DataFrame(rows)
    table["city"] = ["West" if lon < 0 else "East" for lon in table["lon"]]
    write_collection(root, table, title="Small", columns=Columns(labels=["city"]))
    return ImageCollection.open(root)
