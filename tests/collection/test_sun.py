"""SUN Attributes: its MATLAB files are read as scipy reads them, its marks are merged, and bad files only say so."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat, savemat

from tests.collection.samples import PHOTOS, encoded, picture, write
from urbanlens.collection import ImageCollection, ImportReport, check, import_images
from urbanlens.collection.importing import matlab
from urbanlens.collection.importing.matlab import read_numbers, read_texts
from urbanlens.collection.importing.sun import IMAGES, LABELS, NAMES
from urbanlens.collection.sun_attributes import SIAM_ATTRIBUTES, merge_attributes, plain_name
from urbanlens.errors import CollectionError

REAL = PHOTOS.parent / "annotations" / "sun_attributes"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the labels of ../shared/annotations are not on this machine")
USED = [part for parts in SIAM_ATTRIBUTES.values() for part in parts]
ATTRIBUTES = [*USED, "vegetation", "no horizon"]
FILES = ["a/abbey/sun_aa.jpg", "a/abbey/sun_ab.jpg", "b/brewery/outdoor/sun_ba.jpg", "b/beach/sun_bb.jpg"]


def nested(texts: list[str]) -> np.ndarray:
    """Texts in the nesting that scipy gives MATLAB's cell arrays."""
    cells = np.empty((len(texts), 1), dtype=object)
    for row, text in enumerate(texts):
        cells[row, 0] = np.array([text])
    return cells


def shares(rows: int, columns: int = len(ATTRIBUTES)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, (rows, columns)) / 3


def source(folder: Path, images: list[str] | None = None, values: np.ndarray | None = None, *,
           names: list[str] | None = None, pictures: str = "images", packed: bool = False) -> Path:  # fmt: skip
    images = FILES if images is None else images
    folder.mkdir(parents=True, exist_ok=True)
    labels = shares(len(images)) if values is None else values
    savemat(folder / LABELS, {"labels_cv": labels}, do_compression=packed)
    savemat(folder / NAMES, {"attributes": nested(names or ATTRIBUTES)}, do_compression=packed)
    savemat(folder / IMAGES, {"images": nested(images)}, do_compression=packed)
    for number, file in enumerate(FILES):
        write(folder / pictures / file, encoded(picture(colour=(50 * number, 90, 40)), "JPEG"))
    return folder


def imported(given: Path, tmp_path: Path, **options: object) -> tuple[ImportReport, ImageCollection]:
    report = import_images(given, tmp_path / "dest", **options)
    c = ImageCollection.open(report.collection)
    assert report.imported == len(c) and check(report.collection).ok
    return report, c


@pytest.mark.parametrize("pictures", ["images", ""])
@pytest.mark.parametrize("packed", [False, True])
def test_shares_scenes_and_merged_attributes(tmp_path: Path, pictures: str, packed: bool) -> None:
    report, c = imported(source(tmp_path / "SUN_Attributes", pictures=pictures, packed=packed), tmp_path)
    assert report.rejected == [] and c.ids == ["sun_aa", "sun_ab", "sun_ba", "sun_bb"] and c.title == "SUN Attributes"
    assert list(c.table["scene"]) == ["abbey", "abbey", "brewery/outdoor", "beach"] and c.columns.labels == ["scene"]
    own = c.table[[f"sun.{plain_name(name)}" for name in ATTRIBUTES]].to_numpy()
    assert np.array_equal(own, shares(4))
    assert c.columns.attributes == [f"attr.{name}" for name in SIAM_ATTRIBUTES] and c.columns.scores == []
    both = c.table[["sun.ice", "sun.snow"]].max(axis=1)
    assert list(c.table["attr.ice_snow"]) == list(both) and "sun.far-away_horizon" in c.table
    assert "by meaning" in "\n".join(report.notes)


