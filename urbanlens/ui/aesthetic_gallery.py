"""The view Gallery of the page Aesthetics: the images thought most and least beautiful, and those in dispute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.aesthetics.groups import spread_by_chance
from urbanlens.aesthetics.readings import HIGH, LOW
from urbanlens.collection.votes import HIGH_LOW, Votes, is_high
from urbanlens.plots.scores import signed
from urbanlens.siam.metrics import interval
from urbanlens.ui import aesthetic_rows, aesthetics, caches, drawing, pictures, state
from urbanlens.ui.cards import Card, CardPicture, cards

if TYPE_CHECKING:
    from urbanlens.aesthetics.readings import Readings
    from urbanlens.collection import ImageCollection
    from urbanlens.ui.aesthetic_rows import Rated, Rows
    from urbanlens.ui.aesthetics import Study
    from urbanlens.ui.page import Page

LARGE = 240
"""Side in px of the pictures that maps are drawn on."""

OPACITY = 0.6
LITTLE_MORE = 1.5
"""Images' spreads that differ by up to so many times what chance makes of them tell little."""


def show(here: Page, study: Study) -> None:
    """The highest, the lowest, the most disputed, and those that the network errs most on."""
    whole = here.collection.whole
    by = aesthetic_rows.choose_rated(study)
    kind, network = aesthetics.choose_network(study)
    first, second, third = st.columns(3, gap="medium", vertical_alignment="bottom")
    with first:
        maps = {"none": "the pictures alone", HIGH: "with the map of high", LOW: "with the map of low"}
        drawn = state.choose("Pictures", list(maps), name="drawn", names=maps)
    with second:
        most = int(state.slide("Images of each sort", 5, 25, name="most", default=10, step=5))
    with third:
        rows = aesthetic_rows.choose_rows(here, network)
    known = aesthetics.readings(here.collection, network)
    rated = aesthetic_rows.rated(study, network, known, by)
    if rated is None:
        return
    aesthetic_rows.tell_rows(here, network, rows)
    wall = Wall(here, study, known, rated, kind == "marks", drawn if drawn in HIGH_LOW else "", most)
    fine = rows[np.isfinite(rated.values[rows])]
    if not len(fine):
        st.info("None of these images has votes." if rated.by_votes else "None of these images could be read.")
        return
    _extremes(wall, fine)
    _disputed(wall, fine)
    _errors(wall, fine)
    table = aesthetic_rows.table_of_all(whole, study)
    pictures.table_download(
        table,
        f"{whole.name}-beauty",
        "All votes and all that was foretold (CSV)" if study.votes else "All that was foretold (CSV)",
    )


class Wall:
    """Draws cards of images, each with what the crowd and the network say.

    Attributes
    ----------
    known : what the network says of the whole collection; None where it has not read it
    marks : whether that network tells marks
    drawn : whose map lies over each picture; "" for none
    most : images of each sort
    """

    def __init__(
        self, here: Page, study: Study, known: Readings | None, rated: Rated, marks: bool, drawn: str, most: int
    ) -> None:  # fmt: skip
        self.here, self.whole, self.study, self.known = here, here.collection.whole, study, known
        self.rated, self.marks, self.most = rated, marks, most
        self.drawn = drawn if known is not None else ""

    def show(self, title: str, rows: Rows, *, key: str, told: str = "", first: list[str] | None = None) -> None:
        """A sort of images under its title; `first` are the titles of the cards where they differ."""
        st.subheader(title, anchor=False)
        if told:
            pictures.quiet(told)
        ids = [self.whole.ids[int(row)] for row in rows]
        shown = []
        for position, (row, source) in enumerate(zip(rows, self._sources(rows, ids), strict=True)):
            head, *more = self._captions(int(row))
            lines = [line for line in [head, *more] if line != first[position]] if first is not None else more
            name = first[position] if first is not None else head
            shown.append(Card(ids[position], [CardPicture(source, "")], name, [*lines, ids[position]]))
        cards(shown, key=key, label=title, size=140, on_choose=aesthetic_rows.open_image)

    def _captions(self, row: int) -> list[str]:
        """What the crowd and the network say of an image; who rates comes first."""
        votes, known = self.study.votes, self.known
        given = votes is not None and bool(votes.known[row])
        said = known is not None and bool(known.readable[row])
        lines = [f"mark {votes.mean[row]:.2f}"] if votes is not None and given else []
        spreads = [f"spread {votes.spread[row]:.2f}"] if votes is not None and given else []
        if known is not None and said:
            mean = float(known.mean[row])
            foretold = f"foretold {mean:.2f}" if self.marks else _certainty(mean)
            lines = [*lines, foretold] if self.rated.by_votes else [foretold, *lines]
            if self.marks and (not given or not self.rated.by_votes):
                spreads = [f"spread foretold {known.spread[row]:.2f}"]
        return [*(lines or ["nothing is known"]), *([", ".join(spreads)] if spreads else [])]

    def _sources(self, rows: Rows, ids: list[str]) -> list[str]:
        """The pictures as addresses, with a map over each where that is wished."""
        if not self.drawn or self.known is None:
            return pictures.thumbnails(self.whole, ids, 150)
        maps = self.known.maps[rows, HIGH_LOW.index(self.drawn)]
        key = f"{self.whole.fingerprint} {aesthetic_rows.digest(rows, maps)}"
        return _with_maps(key, ids, self.whole, maps)


def _certainty(high: float) -> str:
    """What a network of high and low calls an image, and how surely."""
    called, share = ("high", high) if high > 0.5 else ("low", 1 - high)
    return f"{called}: {aesthetics.certain(share)}"


