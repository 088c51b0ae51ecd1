"""The Grad-CAM maps of a whole collection, computed once by stream and kept as raw low-resolution maps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.errors import ModelError
from urbanlens.explain.explainers import EXPLAINERS, GRAD_CAM
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel, ModelCard

KIND = "masks"
CHUNK = 64
LABEL, PREDICTED = "label", "predicted"
"""What a map explains: the image's own class (the predicted one where it has none), or the predicted one."""


@dataclass(frozen=True)
class CollectionMaps:
    """What a network answers for the N images of a collection, and where it looked.

    Attributes
    ----------
    classes : names of the K classes
    maps : (N, h, w) float32, >= 0, raw Grad-CAM maps; 0 where an image cannot be read
    probabilities : (N, K) float32; 0 where an image cannot be read
    targets : (N,) the class that each map explains
    labels : (N,) the class that each image has, -1 where it has none or one that the network does not know
    readable : (N,) whether the image could be decoded
    """

    classes: tuple[str, ...]
    maps: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    targets: NDArray[np.int64]
    labels: NDArray[np.int64]
    readable: NDArray[np.bool_]

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) the most probable class."""
        return np.asarray(self.probabilities.argmax(1), np.int64)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """(N,) probability of the most probable class."""
        return np.asarray(self.probabilities.max(1), np.float32)

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """(N,) whether the map points nowhere: no contrast in it."""
        high, low = self.maps.max((1, 2)), self.maps.min((1, 2))
        return np.asarray(self.readable & (high - low <= 1e-6 * np.abs(high)))

    def of(self, rows: NDArray[Any]) -> CollectionMaps:
        """The same for some images, by number or by mask."""
        parts = {name: getattr(self, name)[rows] for name in ("maps", "probabilities", "targets", "labels", "readable")}
        return replace(self, **parts)


def explain_collection(
    collection: ImageCollection,
    model: LoadedModel,
    *,
    target: str = LABEL,
    label: str | None = None,
    layer: str | None = None,
    explainer: str = GRAD_CAM,
    store: ArtifactStore,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> CollectionMaps:
    """Grad-CAM maps and probabilities of all images, kept in `store`.

    Parameters
    ----------
    collection : a collection; of a view, the whole is explained and kept, and the view gets its rows
    model : a classifier
    target : what the maps explain: `label`, `predicted`, or the name of a class
    label : the table's column that holds the classes; None: the one that the model learnt
    layer : where to look, one of `model.layers`; None: the last
    explainer : how, a name of `EXPLAINERS`
    progress : told after each chunk of 64 images; may raise Cancelled. A later call goes on from there

    Raises
    ------
    ModelError
        Where the layer or the target is not the model's.
    """
    where = _layer(model, layer)
    whole, column = collection.whole, model.card.label if label is None else label
    labels = label_numbers(whole, column, model.classes)
    targets = _targets(model.classes, target, labels)
    key = maps_key(whole, model.card, target, column, where if where != model.layer else None, explainer)

    def compute(rows: range) -> Arrays:
        return _chunk(whole, model, rows, targets, where, explainer, engine)

    arrays = in_chunks(store, key, len(whole), compute, chunk=CHUNK, progress=progress, what="explaining image")
    return _maps(arrays, model.classes, labels).of(collection.positions)


def kept_maps(
    collection: ImageCollection,
    card: ModelCard,
    column: str,
    *,
    target: str = LABEL,
    layer: str | None = None,
    explainer: str = GRAD_CAM,
    store: ArtifactStore,
) -> CollectionMaps | None:
    """What `explain_collection` gives, where it has been computed before; else None. Loads no torch."""
    whole = collection.whole
    arrays = kept_arrays(store, maps_key(whole, card, target, column, layer, explainer))
    if arrays is None:
        return None
    return _maps(arrays, card.classes, label_numbers(whole, column, card.classes)).of(collection.positions)


def test_rows(collection: ImageCollection, card: ModelCard) -> NDArray[np.bool_]:
    """(N,) the images that a network has not learnt from: those its card names, or the test part of the table's split.

    The table's split counts only for the collection that the network was trained on; of any other, none is named.
    """
    table, named = collection.table, card.data.get("test")
    if isinstance(named, dict):  # by collection, where a network learnt from two
        named = named.get(collection.whole.fingerprint)
    if isinstance(named, list):
        return np.asarray(table["image_id"].isin([str(name) for name in named]))
    learnt = (card.data, card.data.get("scored", {}))
    own = any(part.get("fingerprint") == collection.whole.fingerprint for part in learnt)
    labelled = table[card.label].notna() if card.label in table else card.task != "classes"
    if not own or "split" not in table:
        return np.zeros(len(collection), bool)
    return np.asarray((table["split"] == "test") & labelled)


def label_numbers(collection: ImageCollection, column: str, classes: Sequence[str]) -> NDArray[np.int64]:
    """(N,) the number of each image's class among `classes`; -1 for none or another one."""
    if column not in collection.table:
        return np.full(len(collection), -1, np.int64)
    values = collection.table[column].map(str, na_action="ignore")
    return np.asarray(pd.Index(list(classes), dtype=object).get_indexer(values.astype(object)), np.int64)