@pytest.mark.parametrize("kind", ["labels", "names", "zip", "zip in folders", "above"])
def test_files_zips_and_the_downloads_own_folders_give_the_same(tmp_path: Path, kind: str) -> None:
    # The download has the three files in one folder and the images in another beside it.
    apart = kind in ("zip in folders", "above")
    inner = tmp_path / "src" / "SUNAttributeDB" if apart else tmp_path / "src"
    source(inner, pictures="../images" if apart else "images")
    given = {"labels": inner / LABELS, "names": inner / NAMES, "above": tmp_path / "src"}.get(kind)
    if given is None:
        given = tmp_path / "sun.zip"
        with zipfile.ZipFile(given, "w") as packed:
            for path in sorted((tmp_path / "src").rglob("*")):
                packed.write(path, str(path.relative_to(tmp_path)))
    report, c = imported(given, tmp_path)
    assert (report.imported, report.rejected) == (4, []) and c.columns.labels == ["scene"]
    assert c.path("sun_ba").read_bytes() == (inner / ("../images" if apart else "images") / FILES[2]).read_bytes()


def test_bad_rows_are_named_and_the_good_ones_come_in(tmp_path: Path) -> None:
    images = [*FILES, "c/cave/sun_gone.jpg", FILES[0], "", "../../secret.jpg", "d/a.jpg", "d/b.jpg"]
    write(tmp_path / "secret.jpg", encoded(kind="JPEG"))
    values = shares(len(images))
    values[8, 3], values[9, 0] = 1.5, np.nan
    report, c = imported(source(tmp_path / "x" / "src", images, values), tmp_path)
    assert len(c) == 4 and report.imported + len(report.rejected) == len(images)
    expected = {5: "no file 'images/c/cave/sun_gone.jpg'", 6: "already in row 1", 7: "names no image",
                8: "climbs out", 9: "1.5 where a share", 10: "nan where a share"}  # fmt: skip
    assert {where for where, _ in report.rejected} == {f"images.mat, row {row}" for row in expected}
    for where, why in report.rejected:
        assert expected[int(where.split()[-1])] in why


def test_images_that_are_not_named_are_said(tmp_path: Path) -> None:
    report, c = imported(source(tmp_path / "src", FILES[:2]), tmp_path)
    assert len(c) == 2 and any("2 images that images.mat does not name" in note for note in report.notes)


def test_where_no_image_is_there_the_places_are_named(tmp_path: Path) -> None:
    folder = source(tmp_path / "src", ["c/cave/sun_x.jpg"])
    with pytest.raises(CollectionError, match=r"none of the 1 images .* looked for in .*src/images, .*src: unpack"):
        import_images(folder, tmp_path / "dest")
    assert not (tmp_path / "dest").exists()


def test_files_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    for number, values in enumerate((shares(3), shares(4, 5), shares(4).T)):
        with pytest.raises(CollectionError, match=r"names 4 images and attributes.mat .* must be equal"):
            import_images(source(tmp_path / str(number), values=values), tmp_path / "dest")
    folder = source(tmp_path / "twice", names=["trees", "Trees", *ATTRIBUTES[2:]])
    with pytest.raises(CollectionError, match=r"attributes.mat: cell 2, 'Trees', names no attribute of its own"):
        import_images(folder, tmp_path / "dest")
    folder = source(tmp_path / "other", names=["x", *ATTRIBUTES[1:]])
    with pytest.raises(CollectionError, match=r"attributes trees are missing"):
        import_images(folder, tmp_path / "dest")
    (folder / NAMES).unlink()
    with pytest.raises(CollectionError, match=r"lacks attributes.mat: SUN Attributes needs"):
        import_images(folder, tmp_path / "dest")
    with pytest.raises(CollectionError, match="without `columns`"):
        import_images(folder, tmp_path / "dest", columns={"x": "label"})
    assert import_images(folder, tmp_path / "dest", format="folder").imported == 4


