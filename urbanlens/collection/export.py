"""Tables and regions as files that other programs open."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from urbanlens.collection.regions import Region, to_geojson


def table_csv(table: pd.DataFrame) -> bytes:
    """A table as CSV: UTF-8 with a BOM, which spreadsheets need; lists as JSON."""
    plain = table.copy()
    for name in plain.columns:
        if plain[name].dtype == object:
            plain[name] = plain[name].map(_cell)
    text: str = plain.to_csv(index=False, lineterminator="\n")
    return text.encode("utf-8-sig")


def points_geojson(table: pd.DataFrame) -> bytes:
    """The rows with coordinates as GeoJSON points, the other columns as properties (null where empty)."""
    located = table[table["lat"].notna() & table["lon"].notna()]
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [round(float(row["lon"]), 7), round(float(row["lat"]), 7)]},
            "properties": {str(key): _plain(value) for key, value in row.items() if key not in ("lat", "lon")},
        }
        for row in located.to_dict("records")
    ]
    return _json({"type": "FeatureCollection", "features": features})


def regions_geojson(regions: Iterable[Region]) -> bytes:
    """Regions as a GeoJSON FeatureCollection."""
    return _json(to_geojson(regions))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _cell(value: Any) -> Any:
    return json.dumps(_plain(value), ensure_ascii=False) if isinstance(value, list | tuple | np.ndarray) else value


def _plain(value: Any) -> Any:
    """Any cell as what JSON knows."""
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
