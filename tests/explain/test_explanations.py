"""Pictures in, probabilities and maps out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from tests.explain.nets import TinyNet
from urbanlens.engine import Engine
from urbanlens.errors import Cancelled, ModelError
from urbanlens.explain import explain_images, grad_cam
from urbanlens.models import LoadedModel, ModelCard
from urbanlens.models.transform import SquareTransform

CARD = ModelCard("tiny", "classes", "tiny", ("a", "b", "c"), 32)
MODEL = LoadedModel(TinyNet().eval(), CARD.classes, SquareTransform(32), CARD, "tiny", ("second",), "0" * 64)


def pictures(count: int) -> list[Image.Image]:
    generator = np.random.default_rng(0)
    return [Image.fromarray(generator.integers(0, 255, (20 + i, 45, 3), dtype=np.uint8)) for i in range(count)]


def test_one_pass_gives_all() -> None:
    told: list[int] = []
    result = explain_images(MODEL, pictures(5), batch=2, progress=lambda done, total, what: told.append(done))
    assert result.probabilities.shape == (5, 3)
    assert np.allclose(result.probabilities.sum(1), 1, atol=1e-5)
    assert np.array_equal(result.targets, result.probabilities.argmax(1))
    assert result.maps.shape == (5, 8, 8)
    assert (result.probabilities.dtype, result.targets.dtype, result.maps.dtype) == (np.float32, np.int64, np.float32)
    pixels = torch.stack([MODEL.transform(image) for image in pictures(5)])
    assert np.allclose(result.maps, grad_cam(MODEL, pixels).numpy(), rtol=1e-4, atol=1e-7)
    assert told == [2, 4, 5]


@pytest.mark.parametrize("targets", [1, [0, 1, 2, 2]])
def test_targets(targets: int | list[int]) -> None:
    result = explain_images(MODEL, pictures(4), targets, batch=3)
    assert result.targets.tolist() == (targets if isinstance(targets, list) else [targets] * 4)


@pytest.mark.parametrize("targets", [3, -1, [0, 1], [0, 1, 2, 3]])
def test_targets_that_are_no_class(targets: int | list[int]) -> None:
    with pytest.raises(ModelError):
        explain_images(MODEL, pictures(4), targets)


def test_no_pictures_give_no_rows() -> None:
    result = explain_images(MODEL, [])
    assert (result.probabilities.shape, result.targets.shape, result.maps.shape) == ((0, 3), (0,), (0, 8, 8))


def test_an_engine_lends_the_model() -> None:
    engine = Engine("cpu")
    with engine.use("tiny", lambda: MODEL) as model:
        lent = explain_images(model, pictures(3), engine=engine)
    assert np.array_equal(lent.maps, explain_images(MODEL, pictures(3)).maps)


def test_stopping_is_passed_on() -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        explain_images(MODEL, pictures(3), progress=stop)
