"""AVA: rows without a header become votes, tags and challenges, its lists splits and styles; faults are named."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.collection.samples import PHOTOS, encoded, picture, write
from urbanlens.cli import main
from urbanlens.collection import ImageCollection, ImportReport, check, import_images
from urbanlens.collection.importing.ava import list_ava, read_votes, recognises, without_copies
from urbanlens.collection.importing.ava_lists import Lists, Names, read_lists
from urbanlens.errors import CollectionError
from urbanlens.training.rows import TABLE, splits_of

REAL = PHOTOS.parent / "annotations" / "ava"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the files of ../shared/annotations are not on this machine")

COUNTS = [[0, 1, 5, 17, 38, 36, 15, 6, 5, 1], [10, 7, 15, 26, 26, 21, 10, 8, 1, 2], [2, 3, 5, 7, 11, 13, 7, 5, 3, 2]]
IDS = ["953619", "953958", "954184"]
TAGS = "1 Abstract\n21 Black and White\n22 Macro_Shots\n34 Digital  Art\n"
CHALLENGES = "1396 100_Meters\n1391 Flowers_in_Garden___Field\n"


def line(number: int, image: str, counts: list[int], end: str = "1 22 1396") -> str:
    return f"{number} {image} {' '.join(map(str, counts))} {end}"


ROWS = [
    line(1, IDS[0], COUNTS[0]),
    line(2, IDS[1], COUNTS[1], "0 34 1391"),
    line(3, IDS[2], COUNTS[2], "0 0 0"),
]


def source(folder: Path, rows: list[str] | None = None, *, images: list[str] | None = None, below: str = "",
           name: str = "AVA.txt", **files: str) -> Path:  # fmt: skip
    """AVA's folder; `files` are more texts, "styles__train_lab" for styles/train.lab."""
    for number, image in enumerate(IDS if images is None else images):
        colour = (20 * number % 250, 90, 40)
        write(folder / below / f"{image}.jpg", encoded(picture(colour=colour), "JPEG"))
    files = {"tags_txt": TAGS, "challenges_txt": CHALLENGES, **files}
    for key, text in files.items():
        write(folder / ".".join(key.replace("__", "/").rsplit("_", 1)), text)
    return write(folder / name, "\n".join([*(ROWS if rows is None else rows), ""]))


def imported(given: Path, tmp_path: Path, **options: object) -> tuple[ImportReport, ImageCollection]:
    report = import_images(given, tmp_path / "dest", **options)
    c = ImageCollection.open(report.collection)
    assert report.imported == len(c) and check(report.collection).ok
    return report, c


def said(report: ImportReport) -> str:
    return "\n".join(report.notes)


def test_votes_tags_and_challenges(tmp_path: Path) -> None:
    report, c = imported(source(tmp_path / "src"), tmp_path)
    assert report.rejected == [] and c.ids == IDS and c.title == "AVA"
    assert c.table["votes"].tolist() == COUNTS
    assert c.table["tags"].tolist() == [["Abstract", "Macro Shots"], ["Digital Art"], []]
    assert c.table["challenge"].isna().tolist() == [False, False, True]
    assert list(c.table["challenge"][:2]) == ["100 Meters", "Flowers in Garden Field"]
    assert (c.columns.labels, c.columns.votes, c.columns.tags) == (["challenge"], "votes", "tags")
    assert c.columns.scores == [] and c.columns.attributes == []
    assert c.table[["lat", "lon"]].isna().all(axis=None) and not c.located.any()
    assert set(c.table["split"]) <= {"train", "val", "test"} and "came without a split" in said(report)


