"""The views of the page Attributes about many images: where networks disagree, what goes with what, the map."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.collection.export import points_geojson
from urbanlens.plots.places import places_valued
from urbanlens.plots.scores import co_occurrence_heat, mean_difference_bars, signed, two_scores
from urbanlens.siam.brackets import co_occurrence, score_brackets
from urbanlens.siam.compare import ChanceExplained, chance_explained, disagreement, error_explained
from urbanlens.siam.metrics import score_metrics
from urbanlens.ui import attributes, overview, pictures, state
from urbanlens.ui.attribute_templates import image_cards

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.siam.readings import Readings
    from urbanlens.ui.attributes import Study
    from urbanlens.ui.page import Page

Rows = NDArray[np.int64]
SHOWN = 12
EVERY = "all"
SEEN = 0.5
"""Where the collection knows no attributes: certainty from which one counts as seen."""


def choose_rows(here: Page, study: Study) -> Rows:
    """Which images count: of the selected region, of a class, and only unlearnt ones where that is wished."""
    whole = here.collection.whole
    classes = {EVERY: "all classes"}
    for label in overview.main_labels(whole):
        values = whole.table[label].dropna().astype(str).value_counts()
        called = label.replace("_", " ")
        classes |= {f"{label}={value}": f"{called}: {value} ({count:,})" for value, count in values.items()}
    left, right = st.columns(2, gap="medium")
    with left:
        chosen = state.choose("Class", list(classes), name="only", names=classes)
    keep = np.zeros(len(whole), bool)
    keep[here.view.positions] = True
    unlearnt = attributes.unlearnt(whole, study)
    if unlearnt.any():
        with right:
            scopes = {"test": "test images", EVERY: "all images"}
            told = "The networks do better on images that they have learnt from."
            if state.choose("Images", list(scopes), name="images", names=scopes, help=told) == "test":
                keep &= unlearnt
    if chosen != EVERY:
        label, value = chosen.split("=", 1)
        keep &= np.asarray(whole.table[label].astype("string").eq(value).fillna(False), bool)
    where = f" in {here.selection.name or 'the selected region'}" if here.selection is not None else ""
    pictures.quiet(f"{int(keep.sum()):,} {'image' if keep.sum() == 1 else 'images'}{where}.")
    return np.flatnonzero(keep)


def show_disagreement(here: Page, study: Study) -> None:
    """Where SIAM and the free network differ most, and errors that one attribute explains."""
    rows = choose_rows(here, study)
    known = attributes.readings(here.collection, study)
    if known is None:
        return
    siam, free = known[0].of(rows), known[1].of(rows) if known[1] is not None else None
    crowd = study.crowd[rows] if study.crowd is not None else None
    if free is None:
        st.info("There is no free network of the same score to compare with: train one with `train score`.")
    elif len(rows) < 2 or not siam.readable.any():
        st.info("Too few images: choose another class or region.")
        return
    else:
        _disagreement(here, study, rows, siam, free, crowd)
    if crowd is not None and np.isfinite(crowd).any():
        _explained(here, rows, siam, crowd)


def _ids(here: Page, rows: Rows) -> list[str]:
    ids = here.collection.whole.ids
    return [ids[int(row)] for row in rows]


def _disagreement(
    here: Page, study: Study, rows: Rows, siam: Readings, free: Readings, crowd: NDArray[np.float32] | None
) -> None:  # fmt: skip
    found, ids = disagreement(siam, free, crowd), _ids(here, rows)
    st.subheader("Where the two networks differ most", anchor=False)
    left, right = st.columns([1, 1.4], gap="large")
    with left:
        _errors(siam, free, crowd)
        judged = crowd is not None and bool(np.isfinite(crowd).any())
        figure = two_scores(found, ids, crowd=judged, score_name=study.score)
        table = found.assign(image_id=[ids[int(row)] for row in found["row"]]).drop(columns="row")
        pictures.figure_with_downloads(figure, f"{here.collection.whole.name}-two-scores", table, key="two-scores")
    with right:
        first = found.head(SHOWN)
        captions = [
            [f"SIAM {row.siam:.1f}, free {row.free:.1f}"]
            + ([f"given {row.crowd:.1f}"] if np.isfinite(row.crowd) else [])
            for row in first.itertuples()
        ]
        names = [ids[int(row)] for row in first["row"]]
        image_cards(here, names, captions, key="disagreeing", label="Images on which the networks differ most")


def _errors(siam: Readings, free: Readings, crowd: NDArray[np.float32] | None) -> None:
    if crowd is None or not np.isfinite(crowd).any():
        return
    parts = []
    for name, one in (("SIAM", siam), ("the free network", free)):
        fine = one.readable
        told = _metrics(_key(one.score[fine], crowd[fine]), crowd[fine], one.score[fine])
        if "rmse" in told:
            parts.append(
                f"{name}: error (RMSE) {told['rmse']:.2f}{attributes.within(told['rmse_interval'])}, "
                f"Kendall's τ {told['tau']:.2f}".replace("-", "−")
            )
    if parts:
        mean = f"always answering the mean of these images: {float(np.nanstd(crowd)):.2f}"
        pictures.quiet("; ".join([*parts, mean]) + ".")


def _key(*arrays: NDArray[np.float32] | None) -> str:
    """Changes with any number in the arrays: what is resampled from them is kept under it."""
    digest = hashlib.sha1(usedforsecurity=False)
    for array in arrays:
        digest.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@st.cache_data(max_entries=64, show_spinner=False)
def _metrics(key: str, _truth: NDArray[np.float32], _found: NDArray[np.float32]) -> dict[str, Any]:  # noqa: ARG001
    return score_metrics(_truth, _found)


@st.cache_data(max_entries=16, show_spinner="Looking for what explains the errors")
def _explaining(
    key: str,  # noqa: ARG001
    _siam: Readings,
    _crowd: NDArray[np.float32],
    _shares: NDArray[np.float32] | None,
) -> tuple[pd.DataFrame, ChanceExplained]:
    return error_explained(_siam, _crowd, _shares), chance_explained(_siam, _crowd, _shares, seed=0)


def _explained(here: Page, rows: Rows, siam: Readings, crowd: NDArray[np.float32]) -> None:
    st.subheader("Errors that one attribute explains", anchor=False)
    shares = attributes.annotated(here.collection.whole, siam.names)
    known = shares[rows] if shares is not None else None
    found, chance = _explaining(_key(siam.contributions, siam.score, crowd, known), siam, crowd, known)
    if not chance.large:
        pictures.quiet("No image has an error to explain.")
        return
    pictures.quiet(
        f"Of {chance.large:,} images with an error above the root mean square, one attribute alone accounts for "
        f"{chance.found:,}, by four fifths or more: "
        + (
            "it counted that much more, or less, than its true share in the image asks for. "
            if known is not None
            else "what it adds is as large as the error, and of its sign. "
        )
        + f"If errors had nothing to do with attributes it would be {chance.mean:.0f} ({chance.low:.0f} to "
        f"{chance.high:.0f}): with many attributes, some always fits."
    )
    first, ids = found.head(SHOWN), _ids(here, rows)
    captions = [
        [f"{attributes.plain(row.attribute)} {signed(row.excess, 1)}", f"error {signed(row.error, 1)}"]
        for row in first.itertuples()
    ]
    if len(first):
        names = [ids[int(row)] for row in first["row"]]
        image_cards(here, names, captions, key="explained", label="Images whose error one attribute explains")
        table = found.assign(image_id=[ids[int(row)] for row in found["row"]]).drop(columns="row")
        pictures.table_download(table, f"{here.collection.whole.name}-explained-errors", "All of them (CSV)")


def show_co_occurrence(here: Page, study: Study) -> None:
    """Which attributes go with a high score, as given and by the network's eye."""
    rows = choose_rows(here, study)
    known = attributes.readings(here.collection, study)
    if known is None:
        return
    siam, whole = known[0].of(rows), here.collection.whole
    shares = attributes.annotated(whole, siam.names)
    ways = ({"true": "as annotated"} if shares is not None else {}) | {"seen": "as SIAM sees them"}
    crowd = study.crowd[rows] if study.crowd is not None else None
    scores = ({"given": "as given"} if crowd is not None and np.isfinite(crowd).any() else {}) | {"siam": "by SIAM"}
    left, right = st.columns(2, gap="medium")
    with left:
        way = state.choose("Attributes", list(ways), name="present", names=ways)
    with right:
        by = state.choose(pictures.plain(attributes.begun(study.score)), list(scores), name="scored", names=scores)
    there, told = _there(study, known[0], shares if way == "true" else None)
    score = crowd if by == "given" and crowd is not None else siam.score
    if np.isfinite(score).sum() < 2:
        st.info("Too few images with a score: choose another class or region.")
        return
    names = [attributes.plain(name) for name in siam.names]
    table = co_occurrence(there[rows], score, names, score_brackets(score))
    pictures.quiet(
        f"How many of the images of each score have an attribute; it counts as there where {told}. Going together is "
        "no cause: attributes come with each other, and with places."
    )
    file = f"{whole.name}-co-occurrence"
    pictures.figure_with_downloads(co_occurrence_heat(table, score_name=study.score), file, table, key="co-occurrence")
    st.subheader("Score with the attribute, minus without", anchor=False)
    bars = mean_difference_bars(table, score_name=study.score, colours=study.colours)
    pictures.figure_with_downloads(bars, f"{file}-difference", table, key="difference")


