"""Groups of a region's images: how to group, a card for each group, their scatter, what to take home."""

from __future__ import annotations

import json
import threading
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.embedding import (
    Grouping,
    Groups,
    cluster,
    group,
    group_geojson,
    group_table,
    kept_projection,
    mix,
    project,
    typical,
)
from urbanlens.ui import caches, pictures, state, work
from urbanlens.ui.map_panel import group_colours

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.progress import Progress

Features = NDArray[np.float32]

HOW = {"look": "How they look", "place": "Where they are", "both": "Both"}
PLACES = {"boundary": "District boundaries", "dbscan": "Density within a distance", "hdbscan": "Density, adaptive"}
LOOKS = {"kmeans": "k-means (every image)", "hdbscan": "HDBSCAN (dense groups)"}
AUTOMATIC = "Best fit"
MOST_CARDS = 24
PICTURES = 6
REMEMBERED = 8


def settings(collection: ImageCollection) -> Grouping:
    """The controls that say how to group."""
    columns = iter(st.columns([1.1, 1.4, 1.4, 1], vertical_alignment="bottom"))
    with next(columns):
        how = state.choose("Group images by", list(HOW), name="how", names=HOW)
    place, look, clusters, radius = "boundary", "kmeans", None, 100.0
    if how != "look":
        places = {k: v for k, v in PLACES.items() if k != "boundary" or collection.regions}
        with next(columns):
            place = state.choose("Places by", list(places), name="place", names=places)
        if place == "dbscan":
            with next(columns):
                radius = state.slide("Distance (m)", 10, 1000, name="radius", default=100, step=10)
    if how != "place":
        with next(columns):
            look = state.choose("Looks by", list(LOOKS), name="look", names=LOOKS)
        if look == "kmeans" and how == "look":
            with next(columns):
                count = state.choose("Number of groups", [AUTOMATIC, *map(str, range(2, 13))], name="groups")
            clusters = None if count == AUTOMATIC else int(count)
    return Grouping(how, place, look, clusters, radius)  # type: ignore[arg-type]


def grouped(view: ImageCollection, grouping: Grouping, features: Features | None) -> Groups | None:
    """The groups of the view; remembered for this visitor, so that a click on a card costs nothing."""
    if not len(view) or (grouping.needs_features and features is None):
        return None
    if st.session_state.get("map-grouping", grouping) != grouping:
        state.set_param("group", None)  # a number of the former groups means nothing now
    st.session_state["map-grouping"] = grouping
    memory: dict[Any, Groups] = st.session_state.setdefault("urbanlens.groups", {})
    key = (str(view.root), view.fingerprint, grouping)
    if key not in memory:
        memory[key] = group(view, grouping, features, view.regions)
        while len(memory) > REMEMBERED:
            memory.pop(next(iter(memory)))
    return memory[key]


@cache
def warm_up() -> None:
    """Load beside the page, by a tiny run, what the first grouping needs: a visitor draws a region meanwhile."""

    def load() -> None:
        from urbanlens.plots.scatter import scatter as figure_of

        rows = np.eye(12, dtype=np.float32)
        labels = cluster(rows)
        figure_of(project(rows), labels, {0: "a"}, {0: "#000000"}).to_json()

    threading.Thread(target=load, name="warm up", daemon=True).start()


def chosen_group(groups: Groups | None) -> int | None:
    """The group that stands out on the map, or None."""
    text = state.param("group")
    number = int(text) if text.isdigit() else -1
    return number if groups is not None and number in groups.names else None


def choose_group(number: int | None) -> None:
    """Let a group stand out on map and scatter; None shows all alike."""
    state.set_param("group", None if number is None else str(number))
    state.pick("colour", None)


def group_all() -> None:
    """Group all images where no region is chosen, and let the points show it."""
    state.set_param("all", "1")
    state.pick("colour", None)


def cards(view: ImageCollection, groups: Groups, features: Features | None) -> None:
    """A card for each group, the largest first: typical pictures, size, and what it is made of."""
    sizes, colours = groups.sizes(), group_colours(groups)
    shown = list(sizes)[:MOST_CARDS]
    closest = typical(_standing(view, features), groups.labels, PICTURES)
    every, outside = view.ids, int((groups.labels < 0).sum())
    chosen = chosen_group(groups)
    for position, label in enumerate(shown):
        if position % 2 == 0:  # by rows, so that a phone and a keyboard meet them in order
            columns = st.columns(2, gap="medium")
        with columns[position % 2], st.container(border=True, key=f"group-card-{position}"):
            st.html(_head(groups.names[label], colours[label], sizes[label], len(view)))
            ids = [every[row] for row in closest.get(label, [])]
            pictures.grid(view, ids, size=110)
            st.html(_mixes(view, groups.labels == label))
            away = chosen == label
            st.button(
                "Show all groups" if away else "Show on the map",
                key=f"group-{position}", on_click=choose_group, args=(None if away else label,),
                icon=":material/visibility:", type="tertiary",
            )  # fmt: skip
            if away:
                st.markdown("Only this group is coloured now. [Up to the map](#map)")
    notes = []
    if len(sizes) == 1 and not outside:
        notes.append("All of them form one group: try another way of grouping, a smaller distance or more groups.")
    if len(sizes) > MOST_CARDS:
        notes.append(f"The {MOST_CARDS} largest of {len(sizes)} groups are shown; the table below has all of them.")
    if outside:
        notes.append(f"{outside:,} of {len(view):,} images belong to no group.")
    if notes:
        pictures.quiet(" ".join(notes))


