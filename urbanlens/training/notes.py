"""What every training has in common: its stages, and what a model's card says of how and from what it learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from urbanlens.collection import ImageCollection
from urbanlens.errors import ModelError
from urbanlens.training.fit import FitResult, FitSettings


def stages(sizes: Sequence[int], epochs: Sequence[int], batch: int) -> list[int]:
    """The size in px of each epoch; ModelError where the stages make no sense."""
    if not sizes or len(sizes) != len(epochs):
        raise ModelError(
            f"{len(sizes)} sizes and {len(epochs)} numbers of epochs: give one number of epochs for each size"
        )
    if min(sizes) < 32 or max(sizes) > 1024 or min(epochs) < 0 or epochs[-1] < 1:
        raise ModelError(
            f"sizes {list(sizes)} with epochs {list(epochs)}: sizes lie between 32 and 1024 px, "
            "the last has 1 epoch or more"
        )
    if batch < 2:
        raise ModelError(f"a batch of {batch} is too small for batch norms: give at least 2")
    return [size for size, count in zip(sizes, epochs, strict=True) for _ in range(count)]


def fit_notes(result: FitResult, settings: FitSettings, images: int, batch: int) -> dict[str, Any]:
    """How a network learnt from `images` training images; plain JSON."""
    looked_at = images * settings.epochs
    return {
        "batch": batch, "learning_rate": settings.learning_rate, "weight_decay": settings.weight_decay,
        "seed": settings.seed, "device": settings.device.split(":")[0], "best_epoch": result.best_epoch,
        "seconds": round(result.seconds, 1),
        "images_per_second": round(looked_at / max(result.seconds, 1e-9), 1), "history": result.history,
    }  # fmt: skip


def source_notes(collection: ImageCollection, extra: ImageCollection | None) -> dict[str, Any]:
    """Which collections a network learnt from; plain JSON."""
    return {
        "collection": collection.name,
        "fingerprint": collection.fingerprint,
        "extra": extra.fingerprint if extra is not None else None,
    }
