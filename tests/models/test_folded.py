"""Folded networks answer as those they came from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.models.small import small
from urbanlens.models import MODELS, LoadedModel, ModelCard, build_model
from urbanlens.models.folded import fold, fold_batch_norms
from urbanlens.models.transform import SquareTransform

PROBE = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def lived(module: nn.Module) -> nn.Module:
    """With means and spreads as after some training: fresh ones would hide a mistake."""
    chance = torch.Generator().manual_seed(2)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for value, low in (
                (part.running_mean, -0.2), (part.running_var, 0.5), (part.weight.data, 0.8), (part.bias.data, -0.2)
            ):  # fmt: skip
                value.copy_(torch.rand(value.shape, generator=chance) * 0.4 + low)
    return module.eval().requires_grad_(False)


def norms(module: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


def fresh(name: str) -> nn.Module:
    """A network that classifies, or the demo's segmenter; with batch norms."""
    if name == "segmenter":
        return build_model(name, 5, seed=1, task="objects")
    normed = {"batch_norm": True} if "batch_norm" in MODELS[name].options else {}
    return build_model(name, 3, seed=1, **small(name), **normed)


@pytest.mark.parametrize("name", [*MODELS.names(), "segmenter"])
def test_every_architecture_answers_the_same(name: str) -> None:
    module = lived(fresh(name))
    assert norms(module)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    folded = fold_batch_norms(module, PROBE)
    assert norms(folded) == 0
    other = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(3)).requires_grad_(True)
    expected, found = module(other), folded(other)
    assert torch.allclose(found, expected, atol=1e-4 * float(expected.detach().abs().max()))
    one, two = (torch.autograd.grad(scores[:, 0].sum(), other)[0] for scores in (expected, found))
    # As a whole: next to the bend of a ReLU6, a hair turns a single slope on or off.
    assert float((two - one).norm()) < 0.02 * float(one.norm())
    assert all(torch.equal(module.state_dict()[key], value) for key, value in before.items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


class Branching(nn.Module):
    """What its convolution gives goes to a batch norm, and past it."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.convolution(images)
        answer: Tensor = (self.norm(maps) + maps.relu()).mean((2, 3))
        return answer


def test_a_network_that_would_answer_otherwise_stays_as_it_is() -> None:
    module = lived(Branching())
    assert fold_batch_norms(module, PROBE) is module
    assert norms(module) == 1


class Twice(nn.Module):
    """The same convolution and batch norm, one after the other, two times."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.norm(self.convolution(self.norm(self.convolution(images)))).mean((2, 3))
        return answer


def test_parts_that_are_used_more_than_once_stay_as_they_are() -> None:
    folded = fold_batch_norms(lived(Twice()), PROBE)
    assert norms(folded) == 1


def test_a_folded_model_is_the_same_but_for_its_network() -> None:
    module = lived(fresh("simpler"))
    card = ModelCard("mine", "classes", "simpler", ("a", "b", "c"), 64)
    model = LoadedModel(module, card.classes, SquareTransform(64), card, "mine", module.layers, "digest")
    folded = fold(model)
    assert vars(folded) | {"module": None} == vars(model) | {"module": None}
    assert (norms(folded.module), norms(model.module)) == (0, 3)


def test_a_network_without_batch_norms_is_copied() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    folded = fold_batch_norms(plain, PROBE)
    assert folded is not plain
    assert torch.equal(folded(PROBE), plain(PROBE))
