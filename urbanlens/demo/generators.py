"""The demo's template generators: how each was trained, and on which images their templates are judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanlens.collection.splits import evenly
from urbanlens.errors import ModelError, UnknownNameError
from urbanlens.progress import Progress, silent
from urbanlens.transformation.record import Method

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.models import ModelCard

OWN, INVERSION = "generator", "generator-inversion"
LABEL = "city"
JUDGES = ("resnet18", "simpler")
"""Shipped classifiers of two families that share nothing with a driver; both stand blur. The first is asked first."""

RECIPES: Mapping[str, Mapping[str, Any]] = {
    OWN: {"steps": 4600, "prior_steps": 2500},
    INVERSION: {"steps": 2000, "prior_width": 0, "encoder": "efficientnet_lite0", "layer": "blocks.10"},
}
"""`generator` learns its own code and a prior over codes. `generator-inversion` is the paper's way: features of a
frozen network are inverted (Dosovitskiy & Brox), and a class is maximised by plain ascent (Nguyen et al.)."""

WAYS: Mapping[str, tuple[str, Method]] = {
    "with a prior": (OWN, "prior"),
    "plain ascent": (OWN, "ascent"),
    "inverted features, plain ascent": (INVERSION, "ascent"),
}
"""What is judged: a generator, and a way of maximising with it. The last is the papers' own."""

TESTED = 100
"""Test images of each city whose transformations are judged, evenly over the table."""

SHOWN, PROTOTYPES = 30, 8
"""Transformations each way that are shipped with all their steps, and prototypes of each class."""


def train_demo_generator(
    collection: ImageCollection, name: str, extra: ImageCollection | None, folder: Path, *, device: str = "auto",
    progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train one of `RECIPES` as the shipped one was; the model goes to `folder/name`.

    The inversion is held against, and pulled by, one plain classifier as in the papers: the second driver of
    `generator`, in `folder` or shipped.
    """
    from urbanlens.training.drivers import TRANSFERRED, Learning
    from urbanlens.training.generator import GeneratorPlan, train_generator

    if name not in RECIPES:
        raise UnknownNameError(f"the demo has no generator named {name!r}: known are {', '.join(RECIPES)}")
    shipped = collection.root / "models"
    learning = Learning(collection, LABEL, extra=extra, seed=1, device=device)
    drivers = None
    if name == INVERSION:
        beside = next((home / OWN / "drivers" for home in (folder, shipped) if (home / OWN / "drivers").is_dir()), None)
        if beside is None:
            raise ModelError(f"{INVERSION} needs the drivers of {OWN}: train {OWN} first")
        drivers = [beside / TRANSFERRED]
    return train_generator(
        learning, folder / name, plan=GeneratorPlan(**RECIPES[name]), drivers=drivers,
        judges=[shipped / judge for judge in JUDGES], progress=progress,
    )  # fmt: skip


def tested_sources(collection: ImageCollection, start: str, count: int = TESTED) -> list[str]:
    """Ids of test images of a city, evenly over the table; nobody chose them."""
    table = collection.table
    rows = np.flatnonzero((table["split"] == "test").to_numpy() & (table[LABEL] == start).to_numpy())
    return [collection.ids[row] for row in evenly(rows, count)]
