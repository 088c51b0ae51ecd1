"""The shipped networks of scenicness: what they promise, and that what is kept of them is what they say."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from urbanlens.artifacts import ArtifactStore
from urbanlens.demo import open_demo, rules, scoring_report
from urbanlens.demo.making import attribute_maps
from urbanlens.demo.map_truth import compared
from urbanlens.demo.scoring import (
    FREE,
    PLAIN,
    POSITIVE,
    RECIPES,
    SCORE,
    SIAM,
    SIDE,
    JudgedScorer,
    judged_scorers,
    scoring_gates,
    train_scorer,
    without_networks,
)
from urbanlens.demo.scoring_report import attributes_and_scores
from urbanlens.demo.templates import planted_templates, sign_agreement
from urbanlens.errors import UnknownNameError
from urbanlens.models import load_model
from urbanlens.siam.annotations import attribute_values, score_values
from urbanlens.siam.metrics import attribute_metrics, score_metrics
from urbanlens.siam.readings import Readings, TemplateSet, kept_readings, read_image

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
    gates = scoring_gates(judged_scorers(open_demo()))
    assert rules.WEIGHTS["farming"][0] < 0 < rules.WEIGHTS["farming"][2]
    assert gates["SIAM: what farming above adds"]["value"] < 0 < gates["SIAM: what farming below adds"]["value"]


def test_the_report_is_todays() -> None:
    text = (ROOT / "docs" / "REPRODUCTION.md").read_text()
    told = text[text.index("## Attributes and scores") : text.index("## Beauty")]
    demo = open_demo()
    found = attributes_and_scores(demo, judged_scorers(demo))
    assert re.sub(r"[+-]?\d+(\.\d+)?", "#", found).strip() == re.sub(r"[+-]?\d+(\.\d+)?", "#", told).strip()
    assert np.allclose(numbers(found), numbers(told), atol=0.011)


def made_up(noise: float) -> dict[str, JudgedScorer]:
    """Networks that know the truth but for some noise."""
    demo = open_demo()
    test = np.asarray(demo.table["split"] == "test")
    maps, every = attribute_maps(demo)
    names, generator = tuple(every), np.random.default_rng(0)
    truth, shares = score_values(demo, SCORE)[test], attribute_values(demo, names)[test]
    planted = planted_templates(names, SIDE) / 75
    parts = np.einsum("nahw,ahw->na", maps[test] / 255, planted)
    parts += generator.normal(0, noise / len(names) ** 0.5, parts.shape)
    score = parts.sum(1) + rules.INTERCEPT
    fine = np.ones(len(truth), bool)
    known = Readings(names, shares.astype("f4"), parts, score, fine, rules.INTERCEPT)
    metrics = score_metrics(truth, score) | attribute_metrics((shares > POSITIVE).astype(float), shares, names)
    templates = TemplateSet(names, planted.astype("f4"), np.ones(len(names), np.float32), rules.INTERCEPT)
    agreement, card = sign_agreement(names, templates.typical, SIDE), SimpleNamespace()
    none = np.zeros((len(truth), 0), np.float32)
    free = Readings((), none, none, truth + generator.normal(0, 0.5, len(truth)), fine, 0.0)
    one = JudgedScorer(card, known, metrics, templates, agreement)  # type: ignore[arg-type]
    rival = JudgedScorer(card, free, score_metrics(truth, free.score), None, None)  # type: ignore[arg-type]
    return {FREE: rival, SIAM: one, PLAIN: one}


GATES = 8
OF_BOTH = {"SIAM: RMSE over the free network's", "SIAM: tau over the free network's"}


@pytest.mark.parametrize(
    ("there", "told"), [((), 0), ((FREE,), 0), ((PLAIN,), 0), ((SIAM,), GATES - 2), ((SIAM, FREE), GATES)]
)
def test_a_promise_without_its_network_is_not_kept(there: tuple[str, ...], told: int) -> None:
    networks = made_up(0.1)
    gates = scoring_gates({name: networks[name] for name in there})
    assert len(gates) == GATES
    assert sum(gate["value"] is not None for gate in gates.values()) == told
    for name, gate in gates.items():
        assert gate["pass"] == (gate["value"] is not None), name
        assert (gate["value"] is None) == (not told or (name in OF_BOTH and FREE not in there))


def test_networks_that_break_their_promises() -> None:
    broken = {name for name, gate in scoring_gates(made_up(8.0)).items() if not gate["pass"]}
    assert broken == OF_BOTH | {"SIAM: spread of an attribute without weight"}


@pytest.mark.parametrize("there", [(FREE,), (PLAIN,), (SIAM,), (SIAM, PLAIN), (FREE, SIAM, PLAIN)])
def test_the_report_of_some_networks(there: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    networks, demo = made_up(0.1), open_demo()
    true = np.random.default_rng(0).integers(0, 256, (30, 3, 15, 15), dtype=np.uint8)
    monkeypatch.setattr(
        scoring_report, "map_truth", lambda *_, **__: compared(("a", "b", "c"), true, true, true.mean(0))
    )
    text = attributes_and_scores(demo, {name: networks[name] for name in there})
    assert "nan" not in text
    assert "no network: linear in the true shares | 0.688 (0.6" in text
    assert "no network: linear in the true band shares | 0.361 (0.3" in text
    assert ("SIAM over the free network" in text) == ({SIAM, FREE} <= set(there))
    assert ("SIAM is not here." in text) == (SIAM not in there)
    assert ("mean of 3 attributes" in text) == (there != (FREE,))
    if there != (FREE,):
        assert "only farming changes its sign" in text
        assert "| 1.000 | 0.941 | " in text
    if SIAM in there:
        assert f"the noise in the scores is {rules.NOISE_SD:g}" in text


def test_what_needs_no_network_lies_between_the_mean_and_the_noise() -> None:
    found = without_networks(open_demo())
    shares, bands = found["shares"], found["band shares"]
    assert rules.NOISE_SD * 0.95 < bands["rmse"] < 0.4 < 0.6 < shares["rmse"] < 0.5 * shares["rmse_of_mean"]
    assert shares["rmse_interval"][0] > bands["rmse_interval"][1]
    assert shares["tau"] < bands["tau"]


def test_templates_of_another_score_are_not_compared_with_the_planted_ones() -> None:
    from urbanlens.ui.attribute_templates import planted_of

    demo = open_demo()
    found = TemplateSet(("ocean", "ice"), np.ones((2, 15, 15), np.float32), np.ones(2, np.float32), 0.0)
    here: Any = SimpleNamespace(collection=demo)

    def study(label: str, from_demo: bool = True) -> Any:
        card = SimpleNamespace(label=label, options={"map_size": 15})
        network = SimpleNamespace(card=card, from_demo=from_demo)
        return SimpleNamespace(siam=network, crowd=np.ones(len(demo), np.float32))

    planted = planted_of(here, study(SCORE), found)
    assert planted is not None
    assert np.array_equal(planted, planted_templates(found.names, 15))
    assert planted_of(here, study("votes.mean"), found) is None
    assert planted_of(here, study(SCORE, from_demo=False), found) is None


def test_an_unknown_network_of_scores(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="siam-no-finetuning"):
        train_scorer(open_demo(), "siam-2", None, tmp_path)
