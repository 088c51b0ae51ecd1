import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from tests.embedding.city import small_city
from urbanlens.collection import Region
from urbanlens.embedding import Grouping, group, group_geojson, group_table, mix


def test_groups_by_boundary_take_the_smaller_region_and_its_name(tmp_path: Path) -> None:
    city = small_city(tmp_path / "city")
    regions = [Region("All", box(-1, -1, 1, 1)), Region("East side", box(0, -1, 0.5, 1))]
    groups = group(city, Grouping("place"), None, regions)
    named = [groups.names[label] for label in groups.labels]
    assert named == ["All", "East side", "All", "East side", "All", "East side", "All"]
    assert list(groups.sizes().values()) == [4, 3]


def test_table_and_geojson_hold_each_image_once(tmp_path: Path) -> None:
    city = small_city(tmp_path / "city")
    city.table.loc[2, ["lat", "lon"]] = np.nan
    groups = group(city, Grouping("place", "dbscan", radius_m=300, min_images=2), None)
    table = group_table(city, groups)
    assert table["image_id"].tolist() == city.ids
    assert table["cluster"].iloc[2] == 0
    features = json.loads(json.dumps(group_geojson(city, groups)))["features"]
    assert [f["properties"]["image_id"] for f in features] == [name for name in city.ids if name != "p2"]
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [-0.01, 0.0]}


def test_looks_need_features(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="embed first"):
        group(small_city(tmp_path / "city", 3), Grouping(), None)


def test_shares_of_a_mix_are_of_all_rows() -> None:
    assert mix(pd.Series(["a", "a", None, "b"]), 9) == [("a", 0.5), ("none", 0.25), ("b", 0.25)]
