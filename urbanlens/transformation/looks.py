"""What pictures look like: to a classifier, to a network of everyday things, and as light and dark.

Natural images are first shrunk to the size that the generator works with, so that a sharp photograph and a soft
template image are compared at one size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.embedding import features as everyday
from urbanlens.embedding.nearest import unit_rows
from urbanlens.errors import ModelError, UnknownNameError
from urbanlens.models.card import ModelCard
from urbanlens.progress import Progress, silent
from urbanlens.transformation.ssim import SIDE, grey

if TYPE_CHECKING:
    from torch import Tensor

    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel

KIND = "similarity"
CHUNK, BATCH = 64, 16
WHAT = "looking at image"

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Similarity:
    """By what a template image and a natural image are alike.

    Attributes
    ----------
    name : in keys and on the command line
    title : on the page
    told : what it is, in a sentence
    """

    name: str
    title: str
    told: str


CLASSIFIER, LITE0, PIXELS = "classifier", "lite0", "pixels"
SIMILARITIES: Mapping[str, Similarity] = {
    one.name: one
    for one in (
        Similarity(
            CLASSIFIER, "what a classifier sees",
            "A network that learnt to tell the classes apart, and took no part in making the template image, sees the "
            "same in both.",
        ),
        Similarity(
            LITE0, "everyday things",
            "A network that learnt everyday things and never the classes sees the same in both (EfficientNet-Lite0).",
        ),
        Similarity(PIXELS, "light and dark", "Both are light and dark at the same places (SSIM of small pictures)."),
    )
}  # fmt: skip
"""The choices for the error E, by name."""

FEATURES = (CLASSIFIER, LITE0)
"""Those that compare features of a network."""


def collection_features(
    collection: ImageCollection, name: str, *, size: int = 128, model: LoadedModel | Path | str | None = None,
    store: ArtifactStore | None = None, engine: Engine | None = None, progress: Progress = silent,
) -> Features:  # fmt: skip
    """What all images of a collection look like to a similarity, computed once and kept.

    Parameters
    ----------
    collection : a collection, or a view of one; the whole is looked at and kept, and a view gets its rows
    name : a key of `SIMILARITIES`
    size : P, the side in px that images are shrunk to first: the generator's
    model : the network of `classifier`, or its folder; the others need none
    store : where it is kept; None takes the collection's own (`store_for`)
    engine : the device layer; None computes on the CPU
    progress : told after each chunk of 64 images; may raise Cancelled. A later call goes on from there

    Returns
    -------
    features : (N, D) float32. Rows of length 1; of `pixels`, grey thumbnails in [0, 1], row by row. The row of an
        image that cannot be decoded is zero.

    Raises
    ------
    ModelError
        Where `classifier` is asked for without a network, or with one that does not classify.
    UnknownNameError
        For a name that is no similarity.
    """
    whole = collection.whole
    looker = _Looker(name, model, engine)
    key = looks_key(whole.fingerprint, name, size=size, model=model)
    arrays = in_chunks(
        result_store(collection, store), key, len(whole), lambda rows: _chunk(whole, rows, size, looker), chunk=CHUNK,
        progress=progress, what=WHAT,
    )  # fmt: skip
    return _rows(arrays, collection)


def kept_features(
    collection: ImageCollection, name: str, *, size: int = 128,
    model: LoadedModel | ModelCard | Path | str | None = None, store: ArtifactStore | None = None,
) -> Features | None:  # fmt: skip
    """What `collection_features` gives, where it was computed before; else None. Loads no torch.

    `model` may be the card of the network, too.
    """
    key = looks_key(collection.whole.fingerprint, name, size=size, model=model)
    arrays = kept_arrays(result_store(collection, store), key)
    return None if arrays is None else _rows(arrays, collection)


def picture_features(
    images: NDArray[np.uint8], name: str, *, model: LoadedModel | Path | str | None = None, engine: Engine | None = None
) -> Features:
    """What pictures look like to a similarity: (n, D) of (n, P, P, 3) uint8, as rows of `collection_features`.

    Nothing is taken off that a generator may have added: see `similarity.shifted`.
    """
    return _Looker(name, model, engine).look(images)


def looks_key(
    fingerprint: str, name: str, *, size: int = 128, model: LoadedModel | ModelCard | Path | str | None = None
) -> ArtifactKey:  # fmt: skip
    """Under what the features of a collection are kept; ModelError where `classifier` lacks its network."""
    check_name(name)
    told: dict[str, Any] = {"similarity": name, "size": size}
    if name == PIXELS:
        return ArtifactKey(KIND, fingerprint, "", {**told, "side": SIDE})
    if name == LITE0:
        return ArtifactKey(KIND, fingerprint, everyday.NETWORK, {**told, "input": everyday.SIZE, "pool": "mean"})
    card = classifier_card(model)
    digest = card.weights_digest if model is None or isinstance(model, Path | str | ModelCard) else model.weights_digest
    return ArtifactKey(KIND, fingerprint, digest, {**told, "layer": card.layers[-1], "pool": "mean"})


def classifier_card(model: LoadedModel | ModelCard | Path | str | None) -> ModelCard:
    """The card of the network of `classifier`; ModelError where there is none, or it does not classify."""
    if model is None:
        raise ModelError(
            f"the similarity {CLASSIFIER!r} needs a network: give model=, one that took no part in making the template "
            "image, or its folder"
        )
    if isinstance(model, Path | str):
        card = ModelCard.read(model)
    else:
        card = model if isinstance(model, ModelCard) else model.card
    if card.task != "classes" or not card.layers:
        raise ModelError(f"{card.name} answers {card.task} and compares no images: give a network of the task classes")
    return card


def check_name(name: str) -> None:
    """UnknownNameError for a name that is no similarity."""
    if name not in SIMILARITIES:
        raise UnknownNameError(f"no similarity is named {name!r}: known are {', '.join(SIMILARITIES)}")


def result_store(collection: ImageCollection, store: ArtifactStore | None) -> ArtifactStore:
    """The store that is given, else the collection's own."""
    if store is not None:
        return store
    from urbanlens.collection.library import store_for

    return store_for(collection)


