"""What aesthetic classifiers say of pictures: of one with all its maps, of a collection in numbers that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics.map_test import intensity
from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES, MARKS, is_high, mean_of, spread_of
from urbanlens.errors import ModelError
from urbanlens.explain.collection_maps import CollectionMaps
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image
    from torch import Tensor, nn

    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel, ModelCard

KIND = "aesthetics"
CHUNK = 64
TASK = "aesthetics"
LOW, HIGH = HIGH_LOW
"""The maps that every network of this task has: what speaks against beauty, and what speaks for it."""

Array = NDArray[np.float32]


def tells_marks(card: ModelCard) -> bool:
    """Whether a network tells how many voters would give each mark, and tags; the other kind tells high from low."""
    return card.classes[: len(MARK_NAMES)] == MARK_NAMES


def targets_of(card: ModelCard) -> tuple[str, ...]:
    """What its maps can explain: low, high, and of a network of marks each mark and each tag."""
    return (*HIGH_LOW, *card.classes) if tells_marks(card) else HIGH_LOW


@dataclass(frozen=True)
class Reading:
    """One picture.

    Attributes
    ----------
    classes : names of the K outputs
    shares : (K,) of high and low, of sum 1; or of the ten marks, of sum 1, and then of the tags, of sum 1
    targets : names of the T maps
    maps : (T, h, w) raw Grad-CAM maps, >= 0, of one pass through the trunk
    """

    classes: tuple[str, ...]
    shares: Array
    targets: tuple[str, ...]
    maps: Array

    @property
    def has_marks(self) -> bool:
        """Whether it tells marks and tags."""
        return len(self.classes) >= len(MARKS)

    @property
    def marks(self) -> Array:
        """(10,) foretold share of the voters who give each mark; empty for a network of high and low."""
        return np.asarray(self.shares[: len(MARKS)] if self.has_marks else self.shares[:0])

    @property
    def mean(self) -> float:
        """Foretold mean mark; NaN for a network of high and low."""
        return float(mean_of(self.marks[None])[0]) if self.has_marks else float("nan")

    @property
    def spread(self) -> float:
        """Foretold standard deviation of the marks; NaN for a network of high and low."""
        return float(spread_of(self.marks[None])[0]) if self.has_marks else float("nan")

    @property
    def high(self) -> float:
        """How surely the picture is high; NaN for a network of marks, which says it by its mean."""
        return float("nan") if self.has_marks else float(self.shares[1])

    @property
    def is_high(self) -> bool:
        """Whether the network calls the picture high."""
        return bool(is_high(self.mean)) if self.has_marks else self.high > 0.5

    @property
    def tags(self) -> dict[str, float]:
        """How much each tag is meant, the most first."""
        names, values = self.classes[len(MARKS) :], self.shares[len(MARKS) :]
        if not self.has_marks:
            return {}
        return {names[i]: float(values[i]) for i in np.argsort(-values, kind="stable")}

    def map(self, target: str) -> Array:
        """(h, w) the map of a target."""
        found: Array = self.maps[self.targets.index(target)]
        return found


@dataclass(frozen=True)
class Readings:
    """The N images of a collection.

    Attributes
    ----------
    classes : names of the K outputs
    shares : (N, K) as of `Reading`; NaN where an image cannot be read
    maps : (N, 2, h, w) float32, the maps of low and of high; 0 where an image cannot be read
    intensity : (N, 2) mean of those maps, each scaled to [0, 1]; NaN where an image cannot be read
    readable : (N,) whether the image could be decoded
    """

    classes: tuple[str, ...]
    shares: Array
    maps: Array
    intensity: Array
    readable: NDArray[np.bool_]

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """(N,) foretold mean mark; of a network of high and low, how surely the picture is high."""
        if self.classes[: len(MARKS)] != MARK_NAMES:
            return self.shares[:, 1].astype(np.float64)
        return mean_of(self.shares[:, : len(MARKS)])

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """(N,) foretold standard deviation of the marks; NaN for a network of high and low."""
        if self.classes[: len(MARKS)] != MARK_NAMES:
            return np.full(len(self.shares), np.nan)
        return spread_of(self.shares[:, : len(MARKS)])

    def of(self, rows: NDArray[Any]) -> Readings:
        """The same for some images, by number or by mask."""
        parts = {name: getattr(self, name)[rows] for name in ("shares", "maps", "intensity", "readable")}
        return replace(self, **parts)

    def as_maps(self, target: str) -> CollectionMaps:
        """The maps of low or of high as those of a classifier, for counting objects in them."""
        number, count = HIGH_LOW.index(target), len(self.readable)
        return CollectionMaps(
            HIGH_LOW, self.maps[:, number], np.zeros((count, 2), np.float32), np.full(count, number, np.int64),
            np.full(count, -1, np.int64), self.readable,
        )  # fmt: skip


def read_image(model: LoadedModel, image: Image, *, every: bool = True, engine: Engine | None = None) -> Reading:
    """One picture of any size: all its maps from one pass through the trunk; without `every`, those of low and high.

    Raises
    ------
    ModelError
        Where the network answers something else.
    """
    check_card(model.card)
    device = device_of(model, engine)
    pixels = model.transform(image)[None].to(device)
    shares, maps = _look(model.module.to(device), model.card, pixels, every=every)
    return Reading(model.classes, shares[0].numpy(), targets_of(model.card) if every else HIGH_LOW, maps[0].numpy())


def read_shares(model: LoadedModel, images: list[Image], *, engine: Engine | None = None) -> Array:
    """(N, K) what a network says of a few pictures, without maps."""
    import torch

    check_card(model.card)
    device = device_of(model, engine)
    pixels = torch.stack([model.transform(image) for image in images]).to(device)
    with torch.inference_mode():
        return np.asarray(shares_of(model.card, model.module.to(device)(pixels)).cpu().numpy())


def device_of(model: LoadedModel, engine: Engine | None) -> torch.device:
    """The engine's device; without one, where the model is."""
    return engine.device if engine is not None else next(model.module.parameters()).device


