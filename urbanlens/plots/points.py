"""Many points on a Leaflet map through one typed array: at most 13 bytes a point, one canvas, one script."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import folium
import numpy as np
from folium.template import Template
from numpy.typing import ArrayLike, NDArray

HIDDEN = 254
"""The class of a point that is not drawn."""
QUIET = 255
"""The class of a point drawn small and grey."""
MOST_CLASSES = 250
STEPS_16 = 65_535
STEPS_32 = 4_294_967_295
FINEST_SPAN = 0.5
"""Degrees up to which 16 bits place a point within 0.5 m."""


@dataclass(frozen=True)
class LegendEntry:
    """One line of a legend: what the colour stands for, and how many images have it (None leaves it out)."""

    label: str
    colour: str
    count: int | None = None


class PointLayer(folium.MacroElement):
    """Points drawn on one canvas by `static/urbanlens/map.js`.

    Parameters
    ----------
    lat, lon : (N,) degrees WGS84; points without coordinates are left out.
    classes : (N,) index into `colours`; `QUIET` draws small and grey, `HIDDEN` not at all.
    colours : at most 250 colours as #RRGGBB.
    legend : lines shown in a corner of the map.
    title : above the legend.
    chosen : row of the one point that stands out; None, or a point without coordinates: none does.

    Notes
    -----
    A click on a point puts `<number among the placed points>#<time>` where streamlit-folium returns it as
    `last_object_clicked_popup`; `clicked` reads it.

    Raises
    ------
    ValueError
        Lists of different lengths, more than 250 colours, or a class without a colour.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.urbanPoints({{ this.payload }});
        {{ this._parent.get_name() }}.addLayer({{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(
        self,
        lat: ArrayLike,
        lon: ArrayLike,
        classes: ArrayLike,
        colours: Sequence[str],
        *,
        legend: Sequence[LegendEntry] = (),
        title: str = "",
        chosen: int | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "UrbanPoints"
        latitudes, longitudes, numbers = np.asarray(lat, float), np.asarray(lon, float), np.asarray(classes, np.int64)
        if not (latitudes.shape == longitudes.shape == numbers.shape and latitudes.ndim == 1):
            raise ValueError(
                f"lat, lon and classes have shapes {latitudes.shape}, {longitudes.shape}, {numbers.shape}; "
                "give three lists of equal length"
            )
        _check_classes(numbers, colours)
        placed = np.isfinite(latitudes) & np.isfinite(longitudes)
        self.payload = script_json(
            {
                **_pack(latitudes[placed], longitudes[placed], numbers[placed]),
                "colours": list(colours),
                "title": title,
                "chosen": int(placed[:chosen].sum()) if chosen is not None and placed[chosen] else None,
                "legend": [[entry.label, entry.colour, entry.count] for entry in legend],
            }
        )


def clicked(answer: str | None, placed: NDArray[np.bool_]) -> int | None:
    """The row of the point that was clicked, of what the map returned; None where none was.

    Parameters
    ----------
    placed : (N,) which rows have coordinates.
    """
    rows = np.flatnonzero(placed)
    number = (answer or "").partition("#")[0]
    return int(rows[int(number)]) if number.isdecimal() and int(number) < len(rows) else None


def script_json(value: Any) -> str:
    """JSON that may stand inside a script: no text in it can end the script or start markup."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    for sign in "<>&`":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _check_classes(numbers: np.ndarray[Any, np.dtype[np.int64]], colours: Sequence[str]) -> None:
    if len(colours) > MOST_CLASSES:
        raise ValueError(f"{len(colours)} colours given; a map shows at most {MOST_CLASSES}: merge the rare ones")
    strange = sorted(set(np.unique(numbers).tolist()) - {HIDDEN, QUIET} - set(range(len(colours))))
    if strange:
        raise ValueError(f"class {strange[0]} has no colour; {len(colours)} colours were given")


def _pack(
    lat: np.ndarray[Any, np.dtype[np.float64]],
    lon: np.ndarray[Any, np.dtype[np.float64]],
    classes: np.ndarray[Any, np.dtype[np.int64]],
) -> dict[str, Any]:
    """All latitudes, then all longitudes, then all classes as base64, and what their steps mean."""
    if not len(lat):
        return {"n": 0, "bits": 16, "box": [0, 0, 0, 0], "data": ""}
    south, west, north, east = lat.min(), lon.min(), lat.max(), lon.max()
    small = max(north - south, east - west) <= FINEST_SPAN
    steps, kind = (STEPS_16, "<u2") if small else (STEPS_32, "<u4")
    rows = np.rint((lat - south) / max(north - south, 1e-9) * steps).astype(kind)
    columns = np.rint((lon - west) / max(east - west, 1e-9) * steps).astype(kind)
    data = rows.tobytes() + columns.tobytes() + classes.astype(np.uint8).tobytes()
    return {
        "n": len(lat),
        "bits": 16 if small else 32,
        "box": [float(south), float(west), float(north), float(east)],
        "data": base64.b64encode(data).decode(),
    }