@pytest.mark.parametrize("kind", ["folder", "file", "zip", "zip in a folder", "above", "command"])
@pytest.mark.parametrize("below", ["", "images/images"])
@pytest.mark.parametrize("name", ["AVA.txt", "votes of all.TXT"])
def test_folder_file_zip_and_command_give_the_same(tmp_path: Path, kind: str, below: str, name: str) -> None:
    file = source(tmp_path / "src", below=below, name=name)
    if kind == "command":
        assert main(["import", str(file.parent), str(tmp_path / "dest"), "--json"]) == 0
        c = ImageCollection.open(tmp_path / "dest")
    else:
        given = {"folder": file.parent, "file": file, "above": tmp_path}.get(kind)
        if given is None:
            given = tmp_path / "zips" / "src.zip"
            given.parent.mkdir()
            with zipfile.ZipFile(given, "w") as packed:
                for path in sorted(file.parent.rglob("*")):
                    packed.write(path, str(path.relative_to(file.parent if kind == "zip" else file.parent.parent)))
        report, c = imported(given, tmp_path)
        assert report.rejected == []
    assert c.ids == IDS and c.table["votes"].tolist() == COUNTS and c.columns.labels == ["challenge"]
    assert c.table["tags"].iat[0] == ["Abstract", "Macro Shots"]
    assert c.path(IDS[1]).read_bytes() == (file.parent / below / f"{IDS[1]}.jpg").read_bytes()


def test_images_may_lie_beside_avas_own_folder(tmp_path: Path) -> None:
    source(tmp_path / "src" / "AVA_dataset", below="../images", lists__all_test_jpgl="\n".join(IDS))
    (tmp_path / "src" / "AVA_dataset" / "lists" / "all_test.jpgl").rename(tmp_path / "src" / "all_test.jpgl")
    report, c = imported(tmp_path / "src", tmp_path)
    assert c.ids == IDS and report.rejected == [] and list(c.table["split"]) == ["test"] * 3


def test_of_several_images_the_nearest_is_taken_and_others_are_said(tmp_path: Path) -> None:
    file = source(tmp_path / "src", images=[*IDS, "7"])
    write(tmp_path / "src" / "small" / f"{IDS[0]}.jpg", encoded(picture((8, 8)), "JPEG"))
    write(tmp_path / "src" / f"{IDS[0]}.png", encoded())
    report, c = imported(file, tmp_path)
    assert c.path(IDS[0]).read_bytes() == (tmp_path / "src" / f"{IDS[0]}.jpg").read_bytes()
    assert "1 rows have more than one image of their id" in said(report)
    assert "3 images that AVA.txt does not name were left alone, as 7.jpg" in said(report)


def test_images_that_are_not_there_are_counted_and_named_by_their_line(tmp_path: Path) -> None:
    rows = [line(number, str(number), COUNTS[0]) for number in range(1, 301)]
    bad = "301 301 1 2 3"
    report, c = imported(source(tmp_path / "src", [*rows, bad], images=["7", "300"]), tmp_path)
    assert c.ids == ["7", "300"] and report.imported + len(report.rejected) == 301
    assert report.rejected[0][0] == "AVA.txt, line 301"
    assert report.rejected[1] == ("AVA.txt, line 1", "there is no image 1.jpg in the source's folder: copy it there")
    assert "298 of the 300 images of AVA.txt, as 1, are not there and were left out" in said(report)


def test_where_no_image_is_there_nothing_is_written(tmp_path: Path) -> None:
    report = import_images(source(tmp_path / "src", images=[]), tmp_path / "dest")
    assert report.imported == 0 and len(report.rejected) == 3 and "3 of the 3 images" in said(report)
    assert not (tmp_path / "dest").exists()


