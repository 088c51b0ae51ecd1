"""Scene attributes that the pixels of a rendered picture settle: the share of each cell that shows them.

The names follow the 33 attributes of Semantically Interpretable Activation Maps (2019), merged from the SUN
Attribute database; those that objects and materials cannot settle (running water, social ...) are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from urbanlens.demo.render.labels import MATERIALS, OBJECT_NAMES

_TOP = 256


@dataclass(frozen=True)
class AttributeRule:
    """A pixel shows an attribute if its object or its material is one of these names."""

    objects: frozenset[str] = frozenset()
    materials: frozenset[str] = frozenset()

    def tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return look-up tables (256,) over object ids and over materials."""
        objects, materials = np.zeros(_TOP, np.bool_), np.zeros(_TOP, np.bool_)
        objects[[number for number, name in OBJECT_NAMES.items() if name in self.objects]] = True
        materials[[number for number, name in enumerate(MATERIALS) if name in self.materials]] = True
        return objects, materials


def _of(*materials: str, objects: tuple[str, ...] = ()) -> AttributeRule:
    return AttributeRule(frozenset(objects), frozenset(materials))


ATTRIBUTES: dict[str, AttributeRule] = {
    "trees": _of("trees", objects=("tree",)),
    "grass": _of("grass"),
    "flowers": _of("flowers"),
    "ocean": _of("ocean"),
    "still_water": _of("still_water"),
    "road": _of(objects=("road",)),
    "fencing_railing": _of(objects=("fence",)),
    "wire": _of("wire"),
    "transport": _of("transport", objects=("car", "van", "bus", "boat")),
    "wood": _of("wood"),
    "ice_snow": _of("ice_snow"),
    "brick": _of("brick"),
    "shingles": _of("shingles"),
    "metal": _of("metal"),
    "cloth": _of("cloth"),
    "sand": _of("sand"),
    "rock_stone": _of("rock_stone"),
    "glass": _of("glass"),
    "clouds": _of("clouds"),
    "farming": _of("farming"),
    "dry": _of("dirt"),
    "rugged_scene": _of("rugged"),
}
"""Rules by attribute name, in the order of `attribute_maps`."""


def attribute_maps(objects: NDArray[np.uint8], materials: NDArray[np.uint8], cells: int = 15) -> NDArray[np.float32]:
    """Return the share of each cell's pixels that show each attribute.

    Parameters
    ----------
    objects, materials
        Object ids and material indices of one picture, each (S, S).
    cells
        Cells a side; cell borders are rounded to whole pixels.

    Returns
    -------
    (A, cells, cells) float32 in [0, 1], in the order of `ATTRIBUTES`.

    Raises
    ------
    ValueError
        If the two differ in shape, or there are more cells than pixels.
    """
    if objects.shape != materials.shape or objects.ndim != 2 or not 1 <= cells <= min(objects.shape):
        raise ValueError(
            f"Object ids of shape {objects.shape} and materials of shape {materials.shape} with {cells} cells: "
            "both must be (S, S) alike, with 1 to S cells."
        )
    rows, columns = (np.round(np.arange(cells + 1) * side / cells).astype(int) for side in objects.shape)
    area = np.diff(rows)[:, None] * np.diff(columns)[None, :]
    maps = np.empty((len(ATTRIBUTES), cells, cells), np.float32)
    for k, rule in enumerate(ATTRIBUTES.values()):
        by_object, by_material = rule.tables()
        shown = by_object[objects] | by_material[materials]
        sums = np.add.reduceat(np.add.reduceat(shown.astype(np.int32), rows[:-1], axis=0), columns[:-1], axis=1)
        maps[k] = sums / area
    return maps
