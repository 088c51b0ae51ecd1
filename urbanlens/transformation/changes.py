"""What changed between the source of a transformation and its template image, or its counterpart.

"Explainability pipeline for urban images" (2017), section 2.3: the visual differences between two natural images, the
source and its counterpart, are the subject of reasoning. Here they are counted: objects, attributes, beauty and five
measures of urban design, in one pair and on average over many, beside what any two pictures would differ by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.errors import ModelError
from urbanlens.explain.objects import LEAST_IMAGES, bootstrap_weights
from urbanlens.transformation.numbers import OBJECT, Numbers, template_numbers

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.transformation.record import Transformation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Direction = tuple[str, str]
"""The class of the sources and the class they are transformed to."""

RESAMPLES = 1000
PAIR_COLUMNS = ("kind", "what", "before", "after", "change")
MEAN_COLUMNS = (
    *PAIR_COLUMNS, "low", "high", "rose", "fell", "images", "direction", "same", "same_low", "same_high", "other",
    "other_low", "other_high",
)  # fmt: skip


@dataclass(frozen=True)
class Others:
    """Pictures that a source may be paired with by chance.

    Attributes
    ----------
    numbers : of the M pictures
    own : (n,) which of them each of the n sources is; -1 where it is none of them
    """

    numbers: Numbers
    own: Ints


def pair_changes(before: Numbers, after: Numbers) -> pd.DataFrame:
    """What changed in one pair, a row each: kind, what, before, after, change; NaN where unknown."""
    _check(before, after)
    if len(before) != 1:
        raise ModelError(f"{len(before)} pairs: give one, or ask for their mean changes")
    first, last = before.values[0], after.values[0]
    columns = (before.kinds, before.names, first, last, last - first)
    return pd.DataFrame(dict(zip(PAIR_COLUMNS, columns, strict=True)))


def mean_changes(
    before: Numbers, after: Numbers, direction: str = "", *, sources: Sequence[str] | None = None,
    same: Others | None = None, other: Others | None = None, resamples: int = RESAMPLES, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """What changed on average over n pairs, with 95 % intervals, beside what pairs by chance would differ by.

    Parameters
    ----------
    before, after : of the n sources, and of what became of each
    direction : what the pairs are called
    sources : (n,) ids; pairs of one source are not independent and are drawn together. None: all differ
    same : pictures of the sources' own class: what two pictures of it differ by, where nothing was transformed
    other : pictures of the target class: what the classes differ by, whatever was transformed
    resamples, seed : of the bootstrap, which draws the sources anew, and for `same` and `other` their partners too

    Returns
    -------
    DataFrame
        kind, what, before, after, change (means over the pairs in which both are known), low, high, rose and fell
        (shares of these pairs), images (their number), direction; same and other with their intervals. NaN where
        unknown, and for intervals where there are fewer than ten sources.
    """
    _check(before, after)
    change = after.values - before.values
    known = np.isfinite(change)
    groups = np.arange(len(change)) if sources is None else np.unique(np.asarray(sources), return_inverse=True)[1]
    count = int(groups.max(initial=-1)) + 1
    weights = bootstrap_weights(count, resamples, seed)[:, groups]
    enough = np.array([len(np.unique(groups[column])) >= LEAST_IMAGES for column in known.T], bool)
    columns: dict[str, Any] = {
        "kind": before.kinds, "what": before.names, "before": _mean(np.where(known, before.values, np.nan)),
        "after": _mean(np.where(known, after.values, np.nan)), "change": _mean(change),
    }  # fmt: skip
    columns["low"], columns["high"] = _interval(_weighted(weights, change), enough)
    columns["rose"], columns["fell"] = (_mean(np.where(known, sign, np.nan)) for sign in (change > 0, change < 0))
    columns["images"], columns["direction"] = known.sum(0), direction
    for name, others in (("same", same), ("other", other)):
        middle, drawn = _by_chance(before, others, weights, seed)
        columns[name] = middle
        columns[f"{name}_low"], columns[f"{name}_high"] = _interval(drawn, enough & np.isfinite(middle))
    return pd.DataFrame(columns, columns=list(MEAN_COLUMNS))


def template_changes(
    found: Sequence[Transformation], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[Direction, pd.DataFrame]:
    """`mean_changes` between the reconstructions of the sources and their template images, in each direction.

    Objects are those that one segmenter sees in both, so it errs alike; chance pairs a reconstruction with others.
    """
    before, after = template_numbers(found)
    sources = [one.source for one in found]
    classes = np.array([one.source_class for one in found], dtype=object)
    _, first = np.unique(np.array(sources, dtype=str), return_index=True)
    pool = np.sort(first)
    tables = {}
    for (start, target), rows in directions(found).items():
        same, other = (_others(before, pool[classes[pool] == name], sources, rows) for name in (start, target))
        tables[start, target] = mean_changes(
            before.of(rows), after.of(rows), target, sources=[sources[row] for row in rows], same=same, other=other,
            resamples=resamples, seed=seed,
        )  # fmt: skip
    return tables


def counterpart_changes(
    found: Sequence[Transformation], counterparts: Sequence[str | None], collection: ImageCollection,
    numbers: Numbers, label: str, *, resamples: int = RESAMPLES, seed: int = 0,
) -> dict[Direction, pd.DataFrame]:  # fmt: skip
    """`mean_changes` between the sources and their counterparts, both natural images, in each direction.

    Parameters
    ----------
    counterparts : the id of each transformation's nearest natural image; None where there is none
    collection, numbers : a whole collection, and what is known of its images
    label : the column of the classes
    """
    if len(numbers) != len(collection) or len(counterparts) != len(found):
        raise ModelError(
            f"{len(counterparts)} counterparts of {len(found)} transformations and numbers of {len(numbers)} of "
            f"{len(collection)} images: give one for each"
        )
    if label not in collection.table:
        raise ModelError(f"{collection.name} has no column {label!r}: give the one that tells the class of each image")
    classes = collection.texts(label).astype(object)
    ids, tables = collection.ids, {}
    for (start, target), every in directions(found).items():
        rows = [row for row in every if found[row].source in collection and counterparts[row] in collection]
        if not rows:
            continue
        began = np.array([collection.row(found[row].source) for row in rows], np.int64)
        ended = np.array([collection.row(str(counterparts[row])) for row in rows], np.int64)
        same, other = (
            _others(numbers, np.flatnonzero(classes == name), ids, began) for name in (start, target)
        )  # fmt: skip
        tables[start, target] = mean_changes(
            numbers.of(began), numbers.of(ended), target, sources=[ids[row] for row in began], same=same,
            other=other, resamples=resamples, seed=seed,
        )  # fmt: skip
    return tables


def directions(found: Sequence[Transformation]) -> dict[Direction, Ints]:
    """The transformations from each class to each other one; those whose source has no known class are left out."""
    ways: dict[Direction, list[int]] = {}
    for row, one in enumerate(found):
        if one.source and one.source_class and one.source_class != one.target:
            ways.setdefault((one.source_class, one.target), []).append(row)
    return {way: np.array(rows, np.int64) for way, rows in sorted(ways.items())}


def planted_direction(tables: Mapping[Direction, pd.DataFrame], planted: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Whether objects rise towards the class that they were planted in.

    Parameters
    ----------
    tables : of `template_changes` or `counterpart_changes`
    planted : objects by the class that they tell

    Returns
    -------
    DataFrame
        source, target, object, change, low, high, rises (the mean rises), clear (its interval lies above 0), beyond
        (and above that of two pictures of the sources' class), images; a row for each planted object and direction.
    """
    rows = []
    for (start, target), table in tables.items():
        objects = table[table["kind"] == OBJECT].set_index("what")
        for name in planted.get(target, ()):
            told = objects.loc[name] if name in objects.index else pd.Series(np.nan, objects.columns)
            rows.append((
                start, target, name, told["change"], told["low"], told["high"], bool(told["change"] > 0),
                bool(told["low"] > 0), bool(told["low"] > max(told["same_high"], 0.0)),
                0 if pd.isna(told["images"]) else int(told["images"]),
            ))  # fmt: skip
    names = ("source", "target", "object", "change", "low", "high", "rises", "clear", "beyond", "images")
    return pd.DataFrame(rows, columns=list(names))


