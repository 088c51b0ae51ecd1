"""The demo's networks of scenicness: how each was trained, and how it is judged against what was planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactStore
from urbanlens.demo import rules
from urbanlens.demo.gates import Gate, at_least, at_most
from urbanlens.demo.templates import Agreement, band_means, sign_agreement
from urbanlens.errors import ArtifactError, UnknownNameError
from urbanlens.models.card import ModelCard
from urbanlens.progress import Progress, silent
from urbanlens.siam.annotations import attribute_values, score_values
from urbanlens.siam.metrics import attribute_metrics, score_metrics
from urbanlens.siam.readings import Readings, TemplateSet, kept_readings, kept_templates

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

SCORE = "scenicness"
POSITIVE = 0.01
"""The share of a picture above which it shows an attribute."""

PLAIN, SIAM, FREE = "siam-no-finetuning", "siam", "score-baseline"
SIDE = 15
BACKBONE: Mapping[str, Any] = {"backbone": "resnet18", "layer": "layer3", "map_size": SIDE}
"""Stride 16: 240 px give the paper's 15 x 15 cells. Nothing is cropped, since the demo's scores count every pixel."""

START = "resnet18"
"""The city network, whose trunk all three begin from: it stands for the paper's ImageNet weights."""

RECIPES: Mapping[str, Mapping[str, Any]] = {
    PLAIN: {"phases": ("attributes", "templates"), "sizes": (128, 240), "epochs": (3, 2)},
    SIAM: {"phases": ("joint", "templates"), "sizes": (240,), "epochs": (1,), "joint_epochs": 2},
    FREE: {"sizes": (128, 240), "epochs": (3, 3), "joint_epochs": 3},
}
"""`siam` goes on from `siam-no-finetuning`. The baseline learns from as many images at full size as the two together:
2 passes, then 2 times one for the attributes and one for the score."""


