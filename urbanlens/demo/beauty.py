"""The demo's networks of beauty: how each was trained, and how it is judged against the rule that the votes follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import erf, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics.metrics import aesthetic_metrics, high_low_metrics
from urbanlens.aesthetics.readings import Readings, kept_readings, tells_marks
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection.votes import MARKS, tag_shares, tags_of, votes_of
from urbanlens.demo import rules
from urbanlens.demo.gates import Gate, at_least, at_most
from urbanlens.demo.scene import Light, TimeOfDay
from urbanlens.errors import ArtifactError, UnknownNameError
from urbanlens.models.card import CARD_FILE, WEIGHTS_FILE, ModelCard
from urbanlens.progress import Progress, silent
from urbanlens.siam.annotations import attribute_names, attribute_values

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

MARKS_NETWORK, HIGH_LOW_NETWORK = "aesthetic-marks", "aesthetic-high-low"
RECIPES: Mapping[str, Mapping[str, Any]] = {
    MARKS_NETWORK: {"architecture": "marks_and_tags", "scheme": {"epochs": 60, "sampling": "each"}},
    HIGH_LOW_NETWORK: {
        "architecture": "high_low", "scheme": {"epochs": 30, "sampling": "class"}
    },
}  # fmt: skip
"""Chosen on the validation images, among a few."""

LEAST_SHARE = 0.003
"""Of a picture, for an object to count as clutter."""


def train_aesthete(
    collection: ImageCollection, name: str, extra: ImageCollection | None, folder: Path, *, device: str = "auto",
    progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train one of `RECIPES` as the shipped one was; the model goes to `folder/name`."""
    from urbanlens.training.aesthetics import IMAGENET, PACKAGED, SMALL_HEAD, AestheticScheme, train_aesthetics

    if name not in RECIPES:
        raise UnknownNameError(f"the demo has no network of beauty named {name!r}: known are {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    return train_aesthetics(
        collection, destination=folder / name, architecture=recipe["architecture"], start=IMAGENET,
        options=SMALL_HEAD if name == HIGH_LOW_NETWORK else None, scheme=AestheticScheme(**recipe["scheme"]),
        extra=extra, seed=1, device=device, progress=progress, **PACKAGED,
    )  # fmt: skip


def demo_test_rows(collection: ImageCollection) -> NDArray[np.bool_]:
    """(N,) the demo's test images."""
    return np.asarray(collection.table["split"] == "test")


@dataclass(frozen=True)
class JudgedAesthete:
    """A network of beauty, what it says of all images, and how well it does on the test images."""

    card: ModelCard
    readings: Readings
    metrics: Mapping[str, Any]


def judged_aesthetes(collection: ImageCollection) -> dict[str, JudgedAesthete]:
    """The networks of beauty that are shipped; ArtifactError where what they say of the images is missing."""
    store, votes, test, found = (
        ArtifactStore(collection.root / "artifacts"),
        votes_of(collection),
        demo_test_rows(collection),
        {},
    )
    usual = votes.shares[np.asarray(collection.table["split"] == "train")].mean(0)
    for name in RECIPES:
        folder = collection.root / "models" / name
        if not (folder / CARD_FILE).is_file():
            continue
        card = ModelCard.read(folder)
        readings = kept_readings(collection, card, store=store)
        if readings is None:
            raise ArtifactError(
                f"what {name} says of the images is not there: run "
                f"`python -m urbanlens explain {collection.root} --model {name}`"
            )
        shares = readings.shares[test]
        if tells_marks(card):
            names = card.classes[len(MARKS) :]
            there = tag_shares(tags_of(collection), names)[test] > 0
            marks, tags = shares[:, : len(MARKS)], shares[:, len(MARKS) :]
            metrics = aesthetic_metrics(votes.shares[test], marks, usual, there, tags, names)
        else:
            metrics = high_low_metrics(votes.shares[test], shares[:, 1])
        found[name] = JudgedAesthete(card, readings, metrics)
    return found


def rule_marks(collection: ImageCollection, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mark that the voters of some images tend to, computed from the rule, the table, the pixels and the labels."""
    names, table = attribute_names(collection), collection.table
    shares, found = attribute_values(collection), []
    for row in np.flatnonzero(rows):
        image_id = collection.ids[row]
        pixels, labels = np.asarray(collection.image(image_id)), collection.objects(image_id)
        assert labels is not None
        counts = np.bincount(labels.ravel(), minlength=1)[1:] / labels.size
        chroma = float((pixels.max(-1).astype(float) - pixels.min(-1)).mean())
        look = rules.Look(chroma, int((counts >= LEAST_SHARE).sum()))
        hour = cast(TimeOfDay, table["time_of_day"].iat[row])
        light = Light(hour, "summer", 0.0, 0.0, 0.0)
        attributes = dict(zip(names, map(float, shares[row]), strict=True))
        found.append(rules.beauty(attributes, light, str(table["weather"].iat[row]), look))
    return np.array(found)


def expected_votes(marks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 10) the shares of votes that the rule expects at marks (N,): a normal distribution, rounded and cut off."""
    edges = np.array([-np.inf, *np.arange(1.5, 10), np.inf])
    away = (edges - marks[:, None]) / (rules.BEAUTY_SPREAD * sqrt(2))
    return np.asarray(np.diff(np.vectorize(erf)(away), axis=1) / 2)


def ceiling(collection: ImageCollection) -> dict[str, Any]:
    """What who knows the rule would reach on the test images: only the chance of some 200 voters is left."""
    return dict(_ceiling(str(collection.root)))


@lru_cache(maxsize=2)
def _ceiling(root: str) -> dict[str, Any]:
    from urbanlens.collection import ImageCollection

    collection = ImageCollection.open(root)
    test, votes = demo_test_rows(collection), votes_of(collection)
    expected = expected_votes(rule_marks(collection, test))
    usual = votes.shares[np.asarray(collection.table["split"] == "train")].mean(0)
    none = np.zeros((len(expected), 0))
    return aesthetic_metrics(votes.shares[test], expected, usual, none, none, ())


def beauty_gates(collection: ImageCollection, networks: Mapping[str, JudgedAesthete]) -> dict[str, Gate]:
    """What the networks of beauty are to keep; where one is missing, its gates have no value and are not kept."""
    marks = networks[MARKS_NETWORK].metrics if MARKS_NETWORK in networks else {}
    high_low = networks[HIGH_LOW_NETWORK].metrics if HIGH_LOW_NETWORK in networks else {}
    files = [collection.root / "models" / name / WEIGHTS_FILE for name in RECIPES]
    size = round(sum(file.stat().st_size for file in files) / 1e6, 2) if all(map(Path.is_file, files)) else None

    def of(metrics: Mapping[str, Any], name: str) -> float | None:
        return round(metrics[name], 4) if name in metrics else None

    return {
        "beauty: balanced accuracy of high and low": at_least(of(high_low, "balanced_accuracy"), 0.8),
        "beauty: balanced accuracy by the mean mark": at_least(of(marks, "balanced_accuracy"), 0.8),
        "beauty: EMD over that of the mean distribution": at_most(of(marks, "emd_ratio"), 0.5),
        "beauty: Spearman's correlation of the mean mark": at_least(of(marks, "spearman"), 0.7),
        "MB of the networks of beauty": at_most(size if networks else None, 25.0),
    }
