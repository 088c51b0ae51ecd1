"""SIAM and its baseline: what they answer, what their sums are made of, and how they are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.small import small
from urbanlens.errors import ModelError, UnknownNameError
from urbanlens.models import MODELS, LoadedModel, ModelCard, build_model, load_model, save_model
from urbanlens.models.card import CARD_FILE
from urbanlens.models.registry import SCORERS, architectures, layers_of
from urbanlens.models.siam import Regressor
from urbanlens.models.trunk import build_trunk, fitting_layer, trunk_of
from urbanlens.models.weights import round_weights
from urbanlens.siam import SIAM

pytestmark = pytest.mark.usefixtures("one_thread")
TINY: dict[str, Any] = {"backbone": "resnet18", "layer": "layer1"}
LAYERS = [(name, layer) for name in MODELS for layer in layers_of(build_model(name, 1, **small(name)))]


def images(side: int = 64, count: int = 2, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def tiny(attributes: int = 3, seed: int = 0, **changes: Any) -> SIAM:
    module = build_model("siam", attributes, task="attributes", seed=seed, **TINY | changes).eval()
    assert isinstance(module, SIAM)
    return module


def taught(attributes: int = 3, seed: int = 0, **changes: Any) -> SIAM:
    """One with templates of both signs, as if it had learnt."""
    module = tiny(attributes, seed, **changes)
    drawn = torch.randn(module.positive.shape, generator=torch.Generator().manual_seed(seed))
    module.set_templates(drawn, 4.0)
    return module


def some_maps(module: SIAM, count: int = 2, seed: int = 3) -> Tensor:
    side = module.map_size
    return torch.randn(count, len(module.presence), side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", MODELS.names())
@torch.no_grad()
def test_every_backbone_answers_a_score_that_adds_up(name: str) -> None:
    module = build_model("siam", 3, task="attributes", seed=1, backbone=name, options=small(name)).eval()
    assert isinstance(module, SIAM)
    module.set_templates(torch.randn(3, 11, 11, generator=torch.Generator().manual_seed(0)), 5.0)
    for side in (64, 96):
        answer = module(images(side))
        assert answer.maps.shape == (2, 3, 15, 15)
        assert answer.maps.dtype == torch.float32
        assert answer.attributes.shape == answer.contributions.shape == (2, 3)
        assert answer.score.shape == (2,)
        assert 0 <= answer.attributes.min() <= answer.attributes.max() <= 1
        assert torch.allclose(answer.contributions.sum(1) + module.bias, answer.score, atol=1e-5)
        assert torch.allclose(module.contributions(answer.maps), answer.contributions)
        assert answer.contributions.std() > 0


@torch.no_grad()
def test_the_default_is_the_papers() -> None:
    module = SIAM(33).eval()
    assert (type(module.trunk[-1][0]).__name__, module.map_size, module.crop) == ("Bottleneck", 15, 11)
    assert module.to_maps.weight.shape == (33, 2048, 1, 1)
    assert module.templates.shape == (33, 11, 11)
    answer = module(images(64, 1))
    assert answer.maps.shape == (1, 33, 15, 15)
    assert torch.equal(answer.score, module.bias[None])


@torch.no_grad()
def test_the_papers_images_of_500_px_give_15_by_15_cells() -> None:
    trunk, channels = build_trunk("resnet18")
    module = tiny(layer="layer4", map_size=15, crop=11)
    assert trunk.eval()(images(500, 1)).shape == (1, channels, 16, 16)
    answer = module(images(500, 1))
    assert answer.maps.shape == (1, 3, 15, 15)
    assert answer.score.shape == (1,)


@torch.no_grad()
def test_a_fresh_network_has_no_templates_and_treats_all_attributes_alike() -> None:
    for rectified in (False, True):
        module = tiny(rectified=rectified)
        assert module.templates.shape == (3, 11, 11)
        assert module.templates.abs().max() < 1e-8
        assert module(images()).contributions.abs().max() < 1e-6
        for part in (module.positive, module.negative, module.weights.T, module.presence, module.strength):
            assert torch.equal(part, part[:1].expand_as(part))


@torch.no_grad()
def test_an_attribute_adds_its_template_times_its_map_and_nothing_else() -> None:
    module = taught()
    maps = some_maps(module)
    before, logits = module.contributions(maps), module.logits(maps)
    middle = maps[:, :, 2:13, 2:13]
    assert torch.equal(module.cropped(maps), middle)
    assert torch.allclose(before, (middle * module.templates).sum((2, 3)), atol=1e-4)
    assert torch.allclose(logits, middle.mean((2, 3)) + module.presence, atol=1e-5)
    border = maps.clone()
    border[..., 2:13, 2:13] = 0
    outside = maps + 100 * border
    assert not torch.equal(outside, maps)
    assert torch.equal(module.contributions(outside), before)
    assert torch.equal(module.logits(outside), logits)
    for change in (lambda one: one.roll(1, -1), torch.zeros_like):
        changed = maps.clone()
        changed[:, 1] = change(maps[:, 1])
        after = module.contributions(changed)
        assert torch.equal(after[:, [0, 2]], before[:, [0, 2]])
        assert not torch.isclose(after[:, 1], before[:, 1]).any()
    assert torch.equal(module.contributions(torch.zeros_like(maps)), torch.zeros(2, 3))


@torch.no_grad()
def test_the_constant_of_an_attribute_says_it_is_there_and_adds_nothing() -> None:
    module = taught()
    before = module(images())
    module.presence[1] += 2
    after = module(images())
    assert torch.equal(after.contributions, before.contributions)
    assert torch.equal(after.score, before.score)
    assert (after.attributes[:, 1] > before.attributes[:, 1]).all()
    assert torch.equal(after.attributes[:, [0, 2]], before.attributes[:, [0, 2]])


@torch.no_grad()
def test_rectified_maps_are_positive() -> None:
    assert taught(rectified=True)(images()).maps.min() > 0
    assert taught()(images()).maps.min() < 0


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1.0, 50.0, 3e3])
@torch.no_grad()
def test_templates_that_are_set_are_those_that_count(scale: float) -> None:
    module = tiny(4, map_size=7, crop=5)
    wanted = scale * torch.randn(4, 5, 5, generator=torch.Generator().manual_seed(1))
    wanted[2] = 0
    wanted[3] *= 1e-6
    module.set_templates(wanted, -2.5)
    tolerance = 1e-4 * scale
    assert torch.allclose(module.templates, wanted, atol=tolerance, rtol=1e-4)
    assert module.bias == -2.5
    assert (module.positive.isfinite() & module.negative.isfinite()).all()
    found = torch.nn.functional.softplus(torch.stack([module.positive, module.negative]))
    assert found.min() >= 0
    module.set_templates(module.templates, 1.0)
    assert torch.allclose(module.templates, wanted, atol=tolerance, rtol=1e-4)


def test_templates_that_were_set_can_still_learn() -> None:
    module = tiny(2, map_size=5, crop=3)
    module.set_templates(torch.tensor([[[1.0, -1.0, 0.0]] * 3, [[0.0] * 3] * 3]), 0.0)
    maps = some_maps(module)
    found = torch.autograd.grad(module.contributions(maps).sum(), [module.positive, module.negative])
    assert all(part.isfinite().all() and part.abs().max() > 0 for part in found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_attributes": 0}, "at least 1"),
        ({"num_attributes": -3}, "at least 1"),
        ({"crop": 16}, "16 x 16 cells do not fit maps of 15 x 15"),
        ({"crop": 0}, "between 1 and map_size"),
        ({"map_size": 0, "crop": 0}, "between 1 and map_size"),
        ({"crop": 10}, "middle of maps of 15 x 15: crop and map_size must both be even or both odd"),
        ({"map_size": 8, "crop": 5}, "both be even or both odd"),
        ({"layer": "layer9"}, "layer1, layer2, layer3, layer4"),
        ({"layer": "fc"}, "layer1, layer2, layer3, layer4"),
        ({"options": {"hidden": 3}}, "no option hidden"),
    ],
)
def test_what_makes_no_sense(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        SIAM(**{"num_attributes": 3, "backbone": "resnet18"} | given)


@pytest.mark.parametrize("map_size", [0, -1])
def test_a_baseline_needs_a_map(map_size: int) -> None:
    with pytest.raises(ModelError, match="at least 1"):
        Regressor("resnet18", map_size)


def test_unknown_backbones_say_which_are_known() -> None:
    for build in (lambda: SIAM(2, "resnet19"), lambda: Regressor("resnet19")):
        with pytest.raises(UnknownNameError, match="resnet18"):
            build()


@pytest.mark.parametrize("shape", [(2, 3, 14, 14), (2, 3, 15, 11), (2, 3, 11, 15), (2, 2, 15, 15), (3, 15, 15), (15,)])
def test_maps_that_do_not_fit_the_templates(shape: tuple[int, ...]) -> None:
    module = taught()
    for part in (module.contributions, module.logits, module.cropped):
        with pytest.raises(ModelError, match=r"\(N, 3, 15, 15\)"):
            part(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 15, 15), (2, 11, 11), (11, 11)])
def test_templates_that_do_not_fit(shape: tuple[int, ...]) -> None:
    module = taught()
    before = module.templates
    with pytest.raises(ModelError, match=r"\(3, 11, 11\)"):
        module.set_templates(torch.zeros(shape), 0.0)
    assert torch.equal(module.templates, before)


@torch.no_grad()
def test_the_baselines_map_and_bias_make_its_score() -> None:
    module = build_model("regressor", 1, task="score", seed=2, map_size=9, **TINY).eval()
    assert isinstance(module, Regressor)
    module.bias.fill_(5)
    answer = module(images())
    assert answer.maps.shape == (2, 9, 9)
    assert torch.allclose(answer.maps.mean((1, 2)) + 5, answer.score, atol=1e-6)
    with pytest.raises(ModelError, match="one score, not 2"):
        build_model("regressor", 2, task="score", **TINY)


@pytest.mark.parametrize(("name", "layer"), LAYERS)
@torch.no_grad()
def test_a_trunk_gives_what_the_network_has_at_that_layer(name: str, layer: str) -> None:
    network = build_model(name, 2, seed=1, **small(name)).eval()
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):  # some begin as nothing at all
            part.weight.fill_(0.7)
    seen: list[Tensor] = []
    handle = network.get_submodule(layer).register_forward_hook(lambda *call: seen.append(call[-1].clone()))
    network(images())
    handle.remove()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    found = trunk_of(network, layer)(images())
    assert torch.equal(found, seen[0])
    assert found.std() > 0
    assert not any(part.training for part in network.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_a_built_trunk_is_that_of_its_network(name: str, layer: str) -> None:
    trunk, channels = build_trunk(name, layer, small(name))
    assert trunk.training
    with torch.no_grad():
        assert trunk(images()).shape[1] == channels
    expected = trunk_of(build_model(name, 2, **small(name)), layer).state_dict()
    assert {key: value.shape for key, value in trunk.state_dict().items()} == {
        key: value.shape for key, value in expected.items()
    }


def test_without_a_layer_a_trunk_ends_at_the_last() -> None:
    shapes = [{k: v.shape for k, v in build_trunk("resnet18", at)[0].state_dict().items()} for at in (None, "layer4")]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", MODELS.names())
def test_the_layer_that_is_as_fine_as_the_maps(name: str) -> None:
    """The last one with as many cells; where none has, the finest. The caller's chance is left alone."""
    layers = layers_of(build_model(name, 1, **small(name)))
    with torch.no_grad():
        sides = [build_trunk(name, layer, small(name))[0].eval()(images(96, 1)).shape[-1] for layer in layers]
    assert sides == sorted(sides, reverse=True)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    for cells in (1, 6, 500):
        found = layers.index(fitting_layer(name, 96, cells, small(name)))
        assert sides[found] >= cells or found == 0
        assert all(side < cells for side in sides[found + 1 :])
    assert torch.equal(torch.rand(4), expected)


