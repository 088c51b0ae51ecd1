"""The tables of "Semantically Interpretable Activation Maps" (2019), computed anew from what is shipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from urbanlens.demo import rules
from urbanlens.demo.markdown import markdown
from urbanlens.demo.scoring import FREE, PLAIN, SIAM, SIDE, JudgedScorer, judged_scorers, spread
from urbanlens.demo.templates import band_means

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

TITLES = {FREE: "free of attributes (baseline)", SIAM: "SIAM", PLAIN: "SIAM (no finetuning)"}
PAPER = {FREE: (0.987, 0.640, None), SIAM: (1.01, 0.607, 0.418), PLAIN: (1.24, 0.496, 0.331)}
"""RMSE, Kendall's tau, average precision: table 2, on ScenicOrNot and SUN Attributes."""


def attributes_and_scores(collection: ImageCollection) -> str:
    """What SIAM, its variant and its baseline reach, and how their templates agree with the planted ones."""
    networks = judged_scorers(collection)
    if not networks:
        return ""
    return "\n\n".join([
        "## Attributes and scores: SIAM",
        "“Semantically Interpretable Activation Maps” (2019). Theirs: 30,000 photographs of ScenicOrNot and 1,429 of "
        "SUN Attributes, ResNet-50, 500 px. Ours: the test images of the drawn world, the first three stages of a "
        "ResNet-18, 240 px; the attributes are learnt as shares of the picture, and a picture shows one above 1 %. "
        "Errors cannot be compared across the columns: the scores differ in spread and in noise.",
        "### Error of the score, order of the images, and attributes found",
        _scores(networks),
        "### Do the templates have the planted signs?",
        _signs(networks),
        "### What each attribute does",
        _attributes(networks),
    ])  # fmt: skip


def _scores(networks: Mapping[str, JudgedScorer]) -> str:
    rows = []
    for name, one in networks.items():
        told, (error, tau, precision) = one.metrics, PAPER[name]
        found = ""
        if told.get("mean_ap") is not None:
            low, high = told["mean_ap_interval"]
            found = f"{told['mean_ap']:.3f} ({low:.3f} to {high:.3f})"
        rows.append((
            TITLES[name], f"{told['rmse']:.3f} ({_to(told['rmse_interval'])})", f"{error:.3f}",
            f"{told['tau']:.3f} ({_to(told['tau_interval'])})", f"{tau:.3f}", found,
            "" if precision is None else f"{precision:.3f}",
        ))  # fmt: skip
    first = next(iter(networks.values())).metrics
    chance = next((one.metrics["mean_base_rate"] for one in networks.values() if "mean_base_rate" in one.metrics), 0.0)
    text = (
        f"{first['images']} test images. Always answering their mean has an error of {first['rmse_of_mean']:.3f}; the "
        f"noise that was added to the scores alone {rules.NOISE_SD:.3f}. A random order finds attributes with a mean "
        f"average precision of {chance:.3f}."
    )
    head = ("network", "RMSE (95 %)", "paper", "Kendall's tau (95 %)", "paper", "mean AP (95 %)", "paper")
    return markdown(head, rows) + "\n\n" + text


def _to(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def _signs(networks: Mapping[str, JudgedScorer]) -> str:
    rows = []
    for name, one in networks.items():
        if one.agreement is None or one.templates is None:
            continue
        told = one.agreement
        bands = band_means(one.templates.typical, SIDE)[one.readings.names.index("farming")]
        rows.append((
            TITLES[name], f"{told.share:.3f}", f"{told.by_chance:.3f}", told.cells,
            " / ".join(f"{value:+.4f}" for value in bands), " / ".join(f"{w:+g}" for w in rules.WEIGHTS["farming"]),
        ))  # fmt: skip
    head = ("network", "cells with the planted sign", "templates of other attributes", "cells",
            "farming above / middle / below, a cell", "planted weights")  # fmt: skip
    return markdown(head, rows)


def _attributes(networks: Mapping[str, JudgedScorer]) -> str:
    one = networks[SIAM]
    assert one.templates is not None and one.agreement is not None
    moved, bands = spread(one.readings), band_means(one.templates.typical, SIDE)
    signs = dict(zip(one.agreement.table["attribute"], one.agreement.table["share"], strict=True))
    rows = []
    for i in np.argsort(-moved, kind="stable"):
        name = one.readings.names[int(i)]
        precision = one.metrics["average_precision"][name]
        rows.append((
            name, f"{moved[i]:.3f}", " / ".join(f"{value:+.4f}" for value in bands[i]),
            " / ".join(f"{w:+g}" for w in rules.WEIGHTS[name]) if name in rules.WEIGHTS else "none",
            f"{signs[name]:.2f}" if name in signs else "",
            "" if precision is None else f"{precision:.3f}", f"{one.metrics['base_rate'][name]:.3f}",
        ))  # fmt: skip
    head = ("attribute", "moves the score (sd)", "adds above / middle / below, a cell", "planted weights",
            "right signs", "AP", "base rate")  # fmt: skip
    idle = [float(moved[i]) for i, name in enumerate(one.readings.names) if name not in rules.WEIGHTS]
    text = f"Attributes without weight move the score by {min(idle):.3f} to {max(idle):.3f}."
    return markdown(head, rows) + "\n\n" + text
