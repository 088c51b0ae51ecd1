"""The classifiers around a generator: those that pull its codes towards a class, and those that only judge.

Drivers of two families pull together: what one of them alone takes for a class, the other mostly does not. The first is
robust, and the generator is held against its features. A judge is of a third family and shares nothing with a driver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanlens.collection import ImageCollection
from urbanlens.models.card import CARD_FILE, ModelCard
from urbanlens.progress import Progress
from urbanlens.training.city import train_city

ROBUST, TRANSFERRED, JUDGE = "vgg-robust", "lite0", "resnet-judge"
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    ROBUST: {
        "architecture": "vgg11", "width": 24, "hidden": 128, "batch_norm": True, "pool": 4, "recipe": "robust",
        "epochs": (5,),
    },
    TRANSFERRED: {"architecture": "efficientnet_lite0", "pretrained": True, "learning_rate": 5e-4, "epochs": (3,)},
    JUDGE: {"architecture": "resnet18", "epochs": (6,)},
}  # fmt: skip
"""Of each network: arguments of `train_city`."""

DRIVERS = (ROBUST, TRANSFERRED)
FEWEST_STEPS = 400
"""Batches that a network sees at least: small collections are passed more often."""


@dataclass(frozen=True)
class Learning:
    """What all networks around a generator learn from, as arguments of `train_city`."""

    collection: ImageCollection
    label: str
    classes: Sequence[str] | None = None
    largest: int | None = None
    group: str | None = None
    extra: ImageCollection | None = None
    seed: int = 0
    device: str = "auto"


def trained(name: str, folder: Path, learning: Learning, size: int, images: int, progress: Progress) -> ModelCard:
    """A network of `SETTINGS` in `folder/name`, trained unless it is there; each has a seed of its own.

    Parameters
    ----------
    size : of the generator's images in px
    images : number of training images
    """
    if (folder / name / CARD_FILE).is_file():
        return ModelCard.read(folder / name)
    settings = dict(SETTINGS[name])
    epochs = max(settings.pop("epochs")[0], -(-FEWEST_STEPS * 32 // max(images, 1)))
    given = {"label", "classes", "largest", "group", "extra", "device"}
    return train_city(
        learning.collection, destination=folder / name, sizes=(size,), epochs=(epochs,), progress=progress,
        seed=learning.seed + 11 * (1 + list(SETTINGS).index(name)), **{key: getattr(learning, key) for key in given},
        **settings,
    )  # fmt: skip