def plane(view: ImageCollection, features: Features) -> tuple[Features, str]:
    """The images in a plane and the name of the layout: UMAP where it is kept, else principal components."""
    from urbanlens.collection.library import store_for

    whole = view.whole
    every = caches.kept_features(whole)
    if every is not None:
        kept = kept_projection(store_for(whole), whole.fingerprint, every, "umap", compute=False)
        if kept is not None:
            return kept[view.positions], "UMAP"
    return project(features, "pca"), "principal components"


def scatter(view: ImageCollection, groups: Groups, features: Features) -> None:
    """The groups in a plane; a click or a box on it lets the group stand out on the map."""
    from urbanlens.plots.scatter import scatter as figure_of

    points, layout = plane(view, features)
    key = f"group-scatter-{view.fingerprint[:8]}"  # another region's box must not stay on the figure
    figure = figure_of(
        points, groups.labels, groups.names, group_colours(groups), ids=view.ids, chosen=chosen_group(groups),
        height=430,
    )  # fmt: skip

    def picked() -> None:
        selected = st.session_state[key].selection.points
        labels = [int(point["customdata"][1]) for point in selected]
        labels = [label for label in labels if label in groups.names]
        choose_group(max(set(labels), key=labels.count) if labels else None)

    pictures.figure_with_downloads(
        figure, f"{view.name}-plane", key=key, on_select=picked, selection_mode=("points", "box", "lasso")
    )
    pictures.quiet(f"Images that look alike lie close together ({layout}). Click or draw a box to pick a group.")
    if layout != "UMAP":
        _offer_umap(view.whole)


def downloads(view: ImageCollection, groups: Groups) -> None:
    """The groups as CSV and as GeoJSON, made when asked for."""
    with st.container(horizontal=True, gap="small"):
        pictures.table_download(group_table(view, groups), f"{view.name}-groups", "Images and groups (CSV)")
        st.download_button(
            "Images and groups (GeoJSON)",
            lambda: json.dumps(group_geojson(view, groups), ensure_ascii=False).encode(),
            f"{view.name}-groups.geojson", "application/geo+json", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def _offer_umap(whole: ImageCollection) -> None:
    """A button that lays the whole collection out by UMAP in the background."""
    key = f"umap-{whole.fingerprint}"

    def begin() -> None:
        from urbanlens.collection.library import store_for

        store, features = store_for(whole), caches.kept_features(whole)

        def make(progress: Progress) -> None:
            progress(0, 0, "umap")
            if features is not None:
                kept_projection(store, whole.fingerprint, features, "umap")

        work.start(key, "Laying out the images", make)

    if work.running(key):
        job = work.follow(key)
        if job is not None:
            if job.error:
                st.warning(pictures.plain(job.error))
            else:
                st.rerun()
    else:
        st.button(
            "Draw a finer layout (UMAP, about a minute)", key="make-umap", type="tertiary", on_click=begin
        )  # fmt: skip


def _standing(view: ImageCollection, features: Features | None) -> Features:
    """What typical pictures are chosen by: looks, or mere places where looks are not known yet."""
    if features is not None:
        return features
    return np.ones((len(view), 1), np.float32)


def _head(name: str, colour: str, size: int, total: int) -> str:
    return (
        f'<div style="display:flex;align-items:center;gap:.6rem"><i style="width:.95rem;height:.95rem;flex:none;'
        f'border-radius:50%;background:{colour}"></i><b style="font-size:1.05rem">{escape(name)}</b>'
        f'<span style="opacity:.7;margin-left:auto">{size:,} image{"s" * (size != 1)} · '
        f"{pictures.percent(size / max(total, 1))}</span></div>"
    )


def _mixes(view: ImageCollection, inside: NDArray[np.bool_]) -> str:
    """The districts and cities (or the first two labels) of a group, one line each."""
    labels = [name for name in ("district", "city") if name in view.table] or view.columns.labels[:2]
    lines = []
    for column in labels:
        parts = ", ".join(f"{escape(name)} {share:.0%}" for name, share in mix(view.table.loc[inside, column]))
        lines.append(f'<div style="font-size:.87rem"><span style="opacity:.7">{escape(column)}:</span> {parts}</div>')
    return "".join(lines)
