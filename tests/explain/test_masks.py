"""Masks, visual explanations and crops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from urbanlens.errors import ModelError
from urbanlens.explain import crop_box, upsample_masks, visual_explanation

MAPS = torch.rand(4, 7, 7, generator=torch.Generator().manual_seed(0)) * 5


def test_masks_reach_from_0_to_1() -> None:
    masks = upsample_masks(MAPS, (50, 60))
    assert masks.shape == (4, 50, 60)
    assert masks.dtype == torch.float32
    assert torch.equal(masks.amin((1, 2)), torch.zeros(4))
    assert torch.allclose(masks.amax((1, 2)), torch.ones(4))


@pytest.mark.parametrize("scale", [1e-6, 3.0, 1e6])
def test_scale_and_offset_do_not_matter(scale: float) -> None:
    assert torch.allclose(upsample_masks(MAPS * scale, 64), upsample_masks(MAPS, 64), atol=1e-5)
    assert torch.allclose(upsample_masks(MAPS + 2, 64), upsample_masks(MAPS, 64), atol=1e-5)


def test_at_their_own_size_maps_are_only_stretched() -> None:
    low, high = MAPS.amin((1, 2), keepdim=True), MAPS.amax((1, 2), keepdim=True)
    assert torch.allclose(upsample_masks(MAPS, 7), (MAPS - low) / (high - low), atol=1e-6)


def test_an_empty_map_stays_0_and_leaves_its_neighbours_alone() -> None:
    maps = MAPS.clone()
    maps[1] = 0
    maps[2] = 0.3
    masks = upsample_masks(maps, 33)
    assert masks[1:3].abs().max() == 0
    assert torch.equal(masks[[0, 3]], upsample_masks(MAPS, 33)[[0, 3]])
    assert visual_explanation(torch.ones(4, 3, 33, 33), masks)[1].sum() == 0


def test_arrays_in_arrays_out() -> None:
    masks = upsample_masks(MAPS.numpy(), 20)
    assert isinstance(masks, np.ndarray)
    assert np.allclose(masks, upsample_masks(MAPS, 20).numpy(), atol=1e-6)
    assert upsample_masks(np.zeros((0, 7, 7), np.float32), 20).shape == (0, 20, 20)


@pytest.mark.parametrize(("shape", "size"), [((7, 7), 20), ((1, 2, 7, 7), 20), ((1, 7, 7), 0)])
def test_nonsense_is_refused(shape: tuple[int, ...], size: int) -> None:
    with pytest.raises(ModelError):
        upsample_masks(torch.ones(shape), size)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0, 1.01])
def test_visual_explanation(threshold: float) -> None:
    """A pixel is either itself or black; tensors and arrays agree."""
    images = torch.rand(4, 3, 30, 40, generator=torch.Generator().manual_seed(1)) + 0.1
    masks = upsample_masks(MAPS, (30, 40))
    seen = visual_explanation(images, masks, threshold)
    kept = (masks >= threshold)[:, None].expand_as(images)
    assert torch.equal(seen[kept], images[kept])
    assert (seen[~kept] == 0).all()
    pixels = (images.permute(0, 2, 3, 1) * 200).to(torch.uint8).numpy()
    shown = visual_explanation(pixels, masks.numpy(), threshold)
    assert shown.dtype == np.uint8
    assert np.array_equal(shown, pixels * (masks.numpy() >= threshold)[..., None])


def test_threshold_identities() -> None:
    images, masks = torch.rand(4, 3, 16, 16), upsample_masks(MAPS, 16)
    assert torch.equal(visual_explanation(images, masks, 0), images)
    assert visual_explanation(images, masks, 1.01).abs().max() == 0
    once = visual_explanation(images, masks, 0.4)
    assert torch.equal(visual_explanation(once, masks, 0.4), once)
    assert torch.equal(visual_explanation(once, masks, 0.7), visual_explanation(images, masks, 0.7))


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ModelError, match="upsample"):
        visual_explanation(torch.ones(4, 3, 16, 16), upsample_masks(MAPS, 15))


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (3, 2, 9, 5), (0, 4, 12, 8), (11, 7, 12, 8)])
def test_crop_box_is_exact_to_the_pixel(box: tuple[int, int, int, int]) -> None:
    mask = np.full((8, 12), 0.2)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = 0.5
    assert crop_box(mask, 0.5) == box
    assert crop_box(torch.from_numpy(mask), 0.5) == box
    assert crop_box(mask, 0.2) == (0, 0, 12, 8)


def test_an_empty_mask_crops_nothing() -> None:
    assert crop_box(np.zeros((8, 12))) == (0, 0, 12, 8)
    with pytest.raises(ModelError):
        crop_box(np.zeros((1, 8, 12)))
