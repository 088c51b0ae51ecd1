"""Object labels for images that have none: a segmenter's label maps of a whole collection, kept on disk."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.collection import ImageCollection, store_for
from urbanlens.engine import Engine, prepare
from urbanlens.errors import ArtifactError, ModelError
from urbanlens.models.weights import LoadedModel
from urbanlens.progress import Progress, silent

KIND = "objects"
CHUNK = 64
BATCH = 16
BATCH_PIXELS = 16 * 192**2
"""Pixels that are answered at a time: 150 scores for each fill 350 MB."""


@dataclass(eq=False)
class Segmented:
    """The kept label maps of a collection; one chunk of them is held at a time.

    Attributes
    ----------
    collection : the whole collection
    folder : the artifact's folder
    object_names : the name of each object id that the model knows
    shares : share of all labelled pixels of each object id that occurs
    missing : ids of the images that could not be read
    """

    collection: ImageCollection
    folder: Path
    object_names: dict[int, str]
    shares: dict[int, float]
    missing: tuple[str, ...] = ()
    _held: tuple[int, NDArray[Any]] | None = field(default=None, repr=False)

    def objects(self, image_id: str) -> NDArray[np.uint16] | None:
        """The object id of each pixel, (S, S) uint16 over the whole picture; None where it could not be read.

        S is the model's size: a picture that is no square was squeezed, as for every network here.
        """
        row = self.collection.row(image_id)
        if image_id in self.missing:
            return None
        start = row - row % CHUNK
        held = self._held
        if held is None or held[0] != start:
            held = self._held = start, _read(self.folder / _file(start))
        return np.asarray(held[1][row - start], np.uint16)


def segment(
    collection: ImageCollection,
    model: LoadedModel,
    *,
    store: ArtifactStore | None = None,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> Segmented:
    """Name the object of each pixel of all images of a collection, once, and keep the maps.

    Parameters
    ----------
    collection : a collection, or a view of one; the whole collection is segmented and kept
    model : a segmenter, on any device
    store : where the result is kept; None takes the collection's own (`store_for`)
    engine : halves batches that do not fit into its memory; None: one for the CPU
    progress : told after each chunk of 64 images; what it raises ends the run. Finished chunks are kept, so a later
        call goes on where this one stopped

    Raises
    ------
    ModelError
        Where the model is no segmenter.
    """
    whole, store = collection.whole, store or store_for(collection)
    key = _key(whole, model)
    if store.find(key) is None:
        chunks, engine = [], engine or Engine("cpu")
        progress(0, len(whole), "naming objects, image")
        for start in range(0, len(whole), CHUNK):
            chunks.append(_chunk(whole, model, start, store, engine))
            progress(min(start + CHUNK, len(whole)), len(whole), "naming objects, image")
        _join(store, key, chunks, model)
    return segmented(collection, model, store)


def segmented(collection: ImageCollection, model: LoadedModel, store: ArtifactStore | None = None) -> Segmented:
    """What `segment` returns, where it has been computed before; ArtifactError where it has not."""
    whole, store = collection.whole, store or store_for(collection)
    key = _key(whole, model)
    folder = store.find(key)
    if folder is None:
        raise ArtifactError(
            f"{whole.name} has no objects by the model {model.name!r} yet: "
            f"run `python -m urbanlens segment {whole.root} --model {model.name}`"
        )
    manifest = store.manifest(key)
    shares = {int(number): float(share) for number, share in manifest["shares"].items()}
    return Segmented(whole, folder, names_of(model), shares, tuple(manifest["missing"]))


def segment_images(
    model: LoadedModel, images: Sequence[Image.Image], *, engine: Engine | None = None
) -> NDArray[np.uint16]:
    """The object id of each pixel of pictures that belong to no collection: (N, S, S) at the model's size S."""
    ids = object_ids(model)
    engine, size = engine or Engine("cpu"), model.card.size
    together = max(1, BATCH_PIXELS // size**2)
    parts = [np.zeros((0, size, size), np.uint16)]
    for start in range(0, len(images), BATCH):
        pixels = prepare(images[start : start + BATCH], model.transform, size=size)
        parts.append(ids[engine.map(lambda some: _answers(model, some), pixels, size=together).numpy()])
    return np.concatenate(parts)


def object_ids(model: LoadedModel) -> NDArray[np.uint16]:
    """(K,) the object id of each output of a segmenter; ModelError for another model."""
    card = model.card
    if card.task != "objects":
        raise ModelError(
            f"the model {card.name!r} answers {card.task}, not objects: give a segmenter, such as the demo's "
            "`segmenter`, or `segformer`"
        )
    ids = card.data.get("object_ids")
    given = ids if isinstance(ids, list) else []
    numbers = [number for number in given if isinstance(number, int) and 0 < number < 65536]
    if len(numbers) != len(card.classes) or len(given) != len(numbers):
        raise ModelError(
            f"the card of {card.name!r} lacks data.object_ids, one number from 1 to 65535 a class: "
            "copy the model's folder again, or train it anew"
        )
    return np.array(numbers, np.uint16)


def names_of(model: LoadedModel) -> dict[int, str]:
    """The name of each object id that a segmenter knows."""
    return {int(number): name for number, name in zip(object_ids(model), model.classes, strict=True)}


@torch.no_grad()
def _answers(model: LoadedModel, pixels: Tensor) -> Tensor:
    """(n, S, S) class numbers, on the CPU."""
    device = next(model.module.parameters()).device
    images = pixels.to(device).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        answers: Tensor = model.module(images).argmax(1)
    return answers.cpu()


def _chunk(whole: ImageCollection, model: LoadedModel, start: int, store: ArtifactStore, engine: Engine) -> ArtifactKey:
    """Keep the maps of the images from `start` on, unless an earlier run got that far."""
    key = _key(whole, model, start)
    if store.find(key) is not None:
        return key
    names, size = whole.ids[start : start + CHUNK], model.card.size

    def squeezed(image: Image.Image) -> Image.Image:
        return image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0)

    images = dict(zip(names, whole.pictures(names, squeezed), strict=True))
    readable = [image for image in images.values() if image is not None]
    found = segment_images(model, readable, engine=engine)
    maps = np.zeros((len(names), size, size), np.uint8 if object_ids(model).max() < 256 else np.uint16)
    maps[[image is not None for image in images.values()]] = found
    pixels = {int(number): int(count) for number, count in zip(*np.unique(found, return_counts=True), strict=True)}
    with store.write(key, missing=[name for name in names if images[name] is None], pixels=pixels) as folder:
        np.savez_compressed(folder / _file(start), objects=maps)
    return key