def read_collection(
    collection: ImageCollection, model: LoadedModel, *, store: ArtifactStore, engine: Engine | None = None,
    progress: Progress = silent,
) -> Readings:  # fmt: skip
    """All images of a collection (of a view, of the whole; the view gets its rows), kept in `store`.

    Parameters
    ----------
    progress : told after each chunk of 64 images; may raise Cancelled. A later call goes on from there

    Raises
    ------
    ModelError
        Where the network answers something else.
    """
    check_card(model.card)
    whole, key = collection.whole, readings_key(collection.whole, model.card)

    def compute(rows: range) -> Arrays:
        return read_chunk(whole, model, rows, engine)

    arrays = in_chunks(store, key, len(whole), compute, chunk=CHUNK, progress=progress, what="reading image")
    return _readings(model.card, arrays).of(collection.positions)


def kept_readings(collection: ImageCollection, card: ModelCard, *, store: ArtifactStore) -> Readings | None:
    """What `read_collection` gives, where it has been computed before; else None. Loads no torch."""
    arrays = kept_arrays(store, readings_key(collection.whole, card))
    return None if arrays is None else _readings(card, arrays).of(collection.positions)


def readings_key(whole: ImageCollection, card: ModelCard) -> ArtifactKey:
    """The key of kept readings."""
    return ArtifactKey(KIND, whole.fingerprint, card.weights_digest, {"size": card.size, "classes": list(card.classes)})


def maps_key(whole: ImageCollection, card: ModelCard, target: str) -> ArtifactKey:
    """The key of the maps of low or of high, for what is counted in them."""
    key = readings_key(whole, card)
    return replace(key, parameters={**key.parameters, "target": target})


def check_card(card: ModelCard) -> None:
    """ModelError where a network does not judge beauty."""
    if card.task != TASK:
        raise ModelError(f"{card.name} answers {card.task}, not beauty: give a network of `train aesthetics`")


def untrained(card: ModelCard) -> dict[str, Any]:
    """The options that build a network of the card with weights as chance makes them, not with packaged ones."""
    own = {name: value for name, value in (card.options.get("options") or {}).items() if name != "pretrained"}
    return {**card.options, "options": own or None}


def _readings(card: ModelCard, arrays: Mapping[str, NDArray[Any]]) -> Readings:
    maps = arrays["maps"].astype(np.float32) * arrays["scale"][:, :, None, None]
    return Readings(card.classes, arrays["shares"], maps, arrays["intensity"], arrays["readable"])


def _values(card: ModelCard, every: bool) -> Any:
    """What is explained of the scores (N, K): low and high, and of a network of marks every mark and tag."""
    import torch

    from urbanlens.models.aesthetics import mean_mark

    def values(scores: Tensor) -> Tensor:
        if not tells_marks(card):
            return scores
        mean = mean_mark(scores)[:, None]
        return torch.cat([-mean, mean, scores] if every else [-mean, mean], 1)

    return values


def shares_of(card: ModelCard, scores: Tensor) -> Tensor:
    """Shares (N, K) as of `Reading` from a network's scores (N, K)."""
    import torch

    if not tells_marks(card):
        return scores.softmax(1)
    count = len(MARKS)
    return torch.cat([scores[:, :count].softmax(1), scores[:, count:].softmax(1)], 1)


def _look(module: nn.Module, card: ModelCard, pixels: Tensor, *, every: bool) -> tuple[Tensor, Tensor]:
    """Shares (N, K) and maps (N, T, h, w) of a batch, on the CPU."""
    from urbanlens.explain.gradcam import grad_cam_each

    maps, scores = grad_cam_each(module, pixels, _values(card, every), "trunk")
    return shares_of(card, scores).cpu(), maps.cpu()


def read_chunk(whole: ImageCollection, model: LoadedModel, rows: range, engine: Engine | None) -> Arrays:
    """Numbers and maps of some images; maps are kept as float16 shares of their greatest value, that beside."""
    import torch

    from urbanlens.engine import Engine as Engines
    from urbanlens.engine import comfortable_batch

    pixels = list(whole.pictures(whole.ids[rows.start : rows.stop], model.transform))
    readable = np.array([one is not None for one in pixels], bool)
    batch = torch.zeros(len(pixels), 3, model.card.size, model.card.size)
    for row, one in enumerate(pixels):
        if one is not None:
            batch[row] = one
    device = next(model.module.parameters()).device
    shares, found = (engine or Engines("cpu")).map(
        lambda part: _look(model.module, model.card, part.to(device), every=False),
        batch.contiguous(memory_format=torch.channels_last),
        size=comfortable_batch(device),
    )
    maps = found.numpy()
    scale = maps.max((2, 3)) if len(maps) else np.zeros((0, 2), np.float32)
    relative = maps / np.where(scale > 0, scale, 1)[:, :, None, None]
    return {
        "shares": np.where(readable[:, None], shares.numpy(), np.nan).astype(np.float32),
        "maps": np.where(readable[:, None, None, None], relative, 0).astype(np.float16),
        "scale": np.where(readable[:, None], scale, 0).astype(np.float32),
        "intensity": np.where(readable[:, None], intensity(maps), np.nan).astype(np.float32),
        "readable": readable,
    }