def train_scorer(
    collection: ImageCollection, name: str, extra: ImageCollection | None, folder: Path, *, device: str = "auto",
    progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train one of `RECIPES` as the shipped one was; the model goes to `folder/name`.

    `siam` begins from `siam-no-finetuning` in `folder`, else from the shipped one.
    """
    from urbanlens.training.siam import train_score, train_siam
    from urbanlens.training.siam_rows import Scheme

    if name not in RECIPES:
        raise UnknownNameError(f"the demo has no network of scores named {name!r}: known are {', '.join(RECIPES)}")
    shipped = collection.root / "models"
    before = folder if (folder / PLAIN / "model.json").is_file() else shipped
    common: dict[str, Any] = {
        "destination": folder / name, "score": SCORE, "scheme": Scheme(**RECIPES[name], positive=POSITIVE, soft=True),
        "start": before / PLAIN if name == SIAM else shipped / START, "extra": extra, "seed": 1, "device": device,
        "progress": progress, **BACKBONE,
    }  # fmt: skip
    if name == FREE:
        return train_score(collection, **common)
    return train_siam(collection, crop=SIDE, rectified=True, **common)


@dataclass(frozen=True)
class JudgedScorer:
    """A network of scores on the demo's test images.

    Attributes
    ----------
    card : its card
    readings : what it says of the N test images
    metrics : its RMSE, tau and average precisions with intervals
    templates : of SIAM; None for the baseline
    agreement : of the templates with the planted ones
    """

    card: ModelCard
    readings: Readings
    metrics: Mapping[str, Any]
    templates: TemplateSet | None
    agreement: Agreement | None


def judged_scorers(collection: ImageCollection) -> dict[str, JudgedScorer]:
    """All networks of scores whose readings are shipped; ArtifactError where readings are missing."""
    store, found = ArtifactStore(collection.root / "artifacts"), {}
    test = np.asarray(collection.table["split"] == "test")
    truth = score_values(collection, SCORE)[test]
    for name in (FREE, SIAM, PLAIN):
        folder = collection.root / "models" / name
        if not (folder / "model.json").is_file():
            continue
        card = ModelCard.read(folder)
        readings, templates = kept_readings(collection, card, store=store), kept_templates(card, store=store)
        if readings is None or templates is None:
            raise ArtifactError(
                f"the readings of {name} are not there: run "
                f"`python -m urbanlens explain {collection.root} --model {name}`"
            )
        of_test = readings.of(test)
        metrics = score_metrics(truth, of_test.score)
        if not readings.names:
            found[name] = JudgedScorer(card, of_test, metrics, None, None)
            continue
        shares = attribute_values(collection, readings.names)[test]
        metrics |= attribute_metrics((shares > POSITIVE).astype(float), of_test.attributes, readings.names)
        agreement = sign_agreement(readings.names, templates.typical, SIDE)
        found[name] = JudgedScorer(card, of_test, metrics, templates, agreement)
    return found


def spread(readings: Readings) -> NDArray[np.float64]:
    """(A,) how far each attribute moves the score from image to image: the standard deviation of what it adds."""
    return np.asarray(np.nanstd(readings.contributions.astype(np.float64), axis=0))


def without_networks(collection: ImageCollection) -> dict[str, dict[str, Any]]:
    """What a linear fit on what is truly there reaches on the test images, learnt from the training images.

    "shares": of each attribute in the whole picture; "band shares": in its top, middle and bottom band, which the
    demo's scores were made from. The first knows no place, the second leaves little but the noise.
    """
    from urbanlens.demo.making import attribute_maps

    split, truth = np.asarray(collection.table["split"]), score_values(collection, SCORE)
    maps, _ = attribute_maps(collection)
    bands = rules.band_shares(maps)
    found = {}
    for name, values in {"shares": bands.mean(2), "band shares": bands.reshape(len(bands), -1)}.items():
        design = np.column_stack([np.ones(len(values)), values])
        learnt = (split == "train") & np.isfinite(truth)
        weights, *_ = np.linalg.lstsq(design[learnt], truth[learnt].astype(np.float64), rcond=None)
        found[name] = score_metrics(truth[split == "test"], design[split == "test"] @ weights)
    return found


def scoring_gates(networks: Mapping[str, JudgedScorer]) -> dict[str, Gate]:
    """What the networks of scores are to keep; where one is missing, its gates have no value and are not kept.

    An attribute without weight is to move the score by no more than the noise that was added to the scores.
    """
    told = _siam_told(networks[SIAM]) if SIAM in networks else {}
    if SIAM in networks and FREE in networks:
        ours, free = networks[SIAM].metrics, networks[FREE].metrics
        told |= {"rmse": round(ours["rmse"] / free["rmse"], 4), "tau": round(ours["tau"] / free["tau"], 4)}
    return {
        "SIAM: bias + contributions off the score": at_most(told.get("gap"), 1e-5),
        "SIAM: RMSE over the free network's": at_most(told.get("rmse"), 1.025),
        "SIAM: tau over the free network's": at_least(told.get("tau"), 0.95),
        "SIAM: mean average precision": at_least(told.get("precision"), 0.6),
        "SIAM: cells of templates with the planted sign": at_least(told.get("signs"), 0.85),
        "SIAM: what farming below adds": at_least(told.get("below"), 0.0),
        "SIAM: what farming above adds": at_most(told.get("above"), 0.0),
        "SIAM: spread of an attribute without weight": at_most(told.get("idle"), rules.NOISE_SD),
    }


def _siam_told(ours: JudgedScorer) -> dict[str, float]:
    assert ours.templates is not None and ours.agreement is not None
    names, readings = ours.readings.names, ours.readings
    bands = band_means(ours.templates.typical, SIDE)[names.index("farming")]
    sums = readings.contributions.astype(np.float64).sum(1) + readings.bias
    idle = [i for i, name in enumerate(names) if name not in rules.WEIGHTS]
    return {
        "gap": float(np.abs(sums - readings.score).max()),
        "precision": round(ours.metrics["mean_ap"], 4),
        "signs": round(ours.agreement.share, 4),
        "below": round(float(bands[2]), 5),
        "above": round(float(bands[0]), 5),
        "idle": round(float(spread(readings)[idle].max()), 4),
    }
