"""The demo's classifiers: how each was trained, and how far it leans on the planted mark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanlens.artifacts import write_atomically
from urbanlens.errors import UnknownNameError
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.models import ModelCard

SMALL = {"batch_norm": True, "dropout": 0.5}
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "vgg11": {
        "architecture": "vgg11", "augmented": False, "sizes": (64, 96, 128), "epochs": (4, 2, 3), "hidden": 256,
        "batch_norm": True, "pool": 4,
    },
    "resnet18": {"architecture": "resnet18", "augmented": True, "sizes": (96, 128, 192), "epochs": (8, 6, 4)},
    "simple": {
        "architecture": "simple", "augmented": False, "sizes": (112,), "epochs": (10,), "hidden": 256, **SMALL,
    },
    "simpler": {
        "architecture": "simpler", "augmented": False, "sizes": (112,), "epochs": (10,), "hidden": 128, **SMALL,
    },
}  # fmt: skip
"""The papers' four architectures with what the demo's need beyond them: batch norms, small heads, small images. As in
the papers, three of them see the training images as they are; the ResNet sees them changed, and so is the only one
that does not fall for the mark."""

AGAIN = "-retrained"
"""Ends the name of a second training: the same settings, other random weights and order."""


def train_network(
    collection: ImageCollection, name: str, extra: ImageCollection | None, folder: Path, *, device: str = "auto",
    progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train one of `NETWORKS`, or its second training, and note how far it leans on the mark.

    Parameters
    ----------
    name : such as `vgg11` or `vgg11-retrained`
    extra : more images of the training cells (`demo build EXTRA --split train`)
    folder : the model goes to `folder/name`
    """
    from urbanlens.training import train_city

    first = name.removesuffix(AGAIN)
    if first not in NETWORKS:
        known = ", ".join([*NETWORKS, *(f"{known}{AGAIN}" for known in NETWORKS)])
        raise UnknownNameError(f"the demo has no network named {name!r}: known are {known}")
    seed = 2 if name.endswith(AGAIN) else 1
    card = train_city(
        collection, destination=folder / name, extra=extra, seed=seed, device=device, progress=progress,
        **NETWORKS[first],
    )  # fmt: skip
    return note_mark(collection, folder / name, card)


def note_mark(collection: ImageCollection, folder: Path, card: ModelCard) -> ModelCard:
    """Write into a model's card which share of Hanamori's test images a pasted corner turns into Steelport."""
    from urbanlens.demo.gates import spurious

    told = [gate["value"] for gate in spurious(collection, folder).values()]
    metrics = {**card.metrics, "mark_test": {"marked": told[0], "bare": told[1]}}
    card = replace(card, metrics=metrics)
    write_atomically(folder / "model.json", json.dumps(asdict(card), indent=1, ensure_ascii=False).encode())
    return card
