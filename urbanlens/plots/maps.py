"""A map that needs no network: Leaflet served by the app, the collection's own outlines, drawing, many points."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import folium
from folium.plugins import Draw
from folium.template import Template
from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from urbanlens.errors import RegionError
from urbanlens.plots.points import script_json

STATIC: Final = "../../app/static/"
"""From the frame that streamlit-folium draws in to the files that the app serves, under any base path."""

GROUND: Final = {False: "#F3EFE6", True: "#1B2223"}
BORDER: Final = {False: "#C9BBA3", True: "#465456"}
Style = dict[str, Any]
"""How a shape is drawn: Leaflet's path options."""

# Fill, line and width of each outline `layer`, on light paper and on dark.
OUTLINES: Final[dict[str, tuple[tuple[str, str], tuple[str, str], float]]] = {
    "sea": (("#C9DEE8", "#16313C"), ("#9DBFCE", "#2A5163"), 1.0),
    "lake": (("#C9DEE8", "#16313C"), ("#9DBFCE", "#2A5163"), 1.0),
    "river": (("#C9DEE8", "#16313C"), ("#A9CAD9", "#21485A"), 3.0),
    "woods": (("#DDE5D0", "#222E27"), ("#C9D5B8", "#2C3B31"), 0.6),
    "park": (("#DDE5D0", "#222E27"), ("#C9D5B8", "#2C3B31"), 0.6),
    "roads": (("", ""), ("#FFFFFF", "#3A4648"), 1.6),
}
# Fill of a region's `kind`, on light paper and on dark.
KINDS: Final[dict[str, tuple[str, str]]] = {
    "centre": ("#E8CDBD", "#40312B"),
    "residential": ("#EDE3D2", "#2B2E2C"),
    "industrial": ("#DAD5DB", "#322F38"),
    "waterfront": ("#D3E0E2", "#233639"),
    "park": ("#DDE5D0", "#25332A"),
    "rural": ("#EFEBD9", "#212822"),
}


class LocalMap(folium.Map):
    """A folium map that loads nothing from another host.

    Parameters
    ----------
    bounds : south, west, north, east in degrees; what is in sight at first.
    dark : colours for a dark page.
    tiles : True adds OpenStreetMap's tiles, which need a network; without one the outlines still show.
    """

    default_js = [  # noqa: RUF012 - folium's own way
        ("leaflet", STATIC + "leaflet/leaflet.js"),
        ("urbanlens_map", STATIC + "urbanlens/map.js"),
    ]
    default_css = [  # noqa: RUF012
        ("leaflet_css", STATIC + "leaflet/leaflet.css"),
        ("urbanlens_map_css", STATIC + "urbanlens/map.css"),
    ]

    def __init__(self, bounds: tuple[float, float, float, float], *, dark: bool = False, tiles: bool = False) -> None:
        south, west, north, east = bounds
        super().__init__(
            location=[(south + north) / 2, (west + east) / 2],
            tiles=None,
            max_zoom=19,
            prefer_canvas=True,
            zoom_snap=0.25,
            attribution_control=tiles,
            max_bounds=False,
        )
        self.options["maxZoom"] = 19
        if tiles:
            folium.TileLayer("OpenStreetMap", opacity=0.55).add_to(self)
        _Paper(bounds, dark).add_to(self)


class LocalDraw(Draw):
    """Rectangles and polygons, drawn and edited on the map."""

    default_js = [("draw", STATIC + "draw/leaflet.draw.js")]  # noqa: RUF012
    default_css = [("draw_css", STATIC + "draw/leaflet.draw.css")]  # noqa: RUF012

    def __init__(self, colour: str = "#D55E00") -> None:
        shape = {"shapeOptions": {"color": colour, "weight": 2, "fillOpacity": 0.06}}
        super().__init__(  # type: ignore[no-untyped-call]
            export=False,
            draw_options={
                "rectangle": {**shape, "showArea": False},
                "polygon": {**shape, "allowIntersection": False, "showArea": False},
                "polyline": False,
                "circle": False,
                "circlemarker": False,
                "marker": False,
            },
            edit_options={"poly": {"allowIntersection": True}},
        )


