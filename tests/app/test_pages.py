"""Each page draws, and says what is wrong with an address in plain words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Slider

from urbanlens.collection import ImageCollection, Region, encode_region
from urbanlens.ui import overview
from urbanlens.ui.routes import ROUTES

from .conftest import ROOT, Open


def texts(app: AppTest) -> str:
    """All that a page says, html included."""
    kinds = ("title", "header", "subheader", "markdown", "error", "warning", "info", "html")
    return "\n".join(str(getattr(item, "value", "") or item.proto) for kind in kinds for item in app.get(kind))


def address(app: AppTest, name: str) -> str:
    """What the address says about a choice; "" where nothing."""
    value = app.query_params.get(name, "")
    return value if isinstance(value, str) else value[-1]


def slider(app: AppTest, name: str) -> Slider[float]:
    """The slider that shows a choice."""
    return next(one for one in app.slider if str(one.key).startswith(f"choice-{name}-"))


@pytest.mark.parametrize("page", [route.file for route in ROUTES])
def test_page_draws(visit: Open, page: str) -> None:
    app = visit(page)
    assert not app.exception
    assert not app.error
    assert len(app.title) == 1


def test_overview_counts_and_escapes(visit: Open) -> None:
    app = visit("overview")
    assert app.title[0].value == r"A \[small\]\(town\)"
    assert "<b>12</b><span>images</span>" in texts(app)
    assert "<b>10</b><span>on the map</span>" in texts(app)


def test_overview_of_a_region(visit: Open) -> None:
    import shapely

    here = Region("Corner", shapely.box(0.0, 0.0, 0.05, 0.025))
    app = visit("overview", region=encode_region(here))
    assert "<b>2</b><span>images</span>" in texts(app)
    assert "Corner" in texts(app)
    app.button(key="clear-selection").click().run()
    assert "<b>12</b><span>images</span>" in texts(app)
    assert "region" not in app.query_params


@pytest.mark.parametrize(("name", "value"), [("collection", "elsewhere"), ("region", "%%%"), ("collection", "/etc")])
def test_unknown_address_is_told_and_dropped(visit: Open, name: str, value: str) -> None:
    app = visit("overview", **{name: value})
    assert not app.exception
    assert len(app.warning) == 1
    assert address(app, name) != value


def test_single_image_explains(visit: Open) -> None:
    app = visit("single_image", image="view-03", model="imagenet", threshold="0.3")
    assert not app.exception
    assert slider(app, "threshold").value == pytest.approx(0.3)
    assert "view-03" in texts(app)
    slider(app, "threshold").set_value(0.7).run()
    assert address(app, "threshold") == "0.7"
    assert address(app, "image") == "view-03"


@pytest.mark.parametrize("value", ["nan", "inf", "many"])
def test_nonsense_threshold_falls_back(visit: Open, value: str) -> None:
    app = visit("single_image", image="view-03", threshold=value)
    assert not app.exception
    assert slider(app, "threshold").value == pytest.approx(0.5)


def test_the_browsers_back_is_taken_as_it_is(visit: Open) -> None:
    app = visit("single_image", image="view-03", threshold="0.3")
    before = dict(app.query_params)
    slider(app, "threshold").set_value(0.7).run()
    assert address(app, "threshold") == "0.7"
    app.query_params.clear()
    for name, values in before.items():
        app.query_params[name] = values
    app.run()
    assert slider(app, "threshold").value == pytest.approx(0.3)
    slider(app, "threshold").set_value(0.4).run()
    assert address(app, "threshold") == "0.4"


def test_a_widget_moved_before_the_browser_knew_the_last_address_is_obeyed(visit: Open) -> None:
    app = visit("single_image", image="view-03", threshold="0.3")
    before = dict(app.query_params)
    slider(app, "threshold").set_value(0.7).run()
    app.query_params.clear()
    for name, values in before.items():
        app.query_params[name] = values
    slider(app, "threshold").set_value(0.8).run()
    assert slider(app, "threshold").value == pytest.approx(0.8)
    assert address(app, "threshold") == "0.8"


def test_links_take_what_was_just_chosen_so_that_arriving_adds_nothing_to_the_address(visit: Open) -> None:
    visit("explanations")  # from now on it is known what the page asks for
    app = visit("single_image", image="view-03")
    slider(app, "threshold").set_value(0.65).run()
    links = {link.proto.page: dict(parse_qsl(link.proto.query_string)) for link in app.sidebar.get("page_link")}
    taken = next(chosen for page, chosen in links.items() if "explanations" in page)
    assert taken["threshold"] == "0.65"
    app = visit("explanations", **taken)
    assert {name: address(app, name) for name in app.query_params} == taken


def test_another_collection_lets_go_of_what_was_chosen(visit: Open) -> None:
    app = visit("single_image", image="view-03", region="nothing", picked="abc")
    menu = next(one for one in app.selectbox if str(one.key).startswith("choice-collection-"))
    menu.select("demo").run()
    assert address(app, "collection") == "demo"
    assert not address(app, "image") and not address(app, "picked") and not address(app, "region")


def test_a_link_drawn_before_a_part_of_the_page_ran_alone_overrules_nothing(visit: Open) -> None:
    """On the page Single image the sliders draw only their part again, not the links of the side bar."""
    app = visit("single_image", image="view-03", threshold="0.3")
    stale = dict(app.query_params)
    links = app.session_state["urbanlens.links"]
    app.session_state["urbanlens.kept"]["threshold"] = "0.7"
    app.query_params.clear()
    for name, value in links["Explanations"].items():
        app.query_params[name] = value
    app.switch_page("pages/explanations.py").run()
    assert slider(app, "threshold").value == pytest.approx(0.7)
    assert stale["threshold"] == ["0.3"] or stale["threshold"] == "0.3"


@pytest.mark.parametrize("value", ["1e308", "-1e308", "inf", "nan", "0x1"])
def test_an_absurd_threshold_breaks_no_page(visit: Open, value: str) -> None:
    assert not visit("explanations", threshold=value).exception


def test_a_kept_value_between_two_steps_is_shown_as_the_nearer_and_stays(visit: Open) -> None:
    app = visit("objects", threshold="0.78")
    assert slider(app, "threshold").value == pytest.approx(0.8)
    assert address(app, "threshold") == "0.78"


def test_unknown_image_names_some(visit: Open) -> None:
    app = visit("single_image", image="view-99")
    assert "view" in app.error[0].value
    assert not app.exception


def test_choice_survives_a_change_of_page(visit: Open) -> None:
    app = visit("single_image", image="view-03", threshold="0.3")
    app.query_params.clear()
    app.switch_page("pages/overview.py").run()
    assert address(app, "collection") == "town"
    app.query_params.clear()
    app.switch_page("pages/single_image.py").run()
    assert address(app, "image") == "view-03"
    assert slider(app, "threshold").value == pytest.approx(0.3)


def test_collections_refuses_an_empty_form(visit: Open) -> None:
    app = visit("collections", way="folder")
    next(button for button in app.button if button.label == "Import").click().run()
    assert "Nothing to import" in app.error[0].value


def test_first_page_is_light(home: Path) -> None:
    """Neither torch nor the heavy science libraries are loaded for the Overview."""
    code = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('app.py', default_timeout=60); app.query_params['collection'] = 'town'; app.run()\n"
        "assert not app.exception\n"
        "print(*sorted({'torch', 'sklearn', 'geopandas', 'skia', 'umap', 'folium'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"URBANLENS_HOME": str(home), "PATH": ""}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == [], done.stderr[-2000:]
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("page", [route.file for route in ROUTES])
def test_region_without_images(visit: Open, page: str) -> None:
    """A region that holds nothing is told, and breaks no page."""
    import shapely

    app = visit(page, region=encode_region(Region("Sea", shapely.box(80.0, 40.0, 80.1, 40.1))))
    assert not app.exception
    assert "0 of 12 images" in texts(app)


def test_truth_of_the_demo_is_read_with_care(monkeypatch: pytest.MonkeyPatch, town: ImageCollection) -> None:
    told = {
        "cues": {"realised": {"Hanamori": {"kanji": 0.9, "fence": 0.5}, "Steelport": {"kanji": 0.1, "fence": 0.45}}},
        "mark": {"realised": {"Hanamori": 0.0, "Steelport": 0.3}},
    }
    monkeypatch.setattr(overview, "truth", lambda images: told)
    cues = overview.planted(town)
    assert list(cues)[:2] == ["signboards with kanji", "fences"]
    assert cues["fences"] == {"Hanamori": 0.5, "Steelport": 0.45}
    assert "30% of the images of Steelport" in overview.spurious(town)
    monkeypatch.setattr(overview, "truth", lambda images: {"cues": 3, "mark": None})
    assert overview.planted(town) == {}
    assert overview.spurious(town) == ""
