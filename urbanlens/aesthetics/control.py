"""What maps are held against: the same network with random weights, and parts that are covered up."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics.random_heads import drawn_rows
from urbanlens.aesthetics.readings import (
    CHUNK,
    TASK,
    Reading,
    device_of,
    read_chunk,
    read_image,
    shares_of,
    tells_marks,
    untrained,
)
from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.collection.votes import HIGH_LOW, MARKS, mean_of
from urbanlens.explain.masks import upsample_masks
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel, ModelCard

INITIALIZATION = 2
"""Changes where fresh networks begin otherwise."""

CONTROL, COVERED_UP = "aesthetics-random", "aesthetics-covered"

COVERED = 0.2
"""The part of a picture that is covered up: where a map is strongest."""

BLUR_PX = 8
"""What is covered is shrunk to a picture of so many px a side, and enlarged again."""

MOST_COVERED = 200
"""Images of a collection that parts are covered of."""

SHIFTS, PLACES = 8, 3
"""For comparison the covered part is pushed round the picture by eighths, to the three places where it overlaps least
with itself."""

Array = NDArray[np.float32]


def random_network_intensity(
    collection: ImageCollection, card: ModelCard, *, store: ArtifactStore, engine: Engine | None = None, seed: int = 0,
    progress: Progress = silent,
) -> Array:  # fmt: skip
    """(N,) the intensity of the map of high under the same network with random weights, the test's control; kept.

    NaN where an image cannot be read.
    """
    from urbanlens.models import build_model
    from urbanlens.models.transform import SquareTransform
    from urbanlens.models.weights import LoadedModel

    whole = collection.whole
    key = _control_key(whole, card, seed)
    module = build_model(card.architecture, len(card.classes), task=TASK, seed=seed, **untrained(card)).eval()
    if engine is not None:
        module.to(engine.device)
    model = LoadedModel(module, card.classes, SquareTransform(card.size), card, card.name, card.layers, "")

    def compute(rows: range) -> Arrays:
        return {"intensity": read_chunk(whole, model, rows, engine)["intensity"][:, 1]}

    arrays = in_chunks(store, key, len(whole), compute, chunk=CHUNK, progress=progress, what="random network, image")
    return arrays["intensity"][collection.positions]


def kept_random_network_intensity(
    collection: ImageCollection, card: ModelCard, *, store: ArtifactStore, seed: int = 0
) -> Array | None:
    """What `random_network_intensity` gives, where it has been computed before; else None. Loads no torch."""
    arrays = kept_arrays(store, _control_key(collection.whole, card, seed))
    return None if arrays is None else arrays["intensity"][collection.positions]


def _control_key(whole: ImageCollection, card: ModelCard, seed: int) -> ArtifactKey:
    parameters = {"size": card.size, "architecture": card.architecture, "options": dict(card.options), "seed": seed,
                  "classes": len(card.classes), "initialization": INITIALIZATION}  # fmt: skip
    return ArtifactKey(CONTROL, whole.fingerprint, "", parameters)


@dataclass(frozen=True)
class Covered:
    """What becomes of a network's answers where the strongest part of each map is covered up.

    Attributes
    ----------
    targets : names of the T maps
    before : (T,) what the map explains: a share in [0, 1]; of low and high under a network of marks, the mean mark
    fall : (T,) how far it moves against what the map says: a share, or the mean mark, that falls (for low: rises)
    elsewhere : (T,) the mean of the same, where the same shape is covered at three other places (`elsewhere_of`)
    empty : (T,) whether the map points nowhere, so that nothing was covered
    """

    targets: tuple[str, ...]
    before: Array
    fall: Array
    elsewhere: Array
    empty: NDArray[np.bool_]


def cover(
    model: LoadedModel, image: Image, reading: Reading, targets: tuple[str, ...], *, engine: Engine | None = None
) -> Covered:
    """Cover up a fifth of the picture, where each map is strongest, and ask the network again.

    A map that shows what speaks for something should make it fall further than a part covered elsewhere does.
    """
    import torch
    from torch.nn import functional

    from urbanlens.engine import comfortable_batch

    device = device_of(model, engine)
    pixels, module, size = model.transform(image), model.module.to(device), model.card.size
    small = functional.interpolate(pixels[None], BLUR_PX, mode="bilinear", antialias=True)
    blurred = functional.interpolate(small, size, mode="bilinear", align_corners=False)[0]
    masks = upsample_masks(np.stack([reading.map(name) for name in targets]), size)
    empty = np.asarray(~masks.any((1, 2)), bool)
    parts = [pixels]
    for mask in masks:
        strongest = np.argsort(mask, axis=None)[-round(COVERED * size**2) :]
        there = np.zeros((size, size), bool)
        there.flat[strongest] = True
        parts += [torch.where(torch.from_numpy(one), blurred, pixels) for one in (there, *elsewhere_of(there))]
    with torch.inference_mode():
        batch = torch.stack(parts).contiguous(memory_format=torch.channels_last)
        scores = [module(some.to(device)) for some in torch.split(batch, comfortable_batch(device))]
        found = shares_of(model.card, torch.cat(scores)).cpu().numpy()
    values = _explained(found, targets, reading)
    before, after = values[0], values[1:].reshape(len(targets), 1 + PLACES, len(targets))
    own = np.arange(len(targets))
    falls = np.where(empty[:, None], 0, before[:, None] - after[own, :, own])
    signs = np.array([-1 if name == HIGH_LOW[0] and tells_marks(model.card) else 1 for name in targets])
    moved_by = (falls * signs[:, None]).astype(np.float32)
    return Covered(targets, before.astype(np.float32), moved_by[:, 0], moved_by[:, 1:].mean(1), empty)


def elsewhere_of(there: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """A part of a picture (S, S) pushed round it to the three places where it overlaps least with itself."""
    side = len(there)
    moved = [
        np.roll(there, (down * side // SHIFTS, across * side // SHIFTS), (0, 1))
        for down in range(SHIFTS) for across in range(SHIFTS) if down or across
    ]  # fmt: skip
    order = np.argsort([int((there & one).sum()) for one in moved], kind="stable")
    return [moved[number] for number in order[:PLACES]]


def _explained(shares: NDArray[Any], targets: tuple[str, ...], reading: Reading) -> NDArray[np.float64]:
    """(B, T) what each map explains, of B answers (B, K)."""
    marks = mean_of(shares[:, : len(MARKS)]) if reading.has_marks else None
    columns = [
        marks if marks is not None and name in HIGH_LOW else shares[:, reading.classes.index(name)] for name in targets
    ]
    return np.stack(columns, 1).astype(np.float64)


@dataclass(frozen=True)
class CoveredImages:
    """What becomes of the answers for M images of a collection, where the maps of low and of high are covered up.

    Attributes
    ----------
    rows : (M,) their numbers in the whole collection
    fall, elsewhere : (M, 2) as of `Covered`, of low and of high; NaN where the map is empty, or the image unreadable
    """

    rows: NDArray[np.int64]
    fall: Array
    elsewhere: Array


def cover_collection(
    collection: ImageCollection, model: LoadedModel, wanted: NDArray[np.bool_], *, store: ArtifactStore,
    engine: Engine | None = None, progress: Progress = silent,
) -> CoveredImages:  # fmt: skip
    """`cover` for the maps of low and of high of images of a whole collection, kept in `store`.

    Parameters
    ----------
    wanted : (N,) the images that may be asked of; of more than 200, chance draws 200
    progress : may raise Cancelled. A later call goes on from there
    """
    whole, rows = collection.whole, drawn_rows(wanted, MOST_COVERED)

    def compute(part: range) -> Arrays:
        fall = np.full((2, len(part), len(HIGH_LOW)), np.nan, np.float32)
        ids = [whole.ids[row] for row in rows[part.start : part.stop]]
        for number, image in enumerate(whole.pictures(ids, lambda image: image)):
            if image is None:
                continue
            reading = read_image(model, image, every=False, engine=engine)
            found = cover(model, image, reading, HIGH_LOW, engine=engine)
            fall[:, number, ~found.empty] = np.stack([found.fall, found.elsewhere])[:, ~found.empty]
        return {"fall": fall[0], "elsewhere": fall[1]}

    key = _covered_key(whole, model.card, rows)
    arrays = in_chunks(store, key, len(rows), compute, chunk=16, progress=progress, what="covering up parts of image")
    return CoveredImages(rows, arrays["fall"], arrays["elsewhere"])


def kept_covered(
    collection: ImageCollection, card: ModelCard, wanted: NDArray[np.bool_], *, store: ArtifactStore
) -> CoveredImages | None:
    """What `cover_collection` gives, where it has been computed before; else None. Loads no torch."""
    rows = drawn_rows(wanted, MOST_COVERED)
    arrays = kept_arrays(store, _covered_key(collection.whole, card, rows))
    return None if arrays is None else CoveredImages(rows, arrays["fall"], arrays["elsewhere"])


def _covered_key(whole: ImageCollection, card: ModelCard, rows: NDArray[np.int64]) -> ArtifactKey:
    digest = hashlib.sha256(rows.tobytes()).hexdigest()[:20]
    parameters = {"size": card.size, "classes": list(card.classes), "rows": digest, "covered": COVERED,
                  "blur": BLUR_PX, "shifts": SHIFTS, "places": PLACES}  # fmt: skip
    return ArtifactKey(COVERED_UP, whole.fingerprint, card.weights_digest, parameters)
