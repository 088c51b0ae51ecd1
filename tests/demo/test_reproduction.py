"""docs/REPRODUCTION.md says what is computed from the shipped files today."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from urbanlens.artifacts import ArtifactStore
from urbanlens.demo import open_demo
from urbanlens.demo.markdown import markdown
from urbanlens.demo.networks import AGAIN, NETWORKS
from urbanlens.demo.reproduction import city_recognition
from urbanlens.explain import EXPLAINERS, kept_maps
from urbanlens.models import ModelCard, load_model

ROOT = Path(__file__).parents[2]


def told() -> str:
    """The part of the report about city recognition."""
    text = (ROOT / "docs" / "REPRODUCTION.md").read_text()
    return text[text.index("## City recognition") : text.index("## Attributes and scores")]


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text)]


def words(text: str) -> str:
    return re.sub(r"[+-]?\d+(\.\d+)?", "#", text).strip()


def test_the_report_is_todays() -> None:
    """The same tables; a number may differ by a hair, as processors sum in different orders."""
    found = city_recognition(open_demo())
    assert words(found) == words(told())
    assert np.allclose(numbers(found), numbers(told()), atol=0.011)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_shipped_with_its_masks(name: str) -> None:
    demo = open_demo()
    store = ArtifactStore(demo.root / "artifacts")
    model = load_model(demo.root / "models" / name)
    assert model.name == name
    assert model.card.metrics["accuracy"] >= 0.95
    assert set(model.card.metrics["mark_test"]) == {"marked", "bare"}
    for explainer in EXPLAINERS:
        maps = kept_maps(demo, model.card, "city", explainer=explainer, store=store)
        assert maps is not None, explainer
        assert len(maps.maps) == len(demo)
    options = NETWORKS[name]
    assert {key: model.card.options[key] for key in model.card.options if key in options} == {
        key: value for key, value in options.items() if key in model.card.options
    }
    assert model.card.training["augmented"] == options["augmented"]
    assert model.card.training["sizes"] == list(options["sizes"])


@pytest.mark.parametrize("name", NETWORKS)
def test_of_every_second_training_the_masks_are_shipped(name: str) -> None:
    demo = open_demo()
    card = ModelCard.read(demo.root / "models" / f"{name}{AGAIN}")
    assert card.metrics["accuracy"] >= 0.95
    assert card.training["seed"] != ModelCard.read(demo.root / "models" / name).training["seed"]
    assert kept_maps(demo, card, "city", store=ArtifactStore(demo.root / "artifacts")) is not None


def test_the_classifiers_stay_light() -> None:
    models = open_demo().root / "models"
    assert sum((models / name / "weights.safetensors").stat().st_size for name in NETWORKS) <= 70e6


def test_markdown() -> None:
    assert markdown(("a", "b"), [(1, "x")]) == "| a | b |\n| --- | --- |\n| 1 | x |"
