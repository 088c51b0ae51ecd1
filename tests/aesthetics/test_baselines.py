"""Random heads on a network's own trunk, and all that maps are held against together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.aesthetics.networks import untrained
from tests.training.beauty_worlds import green_world
from urbanlens.aesthetics import random_heads as heads
from urbanlens.aesthetics.baselines import baselines, kept_baselines
from urbanlens.aesthetics.map_test import intensity
from urbanlens.aesthetics.readings import read_collection
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.errors import Cancelled
from urbanlens.models import LoadedModel
from urbanlens.models.aesthetics import Aesthete, mean_mark

pytestmark = pytest.mark.usefixtures("one_thread")
BROKEN = 2


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    world = green_world(tmp_path_factory.mktemp("worlds") / "green", 24)
    world.path(world.ids[BROKEN]).write_bytes(b"no picture at all")
    return world


@pytest.fixture(scope="module", params=["marks_and_tags", "high_low"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return untrained(tmp_path_factory.mktemp("models") / "mine", request.param)


def test_a_random_heads_map_is_grad_cam_under_that_head(
    collection: ImageCollection, model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "DRAWS", 2)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    found = heads.random_heads(collection, model, np.ones(len(collection), bool), store=ArtifactStore(tmp_path))
    assert found.intensity.shape == (len(collection), 2)
    assert np.isnan(found.intensity[BROKEN]).all()
    module = model.module
    assert isinstance(module, Aesthete)
    head = module.fresh_head(heads.FIRST_SEED + 1).eval()
    cells = module.trunk(model.transform(collection.image(collection.ids[0]))[None]).detach().requires_grad_(True)
    scores = head(module.vectors(cells))
    value = mean_mark(scores).sum() if model.card.architecture == "marks_and_tags" else scores[:, 1].sum()
    (gradient,) = torch.autograd.grad(value, cells)
    expected = (cells.detach() * gradient.mean((2, 3), keepdim=True)).sum(1).relu()
    assert np.allclose(found.intensity[0, 1], intensity(expected.numpy())[0], atol=2e-3)
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())


def test_correlations_know_each_head_and_leave_out_what_is_unknown() -> None:
    marks = np.linspace(2, 9, 40)
    values = np.stack([marks, -marks, np.ones(40)], 1).astype(np.float32)
    values[3] = np.nan
    marks_with_gap = np.where(np.arange(40) == 5, np.nan, marks)
    found = heads.RandomHeads(np.arange(40), values)
    assert np.allclose(found.correlations(marks_with_gap), [1, -1, 0], atol=1e-6)
    assert np.allclose(found.correlations(marks_with_gap, extremes=True), [1, -1, 0], atol=1e-6)
    assert np.isnan(found.correlations(marks, among=np.arange(40) < 9)).all()
    assert np.allclose(found.correlations(marks, among=np.arange(40) < 20), [1, -1, 0], atol=1e-6)


def test_no_random_head_is_one_that_training_begins_from(model: LoadedModel) -> None:
    module = model.module
    assert isinstance(module, Aesthete)
    state = torch.get_rng_state()
    first, again, other = (module.fresh_head(seed).state_dict() for seed in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert any(not torch.equal(value, other[name]) for name, value in first.items())
    assert heads.FIRST_SEED > 100_000


def test_all_is_kept_together_and_goes_on_where_it_was_stopped(
    collection: ImageCollection, model: LoadedModel, tmp_path: Path
) -> None:
    store = ArtifactStore(tmp_path)
    readings = read_collection(collection, model, store=store)
    assert kept_baselines(readings, collection, model.card, store=store) is None
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int, what: str) -> None:
        seen.append((done, total))
        if done > len(collection):
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        baselines(readings, collection, model, store=store, progress=stop)
    assert kept_baselines(readings, collection, model.card, store=store) is None
    found = baselines(readings, collection, model, store=store, progress=lambda *told: seen.append(told[:2]))
    kept = kept_baselines(readings, collection, model.card, store=store)
    assert kept is not None
    assert np.array_equal(kept.random, found.random, equal_nan=True)
    assert np.array_equal(kept.heads.intensity, found.heads.intensity, equal_nan=True)
    assert np.array_equal(kept.covered.fall, found.covered.fall, equal_nan=True)
    assert len({total for _, total in seen}) == 1
    assert seen[-1][0] == seen[-1][1]
    readable = [row for row in range(len(collection)) if row != BROKEN]
    assert found.heads.rows.tolist() == readable  # nobody knows which images it learnt from


def test_of_many_images_chance_draws_the_same_ones_again() -> None:
    wanted = np.ones(500, bool)
    wanted[:100] = False
    rows = heads.drawn_rows(wanted, 50)
    assert len(rows) == 50 and rows.min() >= 100 and (np.diff(rows) > 0).all()
    assert np.array_equal(rows, heads.drawn_rows(wanted, 50))
    assert heads.drawn_rows(wanted, 1000).tolist() == list(range(100, 500))
