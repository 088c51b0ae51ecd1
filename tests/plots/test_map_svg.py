"""The map as SVG: well-formed, in place, and safe."""

from xml.etree import ElementTree

import numpy as np
import pytest
from shapely.geometry import LineString, Polygon, box

from urbanlens.plots.map_svg import WIDTH, map_svg
from urbanlens.plots.points import HIDDEN, QUIET, LegendEntry

SVG = "{http://www.w3.org/2000/svg}"
BOUNDS = (0.0, 0.0, 1.0, 2.0)


def test_every_point_is_drawn_once_at_its_place() -> None:
    lat, lon = np.array([1.0, 0.5, np.nan, 0.2, 0.1]), np.array([0.0, 2.0, 1.0, 1.0, 0.3])
    root = ElementTree.fromstring(map_svg(BOUNDS, lat, lon, [0, 1, 0, QUIET, HIDDEN], ["#112233", "#445566"]))
    circles = [circle for group in root.iter(f"{SVG}g") for circle in group]
    places = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in circles]
    assert len(places) == 3
    assert places[1] == (0.0, 0.0)
    high = ElementTree.fromstring(map_svg((0, 0, 60, 60), [30.0], [0.0], [0], ["#112233"]))
    (circle,) = [c for group in high.iter(f"{SVG}g") for c in group]
    height = float(next(high.iter(f"{SVG}rect")).get("height", "")), float(circle.get("cy", ""))
    # Mercator: half way in degrees is less than half way up.
    stretched = np.arcsinh(np.tan(np.radians([30.0, 60.0])))
    below = WIDTH / np.radians(60.0) * stretched
    assert height[1] == pytest.approx(below[1] - below[0], abs=0.1)
    assert places[2][0] == WIDTH


def test_the_world_lies_below() -> None:
    root = ElementTree.fromstring(map_svg((50, -6, 56, 2), [], [], [], [], with_world=True))
    coasts, borders = root.iter(f"{SVG}path")
    assert coasts.get("d", "").count("Z") > 3
    assert borders.get("fill") == "none"


def test_outlines_that_cross_themselves_and_strange_signs_are_drawn() -> None:
    bow = Polygon([(0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)])
    text = map_svg(BOUNDS, [], [], [], [], outlines=[("park", bow)], legend=[LegendEntry("a\x0bb", "#112233")])
    assert "ab" in "".join(ElementTree.fromstring(text).itertext())


def test_outlines_are_cut_at_the_sheet_and_names_are_escaped() -> None:
    text = map_svg(
        BOUNDS, [], [], [], [], outlines=[("roads", LineString([(-5, 0.5), (5, 0.5)])), ("unknown", box(0, 0, 1, 1))],
        regions=[("<b>&", "park", box(0.2, 0.2, 0.8, 0.8))], chosen=[("mine", "#C4391D", box(0.4, 0.4, 3, 3))],
        legend=[LegendEntry("a <c>", "#112233", 1200)], title="city", with_world=True,
    )  # fmt: skip
    root = ElementTree.fromstring(text)
    lines = [path for path in root.iter(f"{SVG}path") if path.get("d")]
    assert len(lines) == 3
    assert "<b>" not in text
    assert "a &lt;c&gt; · 1,200" in text
    numbers = [
        float(n) for path in root.iter(f"{SVG}path")
        for n in path.get("d", "").replace("M", " ").replace("L", " ").replace("Z", " ").split()
    ]  # fmt: skip
    assert min(numbers) >= -0.1
    assert max(numbers) <= WIDTH + 0.1
