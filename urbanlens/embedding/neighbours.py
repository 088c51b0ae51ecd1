"""The labelled neighbours of images on the map: which of them look alike, and the label that an image joins with.

After *Explainability pipeline for urban images* (2017), section 2.1.2: images that lie close to one of the collection
are added to it, with care that they look like it. An image u without a label takes the label of

    argmax over labelled l of cos(f_u, f_l), among those with distance(u, l) <= d and cos(f_u, f_l) >= s,

where f are rows of `embed`; where two such neighbours have different labels, it takes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.embedding.clusters import EARTH_RADIUS_M
from urbanlens.embedding.nearest import unit_rows
from urbanlens.errors import CollectionError

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

    from urbanlens.collection import ImageCollection

Rows = NDArray[np.int64]

MOST = 32
"""Labelled neighbours of an image that are looked at, the nearest: a square of a thousand photographs stays small."""
BLOCK = 65_536
"""Pairs whose likeness is computed at a time."""


@dataclass(frozen=True)
class Pairs:
    """P pairs of an image that asks for a label and a labelled neighbour, by image, the most similar neighbour first.

    Attributes
    ----------
    image, neighbour : (P,) rows of the collection
    distance_m : (P,) metres on the sphere
    similarity : (P,) cosine of their features
    asked : (A,) rows of all images that ask, have a place and can be read
    nearest_m : the least distance between any of them and a labelled image, however far; NaN where there is none
    crowded : how many of them have more labelled neighbours than were looked at
    """

    image: Rows
    neighbour: Rows
    distance_m: NDArray[np.float64]
    similarity: NDArray[np.float32]
    asked: Rows
    nearest_m: float
    crowded: int = 0

    def __len__(self) -> int:
        return len(self.image)

    def decided(self, labels: ArrayLike, d_m: float, s: float) -> tuple[Rows, Rows]:
        """Numbers of the pairs that give an image its label, and rows of the images whose neighbours contradict.

        Of the neighbours within `d_m` metres and alike to `s` or more, the most similar one gives its label, unless
        another one has a different one; `labels` are (N,) names or numbers of classes.
        """
        chosen = np.flatnonzero((self.distance_m <= d_m) & (self.similarity >= s))
        image = self.image[chosen]
        starts = np.flatnonzero(np.append(True, image[1:] != image[:-1])[: len(image)])
        if not len(starts):
            return chosen, image
        codes = pd.factorize(np.asarray(labels))[0][self.neighbour[chosen]]
        torn = np.minimum.reduceat(codes, starts) != np.maximum.reduceat(codes, starts)
        return chosen[starts[~torn]], image[starts[torn]]


def pairs(
    collection: ImageCollection, labels: ArrayLike, features: ArrayLike, *, within_m: float,
    splits: ArrayLike | None = None, asking: ArrayLike | None = None, most: int = MOST,
) -> Pairs:  # fmt: skip
    """For each image that asks for a label, its labelled neighbours.

    Parameters
    ----------
    collection : a collection, or a view of one; images without coordinates take no part
    labels : (N,) text, "" for none
    features : (N, D) of `embed`; an image whose row is zero cannot be read and takes no part
    within_m : the widest distance, more than 0
    splits : (N,) text, "" for none: an image with a split has no neighbours in another one
    asking : (N,) bool, which images ask; None: those without a label. No image is its own neighbour, so labelled ones
        may ask as well, as if their own label were hidden.
    most : neighbours of an image that are looked at, the nearest

    Raises
    ------
    CollectionError
        Where the lengths do not fit, or `within_m` or `most` are not positive.
    """
    names, rows = np.asarray(labels, str), unit_rows(np.asarray(features, np.float32))
    if names.shape != (len(collection),) or len(rows) != len(names) or not (within_m > 0 and most > 0):
        raise CollectionError(
            f"{names.shape} labels, {len(rows)} rows of features, {within_m:g} m and {most} neighbours for "
            f"{len(collection)} images: give a label and a row for each image, and numbers above 0"
        )
    there = collection.located & rows.any(axis=1)
    asks = there & ((names == "") if asking is None else np.asarray(asking, bool))
    answers = there & (names != "")
    parts = [(asks, answers)]
    if splits is not None:
        own = np.asarray(splits, str)
        parts = [(asks & ((own == part) | (own == "")), answers & (own == part)) for part in np.unique(own[answers])]
    points = _on_sphere(collection)
    found = [_near(points, np.flatnonzero(a), np.flatnonzero(b), within_m, most) for a, b in parts]
    image, neighbour, distance = (
        np.concatenate([np.zeros(0, kind), *(one[i] for one in found)])
        for i, kind in enumerate((np.int64, np.int64, np.float64))
    )
    alike = np.concatenate([
        np.zeros(0, np.float32),
        *(np.einsum("pd,pd->p", rows[image[i : i + BLOCK]], rows[neighbour[i : i + BLOCK]])
          for i in range(0, len(image), BLOCK)),
    ])  # fmt: skip
    order = np.lexsort((neighbour, distance, -alike, image))
    least = min((one[3] for one in found), default=float("inf"))
    nearest_m = least if isfinite(least) else float("nan")
    return Pairs(
        image[order], neighbour[order], distance[order], alike[order], np.flatnonzero(asks), nearest_m,
        sum(one[4] for one in found),
    )  # fmt: skip


def joined(found: Pairs, labels: ArrayLike, d_m: float, s: float) -> pd.DataFrame:
    """The images that join: each once, with the label of its most similar neighbour within `d_m` and `s`.

    Images whose neighbours contradict each other are left out: `contradicting` has them.

    Returns
    -------
    DataFrame
        image, label, neighbour, distance_m, similarity; images and neighbours are rows of the collection.
    """
    return _table(found, labels, found.decided(labels, d_m, s)[0])


def contradicting(found: Pairs, labels: ArrayLike, d_m: float, s: float) -> pd.DataFrame:
    """The images that are left out because neighbours with different labels qualify.

    Returns
    -------
    DataFrame
        Columns as of `joined`, with the most similar neighbour of each label; so each image has two rows or more.
    """
    torn = found.decided(labels, d_m, s)[1]
    close = (found.distance_m <= d_m) & (found.similarity >= s)
    table = _table(found, labels, np.flatnonzero(close & np.isin(found.image, torn)))
    return table.drop_duplicates(["image", "label"], ignore_index=True)


def metres_to(collection: ImageCollection, rows: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """How far each of some images, (R,) rows, is from the nearest of others; all have coordinates, others is not empty.

    Returns
    -------
    metres : (R,) on the sphere
    """
    points = _on_sphere(collection)
    return _metres(_tree(points[np.asarray(others)]).query(points[np.asarray(rows)])[0])


def _table(found: Pairs, labels: ArrayLike, chosen: Rows) -> pd.DataFrame:
    return pd.DataFrame({
        "image": found.image[chosen], "label": np.asarray(labels, str)[found.neighbour[chosen]].astype(object),
        "neighbour": found.neighbour[chosen], "distance_m": found.distance_m[chosen],
        "similarity": found.similarity[chosen],
    })  # fmt: skip


def _near(
    points: NDArray[np.float64], asks: Rows, answers: Rows, within_m: float, most: int
) -> tuple[Rows, Rows, NDArray[np.float64], float, int]:
    """Image, neighbour and metres of each pair within the distance, the least distance of all, and crowded images."""
    if not len(asks) or not len(answers):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), float("inf"), 0
    # Two more than are kept: the image itself may be among them, and whether there are still others is to be told.
    count = min(most + 2, len(answers))
    chords, which = _tree(points[answers]).query(points[asks], k=count)
    metres = _metres(chords.reshape(len(asks), count))
    neighbours = answers[which.reshape(len(asks), count)]
    others = neighbours != asks[:, None]
    least = float(metres[others].min()) if others.any() else float("inf")
    inside = others & (metres <= within_m)
    kept = inside & (inside.cumsum(axis=1) <= most)
    crowded = int((inside.sum(axis=1) > most).sum())
    return np.repeat(asks, kept.sum(axis=1)), neighbours[kept], metres[kept], least, crowded


def _on_sphere(collection: ImageCollection) -> NDArray[np.float64]:
    """(N, 3) places on a sphere of radius 1: there the antimeridian and the poles are places like others."""
    lat, lon = (np.radians(collection.table[axis].to_numpy(np.float64)) for axis in ("lat", "lon"))
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _tree(points: NDArray[np.float64]) -> cKDTree:
    from scipy.spatial import cKDTree

    return cKDTree(points)


def _metres(chords: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lengths along the sphere's surface of straight lines through it."""
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.clip(chords / 2, 0, 1)), np.float64)