def planted_holds(found: pd.DataFrame) -> dict[str, bool]:
    """By target: whether all its planted objects rise on average, and at least one of them clearly."""
    return {str(name): bool(part["rises"].all() and part["clear"].any()) for name, part in found.groupby("target")}


def _check(before: Numbers, after: Numbers) -> None:
    if (before.kinds, before.names, len(before)) != (after.kinds, after.names, len(after)):
        raise ModelError(
            f"{len(before)} pictures with {len(before.names)} numbers before and {len(after)} with "
            f"{len(after.names)} after: both must tell the same of as many"
        )


def _others(numbers: Numbers, pool: Ints, ids: Sequence[str], rows: ArrayLike) -> Others | None:
    """The pictures of a pool, by their rows in `numbers`; `ids` are those of the same rows."""
    if not len(pool):
        return None
    places = {ids[row]: place for place, row in enumerate(pool)}
    return Others(numbers.of(pool), np.array([places.get(ids[row], -1) for row in np.asarray(rows)], np.int64))


def _by_chance(
    before: Numbers, others: Others | None, weights: NDArray[np.float32], seed: int
) -> tuple[Floats, Floats]:
    """The change (F,) to expect of a random partner, and (B, F) what draws of as many sources and partners gave."""
    count, width = before.values.shape
    size = len(others.numbers) if others is not None else 0
    own = others.own if others is not None else np.full(count, -1)
    if others is None or not count or size - int((own >= 0).any()) < 1:
        return np.full(width, np.nan), np.full((len(weights), width), np.nan)
    values, inside = others.numbers.values, own >= 0
    known = np.isfinite(values)
    mine = np.where(inside[:, None], values[own], np.nan)
    left = known.sum(0) - np.isfinite(mine)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = (np.where(known, values, 0).sum(0) - np.nan_to_num(mine)) / np.where(left > 0, left, np.nan)
    generator, drawn = np.random.default_rng(seed), np.empty((len(weights), width))
    for number, weight in enumerate(weights):
        partners = generator.integers(0, size - inside)
        partners += inside & (partners >= own)
        drawn[number] = _weighted(weight[None], values[partners] - before.values)[0]
    return _mean(expected - before.values), drawn


def _mean(values: Floats) -> Floats:
    """The mean of each column over its known values."""
    return np.asarray(_weighted(np.ones((1, len(values)), np.float32), values)[0])


def _weighted(weights: NDArray[np.float32], values: Floats) -> Floats:
    """(B, F) means of the columns of values (n, F) under weights (B, n), over what is known."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ np.where(known, values, 0.0)) / (weights @ known.astype(np.float64)))


def _interval(drawn: Floats, told: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The 95 % interval of each column of draws, where it is to be told."""
    low, high = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    for column in np.flatnonzero(told):
        low[column], high[column] = np.nanpercentile(drawn[:, column], [2.5, 97.5])
    return low, high
