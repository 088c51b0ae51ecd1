"""Whether maps lie on the things: the measure against maps that do, that do not, and that know only a usual place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from urbanlens.artifacts import ArtifactStore
from urbanlens.demo import open_demo
from urbanlens.demo.map_truth import FEWEST, KINDS, compared, kept_map_truth, map_truth
from urbanlens.demo.scoring import PLAIN, SIAM
from urbanlens.errors import ModelError
from urbanlens.models.card import ModelCard

NAMES = ("sea", "road", "ice")


def drawn(count: int = 40, seed: int = 0) -> np.ndarray:
    """True maps: the sea anywhere, the road mostly below, ice in seven images."""
    generator = np.random.default_rng(seed)
    true = np.zeros((count, 3, 15, 15), np.uint8)
    for one in range(count):
        row, column = generator.integers(0, 11, 2)
        true[one, 0, row : row + 4, column : column + 4] = 255
        true[one, 1, int(generator.integers(9, 12)) :] = 200
        if one < 7:
            true[one, 2, :4] = 255
    return true


def test_maps_that_lie_on_the_things() -> None:
    true = drawn()
    told = compared(NAMES, 0.02 * true + 3.0, true, true.mean(0))
    assert told.siam[:, :2] == pytest.approx(1, abs=1e-6)
    assert told.judged.tolist() == [True, True, False]
    table = told.table().set_index("attribute")
    assert table["images"].tolist() == [40, 40, 7]
    assert table.loc["sea", "prior"] < 0.6 < 0.85 < table.loc["road", "prior"] < 1
    assert abs(table.loc["sea", "shuffled"]) < 0.2
    assert np.isnan(table.loc["ice", "siam_low"])
    assert told.mean("siam")[0] == pytest.approx(1)
    assert told.mean("siam")[1] == pytest.approx((1, 1))


def test_maps_that_know_only_the_usual_place_are_no_better_than_it() -> None:
    true = drawn()
    prior = true.mean(0)
    told = compared(NAMES, np.broadcast_to(prior, true.shape), true, prior)
    for kind in KINDS:
        assert np.allclose(getattr(told, kind), told.prior, atol=1e-6, equal_nan=True)
    assert told.mean("siam", "prior")[0] == pytest.approx(0, abs=1e-7)
    better = compared(NAMES, prior + 0.5 * true, true, prior)
    gain, interval = better.mean("siam", "prior")
    assert interval is not None
    assert 0 < interval[0] < gain < interval[1]
    assert gain == pytest.approx(better.mean("siam")[0] - better.mean("prior")[0])


def test_only_images_that_show_an_attribute_count() -> None:
    true = drawn()
    true[::2, 0] = 0
    true[1, 0] = 0
    true[1, 0, 0, 0] = 255  # less than one cell of a hundred
    told = compared(NAMES, 255 - true, true, true.mean(0))
    assert np.isfinite(told.siam[:, 0]).sum() == 19
    assert np.isnan(told.siam[[0, 1, 2], 0]).all()
    assert np.nanmax(told.siam) == pytest.approx(-1)
    assert all((np.isfinite(getattr(told, kind)) == np.isfinite(told.siam)).all() for kind in KINDS)


def test_the_mean_is_of_attributes_not_of_images() -> None:
    true = drawn(60)
    true[20:, 0] = 0
    told = compared(NAMES, np.random.default_rng(1).normal(size=true.shape), true, true.mean(0))
    value, interval = told.mean("prior")
    assert value == pytest.approx(np.nanmean(told.prior[:, :2], axis=0).mean())
    assert interval is not None
    assert interval[0] < value < interval[1]
    assert told.mean("prior", seed=1)[1] != interval
    few = compared(NAMES, true[: FEWEST - 1], true[: FEWEST - 1], true.mean(0)).mean("siam")
    assert np.isnan(few[0])
    assert few[1] is None


@pytest.mark.parametrize("name", [SIAM, PLAIN])
def test_the_shipped_networks_are_kept_and_know_more_than_the_usual_place(name: str) -> None:
    demo = open_demo()
    store = ArtifactStore(demo.root / "artifacts")
    told = kept_map_truth(demo, ModelCard.read(demo.root / "models" / name), store=store)
    assert told is not None
    assert len(told.siam) == (demo.table["split"] == "test").sum()
    again = kept_map_truth(
        demo.where(demo.table["split"] == "val"), ModelCard.read(demo.root / "models" / name), store=store
    )
    assert again is not None
    for less in ("prior", "shuffled"):
        interval = told.mean("siam", less)[1]
        assert interval is not None
        assert interval[0] > 0


def test_a_network_without_attributes_has_no_such_maps(tmp_path: Path) -> None:
    demo = open_demo()
    store = ArtifactStore(tmp_path)
    assert kept_map_truth(demo, ModelCard.read(demo.root / "models" / "resnet18"), store=store) is None
    with pytest.raises(ModelError, match="draws no attributes"):
        map_truth(demo, demo.root / "models" / "resnet18", store=store)
