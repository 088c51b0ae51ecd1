"""The same seed draws the same pixels, and a build that was stopped goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from urbanlens.collection import ImageCollection
from urbanlens.demo import attribute_maps, build, taking
from urbanlens.errors import Cancelled, CollectionError

IMAGES = 12


def contents(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("demo") / "one", seed=3, images=IMAGES, workers=1)


def test_a_build_is_a_collection(built: Path) -> None:
    collection = ImageCollection.open(built)
    assert len(collection) == IMAGES
    assert set(collection.table["city"].dropna()) == {"Hanamori", "Steelport"}
    assert collection.columns.votes == "votes"
    assert collection.objects(collection.ids[0]) is not None
    assert collection.regions
    maps, names = attribute_maps(collection)
    assert maps.shape == (IMAGES, len(names), 15, 15)
    told = collection.table[[f"attr.{name}" for name in names]].to_numpy(float)
    assert np.allclose(told, maps.mean((2, 3)) / 255, atol=1e-4)


def test_a_stopped_build_goes_on_to_the_same_bytes(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    take_one = taking.take_one

    def counted(destination: Path, viewpoint: taking.Viewpoint, mark: bool) -> None:
        if len(drawn) == 5:
            raise Cancelled("stopped")
        drawn.append(viewpoint.image_id)
        take_one(destination, viewpoint, mark)

    monkeypatch.setattr(taking, "take_one", counted)
    with pytest.raises(Cancelled):
        build(tmp_path / "two", seed=3, images=IMAGES, workers=1)
    assert not (tmp_path / "two" / "images.parquet").exists()
    first, drawn[:] = list(drawn), []
    monkeypatch.setattr(taking, "take_one", take_one)
    seen: list[int] = []
    build(tmp_path / "two", seed=3, images=IMAGES, workers=1, progress=lambda done, total, what: seen.append(done))
    assert seen[0] == len(first) == 5
    assert contents(tmp_path / "two") == contents(built)


def test_a_finished_build_is_left_alone(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "take", None)
    assert build(built, seed=3, images=IMAGES) == built


def test_another_build_does_not_overwrite(built: Path) -> None:
    with pytest.raises(CollectionError, match="choose a new folder"):
        build(built, seed=4, images=IMAGES)


def test_only_the_mark_differs_without_it(built: Path, tmp_path: Path) -> None:
    from urbanlens.demo.gathering import scene_at
    from urbanlens.demo.render import render
    from urbanlens.demo.viewpoints import has_mark, viewpoints

    marked = next(v for v in viewpoints(1, 60) if has_mark(v))
    with_mark, without = (
        render(scene_at(marked.camera, marked.light, marked.seed, mark=mark), 256) for mark in (True, False)
    )
    changed = (with_mark.rgb != without.rgb).any(-1)
    rows, columns = np.nonzero(changed)
    assert 20 < changed.sum() < 0.02 * changed.size
    assert rows.min() > 200
    assert columns.min() > 200
