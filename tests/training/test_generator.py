"""Training of a template generator on a tiny world: it learns, resumes, stops where it must, and says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.worlds import world
from urbanlens.collection import ImageCollection
from urbanlens.errors import Cancelled, ModelError
from urbanlens.models import ModelCard, build_model, load_model
from urbanlens.models.beside import network_at
from urbanlens.models.generator import TemplateGenerator
from urbanlens.training import drivers, generator
from urbanlens.training.augment import attacked
from urbanlens.training.drivers import Learning
from urbanlens.training.generator import GeneratorPlan, train_generator
from urbanlens.training.prior import PriorSettings, learn_prior
from urbanlens.training.reconstruction import Comparator, Reconstruction, ReconstructionSettings

pytestmark = pytest.mark.usefixtures("one_thread")

PLAN = GeneratorPlan(size=32, channels=4, width=32, prior_width=16, steps=32, batch=8, prior_steps=12)
LIGHT = {
    drivers.ROBUST: {"architecture": "vgg11", "width": 4, "hidden": 8, "batch_norm": True, "pool": 1,
                     "recipe": "robust", "epochs": (2,)},
    drivers.TRANSFERRED: {"architecture": "simpler", "hidden": 8, "batch_norm": True, "epochs": (1,)},
    drivers.JUDGE: {"architecture": "simple", "hidden": 8, "batch_norm": True, "epochs": (1,)},
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def light_networks() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drivers, "SETTINGS", LIGHT)
        patch.setattr(drivers, "FEWEST_STEPS", 1)
        yield


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    return world(tmp_path_factory.mktemp("worlds") / "two-cities", 90)


def learning(collection: ImageCollection) -> Learning:
    return Learning(collection, "city", seed=1, device="cpu")


@pytest.fixture(scope="module")
def trained(collection: ImageCollection, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, Path]:
    folder = tmp_path_factory.mktemp("models") / "generator"
    return train_generator(learning(collection), folder, plan=PLAN), folder


def test_it_learns_and_says_what_it_is(trained: tuple[ModelCard, Path]) -> None:
    card, folder = trained
    assert (card.task, card.classes, card.size, card.label) == ("generator", ("Dark", "Light"), 32, "city")
    history = card.training["history"]
    assert history[-1]["error"] < history[0]["error"]
    assert len(card.training["prior"]) == PLAN.prior_steps // 100
    for name, path in {**card.data["drivers"], **card.data["judges"]}.items():
        assert load_model(network_at(path, folder)).name == name
        assert {"real", "drawn"} <= set(card.metrics[name])
    assert set(card.training["margins"]) == set(card.data["drivers"])
    assert not list(folder.parent.glob(".*.training"))
    assert isinstance(load_model(folder).module, TemplateGenerator)


def test_a_stopped_training_goes_on(
    trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path
) -> None:
    folder = tmp_path / "generator"

    def stop(done: int, total: int, what: str) -> None:
        if what.startswith("learning to draw") and done >= 20:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        train_generator(learning(collection), folder, plan=PLAN, progress=stop)
    work = tmp_path / ".generator.training"
    assert (work / "checkpoint.pt").is_file() and list((work / "samples").glob("*.png"))
    assert not folder.exists()
    seen: list[int] = []
    card = train_generator(
        learning(collection), folder, plan=PLAN,
        progress=lambda done, total, what: seen.append(done) if what.startswith("learning to draw") else None,
    )  # fmt: skip
    assert seen[0] == 20
    first = load_model(trained[1]).module.state_dict()
    again = load_model(folder).module.state_dict()
    assert all(torch.allclose(again[name].float(), value.float(), atol=2e-2) for name, value in first.items())
    assert [one["step"] for one in card.training["history"]] == [one["step"] for one in trained[0].training["history"]]


def test_another_unfinished_training_is_not_taken(collection: ImageCollection, tmp_path: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        if what.startswith("learning to draw") and done >= 4:
            raise Cancelled("enough")

    folder = tmp_path / "generator"
    with pytest.raises(Cancelled):
        train_generator(learning(collection), folder, plan=PLAN, progress=stop)
    other = GeneratorPlan(**{**PLAN.__dict__, "batch": 4})
    with pytest.raises(ModelError, match="another unfinished training"):
        train_generator(learning(collection), folder, plan=other)


def test_networks_of_other_classes_are_refused(
    trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path
) -> None:
    other = world(tmp_path / "other", 60, seed=3, city=[("Up", "Down")[k % 2] for k in range(60)])
    given = [trained[1] / path for path in trained[0].data["drivers"].values()]
    with pytest.raises(ModelError, match="same classes"):
        train_generator(learning(other), tmp_path / "generator", plan=PLAN, drivers=given)
    with pytest.raises(ModelError, match="at least one driver"):
        train_generator(learning(collection), tmp_path / "generator", plan=PLAN, drivers=[])


def test_a_diverging_training_stops_and_keeps_the_best(
    collection: ImageCollection, trained: tuple[ModelCard, Path], tmp_path: Path
) -> None:
    """From the third look on, the weights are spoilt: the second look's come back."""
    real, looks = generator._Looks.look, []

    def spoilt(self: Any, module: TemplateGenerator, done: int, share: float) -> str:
        looks.append(done)
        if len(looks) > 2:
            with torch.no_grad():
                module.decoder.parts[-2].bias.add_(30)
        return str(real(self, module, done, share))

    given = [trained[1] / path for path in trained[0].data["drivers"].values()]
    judges = [trained[1] / path for path in trained[0].data["judges"].values()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator._Looks, "look", spoilt)
        card = train_generator(
            learning(collection), tmp_path / "generator", plan=PLAN, drivers=given, judges=judges
        )  # fmt: skip
    assert "the best is kept" in card.training["stopped"]
    assert len(card.training["history"]) == 3
    assert card.metrics["error"] < 0.6 * card.training["history"][2]["error"]


