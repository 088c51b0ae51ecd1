"""The shipped networks of beauty are judged against the rule that the votes follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.demo.test_reproduction import ROOT, numbers, words
from urbanlens.collection.votes import MARKS, votes_of
from urbanlens.demo import beauty, open_demo, rules
from urbanlens.demo.beauty_report import beauty as report
from urbanlens.errors import UnknownNameError


def test_expected_votes_are_those_of_many_voters() -> None:
    marks = np.array([1.5, 4.4, 9.5])
    expected = beauty.expected_votes(marks)
    assert np.allclose(expected.sum(1), 1)
    drawn = np.random.default_rng(0).normal(marks[:, None], rules.BEAUTY_SPREAD, (3, 200_000))
    counted = np.stack([np.bincount(np.clip(np.round(row), 1, 10).astype(int), minlength=11)[1:] for row in drawn])
    assert np.abs(counted / 200_000 - expected).max() < 0.005


def test_the_rule_foretells_the_votes() -> None:
    demo = open_demo()
    rows = np.zeros(len(demo), bool)
    rows[::50] = True
    truth = votes_of(demo).mean[rows]
    foretold = beauty.expected_votes(beauty.rule_marks(demo, rows)) @ MARKS
    assert np.corrcoef(truth, foretold)[0, 1] > 0.98
    assert abs((truth - foretold).mean()) < 0.05


def test_networks_are_judged_on_the_test_images_and_stay_below_the_ceiling() -> None:
    demo = open_demo()
    networks = beauty.judged_aesthetes(demo)
    assert set(networks) == set(beauty.RECIPES)
    best = beauty.ceiling(demo)
    for one in networks.values():
        assert one.metrics["images"] == int(beauty.demo_test_rows(demo).sum())
        assert one.metrics["balanced_accuracy"] < best["balanced_accuracy"]
    told, card = networks[beauty.MARKS_NETWORK].metrics, networks[beauty.MARKS_NETWORK].card.metrics
    assert told["emd"] == pytest.approx(card["emd"], abs=1e-3)
    assert best["emd"] < told["emd"] < told["emd_of_mean"]


def test_the_report_is_todays() -> None:
    """The same tables; a number may differ by a hair, as processors sum in different orders."""
    demo = open_demo()
    told = (ROOT / "docs" / "REPRODUCTION.md").read_text()
    told = told[told.index("## Beauty") : told.index("## Transformations")]
    found = report(demo, beauty.judged_aesthetes(demo))
    assert words(found) == words(told)
    assert np.allclose(numbers(found), numbers(told), atol=0.011)


def test_without_networks_no_promise_is_kept() -> None:
    gates = beauty.beauty_gates(open_demo(), {})
    assert not any(gate["pass"] for gate in gates.values())
    assert report(open_demo(), {}) == ""


def test_an_unknown_network_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="aesthetic-marks"):
        beauty.train_aesthete(open_demo(), "beauty", None, tmp_path)