def _join(store: ArtifactStore, key: ArtifactKey, chunks: Sequence[ArtifactKey], model: LoadedModel) -> None:
    """One artifact of all chunks; theirs go when it is written."""
    notes = [store.manifest(chunk) for chunk in chunks]
    folders = [folder for chunk in chunks if (folder := store.find(chunk)) is not None]
    pixels: Counter[str] = Counter()
    for note in notes:
        pixels.update(note["pixels"])
    total = pixels.total()
    shares = {number: count / total for number, count in pixels.most_common()}
    names = {str(number): name for number, name in names_of(model).items()}
    missing = [name for note in notes for name in note["missing"]]
    with store.write(key, missing=missing, shares=shares, names=names, segmenter=model.name) as fresh:
        for folder in folders:
            for file in folder.glob("*.npz"):
                shutil.copyfile(file, fresh / file.name)
    for folder in folders:
        if folder.is_relative_to(store.roots[-1]):
            shutil.rmtree(folder, ignore_errors=True)


def _key(whole: ImageCollection, model: LoadedModel, start: int | None = None) -> ArtifactKey:
    """The key of the whole result, or of the chunk that begins at image `start`."""
    parameters: dict[str, Any] = {"size": model.card.size, "ids": object_ids(model).tolist(), "chunk": CHUNK}
    if start is not None:
        parameters["start"] = start
    return ArtifactKey(KIND if start is None else f"{KIND}-chunk", whole.fingerprint, model.weights_digest, parameters)


def _file(start: int) -> str:
    return f"{start:07d}.npz"


def _read(path: Path) -> NDArray[Any]:
    """The maps of a chunk; ArtifactError where the file is gone or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            maps: NDArray[Any] = file["objects"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ArtifactError(
            f"{path} cannot be read ({type(error).__name__}): delete {path.parent} and segment again"
        ) from error
    return maps
