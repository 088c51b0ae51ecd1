"""What is known of pictures, in numbers of four kinds: objects, urban design, attributes and beauty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from urbanlens.errors import ModelError
from urbanlens.transformation.measures import MEASURES, measure_all

if TYPE_CHECKING:
    from urbanlens.siam.readings import Readings
    from urbanlens.transformation.record import Transformation
    from urbanlens.transformation.shares import ObjectShares

Floats = NDArray[np.float64]

OBJECT, DESIGN, ATTRIBUTE, BEAUTY = "object", "design", "attribute", "beauty"
KINDS: Mapping[str, str] = {
    OBJECT: "objects", DESIGN: "urban design", ATTRIBUTE: "attributes", BEAUTY: "beauty",
}  # fmt: skip
"""What can change, and what it is called on the page."""


@dataclass(frozen=True)
class Numbers:
    """What is known of N pictures: F numbers each.

    Attributes
    ----------
    kinds : (F,) keys of `KINDS`
    names : (F,) what each number tells
    values : (N, F); NaN where unknown
    """

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def of(self, rows: NDArray[Any]) -> Numbers:
        """The same of some pictures, by number or by mask."""
        return replace(self, values=self.values[rows])

    def beside(self, other: Numbers) -> Numbers:
        """These numbers and other ones of the same pictures."""
        values = np.concatenate([self.values, other.values], 1)
        return Numbers(self.kinds + other.kinds, self.names + other.names, values)


def numbers_of(kind: str, values: Mapping[str, ArrayLike]) -> Numbers:
    """Some numbers of one kind, (N,) by their names."""
    columns = [np.asarray(column, np.float64) for column in values.values()]
    stacked = np.stack(columns, 1) if columns else np.zeros((0, 0))
    return Numbers((kind,) * len(values), tuple(values), stacked)


def from_shares(shares: ArrayLike, names: Sequence[str]) -> Numbers:
    """Objects (N, O) and the measures of urban design that follow from them."""
    values = np.asarray(shares, np.float64)
    design = Numbers((DESIGN,) * len(MEASURES), tuple(MEASURES), measure_all(values, names))
    return Numbers((OBJECT,) * len(names), tuple(names), values).beside(design)


def collection_numbers(
    shares: ObjectShares | None = None, siam: Readings | None = None, beauty: Mapping[str, ArrayLike] | None = None
) -> Numbers:
    """All that is known of the N images of a collection.

    Parameters
    ----------
    shares : their objects; NaN where an image has no labels
    siam : how surely each attribute is there
    beauty : mean marks, scenicness and the like, (N,) by name
    """
    parts = [from_shares(shares.shares, shares.names)] if shares is not None else []
    if siam is not None:
        parts.append(Numbers((ATTRIBUTE,) * len(siam.names), siam.names, siam.attributes.astype(np.float64)))
    if beauty:
        parts.append(numbers_of(BEAUTY, beauty))
    if not parts:
        raise ModelError("nothing is known of these images: give their objects, attributes or marks")
    found = parts[0]
    for part in parts[1:]:
        found = found.beside(part)
    return found


def template_numbers(found: Sequence[Transformation]) -> tuple[Numbers, Numbers]:
    """What a segmenter sees in the first frames (mere reconstructions) and in the last ones, the template images."""
    names = tuple(dict.fromkeys(name for one in found for name in one.objects))
    ends = np.full((2, len(found), len(names)), np.nan)
    for row, one in enumerate(found):
        if one.objects:
            ends[:, row] = 0
            ends[:, row, [names.index(name) for name in one.objects]] = one.shares[[0, -1]]
    return from_shares(ends[0], names), from_shares(ends[1], names)
