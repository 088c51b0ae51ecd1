"""Which networks a page can ask, and their answer to one picture, computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.errors import ModelError
from urbanlens.models.card import WEIGHTS_FILE, ModelCard
from urbanlens.ui import caches, library

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.collection import ImageCollection
    from urbanlens.models import LoadedModel

IMAGENET = "imagenet"
CLASSES = ("classes",)
"""What a classifier answers."""


@dataclass(frozen=True)
class Network:
    """A network: its name in the address, what it is called, where it lies (None: packaged), and its card there."""

    name: str
    title: str
    folder: Path | None
    from_demo: bool = False
    card: ModelCard | None = None

    @property
    def key(self) -> str:
        """Changes when the network's files do."""
        return self.name if self.folder is None else f"{self.folder}@{(self.folder / 'model.json').stat().st_mtime_ns}"

    @property
    def can_be_asked(self) -> bool:
        """Whether its weights are here; of a second training of the demo's networks only the masks are shipped."""
        return self.folder is None or (self.folder / WEIGHTS_FILE).is_file()

    @property
    def is_imagenet(self) -> bool:
        """Whether it is the packaged network, which knows no places."""
        return self.folder is None

    def load(self) -> LoadedModel:
        """Read it from disk; ModelError where its files are broken."""
        from urbanlens.models import imagenet, load_model

        return imagenet() if self.folder is None else load_model(self.folder)


@dataclass(frozen=True)
class Explained:
    """What a network says about one picture.

    Attributes
    ----------
    classes : names of the K classes
    probabilities : (K,), sums to 1
    target : the class that the map explains
    map : (h, w), raw Grad-CAM
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    target: int
    map: NDArray[np.float32]

    @property
    def found(self) -> bool:
        """Whether the map points anywhere."""
        return bool(self.map.max() > self.map.min())

    def ranked(self) -> list[tuple[str, float]]:
        """Classes and their probabilities, most probable first."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(self.classes[i], float(self.probabilities[i])) for i in order]

    def table(self) -> pd.DataFrame:
        """`ranked` as a table to take home."""
        return pd.DataFrame(self.ranked(), columns=["class", "probability"])


def networks(collection: ImageCollection) -> dict[str, Network]:
    """Those that can be asked, by their name in the address: the collection's own, the demo's, and ImageNet's."""
    everyday = Network(IMAGENET, "ImageNet (EfficientNet-Lite0, 1,000 everyday things)", None)
    found = classifiers(collection)
    own = {name: network for name, network in found.items() if not name.startswith("demo-")}
    return {name: network for name, network in {**own, IMAGENET: everyday, **found}.items() if network.can_be_asked}


def classifiers(collection: ImageCollection, tasks: Sequence[str] = CLASSES) -> dict[str, Network]:
    """The collection's own classifiers (or networks of other tasks), then the demo's, by their name in the address."""
    demo = library.DEMO_FOLDER.resolve()
    known = _kept("own", collection.models, demo, tasks)
    if collection.root != demo:
        known |= _kept("demo", sorted(file.parent for file in (demo / "models").glob("*/model.json")), demo, tasks)
    return known


def titles(known: Mapping[str, Network]) -> dict[str, str]:
    """What networks are called by their names in the address; the demo's are told apart where others are among them."""
    mixed = len({network.from_demo for network in known.values()}) > 1
    return {
        name: (network.card.name if network.card else name) + (", of the demo" if network.from_demo and mixed else "")
        for name, network in known.items()
    }


def _kept(prefix: str, folders: Sequence[Path], demo: Path, tasks: Sequence[str]) -> dict[str, Network]:
    """The networks of some tasks among models' folders; a folder without a readable card is left out."""
    known = {}
    for folder in folders:
        try:
            card = ModelCard.read(folder)
        except ModelError:
            continue
        if card.task in tasks:
            about = " or ".join(card.classes) if len(card.classes) <= 3 else f"{len(card.classes)} classes"
            name, of_demo = f"{prefix}-{folder.name}", folder.resolve().is_relative_to(demo)
            known[name] = Network(name, f"{about} ({folder.name})", folder, of_demo, card)
    return known


def digest(image: Image) -> str:
    """What a picture is known by in the caches: its size and pixels."""
    return hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()


def explain(network: Network, image: Image, identity: str, target: int | None = None) -> Explained:
    """The network's answer, and where it looked for class `target` (None: the most probable one).

    Raises
    ------
    ModelError
        The network's files are missing or broken.
    """

    def compute() -> Explained:
        from urbanlens.explain import explain_images

        engine = caches.engine()
        with engine.use(network.key, network.load) as model:
            answer = explain_images(model, [image], target, engine=engine)
            return Explained(model.classes, answer.probabilities[0], int(answer.targets[0]), answer.maps[0])

    return caches.explanation(identity, network.key, target, compute)


def objects_inside(mask: NDArray[np.float32], labels: NDArray[np.uint16], names: dict[int, str],
                   threshold: float) -> pd.DataFrame:  # fmt: skip
    """Which true objects lie inside a mask, against their share of the whole picture.

    Parameters
    ----------
    mask, labels : (H, W); labels of 0 are left out.

    Returns
    -------
    DataFrame
        object, inside and whole (shares in [0, 1]), ratio of the two; the largest shares inside first. Empty where
        the mask or the labels are.
    """
    drawn = labels > 0
    inside = drawn & (mask >= threshold)
    columns = ["object", "inside", "whole", "ratio"]
    if not inside.any():
        return pd.DataFrame(columns=columns)
    length = int(labels.max()) + 1
    within = np.bincount(labels[inside], minlength=length) / inside.sum()
    base = np.bincount(labels[drawn], minlength=length) / drawn.sum()
    found = [i for i in np.argsort(-within, kind="stable") if within[i] > 0]
    rows = [(names.get(int(i), f"object {i}"), within[i], base[i], within[i] / base[i]) for i in found]
    return pd.DataFrame(rows, columns=columns)