def test_building_a_trunk_teaches_its_batch_norms_nothing() -> None:
    for part in build_trunk("resnet18", "layer2")[0].modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            assert part.num_batches_tracked == 0
            assert torch.equal(part.running_mean, torch.zeros_like(part.running_mean))


def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(ModelError, match=r"ResNet18 has no layer 'blocks': it has layer1"):
        trunk_of(build_model("resnet18", 2), "blocks")


def card_of(architecture: str, **options: Any) -> ModelCard:
    task, names = ("attributes", ("sea", "road", "trees")) if architecture == "siam" else ("score", ("beauty",))
    return ModelCard("mine", task, architecture, names, 64, label="beauty", options={**TINY, **options})


@pytest.mark.parametrize(("name", "task"), [("siam", "attributes"), ("regressor", "score")])
def test_the_registry_knows_both(name: str, task: str) -> None:
    assert name in architectures(task)
    assert name in SCORERS.names()
    assert name not in MODELS
    with pytest.raises(ModelError, match="has no option width"):
        build_model(name, 1, task=task, width=3)
    with pytest.raises(UnknownNameError):
        build_model(name, 1)


@pytest.mark.parametrize(
    "card", [card_of("siam", crop=7, map_size=9), card_of("siam", rectified=True), card_of("regressor", map_size=9)],
    ids=["siam", "rectified", "baseline"],
)  # fmt: skip
def test_round_trip(card: ModelCard, tmp_path: Path) -> None:
    """What is loaded answers as what was saved, once that is rounded to float16."""
    module = build_model(card.architecture, len(card.classes), task=card.task, seed=1, **card.options).eval()
    if isinstance(module, SIAM):
        module.set_templates(torch.randn(module.positive.shape, generator=torch.Generator().manual_seed(0)) / 9, 4.1)
        module.strength.copy_(torch.tensor([0.5, 2.0, 0.1]))
    fine = [part.detach().clone() for part in module.parameters()]
    written = save_model(module, card, tmp_path / "mine")
    assert all(torch.equal(one, other) for one, other in zip(module.parameters(), fine, strict=True))
    loaded = load_model(tmp_path / "mine")
    round_weights(module)
    with torch.no_grad():
        assert all(
            torch.equal(one, other) for one, other in zip(loaded.module(images()), module(images()), strict=True)
        )
    assert isinstance(loaded, LoadedModel)
    assert loaded.card == written == ModelCard.read(tmp_path / "mine")
    assert (loaded.classes, loaded.layers, loaded.weights_digest) == (card.classes, (), written.weights["sha256"])
    assert not any(part.training for part in loaded.module.modules())
    assert torch.float16 not in {value.dtype for value in loaded.module.state_dict().values()}
    if isinstance(module, SIAM):
        strength = loaded.module.strength
        assert torch.equal(strength, torch.tensor([0.5, 2.0, 0.1]).half().float())
        answer = loaded.module(images())
        assert torch.allclose(answer.contributions.sum(1) + loaded.module.bias, answer.score, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": {**TINY, "crop": 99}}, "99 x 99"),
        ({"options": {**TINY, "crop": 5}}, "positive is"),
        ({"options": {**TINY, "layer": "layer2"}}, "unknown|no trunk"),
        ({"options": {**TINY, "layer": "head"}}, "no layer"),
        ({"options": {**TINY, "backbone": "resnet19"}}, "resnet19"),
        ({"options": {**TINY, "rectified": True}}, "to_maps.bias"),
        ({"options": {**TINY, "width": 8}}, "width"),
        ({"classes": ["sea", "road"]}, "instead of"),
        ({"task": "classes"}, "siam"),
        ({"task": "score", "architecture": "regressor"}, "one score, not 3"),
    ],
)
def test_cards_that_do_not_fit_the_weights(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    save_model(tiny(), card_of("siam"), tmp_path / "mine")
    file = tmp_path / "mine" / CARD_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ModelError, match=message):
        load_model(tmp_path / "mine")


def test_saving_checks_before_it_writes(tmp_path: Path) -> None:
    card = card_of("siam")
    with pytest.raises(ModelError, match="no siam with 2 classes"):
        save_model(tiny(), replace(card, classes=("sea", "road")), tmp_path / "mine")
    with pytest.raises(ModelError, match="no siam with 3 classes"):
        save_model(tiny(crop=5), card, tmp_path / "mine")
    module = tiny()
    with torch.no_grad():
        module.bias.fill_(1e6)
    with pytest.raises(ModelError, match="float16"):
        save_model(module, card, tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_seed_gives_the_same_network_and_leaves_the_callers_chance_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, second = (tiny(seed=7).state_dict() for _ in range(2))
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)