def _hdf() -> bytes:
    return b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\x02IM" + bytes(384) + b"\x89HDF\r\n\x1a\n" + bytes(64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw[:-40], "damaged or cut off"),
        (lambda raw: raw[:60], "damaged or cut off"),
        (lambda raw: b"", "damaged or cut off"),
        (lambda raw: b"hello" * 100, "no MATLAB file of level 5"),
        (lambda raw: raw.replace(b"labels_cv", b"labels_xx"), "no variable 'labels_cv'; it has labels_xx"),
        (lambda raw: _hdf(), r"MATLAB 7.3 file \(HDF5\).*-v7"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, change: object, message: str) -> None:
    folder = source(tmp_path / "src")
    write(folder / LABELS, change((folder / LABELS).read_bytes()))
    with pytest.raises(CollectionError, match=f"attributeLabels_continuous.mat.*{message}"):
        import_images(folder, tmp_path / "dest")


def test_a_variable_of_another_kind_says_so(tmp_path: Path) -> None:
    folder = source(tmp_path / "src")
    for number, odd in enumerate((nested(["a"]), np.array(["text"]), np.ones((2, 2, 2)), np.ones((2, 2)) * 1j)):
        savemat(tmp_path / f"{number}.mat", {"v": odd})
        with pytest.raises(CollectionError, match=r"\.mat: the variable 'v' is no matrix"):
            read_numbers(tmp_path / f"{number}.mat", "v")
    with pytest.raises(CollectionError, match="'labels_cv' is no cell array"):
        read_texts(folder / LABELS, "labels_cv")
    savemat(tmp_path / "n.mat", {"v": np.array([np.array(["a"]), np.array([1.5])], dtype=object)})
    with pytest.raises(CollectionError, match="cell 2 of 'v' holds no text"):
        read_texts(tmp_path / "n.mat", "v")


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matlab, "MAX_BYTES", 20_000)
    monkeypatch.setattr(matlab, "MAX_CELLS", 10)
    many, file = np.zeros((1, 2501), np.int8), tmp_path / "n.mat"
    savemat(file, {"v": many, "few": many[:, :2500]}, do_compression=True)
    assert file.stat().st_size < 400
    with pytest.raises(CollectionError, match=r"n.mat: the variable 'v' has 2,501 numbers; at most 2,500 are read"):
        read_numbers(file, "v")
    assert read_numbers(file, "few").shape == (1, 2500)
    savemat(file, {"v": nested(["a"] * 11), "few": nested(["a"] * 10)}, do_compression=True)
    with pytest.raises(CollectionError, match=r"n.mat: the variable 'v' has 11 cells; at most 10 are read"):
        read_texts(file, "v")
    assert read_texts(file, "few") == ["a"] * 10
    savemat(file, {f"v{number}": many[:, :2400] for number in range(12)}, do_compression=True)
    assert read_numbers(file, "v7").shape == (1, 2400)
    for last in ("v8", "v11"):  # each is small, but not all together
        with pytest.raises(CollectionError, match="far too large unpacked"):
            read_numbers(file, last)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["f8", "f4", "u1", "i2", "u4", "i8"])
def test_numbers_are_those_that_scipy_reads(tmp_path: Path, kind: str, packed: bool) -> None:
    given = np.random.default_rng(1).integers(0, 100, (7, 5)).astype(kind)
    savemat(tmp_path / "n.mat", {"first": nested(["x"]), "v": given, "one": given[:1, :1]}, do_compression=packed)
    assert np.array_equal(read_numbers(tmp_path / "n.mat", "v"), loadmat(tmp_path / "n.mat")["v"])
    assert read_numbers(tmp_path / "n.mat", "one").tolist() == [[float(given[0, 0])]]


def test_texts_are_those_that_scipy_reads(tmp_path: Path) -> None:
    given = ["a", "four", "Malmö/日本.jpg", "x" * 300, ""]
    savemat(tmp_path / "t.mat", {"v": nested(given), "row": nested(given).T})
    assert read_texts(tmp_path / "t.mat", "v") == read_texts(tmp_path / "t.mat", "row") == given


