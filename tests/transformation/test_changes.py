"""What changed: identities, planted changes that are recovered, what chance gives, and missing labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import keep_arrays
from urbanlens.collection import Columns, ImageCollection, write_collection
from urbanlens.demo import open_demo
from urbanlens.errors import ModelError
from urbanlens.explain.collection_objects import counts_key, own_labels
from urbanlens.siam.readings import Readings
from urbanlens.transformation.changes import (
    MEAN_COLUMNS,
    Others,
    counterpart_changes,
    directions,
    mean_changes,
    pair_changes,
    planted_direction,
    planted_holds,
    template_changes,
)
from urbanlens.transformation.measures import MEASURES
from urbanlens.transformation.numbers import (
    ATTRIBUTE,
    BEAUTY,
    DESIGN,
    OBJECT,
    Numbers,
    collection_numbers,
    from_shares,
    numbers_of,
    template_numbers,
)
from urbanlens.transformation.record import Transformation
from urbanlens.transformation.shares import KIND, ObjectShares, collection_shares, kept_shares

from .made import NAMES, shares_of, transformation

PLANTED = {"Hanamori": ("signboard", "fence"), "Steelport": ("skyscraper", "earth")}


def moved(shares: np.ndarray, **by: float) -> np.ndarray:
    """Shares with some objects grown by so much, at the cost of the sky."""
    new = shares.copy()
    for name, more in by.items():
        new[:, NAMES.index(name)] += more
        new[:, 0] -= more
    return new


def town(count: int = 60, seed: int = 0) -> tuple[ObjectShares, pd.DataFrame]:
    """Pictures of two cities: in the second one there is more skyscraper and less fence; the last has no labels."""
    generator = np.random.default_rng(seed)
    classes = np.array(["Hanamori", "Steelport"] * (count // 2))
    shares = shares_of(generator, count)
    shares[classes == "Steelport"] = moved(shares[classes == "Steelport"], skyscraper=0.1, fence=-0.1)
    shares[-1] = np.nan
    return ObjectShares(NAMES, shares.astype(np.float32)), pd.DataFrame({"city": classes})


def collection_of(root: Path, table: pd.DataFrame, *, labelled: int = 0) -> ImageCollection:
    """Images of one pixel, with labels of one pixel for the first `labelled`."""
    (root / "images").mkdir(parents=True)
    (root / "objects").mkdir()
    ids = [f"i{number:03}" for number in range(len(table))]
    for number, name in enumerate(ids):
        Image.new("RGB", (1, 1), (number % 255, 0, 0)).save(root / "images" / f"{name}.png")
        if number < labelled:
            Image.new("L", (1, 1), number % 3).save(root / "objects" / f"{name}.png")
    (root / "objects" / "objects.csv").write_text("id,name\n1,sky\n2,road\n9,street\n")
    whole = table.assign(image_id=ids, path=[f"images/{name}.png" for name in ids], lat=0.0, lon=0.0)
    write_collection(root, whole, title="Dots", columns=Columns(labels=["city"]))
    return ImageCollection.open(root)


def test_a_pair_of_one_picture_with_itself_has_not_changed() -> None:
    known = from_shares(shares_of(np.random.default_rng(0), 1), NAMES)
    table = pair_changes(known, known)
    assert list(table.columns) == ["kind", "what", "before", "after", "change"]
    assert (table["change"] == 0).all()
    assert table.loc[table["kind"] == OBJECT, "before"].sum() == pytest.approx(1)
    assert table.loc[table["kind"] == DESIGN, "what"].tolist() == MEASURES.names()


def test_a_pair_says_what_rose_and_what_is_unknown() -> None:
    before = from_shares([[0.5, 0.5]], ["sky", "road"]).beside(numbers_of(BEAUTY, {"mean mark": [np.nan]}))
    after = from_shares([[0.8, 0.2]], ["sky", "road"]).beside(numbers_of(BEAUTY, {"mean mark": [6.0]}))
    table = pair_changes(before, after).set_index("what")
    assert table.loc["sky", "change"] == pytest.approx(0.3)
    assert table.loc["openness", "change"] == pytest.approx(0.3)
    assert table.loc[["mean mark", "green"], "change"].isna().all()
    assert table.loc["mean mark", "after"] == 6


def test_pairs_must_tell_the_same() -> None:
    one, other = numbers_of(BEAUTY, {"a": [1.0]}), numbers_of(BEAUTY, {"b": [1.0]})
    with pytest.raises(ModelError, match="must tell the same"):
        pair_changes(one, other)
    with pytest.raises(ModelError, match="2 pairs"):
        pair_changes(numbers_of(BEAUTY, {"a": [1.0, 2.0]}), numbers_of(BEAUTY, {"a": [1.0, 2.0]}))
    with pytest.raises(ModelError, match="nothing is known"):
        collection_numbers()


def test_a_planted_change_is_recovered_and_its_interval_holds_it() -> None:
    generator = np.random.default_rng(5)
    before = generator.normal(0, 1, (80, 3))
    after = before + np.array([0.0, 0.5, -0.5]) + generator.normal(0, 0.3, (80, 3))
    after[:, 0] = before[:, 0]
    names = ("still", "up", "down")
    table = mean_changes(
        numbers_of(BEAUTY, dict(zip(names, before.T, strict=True))),
        numbers_of(BEAUTY, dict(zip(names, after.T, strict=True))),
        "up town",
        seed=3,
    )
    assert list(table.columns) == list(MEAN_COLUMNS)
    assert ((table["low"] <= table["change"]) & (table["change"] <= table["high"])).all()
    assert np.allclose(table["after"] - table["before"], table["change"])
    told = table.set_index("what")
    assert (told.loc["still", ["change", "low", "high", "rose", "fell"]] == 0).all()
    assert told.loc["up", "low"] > 0.3 and told.loc["up", "high"] < 0.7
    assert told.loc["down", "high"] < -0.3
    assert told.loc["up", "rose"] + told.loc["up", "fell"] == 1
    assert (table["images"] == 80).all() and (table["direction"] == "up town").all()
    assert table[["same", "other"]].isna().all().all(), "no pictures to pair with"


def test_the_same_seed_gives_the_same_table_and_pairs_of_one_source_count_once() -> None:
    generator = np.random.default_rng(0)
    before = numbers_of(BEAUTY, {"a": generator.normal(0, 1, 12)})
    after = numbers_of(BEAUTY, {"a": generator.normal(1, 1, 12)})
    first, again = mean_changes(before, after, seed=1), mean_changes(before, after, seed=1)
    pd.testing.assert_frame_equal(first, again)
    twelve = [f"{number:02}" for number in range(12)]
    thrice = np.repeat(np.arange(12), 3)
    copied = mean_changes(before.of(thrice), after.of(thrice), sources=[twelve[i] for i in thrice], seed=1)
    assert np.allclose(copied[["change", "low", "high"]], first[["change", "low", "high"]])
    assert copied["images"].item() == 36
    few = mean_changes(before, after, sources=["x"] * 6 + ["y"] * 6)
    assert few[["low", "high"]].isna().all().all(), "two sources tell of no interval"
    assert np.isfinite(few["change"]).all()


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_pairs_have_no_interval(count: int) -> None:
    known = from_shares(shares_of(np.random.default_rng(0), count), NAMES)
    table = mean_changes(known, known)
    assert table[["low", "high"]].isna().all().all()
    assert (table["images"] == count).all()
    assert np.isnan(table["change"]).all() if count == 0 else (table["change"] == 0).all()


def test_chance_within_the_class_gives_nothing_and_chance_across_gives_the_difference_of_the_classes() -> None:
    generator = np.random.default_rng(2)
    here, there = (numbers_of(BEAUTY, {"a": generator.normal(mean, 1, 50)}) for mean in (0, 2))
    own = np.arange(50)
    table = mean_changes(here, here, same=Others(here, own), other=Others(there, np.full(50, -1))).iloc[0]
    assert table["same"] == pytest.approx(0, abs=1e-12), "each has all the others as its partners"
    assert table["same_low"] < 0 < table["same_high"]
    assert table["other"] == pytest.approx(there.values.mean() - here.values.mean())
    assert 1 < table["other_low"] < table["other"] < table["other_high"] < 3


def test_no_picture_is_its_own_partner() -> None:
    two = numbers_of(BEAUTY, {"a": [0.0, 1.0] * 10})
    sources = two.of(np.array([0, 1] * 10))
    pair = Others(two.of(np.array([0, 1])), np.array([0, 1] * 10))
    table = mean_changes(sources, sources, sources=[f"{i}" for i in range(20)], same=pair).iloc[0]
    assert table["same"] == pytest.approx(0)
    assert table["same_low"] == pytest.approx(-table["same_high"], abs=0.3)
    one = numbers_of(BEAUTY, {"a": [0.5] * 12})
    alone = mean_changes(one, one, same=Others(one.of(np.array([0])), np.zeros(12, np.int64))).iloc[0]
    assert np.isnan(alone["same"]), "the only picture of its class has no partner"


def test_unknown_numbers_are_left_out_pair_by_pair() -> None:
    values = np.arange(24, dtype=float)
    gaps = np.where(np.arange(24) % 2, np.nan, values)
    before = numbers_of(BEAUTY, {"all": values, "half": gaps, "none": values * np.nan})
    after = Numbers(before.kinds, before.names, before.values + 1)
    table = mean_changes(before, after, same=Others(before, np.arange(24))).set_index("what")
    assert table["images"].tolist() == [24, 12, 0]
    assert table.loc["half", ["change", "low", "high", "rose"]].tolist() == pytest.approx([1, 1, 1, 1])
    assert table.loc["half", "before"] == pytest.approx(np.nanmean(gaps))
    assert table.loc["half", "same"] == pytest.approx(0, abs=1e-9)
    assert table.loc["none"].drop(["kind", "images", "direction"]).isna().all()


def templates(count: int = 24, **by: float) -> list[Transformation]:
    """As many each way; `by` says what grows towards Steelport and shrinks towards Hanamori."""
    generator, found = np.random.default_rng(7), []
    for number in range(2 * count):
        away = number < count
        start, target = ("Hanamori", "Steelport") if away else ("Steelport", "Hanamori")
        first = shares_of(generator, 1)
        last = moved(first, **{name: (more if away else -more) for name, more in by.items()})
        last += generator.normal(0, 0.01, last.shape)
        found.append(transformation(f"i{number:03}", start, target, shares=np.concatenate([first, last])))
    return found


def test_templates_recover_what_was_planted_in_each_direction() -> None:
    found = templates(skyscraper=0.1, earth=0.02, fence=-0.08, signboard=-0.05)
    tables = template_changes(found, seed=1)
    assert list(tables) == [("Hanamori", "Steelport"), ("Steelport", "Hanamori")]
    for (_, target), table in tables.items():
        told = table[table["kind"] == OBJECT].set_index("what")["change"]
        sign = 1 if target == "Steelport" else -1
        assert told["skyscraper"] == pytest.approx(sign * 0.1, abs=0.01)
        assert table.loc[table["kind"] == OBJECT, "same"].abs().max() < 1e-6
        assert table[["other_low", "other_high"]].notna().any().all()
    judged = planted_direction(tables, PLANTED)
    assert len(judged) == 4
    assert judged["clear"].all() and judged["rises"].all()
    assert judged.set_index("object").loc["skyscraper", "beyond"]
    assert planted_holds(judged) == {"Hanamori": True, "Steelport": True}


def test_templates_in_which_nothing_happens_do_not_hold() -> None:
    judged = planted_direction(template_changes(templates(), seed=1), PLANTED)
    assert judged["clear"].sum() <= 1
    assert not all(planted_holds(judged).values())
    wrong = planted_direction(template_changes(templates(skyscraper=-0.1, earth=-0.1)), PLANTED)
    assert planted_holds(wrong)["Steelport"] is False
    missing = planted_direction(template_changes(templates()), {"Steelport": ["palm"]})
    assert planted_holds(missing) == {"Steelport": False}
    assert missing["images"].tolist() == [0]


def test_directions_leave_out_prototypes_and_sources_of_no_other_class() -> None:
    found = [
        transformation("", "", "Steelport"), transformation("a", "", "Steelport"),
        transformation("b", "Steelport", "Steelport"), transformation("c", "Hanamori", "Steelport"),
    ]  # fmt: skip
    assert {way: rows.tolist() for way, rows in directions(found).items()} == {("Hanamori", "Steelport"): [3]}
    assert template_changes(found[:3]) == {}
    assert template_changes([]) == {}


def test_templates_without_a_segmenter_are_unknown_and_do_not_spoil_the_others() -> None:
    with_objects, without = templates(12, fence=0.05), [transformation("z", "Hanamori", "Steelport")]
    table = template_changes([*with_objects, *without])["Hanamori", "Steelport"]
    assert table.loc[table["what"] == "fence", "images"].item() == 12
    before, after = template_numbers(without)
    assert np.isnan(before.values).all() and np.isnan(after.values).all()
    assert len(template_changes(without)["Hanamori", "Steelport"]) == len(MEASURES)


def test_counterparts_are_compared_with_chance(tmp_path: Path) -> None:
    shares, table = town()
    whole = collection_of(tmp_path / "dots", table)
    siam = Readings(
        ("trees",), np.linspace(0, 1, 60, dtype=np.float32)[:, None], np.zeros((60, 1), np.float32),
        np.zeros(60, np.float32), np.ones(60, bool), 0.0,
    )  # fmt: skip
    numbers = collection_numbers(shares, siam, {"mean mark": np.full(60, 5.0)})
    assert set(numbers.kinds) == {OBJECT, DESIGN, ATTRIBUTE, BEAUTY}
    ids, found, nearest = whole.ids, [], []
    for number in range(48):
        way = ("Hanamori", "Steelport") if number % 2 == 0 else ("Steelport", "Hanamori")
        found.append(transformation(ids[number], *way))
        nearest.append(ids[number + 1])  # the cities take turns
    tables = counterpart_changes(found, nearest, whole, numbers, "city", seed=2)
    assert set(tables) == {("Hanamori", "Steelport"), ("Steelport", "Hanamori")}
    there = tables["Hanamori", "Steelport"].set_index("what")
    assert there.loc["skyscraper", "low"] > 0 > there.loc["fence", "high"]
    assert there.loc["skyscraper", "other"] == pytest.approx(there.loc["skyscraper", "change"], abs=0.05)
    assert abs(there.loc["skyscraper", "same"]) < 0.03
    assert there.loc["mean mark", ["change", "same", "other"]].tolist() == [0, 0, 0]
    judged = planted_direction(tables, {"Hanamori": ("fence",), "Steelport": ("skyscraper",)})
    assert planted_holds(judged) == {"Hanamori": True, "Steelport": True}
    itself = counterpart_changes(found, [one.source for one in found], whole, numbers, "city")
    assert all((part["change"].dropna() == 0).all() for part in itself.values())


def test_counterparts_that_are_missing_or_unlabelled_are_left_out(tmp_path: Path) -> None:
    shares, table = town()
    whole = collection_of(tmp_path / "dots", table)
    numbers = collection_numbers(shares)
    found = [transformation(name, "Hanamori", "Steelport") for name in (whole.ids[0], whole.ids[2], "gone", "x")]
    nearest = [whole.ids[1], whole.ids[-1], whole.ids[3], None]
    told = counterpart_changes(found, nearest, whole, numbers, "city")["Hanamori", "Steelport"]
    assert (told.loc[told["kind"] == OBJECT, "images"] == 1).all(), "the last image has no labels"
    assert counterpart_changes(found[2:], nearest[2:], whole, numbers, "city") == {}
    with pytest.raises(ModelError, match="give one for each"):
        counterpart_changes(found, nearest[:1], whole, numbers, "city")
    with pytest.raises(ModelError, match="no column 'town'"):
        counterpart_changes(found, nearest, whole, numbers, "town")


def test_shares_of_a_collection_are_read_once_and_kept(tmp_path: Path) -> None:
    whole = collection_of(tmp_path / "dots", pd.DataFrame({"city": ["A"] * 8}), labelled=6)
    (whole.root / "objects" / "i001.png").write_bytes(b"no picture")
    store, told = ArtifactStore(tmp_path / "kept"), []
    assert kept_shares(whole, store=store) is None
    found = collection_shares(whole, store=store, progress=lambda *part: told.append(part))
    assert found.names == ("sky", "road", "street")
    assert found.shares[2].tolist() == [0, 1, 0]
    assert np.isnan(found.shares[[0, 1, 3, 6, 7]]).all(), "unlabelled, unreadable, or without labels"
    assert told
    for known in (kept_shares(whole, store=store), collection_shares(whole, store=store)):
        assert known is not None
        assert np.array_equal(known.shares, found.shares, equal_nan=True)
    assert [folder.name for folder in (tmp_path / "kept").iterdir() if any(folder.iterdir())] == [KIND]
    view = whole.where(np.arange(8) >= 4)
    assert np.array_equal(collection_shares(view, store=store).shares, found.shares[4:], equal_nan=True)


def test_objects_of_one_name_are_one_object(tmp_path: Path) -> None:
    whole = collection_of(tmp_path / "dots", pd.DataFrame({"city": ["A"] * 4}), labelled=4)
    (whole.root / "objects" / "objects.csv").write_text("id,name\n1,sky\n2,sky\n9,street\n")
    found = collection_shares(ImageCollection.open(whole.root), store=ArtifactStore(tmp_path / "kept"))
    assert found.names == ("sky", "street")
    assert found.shares[[1, 2]].tolist() == [[1, 0], [1, 0]]


def test_a_collection_without_objects_has_none(tmp_path: Path) -> None:
    whole = collection_of(tmp_path / "dots", pd.DataFrame({"city": ["A"] * 3}))
    (whole.root / "objects" / "objects.csv").unlink()
    found = collection_shares(ImageCollection.open(whole.root), store=ArtifactStore(tmp_path / "kept"))
    assert found.shares.shape == (3, 0)
    assert collection_numbers(found).values.shape == (3, len(MEASURES))


def test_counts_that_were_made_for_object_ratios_are_used(tmp_path: Path) -> None:
    whole, store = collection_of(tmp_path / "dots", pd.DataFrame({"city": ["A"] * 3})), ArtifactStore(tmp_path / "kept")
    total = np.array([[224 * 224, 0, 0], [0, 0, 224 * 112], [0, 0, 0]], np.uint16)
    maps = ArtifactKey("masks", whole.fingerprint, "network")
    keep_arrays(store, counts_key(maps, {1: "other"}, own_labels(whole)), {"total": total * 0})
    keep_arrays(store, counts_key(maps, whole.object_names, own_labels(whole)), {"total": total})
    found = collection_shares(whole, store=store)
    assert found.shares[:2].tolist() == [[1, 0, 0], [0, 0, 0.5]]
    assert np.isnan(found.shares[2]).all()
    assert not (tmp_path / "kept" / KIND).exists()


def test_the_demo_needs_no_reading_and_its_cities_differ_as_planted() -> None:
    demo = open_demo()
    shares = kept_shares(demo, store=ArtifactStore(demo.root / "artifacts"))
    assert shares is not None and len(shares) == len(demo)
    for name in demo.ids[:3]:
        ids = demo.objects(name)
        assert ids is not None
        exact = [(ids == number).mean() for number in sorted(demo.object_names)]
        assert np.allclose(shares.shares[demo.row(name)], exact, atol=0.01)
    generator, city = np.random.default_rng(0), demo.table["city"]
    numbers, pairs = collection_numbers(shares), []
    for start, target in (("Hanamori", "Steelport"), ("Steelport", "Hanamori")):
        rows = (generator.choice(np.flatnonzero(city == name), 40, replace=False) for name in (start, target))
        pairs += [(transformation(demo.ids[a], start, target), demo.ids[b]) for a, b in zip(*rows, strict=True)]
    found, nearest = [one for one, _ in pairs], [one for _, one in pairs]
    tables = counterpart_changes(found, nearest, demo, numbers, "city")
    assert planted_holds(planted_direction(tables, PLANTED)) == {"Hanamori": True, "Steelport": True}
