"""Small pictures and collections that the tests of this folder are made of."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from urbanlens.collection import Columns, write_collection

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"


def picture(size: tuple[int, int] = (32, 24), colour: tuple[int, int, int] = (200, 30, 40)) -> Image.Image:
    """A plain picture with a blue left upper quarter, so that its orientation can be seen."""
    image = Image.new("RGB", size, colour)
    image.paste((0, 0, 255), (0, 0, size[0] // 2, size[1] // 2))
    return image


def encoded(image: Image.Image | None = None, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, kind, **options)
    return buffer.getvalue()


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def photos(folder: Path, count: int = 6) -> Path:
    """`folder/a0.png` … of different colours."""
    for number in range(count):
        write(folder / f"a{number}.png", encoded(picture(colour=(20 * number, 100, 50))))
    return folder


def collection(root: Path, count: int = 6) -> Path:
    """A small valid collection with labels, a score, votes, tags, an attribute, pixel labels of a0."""
    photos(root / "images", count)
    table = pd.DataFrame(
        {
            "image_id": [f"a{n}" for n in range(count)],
            "path": [f"images/a{n}.png" for n in range(count)],
            "lat": [0.001 * n if n else np.nan for n in range(count)],
            "lon": [0.002 * n if n else np.nan for n in range(count)],
            "split": ["train", "val", "test"] * (count // 3),
            "city": ["Hanamori", "Steelport", None] * (count // 3),
            "scenicness": np.linspace(1, 10, count),
            "votes": [[n] * 10 if n else None for n in range(count)],
            "tags": [["sea"]] * count,
            "attr.trees": np.linspace(0, 1, count),
        }
    )
    ids = np.zeros((24, 32), np.uint8)
    ids[:12] = 3
    write(root / "objects" / "a0.png", encoded(Image.fromarray(ids)))
    columns = Columns(labels=["city"], scores=["scenicness"], votes="votes", tags="tags")
    return write_collection(root, table, title="Small", licence="CC0-1.0", columns=columns, objects={3: "sky"})