def test_bad_rows_are_named_with_their_line(tmp_path: Path) -> None:
    write(tmp_path / "src" / "broken.txt", "x")
    counts = " ".join(map(str, COUNTS[0]))
    rows = [
        "1 10 1 2 3",
        f"2 {IDS[0]} {counts} 1 22 1396 7",
        f"3 {IDS[0]} {counts.replace('38', 'many')} 1 22 1396",
        f"4 {IDS[0]} {counts.replace('38', '-38')} 1 22 1396",
        f"5 {IDS[0]} {counts.replace('38', '3.5')} 1 22 1396",
        f"6 ../{IDS[0]} {counts} 1 22 1396",
        f"7 {IDS[0]} {counts} -1 22 1396",
        f"8 {IDS[0]} {counts} 1 22 ²",
        "",
        *ROWS,
        line(13, IDS[1], COUNTS[2]),
        line(14, "77", COUNTS[2]),
        "15 78 " + "9" * 40 + counts[1:] + " 1 22 1396",
    ]
    file = source(tmp_path / "src", rows)
    write(tmp_path / "src" / "77.jpg", b"no picture")
    report, c = imported(file, tmp_path)
    assert c.ids == IDS and c.table["votes"].tolist() == COUNTS
    expected = {1: "it has 5 numbers where 15 are needed", 2: "it has 16 numbers", 3: "count of the mark 5 is 'many'",
                4: "count of the mark 5 is '-38' where a whole number from 0 on", 5: "'3.5'", 6: f"'../{IDS[0]}'",
                7: "first tag is '-1'", 8: "challenge is '²'", 13: f"{IDS[1]} is already in AVA.txt, line 11",
                14: "77.jpg", 15: "count of the mark 1 is '999"}  # fmt: skip
    reasons = dict(report.rejected)
    assert len(reasons) == len(report.rejected) == len(expected)
    for number, text in expected.items():
        assert text in reasons[f"AVA.txt, line {number}"], number


def test_an_image_without_one_vote_keeps_none(tmp_path: Path) -> None:
    rows = [*ROWS[:2], line(3, IDS[2], [0] * 10)]
    report, c = imported(source(tmp_path / "src", rows), tmp_path)
    assert c.table["votes"].isna().tolist() == [False, False, True] and report.rejected == []
    assert "1 images, as that of AVA.txt, line 3, have not one vote" in said(report)
    report = import_images(source(tmp_path / "none", rows[2:]), tmp_path / "dest-none")
    assert ImageCollection.open(report.collection).columns.votes is None and check(report.collection).ok


def test_tags_and_challenges_without_a_name_are_called_by_their_number(tmp_path: Path) -> None:
    rows = [line(1, IDS[0], COUNTS[0], "99 1 5"), line(2, IDS[1], COUNTS[1], "99 99 1396"), ROWS[2]]
    file = source(tmp_path / "src", rows, tags_txt="1 Abstract\nnames\n1 Again\n3\n\n")
    report, c = imported(file, tmp_path)
    assert c.table["tags"].tolist() == [["tag 99", "Abstract"], ["tag 99"], []]
    assert list(c.table["challenge"][:2]) == ["challenge 5", "100 Meters"]
    assert "tags.txt does not know 1 tags, as 99: 2 times a number is the name, as 'tag 99'" in said(report)
    assert "challenges.txt does not know 1 challenges, as 5" in said(report)
    assert "3 lines of tags.txt, as line 2, are no number with a name" in said(report)
    for name in ("tags.txt", "challenges.txt"):
        (tmp_path / "src" / name).unlink()
    report = import_images(file, tmp_path / "numbers")
    c = ImageCollection.open(report.collection)
    assert c.table["tags"].iat[0] == ["tag 99", "tag 1"] and c.table["challenge"].iat[1] == "challenge 1396"
    assert "there is no tags.txt with the names of the tags" in said(report)
    report = import_images(source(tmp_path / "bare", ROWS[2:], tags_txt=""), tmp_path / "bare-dest")
    assert "tags.txt" not in said(report)  # nobody needed it


