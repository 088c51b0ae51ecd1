"""Imports: rows in = imported + rejected, bytes unchanged, each bad input named with file and line, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.collection.samples import PHOTOS, encoded, photos, write
from urbanlens.collection import ImageCollection, ImportReport, check, import_images
from urbanlens.errors import Cancelled, CollectionError


def table(folder: Path, text: str | bytes, name: str = "photos.csv") -> Path:
    photos(folder)
    return write(folder / name, text)


def imported(source: Path, tmp_path: Path, **options: object) -> tuple[ImportReport, ImageCollection]:
    report = import_images(source, tmp_path / "dest", **options)
    assert report.collection == tmp_path / "dest"
    c = ImageCollection.open(report.collection)
    assert report.imported == len(c) and check(report.collection).ok
    return report, c


def why(report: ImportReport, line: int) -> str:
    """The reason given for a line; the line must be rejected once."""
    (reason,) = [text for where, text in report.rejected if where.endswith(f"photos.csv, line {line}")]
    return reason


def test_a_plain_table_is_imported_whole(tmp_path: Path) -> None:
    source = table(tmp_path / "src", "path,lat,lon,city,score\n" + "".join(
        f"a{n}.png,{n}.5,{n}.25,{'AB'[n % 2]},{n}.5\n" for n in range(6)))  # fmt: skip
    report, c = imported(source, tmp_path)
    assert report.imported == 6 and report.rejected == []
    assert list(c.table["lat"]) == [n + 0.5 for n in range(6)] and list(c.table["lon"]) == [n + 0.25 for n in range(6)]
    assert c.columns.labels == ["city"] and c.columns.scores == ["score"]
    for number, image_id in enumerate(c.ids):
        assert c.path(image_id).read_bytes() == (tmp_path / "src" / f"a{number}.png").read_bytes()
    assert set(c.table["split"]) <= {"train", "val", "test"}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Image_Path,Latitude,LNG", "a1.png,59.5,-18.25"),
        ("file;y;x", "a1.png;59,5;-18,25"),
        ("\ufefffilename\tlatitude\tlongitude", "a1.png\t59.5\t-18.25"),
        ("file name,lat,long", '"a1.png","59,5","-18,25"'),
        ("img|GPS_lat|GPS_lon", "a1.png|59.5|-18.25"),
        (",path,lat,lon,unrelated", "0,a1.png,59.5,-18.25,"),
    ],
)
def test_spellings_decimal_commas_boms_and_separators(tmp_path: Path, header: str, row: str) -> None:
    report, c = imported(table(tmp_path / "src", f"{header}\r\n{row}\r\n"), tmp_path)
    assert (report.imported, report.rejected) == (1, [])
    assert (c.table["lat"].iat[0], c.table["lon"].iat[0], c.ids) == (59.5, -18.25, ["a1"])


def test_utf16_and_latin_tables_are_read(tmp_path: Path) -> None:
    for name, encoding in (("a", "utf-16"), ("b", "cp1252")):
        source = table(tmp_path / name, "path,city\na0.png,Malmö\na1.png,Åbo\n".encode(encoding))
        report = import_images(source, tmp_path / f"dest-{name}")
        assert list(ImageCollection.open(report.collection).table["city"]) == ["Malmö", "Åbo"]


def test_each_bad_row_is_named_with_its_line_and_the_good_ones_come_in(tmp_path: Path) -> None:
    write(tmp_path / "secret.png", encoded())
    lines = ["path,lat,lon,score", "a0.png,48.85,2.35,1", "a1.png,91,2.35,2", "a2.png,139.7,35.6,3",
             "a3.png,north,2.35,4", "a4.png,48.85,,5", "a5.png,48.85,2.35,many", "gone.png,48.85,2.35,6",
             "../secret.png,48.85,2.35,7", "/etc/hostname,48.85,2.35,8", "https://x.org/a.jpg,48.85,2.35,9",
             ",48.85,2.35,10", "a0.png,48.85,2.35,11", "a1.png,48.85,200,12", "a2.png,48,85,2,35,13",
             "", "a3.png,5400000,450000,14", '"a4\n.png",1,2,3', "a5.png,48.86,2.36,15"]  # fmt: skip
    report, c = imported(table(tmp_path / "src", "\n".join(lines)), tmp_path)
    assert c.ids == ["a0", "a5"], report.rejected
    assert report.imported + len(report.rejected) == len(lines) - 2
    expected = {3: "latitude 91 is out of range", 4: "look swapped", 5: "'lat' holds 'north'",
                6: "latitude and no longitude", 7: "'score' holds 'many'", 8: "there is no file 'gone.png'",
                9: "climbs out", 10: "no path below", 11: "web address", 12: "names no image",
                13: "already in photos.csv, line 2", 14: "longitude 200", 15: "6 cells where the header has 4",
                17: "projected metres", 18: "no file"}  # fmt: skip
    for line, text in expected.items():
        assert text in why(report, line), (line, why(report, line))
    assert list(c.table["score"]) == [1, 15] and b"secret" not in b"".join(p.name.encode() for p in c.root.rglob("*"))


def test_one_swapped_place_among_many_is_found(tmp_path: Path) -> None:
    rows = "".join(f"a{n}.png,48.8{n},2.3{n}\n" for n in range(5)) + "a5.png,2.35,48.85\n"
    report, c = imported(table(tmp_path / "src", "path,lat,lon\n" + rows), tmp_path)
    assert len(c) == 5 and "look swapped" in why(report, 7)


def test_a_wholly_swapped_table_is_refused_and_read_when_told(tmp_path: Path) -> None:
    source = table(tmp_path / "src", "path,lat,lon\na0.png,139.7,35.6\na1.png,139.8,35.7\n")
    report = import_images(source, tmp_path / "dest")
    assert report.imported == 0 and len(report.rejected) == 2
    assert "columns={'lat': 'lon', 'lon': 'lat'}" in "\n".join(report.notes)
    _, c = imported(source, tmp_path, columns={"lat": "lon", "lon": "lat"})
    assert list(c.table["lat"]) == [35.6, 35.7] and list(c.table["lon"]) == [139.7, 139.8]


def test_images_that_were_uploaded_flat_are_found_by_name(tmp_path: Path) -> None:
    _, c = imported(table(tmp_path / "src", "path\nx/a0.png\ny\\a1.png\n"), tmp_path)
    assert c.ids == ["a0", "a1"]
    report = import_images(table(tmp_path / "two", "path\nx/a0.png\ny/a0.png\n"), tmp_path / "none")
    assert report.imported == 0 and len(report.rejected) == 2


def test_rows_without_a_place_are_welcome_and_zero_zero_is_none(tmp_path: Path) -> None:
    report, c = imported(
        table(tmp_path / "src", "path,lat,lon\na0.png,,\na1.png,NA,nan\na2.png,0,0\na3.png,1,2\n"), tmp_path
    )
    assert report.imported == 4 and list(c.located) == [False, False, False, True]
    assert any("0, 0" in note for note in report.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"photos\.csv is empty"),
        ("path,lat,lon\n", "0 rows"),
        ("lat,lon\n1,2\n", "no column that names the image files; it has lat, lon"),
        ("path,lat\na0.png,1\n", "none for lon"),
        ("path,lng\na0.png,1\n", "none for lat"),
        ('path,lat,lon\n"a0.png,1,2\n', r"photos\.csv, line 2"),
        (b"path,lat\x00,lon\n", "zero bytes"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_whole(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(CollectionError, match=message):
        import_images(table(tmp_path / "src", text), tmp_path / "dest")
    assert not (tmp_path / "dest").exists()


def test_duplicate_ids_keep_the_first(tmp_path: Path) -> None:
    report, c = imported(table(tmp_path / "src", "id,path\n7,a0.png\n7,a1.png\n8,a2.png\n"), tmp_path)
    assert c.ids == ["7", "8"] and "the id '7' is already in photos.csv, line 2" in why(report, 3)


def test_strange_ids_and_names_become_safe_and_stay_apart(tmp_path: Path) -> None:
    for name in ("x/a.png", "y/a.png", "x/ü b.png", "x/A.png"):
        write(tmp_path / "src" / name, encoded())
    source = write(
        tmp_path / "src" / "t.csv", "id,path\n../../up,x/a.png\n.hidden,y/a.png\na/b,x/ü b.png\na_b,x/A.png\n"
    )
    _, c = imported(source, tmp_path)
    assert len({name.casefold() for name in c.ids}) == 4 and not any("/" in name or name[0] == "." for name in c.ids)
    assert all(c.path(name).is_relative_to(c.root / "images") for name in c.ids)
    assert len({str(c.path(name)).casefold() for name in c.ids}) == 4


def test_bad_images_are_rejected_by_line_and_the_rest_comes_in(tmp_path: Path) -> None:
    source = table(tmp_path / "src", "path\na0.png\ncut.png\ntext.jpg\nempty.png\n")
    whole = encoded(Image.effect_noise((64, 64), 50))
    write(tmp_path / "src" / "cut.png", whole[: len(whole) // 2])
    write(tmp_path / "src" / "text.jpg", "hello")
    write(tmp_path / "src" / "empty.png", b"")
    report, c = imported(source, tmp_path)
    assert c.ids == ["a0"]
    assert "cut.png is damaged" in why(report, 3) and "no image" in why(report, 4) and "0 bytes" in why(report, 5)


def test_where_no_image_is_good_nothing_is_written(tmp_path: Path) -> None:
    report = import_images(table(tmp_path / "src", "path,lat,lon\na0.png,91,0\n"), tmp_path / "dest")
    assert report.imported == 0 and len(report.rejected) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["src"]


def test_a_link_out_of_the_source_is_not_followed(tmp_path: Path) -> None:
    source = table(tmp_path / "src", "path\na0.png\nlink.png\n")
    (tmp_path / "src" / "link.png").symlink_to(write(tmp_path / "secret.png", encoded()))
    report, c = imported(source, tmp_path)
    assert c.ids == ["a0"] and "link that leads out" in why(report, 3)


def test_a_taken_destination_is_left_as_it_was(tmp_path: Path) -> None:
    source = table(tmp_path / "src", "path\na0.png\n")
    import_images(source, tmp_path / "dest")
    before = {path: path.read_bytes() for path in (tmp_path / "dest").rglob("*") if path.is_file()}
    with pytest.raises(CollectionError, match="already a collection"):
        import_images(source, tmp_path / "dest")
    with pytest.raises(CollectionError, match="a folder with files"):
        import_images(source, tmp_path / "src")
    with pytest.raises(CollectionError, match="a file or a link"):
        import_images(source, source)
    assert before == {path: path.read_bytes() for path in (tmp_path / "dest").rglob("*") if path.is_file()}
    (tmp_path / "empty").mkdir()
    assert import_images(source, tmp_path / "empty").imported == 1


def test_a_cancelled_import_leaves_nothing(tmp_path: Path) -> None:
    source = table(tmp_path / "src", "path\n" + "".join(f"a{n}.png\n" for n in range(6)))
    (tmp_path / "dest").mkdir()

    def stop(done: int, total: int, what: str) -> None:
        assert total == 6 and what == "images checked and copied"
        if done == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        import_images(source, tmp_path / "dest", progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dest", "src"] and not any(
        (tmp_path / "dest").iterdir()
    )


def test_columns_may_be_named_by_the_user(tmp_path: Path) -> None:
    source = table(
        tmp_path / "src", "Bild;Breite;Länge;Haus;Art;lat\na0.png;48,1;11,5;12;7;x\na1.png;48,2;11,6;12a;8;y\n"
    )
    meanings = {"Bild": "path", "Breite": "lat", "Länge": "lon", "Haus": "text", "Art": "label"}
    report, c = imported(source, tmp_path, columns=meanings)
    assert report.rejected == [] and list(c.table["lat"]) == [48.1, 48.2] and list(c.table["Haus"]) == ["12", "12a"]
    assert "Art" in c.columns.labels and list(c.table["lat_2"]) == ["x", "y"]
    with pytest.raises(CollectionError, match="no column 'Foto'"):
        import_images(source, tmp_path / "other", columns={"Foto": "path"})
    with pytest.raises(CollectionError, match="cannot mean 'beauty'"):
        import_images(source, tmp_path / "other", columns={"Bild": "beauty"})


def test_votes_tags_splits_times_headings_and_attributes(tmp_path: Path) -> None:
    source = table(tmp_path / "src", "path,votes,tags,subset,timestamp,northdeg,attr.trees\n"
                   'a0.png,"0,1,2,3,4,5,6,7,8,9","sea, sky",training,1500000000000,370,0.5\n'
                   'a1.png,"[1,1,1,1,1,1,1,1,1,1]",,dev,1500000060000,,0.25\n')  # fmt: skip
    _, c = imported(source, tmp_path)
    assert c.table["votes"].tolist() == [list(range(10)), [1] * 10] and c.table["tags"].iat[0] == ["sea", "sky"]
    assert list(c.table["split"]) == ["train", "val"] and c.table["heading"].iat[0] == 10
    assert c.table["captured_at"].iat[0] == "2017-07-14T02:40:00+00:00"
    assert (c.columns.votes, c.columns.tags, c.columns.attributes) == ("votes", "tags", ["attr.trees"])


def test_parquet_and_images_found_by_id(tmp_path: Path) -> None:
    photos(tmp_path / "src" / "pictures")
    frame = pd.DataFrame(
        {"key": ["a1", "a2", "zz"], "lat": [1.0, np.nan, 3.0], "lon": [2.0, np.nan, 3.0], "n": [1, 2, 3]}
    )
    frame.to_parquet(tmp_path / "src" / "t.parquet")
    report, c = imported(tmp_path / "src" / "t.parquet", tmp_path)
    assert c.ids == ["a1", "a2"] and report.rejected[0][0] == "t.parquet, row 3" and list(c.table["n"]) == [1, 2]
    write(tmp_path / "src" / "bad.parquet", "no parquet")
    with pytest.raises(CollectionError, match=r"bad\.parquet is no Parquet"):
        import_images(tmp_path / "src" / "bad.parquet", tmp_path / "other")


def test_a_damaged_parquet_is_one_clear_error(tmp_path: Path) -> None:
    photos(tmp_path / "src")
    whole = tmp_path / "src" / "t.parquet"
    pd.DataFrame({"path": ["a0.png", "a1.png"], "city": ["A", "B"]}).to_parquet(whole, compression="none")
    for number, (old, new) in enumerate(((b'"start"', b'"stxrt"'), (b"a1.png", b"a\xff.png"), (b"PAR1", b"PXR1"))):
        file = write(tmp_path / "src" / f"bad{number}.parquet", whole.read_bytes().replace(old, new))
        if old == b'"start"':
            assert import_images(file, tmp_path / "dest").imported == 2
        else:
            with pytest.raises(CollectionError, match="no Parquet table"):
                import_images(file, tmp_path / "other")


def test_geojson_points(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [11.5, 48.1]}
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    features = [{"type": "Feature", "properties": {"path": f"a{n}.png", "city": "M"}, "geometry": geometry}
                for n, geometry in enumerate([point, None, line, {"type": "Point", "coordinates": []}])]  # fmt: skip
    text = json.dumps({"type": "FeatureCollection", "features": [*features, 5]})
    report, c = imported(table(tmp_path / "src", text, "t.geojson"), tmp_path)
    assert c.ids == ["a0", "a1"] and c.table["lat"].iat[0] == 48.1 and list(c.located) == [True, False]
    assert [where for where, _ in report.rejected] == [f"t.geojson, feature {n}" for n in (3, 4, 5)]
    for number, bad in enumerate(("{}", "[", '{"type": "FeatureCollection", "features": []}')):
        with pytest.raises(CollectionError, match=r"t\.geojson"):
            import_images(table(tmp_path / "src", bad, "t.geojson"), tmp_path / f"other{number}")


def test_a_geopackage_in_metres_is_brought_to_degrees(tmp_path: Path) -> None:
    import geopandas
    from shapely.geometry import Point

    photos(tmp_path / "src")
    frame = geopandas.GeoDataFrame({"path": ["a0.png"]}, geometry=[Point(11.5, 48.1)], crs=4326).to_crs(32632)
    frame.to_file(tmp_path / "src" / "t.gpkg")
    _, c = imported(tmp_path / "src" / "t.gpkg", tmp_path)
    assert c.table["lat"].iat[0] == pytest.approx(48.1) and c.table["lon"].iat[0] == pytest.approx(11.5)


def test_pixel_labels_of_several_schemes_share_one_id_space(tmp_path: Path) -> None:
    source = table(tmp_path / "src", "path,label_path,label_scheme\na0.png,l/0.png,one\na1.png,l/1.png,two\n"
                   "a2.png,l/2.png,ade150\na3.png,l/0.png,three\na4.png,l/small.png,one\na5.png,,\n")  # fmt: skip
    schemes = {
        "one": {"ignore": 9, "classes": {"0": "Sky", "1": "SignSymbol", "9": "Unlabelled"}},
        "two": {"ignore": [0, 255], "classes": {"0": "various", "1": "sky", "2": "signSymbol", "3": "car"}},
    }
    write(tmp_path / "src" / "labels.json", json.dumps(schemes))
    for number, values in enumerate(([0, 1, 9, 77], [0, 1, 2, 3], [0, 3, 21, 150])):
        ids = np.tile(np.array(values, np.uint8), (24, 8))
        write(tmp_path / "src" / "l" / f"{number}.png", encoded(Image.fromarray(ids)))
    write(tmp_path / "src" / "l" / "small.png", encoded(Image.new("L", (5, 5))))
    report, c = imported(source, tmp_path)
    assert report.imported == 6
    merged = [c.objects(name)[0, :4].tolist() for name in ("a0", "a1", "a2")]
    assert merged == [[3, 151, 0, 0], [0, 3, 151, 21], [0, 3, 21, 150]]
    assert c.object_names[3] == "sky" and c.object_names[151] == "sign symbol" and c.object_names[21] == "car"
    assert c.objects("a3") is None and c.objects("a4") is None and c.objects("a5") is None
    said = "\n".join(report.notes)
    assert (
        "line 5: its labels were left out: the label scheme 'three'" in said and "line 6" in said and "5 x 5 px" in said
    )


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs of ../shared/photos are not on this machine")
def test_the_real_photographs_come_in_with_labels_and_the_coordinates_that_exist(tmp_path: Path) -> None:
    given = pd.read_csv(PHOTOS / "manifest.csv")
    report = import_images(PHOTOS / "manifest.csv", tmp_path / "dest")
    c = ImageCollection.open(tmp_path / "dest")
    assert report.imported == len(c) == len(given) == 747 and report.rejected == []
    assert np.array_equal(c.table["lat"].to_numpy(), given["lat"].to_numpy(), equal_nan=True)
    assert np.array_equal(c.table["lon"].to_numpy(), given["lon"].to_numpy(), equal_nan=True)
    assert c.table["city"].fillna("").tolist() == given["city"].fillna("").tolist() and c.columns.labels[0] == "city"
    assert [c.objects_path(name) is not None for name in c.ids] == list(given["label_path"].notna())
    assert list(c.labelled) == list(given["label_path"].notna())
    some = np.arange(len(c)) % 3 == 1
    assert list(c.where(some).labelled) == list(c.labelled[some])
    for row in range(0, 747, 40):
        assert c.path(c.ids[row]).read_bytes() == (PHOTOS / given["path"][row]).read_bytes()
    first = c.objects(c.ids[0])
    raw = np.asarray(Image.open(PHOTOS / given["label_path"][0]))
    assert first is not None and np.array_equal(first == 3, raw == 0) and np.array_equal(first == 0, raw == 11)
