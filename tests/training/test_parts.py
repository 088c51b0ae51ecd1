"""Augmentation and metrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from urbanlens.training.augment import augment, degrade, jitter_colour, shift_and_zoom
from urbanlens.training.metrics import classification_metrics, wilson_interval


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


IMAGES = torch.rand(6, 3, 24, 24, generator=chance())


@pytest.mark.parametrize("change", [augment, shift_and_zoom, jitter_colour, degrade])
def test_the_same_seed_gives_the_same_images(change: object) -> None:
    before = IMAGES.clone()
    assert torch.equal(change(IMAGES, chance(1)), change(IMAGES, chance(1)))
    assert not torch.equal(change(IMAGES, chance(1)), change(IMAGES, chance(2)))
    assert torch.equal(IMAGES, before)
    assert change(IMAGES, chance(1)).shape == IMAGES.shape


def test_strength_0_changes_nothing() -> None:
    assert torch.allclose(shift_and_zoom(IMAGES, chance(), smallest=1.0), IMAGES, atol=1e-5)
    assert torch.allclose(jitter_colour(IMAGES, chance(), strength=0.0), IMAGES, atol=1e-6)
    assert torch.equal(degrade(IMAGES, chance(), share=0.0), IMAGES)


def test_images_stay_in_range_and_are_never_mirrored() -> None:
    changed = augment(IMAGES, chance(3))
    assert changed.min() >= 0
    assert changed.max() <= 1
    ramp = torch.linspace(0, 1, 24).expand(50, 3, 24, 24)
    rising = shift_and_zoom(ramp, chance()).diff(dim=-1)
    assert rising.min() > -1e-5


def test_degrading_takes_detail_away() -> None:
    blurred = degrade(IMAGES, chance(), share=1.0, noise=0.0)
    assert (blurred.diff(dim=-1).abs().mean((1, 2, 3)) < 0.7 * IMAGES.diff(dim=-1).abs().mean((1, 2, 3))).all()


@given(st.integers(1, 2000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_interval_holds_the_share(counts: tuple[int, int]) -> None:
    successes, total = counts
    low, high = wilson_interval(successes, total)
    assert 0 <= low <= successes / total + 1e-12
    assert successes / total - 1e-12 <= high <= 1
    mirrored = wilson_interval(total - successes, total)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_wilson_interval_of_known_counts() -> None:
    assert wilson_interval(0, 0) == (0, 1)
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_metrics() -> None:
    truth, answers = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 2])
    metrics = classification_metrics(truth, answers, ("a", "b", "c"))
    assert metrics["confusion"] == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert metrics["accuracy"] == pytest.approx(4 / 6)
    assert metrics["base_rate"] == pytest.approx(3 / 6)
    assert metrics["recall"] == pytest.approx({"a": 2 / 3, "b": 1 / 2, "c": 1})
