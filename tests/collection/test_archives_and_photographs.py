"""Zips that climb, swell or lie, and what a camera's EXIF says or fails to say."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from PIL import Image, TiffImagePlugin

from tests.collection.samples import encoded, write
from urbanlens.collection import ImageCollection, import_images
from urbanlens.collection.importing import archive
from urbanlens.collection.importing.photographs import Shot, read_shot
from urbanlens.errors import CollectionError


def zipped(path: Path, members: dict[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", packed) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return path


def test_a_zip_of_photographs_and_one_with_a_table(tmp_path: Path) -> None:
    plain = zipped(tmp_path / "p.zip", {"sub/a.png": encoded(), "b.png": encoded(), "__MACOSX/._b.png": b"x"})
    report = import_images(plain, tmp_path / "one")
    assert report.imported == 2 and report.rejected == []
    csv = b"path,lat,lon\na.png,1,2\ngone.png,1,2\n"
    tabled = zipped(tmp_path / "t.zip", {"t/x.csv": csv, "t/a.png": encoded(), "t/other.png": encoded()})
    report = import_images(tabled, tmp_path / "two")
    assert report.imported == 1 and report.rejected[0][0] == "t.zip: x.csv, line 3"
    assert ImageCollection.open(tmp_path / "two").table["lat"].iat[0] == 1


@pytest.mark.parametrize("name", ["../evil.png", "a/../../evil.png", "/tmp/evil.png", "C:\\evil.png", "..\\evil.png"])
def test_a_member_that_climbs_is_left_out_and_named(tmp_path: Path, name: str) -> None:
    source = zipped(tmp_path / "in" / "z.zip", {"good.png": encoded(), name: encoded()})
    report = import_images(source, tmp_path / "in" / "dest")
    assert report.imported == 1 and len(report.rejected) == 1
    where, why = report.rejected[0]
    assert where.startswith("z.zip: ") and "evil.png" in where and ("climbs" in why or "absolute" in why)
    assert not list(tmp_path.rglob("evil.png")) and not Path("/tmp/evil.png").exists()


def test_a_link_inside_a_zip_is_left_out(tmp_path: Path) -> None:
    source = zipped(tmp_path / "z.zip", {"good.png": encoded()})
    with zipfile.ZipFile(source, "a") as opened:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, "/etc/passwd")
    report = import_images(source, tmp_path / "dest")
    assert report.imported == 1 and "link" in report.rejected[0][1]


def test_a_zip_bomb_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = zipped(tmp_path / "bomb.zip", {"a.png": encoded(), "zeros.png": bytes(30_000_000)})
    with pytest.raises(CollectionError, match=r"bomb\.zip: zeros\.png swells"):
        import_images(source, tmp_path / "dest")
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.zip"]


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)
    source = zipped(tmp_path / "z.zip", {f"{n}.png": encoded() for n in range(3)})
    with pytest.raises(CollectionError, match="3 files"):
        import_images(source, tmp_path / "dest")


def test_a_damaged_member_is_left_out_and_a_damaged_zip_refused(tmp_path: Path) -> None:
    source = zipped(tmp_path / "z.zip", {"bad.png": encoded(), "good.png": encoded()}, zipfile.ZIP_STORED)
    data = bytearray(source.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 255
    source.write_bytes(bytes(data))
    report = import_images(source, tmp_path / "dest")
    assert report.imported == 1 and report.rejected[0][0] == "z.zip: bad.png"
    newer = bytes(data).replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff")
    for broken in (b"", b"no zip", bytes(data[: len(data) // 2]), newer):
        with pytest.raises(CollectionError, match=r"b\.zip is no zip"):
            import_images(write(tmp_path / "b.zip", broken), tmp_path / "other")


def test_a_zip_without_images_says_so(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"z\.zip holds no image.*left out: z\.zip: \.\./a\.png"):
        import_images(zipped(tmp_path / "z.zip", {"../a.png": encoded(), "b.txt": b"x"}), tmp_path / "dest")


def rational(*parts: float) -> tuple[TiffImagePlugin.IFDRational, ...]:
    return tuple(TiffImagePlugin.IFDRational(round(part * 10_000), 10_000) for part in parts)


def shot(gps: dict[int, object] | None = None, detail: dict[int, object] | None = None) -> bytes:
    exif = Image.Exif()
    if gps is not None:
        exif.get_ifd(0x8825).update(gps)
    if detail is not None:
        exif.get_ifd(0x8769).update(detail)
    return encoded(kind="JPEG", exif=exif)


def read(data: bytes) -> Shot:
    with Image.open(io.BytesIO(data)) as image:
        return read_shot(image)


@pytest.mark.parametrize(
    ("refs", "signs"), [(("N", "E"), (1, 1)), (("S", "W"), (-1, -1)), (("n", "w"), (1, -1)), (("S", "E"), (-1, 1))]
)
def test_degrees_minutes_seconds_with_their_refs(refs: tuple[str, str], signs: tuple[int, int]) -> None:
    got = read(shot({1: refs[0], 2: rational(33, 51, 35.9), 3: refs[1], 4: rational(151, 12, 40)}))
    assert got.lat == pytest.approx(signs[0] * (33 + 51 / 60 + 35.9 / 3600), abs=1e-6)
    assert got.lon == pytest.approx(signs[1] * (151 + 12 / 60 + 40 / 3600), abs=1e-6)


@pytest.mark.parametrize(
    ("gps", "note"),
    [
        ({1: "N", 2: rational(0, 0, 0), 3: "E", 4: rational(0, 0, 0)}, "0, 0"),
        ({2: rational(48, 0, 0), 4: rational(2, 0, 0)}, "does not say whether"),
        ({1: "N", 2: rational(95, 0, 0), 3: "E", 4: rational(2, 0, 0)}, "95"),
        ({1: "N", 2: rational(48, 0, 0), 3: "E"}, "degrees, minutes"),
        ({1: "N", 2: (TiffImagePlugin.IFDRational(0, 0),) * 3, 3: "E", 4: rational(2, 0, 0)}, "degrees, minutes"),
        ({}, ""),
    ],
)
def test_a_place_that_cannot_be_meant_is_none_and_said(gps: dict[int, object], note: str) -> None:
    got = read(shot(gps))
    assert got.lat != got.lat and got.lon != got.lon and note in got.note


def test_heading_and_time() -> None:
    got = read(shot({17: rational(365.5)[0]}, {0x9003: "2019:06:30 12:34:56", 0x9011: "+02:00"}))
    assert got.heading == pytest.approx(5.5) and got.captured_at == "2019-06-30T12:34:56+02:00"
    assert read(shot({}, {0x9003: "0000:00:00 00:00:00"})).captured_at is None


def test_a_folder_of_photographs(tmp_path: Path) -> None:
    here = {1: "N", 2: rational(48, 30, 0), 3: "E", 4: rational(2, 30, 0), 17: rational(90)[0]}
    write(tmp_path / "src" / "Paris" / "one.JPG", shot(here, {0x9003: "2019:06:30 12:34:56"}))
    write(tmp_path / "src" / "Paris" / "two.jpg", shot())
    write(tmp_path / "src" / "Lund" / "one.jpg", shot({1: "N", 2: rational(0), 3: "E", 4: rational(0)}))
    write(tmp_path / "src" / "Lund" / "broken.jpg", b"\xff\xd8\xff")
    write(tmp_path / "src" / "readme.md", "hello")
    (tmp_path / "src" / "away").symlink_to(tmp_path)
    (tmp_path / "src" / "out.jpg").symlink_to(write(tmp_path / "secret.jpg", encoded(kind="JPEG")))
    report = import_images(tmp_path / "src", tmp_path / "dest")
    c = ImageCollection.open(tmp_path / "dest")
    assert report.imported == len(c) == 3
    assert sorted(where for where, _ in report.rejected) == ["Lund/broken.jpg", "away", "out.jpg"]
    row = c.table.set_index("path").loc["images/Paris/one.JPG"]
    assert (row["lat"], row["lon"], row["heading"], row["captured_at"]) == (48.5, 2.5, 90, "2019-06-30T12:34:56")
    assert c.located.sum() == 1 and c.columns.labels == ["folder"] and set(c.table["folder"]) == {"Paris", "Lund"}
    said = "\n".join(report.notes)
    assert "0, 0" in said and "readme.md" in said


def test_other_tables_beside_photographs_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "src" / "a.png", encoded())
    write(tmp_path / "src" / "regions.geojson", '{"type": "FeatureCollection", "features": []}')
    write(tmp_path / "src" / "weather.csv", "day,rain\n1,2\n")
    assert import_images(tmp_path / "src", tmp_path / "one").imported == 1
    for name in ("x.csv", "y.csv"):
        write(tmp_path / "src" / name, "path,city\na.png,A\n")
    report = import_images(tmp_path / "src", tmp_path / "two")
    assert report.imported == 1 and any("2 tables were not read" in note for note in report.notes)


def test_folders_and_formats_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    for source, options, message in (
        (tmp_path / "void", {}, "holds no image"),
        (tmp_path / "nowhere", {}, "no file or folder"),
        (tmp_path / "void", {"format": "mat"}, "allowed are auto, folder, table"),
        (tmp_path / "void", {"format": "table"}, "0 tables"),
        (write(tmp_path / "x.csv", "path\n"), {"format": "folder"}, "needs a folder"),
        (write(tmp_path / "x.docx", "path\n"), {}, "no table that can be read"),
    ):
        with pytest.raises(CollectionError, match=message):
            import_images(source, tmp_path / "dest", **options)