@st.cache_data(max_entries=128, show_spinner=False)
def _with_maps(key: str, ids: list[str], _whole: ImageCollection, _maps: NDArray[np.float32]) -> list[str]:  # noqa: ARG001
    found = []
    for picture, raw in zip(caches.small_pictures(_whole, ids, LARGE), _maps, strict=True):
        image = picture.convert("RGB")
        mask = drawing.mask_for(raw, image.size)
        found.append(caches.data_address(drawing.overlay(image, mask, OPACITY), 150))
    return found


def _extremes(wall: Wall, rows: Rows) -> None:
    """The two ends."""
    order = rows[np.argsort(-wall.rated.values[rows], kind="stable")]
    many = min(wall.most, max(1, len(order) // 2))
    if wall.rated.marks:
        names = ("Highest marks", "Lowest marks")
    else:
        names = ("Called high most surely", "Called low most surely")
    mean = float(wall.rated.values[rows].mean())
    if wall.rated.marks:
        base = f"The mean of these {len(rows):,} images: {mean:.2f}."
    else:
        base = (
            f"Below each: how sure the network is. It calls {np.mean(wall.rated.values[rows] > 0.5):.0%} of these high."
        )
    told = f"{base} A click opens an image." + (_legend(wall.drawn) if wall.drawn else "")
    wall.show(names[0], order[:many], key="gallery-highest", told=told.strip())
    if len(order) > 1:
        wall.show(names[1], order[::-1][:many], key="gallery-lowest")


def _legend(target: str) -> str:
    verb = "for" if target == HIGH else "against"
    return (
        f" Yellow lies on what speaks most {verb} beauty, as the network sees it; what is clear does not. Each map has "
        "its own scale."
    )


def _disputed(wall: Wall, rows: Rows) -> None:
    """Where voters disagree most; under a network of high and low, where it knows least."""
    if not wall.rated.marks:
        order = rows[np.argsort(np.abs(wall.rated.values[rows] - 0.5), kind="stable")]
        wall.show("Least sure of", order[: wall.most], key="gallery-disputed")
        return
    order = rows[np.argsort(-wall.rated.spread[rows], kind="stable")]
    mean = float(wall.rated.spread[rows].mean())
    told = (
        ("The marks spread most here. " if wall.rated.by_votes else "The network foretells the widest spread here. ")
        + f"Usual in these {len(rows):,} images: a standard deviation of {mean:.2f}."
    )  # fmt: skip
    called = "spread" if wall.rated.by_votes else "spread foretold"
    first = [f"{called} {wall.rated.spread[row]:.2f}" for row in order[: wall.most]]
    wall.show(
        "Most disputed" if wall.rated.by_votes else "Widest foretold spread",
        order[: wall.most],
        key="gallery-disputed",
        told=told + _by_chance(wall, rows),
        first=first,
    )


def _by_chance(wall: Wall, rows: Rows) -> str:
    """Whether these images are in dispute at all, more than the chance of who voted makes it look."""
    if not wall.rated.by_votes or wall.study.votes is None:
        return ""
    seen, chance = spread_by_chance(Votes(wall.study.votes.counts[rows]))
    if not np.isfinite(seen + chance) or chance <= 0:
        return ""
    told = (
        f" The spread differs between images by {seen:.3f}; by the chance of who voted alone it would by {chance:.3f}"
    )
    if seen > LITTLE_MORE * chance:
        return f"{told}, so some images are truly more disputed than others."
    return f"{told}: these images need not be any more disputed than others."


def _errors(wall: Wall, rows: Rows) -> None:
    """Where the network is farthest from the votes."""
    votes, known = wall.study.votes, wall.known
    if votes is None or known is None:
        return
    both = rows[votes.known[rows] & known.readable[rows]]
    if not len(both):
        return
    error = _error(wall, votes.mean[both], known.mean[both])
    order = np.argsort(-np.abs(error), kind="stable")[: wall.most]
    if wall.marks:
        first = [f"{signed(float(error[at]), 2)} marks" for at in order]
        bounds = interval(lambda drawn: float(np.abs(error[drawn]).mean()), len(error))
        usual = float(np.abs(votes.mean[both] - votes.mean[both].mean()).mean())
        told = (
            f"Foretold minus voted. On average of these {len(both):,} images the network is wrong by "
            f"{np.abs(error).mean():.2f} marks{aesthetics.within(bounds)}; always answering their mean: {usual:.2f}."
        )
    else:
        first = [f"called {'high' if error[at] > 0 else 'low'} wrongly" for at in order if abs(error[at]) > 0.5]
        order = order[: len(first)]
        wrong = np.abs(error) > 0.5
        bounds = interval(lambda drawn: float(wrong[drawn].mean()), len(wrong))
        high = is_high(votes.mean[both])
        told = (
            f"Called wrongly, the surest first. Wrong are {wrong.mean():.1%}"
            f"{aesthetics.within(bounds, percent=True)} of these {len(both):,} images; always giving the commoner "
            f"answer: {min(high.mean(), 1 - high.mean()):.1%}."
        )
    wall.show("Where the network errs most", both[order], key="gallery-errors", told=told, first=first)


def _error(wall: Wall, given: NDArray[Any], found: NDArray[Any]) -> NDArray[np.float64]:
    """Foretold minus voted; of a network of high and low, certainty minus whether the image is high."""
    return np.asarray(found - (given if wall.marks else is_high(given)), np.float64)
