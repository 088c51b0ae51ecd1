"""Which classes take part, and how their images are shared out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.embedding.towns import looks, rows
from urbanlens.collection import Columns, ImageCollection, write_collection
from urbanlens.collection.splits import split_by_place
from urbanlens.embedding.joining import Rule
from urbanlens.errors import CollectionError
from urbanlens.training.rows import SPLITS, Labelled, labelled_rows

COUNTS = {"Ayr": 40, "Bath": 20, "Cork": 12, "Deal": 5, "Ely": 1}


def town(root: Path, **columns: object) -> ImageCollection:
    """Rows without pictures: five cities of one series of files each, `walk` of 4 images, and 3 images of nowhere."""
    cities = [name for name, count in COUNTS.items() for _ in range(count)] + [None] * 3
    names = [f"{city}_{number:03d}" for number, city in enumerate(cities)]
    table = pd.DataFrame({"image_id": names, "path": [f"images/{name}.jpg" for name in names], "city": cities})
    table["walk"] = [f"walk {number // 4}" for number in range(len(table))]
    write_collection(root, table.assign(lat=None, lon=None, **columns), title="t", columns=Columns(labels=["city"]))
    return ImageCollection.open(root)


def shares(chosen: Labelled, name: str) -> list[int]:
    """Images of a class in training, validation and test."""
    number = chosen.classes.index(name)
    return [int((chosen.rows[split].labels == number).sum()) for split in SPLITS]


def test_small_classes_are_left_out_by_name(tmp_path: Path) -> None:
    chosen = labelled_rows(town(tmp_path), "city")
    assert chosen.classes == ("Ayr", "Bath", "Cork")
    assert {name: missing.images for name, missing in chosen.left_out.items()} == {"Deal": 5, "Ely": 1}
    assert sum(len(part) for part in chosen.rows.values()) == 72
    assert [shares(chosen, name) for name in chosen.classes] == [[24, 8, 8], [12, 4, 4], [7, 3, 2]]


def test_classes_can_be_named_and_the_largest_asked_for(tmp_path: Path) -> None:
    collection = town(tmp_path)
    assert labelled_rows(collection, "city", largest=2).classes == ("Ayr", "Bath")
    assert labelled_rows(collection, "city", largest=2).left_out == {}
    named = labelled_rows(collection, "city", classes=["Cork", "Ayr", "Deal"])
    assert named.classes == ("Ayr", "Cork")
    assert list(named.left_out) == ["Deal"]
    assert labelled_rows(collection, "city", least=3).classes == ("Ayr", "Bath", "Cork", "Deal")


def test_what_cannot_be_chosen_says_what_there_is(tmp_path: Path) -> None:
    collection = town(tmp_path)
    for settings, said in (
        ({"classes": ["Ayr", "Rome"]}, "Rome: there are Ayr 40, Bath 20"),
        ({"classes": ["Ayr", "Deal"]}, "of 6 images or more.*has Ayr 40, Deal 5"),
        ({"largest": 1}, "at least 2"),
        ({"least": 30}, "of 30 images or more.*Ayr 40, Bath 20, Cork 12"),
        ({"group": "camera"}, "no column 'camera' to keep together"),
    ):
        with pytest.raises(CollectionError, match=said):
            labelled_rows(collection, "city", **settings)


def test_a_class_without_images_of_a_given_split_is_left_out(tmp_path: Path) -> None:
    """A split that somebody made is kept, and no image is moved to mend it."""
    splits = [SPLITS[number % 3] if number < 60 else "train" for number in range(81)]
    chosen = labelled_rows(town(tmp_path, split=splits), "city")
    assert chosen.classes == ("Ayr", "Bath")
    assert chosen.left_out["Cork"].why == "none for val and test"
    assert (chosen.split_by, chosen.cut) == ("by the table's column split", ())
    assert "warning" not in chosen.describe()


def test_the_split_that_an_import_drew_without_its_classes_is_drawn_anew(tmp_path: Path) -> None:
    bare = town(tmp_path / "bare")
    dealt = split_by_place(list(bare.table["path"]), bare.table["lat"], bare.table["lon"])
    imported = town(tmp_path / "imported", split=dealt)
    expected, found = (labelled_rows(collection, "city") for collection in (bare, imported))
    names = [[name for _, name in part.images] for part in found.rows.values()]
    assert names == [[name for _, name in part.images] for part in expected.rows.values()]
    assert found.split_by == "in whole groups: files of one series by their names (72 images)"
    view = imported.where(imported.table["city"].ne("Cork").to_numpy())
    assert labelled_rows(view, "city").split_by.endswith("(60 images)")


def test_one_series_a_class_is_cut_in_its_order_and_the_card_warns(tmp_path: Path) -> None:
    chosen = labelled_rows(town(tmp_path), "city", largest=2)
    assert chosen.cut == ("Ayr", "Bath")
    ayr = {split: [name for _, name in chosen.rows[split].images if name.startswith("Ayr")] for split in SPLITS}
    assert max(ayr["train"]) < min(ayr["val"]) < max(ayr["val"]) < min(ayr["test"])
    assert "Ayr, Bath come from one series" in chosen.describe()["warning"]


def test_a_group_stays_in_one_split(tmp_path: Path) -> None:
    """Also against a split column: whoever names a group means it."""
    collection = town(tmp_path, split=[SPLITS[number % 3] for number in range(81)])
    chosen = labelled_rows(collection, "city", group="walk")
    assert (chosen.classes, chosen.cut) == (("Ayr", "Bath", "Cork"), ())
    assert chosen.split_by == "in whole groups: equal walk (72 images)"
    walks = [{collection.table["walk"][collection.row(name)] for _, name in chosen.rows[s].images} for s in SPLITS]
    assert not walks[0] & walks[1] and not walks[0] & walks[2] and not walks[1] & walks[2]


def test_images_without_a_label_join_the_training_images_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three towns 5 km apart, each of 40 images in a row 10 m apart; every second one has no label."""
    monkeypatch.setattr(
        "urbanlens.embedding.features.embed", lambda collection, progress: looks(np.zeros(len(collection)), 0.95)
    )
    place, town = np.tile(np.arange(40), 3), np.repeat([0, 1, 2], 40)
    cities = [None if number % 2 else ("Ayr", "Bath", "Cork")[t] for number, t in zip(place, town, strict=True)]
    splits = np.array(SPLITS)[(place >= 24).astype(int) + (place >= 32)]
    street = rows(np.zeros(120), 5000 * town + 10 * place, city=cities, split=splits)
    alone = labelled_rows(street, "city", classes=["Ayr", "Bath"])
    more = labelled_rows(street, "city", classes=["Ayr", "Bath"], neighbours=Rule(12, 0.5))
    assert [shares(alone, name) for name in ("Ayr", "Bath")] == [[12, 4, 4]] * 2
    # The last one of the training part lies 10 m from an image of the validation; those beside Cork are not asked for.
    assert [shares(more, name) for name in ("Ayr", "Bath")] == [[12 + 11, 4, 4]] * 2
    assert more.describe()["joined"]["images"] == 22 and more.describe()["joined"]["near_held_out"] == 3
    assert "joined" not in alone.describe()
    assert not {image_id for _, image_id in more.rows["train"].images} & {
        image_id for split in ("val", "test") for _, image_id in more.rows[split].images
    }
