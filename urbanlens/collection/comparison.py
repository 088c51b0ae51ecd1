"""What tells two parts of a collection apart, in numbers of its table."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from urbanlens.collection.collection import ImageCollection

Numbers = NDArray[np.float64]
FEWEST = 5
MOST_VALUES = 12
"""Values of a label column that are compared; the rarer ones are left out."""


def compare(a: ImageCollection, b: ImageCollection) -> pd.DataFrame:
    """The mean of every score and attribute and the share of every label in two views, the surest difference first.

    Parameters
    ----------
    a, b : views of one collection; images in both count on both sides

    Returns
    -------
    DataFrame
        measure, a, b (means, or shares in [0, 1]), a_error, b_error (standard errors), all (of the whole collection,
        the baseline), z = (a - b) / sqrt(a_error² + b_error²) (of shares, with the variance of both views taken
        together), and differs: |z| is beyond what chance alone reaches in one of twenty such tables (Bonferroni over
        its rows, at 5 %). Measures that fewer than five images of a view have are left out.
    """
    rows = []
    for measure, whole in _measures(a.whole).items():
        parts = [whole[view.positions] for view in (a, b)]
        parts = [part[np.isfinite(part)] for part in parts]
        if min(map(len, parts)) >= FEWEST:
            means = [float(part.mean()) for part in parts]
            errors = [float(part.std(ddof=1) / len(part) ** 0.5) for part in parts]
            rows.append([measure, *means, *errors, float(np.nanmean(whole)), _z(*parts)])
    table = pd.DataFrame(rows, columns=["measure", "a", "b", "a_error", "b_error", "all", "z"])
    bound = NormalDist().inv_cdf(1 - 0.025 / max(len(table), 1))
    table["differs"] = table["z"].abs() > bound
    return table.sort_values("z", key=lambda z: -z.abs(), kind="stable", ignore_index=True)


def _z(a: Numbers, b: Numbers) -> float:
    """The difference of two means in its standard errors."""
    apart = float(a.mean() - b.mean())
    both = np.concatenate([a, b])
    if np.isin(both, (0.0, 1.0)).all():
        variance = float(both.var()) * (1 / len(a) + 1 / len(b))
    else:
        variance = float(a.var(ddof=1)) / len(a) + float(b.var(ddof=1)) / len(b)
    return apart / variance**0.5 if variance else 0.0


def _measures(whole: ImageCollection) -> dict[str, Numbers]:
    """A number for each image of the collection (NaN where it has none) under each measure's name."""
    table, columns = whole.table, whole.columns
    found = {
        name: pd.to_numeric(table[name], errors="coerce").to_numpy(float, na_value=np.nan)
        for name in dict.fromkeys([*columns.scores, *columns.attributes])
    }
    for label in columns.labels:
        values = table[label].astype(str).where(table[label].notna(), "")
        counts = values[table[label].notna()].value_counts()
        for value in counts.index[:MOST_VALUES]:
            found[f"{label}: {value}"] = (values == value).to_numpy(float)
    return found
