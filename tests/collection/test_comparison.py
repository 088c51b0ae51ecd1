"""Two parts of a collection: the planted difference is found, and nothing else."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from urbanlens.collection import Columns, ImageCollection, write_collection
from urbanlens.collection.comparison import compare

NORTH, SOUTH = box(0, 0.5, 1, 1), box(0, 0, 1, 0.5)


@pytest.fixture
def streets(tmp_path: Path) -> ImageCollection:
    """400 places: trees are commoner in the north, noise is the same everywhere, "alley" lies in the south."""
    dice = np.random.default_rng(3)
    lat, lon = dice.uniform(0, 1, (2, 400))
    table = pd.DataFrame({
        "image_id": [f"i{n}" for n in range(400)], "path": [f"images/i{n}.png" for n in range(400)],
        "lat": lat, "lon": lon, "attr.trees": np.where(lat > 0.5, 0.6, 0.4) + dice.normal(0, 0.1, 400),
        "attr.noise": dice.normal(0, 1, 400), "score": np.where(dice.random(400) < 0.2, np.nan, dice.normal(5, 1, 400)),
        "kind": np.where(lat > 0.5, "avenue", "alley"),
    })  # fmt: skip
    write_collection(tmp_path, table, title="Streets", columns=Columns(labels=["kind"], scores=["score"]))
    return ImageCollection.open(tmp_path)


def test_what_was_planted_is_found_and_noise_is_not(streets: ImageCollection) -> None:
    north, south = streets.within(NORTH), streets.within(SOUTH)
    table = compare(north, south).set_index("measure")
    assert set(table.index[table["differs"]]) == {"attr.trees", "kind: avenue", "kind: alley"}
    trees = table.loc["attr.trees"]
    values = [view.table["attr.trees"] for view in (north, south)]
    assert trees["a"] == pytest.approx(values[0].mean())
    assert trees["b_error"] == pytest.approx(values[1].sem())
    assert trees["all"] == pytest.approx(streets.table["attr.trees"].mean())
    assert table.loc["kind: alley", ["a", "b"]].tolist() == [0, 1]


def test_a_part_against_itself_never_differs(streets: ImageCollection) -> None:
    north = streets.within(NORTH)
    table = compare(north, north)
    assert (table["z"] == 0).all()
    assert not table["differs"].any()


def test_parts_with_too_few_images_have_nothing_to_compare(streets: ImageCollection) -> None:
    assert compare(streets.within(NORTH), streets.within(box(5, 5, 6, 6))).empty
