"""The view Can it be believed?: what templates were tested for, what came out, and what the finished ones here say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.errors import ArtifactError
from urbanlens.explain.trust import wilson_interval
from urbanlens.transformation.record import METHODS, Transformation
from urbanlens.ui import explaining, pictures, transformation_caches, transformation_finished, transformation_verdict

if TYPE_CHECKING:
    from urbanlens.models import ModelCard
    from urbanlens.ui.page import Page
    from urbanlens.ui.transformations import Study

TOLD = "told"
"""The bound of what is only told, as `demo verify` writes it."""
FEW = 10
"""Transformations below which shares say little."""


def show(here: Page, study: Study) -> None:  # noqa: ARG001 - as every view
    """The tests with their bounds, passed or not; then the finished ones of this collection."""
    pictures.quiet(
        "A picture that convinces the network it was made with proves nothing: such networks are easily fooled. What "
        "counts is whether networks that took no part see the same, whether the real images that it leads to are of "
        "the class, and whether those objects come and go that truly tell the classes apart."
    )
    _gates(study)
    _drawn(study.card)
    _finished(study)


def gate_table(cards: Mapping[str, ModelCard]) -> pd.DataFrame:
    """All tests of some generators, by their names; none where no card has any.

    Returns
    -------
    DataFrame
        test, way (the generator, and the way of maximising where it was tested by several), value, low and high (its
        95 % interval, where there is one), bound, passed, beside (baselines in words).
    """
    rows = []
    for name, card in cards.items():
        told = card.metrics.get("gates")
        gates = {gate: one for gate, one in told.items() if _is_gate(one)} if isinstance(told, dict) else {}
        for gate, one in gates.items():
            way, _, rest = gate.partition(": ")
            test, who = (rest, f"{name}, {way}") if rest in gates else (gate, name)
            low, high = one.get("interval") or (None, None)
            words = str(one.get("told") or test)
            rows.append((words, who, one["value"], low, high, one.get("bound"), bool(one["pass"]), _beside(one)))
    columns = ["test", "way", "value", "low", "high", "bound", "passed", "beside"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _is_gate(one: object) -> bool:
    return isinstance(one, dict) and {"value", "pass"} <= set(one)


def _beside(gate: Mapping[str, Any]) -> str:
    """What stands beside a value: baselines, and what became of each object."""
    told = []
    for name, value in gate.items():
        if name in ("value", "bound", "pass", "told", "interval"):
            continue
        if isinstance(value, (list, tuple)) and len(value) == 3:
            change, low, high = value
            told.append(f"{name} {change:+.3f} ({low:.3f} to {high:.3f})")
        else:
            told.append(f"{name} {_number(value)}")
    return ", ".join(told)


def _gates(study: Study) -> None:
    """What was demanded, what came out, pass or not, for all generators that were tested."""
    st.subheader("The tests", anchor=False)
    names = explaining.titles(study.others)
    table = gate_table({names[name]: one.card for name, one in study.others.items() if one.card is not None})
    if table.empty:
        st.info(
            "This generator has not been put to these tests: they need a world whose truth is known, such as the "
            "demo's. What its finished transformations say stands below."
        )
        return
    if "gates" not in study.card.metrics:
        pictures.note(
            f"{names[study.network.name]} has not been put to these tests: they need a world whose truth is known. "
            "What they said of other generators says nothing about it; what is known of it stands below."
        )
    told = [
        f"{way} passes {sum(part['passed'])} of {len(part)}"
        for way, part in table[table["bound"] != TOLD].groupby("way", sort=False)
    ]
    pictures.quiet(
        "Computed from the shipped images and weights by python -m urbanlens demo verify, on test images that no "
        f"network has learnt from. {'; '.join(told)}. In brackets: 95 % intervals; then, where there are any, what is "
        "reached without turning anything, what real images reach, and by which share of the picture an object grew."
    )
    pictures.text_table(gate_words(table), most=100)
    pictures.table_download(table, f"{study.collection.name}-template-tests", "These tests (CSV)")


def gate_words(table: pd.DataFrame) -> pd.DataFrame:
    """A row a test, and for each way what came out."""
    rows = []
    for test, part in table.groupby("test", sort=False):
        cells = {"Test": str(test), "Demanded": _bound(part["bound"].iloc[0])}
        for way in dict.fromkeys(table["way"]):
            own = part[part["way"] == way]
            cells[way] = _outcome(own.iloc[0]) if len(own) else ""
        rows.append(cells)
    return pd.DataFrame(rows)


def _bound(bound: Any) -> str:
    """A bound as `demo verify` writes it, in words."""
    if bound is None or bound == TOLD:
        return "nothing, only told"
    text = f"at least {bound:g}" if isinstance(bound, (int, float)) else str(bound)
    return text.replace(">=", "at least").replace("<=", "at most")


def _outcome(row: pd.Series[Any]) -> str:
    text = "not computed" if row["value"] is None else _number(row["value"])
    if row["low"] is not None and row["high"] is not None:
        text += f" ({_number(row['low'])} to {_number(row['high'])})"
    if row["bound"] != TOLD:
        text += ": passed" if row["passed"] else ": not passed"
    return f"{text}; {row['beside']}" if row["beside"] else text


def _number(value: Any) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _drawn(card: ModelCard) -> None:
    """How often each network is right on test images, and on what the generator makes of them unchanged."""
    scores = {name: one for name, one in card.metrics.items() if isinstance(one, dict) and {"real", "drawn"} <= {*one}}
    if not scores:
        return
    st.subheader("Does drawing alone keep the class?", anchor=False)
    pictures.quiet(
        "How often a network names the right class of a test image, and of the same image drawn again by the "
        f"generator with nothing changed; 95 % intervals in brackets. {_base_rate(scores)}What is lost here cannot be "
        "gained later."
    )
    drivers = set(card.data.get("drivers", ()))
    rows = [
        {"Network": name, "": "pulls" if name in drivers else "takes no part", "Real images": _accuracy(one["real"]),
         "Drawn again": _accuracy(one["drawn"])}
        for name, one in scores.items()
    ]  # fmt: skip
    pictures.text_table(pd.DataFrame(rows))
    transformation_verdict.warn_of_guessing(card)


def _base_rate(scores: Mapping[str, Any]) -> str:
    rates = [one["real"]["base_rate"] for one in scores.values() if "base_rate" in one["real"]]
    return f"Always naming the most frequent class is right in {rates[0]:.1%}. " if rates else ""


def _accuracy(told: Mapping[str, Any]) -> str:
    if told.get("accuracy") is None:
        return "no test image"
    low, high = told.get("interval") or (0, 1)
    return f"{told['accuracy']:.1%} ({low:.1%} to {high:.1%})"


def _finished(study: Study) -> None:
    """How often each network sees the target, at the beginning and at the end, over all finished ones."""
    st.subheader("All finished ones of this collection", anchor=False)
    found = []
    for one in transformation_finished.of_images(study):
        try:
            found.append(transformation_caches.transformation(one.folder))
        except ArtifactError:
            continue
    if not found:
        pictures.quiet("Nothing is finished yet.")
        return
    table = agreement_table(found)
    shown = pd.DataFrame({
        "Towards": table["target"], "How": [METHODS[method] for method in table["method"]], "Network": table["network"],
        "": np.where(table["drives"], "pulled", "took no part"), "Transformations": table["count"],
        "On the image": table["source"].map(_share), "Mere reconstruction": table["begun"].map(_share),
        "Template image": [
            f"{_share(row.ended)} ({row.low:.0%} to {row.high:.0%})" for row in table.itertuples()
        ],
    })  # fmt: skip
    if table["method"].nunique() == 1:
        shown = shown.drop(columns="How")
    few = " Fewer than ten of a kind say little." if table["count"].min() < FEW else ""
    pictures.quiet(
        "In how many of them a network is more sure of the target than not (p of at least 0.5); the mere "
        f"reconstruction is the baseline. 95 % intervals (Wilson) in brackets.{few}"
    )
    pictures.text_table(shown)
    pictures.table_download(table, f"{study.collection.name}-template-agreement", "This table (CSV)")


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}"


def agreement_table(found: list[Transformation]) -> pd.DataFrame:
    """Shares of transformations in which a network gives the target p >= 0.5.

    Returns
    -------
    DataFrame
        target, method, network, drives, count, source, begun and ended (shares on the image itself, on the first frame
        and on the template image), low and high (95 % interval of `ended`).
    """
    rows = []
    for one in found:
        for number, (name, drives) in enumerate(zip(one.networks, one.drives, strict=True)):
            answers = (one.source_certainty[number], one.certainty[0, number], one.certainty[-1, number])
            seen = [float(value >= 0.5) if np.isfinite(value) else np.nan for value in answers]
            rows.append((one.target, one.settings.method, name, drives, *seen))
    table = pd.DataFrame(rows, columns=["target", "method", "network", "drives", "source", "begun", "ended"])
    keys = ["target", "method", "drives", "network"]
    grouped = table.groupby(keys, sort=True)
    shares = grouped[["source", "begun", "ended"]].mean()
    shares.insert(0, "count", grouped.size())
    bounds = [
        wilson_interval(round(end * count), count) for end, count in zip(shares["ended"], shares["count"], strict=True)
    ]
    shares["low"], shares["high"] = zip(*bounds, strict=True)
    return shares.reset_index()
