"""Activation maximisation: the unit rises, networks go back as they came, the same seed gives the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.worlds import world
from tests.transformation.workshops import save_generator
from urbanlens.errors import Cancelled, ModelError
from urbanlens.models.answers import answer
from urbanlens.transformation import Settings, maximize_activation
from urbanlens.transformation.making import Workshop
from urbanlens.transformation.maximize import MOST, margin

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root = tmp_path_factory.mktemp("workshop")
    collection = world(root / "two-cities", 12)
    return Workshop.open(collection, save_generator(root / "models"), device="cpu")


def codes(workshop: Workshop, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    module: Any = workshop.generator.module
    with torch.no_grad():
        return torch.as_tensor(module.encode(torch.rand(count, 3, 32, 32, generator=generator)))


def target_scores(workshop: Workshop, found: torch.Tensor, target: int) -> torch.Tensor:
    module: Any = workshop.generator.module
    with torch.no_grad():
        return answer(workshop.drivers[0], module.decode(found))[:, target]


@pytest.mark.parametrize("method", ["prior", "ascent"])
def test_the_unit_of_the_class_rises(workshop: Workshop, method: Any) -> None:
    start = codes(workshop)
    for target in (0, 1):
        targets = torch.full((2,), target)
        way = maximize_activation(
            workshop.generator, workshop.drivers, start, targets, settings=Settings(method, steps=20, reach="near"),
            margins=workshop.margins,
        )  # fmt: skip
        assert way.steps[0] == 0 and way.steps[-1] == 20
        assert torch.equal(way.codes[0], start)
        assert (target_scores(workshop, way.codes[-1], target) > target_scores(workshop, way.codes[0], target)).all()


def test_plain_codes_stay_where_real_ones_are(workshop: Workshop) -> None:
    way = maximize_activation(
        workshop.generator, workshop.drivers, 10 * codes(workshop), torch.tensor([1, 1]),
        settings=Settings("ascent", steps=3),
    )  # fmt: skip
    assert float(way.codes[-1].abs().max()) <= MOST


def test_the_same_seed_gives_the_same_way_whoever_is_beside(workshop: Workshop) -> None:
    start, settings = codes(workshop, 3), Settings(steps=8, seed=4)
    together = maximize_activation(
        workshop.generator, workshop.drivers, start, torch.tensor([1, 1, 1]), settings=settings
    )
    alone = maximize_activation(workshop.generator, workshop.drivers, start[1:2], torch.tensor([1]), settings=settings)
    assert torch.allclose(alone.codes[-1][0], together.codes[-1][1], atol=0.05)
    other = maximize_activation(
        workshop.generator, workshop.drivers, start[1:2], torch.tensor([1]), settings=Settings(steps=8, seed=5)
    )
    assert not torch.allclose(other.codes[-1], alone.codes[-1], atol=0.05)


def test_networks_go_back_as_they_came(workshop: Workshop) -> None:
    models = [workshop.generator, *workshop.drivers]
    for model in models:
        model.module.train()
    before = [(value.requires_grad, value._version) for model in models for value in model.module.parameters()]

    def stop(done: int, total: int, what: str) -> None:
        if done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        maximize_activation(
            workshop.generator, workshop.drivers, codes(workshop), torch.tensor([1, 1]), settings=Settings(steps=5),
            progress=stop,
        )  # fmt: skip
    assert all(model.module.training for model in models)
    assert before == [(value.requires_grad, value._version) for model in models for value in model.module.parameters()]
    assert all(value.grad is None for model in models for value in model.module.parameters())
    for model in models:
        model.module.eval()


def test_what_makes_no_sense_is_told(workshop: Workshop, tmp_path: Path) -> None:
    one = torch.tensor([1])
    with pytest.raises(ModelError, match="nothing pulls"):
        maximize_activation(workshop.generator, [], codes(workshop, 1), one)
    plain = Workshop.open(world(tmp_path / "w", 12), save_generator(tmp_path / "m", prior=False), device="cpu")
    with pytest.raises(ModelError, match="no prior"):
        maximize_activation(plain.generator, plain.drivers, codes(workshop, 1), one)
    for wrong in ({"method": "hope"}, {"reach": "very far"}, {"steps": 0}, {"start": "nowhere"}):
        with pytest.raises(ModelError):
            Settings(**wrong)


def test_the_margin_is_to_the_next_best() -> None:
    scores = torch.tensor([[1.0, 4.0, 2.0], [0.0, -1.0, 5.0]])
    assert margin(scores, torch.tensor([1, 0])).tolist() == [2.0, -5.0]
    assert margin(torch.tensor([[3.0]]), torch.tensor([0])).tolist() == [3.0]
