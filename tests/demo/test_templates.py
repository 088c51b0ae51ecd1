"""Planted templates: the rule they stand for, and how far found ones agree with them."""

from __future__ import annotations

import numpy as np
import pytest

from urbanlens.demo import rules
from urbanlens.demo.templates import Agreement, band_means, planted_templates, sign_agreement

NAMES = (*rules.WEIGHTS, "driving", "open_area")
"""All that counts, and two that do not."""


def test_each_cell_has_the_weight_of_its_band() -> None:
    found = planted_templates(NAMES, 15)
    assert found.shape == (len(NAMES), 15, 15)
    assert found.dtype == np.float32
    for name, template in zip(NAMES, found, strict=True):
        for band, weight in enumerate(rules.WEIGHTS.get(name, (0, 0, 0))):
            assert np.allclose(template[5 * band : 5 * band + 5], weight)
    assert (found[-2:] == 0).all()


def test_planted_templates_make_the_rules_score() -> None:
    """Their sum over the maps, 25 x 3 cells a band, is the weighted sum of the bands' shares."""
    maps = np.random.default_rng(0).integers(0, 256, (6, len(NAMES), 15, 15), dtype=np.uint8)
    shares = rules.band_shares(maps)
    expected = np.einsum("nab,ab->n", shares, rules.weight_matrix(NAMES))
    found = np.einsum("nahw,ahw->n", maps / 255, planted_templates(NAMES, 15)) / 75
    assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("side", "crop"), [(15, 11), (15, 15), (9, 5), (12, 10), (7, 3), (15, 10)])
def test_a_crop_is_the_middle_of_the_whole(side: int, crop: int) -> None:
    first = (side - crop) // 2
    whole = planted_templates(NAMES, side)
    part = planted_templates(NAMES, side, crop)
    assert np.array_equal(part, whole[:, first : first + crop, first : first + crop])


def test_the_planted_templates_agree_with_themselves_and_not_with_their_opposites() -> None:
    planted = planted_templates(NAMES, 15, 11)
    for scale, share in ((1.0, 1.0), (1e-6, 1.0), (-1.0, 0.0), (0.0, 0.0)):
        found = sign_agreement(NAMES, scale * planted, 15)
        assert isinstance(found, Agreement)
        assert found.share == share
        assert found.cells == (planted != 0).sum()
        assert found.table["attribute"].tolist() == list(rules.WEIGHTS)
        assert (found.table["share"] == share).all()
        assert found.table["cells"].sum() == found.cells


def test_only_cells_that_count_are_judged() -> None:
    planted = planted_templates(NAMES, 15, 11)
    noise = np.random.default_rng(0).normal(size=planted.shape)
    found = sign_agreement(NAMES, np.where(planted == 0, noise, planted).astype("f4"), 15)
    assert found.share == 1


def test_a_cell_that_is_as_good_as_nothing_has_no_sign() -> None:
    planted = planted_templates(NAMES, 15, 11)
    found = sign_agreement(NAMES, np.where(planted != 0, 1e-4 * np.sign(planted), 1.0).astype("f4"), 15)
    halves = (planted != 0).reshape(len(NAMES), -1).all(1)  # attributes that count everywhere have nothing larger
    assert found.share == pytest.approx((planted[halves] != 0).sum() / (planted != 0).sum())


def test_shares_by_hand() -> None:
    names = ("ocean", "sand", "glass")  # middle +, bottom +, top -
    templates = np.ones((3, 15, 15), np.float32)
    templates[0, :, :5] = -1  # a third of the ocean's band is wrong, all of the glass is
    found = sign_agreement(names, templates, 15)
    assert found.cells == 3 * 75
    table = found.table.set_index("attribute")
    assert table.loc[["ocean", "sand", "glass"], "share"].tolist() == pytest.approx([2 / 3, 1, 0])
    assert found.share == pytest.approx(np.average(table["share"], weights=table["cells"])) == pytest.approx(5 / 9)


def test_templates_without_a_meaning_agree_as_often_as_by_chance() -> None:
    generator = np.random.default_rng(0)
    found = [sign_agreement(NAMES, generator.normal(size=(len(NAMES), 11, 11)).astype("f4"), 15) for _ in range(20)]
    assert np.mean([one.share for one in found]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([one.by_chance for one in found]) == pytest.approx(0.5, abs=0.03)
    right = sign_agreement(NAMES, planted_templates(NAMES, 15, 11), 15)
    assert right.by_chance < 0.7 < right.share


def test_templates_that_are_all_positive_agree_with_any_pairing_alike() -> None:
    found = sign_agreement(NAMES, np.ones((len(NAMES), 15, 15), np.float32), 15)
    planted = planted_templates(NAMES, 15)
    assert found.share == pytest.approx(found.by_chance) == pytest.approx((planted > 0).sum() / (planted != 0).sum())


def test_the_seed_decides() -> None:
    templates = np.random.default_rng(0).normal(size=(len(NAMES), 11, 11)).astype("f4")
    chances = [sign_agreement(NAMES, templates, 15, seed=seed).by_chance for seed in (1, 1, 2)]
    assert chances[0] == chances[1] != chances[2]


def test_names_that_do_not_count_have_nothing_to_agree_with() -> None:
    found = sign_agreement(("driving", "open_area"), np.ones((2, 11, 11), np.float32), 15)
    assert found.cells == 0
    assert np.isnan([found.share, found.by_chance]).all()
    assert list(found.table) == ["attribute", "cells", "share"]
    assert found.table.empty


@pytest.mark.parametrize("crop", [15, 11, 9])
def test_band_means_of_planted_templates_are_the_weights(crop: int) -> None:
    means = band_means(planted_templates(NAMES, 15, crop), 15)
    assert means.shape == (len(NAMES), 3)
    assert np.allclose(means, rules.weight_matrix(NAMES), atol=1e-6)


def test_every_planted_attribute_is_in_the_demo_and_the_sides_fit() -> None:
    assert rules.CELLS % len(rules.BANDS) == 0
    assert all(len(weights) == len(rules.BANDS) and any(weights) for weights in rules.WEIGHTS.values())
