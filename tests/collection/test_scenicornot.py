"""ScenicOrNot: single marks become counts, the average the score, and rows that deny themselves are named and left."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.collection.samples import PHOTOS, encoded, picture, write
from urbanlens.collection import ImageCollection, ImportReport, check, import_images
from urbanlens.collection.importing.scenicornot import counts_of_marks, recognises

REAL = PHOTOS.parent / "annotations" / "scenicornot" / "votes_ONE_REAL_ROW.tsv"
HEADER = "ID\tLat\tLon\tAverage\tVariance\tVotes\tGeograph URI"
ROWS = [
    "1\t51.7026\t-2.20985\t4.1111\t1.8765\t4,5,3,5,1,4,4,5,6\thttp://www.geograph.org.uk/photo/7",
    "2\t52.5\t-1.5\t5.5\t8.25\t1,2,3,4,5,6,7,8,9,10\thttp://www.geograph.org.uk/photo/8",
    "3\t53.25\t-1.25\t2.0\t0.0\t2,2,2,2,2,2,2,2,2,2\thttp://www.geograph.org.uk/photo/9",
]


def source(folder: Path, rows: list[str], *, header: str = HEADER, images: str = "123", below: str = "") -> Path:
    for number in images:
        write(folder / below / f"{number}.jpg", encoded(picture(colour=(20 * int(number), 90, 40)), "JPEG"))
    return write(folder / "votes.tsv", "\n".join([header, *rows, ""]))


def imported(given: Path, tmp_path: Path, **options: object) -> tuple[ImportReport, ImageCollection]:
    report = import_images(given, tmp_path / "dest", **options)
    c = ImageCollection.open(report.collection)
    assert report.imported == len(c) and check(report.collection).ok
    return report, c


def test_scores_counts_places_and_addresses(tmp_path: Path) -> None:
    report, c = imported(source(tmp_path / "Great_Britain", ROWS), tmp_path)
    assert report.rejected == [] and c.ids == ["1", "2", "3"] and c.title == "Great Britain"
    assert list(c.table["scenicness"]) == [4.1111, 5.5, 2.0]
    assert list(c.table["scenicness_variance"]) == [1.8765, 8.25, 0.0]
    assert list(c.table["lat"]) == [51.7026, 52.5, 53.25] and list(c.table["lon"]) == [-2.20985, -1.5, -1.25]
    assert c.table["votes"].tolist() == [[1, 0, 1, 3, 3, 1, 0, 0, 0, 0], [1] * 10, [0, 10, *[0] * 8]]
    assert c.table["Geograph URI"].iat[0] == "http://www.geograph.org.uk/photo/7"
    assert (c.columns.scores, c.columns.votes) == (["scenicness", "scenicness_variance"], "votes")
    assert c.columns.labels == [] and c.columns.attributes == []


def test_a_list_of_ten_marks_is_never_taken_for_ten_counts(tmp_path: Path) -> None:
    report, c = imported(source(tmp_path / "src", ROWS[1:]), tmp_path)
    assert [sum(votes) for votes in c.table["votes"]] == [10, 10] and report.rejected == []
    for votes, score in zip(c.table["votes"], c.table["scenicness"], strict=True):
        assert sum(mark * count for mark, count in enumerate(votes, start=1)) / sum(votes) == pytest.approx(score)


@pytest.mark.parametrize("kind", ["folder", "file", "zip", "zip in a folder"])
@pytest.mark.parametrize("below", ["", "pictures/all"])
def test_folder_file_and_zip_give_the_same(tmp_path: Path, kind: str, below: str) -> None:
    file = source(tmp_path / "src", ROWS, below=below)
    given = {"folder": file.parent, "file": file}.get(kind)
    if given is None:
        given = tmp_path / "src.zip"
        with zipfile.ZipFile(given, "w") as packed:
            for path in sorted(file.parent.rglob("*")):
                inside = path.relative_to(file.parent if kind == "zip" else file.parent.parent)
                packed.write(path, str(inside))
    report, c = imported(given, tmp_path)
    assert (report.imported, report.rejected, c.ids) == (3, [], ["1", "2", "3"])
    assert c.table["votes"].iat[1] == [1] * 10
    assert c.path("2").read_bytes() == (file.parent / below / "2.jpg").read_bytes()


def test_case_order_separator_and_bom_of_the_header_do_not_matter(tmp_path: Path) -> None:
    header = "\ufeffgeograph_uri,VOTES,variance,average,LON,lat,id,county"
    row = 'http://www.geograph.org.uk/photo/7,"4,5,3,5,1,4,4,5,6",1.8765,4.1111,-2.20985,51.7026,1,Gloucestershire'
    file = source(tmp_path / "src", [row], header=header, images="1")
    _, c = imported(file, tmp_path, columns={"county": "label"})
    assert (c.table["scenicness"].iat[0], c.table["votes"].iat[0][3]) == (4.1111, 3)
    assert c.columns.labels == ["county"] and c.table["lat"].iat[0] == 51.7026


def test_another_table_called_votes_is_read_as_any_table_is(tmp_path: Path) -> None:
    header, row = "id\tlat\tlon\tvotes", "1\t51.5\t-2.5\t0,0,1,3,3,1,0,0,0,0"
    file = source(tmp_path / "src", [row], header=header, images="1")
    assert not recognises(file)
    _, c = imported(file, tmp_path)
    assert c.table["votes"].iat[0] == [0, 0, 1, 3, 3, 1, 0, 0, 0, 0] and "scenicness" not in c.table


def test_bad_rows_are_named_with_their_line(tmp_path: Path) -> None:
    rows = [
        *ROWS[:2],
        "9\t52\t-1\t4\t0\t4,4\tu",
        "3\t52\t-1\t5\t0\t4,4\tu",
        "3\t52\t-1\t4\t0\t4,11\tu",
        "3\t52\t-1\t4\t0\t4,x\tu",
        "3\t52\t-1\thigh\t0\t4,4\tu",
        "3\t52\t-1\t11\t0\t\tu",
        "3\t52\t-1\t4\tlow\t4,4\tu",
        "3\t152\t-1\t4\t0\t4,4\tu",
        "1\t52\t-1\t4\t0\t4,4\tu",
        "\t52\t-1\t4\t0\t4,4\tu",
        "../3\t52\t-1\t4\t0\t4,4\tu",
        "3\t52\t-1\t4",
        "3\t52\t-1\t4.01\t0\t4,4\tu",
    ]
    report, c = imported(source(tmp_path / "src", rows), tmp_path)
    assert c.ids == ["1", "2", "3"] and report.imported + len(report.rejected) == len(rows)
    expected = {4: "no file '9.jpg'", 5: "average is 5 and the mean of its votes 4.0000", 6: "'4,11'", 7: "'4,x'",
                8: "'high'", 9: "'11'", 10: "'low'", 11: "latitude 152", 12: "'1' is already in votes.tsv, line 2",
                13: "names no image", 14: "climbs out", 15: "4 cells where the header has 7"}  # fmt: skip
    reasons = dict(report.rejected)
    assert len(reasons) == len(report.rejected)
    for line, text in expected.items():
        assert text in reasons[f"votes.tsv, line {line}"], line


def test_what_cannot_be_held_against_the_votes_is_kept_and_said(tmp_path: Path) -> None:
    rows = ["1\t52\t-1\t4\t\t\tu", "2\t52\t-1\t\t\t4,5\tu", "3\t52\t-1\t4.5\t3\t4,5\tu"]
    report, c = imported(source(tmp_path / "src", rows, images="1234"), tmp_path)
    assert c.table["scenicness"].isna().tolist() == [False, True, False]
    assert c.table["votes"].isna().tolist() == [True, False, False]
    said = "\n".join(report.notes)
    assert "2 rows, as votes.tsv, line 2, have no average or no votes" in said
    assert "1 rows, as votes.tsv, line 4, have a variance" in said
    assert "1 images that votes.tsv does not name were left alone, as 4.jpg" in said


def test_of_several_images_the_nearest_is_taken(tmp_path: Path) -> None:
    file = source(tmp_path / "src", ROWS[:1], images="1")
    write(tmp_path / "src" / "small" / "1.jpg", encoded(picture((8, 8)), "JPEG"))
    write(tmp_path / "src" / "1.png", encoded())
    report, c = imported(file, tmp_path)
    assert c.path("1").read_bytes() == (tmp_path / "src" / "1.jpg").read_bytes()
    assert "1 rows have more than one image" in "\n".join(report.notes)


def test_where_every_row_is_bad_nothing_is_written(tmp_path: Path) -> None:
    for number, row in enumerate(("1\t52\t-1\t5\t0\t4,4\tu", "9\t52\t-1\t4\t0\t4,4\tu")):
        report = import_images(source(tmp_path / str(number), [row], images="1"), tmp_path / "dest")
        assert report.imported == 0 and [where for where, _ in report.rejected] == ["votes.tsv, line 2"]
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize(
    ("cell", "counts"),
    [
        ("4,5,3,5,1,4,4,5,6", [1, 0, 1, 3, 3, 1, 0, 0, 0, 0]),
        (" 10; 10 1 ", [1, *[0] * 8, 2]),
        ("7", [0, 0, 0, 0, 0, 0, 1, 0, 0, 0]),
        ("0,1", None),
        ("4.5", None),
        ("²", None),
    ],
)
def test_marks_are_counted(cell: str, counts: list[int] | None) -> None:
    assert counts_of_marks(cell) == counts


@pytest.mark.skipif(not REAL.is_file(), reason="the real row of ../shared/annotations is not on this machine")
def test_the_real_row_is_read(tmp_path: Path) -> None:
    write(tmp_path / "src" / "1.jpg", encoded(kind="JPEG"))
    _, c = imported(write(tmp_path / "src" / "votes.tsv", REAL.read_bytes()), tmp_path)
    assert (c.table["scenicness"].iat[0], c.table["scenicness_variance"].iat[0]) == (4.1111, 1.8765)
    assert c.table["votes"].tolist() == [[1, 0, 1, 3, 3, 1, 0, 0, 0, 0]]
