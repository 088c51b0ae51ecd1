"""What an image looks like, as 320 numbers of a network that learned everyday things (EfficientNet-Lite0)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.embedding.nearest import unit_rows
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor, nn

    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine

SIZE: Final = 224
DIMENSIONS: Final = 320
CHUNK: Final = 32
NETWORK: Final = "efficientnet-lite0"
FEATURES_FILE: Final = "features.npy"


def embed(
    collection: ImageCollection,
    *,
    engine: Engine | None = None,
    store: ArtifactStore | None = None,
    progress: Progress = silent,
) -> NDArray[np.float32]:
    """Features of all images of a collection, computed once and kept.

    Parameters
    ----------
    collection : a collection, or a view of one; the whole collection is embedded and kept, a view gets its rows.
    engine : the device layer; None computes on the CPU with a network of its own.
    store : where the result is kept; None takes the collection's own (`store_for`).
    progress : told after each chunk of 32 images; may raise `Cancelled`. Finished chunks are kept, so a later call
        goes on where this one stopped.

    Returns
    -------
    features : (N, 320) float32, rows of length 1 in the order of `collection.table`. The row of an image that cannot
        be decoded is zero, and the kept result's manifest names it under `unreadable`.
    """
    kept = kept_embedding(collection, store=store)
    if kept is not None:
        return kept
    whole, store = collection.whole, _store(collection, store)
    ids = whole.ids
    starts = range(0, len(ids), CHUNK)
    rows, unreadable, extractor = [], [], _Extractor(engine)
    progress(0, len(ids), "looking at the images")
    for start in starts:
        some = ids[start : start + CHUNK]
        features, bad = _chunk(whole, some, start, store, extractor)
        rows.append(features)
        unreadable += bad
        progress(min(start + CHUNK, len(ids)), len(ids), "looking at the images")
    features = np.concatenate(rows) if rows else np.zeros((0, DIMENSIONS), np.float32)
    with store.write(_key(whole.fingerprint), unreadable=unreadable) as folder:
        np.save(folder / FEATURES_FILE, features)
    for start in starts:
        finished = store.find(_key(whole.fingerprint, start))
        if finished is not None and finished.is_relative_to(store.roots[-1]):
            shutil.rmtree(finished, ignore_errors=True)
    return features[collection.positions]


def kept_embedding(collection: ImageCollection, *, store: ArtifactStore | None = None) -> NDArray[np.float32] | None:
    """What `embed` returns, where it has been computed before; else None. Needs no network and loads no torch."""
    folder = _store(collection, store).find(_key(collection.whole.fingerprint))
    if folder is None:
        return None
    features = np.load(folder / FEATURES_FILE, allow_pickle=False)
    return np.asarray(features[collection.positions], np.float32)


def embed_images(images: Sequence[Image.Image], engine: Engine | None = None) -> NDArray[np.float32]:
    """Features of pictures that belong to no collection: (n, 320) float32, rows of length 1."""
    return _Extractor(engine).features(images)


class _Extractor:
    """The network, loaded when the first picture comes."""

    def __init__(self, engine: Engine | None) -> None:
        self._engine = engine
        self._own: nn.Module | None = None

    def features(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        if not images:
            return np.zeros((0, DIMENSIONS), np.float32)
        import torch

        from urbanlens.engine import comfortable_batch

        size = comfortable_batch(torch.device("cpu") if self._engine is None else self._engine.device)
        parts = []
        with self._network() as network, torch.inference_mode():
            for start in range(0, len(images), size):
                pixels = np.stack([_pixels(image) for image in images[start : start + size]])
                batch = torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)
                parts.append(self._map(lambda some: _pooled(network, some), batch))
        return unit_rows(torch.cat(parts).float().cpu().numpy())

    def _network(self) -> AbstractContextManager[nn.Module]:
        if self._engine is not None:
            return self._engine.use(f"{NETWORK}-features", _load)
        if self._own is None:
            self._own = _load()
        return nullcontext(self._own)

    def _map(self, function: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
        if self._engine is None:
            return function(batch)
        mapped: Tensor = self._engine.map(function, batch)
        return mapped


def _load() -> nn.Module:
    from urbanlens.models.efficientnet_lite0 import EfficientNetLite0

    network: nn.Module = EfficientNetLite0(pretrained=True).eval()
    return network


def _pooled(network: Any, batch: Tensor) -> Tensor:
    """(n, 320) mean over the cells of the last block's output."""
    features: Tensor = network.features(batch)
    return features


def _pixels(image: Image.Image) -> NDArray[np.float32]:
    """(3, 224, 224) in [0, 1]: the middle square of the picture."""
    square = ImageOps.fit(image.convert("RGB"), (SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(square, np.float32).transpose(2, 0, 1) / 255)


def _chunk(
    whole: ImageCollection, ids: Sequence[str], start: int, store: ArtifactStore, extractor: _Extractor
) -> tuple[NDArray[np.float32], list[str]]:
    """Features of some images and the ids that cannot be read, from an earlier run where it got that far."""
    key = _key(whole.fingerprint, start)
    folder = store.find(key)
    if folder is not None:
        features = np.asarray(np.load(folder / FEATURES_FILE, allow_pickle=False), np.float32)
        return features, list(store.manifest(key)["unreadable"])
    features, unreadable = np.zeros((len(ids), DIMENSIONS), np.float32), []
    readable: list[int] = []
    images: list[Image.Image] = []
    for row, (image, name) in enumerate(zip(whole.pictures(ids, _middle), ids, strict=True)):
        if image is None:
            unreadable.append(name)
            continue
        readable.append(row)
        images.append(image)
    if images:
        features[readable] = extractor.features(images)
    with store.write(key, unreadable=unreadable) as fresh:
        np.save(fresh / FEATURES_FILE, features)
    return features, unreadable


def _middle(image: Image.Image) -> Image.Image:
    """The middle square, as small as the network takes it."""
    return ImageOps.fit(image, (SIZE, SIZE), Image.Resampling.BILINEAR)


def _key(fingerprint: str, start: int | None = None) -> ArtifactKey:
    """The key of the whole result, or of the chunk that begins at image `start`."""
    parameters: dict[str, Any] = {"size": SIZE, "pool": "mean"}
    if start is not None:
        parameters |= {"start": start, "chunk": CHUNK}
    return ArtifactKey("embedding" if start is None else "embedding-chunk", fingerprint, NETWORK, parameters)


def _store(collection: ImageCollection, store: ArtifactStore | None) -> ArtifactStore:
    if store is not None:
        return store
    from urbanlens.collection.library import store_for

    return store_for(collection)