def test_votes_as_json_are_read_where_there_is_nothing_else(tmp_path: Path) -> None:
    entries = [{"image_id": image, "label": counts} for image, counts in zip(IDS, COUNTS, strict=True)]
    entries[1]["image_id"] = int(IDS[1])
    file = write(tmp_path / "src" / "labels.json", json.dumps([*entries, entries[0], {"image_id": "a", "label": [1]}]))
    for image in IDS:
        write(tmp_path / "src" / "images" / f"{image}.jpg", encoded(kind="JPEG"))
    for number, given in enumerate((file, file.parent)):
        report = import_images(given, tmp_path / f"dest-{number}")
        c = ImageCollection.open(report.collection)
        assert c.ids == IDS and c.table["votes"].tolist() == COUNTS and check(report.collection).ok
        assert (c.columns.labels, c.columns.votes, c.columns.tags) == ([], "votes", None)
        reasons = dict(report.rejected)
        assert "already in labels.json, entry 1" in reasons["labels.json, entry 4"]
        assert "'a' where a whole number" in reasons["labels.json, entry 5"]
    source(tmp_path / "src" / "AVA")  # says more, and so goes before the JSON that lies nearer
    report, c = imported(file.parent, tmp_path)
    assert c.columns.labels == ["challenge"] and "1 more files of votes, as labels.json, were not read" in said(report)
    (file.parent / "AVA" / "AVA.txt").unlink()
    assert without_copies([file]) == [file]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"image_id": "1"}, "no `image_id` and `label`"),
        (["1"], "no `image_id` and `label`"),
        ({"image_id": None, "label": [1] * 10}, "its image_id is None"),
        ({"image_id": "../1", "label": [1] * 10}, "its image_id is '../1'"),
        ({"image_id": 1, "label": [1] * 9}, "ten counts"),
        ({"image_id": 1, "label": [*[1] * 9, -1]}, "ten counts"),
        ({"image_id": 1, "label": [*[1] * 9, 0.5]}, "ten counts"),
        ({"image_id": 1, "label": [*[1] * 9, "1"]}, "ten counts"),
        ({"image_id": 1, "label": {"1": 1}}, "ten counts"),
    ],
)
def test_bad_entries_of_the_json_are_named(tmp_path: Path, entry: object, why: str) -> None:
    good = {"image_id": "5", "label": COUNTS[0]}
    votes = read_votes(write(tmp_path / "v.json", json.dumps([good, entry])))
    assert [row.image for row in votes.rows] == ["5"] and len(votes.rejected) == 1
    assert votes.rejected[0][0] == "v.json, entry 2" and why in votes.rejected[0][1]
    assert not recognises(write(tmp_path / "w.json", json.dumps([entry])))


def test_what_a_file_is_shows_in_how_it_begins(tmp_path: Path) -> None:
    wanted = {
        "plain": "\n".join(ROWS),
        "bom": "\ufeff" + ROWS[0],
        "windows": "\r\n".join([*ROWS, ""]),
        "tabs": ROWS[0].replace(" ", "\t"),
        "first one bad": "\n".join(["1 x", *ROWS]),
        "blank lines": "\n\n" + ROWS[0],
    }
    for name, text in wanted.items():
        file = write(tmp_path / f"{name}.txt", text)
        assert recognises(file), name
        assert read_votes(file).rows[-1].counts in COUNTS
    header = "\t".join("abcdefghijklmno")
    others = {
        "header": "\n".join([header, *(row.replace(" ", "\t") for row in ROWS)]),
        "names": TAGS,
        "empty": "",
        "short": "1 2 3\n4 5 6",
        "floats": ROWS[0].replace("38", "3.8"),
        "binary": "\0\1\2",
    }
    assert not any(recognises(write(tmp_path / f"{name}.txt", text)) for name, text in others.items())
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    assert not recognises(tmp_path / "gone.txt") and not recognises(tmp_path)
    for number, text in enumerate(("{}", "[", "[1]", '[{"image_id": "I01", "label": [0.1]}]', "[" * 100_000)):
        assert not recognises(write(tmp_path / f"{number}.json", text))


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    cut = json.dumps([{"image_id": "1", "label": COUNTS[0]}])[:-1]
    with pytest.raises(CollectionError, match=r"v\.json is no JSON .*download it again"):
        import_images(write(tmp_path / "v.json", cut), tmp_path / "dest")
    with pytest.raises(CollectionError, match=r"v\.json is no list"):
        read_votes(write(tmp_path / "v.json", "{}"))
    with pytest.raises(CollectionError, match=r"v\.txt has 0 rows"):
        read_votes(write(tmp_path / "v.txt", "\n"))
    with pytest.raises(CollectionError, match=r"v\.txt holds zero bytes"):
        read_votes(write(tmp_path / "v.txt", ROWS[0] + "\0"))
    with pytest.raises(CollectionError, match=r"AVA\.txt is AVA, which has no header: import it without `columns`"):
        import_images(source(tmp_path / "src"), tmp_path / "dest", columns={"1": "lat"})


