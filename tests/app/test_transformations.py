"""The page Transformations on a small collection with an untrained generator, and on collections that lack something.

The transformations are test inputs: some are computed by those small networks, others are written with answers that a
test wants.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from streamlit.testing.v1 import AppTest

from tests.app.scenic import fine, selected, told
from tests.app.test_explaining import waited
from tests.app.test_pages import address, texts
from tests.embedding.test_nearest import grouped
from tests.training.worlds import world
from tests.transformation.workshops import save_generator
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection, Region, encode_region
from urbanlens.embedding.index import NearestIndex
from urbanlens.models.card import ModelCard
from urbanlens.transformation.counterparts import Searcher
from urbanlens.transformation.record import FRAMES_FILE, Settings, Transformation, finished, keep
from urbanlens.transformation.record import transformation_key as key_of
from urbanlens.ui import library
from urbanlens.ui.transformation_nearest import _of_each
from urbanlens.ui.transformation_trust import agreement_table, gate_table, gate_words
from urbanlens.ui.transformation_verdict import guessing
from urbanlens.ui.transformation_way import far
from urbanlens.ui.transformations import FOREIGN, methods_of, verdict

from .conftest import Open

pytestmark = pytest.mark.usefixtures("one_thread")

VIEWS = ("one", "changed", "prototypes", "labels", "believed")
COUNT, FRAMES = 40, 6
NAME = "turned"
NETWORKS, DRIVES = ("pulls", "judges", "judges-too"), (True, False, False)
GATES = {
    "drawn again": {"value": 0.97, "bound": ">= 0.95", "pass": True, "interval": [0.9, 0.99]},
    "believed": {
        "value": 0.6,
        "drawn anew": 0.2,
        "bound": ">= 0.85",
        "pass": False,
        "told": "Templates that <b>others</b> believe",
    },
    "seconds": {"value": 9.0, "bound": "<= 8", "pass": False},
    "by chance": {"value": None, "bound": "told", "pass": True},
}
NOWHERE = encode_region(Region("Sea", shapely.box(80, 40, 80.1, 40.1)))


def written(
    source: str, source_class: str, target: str, *, settings: Settings, sees: tuple[float, float]
) -> Transformation:
    """One whose judges are as sure of the target in the end as `sees`; what it looks like is noise of its seed."""
    generator = np.random.default_rng(settings.seed + len(source))
    certainty = np.linspace([0.1, 0.2, 0.3], [0.99, *sees], FRAMES)
    rows = generator.normal(size=(FRAMES, 320))
    prototype = settings.start == "prototype"
    return Transformation(
        source, source_class, target, settings, NETWORKS, DRIVES, np.arange(0, 10 * FRAMES, 10),
        generator.integers(0, 255, (FRAMES, 32, 32, 3), dtype=np.uint8), np.zeros((2, 4, 4, 4), np.float16),
        certainty.astype(np.float32), np.full(3, np.nan if prototype else 0.05, np.float32), ("sky", "road"),
        np.linspace([0.5, 0.2], [0.3, 0.4], FRAMES).astype(np.float32),
        {"lite0": (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)},
    )  # fmt: skip


def kept(collection: ImageCollection, *found: Transformation) -> None:
    card = ModelCard.read(collection.root / "models" / "generator")
    for one in found:
        key = key_of(
            collection.fingerprint,
            card.weights_digest,
            dict.fromkeys(NETWORKS, ""),
            one.source,
            one.target,
            one.settings,
        )
        keep(ArtifactStore(collection.root / "artifacts"), key, one)


def named(collection: ImageCollection, city: str, number: int = 0) -> str:
    return str(collection.table.loc[collection.table["city"] == city, "image_id"].iloc[number])


@pytest.fixture(scope="module")
def turned(home: Path) -> Iterator[ImageCollection]:
    """Two cities with a generator of their own: three ways from Dark to Light, one of which failed, and prototypes."""
    collection = world(home / "collections" / NAME, COUNT)
    folder = save_generator(collection.root / "models")
    card = ModelCard.read(folder)
    told = {"accuracy": 0.9, "interval": [0.8, 0.95], "images": 40}
    metrics = {"error": 0.1, "judges": {"real": told, "drawn": {**told, "accuracy": 0.7}}, "gates": GATES}
    (folder / "model.json").write_text(replace(card, metrics=metrics).to_json())
    for number, sees in enumerate([(0.9, 0.8), (0.9, 0.4), (0.3, 0.2)]):
        kept(collection, written(named(collection, "Dark", number), "Dark", "Light", settings=Settings(), sees=sees))
    plain = Settings("ascent")
    kept(collection, written(named(collection, "Dark"), "Dark", "Light", settings=plain, sees=(0.6, 0.7)))
    for seed in range(3):
        begun = Settings(start="prototype", seed=seed)
        kept(collection, written("", "", "Dark", settings=begun, sees=(0.9, 0.9 - 0.3 * seed)))
    Searcher.open(collection, folder, card, store=ArtifactStore(collection.root / "artifacts"))
    yield collection
    shutil.rmtree(collection.root)


def stepper(app: AppTest) -> Any:
    return told(app, "stepper")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws(turned: ImageCollection, visit: Open, view: str) -> None:
    app = fine(visit("transformations", collection=NAME, view=view))
    assert FOREIGN not in texts(app)
    assert address(app, "view") == view


@pytest.mark.parametrize("view", VIEWS)
def test_a_region_that_holds_nothing_breaks_no_view(turned: ImageCollection, visit: Open, view: str) -> None:
    fine(visit("transformations", collection=NAME, view=view, region=NOWHERE))


def test_it_opens_with_a_finished_one(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME))
    assert f"{named(turned, 'Dark')}, on its way to Light" in plain(app)
    data = stepper(app)
    assert (data["target"], data["chosen"]) == ("Light", FRAMES)
    assert [stop["kind"] for stop in data["stops"]] == ["original", *["step"] * (FRAMES - 1), "template", *["real"] * 3]
    assert data["real"][data["original"]]["name"] == named(turned, "Dark")
    assert address(app, "image") == ""  # nobody has chosen it


def plain(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def test_an_address_restores_what_was_looked_at(turned: ImageCollection, visit: Open) -> None:
    name = named(turned, "Dark", 1)
    chosen = {"image": name, "target": "Light", "method": "prior", "step": "2", "alike": "lite0", "among": "class"}
    app = fine(visit("transformations", collection=NAME, **chosen))
    data = stepper(app)
    assert data["chosen"] == 2 and data["real"][data["original"]]["name"] == name
    real = {image["name"] for image in data["real"]} - {name}
    assert real and {turned.table["city"][turned.row(image)] for image in real} == {"Light"}
    assert {key: address(app, key) for key in chosen} == chosen
    selected(app, "method").select("ascent").run()
    assert "has not been computed yet" in texts(fine(app))


def test_a_step_does_not_follow_to_another_image(turned: ImageCollection, visit: Open) -> None:
    app = visit("transformations", collection=NAME, image=named(turned, "Dark"), step="2")
    assert stepper(fine(app))["chosen"] == 2
    app.text_input(key="image-name").set_value(named(turned, "Dark", 1)).run()
    assert stepper(fine(app))["chosen"] == FRAMES and address(app, "step") == ""


@pytest.mark.parametrize("value", ["", "-1", "99", "nonsense", "1e9", "<b>", "%F0%9F", "é" * 300, "NaN"])
@pytest.mark.parametrize(
    "name", ["step", "target", "method", "reach", "attempt", "alike", "among", "begin", "generator", "view", "towards"]
)
def test_nonsense_falls_back(turned: ImageCollection, visit: Open, name: str, value: str) -> None:
    fine(visit("transformations", collection=NAME, **{name: value}))


def test_a_failure_is_told_as_one(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME, image=named(turned, "Dark", 2)))
    warning = app.warning[0].value.replace("\\", "")
    assert warning.startswith("**Other networks do not agree that this is Light.**")
    assert "judges is 30.0 % sure of it, of the mere reconstruction it was 20.0 %" in warning
    app = fine(visit("transformations", collection=NAME, image=named(turned, "Dark", 1)))
    assert "Not all other networks agree" in app.warning[0].value
    app = fine(visit("transformations", collection=NAME, image=named(turned, "Dark")))
    assert not app.warning and "agree that this is Light" in texts(app)


def test_the_nearest_images_are_those_of_the_features(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME, image=named(turned, "Dark"), alike="lite0"))
    card = ModelCard.read(turned.root / "models" / "generator")
    folder, store = turned.root / "models" / "generator", ArtifactStore(turned.root / "artifacts")
    searcher = Searcher.kept(turned, folder, card, store)
    (one,) = [o for o in finished(store, turned.fingerprint, card.weights_digest)
              if o.source == named(turned, "Dark") and o.settings.method == "prior"]  # fmt: skip
    found, data = one.read(), stepper(app)
    for frame in range(FRAMES):
        index, similarity = searcher.nearest(found, "lite0", 1, frame=frame)
        stop = data["stops"][1 + frame]
        assert data["real"][stop["near"]]["name"] == turned.ids[index[0]]
        assert stop["similarity"] == pytest.approx(float(similarity[0]), abs=1e-4)
    best, _ = searcher.nearest(found, "lite0", 3)
    assert [data["real"][stop["real"]]["name"] for stop in data["stops"][-3:]] == [turned.ids[row] for row in best]


@pytest.mark.parametrize("exact", [True, False])
def test_nearest_rows_of_all_frames_at_once_are_those_of_each(exact: bool) -> None:
    generator = np.random.default_rng(0)
    features = grouped(20_000, 400)
    features[7] = 0  # it could not be read
    query, pool = features[[3, 50, 60]] + 0, generator.random(20_000) < 0.7
    pool[[3, 7]], pool[50] = True, False
    index = NearestIndex(features, exact_up_to=50_000 if exact else 5_000)
    assert index.exact == exact
    rows, values = _of_each(query, index, pool)
    assert rows[0] == 3 and values[0] == pytest.approx(1, abs=1e-5)
    assert rows[1] != 50 and pool[rows].all()
    one, similarity = index.search(query[1], 1, pool)
    assert rows[1] == one[0] and values[1] == pytest.approx(similarity[0], abs=1e-5)
    nothing, low = _of_each(query, index, np.zeros(20_000, bool))
    assert nothing.tolist() == [-1] * 3 and low.tolist() == [0] * 3


def test_a_region_or_a_class_narrows_where_counterparts_may_lie(turned: ImageCollection, visit: Open) -> None:
    corner = encode_region(Region("Corner", shapely.box(-0.01, -0.0001, 0.01, 0.0095)))
    chosen = {"collection": NAME, "image": named(turned, "Dark"), "alike": "lite0"}
    data = stepper(fine(visit("transformations", among="region", region=corner, **chosen)))
    real = {image["name"] for image in data["real"]}
    assert real - {named(turned, "Dark")} <= set(turned.ids[:10])
    app = visit("transformations", among="region", region=NOWHERE, **chosen)
    assert "There is no image to choose from" in texts(fine(app))
    assert [stop["kind"] for stop in stepper(app)["stops"]][-1] == "template"


def test_a_source_that_is_of_the_class_already(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME, image=named(turned, "Light"), target="Light"))
    assert "is of Light already" in texts(app)
    app.button(key="instead-Dark").click().run()
    assert address(app, "target") == "Dark" and "has not been computed yet" in texts(fine(app))


def test_compute_one_and_keep_it(turned: ImageCollection, visit: Open) -> None:
    name = named(turned, "Light")
    app = fine(visit("transformations", collection=NAME, image=name, attempt="0-4"))
    press(app, "Turn it into Dark")
    app = waited(app, "The nearest real images", 240)
    assert stepper(fine(app))["target"] == "Dark"
    card = ModelCard.read(turned.root / "models" / "generator")
    store = ArtifactStore(turned.root / "artifacts")
    (one,) = [one for one in finished(store, turned.fingerprint, card.weights_digest) if one.source == name]
    assert one.settings.steps == 4 and "has not been computed" not in texts(app)
    again = fine(visit("transformations", collection=NAME, image=name))
    assert stepper(again)["target"] == "Dark"


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def test_a_prototype_step_by_step(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME, begin="prototype", target="Dark", attempt="2-50"))
    data = stepper(app)
    assert data["original"] == -1 and data["stops"][0]["kind"] == "step" and data["target"] == "Dark"
    assert "What makes a place Dark" in plain(app)
    assert app.warning[0].value.startswith("**Not all other networks agree")
    assert {name: address(app, name) for name in ("begin", "attempt")} == {"begin": "prototype", "attempt": "2-50"}


def test_prototypes_side_by_side(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME, view="prototypes"))
    cards = told(app, "prototypes-0")["cards"]
    assert [card["title"] for card in cards] == ["seed 0", "seed 1", "seed 2"]
    assert [bool(card["frame"]) for card in cards] == [False, False, True]
    assert cards[2]["lines"] == ["others are divided", "judges: 90.0 %", "judges-too: 30.0 %"]
    assert "judges-too in 2 of 3" in texts(app)
    assert "5 prototypes have not been made yet" in texts(app)


def test_finished_ones_and_which_of_them_failed(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME, image=named(turned, "Dark")))
    board = told(app, "finished")
    shown = {card["title"]: card for card in board["cards"]}
    names = [named(turned, "Dark", number) for number in range(3)]
    assert set(names) <= set(shown)
    assert shown[names[2]]["lines"][0] == "others do not agree" and shown[names[2]]["frame"]
    assert board["chosen"] in {card["value"] for card in board["cards"]}
    app = fine(visit("transformations", collection=NAME, which="fail"))
    failed = {card["title"] for card in told(app, "finished")["cards"]}
    assert set(names[1:]) <= failed and names[0] not in failed


def test_the_same_image_by_other_ways(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME, image=named(turned, "Dark")))
    (card,) = told(app, "other-ways")["cards"]
    assert card["lines"] == ["others agree", "plain ascent, as in the paper"]
    app = fine(visit("transformations", collection=NAME, image=named(turned, "Dark"), method="ascent"))
    (card,) = told(app, "other-ways")["cards"]
    assert card["lines"][1].startswith("guided by what real images look like")
    labels = {button.proto.label for button in app.get("download_button")}
    assert {"Strip (PNG)", "Animation (GIF)", "Steps, codes, settings (ZIP)"} <= labels


def test_a_strangers_photograph_is_not_shown(turned: ImageCollection, visit: Open) -> None:
    kept(turned, written("0123456789abcdef0123", "", "Light", settings=Settings(), sees=(0.9, 0.9)))
    for view in VIEWS:
        assert "0123456789abcdef0123" not in texts(fine(visit("transformations", collection=NAME, view=view)))
    titles = [card["title"] for card in told(visit("transformations", collection=NAME), "finished")["cards"]]
    assert "0123456789abcdef0123" not in titles


def test_the_tests_are_told_pass_or_not(turned: ImageCollection, visit: Open) -> None:
    app = fine(visit("transformations", collection=NAME, view="believed"))
    said = texts(app)
    assert "generator passes 1 of 3" in said
    assert "0.97 (0.9 to 0.99): passed" in said and "0.6: not passed; drawn anew 0.2" in said
    assert "at least 0.85" in said and "at most 8" in said
    assert "&lt;b&gt;others&lt;/b&gt;" in said  # text, never markup
    assert "70.0% (80.0% to 95.0%)" in said


def test_ways_and_generators_stand_side_by_side(turned: ImageCollection) -> None:
    card = ModelCard.read(turned.root / "models" / "generator")
    ways = {**GATES, "plain ascent: drawn again": {"value": 0.5, "bound": ">= 0.95", "pass": False}}
    objects = {"value": 1, "bound": ">= 1", "pass": True, "fence": [0.02, 0.01, 0.03]}
    both, other = replace(card, metrics={"gates": ways}), replace(card, metrics={"gates": {"objects: grow": objects}})
    table = gate_table({"a": both, "b": other, "untested": replace(card, metrics={})})
    assert len(table) == 6
    words = gate_words(table)
    assert words.columns.tolist() == ["Test", "Demanded", "a", "a, plain ascent", "b"]
    assert words.iloc[0].tolist() == [
        "drawn again", "at least 0.95", "0.97 (0.9 to 0.99): passed", "0.5: not passed", "",
    ]  # fmt: skip
    assert words.iloc[3].tolist() == ["by chance", "nothing, only told", "not computed", "", ""]
    assert words.iloc[4].tolist() == [
        "objects: grow", "at least 1", "", "", "1: passed; fence +0.020 (0.010 to 0.030)",
    ]  # fmt: skip
    assert gate_table({"broken": replace(card, metrics={"gates": {"x": 3, "y": {"value": 1}}})}).empty


def test_shares_of_agreement_have_their_baseline_and_interval() -> None:
    found = [
        written(f"s{n}", "Dark", "Light", settings=Settings(), sees=(0.9 if n < 3 else 0.1, 0.2)) for n in range(4)
    ]
    table = agreement_table(found).set_index("network")
    assert table["count"].tolist() == [4, 4, 4]
    assert table.loc["judges", "ended"] == 0.75 and table.loc["judges-too", "ended"] == 0
    assert table.loc["pulls", "ended"] == 1 and (table["begun"] == 0).all()
    low, high = table.loc["judges", ["low", "high"]]
    assert 0.2 < low < 0.75 < high < 1
    assert table.index.tolist()[-1] == "pulls"  # those that judge come first


def test_without_a_generator_the_command_is_told(visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "DEMO_FOLDER", tmp_path)
    app = fine(visit("transformations"))
    assert "python -m urbanlens train generator COLLECTION" in app.info[0].value
    assert "Before you train" in texts(app)


@pytest.mark.parametrize("view", VIEWS)
def test_a_collection_without_its_own_may_ask_the_demos_and_is_told_so(visit: Open, view: str) -> None:
    app = fine(visit("transformations", view=view))
    assert FOREIGN in texts(app) and "python -m urbanlens train generator COLLECTION" in app.info[0].value


def test_one_class_alone_cannot_be_learnt(home: Path, visit: Open) -> None:
    root = home / "collections" / "alone"
    try:
        world(root, 12, city="Dark")
        assert "at least two classes" in fine(visit("transformations", collection="alone")).info[0].value
    finally:
        shutil.rmtree(root)


def test_broken_files_are_told(home: Path, visit: Open) -> None:
    root = home / "collections" / "broken"
    try:
        collection = world(root, 12)
        save_generator(root / "models")
        name = named(collection, "Dark")
        kept(collection, written(name, "Dark", "Light", settings=Settings(), sees=(0.9, 0.9)))
        next((root / "artifacts" / "transformation").glob(f"*/{FRAMES_FILE}")).write_bytes(b"no picture")
        app = visit("transformations", collection="broken", image=name)
        assert not app.exception and "cannot be read" in app.error[0].value.replace("\\", "")
    finally:
        shutil.rmtree(root)


def test_another_collection_forgets_what_was_chosen(turned: ImageCollection, visit: Open) -> None:
    chosen = {"image": named(turned, "Dark"), "target": "Light", "step": "1", "among": "class", "attempt": "0-50"}
    app = fine(visit("transformations", collection=NAME, **chosen))
    selected(app, "collection").select("town").run()
    fine(app)
    assert {name: address(app, name) for name in chosen} == dict.fromkeys(chosen, "")


def test_networks_that_may_be_guessing_are_named() -> None:
    rates = {"knows": (0.9, 0.8, 0.95), "guesses": (0.65, 0.53, 0.75)}
    metrics: dict[str, Any] = {
        name: {"real": {"accuracy": share, "interval": [low, high], "images": 69, "base_rate": 0.6}}
        for name, (share, low, high) in rates.items()
    }
    card = ModelCard(
        "g", "generator", "template_generator", ("a", "b"), 32, metrics={**metrics, "error": 0.1},
        data={"drivers": {"knows": "x", "unheard": "z"}, "judges": {"guesses": "y"}},
    )  # fmt: skip
    (told,) = guessing(card)
    assert told.startswith("guesses is right in 65") and "always naming the most frequent class would be in 60" in told


def test_words_and_numbers() -> None:
    assert [verdict(share) for share in (float("nan"), 1, 0.5, 0)] == [
        "nobody else was asked", "others agree", "others are divided", "others do not agree",
    ]  # fmt: skip
    assert far((0, 0), (0, 0.005)) == "556 m away" and far((0, 0), (0, 1)) == "111 km away"
    card = ModelCard("g", "generator", "template_generator", ("a", "b"), 32, options={"prior_width": 0})
    assert methods_of(card) == ["ascent"]
    assert methods_of(replace(card, options={"prior_width": 64})) == ["prior", "ascent"]
    assert methods_of(replace(card, data={"methods": ["prior"]})) == ["prior"]