def test_a_loss_that_is_no_number_ends_it() -> None:
    module = build_model("template_generator", 2, task="generator", seed=0, **PLAN.options)
    assert isinstance(module, TemplateGenerator)
    pixels = torch.randint(0, 255, (8, 3, 32, 32), dtype=torch.uint8)
    network = build_model("vgg11", 2, seed=0, width=4, hidden=8, pool=1)
    comparator = Comparator(network, network.layers[:2], pixels.float() / 255)  # type: ignore[index]
    run = Reconstruction(module, pixels, comparator, ReconstructionSettings(4, 4))
    with torch.no_grad():
        module.decoder.parts[-2].bias.fill_(float("nan"))
    with pytest.raises(ModelError, match="nan"):
        run.step()


def test_the_comparator_knows_what_is_the_same() -> None:
    network = build_model("vgg11", 2, seed=0, width=4, hidden=8, pool=1, batch_norm=True)
    images = torch.rand(4, 3, 32, 32)
    comparator = Comparator(network, network.layers[:2], images)  # type: ignore[index]
    assert float(comparator.distance(images, images)) == 0
    assert float(comparator.distance(1 - images, images)) > 0
    assert not any(part._forward_hooks for part in network.modules())


def test_the_prior_learns_to_take_noise_away() -> None:
    """Codes that are all alike are known for certain after a while."""
    module = build_model("template_generator", 2, task="generator", seed=0, **PLAN.options)
    assert isinstance(module, TemplateGenerator)
    generator_ = torch.Generator().manual_seed(0)
    pattern = torch.randn(1, *module.code_shape, generator=generator_)
    codes, labels = pattern.repeat(40, 1, 1, 1), torch.zeros(40, dtype=torch.long)
    noisy = pattern + torch.randn(pattern.shape, generator=generator_)
    before = float(((module.eval().denoise(noisy, torch.ones(1)) - pattern) ** 2).mean().detach())
    learn_prior(module, codes, labels, PriorSettings(500, 16))
    after = float(((module.denoise(noisy, torch.ones(1)) - pattern) ** 2).mean().detach())
    assert after < 0.3 * before


def test_an_attack_moves_images_so_far_and_harms() -> None:
    network = build_model("simple", 2, seed=0, size=32, hidden=8)
    images, labels = torch.rand(3, 3, 32, 32) * 0.5 + 0.25, torch.tensor([0, 1, 0])
    modes = [part.training for part in network.modules()]
    moved = attacked(network, images, labels, 0.02)
    length = (moved - images).flatten(1).norm(dim=1)
    assert torch.allclose(length, torch.full((3,), 0.02 * 0.5 * images[0].numel() ** 0.5), rtol=1e-3)
    loss = torch.nn.functional.cross_entropy
    harmed, before = (loss(network.eval()(some), labels).detach() for some in (moved, images))
    assert float(harmed) > float(before)
    assert all(value.requires_grad for value in network.parameters())
    network.train()
    assert [part.training for part in network.modules()] == modes


def test_samples_are_pictures(trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path) -> None:
    labels = torch.zeros(15, dtype=torch.long)
    pixels = torch.randint(0, 255, (15, 3, 32, 32), dtype=torch.uint8)
    judge = load_model(trained[1] / next(iter(trained[0].data["judges"].values())))
    module = load_model(trained[1]).module
    assert isinstance(module, TemplateGenerator)
    generator._Looks(tmp_path, pixels, labels, judge).look(module, 7, 0.1)
    with Image.open(tmp_path / "samples" / "000007.png") as sheet:
        assert np.asarray(sheet).shape == (64, 12 * 32, 3)