class OutlineLayer(folium.MacroElement):
    """Polygons and lines under the points, which take no clicks.

    Parameters
    ----------
    shapes : (geometry in x = lon, y = lat; style of Leaflet's path options; label or "") of each.
    pane : name of the map's pane; `ground` lies lowest, `regions` above it, `chosen` above the points.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.urbanOutlines({{ this.payload }});
        {{ this._parent.get_name() }}.addLayer({{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(
        self, shapes: Sequence[tuple[BaseGeometry, dict[str, Any], str]], *, pane: str = "ground", dark: bool = False
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "UrbanOutlines"
        features = [
            {
                "type": "Feature",
                "geometry": _rounded(mapping(geometry)),
                "properties": {"style": style, "label": label},
            }
            for geometry, style, label in shapes
            if not geometry.is_empty
        ]
        self.payload = script_json({"pane": pane, "dark": dark, "features": features})


class WorldLayer(folium.MacroElement):
    """Coasts and borders of the world, for a collection that brings no outlines; true to about 5 km.

    The browser fetches them once from the app itself.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        L.urbanWorld({{ this.payload }}).addTo({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, *, dark: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "UrbanWorld"
        sea, coast, _ = OUTLINES["sea"]
        colours = {"land": GROUND[dark], "sea": sea[dark], "coast": coast[dark], "border": BORDER[dark]}
        self.payload = script_json({"address": STATIC + "world/world.json", **colours})


class EditableRegion(folium.MacroElement):
    """Puts the one chosen polygon (or nothing) into the drawing tool, so that it can be reshaped and deleted.

    Parameters
    ----------
    geometry : a polygon, or None to empty the drawing tool.
    focus : what a map that has just been opened shows; None all of it.
    jump : whether an open map moves to the focus too; False leaves it where the visitor has moved it.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.urbanEditable({{ this.payload }});
        {{ this._parent.get_name() }}.addLayer({{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(
        self, geometry: BaseGeometry | None, colour: str = "#D55E00", focus: BaseGeometry | None = None,
        *, jump: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "UrbanEditable"
        self.payload = script_json(
            {
                "geometry": None if geometry is None else _rounded(mapping(geometry), 7),
                "colour": colour,
                "focus": None if focus is None else list(bounds_of([focus], margin=0.4)),
                "jump": jump,
            }
        )


class _Paper(folium.MacroElement):
    """The pane's own colours and first view: the page's theme does not reach into the map's frame."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        L.urbanPaper({{ this._parent.get_name() }}, {{ this.payload }});
        {% endmacro %}
        """
    )

    def __init__(self, bounds: tuple[float, float, float, float], dark: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "UrbanPaper"
        self.payload = script_json({"ground": GROUND[dark], "dark": dark, "bounds": list(bounds)})


def outlines(features: Sequence[tuple[str, BaseGeometry]], dark: bool = False) -> OutlineLayer:
    """The base of the map: (layer, geometry) as of `read_outlines`."""
    return OutlineLayer([(*styled, "") for styled in outline_styles(features, dark)], pane="ground", dark=dark)


def outline_styles(features: Sequence[tuple[str, BaseGeometry]], dark: bool) -> list[tuple[BaseGeometry, Style]]:
    """Known outlines and how each is drawn, the lowest first: water and woods under roads."""
    order = list(OUTLINES)
    shapes = []
    for layer, geometry in sorted((f for f in features if f[0] in OUTLINES), key=lambda f: order.index(f[0])):
        fill, line, width = OUTLINES[layer]
        filled = bool(fill[dark]) and geometry.geom_type in ("Polygon", "MultiPolygon")
        style = {"color": line[dark], "weight": width, "fill": filled, "fillColor": fill[dark], "fillOpacity": 1}
        shapes.append((geometry, style))
    return shapes


def district_outlines(regions: Sequence[tuple[str, str, BaseGeometry]], dark: bool = False) -> OutlineLayer:
    """The boundaries that a collection brings: (name, kind, geometry), tinted by kind and labelled."""
    shapes = [(geometry, district_style(kind, dark), name) for name, kind, geometry in regions]
    return OutlineLayer(shapes, pane="regions", dark=dark)


def district_style(kind: str, dark: bool) -> Style:
    """How the boundary of a district of this kind is drawn."""
    fill = KINDS.get(kind, ("", ""))[dark]
    return {
        "color": "#5C6668" if dark else "#B4A894", "weight": 1, "dashArray": "3 4", "fill": bool(fill),
        "fillColor": fill, "fillOpacity": 0.75,
    }  # fmt: skip


def read_outlines(path: Path) -> list[tuple[str, BaseGeometry]]:
    """(layer, geometry) of each feature of an outlines.geojson; nothing where the file is not there.

    Raises
    ------
    RegionError
        The file is no GeoJSON.
    """
    from shapely.errors import GEOSException
    from shapely.geometry import shape

    if not path.is_file():
        return []
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return [(str(f["properties"].get("layer", "")), shape(f["geometry"])) for f in features]
    except (ValueError, KeyError, TypeError, AttributeError, GEOSException) as error:
        raise RegionError(
            f"{path.name} is no GeoJSON FeatureCollection ({error}): give features with a `layer` property, "
            "or remove the file"
        ) from error


def bounds_of(geometries: Sequence[BaseGeometry], margin: float = 0.04) -> tuple[float, float, float, float]:
    """South, west, north, east around all geometries with a margin; the whole world around none."""
    boxes = [box(*geometry.bounds) for geometry in geometries if not geometry.is_empty]
    if not boxes:
        return (-60.0, -170.0, 75.0, 170.0)
    west = min(b.bounds[0] for b in boxes)
    south = min(b.bounds[1] for b in boxes)
    east = max(b.bounds[2] for b in boxes)
    north = max(b.bounds[3] for b in boxes)
    pad = max(east - west, north - south, 0.002) * margin
    return (south - pad, west - pad, north + pad, east + pad)


def _rounded(geometry: dict[str, Any], digits: int = 5) -> dict[str, Any]:
    """The same geometry with coordinates to about a metre (5 digits)."""

    def cut(value: Any) -> Any:
        return [cut(v) for v in value] if isinstance(value, (list, tuple)) else round(float(value), digits)

    if geometry["type"] == "GeometryCollection":
        return {"type": geometry["type"], "geometries": [_rounded(g, digits) for g in geometry["geometries"]]}
    return {"type": geometry["type"], "coordinates": cut(geometry["coordinates"])}