def test_a_file_with_wrong_bytes_never_does_more_than_say_so(tmp_path: Path) -> None:
    # scipy 1.17.1's own reader ends the whole program on some of such files.
    folder, dice = source(tmp_path / "src"), random.Random(0)
    for name, read, variable in ((LABELS, read_numbers, "labels_cv"), (NAMES, read_texts, "attributes")):
        whole = (folder / name).read_bytes()
        for _ in range(300):
            raw = bytearray(whole)
            for _ in range(dice.randint(1, 5)):
                raw[dice.randrange(124, min(len(raw), 400))] = dice.randrange(256)
            file = write(tmp_path / "bad.mat", bytes(raw))
            try:
                read(file, variable)
            except CollectionError as error:
                assert "bad.mat" in str(error)


def test_the_merging_has_the_papers_names_and_takes_the_maximum() -> None:
    assert len(SIAM_ATTRIBUTES) == 33 and len(set(USED)) == len(USED)
    values = {name: [number / 100, 0.5] for number, name in enumerate(ATTRIBUTES)}
    merged = merge_attributes(values)
    assert list(merged.columns) == list(SIAM_ATTRIBUTES)
    for new, parts in SIAM_ATTRIBUTES.items():
        assert merged[new].tolist() == [max(values[part][0] for part in parts), 0.5]
    frame = pd.DataFrame(values, index=["a", "b"]).add_prefix("sun.")
    frame.columns = frame.columns.str.replace(" ", "_")
    again = merge_attributes(frame)
    assert list(again.index) == ["a", "b"] and np.array_equal(again.to_numpy(), merged.to_numpy())
    assert frame.columns[0] == "sun.trees"


def test_missing_shares_and_names() -> None:
    few = {"both": ("ice", "snow")}
    merged = merge_attributes({"ice": [np.nan, np.nan, 0.0], "snow": [1 / 3, np.nan, 1.0]}, few)
    assert merged["both"].iloc[[0, 2]].tolist() == [1 / 3, 1.0] and np.isnan(merged["both"].iat[1])
    with pytest.raises(CollectionError, match="attributes snow are missing"):
        merge_attributes({"ice": [0.5]}, few)
    with pytest.raises(CollectionError, match="two of the columns mean the attribute 'ice'"):
        merge_attributes({"ice": [0.5], "sun.ice": [0.5], "snow": [1]}, few)


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("wood (not part of a tree)", "wood"),
        ("aged/ worn", "aged"),
        ("Waves/ surf", "surf"),
        ("sailing/ boating", "boating"),
        ("rock/stone", "rock"),
        ("far-away horizon", "far-away_horizon"),
        ("sun.running_water", "running_water"),
    ],
)
def test_suns_own_long_names_are_known(long: str, short: str) -> None:
    assert plain_name(long) == short


@needs_real
def test_the_real_names_and_labels_are_read(tmp_path: Path) -> None:
    known = (REAL / "labels_sunattribute.txt").read_text().split("\n")
    folder = REAL / "DERIVED_mat"
    names, images = read_texts(folder / NAMES, "attributes"), read_texts(folder / IMAGES, "images")
    values = read_numbers(folder / LABELS, "labels_cv")
    assert names == [name.strip() for name in known if name.strip()] and set(USED) <= set(names)
    assert np.array_equal(values, loadmat(folder / LABELS)["labels_cv"]) and values.shape == (len(images), 102)
    assert images == [row[0][0] for row in loadmat(folder / IMAGES)["images"]]
    for name in (LABELS, NAMES, IMAGES):
        write(tmp_path / "src" / name, (folder / name).read_bytes())
    for image in images[10:13]:
        write(tmp_path / "src" / "images" / image, encoded(kind="JPEG"))
    report, c = imported(tmp_path / "src", tmp_path)
    assert report.imported == 3 and len(report.rejected) == len(images) - 3
    assert report.rejected[0][0] == "images.mat, row 1" and c.table["scene"].iat[2] == "access_road"
    assert np.array_equal(c.table[[f"sun.{plain_name(name)}" for name in names]].to_numpy(), values[10:13])
