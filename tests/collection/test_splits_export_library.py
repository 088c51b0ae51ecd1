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
from urbanlens.collection.splits import series_of, split_by_group, split_by_place, superblocks, together


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


def test_images_without_a_place_are_shared_out_in_whole_series() -> None:
    paths, nowhere = [f"images/walk{n // 4}_{n % 4}.jpg" for n in range(400)], np.full(400, np.nan)
    splits = split_by_place(paths, nowhere, nowhere)
    assert [int((splits == name).sum()) for name in ("train", "val", "test")] == [240, 80, 80]
    assert all(len(set(splits[4 * n : 4 * n + 4])) == 1 for n in range(100))
    assert set(superblocks(nowhere, nowhere)) == {-1} and len(split_by_place([], [], [])) == 0
    with pytest.raises(ValueError, match="cell_m"):
        superblocks([1], [1], cell_m=0)


def test_a_large_place_is_not_torn_for_the_sake_of_the_shares() -> None:
    lat = np.concatenate([np.full(85, 48.0), 48.1 + 0.01 * np.arange(15)])
    splits = split_by_place([f"{n}.jpg" for n in range(100)], lat, np.full(100, 2.0))
    assert len(set(splits[:85])) == 1 and len(set(splits)) == 3


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_a_single_film_is_cut_in_its_order(count: int) -> None:
    nowhere = np.full(count, np.nan)
    splits = list(split_by_place([f"film_{n}.jpg" for n in range(count)], nowhere, nowhere))
    assert splits == sorted(splits, key=("train", "val", "test").index) and len(set(splits)) == min(count, 3)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("images/a/0006R0_f00930.jpg", "images/a/0006R0_f00990.png", True),
        ("images/a/0006R0_f00930.jpg", "images/a/0016E5_01200.jpg", False),
        ("images/a/IMG_7.jpg", "images/b/IMG_8.jpg", False),
        ("images/aachen_000003_000019_leftImg8bit.png", "images/aachen_000003_000021_leftImg8bit.png", True),
        ("images/street__p1010736.jpg", "images/street__p9050412.jpg", True),
        ("images/1.jpg", "images/22.jpg", True),
        ("images/old town.jpg", "images/harbour.jpg", False),
    ],
)
def test_photographs_of_one_film_are_known_by_their_names(one: str, other: str, same: bool) -> None:
    assert (series_of(one) == series_of(other)) is same


def test_what_stays_together_is_a_given_group_else_a_place_else_a_series() -> None:
    paths = ["images/a1.jpg", "images/a2.jpg", "images/a3.jpg", "images/b1.jpg", "images/b2.jpg"]
    lat, lon = [48.0, 48.0001, np.nan, np.nan, 52.0], [2.0, 2.0, np.nan, np.nan, 9.0]
    groups = together(paths, lat, lon, ["", "", "", "walk", "walk"])
    assert groups[0] == groups[1] and groups[3] == groups[4] and len(set(groups)) == 3
    assert [name.split()[0] for name in groups] == ["place", "place", "series", "given", "given"]


def test_whole_groups_are_dealt_and_each_class_gets_its_share() -> None:
    rng = np.random.default_rng(0)
    groups = np.array([f"g{number}" for number in rng.integers(0, 90, 900)])
    labels = np.array(["a", "b", ""])[[int(name[1:]) % 3 for name in groups]]
    splits, cut = split_by_group(groups, labels, [f"{n}.jpg" for n in range(900)], seed=2)
    assert cut == [] and all(len(set(splits[groups == name])) == 1 for name in set(groups))
    for label in "ab":
        shares = [np.mean(splits[labels == label] == name) for name in ("train", "val", "test")]
        assert np.allclose(shares, [0.6, 0.2, 0.2], atol=0.05)
    again, _ = split_by_group(groups, labels, [f"{n}.jpg" for n in range(900)], seed=2)
    other, _ = split_by_group(groups, labels, [f"{n}.jpg" for n in range(900)], seed=3)
    assert np.array_equal(splits, again) and not np.array_equal(splits, other)


def test_a_group_that_two_classes_share_is_not_torn() -> None:
    groups = [f"g{number // 4}" for number in range(120)]
    splits, cut = split_by_group(groups, ["a", "a", "b", "b"] * 30, [str(n) for n in range(120)])
    assert cut == [] and all(len(set(splits[4 * n : 4 * n + 4])) == 1 for n in range(30))


@pytest.mark.parametrize("count", [3, 6, 7, 50])
def test_a_class_of_one_group_is_cut_in_the_order_of_its_names(count: int) -> None:
    """Between what is learnt and what is tested lies the validation part."""
    names = [f"film_{number}.jpg" for number in np.random.default_rng(1).permutation(count)]
    splits, cut = split_by_group(["film"] * count, ["a"] * count, names)
    inorder = [splits[names.index(f"film_{number}.jpg")] for number in range(count)]
    assert cut == ["a"]
    assert sorted(inorder, key=("train", "val", "test").index) == inorder and set(inorder) == {"train", "val", "test"}
    assert inorder.count("train") == pytest.approx(0.6 * count, abs=1)


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
