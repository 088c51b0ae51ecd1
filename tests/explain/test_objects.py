"""Object ratios: the paper's formula, the base rate, intervals, and planted objects recovered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from urbanlens.errors import ModelError
from urbanlens.explain import count_objects, object_ratio, pointing, ratio_difference, ratio_table
from urbanlens.explain.objects import COLUMNS, ObjectCounts

SIDE = 16


def scene(count: int = 40, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.uint16], list[str]]:
    """Masks lie on object 7 in class A and on object 9 in class B; object 3 fills the rest of each picture."""
    rng = np.random.default_rng(seed)
    masks, labels = np.zeros((count, SIDE, SIDE), np.float32), np.full((count, SIDE, SIDE), 3, np.uint16)
    for row in range(count):
        top, left = rng.integers(0, SIDE - 9, 2)
        labels[row, top : top + 4, left : left + 4] = 7
        labels[row, top + 5 : top + 9, left + 5 : left + 9] = 9
        where = labels[row] == (7 if row % 2 == 0 else 9)
        masks[row] = np.where(where, 1.0, 0.3 * rng.random((SIDE, SIDE)))
    return masks, labels, ["A" if row % 2 == 0 else "B" for row in range(count)]


@given(st.integers(1, 6), st.floats(0.05, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_papers_formula(count: int, threshold: float, seed: int) -> None:
    """R and the base rate, pixel by pixel."""
    rng = np.random.default_rng(seed)
    masks = rng.random((count, 5, 7), np.float32)
    labels = rng.integers(0, 4, (count, 5, 7))
    classes = rng.integers(0, 2, count)
    table = object_ratio(masks, labels, classes, threshold=threshold, resamples=3)
    assert list(table.columns) == list(COLUMNS)
    for row in table.to_dict("records"):
        mine = classes == row["class"]
        here = labels[mine] == row["object"]
        inside = here & (masks[mine] >= np.float32(threshold))
        share = (masks[mine] >= np.float32(threshold)).mean((1, 2))
        assert row["total"] == here.sum()
        assert row["inside"] == inside.sum()
        assert row["images"] == here.any((1, 2)).sum()
        assert row["ratio"] == pytest.approx(inside.sum() / here.sum())
        assert row["base"] == pytest.approx((share * here.sum((1, 2))).sum() / here.sum(), rel=1e-5)
        assert row["lift"] == pytest.approx(row["ratio"] - row["base"])
    counted = {(row["class"], row["object"]) for row in table.to_dict("records")}
    assert counted == {(c, o) for c, image in zip(classes, labels, strict=True) for o in np.unique(image) if o}


def test_planted_objects_come_first() -> None:
    table = object_ratio(*scene(), names={3: "rest", 7: "sign", 9: "tower"})
    best = table.groupby("class").head(1).set_index("class")["object"].to_dict()
    assert best == {"A": "sign", "B": "tower"}
    sign = table[(table["class"] == "A") & (table["object"] == "sign")].iloc[0]
    assert sign["ratio"] == 1
    assert sign["lift_low"] > 0.5
    other = table[(table["class"] == "A") & (table["object"] == "tower")].iloc[0]
    assert other["ratio"] < other["base"]


def test_masks_that_look_anywhere_get_the_base_rate() -> None:
    rng = np.random.default_rng(1)
    _, labels, classes = scene(400)
    masks = rng.random(labels.shape, np.float32)
    table = object_ratio(masks, labels, classes, threshold=0.7)
    assert (table["ratio"] - table["base"]).abs().max() < 0.02
    assert ((table["lift_low"] < 0.01) & (table["lift_high"] > -0.01)).all()


def test_the_interval_holds_the_ratio_and_narrows_with_more_images() -> None:
    rng = np.random.default_rng(2)
    _, labels, _ = scene(200)
    masks = rng.random((200, 4, 4), np.float32).repeat(4, 1).repeat(4, 2)
    few = object_ratio(masks[:20], labels[:20], ["A"] * 20).set_index("object")
    many = object_ratio(masks, labels, ["A"] * 200).set_index("object")
    for table in (few, many):
        assert (table["low"] <= table["ratio"]).all()
        assert (table["ratio"] <= table["high"]).all()
    assert ((many["high"] - many["low"]) < (few["high"] - few["low"])).all()


def test_seed_and_order_do_not_matter_to_the_ratio() -> None:
    masks, labels, classes = scene()
    order = np.random.default_rng(3).permutation(len(masks))
    one = object_ratio(masks, labels, classes, seed=1)
    assert one.equals(object_ratio(masks, labels, classes, seed=1))
    other = object_ratio(masks[order], labels[order], [classes[i] for i in order], seed=2)
    keys = ["class", "object", "ratio", "base", "inside", "total", "images"]
    assert one[keys].reset_index(drop=True).equals(other[keys].reset_index(drop=True))


def test_a_higher_threshold_never_adds_pixels() -> None:
    masks, labels, _ = scene(6)
    counts = count_objects(masks, labels)
    assert (np.diff(counts.inside, axis=-1) <= 0).all()
    assert (np.diff(counts.area, axis=-1) <= 0).all()
    assert (counts.inside[..., 0] <= counts.total).all()
    assert np.allclose(counts.mass.sum(1), masks.sum((1, 2)), rtol=1e-4)


def test_only_frequent_objects() -> None:
    masks, labels, classes = scene(10)
    labels[0, 0, 0] = 11
    assert 11 in set(object_ratio(masks, labels, classes)["object"])
    assert 11 not in set(object_ratio(masks, labels, classes, frequent=True)["object"])


def test_an_empty_mask_looks_nowhere() -> None:
    masks, labels, classes = scene(4)
    table = object_ratio(np.zeros_like(masks), labels, classes)
    assert (table[["ratio", "base", "inside"]] == 0).all(axis=None)
    assert pointing(count_objects(np.zeros_like(masks), labels), [7])["hit"].isna().all()


def test_pointing_game_and_energy() -> None:
    masks, labels, _ = scene(20)
    told = pointing(count_objects(masks, labels), [7])
    assert (told["hit"].to_numpy()[::2] == 1).all()
    assert (told["hit"].to_numpy()[1::2] == 0).all()
    assert (told["energy"].to_numpy()[::2] > told["area"].to_numpy()[::2]).all()
    expected = np.where(labels == 7, masks, 0).sum((1, 2)) / masks.sum((1, 2))
    assert np.allclose(told["energy"], expected, rtol=1e-5)
    nowhere = pointing(count_objects(masks, labels), [99])
    assert nowhere.isna().all(axis=None)


def test_the_difference_of_two_classes() -> None:
    masks, labels, classes = scene()
    counts, which = count_objects(masks, labels), np.array(classes)
    table = ratio_difference(counts, which == "A", which == "B", names={7: "sign", 9: "tower"})
    assert table["object"].iloc[0] == "sign"
    assert table["object"].iloc[-1] == "tower"
    assert np.allclose(table["difference"], table["a"] - table["b"])
    assert (table["low"] <= table["difference"] + 1e-12).all()


def test_clear_words() -> None:
    masks, labels, classes = scene(4)
    with pytest.raises(ModelError, match="do not fit labels"):
        object_ratio(masks[:2], labels, classes)
    with pytest.raises(ModelError, match="class of each image"):
        object_ratio(masks, labels, classes[:2])
    with pytest.raises(ModelError, match="not counted at threshold"):
        ratio_table(count_objects(masks, labels, (0.5,)), classes, 0.4)


def test_no_image_at_all() -> None:
    empty = count_objects(np.zeros((0, 4, 4)), np.zeros((0, 4, 4), int))
    assert isinstance(empty, ObjectCounts)
    assert ratio_table(empty, [], 0.5).empty
