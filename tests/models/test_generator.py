"""The template generator: shapes, a code that knows its scale, a prior that starts as no change, errors in words."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from urbanlens.errors import ModelError
from urbanlens.models import ModelCard, build_model, load_model, save_model
from urbanlens.models.answers import answer
from urbanlens.models.generator import Discriminator, TemplateGenerator
from urbanlens.models.registry import GENERATORS
from urbanlens.models.weights import LoadedModel

SMALL: dict[str, Any] = {"size": 32, "channels": 4, "width": 32, "prior_width": 16}


def small(**options: Any) -> TemplateGenerator:
    module = build_model("template_generator", 2, task="generator", seed=0, **{**SMALL, **options})
    assert isinstance(module, TemplateGenerator)
    return module.eval()


@pytest.mark.parametrize(
    "options",
    [{}, {"size": 64}, {"prior_width": 0}, {"encoder": "efficientnet_lite0", "layer": "blocks.10", "size": 64}],
    ids=str,
)
def test_images_to_codes_and_back(options: dict[str, Any]) -> None:
    module = small(**options)
    images = torch.rand(3, 3, module.size, module.size)
    codes = module.encode(images)
    assert codes.shape == (3, *module.code_shape)
    drawn = module.decode(codes)
    assert drawn.shape == images.shape
    assert float(drawn.detach().min()) >= 0 and float(drawn.detach().max()) <= 1
    assert torch.equal(module(images), drawn)


def test_codes_of_real_images_have_mean_0_and_spread_1() -> None:
    module = small().train()
    codes = module.encode(torch.rand(32, 3, 32, 32))
    assert float(codes.mean().detach()) == pytest.approx(0, abs=1e-4)
    assert float(codes.std().detach()) == pytest.approx(1, abs=0.02)


def test_a_fresh_prior_believes_in_the_middle() -> None:
    """F is 0 at first, so D(z; s) = z / (1 + s^2): the best guess of somebody who knows the spread alone."""
    module = small()
    codes = torch.randn(2, *module.code_shape)
    for sigma in (0.1, 1.0, 5.0):
        found = module.denoise(codes, torch.full((2,), sigma), torch.tensor([0, 2]))
        assert torch.allclose(found, codes / (1 + sigma**2), atol=1e-5)


def test_what_is_frozen_stays_frozen() -> None:
    module = small(encoder="efficientnet_lite0", layer="blocks.4", size=64).train()
    trunk = module.encoder.trunk
    assert not any(part.training for part in trunk.modules())
    assert not any(value.requires_grad for value in trunk.parameters())


def test_a_generator_is_a_model_like_others(tmp_path: Any) -> None:
    module = small()
    card = ModelCard("mine", "generator", "template_generator", ("a", "b"), 32, options=SMALL)
    save_model(module, card, tmp_path / "mine")
    again = load_model(tmp_path / "mine")
    assert isinstance(again.module, TemplateGenerator)
    images = torch.rand(1, 3, 32, 32)
    assert torch.allclose(again.module(images), module(images), atol=0.02)
    assert "template_generator" in GENERATORS


@pytest.mark.parametrize("options", [{"size": 40}, {"size": 1024}, {"width": 30}, {"prior_width": 7}], ids=str)
def test_what_cannot_be_built_is_told(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="multiple"):
        small(**options)


def test_without_a_prior_nobody_denoises() -> None:
    module = small(prior_width=0)
    with pytest.raises(ModelError, match="plain ascent"):
        module.denoise(torch.zeros(1, *module.code_shape), torch.ones(1))


def test_the_discriminator_looks_at_parts() -> None:
    assert Discriminator(8)(torch.rand(2, 3, 64, 64)).shape == (2, 1, 8, 8)


@pytest.mark.parametrize(("name", "options"), [("resnet18", {}), ("simple", {"size": 64, "hidden": 8})])
def test_a_classifier_answers_for_any_size(name: str, options: dict[str, Any]) -> None:
    card = ModelCard(name, "classes", name, ("a", "b"), 64, options=options)
    module = build_model(name, 2, seed=0, **options).eval()
    images = torch.rand(2, 3, 96, 96, requires_grad=True)
    scores = answer(LoadedModel(module, card.classes, lambda _: torch.zeros(0), card, name, (), ""), images)
    assert scores.shape == (2, 2)
    assert torch.autograd.grad(scores.sum(), images)[0].shape == images.shape
