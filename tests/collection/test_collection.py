"""A collection opens, gives pictures and labels, views are exact, and each contradiction has one clear error."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from tests.collection.samples import collection, encoded, picture, write
from urbanlens.collection import Columns, ImageCollection, Region, check, write_collection
from urbanlens.collection.columns import read_description
from urbanlens.errors import CollectionError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return collection(tmp_path / "small")


def edit(root: Path, **columns: object) -> None:
    table = pd.read_parquet(root / "images.parquet")
    for name, values in columns.items():
        table[name] = values
    table.to_parquet(root / "images.parquet")


def test_opening_gives_what_was_written(root: Path) -> None:
    c = ImageCollection.open(root)
    assert (len(c), c.name, c.title, c.licence) == (6, "small", "Small", "CC0-1.0")
    assert c.ids == [f"a{n}" for n in range(6)]
    assert c.columns == Columns(["city"], ["scenicness"], "votes", "tags", ["attr.trees"])
    assert c.table["votes"].iat[2] == [2] * 10 and c.table["tags"].iat[0] == ["sea"]
    assert c.table["city"].isna().sum() == 2 and c.located.sum() == 5
    assert c.object_names == {3: "sky"} and c.regions == [] and c.models == []


def test_pictures_and_labels(root: Path) -> None:
    c = ImageCollection.open(root)
    assert np.array_equal(np.asarray(c.image("a1")), np.asarray(picture(colour=(20, 100, 50))))
    ids = c.objects("a0")
    assert ids is not None and ids.dtype == np.uint16 and set(np.unique(ids)) == {0, 3}
    assert c.objects("a1") is None
    with pytest.raises(CollectionError, match="no image 'nobody'"):
        c.image("nobody")


def test_views_keep_rows_and_positions(root: Path) -> None:
    c = ImageCollection.open(root)
    odd = c.where(np.arange(6) % 2 == 1)
    assert odd.ids == ["a1", "a3", "a5"] and list(odd.positions) == [1, 3, 5] and odd.whole is c
    last = odd.where(odd.table["scenicness"] > 5)
    assert last.ids == ["a3", "a5"] and list(last.positions) == [3, 5] and last.whole is c
    assert c.where(np.ones(6, bool)).ids == c.ids and len(c.where(np.zeros(6, bool))) == 0
    assert odd.path("a3") == c.path("a3")
    for bad in ([True], np.arange(6)):
        with pytest.raises(CollectionError, match="mask of 6"):
            c.where(bad)


def test_within_is_inside_or_on_the_border_and_never_the_placeless(root: Path) -> None:
    c = ImageCollection.open(root)
    assert c.within(shapely.box(0, 0, 0.004, 0.002)).ids == ["a1", "a2"]
    assert c.within(Region("all", shapely.box(-180, -90, 180, 90))).ids == c.ids[1:]
    assert len(c.within(shapely.Polygon())) == 0
    with pytest.raises(CollectionError, match="shapely geometry"):
        c.within("somewhere")


def test_within_a_hundred_thousand_points_is_fast(root: Path) -> None:
    small = ImageCollection.open(root)
    rng = np.random.default_rng(0)
    count = 100_000
    table = pd.DataFrame({"image_id": np.arange(count).astype(str), "path": "images/x", "lat": rng.normal(size=count),
                          "lon": rng.normal(size=count)})  # fmt: skip
    many = ImageCollection(small.root, small.described, table)
    circle = shapely.Point(0.3, 0.1).buffer(0.7, quad_segs=200)
    started = time.process_time()
    inside = many.within(circle)
    assert time.process_time() - started < 0.5
    distance = np.hypot(table["lon"] - 0.3, table["lat"] - 0.1)
    assert abs(len(inside) - int((distance <= 0.7).sum())) <= 5


def test_the_fingerprint_is_that_of_the_content(root: Path, tmp_path: Path) -> None:
    c = ImageCollection.open(root)
    clone = Path(shutil.copytree(root, tmp_path / "elsewhere" / "clone"))
    assert ImageCollection.open(clone).fingerprint == c.fingerprint
    assert c.where(c.located).fingerprint != c.fingerprint
    write(clone / "images" / "a1.png", encoded(picture((64, 64))))
    assert ImageCollection.open(clone).fingerprint != c.fingerprint


def test_regions_and_models_are_found(root: Path) -> None:
    table = pd.read_parquet(root / "images.parquet")
    regions = [Region("Port", shapely.box(0, 0, 0.01, 0.01), "waterfront")]
    write_collection(root, table, title='Say "hi" \\ ü\n', regions=regions)
    write(root / "models" / "city" / "model.json", "{}")
    c = ImageCollection.open(root)
    assert c.title == 'Say "hi" \\ ü\n'
    assert [(r.name, r.kind) for r in c.regions] == [("Port", "waterfront")]
    assert c.regions[0].geometry.equals(regions[0].geometry)
    assert [folder.name for folder in c.models] == ["city"]


@pytest.mark.parametrize("path", ["../secret.png", "images/../../secret.png", "/etc/passwd", "other/a", "images\0"])
def test_a_path_that_climbs_out_is_refused_with_its_row(root: Path, path: str) -> None:
    write(root.parent / "secret.png", encoded())
    edit(root, path=["images/a0.png", path] + [f"images/a{n}.png" for n in range(2, 6)])
    with pytest.raises(CollectionError, match=r"images\.parquet, row 2: .*(leaves the allowed folders|no usable path)"):
        ImageCollection.open(root)


def test_a_link_that_leads_out_is_never_read(root: Path) -> None:
    secret = write(root.parent / "secret.png", encoded())
    (root / "images" / "a1.png").unlink()
    (root / "images" / "a1.png").symlink_to(secret)
    (root / "objects" / "a1.png").symlink_to(secret)
    c = ImageCollection.open(root)
    with pytest.raises(CollectionError, match="leaves the allowed folders"):
        c.image("a1")
    assert c.objects("a1") is None


def test_roots_may_lie_elsewhere_when_the_toml_says_so(root: Path) -> None:
    outside = root.parent / "photos"
    shutil.move(root / "images", outside)
    edit(root, path=[str(outside / f"a{n}.png") for n in range(6)])
    text = (root / "collection.toml").read_text()
    write(root / "collection.toml", text.replace('roots = ["images"]', f'roots = ["{outside}"]'))
    assert ImageCollection.open(root).image("a3").size == (32, 24)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": ["a0", "a0", "a2", "a3", "a4", "a5"]}, "row 2: the id 'a0' is there twice"),
        ({"lat": [91.0] * 6}, "row 1: lat 91 is out of"),
        ({"lon": [0, 0, -181, 0, 0, 0]}, "row 3: lon -181 is out of"),
        ({"lat": ["north"] * 6}, "lat holds text"),
        ({"path": [None] * 6}, "row 1: path is empty"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(root: Path, change: dict[str, object], message: str) -> None:
    edit(root, **change)
    with pytest.raises(CollectionError, match=message):
        ImageCollection.open(root)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = 'x", "no valid TOML"),
        ("format = 9", "reads format 1"),
        ("title = 3", "title must be text"),
        ("roots = 'images'", "roots must be a list"),
        ("columns = 3", "must be a section"),
        ("[columns]\nlabels = ['mood']", "lacks: mood"),
    ],
)
def test_a_bad_description_is_refused(root: Path, text: str, message: str) -> None:
    write(root / "collection.toml", text)
    with pytest.raises(CollectionError, match=message):
        ImageCollection.open(root)
    assert not check(root).ok


def test_missing_files_say_what_to_do(root: Path, tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="there is no folder"):
        ImageCollection.open(tmp_path / "nowhere")
    with pytest.raises(CollectionError, match="urbanlens import"):
        ImageCollection.open(tmp_path)
    write(root / "images.parquet", b"no parquet")
    with pytest.raises(CollectionError, match="no Parquet"):
        ImageCollection.open(root)
    (root / "images.parquet").unlink()
    with pytest.raises(CollectionError, match="is missing"):
        ImageCollection.open(root)


def test_check_passes_a_good_collection_and_tells_progress(root: Path) -> None:
    seen: list[int] = []
    report = check(root, progress=lambda done, total, what: seen.append(done))
    assert report.ok and (report.images, report.located, report.labelled) == (6, 5, 1)
    assert seen == list(range(1, 7))
    assert report.to_dict()["problems"] == []


def test_check_names_every_problem_with_file_and_row(root: Path) -> None:
    write(root / "images" / "a1.png", b"")
    (root / "images" / "a2.png").unlink()
    write(root / "objects" / "a3.png", encoded())
    write(root / "objects" / "objects.csv", "id,name\n9,moon\n")
    write(root / "regions.geojson", "{}")
    table = pd.read_parquet(root / "images.parquet")
    edit(root, **{"attr.trees": [0, 0, 0, 0, 0, 7.0], "votes": "many", "split": ["dev", *list(table["split"][1:])]})
    report = check(root)
    said = "\n".join(f"{p.where}: {p.what}" for p in report.problems)
    for part in ("row 2 (a1): images/a1.png is empty", "row 3 (a2)", "row 4 (a3): objects/a3.png has colours",
                 "row 1 (a0): the labels hold the ids [3]", "row 6: attr.trees is", "row 1: votes is 'many'",
                 "split holds ['dev']", "regions.geojson"):  # fmt: skip
        assert part in said, (part, said)
    assert len(report.problems) == 8


def test_the_package_imports_neither_torch_nor_streamlit_nor_geopandas() -> None:
    code = (
        "import sys, urbanlens.collection; print([m for m in ('torch', 'streamlit', 'geopandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_attributes_default_to_their_prefix(root: Path) -> None:
    assert read_description(root, ["city", "scenicness", "votes", "tags", "attr.x"]).columns.attributes == ["attr.x"]
