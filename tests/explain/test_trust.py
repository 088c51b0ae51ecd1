"""Accuracy with every class counted alike, beside what shuffled answers reach."""

import numpy as np
import pytest

from urbanlens.explain.trust import balanced_accuracy


def test_a_network_that_knows_nothing_stays_below_the_limit() -> None:
    """Most of the images are of one class, and it always names that one."""
    value, limit = balanced_accuracy([[80, 0, 0], [10, 0, 0], [10, 0, 0]])
    assert value == pytest.approx(1 / 3) and value <= limit


def test_one_that_knows_the_small_classes_is_above_it() -> None:
    """Less often right than the commonest class would be, and yet no guessing."""
    confusion = np.array([[30, 25, 25], [0, 10, 0], [0, 0, 10]])
    assert np.trace(confusion) / confusion.sum() < confusion[0].sum() / confusion.sum()
    value, limit = balanced_accuracy(confusion)
    assert value == pytest.approx((30 / 80 + 2) / 3) and value > limit > 1 / 3


def test_random_answers_are_seldom_above_it() -> None:
    draw = np.random.default_rng(1)
    above = 0
    for _ in range(100):
        truth, answers = draw.choice(3, 60, p=[0.6, 0.3, 0.1]), draw.choice(3, 60)
        confusion = np.zeros((3, 3), int)
        np.add.at(confusion, (truth, answers), 1)
        value, limit = balanced_accuracy(confusion, draws=300)
        above += value > limit
    assert above <= 9  # 2.5 expected


def test_classes_without_images_and_nothing_at_all() -> None:
    assert balanced_accuracy([[3, 1], [0, 0]])[0] == pytest.approx(0.75)
    assert np.isnan(balanced_accuracy([])[0]) and np.isnan(balanced_accuracy([[0, 0], [0, 0]])[1])