def _there(study: Study, siam: Readings, shares: NDArray[np.float32] | None) -> tuple[NDArray[np.float32], str]:
    """(N, A) which attributes are in which images, by the shares or by SIAM, and how that is said."""
    if shares is not None:
        return _present(shares, study.positive(SEEN)), f"its share is above {100 * study.positive(SEEN):g} %"
    if study.soft:
        # Such a network sees a little of everything: no share of its own tells what is there from what is not.
        average = np.nanmean(siam.attributes, axis=0) if siam.readable.any() else SEEN
        return _present(siam.attributes, average), "more of it is seen than in the average image"
    return _present(siam.attributes, SEEN), f"it is seen with more than {100 * SEEN:g} % certainty"


def _present(shares: NDArray[np.float32], bound: float | NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.isfinite(shares), shares > bound, np.nan).astype(np.float32)


def show_map(here: Page, study: Study) -> None:
    """The score, or one attribute, over the city."""
    whole = here.collection.whole
    known = attributes.readings(here.collection, study)
    if known is None:
        return
    siam, free = known
    offered = {"siam": f"{study.score}, by SIAM"}
    if study.crowd is not None and np.isfinite(study.crowd).any():
        offered = {"given": f"{study.score}, as given"} | offered
    if free is not None:
        offered["free"] = f"{study.score}, by the free network"
    left, right = st.columns(2, gap="medium")
    with left:
        how = "how much of an attribute is seen" if study.soft else "how surely an attribute is seen"
        offered |= {"attribute": how, "adds": "what an attribute adds"}
        what = state.choose("Show", list(offered), name="mapped", names=offered)
    attribute = 0
    if what in ("attribute", "adds"):
        with right:
            names = {name: attributes.plain(name) for name in siam.names}
            attribute = siam.names.index(state.choose("Attribute", list(names), name="attribute", names=names))
    values: NDArray[np.float32] = {
        "given": study.crowd if study.crowd is not None else siam.score, "siam": siam.score,
        "free": free.score if free is not None else siam.score, "attribute": siam.attributes[:, attribute],
        "adds": siam.contributions[:, attribute],
    }[what]  # fmt: skip
    name, unit = attributes.plain(siam.names[attribute]), "share" if study.soft else "certainty"
    title = {"attribute": f"{name}, {unit}", "adds": f"{name}, adds"}.get(what, study.score)
    _draw_map(here, study, whole, values, title, signed=what == "adds")
    table = summary_table(siam, whole.ids)
    pictures.table_download(table, f"{whole.name}-{study.siam.name}", "All that SIAM says of all images (CSV)")


