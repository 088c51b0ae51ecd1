"""What the views of the page Aesthetics about many images share: who rates, and which images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.aesthetics.readings import tells_marks
from urbanlens.ui import aesthetics, pictures, state
from urbanlens.ui.overview import is_demo
from urbanlens.ui.single_image import take

if TYPE_CHECKING:
    from urbanlens.aesthetics.readings import Readings
    from urbanlens.collection import ImageCollection
    from urbanlens.collection.votes import Votes
    from urbanlens.ui.aesthetics import Study
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.page import Page

Rows = NDArray[np.int64]
VOTED, FORETOLD = "votes", "network"
TEST, EVERY = "test", "all"


@dataclass(frozen=True)
class Rated:
    """How beautiful the images of the whole collection are, by the votes or by a network.

    Attributes
    ----------
    values : (N,) mean mark, or how surely a network of high and low calls an image high; NaN where unknown
    spread : (N,) standard deviation of the marks; NaN where unknown
    title : what the values are
    by_votes : whether people said so
    marks : whether the values are marks; else they are shares of certainty
    """

    values: NDArray[np.float64]
    spread: NDArray[np.float64]
    title: str
    by_votes: bool
    marks: bool


def choose_rated(study: Study) -> str:
    """Whether the votes tell the beauty, or a network; not asked where nobody voted."""
    if study.votes is None:
        pictures.quiet("Nobody voted on these images, so beauty is what the network foretells.")
        return FORETOLD
    return state.switch(
        "Beauty", [VOTED, FORETOLD], name="rated", names={VOTED: "by the votes", FORETOLD: "by the network"}
    )


def rated(study: Study, network: Network, known: Readings | None, by: str) -> Rated | None:
    """The beauty of all images; None where the network has not read them."""
    if by == VOTED and study.votes is not None:
        return Rated(study.votes.mean, study.votes.spread, "mean mark by the votes", True, True)
    if known is None:
        return None
    marks = network.card is not None and tells_marks(network.card)
    title = "mean mark, foretold" if marks else "certainty that it is high"
    return Rated(known.mean, known.spread, title, False, marks)


def choose_rows(here: Page, network: Network) -> Rows:
    """Which images count: inside the selected region, and only those not learnt from where that is wished and known."""
    whole = here.collection.whole
    keep = np.zeros(len(whole), bool)
    keep[here.view.positions] = True
    fresh = aesthetics.unlearnt(whole, network)
    if fresh.any():
        names = {TEST: "test images", EVERY: "all images"}
        told = "A network does better on images that it has learnt from. Test images are those that it has not."
        if state.choose("Images", list(names), name="images", names=names, help=told) == TEST:
            keep &= fresh
    return np.flatnonzero(keep)


def tell_rows(here: Page, network: Network, rows: Rows) -> None:
    """How many images count, and what is known of them."""
    fresh = aesthetics.unlearnt(here.collection.whole, network)
    where = f" in {place(here)}" if here.selection is not None else ""
    count = f"{len(rows):,} {'image' if len(rows) == 1 else 'images'}{where}"
    if network.from_demo and not is_demo(here.collection):
        pictures.quiet(f"{count}, none of which the network has learnt from: it knows the drawn demo world alone.")
    elif not fresh.any():
        pictures.quiet(f"{count}. Which of them the network has learnt from, if any, is not known.")
    elif fresh[rows].all():
        pictures.quiet(f"{count}, none of which the network has learnt from.")
    else:
        learnt = int((~fresh[rows]).sum())
        pictures.quiet(f"{count}. The network was trained or tuned on {learnt:,} of them, and knows those better.")


def place(here: Page) -> str:
    """The name of the selected region."""
    return (here.selection.name if here.selection is not None else "") or "the selected region"


def open_image(image_id: str) -> None:
    """Look at an image in the view One image; for a callback."""
    take(image_id)
    state.pick("view", "image")


def table_of_all(whole: ImageCollection, study: Study) -> pd.DataFrame:
    """Everything that is known of the beauty of all images, a row an image: for other programs."""
    table = whole.table[["image_id", *(name for name in ("lat", "lon", "split") if name in whole.table)]].copy()
    votes: Votes | None = study.votes
    if votes is not None:
        table["votes.mean"], table["votes.spread"] = votes.mean, votes.spread
        table["votes.voters"] = votes.counts.sum(1)
    for kind, network in study.networks.items():
        known = aesthetics.kept(whole, network)
        if known is None:
            continue
        table[f"{kind}.{'mean' if kind == 'marks' else 'certainty_high'}"] = known.mean
        if kind == "marks":
            table[f"{kind}.spread"] = known.spread
        table[f"{kind}.intensity_low"], table[f"{kind}.intensity_high"] = known.intensity[:, 0], known.intensity[:, 1]
        table[f"{kind}.learnt_from"] = pd.array(_learnt(whole, network), dtype="boolean")
    return table


def _learnt(whole: ImageCollection, network: Network) -> list[Any]:
    """Whether a network was trained or tuned on each image; None where nobody knows."""
    fresh = aesthetics.unlearnt(whole, network)
    return [None if not fresh.any() else not bool(new) for new in fresh]


def digest(*arrays: NDArray[Any] | None) -> str:
    """Changes with any number in the arrays: what is resampled from them is kept under it."""
    told = hashlib.sha1(usedforsecurity=False)
    for array in arrays:
        told.update(b"none" if array is None else repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return told.hexdigest()
