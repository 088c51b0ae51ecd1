"""The shipped networks of scenicness: what they promise, and that what is kept of them is what they say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from urbanlens.artifacts import ArtifactStore
from urbanlens.demo import open_demo, rules
from urbanlens.demo.scoring import FREE, PLAIN, RECIPES, SIAM, judged_scorers, scoring_gates, train_scorer
from urbanlens.demo.scoring_report import attributes_and_scores
from urbanlens.errors import UnknownNameError
from urbanlens.models import load_model
from urbanlens.siam.readings import kept_readings, read_image

ROOT = Path(__file__).parents[2]


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text)]


@pytest.mark.parametrize("name", [SIAM, PLAIN, FREE])
def test_what_is_kept_is_what_the_network_says(name: str) -> None:
    demo = open_demo()
    model = load_model(demo.root / "models" / name)
    assert model.name == name
    assert {key: tuple(model.card.training[key]) for key in ("sizes", "epochs")} == {
        key: RECIPES[name][key] for key in ("sizes", "epochs")
    }
    kept = kept_readings(demo, model.card, store=ArtifactStore(demo.root / "artifacts"))
    assert kept is not None
    assert kept.readable.all()
    for row in range(0, len(demo), 700):
        reading = read_image(model, demo.image(demo.ids[row]))
        assert reading.score == pytest.approx(float(kept.score[row]), abs=2e-3)
        assert np.allclose(reading.contributions, kept.contributions[row], atol=2e-3)


@pytest.mark.parametrize("name", [SIAM, PLAIN])
def test_contributions_and_bias_are_the_score_of_every_image(name: str) -> None:
    demo = open_demo()
    card = load_model(demo.root / "models" / name).card
    kept = kept_readings(demo, card, store=ArtifactStore(demo.root / "artifacts"))
    assert kept is not None
    assert np.abs(kept.contributions.astype(np.float64).sum(1) + kept.bias - kept.score).max() < 1e-5


def test_the_cards_tell_what_the_test_images_show() -> None:
    for name, one in judged_scorers(open_demo()).items():
        for measure in ("rmse", "tau", "mean_ap"):
            if measure in one.card.metrics:
                assert one.card.metrics[measure] == pytest.approx(one.metrics[measure], abs=0.01), (name, measure)


def test_the_networks_of_scores_stay_light() -> None:
    models = open_demo().root / "models"
    assert sum((models / name / "weights.safetensors").stat().st_size for name in RECIPES) <= 40e6


def test_farming_is_good_below_and_bad_above() -> None:
    gates = scoring_gates(open_demo())
    assert rules.WEIGHTS["farming"][0] < 0 < rules.WEIGHTS["farming"][2]
    assert gates["SIAM: what farming above adds"]["value"] < 0 < gates["SIAM: what farming below adds"]["value"]


def test_the_report_is_todays() -> None:
    text = (ROOT / "docs" / "REPRODUCTION.md").read_text()
    told = text[text.index("## Attributes and scores") :]
    found = attributes_and_scores(open_demo())
    assert re.sub(r"[+-]?\d+(\.\d+)?", "#", found).strip() == re.sub(r"[+-]?\d+(\.\d+)?", "#", told).strip()
    assert np.allclose(numbers(found), numbers(told), atol=0.011)


def test_an_unknown_network_of_scores(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="siam-no-finetuning"):
        train_scorer(open_demo(), "siam-2", None, tmp_path)
