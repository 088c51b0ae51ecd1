"""The view What changed of the page Transformations: objects, urban design, attributes and beauty, over many pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.errors import ArtifactError
from urbanlens.plots.changes import change_forest, spanned
from urbanlens.transformation.changes import Direction, counterpart_changes, planted_direction, template_changes
from urbanlens.transformation.measures import MEASURES
from urbanlens.transformation.numbers import ATTRIBUTE, BEAUTY, DESIGN, KINDS, OBJECT
from urbanlens.transformation.record import METHODS
from urbanlens.ui import overview, pictures, state, transformation_caches, transformation_known
from urbanlens.ui.transformation_changes_about import about_changes

if TYPE_CHECKING:
    from urbanlens.transformation.record import Finished, Transformation
    from urbanlens.ui.page import Page
    from urbanlens.ui.transformations import Study

COUNTERPART, TEMPLATE = "counterpart", "template"
SIDES = {COUNTERPART: "its nearest natural image", TEMPLATE: "its template image"}
BOTH = "both"
MOST = 14
"""Things in a figure; the file has them all."""

Tables = dict[Direction, pd.DataFrame]


@dataclass(frozen=True)
class Shown:
    """One kind of things in the chosen directions.

    Attributes
    ----------
    kind : a key of `KINDS`
    tables : its rows in each direction
    order : what is drawn, from top to bottom
    titles : what things are called
    """

    kind: str
    tables: Tables
    order: tuple[str, ...]
    titles: Mapping[str, str]

    @property
    def scale(self) -> float:
        """How many of the unit make 1."""
        return 1.0 if self.kind == BEAUTY else 100.0

    @property
    def unit(self) -> str:
        """What is counted."""
        return "marks" if self.kind == BEAUTY else "percentage points"

    def rows(self, way: Direction) -> pd.DataFrame:
        """What is drawn of a direction, in its order."""
        return self.tables[way].set_index("what").reindex(list(self.order)).rename_axis("what").reset_index()


def show(here: Page, study: Study) -> None:
    """The mean changes in each direction, beside what chance gives; their table, and the formulas."""
    pictures.quiet(
        "What became of the sources, counted and averaged over all finished transformations: which things came, which "
        "went, and by how much. One picture proves nothing; many may."
    )
    found = _choose_found(here, study)
    if not found:
        return
    side = state.switch("Compared with", list(SIDES), name="against", names=SIDES)
    tables = _tables(here, study, found, side)
    kinds = {kind: title for kind, title in KINDS.items() if any(_known(table, kind) for table in tables.values())}
    if not kinds:
        _tell_nothing(side, found)
        return
    kind = state.switch(
        "What counts", list(kinds), name="counted", names={key: kinds[key].capitalize() for key in kinds}
    )
    shown = shown_of(_choose_direction(tables), kind)
    _figures(here, shown, side)
    _words(here, shown, tables, side)
    if kind == OBJECT and overview.is_demo(here.collection):
        _planted(tables)
    about_changes(kind, side == TEMPLATE)


def _choose_found(here: Page, study: Study) -> list[Finished]:
    """The transformations that count: of images of a known other class, made in one way, within the selection."""
    inside = here.view
    every = [one for one in study.finished if one.source and one.source_class not in ("", one.target)]
    known = [one for one in every if one.source in inside]
    if not known:
        text = "none of them began in the selected region" if every else "make some in the view One transformation"
        st.info(f"There is no finished transformation of an image into another class: {text}.")
        return []
    ways = {way: title for one in known for way, title in [_way(one)]}
    sizes = {way: sum(_way(one)[0] == way for one in known) for way in ways}
    chosen = max(ways, key=lambda way: sizes[way])
    if len(ways) > 1:
        names = {way: f"{title} ({sizes[way]:,})" for way, title in ways.items()}
        asking, _ = st.columns(2, gap="medium")
        with asking:
            chosen = state.choose("How they were made", list(ways), name="made", default=chosen, names=names)
    return [one for one in known if _way(one)[0] == chosen]


def _way(one: Finished) -> tuple[str, str]:
    """How a transformation was made, for the address and in words."""
    settings = one.settings
    if settings.method != "prior":
        return settings.method, METHODS[settings.method]
    return f"{settings.method}-{settings.reach}", f"{METHODS[settings.method]}, {settings.reach} from the source"


def _tables(here: Page, study: Study, found: list[Finished], side: str) -> Tables:
    """The mean changes in each direction, computed once for the same transformations."""
    whole, read = [], []
    for one in found:
        try:
            read.append(transformation_caches.transformation(one.folder))
            whole.append(one)
        except ArtifactError as error:
            pictures.note(str(error))
    keys = tuple(one.key for one in whole)
    if side == TEMPLATE:
        return _template_tables(keys, read)
    nearest = transformation_known.counterparts(study, read)
    known = transformation_known.known_of(here) if nearest is not None else None
    if nearest is None or known is None:
        return {}
    key = (keys, tuple(nearest), known.key, study.card.label)
    return _counterpart_tables(key, read, nearest, known, study.card.label)


@st.cache_data(max_entries=16, show_spinner="Averaging the changes")
def _template_tables(keys: tuple[str, ...], _found: Sequence[Transformation]) -> Tables:  # noqa: ARG001
    return template_changes(_found)


@st.cache_data(max_entries=16, show_spinner="Averaging the changes")
def _counterpart_tables(
    key: tuple[object, ...],  # noqa: ARG001
    _found: Sequence[Transformation],
    _nearest: Sequence[str | None],
    _known: transformation_known.Known,
    _label: str,
) -> Tables:
    return counterpart_changes(_found, _nearest, _known.collection, _known.read(), _label)


def _known(table: pd.DataFrame, kind: str) -> bool:
    return bool(table.loc[table["kind"] == kind, "images"].gt(0).any())


def _tell_nothing(side: str, found: Sequence[Finished]) -> None:
    """Why there is no figure."""
    if side == TEMPLATE:
        st.info(
            f"No segmenter looked at these {len(found):,} template images, so nothing is known of their objects: see "
            "their nearest natural images instead."
        )
        return
    pictures.quiet("Until then, see what changed in the template images.")


def _choose_direction(tables: Tables) -> Tables:
    """All directions side by side where there are two, else one of them."""
    names = {f"{start}→{target}": f"{start} → {target}" for start, target in tables}
    ways = dict(zip(names, tables, strict=True))
    if len(ways) == 1:
        return tables
    offered = ([BOTH] if len(ways) == 2 else []) + list(ways)
    asking, _ = st.columns(2, gap="medium")
    with asking:
        chosen = state.choose("Direction", offered, name="direction", names=names | {BOTH: "both ways, side by side"})
    return tables if chosen == BOTH else {ways[chosen]: tables[ways[chosen]]}


def shown_of(tables: Tables, kind: str) -> Shown:
    """The things of a kind that changed most, ordered by their change in the first direction."""
    parts = {way: table[table["kind"] == kind] for way, table in tables.items()}
    joined = pd.concat(parts.values())
    there = joined[(joined["before"] > 0) | (joined["after"] > 0) | joined["change"].ne(0)].dropna(subset=["change"])
    most = there.groupby("what")["change"].agg(lambda values: values.abs().max())
    chosen = set(most.sort_values(ascending=False, kind="stable").index[:MOST] if kind != DESIGN else most.index)
    first = next(iter(parts.values())).set_index("what")["change"]
    order = tuple(str(name) for name in first.sort_values(ascending=False, kind="stable").index if name in chosen)
    titles = {name: MEASURES[name].title for name in MEASURES} if kind == DESIGN else {}
    if kind == ATTRIBUTE:
        titles = {name: str(name).replace("_", " ") for name in first.index}
    return Shown(kind, parts, order, titles)


def _figures(here: Page, shown: Shown, side: str) -> None:
    """A figure for each direction, on one axis."""
    parts = {way: shown.rows(way) for way in shown.tables}
    span = spanned(parts.values(), shown.scale)
    columns = st.columns(len(parts), gap="large")
    for column, ((start, target), table) in zip(columns, parts.items(), strict=True):
        with column:
            pairs = int(table["images"].max()) if len(table) else 0
            st.subheader(
                pictures.plain(f"{start} → {target}: {pairs:,} {'pair' if pairs == 1 else 'pairs'}"), anchor=False
            )
            figure = change_forest(table, unit=shown.unit, scale=shown.scale, titles=shown.titles, span=span)
            file = f"{here.collection.name}-changes-{side}-{shown.kind}-{start}-{target}".replace(" ", "-")
            pictures.figure_with_downloads(figure, file, shown.tables[start, target], key=f"changes-{start}-{target}")
            pictures.quiet(sentence(shown, (start, target)))
    pictures.quiet(
        "Each point is a mean change with its 95 % interval, filled where the interval leaves out 0. Beside it stands "
        "what chance gives. Diamond: a source and any image of its own class. Square: a source and any image of the "
        "target class. Where the point lies on the square, the transformation tells what the classes differ by, and "
        "no more."
    )


def sentence(shown: Shown, way: Direction) -> str:
    """What clearly rose and fell, in words, and how much of that chance would give."""
    table = shown.tables[way].dropna(subset=["low"])
    if table.empty:
        return "These are too few pairs to tell a change from chance."
    parts = []
    for verb, rows in (("rise", table[table["low"] > 0]), ("fall", table[table["high"] < 0])):
        order = rows.loc[rows["change"].abs().sort_values(ascending=False, kind="stable").index]
        names = [shown.titles.get(str(name), str(name)).lower() for name in order["what"]]
        if names:
            rest = f" and {len(names) - 4} more" if len(names) > 4 else ""
            parts.append(f"clearly {verb}: {', '.join(names[:4])}{rest}")
    told = "; ".join(parts) or "nothing rises or falls clearly"
    return f"{told[:1].upper()}{told[1:]}. Of {len(table)} things, about {0.05 * len(table):.1f} would by chance alone."


def _words(here: Page, shown: Shown, every: Tables, side: str) -> None:
    """The changes as a table, and all numbers as a file."""
    columns: dict[str, list[str]] = {"": [shown.titles.get(name, name) for name in shown.order]}
    for start, target in shown.tables:
        rows = shown.rows((start, target)).itertuples()
        told = [(_amount(row, shown.scale), _share(row.rose), _share(row.fell)) for row in rows]
        columns[f"{start} → {target}, {shown.unit} (95 %)"] = [amount for amount, _, _ in told]
        columns[f"rose / fell ({target})"] = [f"{rose} / {fell}" for _, rose, fell in told]
    with st.expander("As a table", icon=":material/table:"):
        pictures.text_table(pd.DataFrame(columns))
    whole = pd.concat(
        [table.assign(source_class=start, target_class=target) for (start, target), table in every.items()]
    )
    pictures.table_download(whole, f"{here.collection.name}-changes-{side}", "All numbers (CSV)")


def _amount(row: object, scale: float) -> str:
    change, low, high = (scale * float(getattr(row, name)) for name in ("change", "low", "high"))
    if not np.isfinite(change):
        return "–"
    within = f"({low:+.2f} to {high:+.2f})" if np.isfinite(low) else "(too few pairs)"
    return f"{change:+.2f} {within}".replace("-", "−")


def _share(value: float) -> str:
    return f"{value:.0%}" if np.isfinite(value) else "–"


def _planted(tables: Tables) -> None:
    """Whether what was planted in a city rises towards it: the demo knows."""
    from urbanlens.demo.judging import PLANTED

    judged = planted_direction(tables, PLANTED)
    if judged.empty:
        return
    st.subheader("Does what was planted rise?", anchor=False)
    rows = [
        (f"{row.source} → {row.target}", row.object, _amount(row, 100.0), verdict(row.rises, row.clear, row.beyond))
        for row in judged.itertuples()
    ]
    pictures.text_table(pd.DataFrame(rows, columns=["Direction", "Planted", "Percentage points (95 %)", ""]))
    pictures.quiet("These cities are drawn, so it is known what tells them apart; signboards stand for their kanji.")


def verdict(rises: bool, clear: bool, beyond: bool) -> str:
    """What a planted object did, in words."""
    if clear:
        return "found: rises" if beyond else "rises, but no more than two images of one city differ"
    return "rises, but not clearly" if rises else "missed: does not rise"
