"""The demo's table: where, when and how each picture was taken, and its scores, votes and tags by the rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanlens.demo import rules
from urbanlens.demo.geography import WORLD, to_wgs84
from urbanlens.demo.hashing import chance
from urbanlens.demo.taking import look_of, read_note
from urbanlens.demo.viewpoints import Viewpoint, has_mark

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd


def stack(destination: Path, planned: Sequence[Viewpoint]) -> tuple[npt.NDArray[np.uint8], list[dict[str, Any]]]:
    """(N, A, 15, 15) attribute maps and the measures of all pictures, in the order of the plan."""
    import numpy as np

    notes = [read_note(destination, viewpoint.image_id) for viewpoint in planned]
    return np.stack([maps for maps, _ in notes]), [measured for _, measured in notes]


def table_of(
    planned: Sequence[Viewpoint], maps: npt.NDArray[np.uint8], measured: Sequence[dict[str, Any]], mark: bool
) -> pd.DataFrame:
    """One row a picture."""
    import pandas as pd

    from urbanlens.demo.render.attributes import ATTRIBUTES

    shares = rules.band_shares(maps)
    noise = [chance(WORLD, "noise", v.image_id, v.seed).gauss(0.0, rules.NOISE_SD) for v in planned]
    scores = rules.scenicness(shares, list(ATTRIBUTES), noise)
    means = shares.mean(2)
    rows = []
    for k, viewpoint in enumerate(planned):
        attributes = {name: round(float(means[k, a]), 5) for a, name in enumerate(ATTRIBUTES)}
        rows.append(
            _place(viewpoint)
            | {"mark": mark and has_mark(viewpoint), "scenicness": scores[k]}
            | _opinions(viewpoint, attributes, measured[k])
            | {f"attr.{name}": value for name, value in attributes.items()}
        )
    table = pd.DataFrame(rows)
    table["captured_at"] = pd.to_datetime(table["captured_at"])
    return table


def _place(viewpoint: Viewpoint) -> dict[str, Any]:
    camera, light = viewpoint.camera, viewpoint.light
    lat, lon = to_wgs84((camera.east_m, camera.north_m))
    return {
        "image_id": viewpoint.image_id,
        "path": viewpoint.path,
        "lat": round(lat, 7),
        "lon": round(lon, 7),
        "split": viewpoint.split,
        "heading": round(camera.heading, 1),
        "pitch": round(camera.pitch, 1),
        "height_m": round(camera.height_m, 1),
        "field_of_view": round(camera.field_of_view, 1),
        "captured_at": viewpoint.captured_at,
        "city": viewpoint.city,
        "district": viewpoint.district,
        "district_kind": viewpoint.district_kind,
        "view": viewpoint.view,
        "season": light.season,
        "time_of_day": light.time_of_day,
        "weather": viewpoint.weather,
    }


def _opinions(viewpoint: Viewpoint, attributes: dict[str, float], measured: dict[str, Any]) -> dict[str, Any]:
    look = look_of(measured)
    mark = rules.beauty(attributes, viewpoint.light, viewpoint.weather, look)
    return {
        "votes": rules.votes(mark, chance(WORLD, "votes", viewpoint.image_id, viewpoint.seed)),
        "tags": rules.tags(attributes, viewpoint.light, viewpoint.weather, look, viewpoint.district_kind),
    }
