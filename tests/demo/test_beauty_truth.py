"""Maps are held against the rule of beauty: what lies on the right things is found, what shuns them is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from urbanlens.demo import rules
from urbanlens.demo.beauty_truth import AGAINST, FEW, FOUND, MISSED, RULED, rule_table
from urbanlens.explain.objects import ObjectCounts, count_objects

NAMES = {1: "tree", 2: "sea", 3: "mountain", 4: "car", 5: "road", 6: "water", 7: "pole"}
SIDE, IMAGES = 24, 30


def labels() -> NDArray[np.int64]:
    """Stripes of all objects, each image turned by another step."""
    row = np.repeat(np.arange(1, 8), 4)[:SIDE]
    row[-1] = 7
    image = np.tile(row, (SIDE, 1))
    return np.stack([np.roll(image, step, 1) for step in range(IMAGES)])


def counted(*lit: int, images: int = IMAGES) -> ObjectCounts:
    """Maps that light up these objects, and a corner, so that each covers something."""
    ids = labels()[:images]
    masks = np.isin(ids, lit).astype(np.float32)
    masks[:, 0, 0] = 1
    return count_objects(masks, ids, (0.5,), sorted(NAMES))


def test_each_part_of_the_rule_is_one_of_the_demo_s() -> None:
    assert {ruled.name for ruled in RULED} <= set(rules.BEAUTY)
    assert [ruled.name for ruled in RULED if not ruled.raises] == ["clutter"]


def test_maps_on_the_right_things_find_the_rule() -> None:
    table = rule_table({"high": counted(1, 2, 3, 6), "low": counted(4, 7)}, NAMES).set_index("rule")
    assert (table["verdict"] == FOUND).all()
    assert table.at["water", "high_ratio"] == pytest.approx(1)
    assert (table["images"] == IMAGES).all()


def test_maps_that_shun_them_are_the_wrong_way() -> None:
    table = rule_table({"high": counted(5), "low": counted(5)}, NAMES).set_index("rule")
    assert (table["verdict"] == AGAINST).all()


def test_maps_without_a_preference_miss_it() -> None:
    ids, generator = labels(), np.random.default_rng(0)
    masks = np.repeat(np.repeat(generator.random((IMAGES, 6, 6)), 4, 1), 4, 2).astype(np.float32)
    counts = count_objects(masks, ids, (0.5,), sorted(NAMES))
    table = rule_table({"high": counts, "low": counts}, NAMES)
    assert (table["verdict"] == MISSED).sum() >= 3


def test_few_images_tell_nothing() -> None:
    counts = {"high": counted(1, images=3), "low": counted(4, images=3)}
    assert set(rule_table(counts, NAMES)["verdict"]) == {FEW}
    assert set(rule_table(counts, {})["images"]) == {0}
