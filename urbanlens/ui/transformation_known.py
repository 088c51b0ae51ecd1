"""What is known of the natural images that changes are counted in: objects, attributes, marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from urbanlens.aesthetics.readings import TASK, tells_marks
from urbanlens.collection.columns import TABLE_FILE
from urbanlens.collection.library import store_for
from urbanlens.transformation.counterparts import known_similarities
from urbanlens.transformation.looks import FEATURES, SIMILARITIES
from urbanlens.transformation.numbers import Numbers, collection_numbers
from urbanlens.transformation.shares import ObjectShares, collection_shares, kept_shares
from urbanlens.transformation.similarity import counterparts as nearest_of
from urbanlens.ui import aesthetics, attributes, explaining, overview, pictures, transformation_nearest, work

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.embedding.index import NearestIndex
    from urbanlens.progress import Progress
    from urbanlens.siam.readings import Readings
    from urbanlens.transformation.looks import Features
    from urbanlens.transformation.record import Transformation
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.page import Page
    from urbanlens.ui.transformations import Study


@dataclass(frozen=True)
class Known:
    """What is known of a whole collection's images.

    Attributes
    ----------
    collection : the whole collection
    key : changes with all that is known
    read : gives it
    """

    collection: ImageCollection
    key: str
    read: Callable[[], Numbers]


def counterparts(study: Study, found: Sequence[Transformation]) -> list[str | None] | None:
    """The id of each template image's nearest natural image, wherever in the collection, but never its source.

    Alike by the features of a network that did not pull, where there is one. None for a transformation that was made
    without them; None for all, with what to do, where the images were not looked at yet.
    """
    for name in known_similarities(study.card):
        index = transformation_nearest.kept_looks(study, name) if name in FEATURES else None
        if index is not None:
            title = SIMILARITIES[name].title
            pictures.quiet(f"The nearest natural image, wherever in the collection, alike by {title}.")
            return [_nearest(study, one, name, index) for one in found]
    st.info(
        "The nearest natural images are not known yet: open a transformation in the view One transformation, and let "
        "it look at all images once."
    )
    return None


def _nearest(study: Study, one: Transformation, name: str, index: NearestIndex | Features) -> str | None:
    if name not in one.features:
        return None
    whole, pool = study.collection, np.ones(len(study.collection), bool)
    if one.source in whole:
        pool[whole.row(one.source)] = False
    rows, _ = nearest_of(one.features[name][-1], index, pool, 1)
    return whole.ids[int(rows[0])] if len(rows) else None


def known_of(here: Page) -> Known | None:
    """All that is kept of the collection's images; what is not is told, with the way to get it. None: nothing is."""
    whole = here.collection.whole
    shares = _shares(whole)
    siam, readings = _readings(whole)
    beauty, parts = _beauty(whole, siam, readings)
    if shares is None and readings is None and not beauty:
        return None
    stamp = (whole.root / TABLE_FILE).stat().st_mtime_ns
    key = f"{whole.fingerprint} {whole.labels_fingerprint} {shares is None} {stamp} {parts}"
    return Known(whole, key, lambda: collection_numbers(shares, readings, beauty))


def _shares(whole: ImageCollection) -> ObjectShares | None:
    """The objects by the collection's own labels; a button that reads them where they are not kept."""
    if not whole.labelled.any():
        pictures.quiet(
            "These images have no pixel labels, so nothing is known of their objects, nor of urban design. The "
            "template images are looked at by a segmenter."
        )
        return None
    store = store_for(whole)
    known = kept_shares(whole, store=store)
    if known is not None:
        return known

    def compute(progress: Progress) -> None:
        collection_shares(whole, store=store, progress=progress)

    key = f"object-shares-{whole.fingerprint}-{whole.labels_fingerprint}"
    work.wait_when_asked(key, "Reading the objects", f"Read the objects of all {len(whole):,} images", compute)
    return kept_shares(whole, store=store)


def _usable(whole: ImageCollection, task: str) -> list[Network]:
    """Networks of a task that learnt from pictures like these."""
    known = explaining.classifiers(whole, (task,)).values()
    return [one for one in known if one.card is not None and (not one.from_demo or overview.is_demo(whole))]


def _readings(whole: ImageCollection) -> tuple[Network | None, Readings | None]:
    """SIAM, and what it says of all images."""
    networks = _usable(whole, "attributes")
    if not networks:
        return None, None
    found = attributes.kept(whole, networks[0])
    if found is None:
        pictures.quiet("Attributes appear here once their network has read the images, on the page Attributes.")
    return networks[0], found


def _beauty(
    whole: ImageCollection, siam: Network | None, readings: Readings | None
) -> tuple[dict[str, ArrayLike], list[str]]:
    """Marks and scores by name, and what they depend on."""
    found: dict[str, ArrayLike] = {}
    parts = [siam.key if siam is not None and readings is not None else ""]
    voted = aesthetics.votes(whole)
    if voted is not None:
        found["mean mark (by the votes)"] = voted.mean
    marking = [one for one in _usable(whole, TASK) if one.card is not None and tells_marks(one.card)]
    if marking:
        said = aesthetics.kept(whole, marking[0])
        if said is not None:
            found["mean mark (foretold)"] = said.mean
            parts.append(marking[0].key)
        else:
            pictures.quiet("Foretold marks appear here once their network has read the images, on the page Aesthetics.")
    if siam is not None and siam.card is not None:
        score = attributes.plain_score(siam.card.label)
        crowd = attributes.crowd_of(whole, siam.card.label)
        if crowd is not None:
            found[f"{score} (as given)"] = crowd
        if readings is not None:
            found[f"{score} (foretold)"] = readings.score
    return found, [*parts, *found]
