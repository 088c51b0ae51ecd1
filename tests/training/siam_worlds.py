"""A tiny world to explain: red and blue signs, in the upper or the lower half, make the score by a known rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from urbanlens.collection import Columns, ImageCollection, write_collection

SIDE, SIGN = 32, 10
COLOURS = {"red": (220, 30, 30), "blue": (30, 30, 220)}
WEIGHTS = {"red": (2.0, -1.5), "blue": (0.0, 1.0)}
"""What a sign in the upper and in the lower half adds to the score."""
BASE = 5.0
SPLITS = ("train", "train", "train", "val", "test")


def sign_world(root: Path, count: int = 120, seed: int = 0, **columns: object) -> ImageCollection:
    """`count` images of 32 px; a column that is given replaces the drawn one, None takes it away.

    The score `scenicness` follows the rule above; `redness` is the share of red, wherever it is.
    """
    generator = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    rows = []
    for number in range(count):
        pixels = generator.integers(110, 146, (SIDE, SIDE, 3), dtype=np.uint8)
        signs = generator.random((len(COLOURS), 2)) < 0.4
        score, shares = BASE, {}
        for (name, colour), halves in zip(COLOURS.items(), signs, strict=True):
            covered = np.zeros((SIDE, SIDE), bool)
            for half in np.flatnonzero(halves):
                # Red signs stand left, blue ones right: neither hides the other.
                left = int(generator.integers(0, 6)) + (SIDE // 2 if name == "blue" else 0)
                top = int(generator.integers(0, 6)) + half * SIDE // 2
                covered[top : top + SIGN, left : left + SIGN] = True
                score += WEIGHTS[name][half]
            pixels[covered] = colour
            shares[f"attr.{name}"] = covered.mean()
        name = f"sign-{seed}-{number:03d}"
        Image.fromarray(pixels).save(root / "images" / f"{name}.png")
        rows.append({"image_id": name, "path": f"images/{name}.png", "lat": 0.01 * number, "lon": 0.0,
                     "scenicness": score, "redness": BASE + 10 * shares["attr.red"], "split": SPLITS[number % 5]}
                    | shares)  # fmt: skip
    table = pd.DataFrame(rows).assign(**{name: value for name, value in columns.items() if value is not None})
    table = table.drop(columns=[name for name, value in columns.items() if value is None])
    scores = [name for name in ("scenicness", "redness") if name in table]
    write_collection(root, table, title="Signs", columns=Columns(scores=scores))
    return ImageCollection.open(root)
