"""The part of the test of maps that asks where they light up: what becomes of the answers if that is covered up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.aesthetics.control import COVERED
from urbanlens.aesthetics.readings import LOW, tells_marks
from urbanlens.collection.votes import HIGH_LOW
from urbanlens.explain.trust import mean_interval
from urbanlens.plots.scores import signed
from urbanlens.ui import aesthetics, pictures

if TYPE_CHECKING:
    from urbanlens.aesthetics.baselines import Baselines
    from urbanlens.aesthetics.control import CoveredImages
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.page import Page

COLUMNS = {"there": "Covered there", "elsewhere": "Covered elsewhere", "difference": "Difference"}
MORE, LESS, SAME = "more than elsewhere", "less than elsewhere: it misleads", "not clearly more than elsewhere"


def show(here: Page, networks: dict[str, Network], against: Mapping[str, Baselines | None]) -> None:
    """A row for each map: how far the answer moves, beside what covering elsewhere does."""
    st.subheader("Do they light up the right places?", anchor=False)
    pictures.quiet(
        f"The test above asks how much of a picture lights up, not where. So {COVERED:.0%} of the picture is blurred "
        "away: where the map is strongest, or the same shape pushed to three places where it overlaps least with that. "
        "If the map shows what counts, the answer should move further where the map is covered."
    )
    parts = [_table(kind, networks[kind], one.covered) for kind, one in against.items() if one is not None]
    if not parts:
        return
    table = pd.concat(parts, ignore_index=True)
    pictures.text_table(_words(table))
    pictures.note(_verdict(table))
    most = int(table["images"].max())
    pictures.quiet(
        f"Means and 95 % intervals over {most:,} images of the whole collection, those that the network has not learnt "
        "from where that is known. One picture at a time: the view One image."
    )
    pictures.table_download(table, f"{here.collection.whole.name}-covered-up")


def _table(kind: str, network: Network, found: CoveredImages) -> pd.DataFrame:
    """network, map, answer, images, and mean, low and high of what covering does there, elsewhere, and of the rest."""
    rows = []
    for number, target in enumerate(HIGH_LOW):
        fall, elsewhere = found.fall[:, number].astype(float), found.elsewhere[:, number].astype(float)
        row: dict[str, Any] = {"network": kind, "map": target, "answer": _answer(network, target)}
        for name, values in (("there", fall), ("elsewhere", elsewhere), ("difference", fall - elsewhere)):
            row[name], row[f"{name}_low"], row[f"{name}_high"], row["images"] = mean_interval(values)
        rows.append(row)
    return pd.DataFrame(rows[::-1])


def _answer(network: Network, target: str) -> str:
    """What should move, and which way."""
    if network.card is not None and tells_marks(network.card):
        return "the mean mark rises by" if target == LOW else "the mean mark falls by"
    return f"the certainty of {target} falls by"


def _sort(row: pd.Series) -> str:
    """What the difference says."""
    if not np.isfinite(row["difference_low"]):
        return "too few images"
    return MORE if row["difference_low"] > 0 else LESS if row["difference_high"] < 0 else SAME


def _words(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for _, row in table.iterrows():
        told = {"Map": f"{aesthetics.KINDS[row['network']].title}: map of {row['map']}", "Then": row["answer"]}
        for name, title in COLUMNS.items():
            told[f"{title} (95 %)"] = _number(row, name)
        told["So"] = _sort(row)
        rows.append(told)
    return pd.DataFrame(rows)


def _number(row: pd.Series, name: str) -> str:
    value, low, high = (float(row[part]) for part in (name, f"{name}_low", f"{name}_high"))
    if not np.isfinite(value):
        return "–"
    return signed(value, 3) + (f" ({signed(low, 3)} to {signed(high, 3)})" if np.isfinite(low) else "")


def _verdict(table: pd.DataFrame) -> str:
    """What the table comes to."""
    told: dict[str, list[str]] = {kind: [] for kind in (MORE, SAME, LESS)}
    for _, row in table.iterrows():
        network = aesthetics.KINDS[row["network"]].answers
        told.get(_sort(row), []).append(f"the map of {row['map']} ({network})")
    parts = []
    if told[MORE]:
        parts.append(f"What counts for the network lies where it lights up: {', '.join(told[MORE])}")
    if told[SAME]:
        parts.append(f"No sign that the lit places count more than others: {', '.join(told[SAME])}")
    if told[LESS]:
        names = ", ".join(told[LESS])
        parts.append(
            f"The lit places count less than others, so do not read them as what is beautiful or ugly: {names}"
        )
    return ". ".join(parts) + "." if parts else "Too few images to say."
