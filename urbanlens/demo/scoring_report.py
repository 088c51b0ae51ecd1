"""The tables of "Semantically Interpretable Activation Maps" (2019), computed anew from what is shipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from urbanlens.artifacts import ArtifactStore
from urbanlens.demo import rules
from urbanlens.demo.map_truth import MapTruth, map_truth
from urbanlens.demo.markdown import markdown, with_interval
from urbanlens.demo.scoring import (
    FREE,
    PLAIN,
    SCORE,
    SIAM,
    SIDE,
    JudgedScorer,
    spread,
    without_networks,
)
from urbanlens.demo.templates import band_means
from urbanlens.siam.annotations import score_values
from urbanlens.siam.metrics import paired_ratio

if TYPE_CHECKING:
    import pandas as pd

    from urbanlens.collection import ImageCollection

TITLES = {FREE: "free of attributes (baseline)", SIAM: "SIAM", PLAIN: "SIAM (no finetuning)"}
PAPER: Mapping[str, tuple[float, float, float | None]] = {
    FREE: (0.987, 0.640, None),
    SIAM: (1.01, 0.607, 0.418),
    PLAIN: (1.24, 0.496, 0.331),
}
"""RMSE, Kendall's tau, average precision: table 2, on ScenicOrNot and SUN Attributes."""


def attributes_and_scores(collection: ImageCollection, networks: Mapping[str, JudgedScorer]) -> str:
    """What SIAM, its variant and its baseline reach, and how their templates agree with the planted ones."""
    if not networks:
        return ""
    return "\n\n".join([
        "## Attributes and scores: SIAM",
        "“Semantically Interpretable Activation Maps” (2019). Theirs: 30,000 photographs of ScenicOrNot and 1,429 of "
        "SUN Attributes, ResNet-50, 500 px. Ours: the test images of the drawn world, the first three stages of a "
        "ResNet-18, 240 px; the attributes are learnt as shares of the picture, and a picture shows one above 1 %. "
        "Errors cannot be compared across the columns: the scores differ in spread and in noise.",
        "### Error of the score, order of the images, and attributes found",
        _scores(collection, networks),
        _paired(collection, networks),
        "### Do the templates have the planted signs, and are they strong where they should be?",
        _signs(networks),
        "### Do the maps lie on the things?",
        _places(collection, networks),
        "### What each attribute does",
        _attributes(networks),
    ])  # fmt: skip


def _scores(collection: ImageCollection, networks: Mapping[str, JudgedScorer]) -> str:
    rows = []
    for name, one in networks.items():
        told, (error, tau, precision) = one.metrics, PAPER[name]
        found = ""
        if told.get("mean_ap") is not None:
            found = with_interval(told["mean_ap"], told["mean_ap_interval"])
        rows.append((
            TITLES[name], with_interval(told["rmse"], told["rmse_interval"]), f"{error:.3f}",
            with_interval(told["tau"], told["tau_interval"]), f"{tau:.3f}", found,
            "" if precision is None else f"{precision:.3f}",
        ))  # fmt: skip
    for name, told in without_networks(collection).items():
        rows.append((
            f"no network: linear in the true {name}", with_interval(told["rmse"], told["rmse_interval"]), "",
            with_interval(told["tau"], told["tau_interval"]), "", "", "",
        ))  # fmt: skip
    first = next(iter(networks.values())).metrics
    chance = next((one.metrics["mean_base_rate"] for one in networks.values() if "mean_base_rate" in one.metrics), None)
    text = (
        f"{first['images']} test images. Always answering their mean has an error of {first['rmse_of_mean']:.3f}; the "
        f"noise that was added to the scores alone {rules.NOISE_SD:.3f}. The linear fits know what is truly in the "
        "training and test images: in the whole picture, or in its top, middle and bottom band, as the scores do."
    )
    if chance is not None:
        text += f" A random order finds attributes with a mean average precision of {chance:.3f}."
    head = ("network", "RMSE (95 %)", "paper", "Kendall's tau (95 %)", "paper", "mean AP (95 %)", "paper")
    return markdown(head, rows) + "\n\n" + text


def _paired(collection: ImageCollection, networks: Mapping[str, JudgedScorer]) -> str:
    """SIAM against the free network, on the same draws of images."""
    if SIAM not in networks or FREE not in networks:
        return "SIAM and the free network are not both here, so they cannot be compared."
    truth = score_values(collection, SCORE)[np.asarray(collection.table["split"] == "test")]
    told = paired_ratio(truth, networks[SIAM].readings.score, networks[FREE].readings.score)
    (error, tau, _), (free_error, free_tau, _) = PAPER[SIAM], PAPER[FREE]
    return (
        f"SIAM over the free network on the same images (95 % of draws of them): RMSE "
        f"{with_interval(told['rmse_ratio'], told['rmse_ratio_interval'])}, paper {error / free_error:.3f}; "
        f"Kendall's tau {with_interval(told['tau_ratio'], told['tau_ratio_interval'])}, paper {tau / free_tau:.3f}. "
        "1: as good. The intervals tell of the images alone, not of another training."
    )


