"""Bytes that one point costs on the map: our typed array against folium's GeoJson and FastMarkerCluster.

`python benchmarks/map_payload.py` prints one JSON line. Each map of the same random places is rendered to the script
that the browser receives; what an empty map costs is subtracted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import folium
import numpy as np
from folium.plugins import FastMarkerCluster

sys.path.insert(0, str(Path(__file__).parents[1]))
from urbanlens.plots.maps import LocalMap
from urbanlens.plots.palette import categorical
from urbanlens.plots.points import PointLayer


def rendered(layer: Any | None) -> int:
    """Bytes of the whole map page with one layer on it."""
    chart = LocalMap((-0.1, -0.1, 0.1, 0.1))
    if layer is not None:
        layer.add_to(chart)
    return len(chart.get_root().render().encode())


def geojson(lat: np.ndarray[Any, Any], lon: np.ndarray[Any, Any], classes: np.ndarray[Any, Any]) -> folium.GeoJson:
    """The same points as one GeoJSON feature each."""
    features = [
        {
            "type": "Feature",
            "properties": {"c": int(number)},
            "geometry": {"type": "Point", "coordinates": [round(float(x), 5), round(float(y), 5)]},
        }
        for y, x, number in zip(lat, lon, classes, strict=True)
    ]
    return folium.GeoJson({"type": "FeatureCollection", "features": features})


def main() -> None:
    answer: dict[str, float | str] = {"benchmark": "map_payload"}
    for points in (3_000, 100_000):
        rng = np.random.default_rng(0)
        lat, lon, classes = rng.uniform(-0.1, 0.1, points), rng.uniform(-0.1, 0.1, points), rng.integers(0, 6, points)
        places = np.round(np.column_stack([lat, lon]), 5).tolist()
        empty = rendered(None)
        ours = (rendered(PointLayer(lat, lon, classes, categorical(6))) - empty) / points
        cluster = (rendered(FastMarkerCluster(places)) - empty) / points  # type: ignore[no-untyped-call]
        plain = (rendered(geojson(lat, lon, classes)) - empty) / points
        answer |= {
            f"ours_bytes_a_point_{points}": round(ours, 1),
            f"fast_marker_cluster_bytes_a_point_{points}": round(cluster, 1),
            f"geojson_bytes_a_point_{points}": round(plain, 1),
            f"ratio_to_geojson_{points}": round(plain / ours, 1),
        }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
