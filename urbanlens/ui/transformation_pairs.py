"""Images that join a neighbour: a look at the pairs, the list to take home, the command that trains with them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.collection.export import points_geojson
from urbanlens.embedding.neighbours import contradicting
from urbanlens.plots.palette import OKABE_ITO
from urbanlens.ui import caches, pictures, state
from urbanlens.ui.cards import Card, CardPicture, cards

if TYPE_CHECKING:
    from urbanlens.ui.page import Page
    from urbanlens.ui.transformation_neighbours import Near

SHOWN = 24
WRONG = OKABE_ITO[5]
DOUBTFUL, CLOSEST, FALSE, TORN = "doubtful", "alike", "wrong", "contradicting"
LISTS = {
    DOUBTFUL: "those nearest to the thresholds", CLOSEST: "those most alike", FALSE: "those given a wrong label",
    TORN: "those left out, as their neighbours contradict each other",
}  # fmt: skip


def look(near: Near, table: pd.DataFrame, d: float, s: float) -> None:
    """The pairs side by side."""
    torn = contradicting(near.found, near.labels, d, s)
    wrong = near.truth[table["image"]] != table["label"].to_numpy(str)
    wrong &= near.truth[table["image"]] != ""
    offered = {
        name: title for name, title in LISTS.items()
        if (len(torn) if name == TORN else wrong.any() if name == FALSE else len(table))
    }  # fmt: skip
    if not offered:
        return
    st.subheader("A look at the pairs", anchor=False)
    asked = state.choose("Show", list(offered), name="near-show", names=offered)
    margin = np.minimum(1 - table["distance_m"] / d, (table["similarity"] - s) / max(1 - s, 1e-9))
    order = {DOUBTFUL: margin, CLOSEST: -table["similarity"], FALSE: -table["similarity"]}.get(asked)
    if order is None:
        rows = [part for _, part in torn.groupby("image", sort=True)]
    else:
        chosen = table[wrong] if asked == FALSE else table
        rows = [chosen.loc[[row]] for row in order[chosen.index].sort_values(kind="stable").index]
    _pair_in_full(near, rows)
    cards(
        _cards(near, rows[:SHOWN]), key="near-cards", label="Images and their neighbours", size=250,
        chosen=state.param("near-picked"), on_choose=_pick,
    )  # fmt: skip
    if len(rows) > SHOWN:
        pictures.quiet(f"and {len(rows) - SHOWN:,} more.")


def _pick(name: str) -> None:
    """Show a pair large, or no longer."""
    state.touched()
    state.set_param("near-picked", name if name != state.param("near-picked") else None)


def _cards(near: Near, rows: list[pd.DataFrame]) -> list[Card]:
    """One card an image: itself, then its neighbour, or one of each label where these contradict each other."""
    ids = near.images.ids
    shown = [[int(part["image"].iat[0]), *map(int, part["neighbour"][:3])] for part in rows]
    every = list(dict.fromkeys(ids[row] for group in shown for row in group))
    sources = dict(zip(every, pictures.thumbnails(near.images, every, 150), strict=True))
    made = []
    for part, group in zip(rows, shown, strict=True):
        own = near.truth[group[0]]
        false = len(part) == 1 and own not in ("", part["label"].iat[0])
        under = ["no label" if not own else f"hidden: {own}", *(str(near.labels[row]) for row in group[1:])]
        title = f"joins {part['label'].iat[0]}" if len(part) == 1 else " or ".join(part["label"][:3]) + "?"
        lines = [f"{row.distance_m:.0f} m away, alike to {row.similarity:.2f}" for row in part[:3].itertuples()]
        drawn = [
            CardPicture(sources[ids[row]], ids[row], word) for row, word in zip(group, under, strict=True)
        ]  # fmt: skip
        made.append(Card(ids[group[0]], drawn, title, lines, WRONG if false else "", 2 if false else 0))
    return made


def _pair_in_full(near: Near, rows: list[pd.DataFrame]) -> None:
    """The pair that was clicked, large, each with a way to its own page."""
    ids, picked = near.images.ids, state.param("near-picked")
    part = next((part for part in rows if ids[int(part["image"].iat[0])] == picked), None)
    if part is None:
        return
    group = [int(part["image"].iat[0]), *map(int, part["neighbour"][:2])]
    for column, row in zip(st.columns(len(group), gap="medium"), group, strict=True):
        with column:
            (small,) = caches.small_pictures(near.images, [ids[row]], 480)
            own = near.labels[row] or (f"hidden: {near.truth[row]}" if near.truth[row] else "no label")
            pictures.picture(small, f"{ids[row]}, {own}", most=480)
            pictures.link_to_image(ids[row], "Look closer")


def take_home(here: Page, near: Near, table: pd.DataFrame, d: float, s: float) -> None:
    """The list of the images that join, and the command that trains with them."""
    if not len(table):
        return
    listed = taken(near, table)
    file = f"{near.images.name}-{near.column}-neighbours"
    with st.container(horizontal=True, gap="small"):
        pictures.table_download(listed, file, "Images that join (CSV)")
        st.download_button(
            "Images that join (GeoJSON)", lambda: points_geojson(listed), f"{file}.geojson", "application/geo+json",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    st.subheader("Train with them", anchor=False)
    st.code(command(near.column, d, s), language="bash", wrap_lines=True)
    text = "COLLECTION is the folder of the collection."
    if near.is_trial:
        text += " The command knows all labels: it hides none."
    if here.selection is not None:
        text += " It takes the whole collection, not only the selected region."
    pictures.quiet(
        f"{text} Only training images pass their label on. Where no column says which places are for training, the "
        "command shares them out by itself, so a few images more or less may join than are counted here."
    )


def command(column: str, d: float, s: float) -> str:
    """The command that trains a classifier with the images that join."""
    return f"python -m urbanlens train city COLLECTION --label {shlex.quote(column)} --neighbours {d:g} {s:g}"


def taken(near: Near, table: pd.DataFrame) -> pd.DataFrame:
    """The images that join, for other programs: a row each, by their ids, with their places."""
    ids, image = near.images.ids, table["image"].to_numpy(np.int64)
    columns: dict[str, Any] = {
        "image_id": [ids[row] for row in image], "label": table["label"],
        "neighbour": [ids[row] for row in table["neighbour"]], "distance_m": table["distance_m"].round(2),
        "similarity": table["similarity"].astype(float).round(4), "learnt_from": table["learnable"],
        "lat": near.images.table["lat"].to_numpy()[image], "lon": near.images.table["lon"].to_numpy()[image],
    }  # fmt: skip
    if near.is_trial:
        columns["hidden_label"] = near.truth[image]
    return pd.DataFrame(columns)


def about(near: Near) -> None:
    """The rule as a formula, how it is judged, and what it cannot do."""
    with st.expander("How is this computed?", icon=":material/function:"):
        st.markdown(
            "After *Explainability pipeline for urban images* (2017), section 2.1.2. An image $u$ without a label "
            "takes that of the labelled image $l$ that looks most like it, of those near and alike enough:"
        )
        st.latex(r"\hat y_u = y_{l^*}, \quad l^* = \arg\max_l \cos(f_u, f_l)")
        st.latex(r"\text{where } \operatorname{dist}(u, l) \le d, \ \cos(f_u, f_l) \ge s")
        st.markdown(
            "Here $f$ are the 320 numbers by which EfficientNet-Lite0, a network that learnt to name everyday things, "
            "knows an image, and the distance is measured on the sphere. Where two such neighbours have different "
            "labels, $u$ takes none.\n\n"
            "**Judged** by hiding each label in turn and asking the rule for it. The interval (Wilson) takes the "
            "images for independent; those of one place are not, so it is a little too narrow.\n\n"
            "**No peeking.** An image joins only within its own split, is learnt from only where its neighbour is a "
            "training image, and never within $d$ of an image that a network is chosen by or tested with. Joined "
            "images never count in a test.\n\n"
            "**What this cannot tell.** The rule is judged where labels are. Images without one may lie elsewhere, "
            "such as beyond the edge of the city, where the nearest label is wrong although it is near. And a label "
            "that changes from one moment to the next, such as the weather, does not pass from one image to another."
        )
        if near.splits is not None:
            pictures.quiet("The splits counted here are those of the table's column split.")