def _signs(networks: Mapping[str, JudgedScorer]) -> str:
    rows, text = [], ""
    for name, one in networks.items():
        if one.agreement is None or one.templates is None:
            continue
        told = one.agreement
        bands = band_means(one.templates.typical, SIDE)[one.readings.names.index("farming")]
        rows.append((
            TITLES[name], f"{told.share:.3f}", f"{told.constant:.3f}", f"{told.by_chance:.3f}", told.cells,
            with_interval(told.correlation, told.correlation_interval, "+"),
            f"{told.correlation_by_chance[0]:+.3f} (97.5 % below {told.correlation_by_chance[1]:+.3f})",
            f"{told.spill:.2f}",
            " / ".join(f"{value:+.4f}" for value in bands), " / ".join(f"{w:+g}" for w in rules.WEIGHTS["farming"]),
        ))  # fmt: skip
        text = (
            f"The signs say little of where: only {', '.join(told.changing)} changes its sign from band to band, and "
            f"templates that are the same everywhere, with the right sign, would reach {told.constant:.3f}. The "
            "correlation with the planted template over all cells tells of where (the mean over the attributes and its "
            "95 % interval over them; 0 for templates that are the same everywhere), and so does the spill: how strong "
            "a template is where its attribute weighs nothing, relative to where it weighs something (1 for templates "
            "that are the same everywhere, 0 for the planted ones)."
        )
    head = ("network", "cells with the planted sign", "constant templates", "templates of other attributes", "cells",
            "correlation (95 %)", "of other attributes", "spill", "farming above / middle / below, a cell",
            "planted weights")  # fmt: skip
    return markdown(head, rows) + "\n\n" + text if rows else "No SIAM is here."


def _places(collection: ImageCollection, networks: Mapping[str, JudgedScorer]) -> str:
    store, models = ArtifactStore(collection.root / "artifacts"), collection.root / "models"
    found = {name: map_truth(collection, models / name, store=store) for name in (SIAM, PLAIN) if name in networks}
    if not found:
        return "No SIAM is here."
    first, *others = [(TITLES[name], one, one.table()) for name, one in found.items()]
    rows = [
        (row.attribute, row.images, *(_told(table, i, "siam") for _, _, table in (first, *others)),
         *(_told(first[2], i, kind) for kind in ("prior", "shuffled")))
        for i, row in enumerate(first[2].itertuples())
    ]  # fmt: skip
    means = [with_interval(*one.mean("siam")) for _, one, _ in (first, *others)]
    judged = int(first[1].judged.sum())
    rows.append(
        (f"mean of {judged} attributes", "", *means, *(with_interval(*first[1].mean(k)) for k in ("prior", "shuffled")))
    )
    head = (
        "attribute",
        "images",
        *(title for title, _, _ in (first, *others)),
        "its usual place",
        "another image's map",
    )
    text = (
        "Pearson's correlation of a map's cells with the true map of the same image, the mean over the test images "
        "that the attribute covers by more than 1 % (95 %). Its usual place: the mean true map of the training images, "
        f"the same for every image. Another image's map: that of {first[0]}, of another test image with the attribute. "
    )
    return markdown(head, rows) + "\n\n" + text + _verdict(first[0], first[1])


def _told(table: pd.DataFrame, row: int, kind: str) -> str:
    value, low, high = (float(table[name].iloc[row]) for name in (kind, f"{kind}_low", f"{kind}_high"))
    if not np.isfinite(value):
        return "unknown"
    return with_interval(value, (low, high) if np.isfinite(low) else None)


def _verdict(title: str, found: MapTruth) -> str:
    table = found.table()[found.judged]
    below = list(table.loc[table["siam"] < table["prior"], "attribute"])
    return (
        f"{title} minus the usual place: {with_interval(*found.mean('siam', 'prior'), '+')} in the mean over attributes"
        + (f"; it is worse than the usual place for {', '.join(below)}." if below else ".")
    )  # fmt: skip


def _attributes(networks: Mapping[str, JudgedScorer]) -> str:
    one = networks.get(SIAM)
    if one is None:
        return "SIAM is not here."
    assert one.templates is not None and one.agreement is not None
    moved, bands = spread(one.readings), band_means(one.templates.typical, SIDE)
    signs = dict(zip(one.agreement.table["attribute"], one.agreement.table["share"], strict=True))
    alike = dict(zip(one.agreement.table["attribute"], one.agreement.table["correlation"], strict=True))
    rows = []
    for i in np.argsort(-moved, kind="stable"):
        name = one.readings.names[int(i)]
        precision = one.metrics["average_precision"][name]
        rows.append((
            name, f"{moved[i]:.3f}", " / ".join(f"{value:+.4f}" for value in bands[i]),
            " / ".join(f"{w:+g}" for w in rules.WEIGHTS[name]) if name in rules.WEIGHTS else "none",
            f"{signs[name]:.2f}" if name in signs else "", f"{alike[name]:+.2f}" if name in alike else "",
            "" if precision is None else f"{precision:.3f}", f"{one.metrics['base_rate'][name]:.3f}",
        ))  # fmt: skip
    head = ("attribute", "moves the score (sd)", "adds above / middle / below, a cell", "planted weights",
            "right signs", "correlation with the planted template", "AP", "base rate")  # fmt: skip
    by = {name: float(moved[i]) for i, name in enumerate(one.readings.names)}
    idle = {name: value for name, value in by.items() if name not in rules.WEIGHTS}
    least, most = (min(by.keys() - idle, key=by.__getitem__), max(idle, key=by.__getitem__))
    text = (
        f"Attributes without weight move the score by {min(idle.values()):.3f} to {idle[most]:.3f} ({most}); the "
        f"weighted one that moves it least, {least}, by {by[least]:.3f}; the noise in the scores is {rules.NOISE_SD:g}."
    )
    return markdown(head, rows) + "\n\n" + text