def test_nothing_is_read_outside_the_folder(tmp_path: Path) -> None:
    file = source(tmp_path / "out", images=[], lists__train_jpgl=IDS[0])
    inside = source(tmp_path / "src").parent
    for name, given in (("tags.txt", inside), ("AVA.txt", inside), ("a_train.jpgl", inside / "AVA.txt")):
        kept = (inside / name).read_bytes() if (inside / name).is_file() else b""
        (inside / name).unlink(missing_ok=True)
        (inside / name).symlink_to(file if name == "AVA.txt" else file.parent / "lists" / "train.jpgl")
        with pytest.raises(CollectionError, match=f"'{name}' is a link that leads out of the source's folder"):
            import_images(given, tmp_path / "dest")
        (inside / name).unlink()
        write(inside / name, kept)
    (inside / f"{IDS[0]}.jpg").unlink()
    (inside / f"{IDS[0]}.jpg").symlink_to(write(tmp_path / "out" / "secret.jpg", encoded(kind="JPEG")))
    report, c = imported(inside, tmp_path)
    assert c.ids == IDS[1:] and "leads out" in report.rejected[0][1]


def test_two_files_of_votes_are_as_unclear_as_two_tables(tmp_path: Path) -> None:
    file = source(tmp_path / "src")
    write(file.parent / "other.txt", ROWS[0])
    report, c = imported(file.parent, tmp_path)
    assert "2 tables were not read" in said(report) and len(c) == 3 and "votes" not in c.table
    write(file.parent / "manifest.csv", f"path,lat,lon\n{IDS[0]}.jpg,1,2\n")
    assert import_images(file.parent, tmp_path / "manifest").imported == 1


def test_lists_become_splits(tmp_path: Path) -> None:
    ids = [str(number) for number in range(1, 81)]
    rows = [line(number, image, COUNTS[0]) for number, image in enumerate(ids, start=1)]
    file = source(
        tmp_path / "src", rows, images=ids,
        lists__cats_train_jpgl="\n".join(ids[:60]) + "\n",
        lists__cats_test_jpgl="\n".join(ids[60:70]) + "\nx y\n900\n\n",
        styles__test_jpgl="\n".join([ids[0], "901", ids[1]]),
        lists__notes_jpgl="5",
    )  # fmt: skip
    report, c = imported(file.parent, tmp_path)
    splits = dict(zip(c.ids, c.table["split"].astype(object).where(c.table["split"].notna(), None), strict=True))
    assert all(splits[image] == "test" for image in [*ids[:2], *ids[60:70]])
    assert all(splits[image] in ("train", "val") for image in ids[2:60])
    assert all(splits[image] is None for image in ids[70:])
    val = sum(split == "val" for split in splits.values())
    assert 0 < val < 20
    for text in (
        "2 images are in lists for training and in others for testing: they are for testing",
        f"about a tenth of those only for training, {val} of 58 drawn by their ids",
        "10 images that no list names are for neither",
        "1 lines of the image lists, as cats_test.jpgl, line 11, are no image id",
        "2 ids of the image lists, as 900 of cats_test.jpgl, are not in AVA.txt",
        "notes.jpgl was not read as a split",
    ):
        assert text in said(report)
    assert "came without a split" not in said(report)
    values = np.array(["a", "b"] * 40)
    used, how, _ = splits_of(c, values, None, 0)
    assert how == TABLE and [split or None for split in used.tolist()] == list(splits.values())


