"""Splits share no place; exports are read back; results are kept where they may be written."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from tests.collection.samples import collection, photos
from urbanlens.collection import (
    ImageCollection,
    Region,
    import_images,
    library,
    list_collections,
    read_regions,
    store_for,
)
from urbanlens.collection.ade20k import id_of, names
from urbanlens.collection.export import points_geojson, regions_geojson, table_csv
from urbanlens.collection.splits import split_by_place, superblocks


def places(count: int = 3000, at: float = 48.0) -> tuple[list[str], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return [f"i{n}" for n in range(count)], at + rng.uniform(0, 0.05, count), 2 + rng.uniform(0, 0.08, count)


def test_shares_are_six_two_two_and_no_cell_is_shared() -> None:
    ids, lat, lon = places()
    splits = split_by_place(ids, lat, lon, seed=1)
    shares = [np.mean(splits == name) for name in ("train", "val", "test")]
    assert np.allclose(shares, [0.6, 0.2, 0.2], atol=0.01)
    cells = superblocks(lat, lon)
    assert all(len(set(splits[cells == cell])) == 1 for cell in np.unique(cells))


def test_the_seed_decides_alone() -> None:
    ids, lat, lon = places(500)
    assert np.array_equal(split_by_place(ids, lat, lon, seed=1), split_by_place(ids, lat, lon, seed=1))
    assert not np.array_equal(split_by_place(ids, lat, lon, seed=1), split_by_place(ids, lat, lon, seed=2))


@pytest.mark.parametrize("at", [0.0, 48.0, -70.0])
def test_cells_are_squares_in_metres(at: float) -> None:
    _, lat, lon = places(at=at)
    cells = superblocks(lat, lon, cell_m=500)
    for cell in np.unique(cells)[:40]:
        inside = cells == cell
        assert np.ptp(lat[inside]) * 111_195 <= 500.5
        assert np.ptp(lon[inside]) * 111_195 * np.cos(np.radians(at)) <= 520


def test_images_without_a_place_are_shared_out_one_by_one() -> None:
    nowhere = np.full(100, np.nan)
    splits = split_by_place([str(n) for n in range(100)], nowhere, nowhere)
    assert [int((splits == name).sum()) for name in ("train", "val", "test")] == [60, 20, 20]
    assert set(superblocks(nowhere, nowhere)) == {-1} and len(split_by_place([], [], [])) == 0
    with pytest.raises(ValueError, match="cell_m"):
        superblocks([1], [1], cell_m=0)


def test_the_csv_of_a_table_is_read_back(tmp_path: Path) -> None:
    c = ImageCollection.open(collection(tmp_path / "small"))
    data = table_csv(c.table)
    assert data.startswith(b"\xef\xbb\xbf")
    again = pd.read_csv(io.BytesIO(data))
    assert again["image_id"].tolist() == c.ids and json.loads(again["votes"][2]) == [2] * 10
    assert np.allclose(again["lat"], c.table["lat"], equal_nan=True)


def test_an_exported_table_can_be_imported_again(tmp_path: Path) -> None:
    c = ImageCollection.open(collection(tmp_path / "small"))
    photos(tmp_path / "again" / "images")
    (tmp_path / "again" / "export.csv").write_bytes(table_csv(c.table))
    report = import_images(tmp_path / "again" / "export.csv", tmp_path / "dest")
    again = ImageCollection.open(tmp_path / "dest")
    assert report.rejected == [] and again.ids == c.ids and again.table["votes"].tolist() == c.table["votes"].tolist()
    assert again.table["split"].tolist() == c.table["split"].tolist() and again.columns == c.columns
    assert again.fingerprint == c.fingerprint


def test_points_and_regions_as_geojson(tmp_path: Path) -> None:
    c = ImageCollection.open(collection(tmp_path / "small"))
    points = json.loads(points_geojson(c.table))
    assert len(points["features"]) == 5
    first = points["features"][0]
    assert first["geometry"]["coordinates"] == [0.002, 0.001] and first["properties"]["image_id"] == "a1"
    assert points["features"][1]["properties"]["city"] is None and first["properties"]["tags"] == ["sea"]
    assert read_regions(regions_geojson([Region("A", box(0, 0, 1, 1), "k")]))[0].geometry.equals(box(0, 0, 1, 1))


def test_home_and_the_list_of_collections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANLENS_HOME", str(tmp_path / "home"))
    assert list_collections() == []
    collection(library.collections_folder() / "b")
    collection(library.collections_folder() / "a")
    (library.collections_folder() / "no-collection").mkdir()
    assert [path.name for path in list_collections()] == ["a", "b"]


def test_results_are_kept_beside_a_collection_but_never_in_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANLENS_HOME", str(tmp_path / "home"))
    c = ImageCollection.open(collection(tmp_path / "small"))
    assert store_for(c).roots == [c.root / "artifacts"]
    monkeypatch.setattr(library, "SHIPPED", tmp_path)
    assert store_for(c).roots == [c.root / "artifacts", tmp_path / "home" / "cache" / "small"]


def test_ade20k_names() -> None:
    assert len(names()) == 150 and names()[44] == "signboard" and names()[14] == "earth"
    assert (id_of("Window"), id_of("pavement"), id_of("counter"), id_of("tiger")) == (9, 12, 46, None)
