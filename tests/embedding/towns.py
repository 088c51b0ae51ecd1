"""Rows of a collection without pictures: places in metres, labels, and what each would look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.collection import Columns, ImageCollection
from urbanlens.collection.columns import Description

METRES_A_DEGREE = np.pi * 6_371_008.8 / 180


def rows(north_m: ArrayLike, east_m: ArrayLike, **columns: object) -> ImageCollection:
    """Images at places in metres from the equator's beginning; NaN: no coordinates."""
    north, east = np.asarray(north_m, float), np.asarray(east_m, float)
    names = [f"p{number:03d}" for number in range(len(north))]
    table = pd.DataFrame({"image_id": names, "path": [f"images/{name}.jpg" for name in names]})
    table = table.assign(lat=north / METRES_A_DEGREE, lon=east / METRES_A_DEGREE, **columns)
    return ImageCollection(Path("nowhere"), Description("Town", columns=Columns(labels=["city"])), table)


def looks(kinds: ArrayLike, closeness: float = 0.9, size: int = 24, seed: int = 0) -> NDArray[np.float32]:
    """(N, D) rows of length 1: two of one kind have about this cosine, two of different kinds about none."""
    kind = np.asarray(kinds, np.int64)
    noise = np.random.default_rng(seed).normal(size=(len(kind), size))
    noise[:, : kind.max(initial=0) + 1] = 0
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    found = np.sqrt(closeness) * np.eye(size)[kind] + np.sqrt(1 - closeness) * noise
    return found.astype(np.float32)


def planted(
    count: int = 400, unlabelled: float = 0.5, seed: int = 0
) -> tuple[ImageCollection, NDArray[np.str_], NDArray[np.str_], NDArray[np.float32]]:
    """Two towns 5 km apart with a label each, and two looks that each has: labels go by place alone.

    Returns
    -------
    collection, truth, labels, features : `labels` lacks a part of `truth`
    """
    random = np.random.default_rng(seed)
    town, kind = random.integers(0, 2, count), random.integers(0, 2, count)
    collection = rows(random.uniform(0, 300, count), 5000 * town + random.uniform(0, 300, count))
    truth = np.array(["West", "East"])[town]
    labels = np.where(random.random(count) < unlabelled, "", truth)
    return collection, truth, labels, looks(kind, seed=seed)
