"""Contracts that every registered explainer keeps, over every registered architecture."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tests.explain.nets import TinyNet
from tests.models.small import small
from urbanlens.errors import UnknownNameError
from urbanlens.explain import EXPLAINERS, explain_images, grad_cam, hires_cam_and_scores
from urbanlens.models import MODELS, build_model


def pixels(count: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("explainer", EXPLAINERS.names())
@pytest.mark.parametrize("name", MODELS.names())
def test_maps_and_scores(name: str, explainer: str) -> None:
    """Shapes and signs; the scores are the plain pass's; the network goes back as it came."""
    module = build_model(name, 3, seed=1, **small(name)).eval()
    module.train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    hooks = sum(len(part._forward_hooks) for part in module.modules())
    maps, scores = EXPLAINERS[explainer](module, pixels(), [2, 0])
    assert module.training
    assert sum(len(part._forward_hooks) for part in module.modules()) == hooks
    assert all(parameter.grad is None and parameter.requires_grad for parameter in module.parameters())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert maps.dtype == scores.dtype == torch.float32
    assert maps.shape[0] == 2
    assert maps.ndim == 3
    assert (maps >= 0).all()
    with torch.no_grad():
        assert torch.allclose(scores, module.eval()(pixels()), rtol=1e-4, atol=1e-5)
    alone = torch.cat(
        [EXPLAINERS[explainer](module, image[None], target)[0] for image, target in zip(pixels(), (2, 0), strict=False)]
    )
    assert torch.allclose(maps, alone, rtol=1e-3, atol=1e-6 * float(maps.max()))


@pytest.mark.parametrize("explainer", EXPLAINERS.names())
def test_no_images_give_no_maps(explainer: str) -> None:
    maps, scores = EXPLAINERS[explainer](TinyNet(), pixels(0), 1, "second")
    assert maps.shape[0] == scores.shape[0] == 0


@pytest.mark.parametrize("explainer", EXPLAINERS.names())
def test_every_explainer_tells_what_it_is(explainer: str) -> None:
    spec = EXPLAINERS[explainer]
    assert spec.name == explainer
    assert spec.title
    assert spec.paper
    assert spec.told.endswith(".")


def test_where_the_head_averages_both_are_the_same() -> None:
    """ResNet-18's head is a mean over the cells: its gradient is the same in each."""
    module = build_model("resnet18", 3, seed=1).eval()
    maps, _ = hires_cam_and_scores(module, pixels(), 1)
    assert torch.allclose(maps, grad_cam(module, pixels(), 1), rtol=1e-3, atol=1e-7)


def test_what_counts_at_one_place_only() -> None:
    """A head that reads one cell alone: HiResCAM points at it, the averaged gradient cannot."""

    class OneCell(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 1, 1, bias=False)
            torch.nn.init.constant_(self.conv.weight, 1 / 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.conv(images)
            return torch.stack([maps[:, 0, 5, 2], maps[:, 0, 1, 1]], 1)

    maps, _ = hires_cam_and_scores(OneCell(), torch.ones(1, 3, 8, 8), 0, "conv")
    assert maps[0, 5, 2] == maps.max() > 0
    assert (maps > 0).sum() == 1
    assert (grad_cam(OneCell(), torch.ones(1, 3, 8, 8), 0, "conv") > 0).all()


def test_an_unknown_explainer_lists_the_known() -> None:
    from tests.explain.test_explanations import MODEL, pictures

    with pytest.raises(UnknownNameError, match="grad_cam"):
        explain_images(MODEL, pictures(1), explainer="guessing")


def test_the_list_of_explainers_loads_no_torch() -> None:
    code = "import sys; from urbanlens.explain import EXPLAINERS; EXPLAINERS.names(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