def maps_key(
    whole: ImageCollection, card: ModelCard, target: str, column: str, layer: str | None = None,
    explainer: str = GRAD_CAM,
) -> ArtifactKey:  # fmt: skip
    """The key of kept maps; it covers the images' classes where those are explained. Layer None: the network's last."""
    parameters: dict[str, Any] = {
        "target": target, "layer": layer or "last", "explainer": EXPLAINERS[explainer].name, "size": card.size,
        "classes": list(card.classes),
    }  # fmt: skip
    if target == LABEL:
        labels = label_numbers(whole, column, card.classes)
        parameters["labels"] = hashlib.sha256(labels.tobytes()).hexdigest()[:20]
    return ArtifactKey(KIND, whole.fingerprint, card.weights_digest, parameters)


def _layer(model: LoadedModel, layer: str | None) -> str:
    if layer is None:
        return model.layer
    if layer not in model.layers:
        raise ModelError(f"{model.name} has no layer {layer!r} to explain: it has {', '.join(model.layers)}")
    return layer


def _targets(classes: Sequence[str], target: str, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) the class to explain; -1: the predicted one."""
    if target == LABEL:
        return labels
    if target == PREDICTED:
        return np.full(len(labels), -1, np.int64)
    if target not in classes:
        raise ModelError(
            f"{target!r} is no class of this network: give {LABEL}, {PREDICTED}, or one of {', '.join(classes)}"
        )
    return np.full(len(labels), list(classes).index(target), np.int64)


def _maps(arrays: Arrays, classes: tuple[str, ...], labels: NDArray[np.int64]) -> CollectionMaps:
    maps = arrays["maps"].astype(np.float32) * arrays["scale"][:, None, None]
    targets = arrays["targets"].astype(np.int64)
    probabilities = arrays["probabilities"].astype(np.float32)
    return CollectionMaps(classes, maps, probabilities, targets, labels, arrays["readable"])


def _chunk(
    whole: ImageCollection, model: LoadedModel, rows: range, targets: NDArray[np.int64], layer: str,
    explainer: str, engine: Engine | None,
) -> Arrays:  # fmt: skip
    """Maps of some images, as float16 shares of each map's greatest value, which is kept beside them."""
    from urbanlens.explain.explanations import explain_images

    pictures, readable = _pictures(whole, rows, model.card.size)
    found = explain_images(model, pictures, targets[rows], layer=layer, explainer=explainer, batch=32, engine=engine)
    scale = found.maps.max((1, 2)) if len(found.maps) else np.zeros(0, np.float32)
    shares = found.maps / np.where(scale > 0, scale, 1)[:, None, None]
    return {
        "maps": np.where(readable[:, None, None], shares, 0).astype(np.float16),
        "scale": np.where(readable, scale, 0).astype(np.float32),
        "probabilities": np.where(readable[:, None], found.probabilities, 0).astype(np.float32),
        "targets": found.targets.astype(np.int32),
        "readable": readable,
    }


def _pictures(whole: ImageCollection, rows: range, size: int) -> tuple[list[Image], NDArray[np.bool_]]:
    """Pictures of some rows; a black one stands in where a file cannot be read."""
    from PIL import Image as Images

    def small(picture: Image) -> Image:
        picture.thumbnail((4 * size, 4 * size), Images.Resampling.BILINEAR, reducing_gap=2.0)
        return picture

    pictures = list(whole.pictures(whole.ids[rows.start : rows.stop], small))
    readable = np.array([picture is not None for picture in pictures], bool)
    return [picture or Images.new("RGB", (size, size)) for picture in pictures], readable
