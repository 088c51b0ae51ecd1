"""The small map: every image as a point, and points coloured by a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.worlds import world
from urbanlens.collection import ImageCollection
from urbanlens.plots.palette import SEQUENTIAL
from urbanlens.plots.places import places, places_of, places_valued

COLOURS = ("#3A8F2E", "#C51B7D")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    """20 images, two of them without a place."""
    lat = 0.001 * np.arange(20)
    lat[[4, 7]] = np.nan
    return world(tmp_path_factory.mktemp("places") / "town", 20, lat=lat, lon=np.where(np.isnan(lat), np.nan, 0.01))


def test_all_places_are_drawn(town: ImageCollection) -> None:
    figure = places(town)
    assert figure is not None
    assert len(figure.data[-1].x) == 18


def test_some_stand_out(town: ImageCollection) -> None:
    figure = places_of(town, town.table.iloc[[3, 4, 5]])
    assert figure is not None
    assert list(figure.data[-1].customdata) == [town.ids[3], town.ids[5]]


def test_a_number_colours_the_images_that_have_one(town: ImageCollection) -> None:
    values = np.arange(20, dtype=float)
    values[[0, 9]] = np.nan
    figure = places_valued(town, values, "scenicness")
    assert figure is not None
    points = figure.data[-1]
    known = [row for row in range(20) if row not in (0, 4, 7, 9)]
    assert list(points.customdata) == [town.ids[row] for row in known]
    assert points.marker.color.tolist() == known
    assert list(points.text) == [f"{row:.2f}" for row in known]
    assert np.allclose(points.y, 0.001 * np.array(known), atol=1e-6)
    assert points.marker.colorbar.title.text == "scenicness"
    assert [colour for _, colour in points.marker.colorscale] == list(SEQUENTIAL)
    assert 1 <= points.marker.cmin < points.marker.cmax <= 19, "a few extremes do not make all others alike"
    assert len(figure.data[-2].x) == 18, "those without a number stay grey below"


def test_a_sign_has_two_colours_and_zero_in_the_middle(town: ImageCollection) -> None:
    figure = places_valued(town, np.linspace(-1, 3, 20), "trees, adds", colours=COLOURS)
    assert figure is not None
    marker = figure.data[-1].marker
    assert marker.cmin == -marker.cmax < 0
    scale = marker.colorscale
    assert (scale[0][1], scale[-1][1], scale[1][0]) == (COLOURS[1], COLOURS[0], 0.5)


@pytest.mark.parametrize("colours", [None, COLOURS])
def test_all_alike(town: ImageCollection, colours: tuple[str, str] | None) -> None:
    figure = places_valued(town, np.zeros(20), "nothing", colours=colours)
    assert figure is not None
    assert len(figure.data[-1].x) == 18


def test_without_a_place_or_a_number_there_is_no_map(town: ImageCollection, tmp_path: Path) -> None:
    nowhere = world(tmp_path / "nowhere", 6, lat=np.nan, lon=np.nan)
    assert places(nowhere) is None
    assert places_of(nowhere, nowhere.table) is None
    assert places_valued(nowhere, np.ones(6), "score") is None
    assert places_valued(town, np.full(20, np.nan), "score") is None
    lonely = np.full(20, np.nan)
    lonely[4] = 1.0
    assert places_valued(town, lonely, "score") is None, "the only number belongs to an image without a place"
