"""Planted templates: the rule they stand for, and how far found ones agree with them."""

from __future__ import annotations

import numpy as np
import pytest

from urbanlens.demo import rules
from urbanlens.demo.templates import (
    Agreement,
    band_means,
    correlations,
    derangements,
    planted_templates,
    sign_agreement,
)

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
    assert np.isnan([found.constant, found.correlation, found.spill, *found.correlation_by_chance]).all()
    assert found.correlation_interval is None
    assert list(found.table) == ["attribute", "cells", "share", "constant", "correlation"]
    assert found.changing == []
    assert found.table.empty


def constants(side: int = 15) -> np.ndarray:
    """Templates without a place: of the sign that most of an attribute's planted cells have."""
    planted = planted_templates(NAMES, 15, side)
    return np.where((planted > 0).sum((1, 2)) >= (planted < 0).sum((1, 2)), 1.0, -1.0)[:, None, None] * np.ones_like(
        planted
    )


@pytest.mark.parametrize("side", [15, 11])
def test_templates_without_a_place_reach_what_is_told_of_them(side: int) -> None:
    found = sign_agreement(NAMES, constants(side), 15)
    assert found.share == found.constant
    assert 0.9 < found.constant < 1
    assert found.changing == ["farming"]
    assert found.correlation == 0
    assert found.spill == pytest.approx(1)
    perfect = sign_agreement(NAMES, planted_templates(NAMES, 15, side), 15)
    assert perfect.constant == found.constant
    assert perfect.table["constant"].tolist() == found.table["share"].tolist()


def test_the_place_is_what_correlation_and_spill_see() -> None:
    planted = planted_templates(NAMES, 15)
    scales = np.random.default_rng(0).uniform(0.5, 2, (len(NAMES), 1, 1))
    perfect = sign_agreement(NAMES, (scales * planted).astype("f4"), 15)
    assert perfect.correlation == pytest.approx(1)
    assert perfect.correlation_interval == pytest.approx((1, 1))
    assert perfect.spill == 0
    assert perfect.correlation_by_chance[0] < perfect.correlation_by_chance[1] < 0.5
    turned = sign_agreement(NAMES, np.abs(planted[:, ::-1]) * constants(), 15)
    assert turned.correlation < 0.6
    assert turned.spill > 0.3
    assert sign_agreement(NAMES, (0.3 * constants() + planted).astype("f4"), 15).correlation == pytest.approx(1)


def test_correlation_and_spill_by_hand() -> None:
    names = ("ocean", "glass")  # middle +3, top -2.2
    templates = np.zeros((2, 15, 15), np.float32)
    templates[0, 5:10], templates[0, 10:] = 4, 2  # the glass is not seen at all
    found = sign_agreement(names, templates, 15)
    assert found.table["correlation"].tolist() == pytest.approx([np.corrcoef([0, 4, 2], [0, 1, 0])[0, 1], 0])
    assert found.correlation == pytest.approx(found.table["correlation"].mean())
    assert found.correlation_interval is None
    assert found.spill == pytest.approx(((0 + 2) / 2) / 4)
    other = [np.corrcoef([0, 4, 2], [1, 0, 0])[0, 1] * -1, 0]
    assert found.correlation_by_chance == pytest.approx((np.mean(other), np.mean(other)))


def test_correlations_against_numpy() -> None:
    found, true = np.random.default_rng(0).normal(size=(2, 4, 30))
    expected = np.corrcoef(found, true)[:4, 4:]
    assert np.allclose(correlations(found[:, None], true[None]), expected)
    assert np.allclose(correlations(found, true), expected.diagonal())
    assert np.allclose(correlations(found[:1], true), expected[0])
    assert np.isnan(correlations(found, np.ones((4, 30)))).all()
    assert (correlations(np.ones((4, 30)), true) == 0).all()


def test_nothing_stays_in_its_place() -> None:
    orders = derangements(5, 300, 1)
    assert orders.shape == (300, 5)
    assert (np.sort(orders, 1) == np.arange(5)).all()
    assert (orders != np.arange(5)).all()
    counts = np.array([[(orders[:, i] == j).sum() for j in range(5)] for i in range(5)])
    assert counts[~np.eye(5, dtype=bool)].min() > 45
    assert derangements(2, 3, 0).tolist() == [[1, 0]] * 3
    assert derangements(1, 3, 0).shape == (0, 1)
    assert np.isnan(sign_agreement(("ocean",), np.ones((1, 15, 15), np.float32), 15).by_chance)


@pytest.mark.parametrize("crop", [15, 11, 9])
def test_band_means_of_planted_templates_are_the_weights(crop: int) -> None:
    means = band_means(planted_templates(NAMES, 15, crop), 15)
    assert means.shape == (len(NAMES), 3)
    assert np.allclose(means, rules.weight_matrix(NAMES), atol=1e-6)


def test_every_planted_attribute_is_in_the_demo_and_the_sides_fit() -> None:
    assert rules.CELLS % len(rules.BANDS) == 0
    assert all(len(weights) == len(rules.BANDS) and any(weights) for weights in rules.WEIGHTS.values())
