"""The real images nearest to a template image and to each step before it: alike by what, and from where."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.embedding.index import NearestIndex
from urbanlens.errors import ModelError
from urbanlens.explain.trust import wilson_interval
from urbanlens.transformation.counterparts import known_similarities, similarity_network
from urbanlens.transformation.looks import PIXELS, SIMILARITIES, Features, looks_key
from urbanlens.transformation.similarity import counterparts, kept_index, make_index
from urbanlens.ui import caches, overview, pictures, state, transformation_caches, work

if TYPE_CHECKING:
    from pathlib import Path

    from urbanlens.collection import ImageCollection
    from urbanlens.progress import Progress
    from urbanlens.transformation.record import Transformation
    from urbanlens.ui.page import Page
    from urbanlens.ui.transformations import Study

BEST = 6
"""Real images that are shown below the stepper; the first of them are its last stops."""
STOPS = 3
AT_ONCE = 65_536
PIXEL_FRAMES = 5
"""Frames that are compared by pixels, the first and the last among them."""
ALL, CLASS, REGION = "all", "class", "region"


@dataclass(frozen=True)
class Nearest:
    """Real images beside the frames of a transformation, S of them.

    Attributes
    ----------
    whole : the collection that they are of
    rows : (S,) the nearest to each frame; -1 where nobody looked
    similarity : (S,) how similar it is
    ranked : rows of those nearest to the template image, the nearest first, and how similar each is
    pool : (N,) images that it was chosen from
    among : where these lie, in words
    """

    whole: ImageCollection
    rows: NDArray[np.int64]
    similarity: NDArray[np.float64]
    ranked: list[tuple[int, float]]
    pool: NDArray[np.bool_]
    among: str

    @property
    def best(self) -> list[tuple[int, float]]:
        """Those that the stepper ends with."""
        return self.ranked[:STOPS]


def choose_and_find(here: Page, study: Study, found: Transformation) -> Nearest | None:
    """Ask by what and from where; None, with a word or a button, where nothing can be said yet."""
    known = [name for name in known_similarities(study.card) if _is_there(study, name)]
    alike, lying = st.columns(2, gap="medium")
    with alike:
        names = {name: _begun(SIMILARITIES[name].title) for name in known}
        told = "\n\n".join(f"**{names[name]}**: {SIMILARITIES[name].told}" for name in known)
        ready = [one for one in known if one in (PIXELS, *found.features) and kept_looks(study, one) is not None]
        usual = ready[0] if ready else known[0]
        name = state.choose("Alike by", known, name="alike", default=usual, names=names, help=told)
    with lying:
        pool, among = _choose_pool(here, study, found)
    if not pool.any():
        st.info(f"There is no image to choose from {pictures.plain(among)}: look for them elsewhere.")
        return None
    looks = _looks(study, name)
    if looks is None:
        return None
    query = _query(found, name)
    if query is None:
        st.info("This one was made without this way of comparing in mind: choose another, or make it anew.")
        return None
    key = hashlib.sha256(b"".join([name.encode(), study.network.key.encode(), pool.tobytes(), query.tobytes()]))
    rows, values, index, similarity = _found(key.hexdigest(), query, looks, pool)
    if not len(index):
        st.info(f"None of the images {pictures.plain(among)} can be read.")
        return None
    ranked = list(zip(index.tolist(), similarity.tolist(), strict=True))
    return Nearest(study.collection, rows, values, ranked, pool, among)


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


@st.cache_data(max_entries=128, show_spinner="Looking for real images")
def _found(
    key: str,  # noqa: ARG001
    _query: NDArray[Any],
    _looks: NearestIndex | Features,
    _pool: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """The nearest row to each frame and how similar it is; then the rows nearest to the last, and theirs."""
    index, similarity = counterparts(_query[-1], _looks, _pool, BEST)
    rows, values = _of_each(_query, _looks, _pool)
    return rows, values, np.asarray(index, np.int64), np.asarray(similarity, np.float64)


def _of_each(
    query: NDArray[Any], looks: NearestIndex | Features, pool: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """`counterparts` of each frame for k = 1; where pixels are compared, which is slow, of some frames only."""
    rows, values = np.full(len(query), -1, np.int64), np.zeros(len(query))
    if query.ndim > 2:
        for frame in {round(at) for at in np.linspace(0, len(query) - 1, PIXEL_FRAMES)}:
            index, similarity = counterparts(query[frame], looks, pool, 1)
            if len(index):
                rows[frame], values[frame] = index[0], similarity[0]
        return rows, values
    assert isinstance(looks, NearestIndex)
    if not looks.exact:
        index, similarity = looks.search(query, 1, pool)
        return (index[:, 0], similarity[:, 0].astype(float)) if index.size else (rows, values)
    # One table of products is faster than as many exact searches.
    features = looks.rows
    values = np.full(len(query), -np.inf)
    for start in range(0, len(features), AT_ONCE):
        part = features[start : start + AT_ONCE]
        scores = part @ query.T.astype(np.float32)
        scores[~(pool[start : start + AT_ONCE] & part.any(axis=1))] = -np.inf
        best = scores.argmax(axis=0)
        high = scores[best, np.arange(len(query))]
        better = high > values
        rows[better], values[better] = best[better] + start, high[better]
    return rows, np.where(rows >= 0, values, 0.0)


def _choose_pool(here: Page, study: Study, found: Transformation) -> tuple[NDArray[np.bool_], str]:
    """Images that a counterpart may be, and where they lie, in words; never the image itself."""
    whole, classes = study.collection, study.classes
    names = {ALL: "anywhere in the collection"}
    if classes is not None and (classes == found.target).any():
        names[CLASS] = f"{found.target} only"
    if here.selection is not None:
        names[REGION] = f"{here.selection.name or 'the selected region'} only"
    scope = state.choose("Look for them in", list(names), name="among", names=names)
    pool = np.ones(len(whole), bool)
    if scope == CLASS and classes is not None:
        pool = classes == found.target
    if scope == REGION:
        pool = np.zeros(len(whole), bool)
        pool[here.view.positions] = True
    if found.source in whole:
        pool[whole.row(found.source)] = False
    return pool, {ALL: "in the collection", CLASS: f"in {found.target}"}.get(scope, "in the selected region")


def _network(study: Study, name: str) -> Path | None:
    """The folder of the network that a similarity compares with."""
    folder = study.network.folder
    return similarity_network(folder, study.card, name) if folder is not None else None


def _is_there(study: Study, name: str) -> bool:
    """Whether the network that a similarity compares with is there."""
    try:
        looks_key("", name, model=_network(study, name))
    except ModelError:
        return False
    return True


def kept_looks(study: Study, name: str) -> NearestIndex | Features | None:
    """What all images look like to a similarity where it is kept and its network is there; loads no torch."""
    if not _is_there(study, name):
        return None
    whole, size, model = study.collection, study.card.size, _network(study, name)
    key = looks_key(whole.fingerprint, name, size=size, model=model).digest
    return transformation_caches.index(key, lambda: kept_index(whole, name, size=size, model=model, store=study.store))


def _looks(study: Study, name: str) -> NearestIndex | Features | None:
    """What all images look like to a similarity; where that is not kept, a button that computes it, and None."""
    known = kept_looks(study, name)
    if known is not None:
        return known
    whole, size, store, model = study.collection, study.card.size, study.store, _network(study, name)
    key = f"looks-{looks_key(whole.fingerprint, name, size=size, model=model).digest}"
    asked = work.asked_for(key)
    if not asked:
        st.info("To find the nearest real images, all of them have to be looked at once: a minute for thousands.")
    engine = caches.engine() if asked else None

    def compute(progress: Progress) -> None:
        make_index(whole, name, size=size, model=model, store=store, engine=engine, progress=progress)

    work.wait_when_asked(key, "Looking at the images", f"Look at all {len(whole):,} images", compute)
    return kept_looks(study, name)


def _query(found: Transformation, name: str) -> NDArray[Any] | None:
    """(S, …) what each frame looks like to a similarity, as it was kept with the frames; None where it was not."""
    return found.frames if name == PIXELS else found.features.get(name)


def show_best(study: Study, found: Transformation, nearest: Nearest) -> None:
    """The real images nearest to the template image, each with the way to its own page."""
    whole, classes = study.collection, study.classes
    told = f"Nearest to the template image of all {int(nearest.pool.sum()):,} images {nearest.among}."
    if classes is not None:
        right = int(sum(classes[row] == found.target for row, _ in nearest.ranked))
        low, high = wilson_interval(right, len(nearest.ranked))
        chance = float((classes[nearest.pool] == found.target).mean())
        told += (
            f" {right} of these {len(nearest.ranked)} are of {found.target} (95 % interval {low:.0%} to {high:.0%}); "
            f"of images drawn by chance it would be {chance:.0%}."
        )
    pictures.quiet(told)
    ids = [whole.ids[row] for row, _ in nearest.ranked]
    labels = list(dict.fromkeys([study.card.label, *overview.main_labels(whole)]))[:2]
    captions, rows = [], []
    for place, (row, similarity) in enumerate(nearest.ranked, start=1):
        one = whole.table.iloc[row]
        values = {label: str(one[label]) for label in labels if label in one and pd.notna(one[label])}
        captions.append(" · ".join([f"{place}", *values.values(), f"similarity {similarity:.2f}"]))
        rows.append({"image_id": whole.ids[row], "similarity": similarity, **values})
    pictures.grid(whole, ids, captions, size=150)
    table = pd.DataFrame(rows)
    pictures.table_download(table, f"{found.source or 'prototype'}-nearest", "Nearest real images (CSV)")
