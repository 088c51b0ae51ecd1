"""Where SIAM and the network that is free disagree most, and which errors one attribute explains.

Semantically Interpretable Activation Maps (2019), section 4.3: figures 5 to 7 show images on which both disagree most.
In figure 6 one attribute that is seen wrongly, a reflection taken for road, accounts for the error of the score; here
that is a rule, with the number of such images that chance would give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.siam.metrics import FEWEST, RESAMPLES
from urbanlens.siam.readings import Readings

SHARE = 0.8
"""Of an error that one attribute must account for."""

Floats = NDArray[np.float64]


def disagreement(siam: Readings, free: Readings, crowd: ArrayLike | None = None) -> pd.DataFrame:
    """The images that both networks could read, those first on which they disagree most.

    Parameters
    ----------
    siam, free : of the same N images
    crowd : (N,) score that people gave; NaN where unknown

    Returns
    -------
    DataFrame
        row (of the N images), siam, free, crowd, difference (siam - free), siam_error and free_error (score - crowd;
        NaN without one); scores in the score's own unit.
    """
    ours, theirs = np.asarray(siam.score, float), np.asarray(free.score, float)
    people = _people(crowd, len(ours))
    if len(ours) != len(theirs):
        raise ValueError(f"readings of {len(ours)} and of {len(theirs)} images: both must be of the same images")
    rows = np.flatnonzero(siam.readable & free.readable & np.isfinite(ours) & np.isfinite(theirs))
    order = rows[np.argsort(-np.abs(ours - theirs)[rows], kind="stable")]
    ours, theirs, people = ours[order], theirs[order], people[order]
    return pd.DataFrame({
        "row": order, "siam": ours, "free": theirs, "crowd": people, "difference": ours - theirs,
        "siam_error": ours - people, "free_error": theirs - people,
    })  # fmt: skip


def error_explained(
    readings: Readings, crowd: ArrayLike, attributes: ArrayLike | None = None, *, share: float = SHARE
) -> pd.DataFrame:
    """The images whose error one attribute accounts for, the greatest error first.

    With the error e = score - crowd and the excess x_i of attribute i's contribution (see `excess`), the attribute
    explains the share 1 - |e - x_i| / |e| of the error: what putting this one contribution right would remove. An
    excess of half the error explains half of it, and so does one of one and a half times. Asked are only errors above
    the root mean square error; of several attributes that explain enough, the one that explains most is told. Since
    many attributes are tried on each image, compare the number of rows with `chance_explained`.

    Parameters
    ----------
    crowd : (N,) score that people gave; NaN where unknown
    attributes : (N, A) annotated shares in [0, 1], NaN where unknown; None: of no image
    share : of the error that must be explained, in (0, 1]

    Returns
    -------
    DataFrame
        row (of the N images), error, attribute, excess (both in the score's unit, of the same sign), explained (share
        of the error), seen (how surely SIAM sees the attribute, 0 to 1), annotated (its annotated share; NaN: unknown).
    """
    trial = _trial(readings, crowd, attributes)
    large = np.flatnonzero(trial.large(trial.error))
    explained = _explained(trial.error[large], trial.excess[large])
    best = explained.argmax(1) if explained.size else np.zeros(len(large), np.int64)
    kept = np.flatnonzero((explained >= share).any(1))
    kept = kept[np.argsort(-np.abs(trial.error[large[kept]]), kind="stable")]
    which, place = best[kept], large[kept]
    rows = trial.rows[place]
    seen = np.asarray(readings.attributes, float)
    annotated = np.full(seen.shape, np.nan) if attributes is None else np.asarray(attributes, float)
    return pd.DataFrame({
        "row": rows, "error": trial.error[place], "attribute": np.array(readings.names, object)[which],
        "excess": trial.excess[place, which], "explained": explained[kept, which],
        "seen": seen[rows, which], "annotated": annotated[rows, which],
    })  # fmt: skip


@dataclass(frozen=True)
class ChanceExplained:
    """How many errors one attribute explains, beside what chance would give.

    Attributes
    ----------
    large : images whose error is above the root mean square error
    found : of these, how many one attribute explains: the rows of `error_explained`
    mean, low, high : the same number where errors have nothing to do with contributions, and its 95 % interval
    """

    large: int
    found: int
    mean: float
    low: float
    high: float


def chance_explained(
    readings: Readings, crowd: ArrayLike, attributes: ArrayLike | None = None, *, share: float = SHARE,
    resamples: int = RESAMPLES, seed: int = 0,
) -> ChanceExplained:  # fmt: skip
    """How many rows `error_explained` would have if each image had the error of another one, drawn by chance.

    Parameters
    ----------
    readings, crowd, attributes, share : as for `error_explained`
    resamples, seed : of the shuffles; NaN for the numbers of chance where no error is large
    """
    trial = _trial(readings, crowd, attributes)
    generator = np.random.default_rng(seed)

    def count(error: Floats) -> int:
        large = trial.large(error)
        return int((_explained(error[large], trial.excess[large]) >= share).any(1).sum())

    large, nan = int(trial.large(trial.error).sum()), float("nan")
    if not large:
        return ChanceExplained(0, 0, nan, nan, nan)
    drawn = [count(generator.permutation(trial.error)) for _ in range(resamples)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return ChanceExplained(large, count(trial.error), float(np.mean(drawn)), float(low), float(high))


def excess(contributions: ArrayLike, attributes: ArrayLike | None = None) -> Floats:
    """How much more each attribute adds in an image than it should, (N, A), in the score's unit.

    Where the attribute's share is annotated: z - (the contribution that a line z = a share + b, fitted to the other
    annotated images, expects of this share). The image itself has no part in its line; else one that is seen wrongly
    and is rare would bend the line to itself. So an attribute that is there and is overlooked has an excess too.
    Where the share is unknown, or known of fewer than 10 images: z, as if the attribute were not there at all.

    Parameters
    ----------
    contributions : z (N, A); NaN where the image could not be read
    attributes : (N, A) annotated shares in [0, 1], NaN where unknown
    """
    found = np.array(contributions, float)
    if attributes is None:
        return found
    shares = np.asarray(attributes, float)
    if shares.shape != found.shape:
        raise ValueError(f"shares have the shape {shares.shape}; give that of the contributions, {found.shape}")
    for column in range(found.shape[1]):
        known = np.flatnonzero(np.isfinite(shares[:, column]) & np.isfinite(found[:, column]))
        if len(known) >= FEWEST:
            found[known, column] = _beside_the_line(shares[known, column], found[known, column])
    return found


def _beside_the_line(x: Floats, y: Floats) -> Floats:
    """Of each point, its height above the line through the other ones (above their mean, where they have no slope)."""
    count, x, y = len(x), x - x.mean(), y - y.mean()
    spread = float(x @ x)
    slope = float(x @ y) / spread if spread > 0 else 0.0
    pull = 1 / count + (x * x / spread if spread > 0 else 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A residual over 1 - leverage is the residual from the fit without that point.
        aside = (y - slope * x) / (1 - pull)
    return np.where(pull < 1 - 1e-9, aside, y * count / (count - 1))


@dataclass(frozen=True)
class _Trial:
    """The M images whose error is known: rows (M,), error (M,), excess (M, A), and the root mean square error."""

    rows: NDArray[np.int64]
    error: Floats
    excess: Floats
    rmse: float

    def large(self, error: Floats) -> NDArray[np.bool_]:
        # A hair above, so that errors which are all alike are not large by rounding.
        return np.abs(error) > self.rmse * (1 + 1e-9)


def _trial(readings: Readings, crowd: ArrayLike, attributes: ArrayLike | None) -> _Trial:
    score = np.asarray(readings.score, float)
    error = score - _people(crowd, len(score))
    rows = np.flatnonzero(readings.readable & np.isfinite(error))
    square = float(np.sqrt(np.mean(error[rows] ** 2))) if len(rows) else 0.0
    return _Trial(rows, error[rows], excess(readings.contributions, attributes)[rows], square)


def _explained(error: Floats, excess_of: Floats) -> Floats:
    """(M, A) share of each error that putting one contribution right removes; below 0 where it makes it worse."""
    share: Floats = 1 - np.abs(1 - excess_of / error[:, None])
    return share


def _people(crowd: ArrayLike | None, count: int) -> Floats:
    people = np.full(count, np.nan) if crowd is None else np.asarray(crowd, float)
    if people.shape != (count,):
        raise ValueError(f"crowd has the shape {people.shape}; give one score for each of the {count} images")
    return people
