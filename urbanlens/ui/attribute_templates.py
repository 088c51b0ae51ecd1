"""The view Templates of the page Attributes: how each attribute counts, and where in the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.collection.library import store_for
from urbanlens.plots.cells import signed_cells
from urbanlens.plots.scores import signed
from urbanlens.plots.templates import profile, template_sheet
from urbanlens.ui import attributes, overview, pictures, state
from urbanlens.ui.cards import Card, CardPicture, cards

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.siam.readings import Readings, TemplateSet
    from urbanlens.ui.attributes import Study
    from urbanlens.ui.page import Page

SHOWN = 8
Array = NDArray[np.float32]


def show(here: Page, study: Study) -> None:
    """All templates, the strongest first; one of them closer."""
    found = attributes.templates(here.collection, study.siam)
    if found is None:
        return
    known = attributes.kept(here.collection, study.siam)
    known = known.of(here.view.positions) if known is not None and len(here.view) else known
    known = known if known is not None and known.readable.any() else None
    planted = planted_of(here, study, found)
    pull = pull_of(found, known)
    order = [int(i) for i in np.argsort(-pull, kind="stable")]
    name = state.param("attribute")
    chosen = found.names.index(name) if name in found.names else order[0]
    _explain(here, study, known, planted=planted is not None)
    _grid(study, found, planted, pull, order, chosen, "moves" if known is not None else "weighs")
    if planted is not None:
        _judge(here, study, found)
    _downloads(here, study, found, pull, planted)
    st.header(pictures.plain(attributes.begun(attributes.plain(found.names[chosen]))), anchor=False)
    _closer(study, found, planted, chosen)
    _telling(here, study, chosen, found.names[chosen])


def pull_of(found: TemplateSet, known: Readings | None) -> Array:
    """(A,) how far an attribute moves the score from image to image; without readings, by its typical map."""
    if known is not None:
        return np.asarray(np.nanstd(known.contributions, axis=0), np.float32)
    return np.asarray(np.abs(found.typical).sum((1, 2)), np.float32)


def planted_of(here: Page, study: Study, found: TemplateSet) -> Array | None:
    """(A, c, c) the demo's own templates, where this network explains the demo's own score."""
    from urbanlens.demo.scoring import SCORE
    from urbanlens.demo.templates import planted_templates

    card = study.siam.card
    if not overview.is_demo(here.collection.whole) or not study.siam.from_demo or card is None or card.label != SCORE:
        return None

    return planted_templates(found.names, map_size(study), found.templates.shape[-1])


def map_size(study: Study) -> int:
    """Cells along a map of the whole picture."""
    return int(study.siam.card.options.get("map_size", 15)) if study.siam.card else 15


def _explain(here: Page, study: Study, known: Readings | None, *, planted: bool) -> None:
    by = (
        "by how far they move the score from one image to the next (one standard deviation)" if known is not None
        else "by how much a typical map of theirs adds or takes away"
    )  # fmt: skip
    beside = " Beside each: the template that the demo's scores were made with." if planted else ""
    where = f" in {here.selection.name or 'the selected region'}" if here.selection is not None and known else ""
    pictures.quiet(
        f"Each square is the picture's area: where it is strongly coloured, seeing the attribute there adds to the "
        f"{study.score} or takes away from it. The strongest come first, {by}{where}.{beside} Click one to look closer."
    )


def _grid(
    study: Study, found: TemplateSet, planted: Array | None, pull: Array, order: list[int], chosen: int, verb: str
) -> None:  # fmt: skip
    typical = found.typical
    peak, true_peak = _peak(typical), _peak(planted) if planted is not None else 1.0
    shown = []
    for i in order:
        name = attributes.plain(found.names[i])
        drawn = [_square(typical[i], study, peak, f"Template of {name}", "learnt" if planted is not None else "")]
        if planted is not None:
            drawn.append(_square(planted[i], study, true_peak, f"Planted template of {name}", "planted"))
        shown.append(Card(found.names[i], drawn, name, [f"{verb} {pull[i]:.2f}"]))
    cards(
        shown, key="templates", label="Templates of all attributes", size=150, chosen=found.names[chosen],
        on_choose=lambda value: state.set_param("attribute", value),
    )  # fmt: skip


def _peak(values: Array) -> float:
    """What is drawn in full colour: near the largest, so that one cell does not make all others pale."""
    return float(np.percentile(np.abs(values).max((1, 2)), 90)) if len(values) else 1.0


def _square(values: Array, study: Study, peak: float, alt: str, under: str) -> CardPicture:
    from urbanlens.ui.caches import png_address

    return CardPicture(png_address(signed_cells(values, study.colours, peak)), alt, under, coarse=True)


def _judge(here: Page, study: Study, found: TemplateSet) -> None:
    from urbanlens.demo.templates import sign_agreement

    told = sign_agreement(found.names, found.typical, map_size(study))
    if not told.cells:
        return
    worst = told.table[told.table["share"] < 1].sort_values("share").head(4)
    names = ", ".join(f"{attributes.plain(row.attribute)} {row.share:.0%}" for row in worst.itertuples())
    changing = ", ".join(attributes.plain(name) for name in told.changing) or "none"
    alike = f"{told.correlation:.2f}{attributes.within(told.correlation_interval)}".replace("-", "−")
    others = f"{told.correlation_by_chance[0]:.2f}".replace("-", "−")
    pictures.note(
        f"Against the planted truth: {told.share:.0%} of the {told.cells:,} cells that count have the right sign "
        f"(templates of other attributes: {told.by_chance:.0%}). Constant templates of the right sign would reach "
        f"{told.constant:.0%}: of the attributes, only {changing} changes its sign from place to place. Where in the "
        f"picture an attribute counts is found with a correlation of {alike} (constant templates: 0; templates of "
        f"other attributes: {others}). Signs found least well: {names or 'none'}."
        + _idle(here, study, found)
        + _on_things(here, study)
    )


def _idle(here: Page, study: Study, found: TemplateSet) -> str:
    """Which attributes without weight move the score all the same, by more than the noise in the scores."""
    known, told = attributes.kept(here.collection, study.siam), overview.truth(here.collection.whole)
    if known is None or "scenicness" not in told:
        return ""
    pull, noise = pull_of(found, known), float(told["scenicness"]["noise_sd"])
    idle = [i for i, name in enumerate(found.names) if name not in told["scenicness"]["weights"]]
    far = [i for i in idle if pull[i] > noise]
    if not far:
        return f" No attribute without weight moves the score by more than the noise in it ({noise:g})."
    names = ", ".join(f"{attributes.plain(found.names[i])} by {pull[i]:.2f}" for i in far)
    return f" By more than the noise in the scores ({noise:g}), though they should not at all, move it: {names}."


def _on_things(here: Page, study: Study) -> str:
    """Whether the maps lie on the things, where that has been computed."""
    from urbanlens.demo.map_truth import kept_map_truth

    whole, card = here.collection.whole, study.siam.card
    kept = kept_map_truth(whole, card, store=store_for(whole)) if card is not None else None
    if kept is None:
        return ""
    (mine, mine_95), (prior, prior_95) = kept.mean("siam"), kept.mean("prior")
    return (
        f" The maps themselves lie on the things with a correlation of {mine:.2f}{attributes.within(mine_95)}, the "
        f"mean over {int(kept.judged.sum())} attributes of the test images; each attribute's usual place, the same in "
        f"every picture, gets {prior:.2f}{attributes.within(prior_95)}."
    ).replace("-", "−")


def _closer(study: Study, found: TemplateSet, planted: Array | None, chosen: int) -> None:
    """What one attribute does by height and by side."""
    typical = found.typical[chosen]
    true = planted[chosen] if planted is not None else None
    left, right = st.columns(2, gap="large")
    for column, axis, title in ((left, 1, "From top to bottom"), (right, 0, "From left to right")):
        with column:
            st.subheader(title, anchor=False)
            figure = profile(
                typical.sum(axis), None if true is None else true.mean(axis), colours=study.colours,
                score_name=study.score, upright=axis == 1,
            )  # fmt: skip
            table = pd.DataFrame({"cell": np.arange(1, len(typical) + 1), "adds": typical.sum(axis)})
            if true is not None:
                table["planted weight"] = true.mean(axis)
            file = f"{found.names[chosen]}-{'height' if axis == 1 else 'side'}"
            pictures.figure_with_downloads(figure, file, table, key=f"profile-{axis}")


def _telling(here: Page, study: Study, chosen: int, name: str) -> None:
    """The images in which an attribute adds and takes away most."""
    known = attributes.kept(here.collection, study.siam)
    if known is None:
        pictures.quiet("The images where it matters most appear once the networks have read this collection.")
        if attributes.readings(here.collection, study) is None:
            return
        st.rerun()
    assert known is not None
    rows = here.view.positions[known.readable[here.view.positions]]
    values = known.contributions[rows, chosen]
    ids = here.collection.whole.ids
    for title, sign in (("Adds most in", 1), ("Takes away most in", -1)):
        order = [i for i in np.argsort(-sign * values, kind="stable")[:SHOWN] if sign * values[i] > 0]
        if order:
            st.subheader(title, anchor=False)
            captions = [[signed(float(values[i]), 2)] for i in order]
            shown = [ids[int(rows[i])] for i in order]
            image_cards(here, shown, captions, key=f"telling-{sign}", label=f"{title}: {attributes.plain(name)}")


def image_cards(here: Page, ids: list[str], captions: list[list[str]], *, key: str, label: str) -> None:
    """Images of the collection to click, each with lines, the first of them large: the view Images opens with one."""
    from urbanlens.ui.single_image import take

    sources = pictures.thumbnails(here.collection.whole, ids, 150)

    def choose(value: str) -> None:
        take(value)
        state.pick("view", "images")

    shown = [
        Card(name, [CardPicture(source, "")], first, [*more, name])
        for name, source, (first, *more) in zip(ids, sources, captions, strict=True)
    ]  # fmt: skip
    cards(shown, key=key, label=label, size=130, on_choose=choose)


def _downloads(
    here: Page, study: Study, found: TemplateSet, pull: Array, planted: Array | None
) -> None:  # fmt: skip
    """All templates as one table: a row a cell."""
    count, side = len(found.names), found.templates.shape[-1]
    row, column = np.divmod(np.arange(side * side), side)
    table = pd.DataFrame({
        "attribute": np.repeat(found.names, side * side), "pull": np.repeat(pull, side * side),
        "row": np.tile(row, count), "column": np.tile(column, count), "template": found.templates.ravel(),
        "typical": found.typical.ravel(),
    })  # fmt: skip
    if planted is not None:
        table["planted"] = planted.ravel()
    order = np.argsort(-pull, kind="stable")
    file = f"{here.collection.whole.name}-templates"

    def paper() -> Image:
        true = None if planted is None else planted[order]
        titles = [attributes.plain(found.names[i]) for i in order]
        typical = found.typical[order]
        return template_sheet(
            titles, typical, study.colours, _peak(typical), planted=true,
            planted_peak=1.0 if true is None else _peak(true),
        )  # fmt: skip

    with st.popover("Take it home", icon=":material/download:", type="tertiary"):
        pictures.table_download(table, file, "Templates (CSV)")
        pictures.image_download(paper, file, "All templates (PNG)")
