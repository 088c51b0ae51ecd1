"""Grad-CAM against the paper's formula, against planted truth, and as a guest in a shared network."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from tests.explain.nets import TinyNet, plain_grad_cam
from tests.models.small import small
from urbanlens.errors import ModelError
from urbanlens.explain import grad_cam, grad_cam_and_scores, upsample_masks
from urbanlens.models import MODELS, build_model


def images_of(count: int = 3, size: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", MODELS.names())
def test_every_architecture(name: str) -> None:
    """Shape, type, sign, and equality with the full gradient."""
    module, images = build_model(name, 3, seed=1, **small(name)).eval(), images_of(2, 64)
    stage = dict(module.named_modules())[module.layers[-1]]
    maps = grad_cam(module, images)
    assert maps.dtype == torch.float32
    assert maps.ndim == 3
    assert len(maps) == 2
    assert (maps >= 0).all()
    expected = plain_grad_cam(module, images, None, stage)
    assert torch.allclose(maps, expected, rtol=1e-3, atol=1e-6 * float(expected.max()))


@pytest.mark.parametrize("target", [None, 1, [2, 0, 1], torch.tensor([1, 1, 0])])
@pytest.mark.parametrize("layer", ["first", "second", "norm"])
def test_any_network_any_layer(target: object, layer: str) -> None:
    module, images = TinyNet(), images_of()
    wanted = None if target is None else torch.as_tensor(target).expand(3)
    expected = plain_grad_cam(module, images, wanted, getattr(module, layer))
    assert torch.allclose(grad_cam(module, images, target, layer), expected, rtol=1e-4, atol=1e-7)
    assert torch.equal(
        grad_cam(module, images, target, getattr(module, layer)), grad_cam(module, images, target, layer)
    )


def test_scores_are_those_of_the_plain_pass() -> None:
    module, images = TinyNet().eval(), images_of()
    with torch.no_grad():
        expected = module(images)
    assert torch.allclose(grad_cam_and_scores(module, images, layer="second")[1], expected)


def test_an_image_is_explained_alike_alone_and_in_a_batch() -> None:
    module, images = TinyNet(), images_of(4)
    alone = torch.cat([grad_cam(module, image[None], 1, "second") for image in images])
    assert torch.allclose(grad_cam(module, images, 1, "second"), alone, rtol=1e-4, atol=1e-7)


def test_a_score_twice_as_steep_gives_a_map_twice_as_high() -> None:
    module, images = TinyNet(), images_of()
    maps = grad_cam(module, images, 0, "second")
    with torch.no_grad():
        module.fc.weight *= 2
    assert torch.allclose(grad_cam(module, images, 0, "second"), 2 * maps, rtol=1e-4)
    assert torch.allclose(upsample_masks(2 * maps, 32), upsample_masks(maps, 32), atol=1e-6)


def test_a_constant_added_to_the_score_changes_nothing() -> None:
    module, images = TinyNet(), images_of()
    maps = grad_cam(module, images, 0, "second")
    with torch.no_grad():
        module.fc.bias += 100
    assert torch.equal(grad_cam(module, images, 0, "second"), maps)


def test_works_inside_every_grad_mode() -> None:
    module, images = TinyNet(), images_of()
    expected = grad_cam(module, images, 0, "second")
    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        with mode():
            before = torch.is_grad_enabled()
            assert torch.equal(grad_cam(module, images * 1, 0, "second"), expected)
            assert torch.is_grad_enabled() == before


def test_no_images_give_no_maps() -> None:
    assert grad_cam(TinyNet(), images_of(0), layer="second").shape == (0, 8, 8)


@dataclass
class State:
    """Everything of a network that a guest could leave changed."""

    modes: list[bool]
    hooks: list[int]
    wanted: list[bool]
    gradients: list[Tensor | None]
    weights: dict[str, Tensor]

    @classmethod
    def of(cls, module: nn.Module) -> State:
        return cls(
            [part.training for part in module.modules()],
            [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in module.modules()],
            [parameter.requires_grad for parameter in module.parameters()],
            [parameter.grad for parameter in module.parameters()],
            {name: value.clone() for name, value in module.state_dict().items()},
        )

    def check(self, module: nn.Module) -> None:
        now = State.of(module)
        assert (now.modes, now.hooks, now.wanted) == (self.modes, self.hooks, self.wanted)
        assert all(mine is theirs for mine, theirs in zip(now.gradients, self.gradients, strict=True))
        assert all(torch.equal(now.weights[name], self.weights[name]) for name in self.weights)


def mixed_net() -> TinyNet:
    """In train mode but for one part, one parameter frozen, one with a gradient, one hook."""
    module = TinyNet().train()
    module.norm.eval()
    module.first.weight.requires_grad_(False)
    module.fc.bias.grad = torch.ones(3)
    module.relu.register_forward_hook(lambda *_call: None)
    return module


def test_a_borrowed_network_goes_back_as_it_came() -> None:
    module = mixed_net()
    before = State.of(module)
    grad_cam(module, images_of(), layer="second")
    before.check(module)


@pytest.mark.parametrize("fault", ["head", "trunk", "target", "layer", "unused", "flat"])
def test_also_when_it_fails(fault: str) -> None:
    module, images, target, layer = mixed_net(), images_of(), 0, "second"
    module.spare = nn.Conv2d(1, 1, 1)

    def fail(*_call: object) -> None:
        raise RuntimeError("planted")

    handle = None
    if fault in ("head", "trunk"):
        handle = (module.fc if fault == "head" else module.first).register_forward_hook(fail)
    elif fault == "target":
        target = 3
    else:
        layer = {"layer": "third", "unused": "spare", "flat": "fc"}[fault]
    before, grads = State.of(module), torch.is_grad_enabled()
    with pytest.raises(RuntimeError if handle else ModelError):
        grad_cam(module, images, target, layer)
    before.check(module)
    assert torch.is_grad_enabled() == grads


@pytest.mark.parametrize(
    ("target", "layer", "message"),
    [
        (3, "second", "0 to 2"),
        (-1, "second", "0 to 2"),
        ([0, 1], "second", "for 3 images"),
        (0.5, "second", "whole numbers"),
        (None, None, "layer="),
        (None, "fourth", "second"),
        (None, "fc", "convolution layer"),
        (None, nn.ReLU(), "no part"),
    ],
)
def test_errors_say_what_is_allowed(target: object, layer: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        grad_cam(TinyNet(), images_of(), target, layer)


def test_a_single_image_without_a_batch_is_refused() -> None:
    with pytest.raises(ModelError, match="batch"):
        grad_cam(TinyNet(), images_of()[0], layer="second")


def squares(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noise, half of it with a bright 8 px square; labels and the square's mask."""
    generator = torch.Generator().manual_seed(seed)
    images, masks = torch.rand(count, 3, 32, 32, generator=generator) * 0.4, torch.zeros(count, 32, 32)
    corners = torch.randint(0, 24, (count, 2), generator=generator)
    labels = torch.arange(count) % 2
    for image, mask, label, (top, left) in zip(images, masks, labels, corners.tolist(), strict=True):
        mask[top : top + 8, left : left + 8] = 1
        if label:
            image[:, top : top + 8, left : left + 8] += 0.6
    return images, labels, masks


def test_planted_truth() -> None:
    """A network that learnt to tell squares from none looks at the square."""
    module = TinyNet(2, seed=1).train()
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    images, labels, _ = squares(64, seed=1)
    with torch.random.fork_rng(devices=[]):  # its dropout draws from torch's own generator
        torch.manual_seed(1)
        for _ in range(80):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(images), labels).backward()
            optimizer.step()
    images, labels, masks = squares(40, seed=2)
    maps, scores = grad_cam_and_scores(module, images, 1, "second")
    assert (scores.argmax(1) == labels).float().mean() >= 0.95
    heat = upsample_masks(maps, 32)[labels == 1]
    inside = (heat * masks[labels == 1]).sum((1, 2)) / heat.sum((1, 2)).clamp_min(1e-6)
    assert inside.mean() > 0.5  # the square covers 1/16 of the image
    peaks = heat.flatten(1).argmax(1)
    assert masks[labels == 1].flatten(1).gather(1, peaks[:, None]).mean() > 0.9
