"""A network of a collection's own: which classes it is to tell apart, its training, and how far it can be trusted."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from urbanlens.collection.library import is_shipped
from urbanlens.collection.splits import LEAST
from urbanlens.errors import ModelError
from urbanlens.ui import pictures, state, uploads, work

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.models import ModelCard
    from urbanlens.progress import Progress

USUAL = 6
"""How many classes are offered at first."""

NAMED = 8
"""So many classes are named in a line; the rest are counted."""


def train_panel(collection: ImageCollection) -> None:
    """Controls to train a network on the collection's own labels; nothing for the shipped demo.

    The network lies in `models/` in the collection's folder, where every page finds it.
    """
    whole = collection.whole
    if is_shipped(whole):
        return
    if not os.access(whole.root, os.W_OK):
        pictures.quiet("A network cannot be trained here: this collection's folder is read-only. Import a copy of it.")
        return
    labels = learnable(whole)
    if not labels:
        pictures.quiet(
            "To train a network of your own, the table needs a column of names, such as the city, in which at least "
            f"two names have {LEAST} photographs each."
        )
        return
    key = _key(whole)
    if work.running(key):
        job = work.follow(key)
        if job is None:
            pictures.quiet("You can go on to other pages meanwhile. What is finished is kept if you cancel.")
            return
        if not job.error:
            st.rerun()
        st.warning(pictures.plain(job.error))
    label, count = _ask(labels)
    folder = whole.root / "models" / model_name(label, count)
    card = _card(folder)
    if card is not None and card.metrics:
        result(card, whole)
    _button(key, whole, label, count, folder, card)


def is_training(collection: ImageCollection) -> bool:
    """Whether a training on this collection runs, or its end has not been seen."""
    return work.running(_key(collection.whole)) is not None


def _key(whole: ImageCollection) -> str:
    """Under which its training runs."""
    return f"train-{whole.root}"


def learnable(collection: ImageCollection) -> dict[str, dict[str, int]]:
    """The columns that a network can learn, each with its large enough classes and their images, the largest first."""
    found = {}
    for label in collection.columns.labels:
        counts = collection.table[label].astype("string").value_counts()
        counts = counts[(counts >= LEAST) & (counts.index != "")]
        names = {str(name): int(number) for name, number in counts.items()}
        if len(names) >= 2:
            found[label] = dict(sorted(names.items(), key=lambda item: (-item[1], item[0])))
    return found


def model_name(label: str, count: int) -> str:
    """The name of the folder of the network that tells apart the `count` largest classes of a column."""
    short = uploads.slug(label)
    if short != label:
        short = f"{short or 'column'}-{hashlib.sha256(label.encode()).hexdigest()[:6]}"
    return f"{short}-{count}"


def summary(card: ModelCard) -> str:
    """How well a network answers photographs that it has not seen, in plain words."""
    metrics = card.metrics
    (low, high), base, recall = metrics["interval"], metrics["base_rate"], list(metrics["recall"].values())
    text = (
        f"Right for {metrics['accuracy']:.0%} of {metrics['images']:,} test photographs (with the doubt of so few: "
        f"{low:.0%} to {high:.0%}). Always naming the most frequent class would be right for {base:.0%}"
    )
    text += ", so over all photographs the network is not surely better than that. " if low <= base else ". "
    return text + (
        f"With every class counted alike it is right for {sum(recall) / len(recall):.0%}; guessing would be for "
        f"{1 / len(recall):.0%}."
    )


def result(card: ModelCard, collection: ImageCollection) -> None:
    """What came of a training: its accuracy, what was left out and why, and what to beware of."""
    st.markdown(f"**{pictures.plain(_list(card.classes))}**  \n{pictures.plain(summary(card))}")
    recall = sorted(card.metrics["recall"].items(), key=lambda item: -item[1])
    pictures.quiet("Right by class: " + _list([f"{name} {share:.0%}" for name, share in recall], ", ") + ".")
    _confusion(card)
    left_out = card.data.get("left_out", {})
    if left_out:
        images = sum(missing["images"] for missing in left_out.values())
        whys = [f"{name} ({missing['images']} images, {missing['why']})" for name, missing in left_out.items()]
        pictures.quiet(f"{images:,} images were left out, of classes that are too small: {_list(whys, ', ')}.")
    if card.data.get("split_by"):
        pictures.quiet(f"Photographs were shared out for learning and for testing {card.data['split_by']}.")
    if card.data.get("warning"):
        pictures.note(str(card.data["warning"]))
    if card.data.get("fingerprint") != collection.fingerprint:
        pictures.note("The collection has changed since this network was trained.")


def _confusion(card: ModelCard) -> None:
    """Which class is taken for which."""
    counts = card.metrics.get("confusion")
    if not counts:
        return
    with st.expander("Which is taken for which?"):
        rows = [(name, *row) for name, row in zip(card.classes, counts, strict=True)]
        pictures.text_table(pd.DataFrame(rows, columns=["photographs of", *[f"called {c}" for c in card.classes]]))


def _ask(labels: dict[str, dict[str, int]]) -> tuple[str, int]:
    """The column to learn, and how many of its largest classes."""
    which, many = st.columns(2, gap="medium", vertical_alignment="bottom")
    usual = "city" if "city" in labels else None
    with which:
        label = state.choose("What should the network tell apart?", list(labels), name="learn", default=usual)
    counts = labels[label]
    count = len(counts)
    if count > 2:
        with many:
            usually = min(USUAL, count)
            count = int(state.slide("How many of the largest?", 2, count, name="largest", default=usually, step=1))
    pictures.quiet(_list([f"{name} {number:,}" for name, number in list(counts.items())[:count]], ", ") + " images.")
    return label, count


def _button(
    key: str, whole: ImageCollection, label: str, count: int, folder: Path, before: ModelCard | None
) -> None:  # fmt: skip
    """The button that begins the training; where there is a network already, from another start."""
    seed = 0 if before is None else int(before.training.get("seed", 0)) + 1

    def train(progress: Progress) -> None:
        from urbanlens.training import train_transfer

        train_transfer(whole, destination=folder, label=label, largest=count, seed=seed, progress=progress)

    def begin() -> None:
        work.start(key, "Training a network", train)

    st.button(
        "Train a network on these classes" if before is None else f"Train again with another seed ({seed})",
        key="train-begin", icon=":material/school:", type="primary" if before is None else "tertiary", on_click=begin,
        help="It starts from a network that knows everyday things, and takes a few minutes.",
    )  # fmt: skip


def _card(folder: Path) -> ModelCard | None:
    """The card of the network that was trained so before, if any."""
    from urbanlens.models.card import ModelCard

    try:
        return ModelCard.read(folder)
    except ModelError:
        return None


def _list(names: list[str] | tuple[str, ...], between: str = " · ") -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return between.join(names[:NAMED]) + more
