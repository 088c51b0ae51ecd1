"""The page Attributes on collections that lack something, or whose networks are broken or have read nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.app.scenic import BROKEN, COUNT, NAMES, VIEWS, fine, network, told
from tests.app.test_explaining import waited
from tests.app.test_pages import texts
from urbanlens.collection import ImageCollection
from urbanlens.models import load_model
from urbanlens.siam.readings import kept_readings

from .conftest import Open

Make = Callable[..., ImageCollection]


def test_nothing_read_yet_offers_to_read_and_keeps_it(make: Make, visit: Open) -> None:
    collection = make(read=False)
    app = fine(visit("attributes", collection="other", view="disagree"))
    assert "have not read this collection yet" in texts(app)
    next(button for button in app.button if button.label == f"Read all {COUNT} images").click().run()
    app = fine(waited(app, "Where the two networks differ most"))
    assert "have not read" not in texts(app)
    card = load_model(collection.root / "models" / "siam").card
    from urbanlens.collection.library import store_for

    kept = kept_readings(collection, card, store=store_for(collection))
    assert kept is not None
    assert kept.readable.tolist() == [number != BROKEN for number in range(COUNT)]


@pytest.mark.parametrize("view", VIEWS)
def test_views_before_anything_is_read(make: Make, visit: Open, view: str) -> None:
    make(read=False)
    app = fine(visit("attributes", collection="other", view=view))
    assert any(button.label.startswith("Read all") for button in app.button) == (view not in ("images", "what-if"))


@pytest.mark.parametrize("view", VIEWS)
def test_no_score_by_people(make: Make, visit: Open, view: str) -> None:
    make(scenicness=None, votes=None)
    app = fine(visit("attributes", collection="other", view=view, images="all"))
    assert "given" not in texts(app).split("How this works")[0].split("</style>")[-1]


@pytest.mark.parametrize("view", VIEWS)
def test_everybody_gave_the_same_score(make: Make, visit: Open, view: str) -> None:
    make(scenicness=5.0)
    fine(visit("attributes", collection="other", view=view, images="all"))


@pytest.mark.parametrize("view", VIEWS)
def test_no_image_has_coordinates_attributes_or_a_class(make: Make, visit: Open, view: str) -> None:
    make(lat=np.nan, lon=np.nan, **{f"attr.{name}": None for name in NAMES})
    app = fine(visit("attributes", collection="other", view=view, images="all"))
    assert ("None of these images has coordinates" in texts(app)) == (view == "map")


def test_without_a_free_network_nothing_can_disagree(make: Make, visit: Open) -> None:
    make(free=False)
    app = fine(visit("attributes", collection="other", view="disagree", images="all"))
    assert "no free network" in texts(app)
    assert "Errors that one attribute explains" in texts(app)


def test_a_score_of_votes(make: Make, visit: Open) -> None:
    collection = make(free=False)
    network(collection.root / "models" / "siam", "attributes", label="votes.mean")
    app = fine(visit("attributes", collection="other", view="images"))
    assert "Mean of the votes of this picture" in texts(app)


@pytest.mark.parametrize("view", ["templates", "images", "what-if"])
def test_broken_weights_are_named(make: Make, visit: Open, view: str) -> None:
    collection = make(read=False)
    weights = collection.root / "models" / "siam" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    app = visit("attributes", collection="other", view=view)
    assert not app.exception
    assert "siam/weights.safetensors" in app.error[0].value.replace("\\", "")


def test_broken_weights_are_named_when_they_should_read(make: Make, visit: Open) -> None:
    collection = make(read=False)
    (collection.root / "models" / "free" / "weights.safetensors").write_bytes(b"nothing")
    app = visit("attributes", collection="other", view="disagree")
    next(button for button in app.button if button.label.startswith("Read all")).click().run()
    app = waited(app, "free/weights.safetensors")
    assert not app.exception
    assert any(button.label == "Try again" for button in app.button)


def test_what_counts_as_seen(make: Make, visit: Open) -> None:
    """A network that learnt shares sees a little of everything: an image has what it has more of than the average."""
    collection = make(free=False)
    folder = collection.root / "models" / "siam"
    app = fine(visit("attributes", collection="other", view="together", present="seen", images="all"))
    assert "50 % certainty" in texts(app)
    card = replace(load_model(folder).card, training={"soft": True, "positive": 0.01})
    (folder / "model.json").write_text(card.to_json())
    app = fine(visit("attributes", collection="other", view="together", present="seen", images="all"))
    assert "more of it is seen than in the average image" in texts(app)
    heat = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]
    base = np.frombuffer(base64.b64decode(heat["z"]["bdata"]), heat["z"]["dtype"]).reshape(len(NAMES), -1)[:, -1]
    assert ((base > 0.1) & (base < 0.9)).all()
    app = fine(visit("attributes", collection="other", view="together", present="true", images="all"))
    assert "its share is above 1 %" in texts(app)
    app = fine(visit("attributes", collection="other", view="images"))
    assert told(app, "attribute-maps")["cards"][0]["lines"][1].startswith("share seen: ")
