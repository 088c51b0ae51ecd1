"""The part of the view Places that only the demo has: do the maps lie on what its known rule of beauty names?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.demo.beauty_truth import AGAINST, BOTH, FOUND, MISSED, PLACELESS, RULED, rule_table
from urbanlens.plots.scores import signed
from urbanlens.ui import pictures

if TYPE_CHECKING:
    from urbanlens.explain import ObjectCounts
    from urbanlens.ui.page import Page

VERDICTS = {
    FOUND: "found", BOTH: "in both maps, so neither tells", MISSED: "missed: no more than by chance",
    AGAINST: "the wrong way: less than by chance",
}  # fmt: skip


def show(
    here: Page, counts: Mapping[str, ObjectCounts], names: Mapping[int, str], key: str, threshold: float
) -> None:  # fmt: skip
    """What the rule says, where both maps lie, and a verdict in words."""
    st.subheader("Against the known rule", anchor=False)
    st.markdown(
        "This world is drawn, and a rule made its marks: trees, water and mountains raise them, clutter lowers them. "
        "So a map of high that means what it shows should lie on trees, water and mountains more than chance would, "
        "and a map of low on the clutter. All the images above together:"
    )
    table = _table(key, threshold, dict(counts), dict(names))
    pictures.text_table(_words(table))
    pictures.note(_verdict(table))
    pictures.quiet(
        "R, what chance would give, and the interval of the difference. Clutter is how many kinds of objects a picture "
        f"shows; cars, people, poles, signs and the like stand for it. The rest of the rule has no place in the "
        f"picture: {', '.join(PLACELESS)}. A network that judges by the light may rightly look anywhere."
    )
    pictures.table_download(table, f"{here.collection.name}-beauty-rule", "The rule and the maps (CSV)")


@st.cache_data(max_entries=64, show_spinner=False)
def _table(key: str, threshold: float, _counts: Mapping[str, ObjectCounts], _names: Mapping[int, str]) -> pd.DataFrame:  # noqa: ARG001
    return rule_table(_counts, _names, threshold)


def _words(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for row in table.to_dict("records"):
        told = {"The rule": f"{row['rule'].capitalize()} {'raises' if row['raises'] else 'lowers'} the mark"}
        if row["rule"] == "trees" or row["rule"] == "mountains":
            told["The rule"] = f"{row['rule'].capitalize()} raise the mark"
        for target in ("high", "low"):
            told[f"Map of {target}: R / chance (difference, 95 %)"] = _ratio(row, target)
        told["Images"] = f"{row['images']:,}"
        told["Verdict"] = VERDICTS.get(row["verdict"], row["verdict"])
        rows.append(told)
    return pd.DataFrame(rows)


def _ratio(row: Mapping[str, object], target: str) -> str:
    ratio, base, low, high = (
        float(str(row[f"{target}_{part}"])) for part in ("ratio", "base", "lift_low", "lift_high")
    )
    if not np.isfinite(ratio):
        return "–"
    return f"{ratio:.2f} / {base:.2f} ({signed(low, 3)} to {signed(high, 3)})"


def _verdict(table: pd.DataFrame) -> str:
    """What the table comes to, plainly."""
    kinds = (FOUND, BOTH, MISSED, AGAINST)
    found, both, missed, against = (table.loc[table["verdict"] == kind] for kind in kinds)
    judged = len(found) + len(both) + len(missed) + len(against)
    parts = [f"Of {judged} parts of the rule that have a place, the maps find {len(found)}"]
    if len(found):
        parts[0] += f": {', '.join(map(_map_on, found['rule']))}"
    if len(missed):
        parts.append(f"No more than chance: {', '.join(map(_map_on, missed['rule']))}")
    if len(against):
        parts.append(f"Less than chance, so the map misleads: {', '.join(map(_map_on, against['rule']))}")
    if len(both):
        parts.append(f"In the maps of high and of low alike: {', '.join(both['rule'])}")
    if judged < len(RULED):
        parts.append("Of the others there are too few images")
    return ". ".join(parts) + "."


def _map_on(rule: str) -> str:
    raises = next(ruled.raises for ruled in RULED if ruled.name == rule)
    return f"the map of {'high' if raises else 'low'} on {rule}"
