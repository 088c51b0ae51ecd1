"""A small map of a way between images: shapes without colours, which the page's theme fills in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from urbanlens.plots import world

WIDTH = 360
TALLEST, FLATTEST = 1.0, 0.55
"""Height of the map by its width, at most and at least."""
CLOSEST = 0.3
"""Least part of the whole collection's span that is in sight."""
MARGIN = 0.12
MOST_DOTS = 1500
LAYERS = ("sea", "lake", "river", "woods", "park", "roads")


def way_map(
    places: Sequence[tuple[float, float] | None], lat: ArrayLike, lon: ArrayLike, *,
    outlines: Iterable[tuple[str, BaseGeometry]] = (), regions: Iterable[BaseGeometry] = (),
) -> dict[str, Any] | None:  # fmt: skip
    """The ground round some places, and where on it each of them lies; None where none is known.

    Parameters
    ----------
    places : lat, lon of what the way is between; None where unknown
    lat, lon : (N,) of all images, NaN where unknown
    outlines : (layer, geometry) as of `urbanlens.plots.maps.read_outlines`
    regions : boundaries

    Returns
    -------
    dict
        width and height in px, shapes (layer and `d` of a path, the lowest first), spots (x and y of a place, or None)
    """
    known = [place for place in places if place is not None]
    if not known:
        return None
    every = np.column_stack([np.asarray(lon, float), np.asarray(lat, float)])
    every = every[np.isfinite(every).all(axis=1)]
    sheet = _Sheet(np.array([(lon, lat) for lat, lon in known]), every)
    order = list(LAYERS)
    ground = sorted(((name, one) for name, one in outlines if name in order), key=lambda one: order.index(one[0]))
    shapes = [*ground, *(("region", one) for one in regions)]
    if not ground and world.helps(sheet.degrees):
        shapes = [("land", world.land()), ("border", world.borders()), *shapes]
    drawn = [[layer, path] for layer, geometry in shapes if (path := sheet.path(geometry))]
    if not ground:
        drawn.append(["dots", sheet.dots(every)])
    spots = [None if place is None else sheet.place([place[1]], [place[0]])[0].round(1).tolist() for place in places]
    return {"width": WIDTH, "height": round(sheet.height), "shapes": drawn, "spots": spots}


class _Sheet:
    """Degrees to px of a sheet `WIDTH` px wide, north up, with lengths true in its middle."""

    def __init__(self, places: NDArray[np.float64], every: NDArray[np.float64]) -> None:
        whole = np.ptp(every, axis=0) if len(every) else np.zeros(2)
        low, high = places.min(axis=0), places.max(axis=0)
        self.stretch = max(0.2, float(np.cos(np.radians((low[1] + high[1]) / 2))))
        narrow = np.array([self.stretch, 1.0])
        span = np.maximum((high - low) * narrow * (1 + 2 * MARGIN), CLOSEST * whole * narrow)
        width = max(span[0], span[1] / TALLEST, 0.004)
        tall = float(np.clip(span[1] / width, FLATTEST, TALLEST))
        self.scale, self.height = WIDTH / width, WIDTH * tall
        middle = (low + high) / 2
        half = np.array([width / self.stretch, width * tall]) / 2
        self.west, self.north = middle[0] - half[0], middle[1] + half[1]
        self.degrees = (middle[1] - half[1], self.west, self.north, middle[0] + half[0])
        self.box = box(self.west, self.degrees[0], self.degrees[3], self.north)

    def place(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """(N, 2) x and y in px."""
        x = (np.asarray(lon, float) - self.west) * self.stretch * self.scale
        return np.column_stack([x, (self.north - np.asarray(lat, float)) * self.scale])

    def path(self, geometry: BaseGeometry) -> str:
        """The `d` of all rings and lines in sight, simplified to half a px."""
        inside = shapely.make_valid(geometry).intersection(self.box).simplify(0.5 / self.scale)
        parts = shapely.get_parts(shapely.get_parts(inside))
        lines = [part for part in parts if part.geom_type == "LineString"]
        return "".join(map(self._line, [*shapely.get_rings(parts), *lines]))

    def dots(self, every: NDArray[np.float64]) -> str:
        """A path with a point for each place in sight, at most `MOST_DOTS` of them."""
        south, west, north, east = self.degrees
        lon, lat = every.T
        seen = every[(lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)]
        some = seen[:: max(1, -(-len(seen) // MOST_DOTS))]
        return "".join(f"M{x:.1f} {y:.1f}h0" for x, y in self.place(some[:, 0], some[:, 1]))

    def _line(self, line: BaseGeometry) -> str:
        if line.is_empty:
            return ""
        corners = self.place(*shapely.get_coordinates(line).T)
        closed = "Z" if line.geom_type == "LinearRing" else ""
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + closed
