"""The share of each object in every picture of a collection, from its pixel labels; read once and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import MANIFEST, ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.errors import ImageError
from urbanlens.explain.collection_objects import KIND as COUNTS
from urbanlens.explain.collection_objects import Labels, counts_key, own_labels
from urbanlens.explain.objects import GRID
from urbanlens.progress import Progress, silent
from urbanlens.threads import READERS

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

KIND = "object-shares"
SEGMENTER = "segmenter"
"""The model that names the objects of template images."""


@dataclass(frozen=True)
class ObjectShares:
    """How much of each of N pictures each of O objects covers.

    Attributes
    ----------
    names : (O,) of the objects
    shares : (N, O) of all pixels, so what is missing to 1 is unlabelled; NaN for a picture without labels
    """

    names: tuple[str, ...]
    shares: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.shares)

    def of(self, rows: NDArray[Any]) -> ObjectShares:
        """The same for some pictures, by number or by mask."""
        return replace(self, shares=self.shares[rows])


def collection_shares(
    collection: ImageCollection, *, labels: Labels | None = None, source: str = "", store: ArtifactStore,
    progress: Progress = silent,
) -> ObjectShares:  # fmt: skip
    """Shares of all images of a collection (of a view, of the whole; the view gets its rows), kept in `store`.

    Parameters
    ----------
    labels, source : the objects, and a name for them in the key; None and "": the collection's own labels
    progress : told after each chunk; may raise Cancelled. A later call goes on from there
    """
    whole = collection.whole
    given: Labels = whole if labels is None else labels
    known = kept_shares(collection, names=given.object_names, source=source, store=store)
    if known is not None:
        return known
    numbers, ids = np.array(sorted(given.object_names), np.int64), whole.ids

    def compute(rows: range) -> Arrays:
        with ThreadPoolExecutor(READERS) as pool:
            return {"shares": np.stack(list(pool.map(lambda row: _shares(given, ids[row], numbers), rows)))}

    key = _key(whole, given.object_names, source)
    arrays = in_chunks(store, key, len(whole), compute, progress=progress, what="reading the objects of image")
    return _named(arrays["shares"], given.object_names).of(collection.positions)


def kept_shares(
    collection: ImageCollection, *, names: Mapping[int, str] | None = None, source: str = "", store: ArtifactStore
) -> ObjectShares | None:
    """What `collection_shares` gives where it is known already, from counts made for object ratios too; else None."""
    whole = collection.whole
    names = whole.object_names if names is None else names
    arrays = kept_arrays(store, _key(whole, names, source))
    shares = _counted(whole, names, source, store) if arrays is None else arrays["shares"]
    return None if shares is None else _named(shares, names).of(collection.positions)


def _key(whole: ImageCollection, names: Mapping[int, str], source: str) -> ArtifactKey:
    told = counts_key(ArtifactKey("", whole.fingerprint), names, source or own_labels(whole)).parameters
    return ArtifactKey(KIND, whole.fingerprint, "", {name: told[name] for name in ("objects", "source")})


def _named(shares: NDArray[np.float32], names: Mapping[int, str]) -> ObjectShares:
    """Shares by name, those of objects that share one added up."""
    titles = [names[number] for number in sorted(names)]
    unique = tuple(dict.fromkeys(titles))
    if len(unique) < len(titles):
        order = np.array([unique.index(title) for title in titles])
        shares = np.stack([shares[:, order == i].sum(1) for i in range(len(unique))], 1)
    return ObjectShares(unique, shares)


def _counted(
    whole: ImageCollection, names: Mapping[int, str], source: str, store: ArtifactStore
) -> NDArray[np.float32] | None:
    """Shares from the pixels that any network's object counts began with: they are the same for all masks."""
    wanted = _key(whole, names, source)
    for root in store.roots:
        for file in sorted((root / COUNTS).glob(f"*/{MANIFEST}")):
            told = json.loads(file.read_text())
            given = told["parameters"]
            if told["collection"] == whole.fingerprint and wanted.parameters.items() <= given.items():
                total = np.load(file.with_name("total.npy"), allow_pickle=False)
                shares: NDArray[np.float32] = total.astype(np.float32) / GRID**2
                shares[total.sum(1) == 0] = np.nan
                return shares
    return None


def _shares(labels: Labels, image_id: str, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """(O,) shares of one picture; NaN where it has no labels that can be read."""
    try:
        ids = labels.objects(image_id)
    except ImageError:
        ids = None
    if ids is None:
        return np.full(len(numbers), np.nan, np.float32)
    counts = np.bincount(ids.ravel(), minlength=int(numbers.max(initial=0)) + 1)[numbers]
    return (counts / ids.size if counts.any() else np.full(len(numbers), np.nan)).astype(np.float32)


def segmenter_folder(collection: ImageCollection) -> Path | None:
    """The collection's own segmenter, else the demo's; None where there is neither."""
    from urbanlens.collection.library import SHIPPED

    folders = [collection.root / "models" / SEGMENTER, SHIPPED / "demo" / "models" / SEGMENTER]
    return next((folder for folder in folders if (folder / "model.json").is_file()), None)
