"""The view “What was learnt from” of the page Aesthetics: the marks and tags of the training images, and the losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.collection.votes import HIGH_ABOVE, MIDDLE, is_extreme, is_high
from urbanlens.plots.beauty_learnt import MEASURES, learning_curves, mark_histogram, tag_bars
from urbanlens.ui import aesthetics, pictures

if TYPE_CHECKING:
    from urbanlens.models import ModelCard
    from urbanlens.ui.aesthetics import Study
    from urbanlens.ui.page import Page

SAMPLINGS = {
    "class": "high and low images were drawn equally often",
    "score": "images with extreme marks were drawn seven times as often",
    "each": "all images were drawn alike",
}
PAPER_MIDDLE = "In the paper’s photographs (AVA) more than 80 % lie between."


def show_training_data(here: Page, study: Study) -> None:
    """The marks that a network learnt from, beside this collection's; its tags; how its losses fell."""
    kind, network = aesthetics.choose_network(study)
    card = network.card
    if card is None:
        return
    _about(card)
    st.subheader("Mean marks", anchor=False)
    _marks(here, study, card, kind)
    if kind == "marks":
        st.subheader("Tags", anchor=False)
        _tags(card, kind)
    st.subheader("How it learnt", anchor=False)
    _losses(card, kind)


def _about(card: ModelCard) -> None:
    """Images, splits, votes that were left out; where the weights are from; how images were drawn."""
    data, training = card.data, card.training
    images: Mapping[str, Any] = data.get("images") or {}
    if images:
        names = {"train": "to learn from", "val": "to choose the best epoch by", "test": "to be judged on"}
        pictures.numbers({names.get(split, split): f"{int(count):,}" for split, count in images.items()})
    parts = [f"Images of {data['collection']}"] if data.get("collection") else []
    parts += [f"parted {data['split_by']}"] if data.get("split_by") else []
    if data.get("extra"):
        parts.append("to learn from also those of a second collection")
    if data.get("without_votes"):
        parts.append(f"{int(data['without_votes']):,} without votes were left out")
    if training.get("start"):
        parts.append(f"begun from {training['start']}")
    if training.get("frozen"):
        parts.append("the trunk stayed as it was, only the head on it learnt")
    if training.get("views"):
        views = int(training["views"])
        parts.append("each image seen whole or cut once" if views == 1 else f"each image seen in {views} windows")
    sampling = str(training.get("sampling", ""))
    parts += [SAMPLINGS.get(sampling, f"images drawn by {sampling}")] if sampling else []
    if parts:
        text = "; ".join(parts)
        pictures.quiet(f"{text[:1].upper()}{text[1:]}.")
    faults = [str(one) for one in data.get("faults") or []]
    if faults:
        pictures.note("Votes that made no sense were left out: " + "; ".join(faults) + ".")


def _marks(here: Page, study: Study, card: ModelCard, kind: str) -> None:
    """The histogram, in shares, beside that of the collection that is open."""
    told = card.data.get("mean_marks")
    if not isinstance(told, Mapping) or not told.get("counts") or not told.get("edges"):
        pictures.quiet("The card of this network does not say which marks it learnt from.")
        return
    edges = np.asarray(told["edges"], float)
    parts, shares = {"training images": np.asarray(told["counts"], float)}, [_shares("Training images", told)]
    whole = here.collection.whole
    if study.votes is not None:
        given = study.votes.mean[study.votes.known]
        parts["all images of this collection"] = np.histogram(given, edges)[0].astype(float)
        shares.append(_shares("All images of this collection", _counted(given)))
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], **parts})
    figure = mark_histogram({name: counts.tolist() for name, counts in parts.items()}, edges.tolist())
    pictures.figure_with_downloads(figure, f"{card.name}-mean-marks", table, key=f"learnt-marks-{kind}")
    for text in filter(None, shares):
        pictures.quiet(text)
    pictures.quiet(
        f"Dotted: {MIDDLE[0]:g} and {MIDDLE[1]:g}, beyond which marks count as extreme. {PAPER_MIDDLE} Where few marks "
        "are extreme, a network learns little of what is truly beautiful or ugly."
    )
    if study.votes is None:
        pictures.quiet(f"{whole.name} has no votes to compare with.")


def _counted(means: NDArray[np.float64]) -> dict[str, int]:
    """How many of the mean marks (N,) are high, and how many extreme on either side; as a card tells it."""
    extreme, upper = is_extreme(means), means > sum(MIDDLE) / 2
    return {"images": len(means), "high": int(is_high(means).sum()), "low_extreme": int((extreme & ~upper).sum()),
            "high_extreme": int((extreme & upper).sum())}  # fmt: skip


def _shares(name: str, told: Mapping[str, Any]) -> str:
    """How many are high and extreme, in words; "" where an older card does not tell it."""
    if not all(part in told for part in ("images", "high", "low_extreme", "high_extreme")):
        return ""
    total = int(told["images"])
    if not total:
        return f"{name}: none."
    high, low, upper = (int(told[part]) / total for part in ("high", "low_extreme", "high_extreme"))
    return (
        f"{name}, {total:,}: {high:.1%} high, with a mean mark above {HIGH_ABOVE:g}; {low + upper:.1%} extreme "
        f"({low:.1%} low, {upper:.1%} high)."
    )


def _tags(card: ModelCard, kind: str) -> None:
    tags = {str(name): int(count) for name, count in (card.data.get("tags") or {}).items()}
    left = {str(name): int(count) for name, count in (card.data.get("tags_left_out") or {}).items()}
    if not tags:
        pictures.quiet("This network learnt no tags.")
        return
    images = int((card.data.get("images") or {}).get("train", 0))
    rows = [(name, count, True) for name, count in tags.items()] + [
        (name, count, False) for name, count in left.items()
    ]
    table = pd.DataFrame(rows, columns=["tag", "training_images", "learnt"])
    figure = tag_bars(tags, images)
    pictures.figure_with_downloads(figure, f"{card.name}-tags", table, key=f"learnt-tags-{kind}")
    most, least = max(tags.values()), min(tags.values())
    pictures.quiet(
        f"Of {images:,} training images; an image may have several tags. The commonest has "
        f"{most / max(least, 1):.0f} times as many images as the rarest, and nothing makes up for that: rare tags are "
        "learnt less well."
    )
    if left:
        named = ", ".join(f"{name} ({count})" for name, count in left.items())
        pictures.quiet(f"Too rare to learn: {named}.")


def _losses(card: ModelCard, kind: str) -> None:
    history = [epoch for epoch in card.training.get("history") or [] if isinstance(epoch, Mapping)]
    best = card.training.get("best_epoch", -1)
    figure = learning_curves(history, best if isinstance(best, int) else -1)
    if figure is None:
        pictures.quiet("The card of this network does not say how its losses fell.")
        return
    table = pd.DataFrame(history).drop(columns="score", errors="ignore")
    if "epoch" in table:
        table["epoch"] = table["epoch"] + 1
    pictures.figure_with_downloads(figure, f"{card.name}-losses", table, key=f"learnt-losses-{kind}")
    named = "; ".join(MEASURES[name] for name in MEASURES if name in table)
    pictures.quiet(
        f"{len(history)} epochs: {named}. Dashed: the epoch that was kept, the best on the validation "
        "images. Losses while training and in validation are of differently drawn images: compare their course, not "
        "their height."
    )