class _Looker:
    """A similarity with its network, which is loaded when the first picture comes."""

    def __init__(self, name: str, model: LoadedModel | Path | str | None, engine: Engine | None) -> None:
        check_name(name)
        if name == CLASSIFIER:
            classifier_card(model)
        self.name, self._model, self._engine = name, model, engine

    def look(self, images: NDArray[np.uint8]) -> Features:
        """(n, D) of pictures (n, P, P, 3)."""
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ModelError(f"pictures of type {images.dtype} and shape {images.shape}: give (n, P, P, 3) of uint8")
        if self.name == PIXELS:
            return grey(images).reshape(len(images), SIDE * SIDE)
        if self.name == LITE0:
            return everyday.embed_images([Image.fromarray(image) for image in images], self._device())
        with self._network() as model:
            return unit_rows(self._pooled(model, images))

    def _device(self) -> Engine:
        if self._engine is None:
            from urbanlens.engine import Engine

            self._engine = Engine("cpu")
        return self._engine

    @contextmanager
    def _network(self) -> Iterator[LoadedModel]:
        from urbanlens.models import LoadedModel, load_model

        if isinstance(self._model, LoadedModel):
            yield self._model
            return
        assert self._model is not None  # it was checked
        digest = classifier_card(self._model).weights_digest
        with self._device().use(f"{digest}-{KIND}", partial(load_model, self._model)) as model:
            yield model

    def _pooled(self, model: LoadedModel, images: NDArray[np.uint8]) -> Features:
        """(n, C) means over the cells of the last convolution stage."""
        import torch

        from urbanlens.models.answers import takes_one_size
        from urbanlens.models.trunk import trunk_of

        trunk, side = trunk_of(model.module, model.layer), model.card.size
        device = next(trunk.parameters()).device

        def look(part: Tensor) -> Tensor:
            pixels = part.to(device).permute(0, 3, 1, 2).float() / 255
            if takes_one_size(model.card) and side != pixels.shape[-1]:
                pixels = torch.nn.functional.interpolate(
                    pixels, size=(side, side), mode="bilinear", align_corners=False, antialias=side < pixels.shape[-1]
                )
            maps: Tensor = trunk(pixels.contiguous(memory_format=torch.channels_last))
            return maps.mean((2, 3)).float().cpu()

        with torch.inference_mode():
            pooled: Tensor = self._device().map(look, torch.from_numpy(images), size=BATCH)
        return np.asarray(pooled.numpy(), np.float32)


def _chunk(whole: ImageCollection, rows: range, size: int, looker: _Looker) -> Arrays:
    """Features of some images, as small as they are kept; zero where an image cannot be read."""
    from urbanlens.models.transform import square_pixels

    small: Callable[[Image.Image], NDArray[np.uint8]] = partial(square_pixels, size=size)
    found = list(whole.pictures(whole.ids[rows.start : rows.stop], small))
    pictures = np.zeros((len(found), size, size, 3), np.uint8)
    for row, pixels in enumerate(found):
        if pixels is not None:
            pictures[row] = pixels.transpose(1, 2, 0)
    features = looker.look(pictures)
    features[[pixels is None for pixels in found]] = 0
    if looker.name == PIXELS:
        return {"features": np.rint(features * 255).astype(np.uint8)}
    return {"features": features.astype(np.float16)}


def _rows(arrays: Arrays, collection: ImageCollection) -> Features:
    """float32 rows of a collection, or of a view."""
    kept = arrays["features"][collection.positions]
    rows: Features = kept.astype(np.float32)
    if kept.dtype == np.uint8:
        rows /= 255
    return rows
