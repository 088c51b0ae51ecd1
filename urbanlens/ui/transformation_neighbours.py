"""The view More labelled images: which images without a label may join a labelled neighbour that looks alike."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.embedding.joining import Agreement, agreement, curves, trainable
from urbanlens.embedding.neighbours import MOST, Pairs, joined, pairs
from urbanlens.plots.neighbours import OPEN, OTHER, SAME, curves_figure, pairs_scatter
from urbanlens.ui import pictures, state, transformation_pairs, work
from urbanlens.ui.features import features_of

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.ui.page import Page
    from urbanlens.ui.transformations import Study

Texts = NDArray[np.str_]

WIDEST_M, NEAR_M, ALIKE = 300, 30, 0.8
"""The widest distance, and where the thresholds stand at first."""
DISTANCES = (1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 250, 300)
SIMILARITIES = tuple(round(0.05 * step, 2) for step in range(6, 20))
REMEMBERED = 4


@dataclass(frozen=True)
class Near:
    """The images of a view, N, and their neighbours.

    Attributes
    ----------
    images : the view
    column : its labels
    truth, labels : (N,) text, "" for none: all that are known, and those that are left where some are hidden
    splits : (N,) text; None where the table knows none
    found : pairs of the images without a label
    hidden : pairs of those with one, as if each were hidden in turn
    """

    images: ImageCollection
    column: str
    truth: Texts
    labels: Texts
    splits: Texts | None
    found: Pairs
    hidden: Pairs

    @property
    def is_trial(self) -> bool:
        """Whether labels are hidden to try it out."""
        return bool((self.truth != self.labels).any())

    def learnable(self, table: pd.DataFrame, d_m: float) -> NDArray[np.bool_]:
        """Which of the images that join may be learnt from."""
        if self.splits is None:
            return np.ones(len(table), bool)
        return trainable(self.images, self.truth, self.splits, table, d_m)


def show(here: Page, study: Study | None) -> None:
    """Choose a column and two thresholds; see which images join, how far to trust it, and how to train with them."""
    pictures.quiet(
        "Few labels? A photograph without one that was taken a few steps from a labelled one, and looks like it, most "
        "likely deserves the same. Here you choose how near and how alike is enough. Nothing is written into the "
        "collection."
    )
    near = _choose(here, study)
    if near is None:
        return
    left, right = st.columns(2, gap="medium")
    with left:
        d = float(state.slide("Taken within (m)", 1, WIDEST_M, name="near-within", default=NEAR_M, step=1))
    with right:
        s = state.slide("Alike to at least (1: the same)", 0.0, 1.0, name="near-alike", default=ALIKE, step=0.01)
    table = joined(near.found, near.labels, d, s)
    table["learnable"] = near.learnable(table, d)
    _numbers(near, table, d, s)
    if not len(table):
        _nothing(near, d, s)
    _figures(near, d, s)
    transformation_pairs.look(near, table, d, s)
    transformation_pairs.take_home(here, near, table, d, s)
    transformation_pairs.about(near)


def _choose(here: Page, study: Study | None) -> Near | None:
    """Which labels, how many of them are hidden to try it out, and the neighbours; None with a word where none are."""
    images = here.view
    columns = [name for name in images.whole.columns.labels if images.table[name].nunique() > 1]
    if not columns:
        st.info(
            "No column gives these images different labels, so there is nothing to pass on: a column of names, such "
            "as the city, is needed for at least some of the images."
        )
        return None
    if not images.located.any():
        st.info(
            "None of these images has coordinates, so none has neighbours: import them with latitude and longitude."
        )
        return None
    features = features_of(images)
    if features is None:
        return None
    usual = study.card.label if study is not None else "city"
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    with left:
        column = state.choose("Labels", columns, name="near-label", default=usual)
    with right:
        share = state.slide(
            "Hide labels to try it out (%)", 0, 90, name="near-hidden", default=0, step=10,
            help="Of so many labelled images the label is hidden, so that they have to join like the others.",
        )  # fmt: skip
    return _neighbours(images, column, images.texts(column), features, round(share))


def _neighbours(
    images: ImageCollection, column: str, truth: Texts, features: NDArray[np.float32], share: int
) -> Near | None:
    """The neighbours of all images; remembered for this visitor, so that a threshold moves at once."""
    digest = hashlib.sha256("\0".join([images.fingerprint, column, *truth]).encode()).hexdigest()[:20]
    key, memory = f"near-{digest}-{share}", st.session_state.setdefault("urbanlens.near", {})

    def look() -> Near:
        labels = hide(truth, share / 100)
        own = images.table.get("split")
        splits = None if own is None or not own.notna().any() else own.fillna("").astype(str).to_numpy(str)
        found, turned = (
            pairs(images, labels, features, within_m=WIDEST_M, splits=splits, asking=asking)
            for asking in (labels == "", labels != "")
        )
        return Near(images, column, truth, labels, splits, found, turned)

    if key not in memory:
        made: Near | None = work.wait(key, "Looking for neighbours", lambda _: look())
        if made is None:
            return None
        memory[key] = made
        while len(memory) > REMEMBERED:
            memory.pop(next(iter(memory)))
    near: Near = memory[key]
    return near


def hide(truth: Texts, share: float, seed: int = 0) -> Texts:
    """(N,) labels with a share of them hidden, drawn by the seed; those hidden by a smaller share are among them."""
    labelled = np.flatnonzero(truth != "")
    drawn = np.random.default_rng(seed).permutation(labelled)[: round(share * len(labelled))]
    labels = truth.copy()
    labels[drawn] = ""
    return labels


def _numbers(near: Near, table: pd.DataFrame, d: float, s: float) -> None:
    """What joins, and how often the rule is right where the truth is known."""
    torn, turned = len(near.found.decided(near.labels, d, s)[1]), agreement(near.hidden, near.labels, d, s)
    keep = "images that keep their label" if near.is_trial else "labelled images"
    told = {
        keep: f"{int((near.labels != '').sum()):,}",
        "without a label": f"{int((near.labels == '').sum()):,}", "of these join": f"{len(table):,}",
        "to learn from": f"{int(table['learnable'].sum()):,}", "left out: contradicting": f"{torn:,}",
        "right, each hidden in turn": pictures.percent(turned.share) if turned.answered else "–",
    }  # fmt: skip
    really = agreement(near.found, near.labels, d, s, near.truth) if near.is_trial else None
    if really is not None:
        told["right, of those hidden"] = pictures.percent(really.share) if really.answered else "–"
    pictures.numbers(told)
    st.markdown(verdict(turned, "Each label hidden in turn"))
    if really is not None:
        pictures.note(
            f"A trial: the labels of {int((near.truth != near.labels).sum()):,} images are hidden and known to nobody "
            f"but this line. {verdict(really, 'Of those that joined')}"
        )
    gained = [f"{name} {count:,}" for name, count in table["label"].value_counts().items()]
    notes = [f"Joining: {' · '.join(gained)}."] if gained else []
    if len(table) > table["learnable"].sum():
        notes.append(
            f"Of those that join {int((~table['learnable']).sum()):,} are not learnt from: they belong to places that "
            f"a network is chosen by or tested with, or lie within {d:g} m of an image for that."
        )
    unplaced = int((~near.images.located).sum())
    if unplaced:
        notes.append(f"{unplaced:,} images have no coordinates and take no part.")
    if near.found.crowded:
        notes.append(
            f"Round {near.found.crowded:,} images lie more than {MOST} labelled ones within {WIDEST_M} m: only their "
            f"{MOST} nearest are looked at."
        )
    if notes:
        pictures.quiet(" ".join(notes))


def verdict(judged: Agreement, what: str) -> str:
    """How often the rule was right, beside what chance gets, in plain words."""
    if not judged.answered:
        return (
            f"{what}: within these thresholds none gets any label, so nothing tells how far such labels can be trusted."
        )
    low, high = judged.interval
    chance = max(judged.base_rate, judged.by_chance)
    text = (
        f"{what}: {judged.answered:,} of {judged.asked:,} get a label, and {pictures.percent(judged.share)} of these "
        f"their own (95 % interval {pictures.percent(low)} to {pictures.percent(high)}). The label of any image "
        f"instead of a neighbour’s would be right for {pictures.percent(judged.by_chance)}, always the commonest for "
        f"{pictures.percent(judged.base_rate)}."
    )
    if low <= chance:
        text += (
            " That is not surely better than chance: this label does not go with place and look, so do not join by it."
        )
    return text


def _nothing(near: Near, d: float, s: float) -> None:
    """Why no image joins, and what to do."""
    asked, close = len(near.found.asked), near.found.distance_m <= d
    if (near.labels != "").all():
        text = "All images here have a label, so there is none to join."
    elif not asked:
        text = "None of the images without a label has coordinates and can be read."
    elif not close.any():
        text = f"No image within {d:g} m: none of the {asked:,} without a label was taken so near to a labelled one."
        if math.isfinite(near.found.nearest_m):
            text += f" The nearest lies {near.found.nearest_m:,.0f} m away."
    else:
        count, best = len(np.unique(near.found.image[close])), float(near.found.similarity[close].max())
        text = (
            f"{count:,} images without a label were taken within {d:g} m of a labelled one, but none looks alike to "
            f"{s:g} (the most similar: {best:.2f}), or their neighbours contradict each other."
        )
    st.info(text)
    if not near.is_trial:
        st.button(
            "Hide half of the labels to see how it would work", key="near-try", icon=":material/visibility_off:",
            on_click=state.pick, args=("near-hidden", "50"),
        )  # fmt: skip


def _figures(near: Near, d: float, s: float) -> None:
    """The pairs as points to choose both thresholds on, and what either threshold does."""
    once = near.hidden.image < near.hidden.neighbour
    if not len(near.found) and not once.any():
        pictures.quiet(f"No two images lie within {WIDEST_M} m of each other.")
        return
    ids = near.images.ids
    image, neighbour = (
        np.concatenate([getattr(near.found, side), getattr(near.hidden, side)[once]]) for side in ("image", "neighbour")
    )
    metres, alike = (
        np.concatenate([getattr(near.found, one), getattr(near.hidden, one)[once]])
        for one in ("distance_m", "similarity")
    )
    kinds = np.where(near.labels[image] == near.labels[neighbour], SAME, OTHER)
    kinds[: len(near.found)] = OPEN
    names = [(ids[a], ids[b]) for a, b in zip(image.tolist(), neighbour.tolist(), strict=True)]
    figure = pairs_scatter(metres, alike, kinds, names, d_m=d, s=s, widest_m=WIDEST_M)
    # Named by the thresholds: what was picked to set them must not stay selected.
    key = f"near-pairs-{d:g}-{s:g}"

    def picked() -> None:
        points = [one for one in st.session_state[key].selection.points if one.get("customdata")]
        if points:
            _set(max(float(one["customdata"][2]) for one in points), min(float(one["y"]) for one in points))

    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Near and alike", anchor=False)
        pictures.figure_with_downloads(
            figure, f"{near.images.name}-neighbours", key=key, on_select=picked, selection_mode=("points", "box")
        )
        pictures.quiet(
            "Each point is two images. What lies in the shaded corner is near and alike enough. Draw a box round "
            "points, or click one, to set both thresholds by it."
        )
    with right:
        st.subheader("What the thresholds do", anchor=False)
        told = curves(
            near.found, near.hidden, near.labels, d, s, distances=sorted({*map(float, DISTANCES), d}),
            similarities=sorted({*SIMILARITIES, s}),
        )  # fmt: skip
        figure = curves_figure(told, d_m=d, s=s)
        pictures.figure_with_downloads(figure, f"{near.images.name}-thresholds", told, key="near-curves")
        pictures.quiet("Left: the distance moves and the similarity stays; right: the other way round.")


def _set(metres: float, alike: float) -> None:
    """Both thresholds, so that a pair so far apart and so alike is just within them."""
    state.touched()
    state.pick("near-within", str(min(max(math.ceil(metres), 1), WIDEST_M)))
    state.pick("near-alike", f"{min(max(math.floor(100 * alike) / 100, 0), 1):g}")