def _draw_map(
    here: Page, study: Study, whole: ImageCollection, values: NDArray[np.float32], title: str, *, signed: bool
) -> None:  # fmt: skip
    figure = places_valued(here.view, values[here.view.positions], title, colours=study.colours if signed else None)
    if figure is None:
        st.info("None of these images has coordinates, so there is no map.")
        return
    table = whole.table[["image_id", "lat", "lon"]].assign(value=values).iloc[here.view.positions]
    file = f"{whole.name}-{title}-map".replace(" ", "-")
    pictures.figure_with_downloads(figure, file, table, key="score-map", zoom=True)
    st.download_button(
        "Points (GeoJSON)", lambda: points_geojson(table), f"{file}.geojson", "application/geo+json",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    placed = int(whole.located[here.view.positions].sum())
    pictures.quiet(
        f"{placed:,} of {len(here.view):,} images have coordinates and are shown, those among them that the networks "
        "learnt from."
    )
    here_values = values[here.view.positions]
    fine = here_values[np.isfinite(here_values)]
    if here.selection is not None and len(fine):
        rest = values[np.isfinite(values)]
        pictures.quiet(
            f"In {here.selection.name or 'the selected region'}: {fine.mean():.2f} on average of {len(fine):,} images; "
            f"in the whole collection {rest.mean():.2f}."
        )


def summary_table(readings: Readings, ids: list[str]) -> pd.DataFrame:
    """Everything that was read, a row an image: for other programs."""
    parts = {f"seen.{name}": readings.attributes[:, i] for i, name in enumerate(readings.names)}
    parts |= {f"adds.{name}": readings.contributions[:, i] for i, name in enumerate(readings.names)}
    return pd.DataFrame({"image_id": ids, "score": readings.score, "bias": readings.bias, **parts})
