"""Many maps from one pass: equal to those one by one and to the paper's formula, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.explain.nets import TinyNet, plain_grad_cam
from tests.explain.test_grad_cam import State, images_of, mixed_net
from tests.models.small import AESTHETIC, aesthetic_classes, small
from urbanlens.aesthetics.readings import _values
from urbanlens.errors import ModelError
from urbanlens.explain import grad_cam
from urbanlens.explain.gradcam import grad_cam_each
from urbanlens.models import MODELS, LoadedModel, ModelCard, build_model
from urbanlens.models.aesthetics import mean_mark
from urbanlens.models.registry import AESTHETES
from urbanlens.models.transform import SquareTransform

pytestmark = pytest.mark.usefixtures("one_thread")


def aesthete(name: str, **changes: object) -> nn.Module:
    """With tags that answer, or the maps of some would be empty."""
    options = {**AESTHETIC[name], **changes}
    module = build_model(name, len(aesthetic_classes(name)), task="aesthetics", seed=2, **options).eval()
    with torch.no_grad():
        for part in module.head.modules():
            if isinstance(part, nn.Linear):
                part.weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(0))
    return module


def close(maps: Tensor, expected: Tensor) -> bool:
    return torch.allclose(maps, expected, rtol=1e-3, atol=1e-5 * float(expected.max()))


def by_hand(module: nn.Module, images: Tensor, values: Callable[[Tensor], Tensor], stage: nn.Module) -> Tensor:
    """(N, T, h, w) by the paper's formula, the whole network differentiated for each value alone."""
    caught: list[Tensor] = []
    handle = stage.register_forward_hook(lambda *call: caught.append(call[-1]) or call[-1].clone())
    with torch.enable_grad():
        wanted = values(module(images.clone().requires_grad_(True)))
        gradients = [torch.autograd.grad(one.sum(), caught[0], retain_graph=True)[0] for one in wanted.unbind(1)]
    handle.remove()
    alphas = [gradient.sum((2, 3)) / gradient[0, 0].numel() for gradient in gradients]
    return torch.stack([functional.relu(torch.einsum("nkhw,nk->nhw", caught[0], a)) for a in alphas], 1).detach()


@pytest.mark.parametrize("name", AESTHETES.names())
def test_every_aesthetic_architecture(name: str) -> None:
    module, images = aesthete(name), images_of(2, 64)
    maps, scores = grad_cam_each(module, images)
    classes = len(aesthetic_classes(name))
    assert maps.shape[:2] == (2, classes)
    assert maps.dtype == scores.dtype == torch.float32
    assert (maps >= 0).all()
    with torch.no_grad():
        assert torch.allclose(scores, module(images), atol=1e-6)
    for number in range(classes):
        assert close(maps[:, number], grad_cam(module, images, number))
        assert close(maps[:, number], plain_grad_cam(module, images, torch.tensor([number] * 2), module.trunk))
    assert (maps.amax((0, 2, 3)) > 0).sum() > classes / 3


@pytest.mark.parametrize("backbone", MODELS.names())
def test_every_backbone(backbone: str) -> None:
    module = aesthete("high_low", backbone=backbone, options=small(backbone), pool=1, hidden=4)
    images = images_of(2, 64)
    maps, _ = grad_cam_each(module, images, layer="trunk")
    for number in range(2):
        assert close(maps[:, number], grad_cam(module, images, number))


@pytest.mark.parametrize("name", ["marks_and_tags", "mobilenet_v2_aesthetic"])
def test_the_mean_mark_is_explained(name: str) -> None:
    """By automatic differentiation of the mean of the softmax, by hand."""
    module, images = aesthete(name), images_of(2, 64)

    def mean(scores: Tensor) -> Tensor:
        shares = scores[:, :10].exp() / scores[:, :10].exp().sum(1, keepdim=True)
        marks = sum(mark * shares[:, mark - 1] for mark in range(1, 11))
        return torch.stack([-marks, marks], 1)

    maps, _ = grad_cam_each(module, images, lambda scores: torch.stack([-mean_mark(scores), mean_mark(scores)], 1))
    expected = by_hand(module, images, mean, module.trunk)
    assert expected.amax() > 0
    assert close(maps, expected)


@pytest.mark.parametrize("name", AESTHETES.names())
def test_what_readings_explain(name: str) -> None:
    """Low and high; of marks first these, by the mean, then every mark and tag."""
    module, images, classes = aesthete(name), images_of(2, 64), aesthetic_classes(name)
    card = ModelCard("mine", "aesthetics", name, classes, 64)
    maps, _ = grad_cam_each(module, images, _values(card, every=True), "trunk")
    two, _ = grad_cam_each(module, images, _values(card, every=False), "trunk")
    assert maps.shape[1] == (2 if len(classes) == 2 else 2 + len(classes))
    assert torch.equal(two, maps[:, :2])
    if len(classes) > 2:
        assert close(maps[:, 2:], grad_cam_each(module, images)[0])
        # What speaks for a high mean speaks against a low one: no cell does both.
        assert (torch.minimum(maps[:, 0], maps[:, 1]) == 0).all()