def test_the_images_for_validation_are_a_tenth_that_depends_on_nothing_but_their_ids() -> None:
    ids = [str(number) for number in range(5000)]
    whole, half = Lists(train=set(ids)), Lists(train=set(ids[::2]))
    assert {whole.split(image) for image in ids} == {"train", "val"}
    assert sum(whole.split(image) == "val" for image in ids) == pytest.approx(500, rel=0.15)
    assert all(whole.split(image) == half.split(image) for image in ids[::2])


def test_where_the_lists_name_none_of_the_images_splits_are_drawn(tmp_path: Path) -> None:
    report, c = imported(source(tmp_path / "src", lists__a_train_jpgl="1\n2"), tmp_path)
    assert set(c.table["split"]) == {"train", "val", "test"}
    assert "2 ids of the image lists" in said(report) and "came without a split" in said(report)
    file = source(tmp_path / "broken", lists__a_train_jpgl=IDS[0])
    write(file.parent / f"{IDS[0]}.jpg", b"no picture")
    report = import_images(file, tmp_path / "dest-2")
    assert report.imported == 2 and "came without a split" in said(report)
    assert ImageCollection.open(report.collection).table["split"].notna().all()


def test_styles_are_a_label_where_there_is_just_one(tmp_path: Path) -> None:
    file = source(
        tmp_path / "src", [*ROWS, line(4, "5", COUNTS[0]), line(5, "6", COUNTS[0])], images=[*IDS, "5", "6"],
        s__styles_txt="1 HDR\n2 Soft_Focus\n4 Macro\n",
        s__train_jpgl="\n".join([IDS[0], "404"]) + "\n", s__train_lab="2\n1\n\n",
        s__test_jpgl="\n".join([IDS[1], IDS[2], "5"]), s__test_multilab="0 0 1\n1 1 0\n0 0 0\n",
    )  # fmt: skip
    report, c = imported(file, tmp_path)
    assert c.columns.labels == ["challenge", "style"]
    assert list(c.table["style"][:2]) == ["Soft Focus", "Macro"] and c.table["style"][2:].isna().all()
    assert list(c.table["styles"][:3]) == ["Soft Focus", "Macro", "HDR, Soft Focus"]
    assert c.table["styles"][3:].isna().all() and report.rejected == []
    assert "1 images have more than one style" in said(report)


def test_styles_that_cannot_be_known_are_left_out_and_said(tmp_path: Path) -> None:
    file = source(
        tmp_path / "src",
        a__train_jpgl="\n".join(IDS), a__train_lab="1\n2",
        b__train_jpgl="\n".join(IDS), b__train_lab="3\nx\n0", b__styles_txt="1 HDR",
        c__test_jpgl="\n".join(IDS), c__test_multilab="\n".join(["0 1 0", "0 " * 13 + "2", "0 " * 13 + "1"]),
    )  # fmt: skip
    report, c = imported(file, tmp_path)
    assert [value if value == value else None for value in c.table["style"]] == ["style 3", None, "style 14"]
    for text in (
        "train.lab has 2 lines and train.jpgl 3",
        "2 lines of train.lab, as line 2, are not the number of one style",
        "styles.txt does not know 1 styles, as 3: 1 times a number is the name, as 'style 3'",
        "2 lines of test.multilab, as line 1, are not a 0 or 1 for each style",
        "there is no styles.txt with the names of the styles",
    ):
        assert text in said(report)


