"""The map as a picture for print: outlines, points, regions and legend of the screen, on light paper, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape as escape_html
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import get_coordinates, make_valid
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from urbanlens.plots import maps, world
from urbanlens.plots.points import QUIET, LegendEntry

WIDTH: Final = 1200
RADIUS: Final = 3.2
_INK: Final = "#23211E"
_QUIET: Final = "#8A8F94"


class _Sheet:
    """Mercator's projection of a box of degrees onto a sheet `WIDTH` px wide."""

    def __init__(self, bounds: tuple[float, float, float, float]) -> None:
        south, west, north, east = bounds
        self.west, self.top = west, float(_mercator(np.array(north)))
        self.scale = WIDTH / max(east - west, 1e-9)
        self.height = max(1.0, (self.top - float(_mercator(np.array(south)))) * self.scale)
        self.box = box(west, south, east, north)

    def place(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """(N, 2) x and y in px."""
        x = (np.asarray(lon, float) - self.west) * self.scale
        return np.column_stack([x, (self.top - _mercator(np.asarray(lat, float))) * self.scale])

    def path(self, geometry: BaseGeometry) -> str:
        """The `d` of a path: every ring and line of a geometry inside the sheet."""
        inside = make_valid(geometry).intersection(self.box)
        return "".join(self._line(line) for line in _lines(inside))

    def _line(self, line: tuple[BaseGeometry, bool]) -> str:
        ring, closed = line
        corners = self.place(*np.asarray(ring.coords)[:, :2].T)
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + ("Z" if closed else "")


def _mercator(lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Latitudes in degrees stretched as Mercator does, still in degrees."""
    held = np.radians(np.clip(lat, -85.0, 85.0))
    return np.asarray(np.degrees(np.log(np.tan(np.pi / 4 + held / 2))))


def _lines(geometry: BaseGeometry) -> Iterator[tuple[BaseGeometry, bool]]:
    """Each ring (closed) and line of a geometry."""
    if isinstance(geometry, Polygon):
        for ring in (geometry.exterior, *geometry.interiors):
            if not ring.is_empty:
                yield ring, True
    elif isinstance(geometry, LineString) and not geometry.is_empty:
        yield geometry, False
    else:
        for part in getattr(geometry, "geoms", ()):
            yield from _lines(part)


def map_svg(
    bounds: tuple[float, float, float, float], lat: ArrayLike, lon: ArrayLike, classes: ArrayLike,
    colours: Sequence[str], *, outlines: Sequence[tuple[str, BaseGeometry]] = (),
    regions: Sequence[tuple[str, str, BaseGeometry]] = (), chosen: Sequence[tuple[str, str, BaseGeometry]] = (),
    legend: Sequence[LegendEntry] = (), title: str = "", with_world: bool = False,
) -> str:  # fmt: skip
    """A map of points, on light paper.

    Parameters
    ----------
    bounds : south, west, north, east in degrees
    lat, lon, classes, colours, legend, title : as of `PointLayer`
    outlines : (layer, geometry) as of `maps.read_outlines`
    regions : (name, kind, geometry) of the collection's boundaries
    chosen : (name, colour, geometry) of outlines drawn over the points, named at their northernmost corner
    with_world : True puts coasts and borders below everything

    Returns
    -------
    str
        An SVG document, 1200 px wide.
    """
    sheet = _Sheet(bounds)
    ground = maps.OUTLINES["sea"][0][0] if with_world else maps.GROUND[False]
    parts = [f'<rect width="{WIDTH}" height="{sheet.height:.0f}" fill="{ground}"/>']
    parts += _world(sheet) if with_world else []
    parts += [_shape(sheet, geometry, style) for geometry, style in maps.outline_styles(outlines, dark=False)]
    parts += [_shape(sheet, geometry, maps.district_style(kind, dark=False)) for _, kind, geometry in regions]
    parts += _points(sheet, np.asarray(lat, float), np.asarray(lon, float), np.asarray(classes, int), colours)
    parts += [_shape(sheet, geometry, {"color": colour, "weight": 2.5}) for _, colour, geometry in chosen]
    parts += [_name(sheet, name, geometry.representative_point()) for name, _, geometry in regions]
    parts += [_name(sheet, name, _top(geometry)) for name, _, geometry in chosen]
    below = sheet.height + 14
    parts += _legend(legend, title, below)
    height = below + 20 * (len(legend) + bool(title)) + 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" font-family="Inter, Helvetica, Arial, sans-serif" font-size="14">'
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height:.0f}" fill="#FFFFFF"/>', *parts, "</svg>\n"])


def _shape(sheet: _Sheet, geometry: BaseGeometry, style: maps.Style) -> str:
    """A path in the style that Leaflet would draw it in."""
    fill = style["fillColor"] if style.get("fill") else "none"
    dashes = f' stroke-dasharray="{style["dashArray"]}"' if "dashArray" in style else ""
    return (
        f'<path d="{sheet.path(geometry)}" fill="{fill}" fill-rule="evenodd" '
        f'fill-opacity="{style.get("fillOpacity", 1)}" stroke="{style["color"]}" '
        f'stroke-width="{style["weight"]:g}"{dashes}/>'
    )


def escape(text: str) -> str:
    """Text for an SVG: markup and what XML does not allow are taken out."""
    return escape_html("".join(sign for sign in text if sign.isprintable()))


def _top(geometry: BaseGeometry) -> Point:
    """The northernmost corner."""
    return Point(max(get_coordinates(geometry), key=lambda corner: float(corner[1])))


def _name(sheet: _Sheet, name: str, spot: Point) -> str:
    if not name or not sheet.box.contains(spot):
        return ""
    (x, y), *_ = sheet.place([spot.x], [spot.y])
    halo = f'stroke="{maps.GROUND[False]}" stroke-width="3" paint-order="stroke"'
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" fill="{_INK}" {halo}>{escape(name)}</text>'


def _points(
    sheet: _Sheet, lat: NDArray[np.float64], lon: NDArray[np.float64], classes: NDArray[np.int_], colours: Sequence[str]
) -> list[str]:
    """One group a colour; quiet points lie below the others."""
    placed = np.isfinite(lat) & np.isfinite(lon)
    parts = []
    for number in [QUIET, *range(len(colours))]:
        spots = sheet.place(lon[placed & (classes == number)], lat[placed & (classes == number)])
        if not len(spots):
            continue
        colour, radius = (_QUIET, RADIUS * 0.7) if number == QUIET else (colours[number], RADIUS)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>' for x, y in spots)
        parts.append(f'<g fill="{colour}" stroke="#FFFFFF" stroke-width="0.6">{dots}</g>')
    return parts


def _legend(legend: Sequence[LegendEntry], title: str, top: float) -> list[str]:
    parts = [f'<text x="4" y="{top + 10:.0f}" font-weight="600" fill="{_INK}">{escape(title)}</text>'] if title else []
    for line, entry in enumerate(legend, start=bool(title)):
        y = top + 20 * line + 6
        count = f" · {entry.count:,}" if entry.count is not None else ""
        parts.append(f'<circle cx="10" cy="{y:.0f}" r="6" fill="{entry.colour}"/>')
        parts.append(f'<text x="24" y="{y + 5:.0f}" fill="{_INK}">{escape(entry.label)}{count}</text>')
    return parts


def _world(sheet: _Sheet) -> list[str]:
    land = {"color": maps.OUTLINES["sea"][1][0], "weight": 1, "fill": True, "fillColor": maps.GROUND[False]}
    border = {"color": maps.BORDER[False], "weight": 0.8}
    return [_shape(sheet, world.land(), land), _shape(sheet, world.borders(), border)]