def test_values_may_be_anything_of_the_scores() -> None:
    module, images = TinyNet().eval(), images_of()
    sure = nn.Softmax(1)
    maps, scores = grad_cam_each(module, images, lambda given: torch.stack([given[:, 0], -given[:, 2]], 1), "second")
    assert maps.shape == (3, 2, 8, 8)
    assert scores.shape == (3, 3)
    assert close(maps[:, 0], grad_cam(module, images, 0, "second"))
    with torch.no_grad():
        module.fc.weight[2] *= -1
        module.fc.bias[2] *= -1
    assert close(maps[:, 1], grad_cam(module, images, 2, "second"))
    found = grad_cam_each(module, images, sure, "second")[0]
    assert close(found, by_hand(module, images, sure, module.second))


def test_values_that_cannot_be_explained_are_refused() -> None:
    module, images = mixed_net(), images_of()
    before = State.of(module)
    for values, message in (
        (lambda scores: scores[:, 0], r"\(3, T\)"),
        (lambda scores: scores[:1], r"\(3, T\)"),
        (lambda scores: torch.ones(3, 2), "do not depend"),
        (lambda scores: scores.detach(), "do not depend"),
    ):
        with pytest.raises(ModelError, match=message):
            grad_cam_each(module, images, values, "second")
        before.check(module)


def test_a_value_that_needs_no_scores_has_an_empty_map() -> None:
    """As a tag behind its ReLU may."""
    maps, _ = grad_cam_each(
        TinyNet(), images_of(), lambda scores: torch.stack([scores[:, 0], 0 * scores[:, 1]], 1), "second"
    )
    assert maps[:, 0].max() > 0
    assert (maps[:, 1] == 0).all()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_a_borrowed_network_goes_back_as_it_came(mode: Callable[[], torch.no_grad]) -> None:
    module, images = mixed_net(), images_of()
    expected, before = grad_cam_each(module, images, layer="second")[0], State.of(module)
    with mode():
        grads = torch.is_grad_enabled()
        assert torch.equal(grad_cam_each(module, images * 1, layer="second")[0], expected)
        assert torch.is_grad_enabled() == grads
    before.check(module)
    assert not expected.requires_grad


@pytest.mark.parametrize("fault", ["values", "head", "layer", "flat", "second value"])
def test_also_when_it_fails(fault: str) -> None:
    module, images = mixed_net(), images_of()

    def fail(*_call: object) -> Tensor:
        raise RuntimeError("planted")

    handle = module.fc.register_forward_hook(fail) if fault == "head" else None
    before, grads = State.of(module), torch.is_grad_enabled()
    values = {"values": fail, "second value": lambda scores: scores[:, [0, 9]]}.get(fault)
    layer = {"layer": "third", "flat": "fc"}.get(fault, "second")
    with pytest.raises((RuntimeError, ModelError, IndexError)):
        grad_cam_each(module, images, values, layer)
    before.check(module)
    assert torch.is_grad_enabled() == grads
    if handle is not None:
        handle.remove()
    assert grad_cam_each(module, images, layer="second")[0].max() > 0


@pytest.mark.parametrize("values", [None, lambda scores: torch.cat([scores, -scores], 1)])
def test_no_images_give_no_maps(values: Callable[[Tensor], Tensor] | None) -> None:
    maps, scores = grad_cam_each(TinyNet(), images_of(0), values, "second")
    assert maps.shape == (0, 3 if values is None else 6, 8, 8)
    assert scores.shape == (0, 3)
    for name in AESTHETES:
        assert len(grad_cam_each(aesthete(name), images_of(0, 64))[0]) == 0


def test_errors_say_what_is_allowed() -> None:
    module = aesthete("high_low")
    with pytest.raises(ModelError, match="has no layer 'features': it has trunk"):
        grad_cam_each(module, images_of(), layer="features")
    with pytest.raises(ModelError, match="batch"):
        grad_cam_each(module, images_of()[0])
    with pytest.raises(ModelError, match="layer="):
        grad_cam_each(TinyNet(), images_of())


def test_a_loaded_model_is_taken_as_it_is() -> None:
    name = "high_low"
    module = aesthete(name)
    card = ModelCard("mine", "aesthetics", name, aesthetic_classes(name), 32)
    model = LoadedModel(module, card.classes, SquareTransform(32), card, card.name, module.layers, "")
    assert torch.equal(grad_cam_each(model, images_of())[0], grad_cam_each(module, images_of())[0])


def test_an_image_is_explained_alike_alone_and_in_a_batch() -> None:
    module, images = aesthete("marks_and_tags"), images_of(3, 64)
    alone = torch.cat([grad_cam_each(module, image[None])[0] for image in images])
    assert torch.allclose(grad_cam_each(module, images)[0], alone, rtol=1e-3, atol=1e-5 * float(alone.max()))