@needs_real
def test_the_real_votes_are_read_in_full() -> None:
    file, other = REAL / "AVA_format_DERIVED_first3000.txt", REAL / "ava_labels_test.json"
    assert [path.name for path in sorted(REAL.rglob("*")) if recognises(path)] == [file.name, other.name]
    votes = read_votes(file)
    known = [[int(part) for part in text.split()] for text in file.read_text().splitlines()]
    assert (len(votes.rows), votes.rejected) == (len(known), []) == (3000, [])
    assert [row.counts for row in votes.rows] == [row[2:12] for row in known]
    assert sum(map(sum, (row.counts for row in votes.rows))) == 634_433
    copies = read_votes(other)
    assert (len(copies.rows), copies.rejected) == (25_551, [])
    assert sum(map(sum, (row.counts for row in copies.rows))) == 5_385_059
    by_id = {row.image: row.counts for row in copies.rows}
    assert all(by_id[row.image] == row.counts for row in votes.rows)


@needs_real
def test_the_real_names_lists_and_styles_are_read_in_full(tmp_path: Path) -> None:
    files = [path for path in REAL.rglob("*") if path.is_file()]
    for noun, count in (("tag", 66), ("challenge", 1398)):
        names = Names(REAL, files, REAL, noun)
        assert len(names.known) == len(set(names.known.values())) == count and names.notes() == []
        given = dict(text.split(None, 1) for text in (REAL / f"{noun}s.txt").read_text().splitlines())
        assert names.known == {int(key): " ".join(name.replace("_", " ").split()) for key, name in given.items()}
    assert (names.name(1391), Names(REAL, files, REAL, "tag").name(53)) == (
        "Flowers in Garden Field", "High Dynamic Range (HDR)")  # fmt: skip
    listed = {path: path.read_text().split() for path in files if path.suffix == ".jpgl"}
    assert sorted(map(len, listed.values())) == [2500] * 6 + [2809, 11_270]
    known = {image for ids in listed.values() for image in ids}
    lists = read_lists(REAL, files, known, "AVA.txt")
    assert lists.notes == [] and len(lists.train | lists.test) == len(known) == 28_308
    assert (len(lists.train), len(lists.test), len(lists.train & lists.test)) == (18_448, 10_247, 387)
    single = [int(number) for number in (REAL / "style_image_lists" / "train.lab").read_text().split()]
    marked = [text.split() for text in (REAL / "style_image_lists" / "test.multilab").read_text().splitlines()]
    assert sum(map(len, lists.styles.values())) == len(single) + sum(row.count("1") for row in marked)
    names = Names(REAL, files, REAL / "style_image_lists", "style")
    assert len(names.known) == 14
    trained = listed[REAL / "style_image_lists" / "train.jpgl"]
    assert [lists.styles[image] for image in trained] == [[names.name(number)] for number in single]


@needs_real
def test_the_real_download_becomes_a_collection(tmp_path: Path) -> None:
    folder = tmp_path / "src"
    for path in REAL.rglob("*"):
        if path.is_file():
            write(folder / path.relative_to(REAL), path.read_bytes())
    votes = {row.image: row.counts for row in read_votes(REAL / "AVA_format_DERIVED_first3000.txt").rows}
    for image in list(votes)[:400]:
        write(folder / "images" / f"{image}.jpg", encoded(kind="JPEG"))
    report, c = imported(folder, tmp_path)
    assert c.ids == list(votes)[:400] and c.table["votes"].tolist() == list(votes.values())[:400]
    assert len(report.rejected) == 2600 and "2600 of the 3000 images" in said(report)
    assert "ava_labels_test.json, were not read" in said(report)
    assert {"train", "test"} <= set(c.table["split"].dropna()) and c.table["split"].isna().any()
    listing = list_ava(REAL / "ava_labels_test.json", "AVA")
    assert len(listing.rejected) == 25_551 and len(listing.table) == 0
