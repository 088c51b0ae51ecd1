import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.embedding.city import small_city
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.embedding.index import NearestIndex
from urbanlens.embedding.nearest import unit_rows
from urbanlens.errors import Cancelled, ModelError, UnknownNameError
from urbanlens.models import ModelCard, build_model, load_model, save_model
from urbanlens.models.transform import square_pixels
from urbanlens.transformation import looks, similarity
from urbanlens.transformation.similarity import (
    FEATURES,
    SIMILARITIES,
    Shift,
    collection_features,
    collection_index,
    counterparts,
    kept_features,
    kept_index,
    measure_shift,
    own_class_rate,
    picture_features,
    shift_key,
    shifted,
    ssim,
)

P = 32
WIDTHS = {"classifier": 512, "lite0": 320, "pixels": 64 * 64}


@pytest.fixture(scope="module", autouse=True)
def _quick(one_thread: None) -> None:
    """Small networks are faster with one thread."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    root = tmp_path_factory.mktemp("city") / "small"
    small_city(root)
    (root / "images" / "p4.png").write_bytes(b"no picture")
    return ImageCollection.open(root)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "judge"
    card = ModelCard("judge", "classes", "resnet18", ("West", "East"), 48)
    save_model(build_model("resnet18", 2, seed=1), card, folder)
    return folder


@pytest.fixture(scope="module", params=list(SIMILARITIES))
def looked_at(
    request: pytest.FixtureRequest, city: ImageCollection, network: Path
) -> tuple[str, Path | None, np.ndarray]:  # fmt: skip
    """A similarity, its network, and what all images look like to it."""
    model = network if request.param == "classifier" else None
    return request.param, model, collection_features(city, request.param, size=P, model=model)


def small(city: ImageCollection, name: str) -> np.ndarray:
    return square_pixels(city.image(name), P).transpose(1, 2, 0)


def noisy(random: np.random.Generator, picture: np.ndarray, sigma: float) -> np.ndarray:
    return np.clip(picture + sigma * random.normal(size=picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def street() -> np.ndarray:
    """(128, 128, 3) sky, houses and road."""
    random = np.random.default_rng(5)
    picture = np.full((128, 128, 3), 190.0)
    picture[90:] = 90
    for left in range(0, 120, 17):
        picture[random.integers(20, 60) : 90, left : left + 15] = random.integers(30, 220, 3)
    return noisy(random, picture, 4)


def test_a_picture_is_like_itself_and_less_so_the_more_it_is_changed(street: np.ndarray) -> None:
    random = np.random.default_rng(0)
    blurred = [np.asarray(Image.fromarray(street).filter(ImageFilter.GaussianBlur(radius))) for radius in (1, 2, 4)]
    spoilt = [noisy(random, street, sigma) for sigma in (20, 50, 120)]
    same, *worse = ssim(street, np.stack([street, *blurred]))
    assert same == pytest.approx(1, abs=1e-6)
    assert (np.diff([same, *worse]) < -0.02).all()
    assert (np.diff(ssim(street, np.stack([street, *spoilt]))) < -0.02).all()
    unrelated = random.integers(0, 256, (1, 128, 128, 3)).astype(np.uint8)
    assert abs(ssim(street, unrelated)[0]) < 0.1


def test_ssim_is_symmetric_and_takes_grey_and_colour(street: np.ndarray) -> None:
    other = np.ascontiguousarray(street[:, ::-1])
    assert ssim(street, other[None])[0] == pytest.approx(ssim(other, street[None])[0], abs=1e-6)
    grey = looks.grey(np.stack([street, other]))
    assert grey.shape == (2, 64, 64)
    bytes_ = np.rint(grey * 255).astype(np.uint8)
    for thumbnails in (grey, bytes_):
        np.testing.assert_allclose(ssim(street, thumbnails), ssim(grey[0], thumbnails), atol=1e-6)
        assert ssim(street, thumbnails)[0] == pytest.approx(1, abs=1e-6)


def test_ssim_is_the_formula_of_its_paper() -> None:
    random = np.random.default_rng(2)
    x, y = random.random((2, 7, 7)).astype(np.float32)  # one window
    away = np.exp(-((np.arange(7) - 3.0) ** 2) / (2 * 1.5**2))
    weights = np.outer(away, away) / np.outer(away, away).sum()
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
    shared = (weights * (x - mean_x) * (y - mean_y)).sum()
    expected = (2 * mean_x * mean_y + 1e-4) * (2 * shared + 9e-4)
    expected /= (mean_x**2 + mean_y**2 + 1e-4) * (var_x + var_y + 9e-4)
    assert ssim(x, y[None])[0] == pytest.approx(expected, rel=1e-4)


def test_features_have_their_form_and_unreadable_images_are_zero(
    city: ImageCollection, looked_at: tuple[str, Path | None, np.ndarray]
) -> None:
    name, _, rows = looked_at
    assert rows.shape == (7, WIDTHS[name])
    assert rows.dtype == np.float32
    assert not rows[4].any()
    if name in FEATURES:
        np.testing.assert_allclose(np.linalg.norm(np.delete(rows, 4, axis=0), axis=1), 1, atol=2e-3)
    else:
        assert 0 <= rows.min() <= rows.max() <= 1


def test_what_is_kept_is_what_was_computed(
    city: ImageCollection, looked_at: tuple[str, Path | None, np.ndarray]
) -> None:
    name, model, rows = looked_at
    card = None if model is None else ModelCard.read(model)
    kept = kept_features(city, name, size=P, model=card)
    assert kept is not None
    np.testing.assert_array_equal(kept, rows)
    assert kept_features(city, name, size=P + 1, model=card) is None
    east = city.where(np.asarray(city.table["city"] == "East"))
    np.testing.assert_array_equal(collection_features(east, name, size=P, model=model), rows[1::2])


def test_a_picture_has_the_features_of_its_row(
    city: ImageCollection, looked_at: tuple[str, Path | None, np.ndarray]
) -> None:
    name, model, rows = looked_at
    loaded = None if model is None else load_model(model)
    pictures = np.stack([small(city, "p2"), small(city, "p5")])
    np.testing.assert_allclose(picture_features(pictures, name, model=loaded), rows[[2, 5]], atol=2e-3)
    everywhere = np.ones(7, bool)
    for row, picture in zip((2, 5), pictures, strict=True):
        query = picture if name == "pixels" else picture_features(picture[None], name, model=model)[0]
        index, similarity = counterparts(query, rows, everywhere, 10)
        assert index[0] == row
        assert similarity[0] == pytest.approx(1, abs=1e-3)
        np.testing.assert_array_equal(counterparts(rows[row], rows, everywhere, 10)[0], index)
        assert len(index) == 6  # all that can be read
        assert 4 not in index
        everywhere[row] = False
        assert counterparts(query, rows, everywhere, 1)[0][0] != row
        everywhere[row] = True
    assert picture_features(pictures[:0], name, model=model).shape == (0, WIDTHS[name])


def test_goes_on_where_it_was_stopped(
    city: ImageCollection, looked_at: tuple[str, Path | None, np.ndarray], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    name, model, rows = looked_at
    monkeypatch.setattr(looks, "CHUNK", 3)
    store = ArtifactStore(tmp_path)

    def stop(done: int, total: int, what: str) -> None:
        if done >= 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        collection_features(city, name, size=P, model=model, store=store, progress=stop)
    assert kept_features(city, name, size=P, model=model, store=store) is None
    decoded: list[str] = []
    original = ImageCollection.image
    monkeypatch.setattr(ImageCollection, "image", lambda self, one: (decoded.append(one), original(self, one))[1])
    seen: list[int] = []
    resumed = collection_features(
        city, name, size=P, model=model, store=store, progress=lambda done, total, what: seen.append(done)
    )
    assert sorted(decoded) == ["p3", "p4", "p5", "p6"]
    np.testing.assert_allclose(resumed, rows, atol=1e-3)
    whole = collection_features(city, name, size=P, model=model, store=ArtifactStore(tmp_path / "at once"))
    np.testing.assert_array_equal(resumed, whole)
    assert seen == [0, 3, 6, 7]
    assert not list(tmp_path.glob("similarity-chunk/*"))


def test_a_network_of_one_size_is_given_that_size(city: ImageCollection, tmp_path: Path) -> None:
    options = {"hidden": 8, "size": 16}
    card = ModelCard("small", "classes", "simpler", ("West", "East"), 16, options=options)
    save_model(build_model("simpler", 2, seed=0, **options), card, tmp_path / "small")
    model = load_model(tmp_path / "small")
    found = picture_features(np.stack([small(city, "p1")]), "classifier", model=model)
    assert found.shape == (1, 96)
    assert not model.module.training


def test_kept_features_load_no_torch(city: ImageCollection, network: Path) -> None:
    code = (
        "import sys; from urbanlens.collection import ImageCollection; "
        "from urbanlens.transformation.similarity import kept_features, counterparts; import numpy as np; "
        f"rows = kept_features(ImageCollection.open({str(city.root)!r}), 'pixels', size={P}); "
        "counterparts(np.zeros((32, 32, 3), np.uint8), rows, np.ones(7, bool), 2); "
        f"kept_features(ImageCollection.open({str(city.root)!r}), 'classifier', size={P}, model={str(network)!r}); "
        "print({'torch', 'faiss', 'sklearn'} & set(sys.modules))"
    )
    collection_features(city, "pixels", size=P)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def planted(count: int = 200, size: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Real images' features, and those of their reconstructions: weaker, noisy, and moved all one way."""
    random = np.random.default_rng(seed)
    reals = np.abs(random.normal(size=(count, size))).astype(np.float32)
    offset = np.zeros(size, np.float32)
    offset[:3] = 4
    return reals, (0.8 * reals + offset + 0.25 * random.normal(size=reals.shape)).astype(np.float32)


def test_a_planted_shift_is_found_and_taken_off() -> None:
    reals, reconstructions = planted()
    shift = measure_shift(reconstructions[:100], reals[:100], "lite0")
    assert shift.pairs == 100
    assert set(np.argsort(shift.difference)[-3:]) == {0, 1, 2}

    def found(queries: np.ndarray) -> float:
        """How often the image that was reconstructed is the nearest, of images that the shift was not measured on."""
        pool = np.arange(200) >= 100
        return float(np.mean([counterparts(query, reals, pool, 1)[0][0] == 100 + row for row, query in queries]))

    before = found(list(enumerate(reconstructions[100:])))
    after = found(list(enumerate(shifted(reconstructions[100:], shift))))
    assert after > before + 0.2
    assert after > 0.9
    rows = shifted(reconstructions, shift)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    nothing = shifted(np.zeros((1, 40), np.float32), shift)
    assert not nothing.any()
    np.testing.assert_array_equal(shifted(reals, None), unit_rows(reals))


def test_no_difference_is_no_shift() -> None:
    reals, _ = planted()
    same = measure_shift(reals, reals * 3, "classifier")
    np.testing.assert_allclose(same.difference, 0, atol=1e-6)
    np.testing.assert_allclose(shifted(reals, same), unit_rows(reals), atol=1e-6)


def test_pairs_that_cannot_be_read_do_not_count() -> None:
    reals, reconstructions = planted(30)
    reals[4], reconstructions[9] = 0, 0
    good = np.delete(np.arange(30), [4, 9])
    shift = measure_shift(reconstructions, reals, "lite0")
    assert shift.pairs == 28
    np.testing.assert_array_equal(
        shift.difference, measure_shift(reconstructions[good], reals[good], "lite0").difference
    )


def test_a_shift_is_kept_for_its_generator_similarity_and_network(network: Path, tmp_path: Path) -> None:
    reals, reconstructions = planted(20)
    shift, store = measure_shift(reconstructions, reals, "lite0"), ArtifactStore(tmp_path)
    key = shift_key("a collection", "a generator", "lite0", size=P)
    assert Shift.kept(store, key) is None
    shift.keep(store, key)
    again = Shift.kept(store, key)
    assert again is not None
    assert (again.similarity, again.pairs) == ("lite0", 20)
    np.testing.assert_array_equal(again.difference, shift.difference)
    other = ModelCard.read(network)
    keys = {
        key.digest,
        shift_key("a collection", "another generator", "lite0", size=P).digest,
        shift_key("another collection", "a generator", "lite0", size=P).digest,
        shift_key("a collection", "a generator", "lite0", size=64).digest,
        shift_key("a collection", "a generator", "classifier", size=P, model=other).digest,
        shift_key("a collection", "a generator", "classifier", size=P, model=ModelCard.from_json(
            other.to_json().replace(other.weights_digest, "0" * 64))).digest,
    }  # fmt: skip
    assert len(keys) == 6


def test_counterparts_keep_to_the_mask_and_to_the_order_of_the_rows() -> None:
    rows = np.random.default_rng(1).normal(size=(60, 12)).astype(np.float32)
    rows[[10, 20, 30]] = rows[5]
    rows[40] = 0
    region = np.ones(60, bool)
    region[[5, 20]] = False
    index, similarity = counterparts(rows[5], rows, region, 3)
    assert index[:2].tolist() == [10, 30]
    np.testing.assert_allclose(similarity[:2], 1, atol=1e-6)
    everything, _ = counterparts(rows[5], rows, region, 100)
    assert sorted(everything) == [row for row in range(60) if row not in (5, 20, 40)]
    assert len(counterparts(rows[5], rows, np.zeros(60, bool), 3)[0]) == 0


def test_an_index_finds_the_same(city: ImageCollection, tmp_path: Path) -> None:
    rows = np.random.default_rng(1).normal(size=(300, 12)).astype(np.float32)
    rows[7] = 0
    index = collection_index(city, "lite0", rows, store=ArtifactStore(tmp_path))
    region = np.arange(300) % 4 > 0
    for query in rows[[3, 7, 60]]:
        by_index, by_rows = counterparts(query, index, region, 9), counterparts(query, rows, region, 9)
        np.testing.assert_array_equal(by_index[0], by_rows[0])
        np.testing.assert_allclose(by_index[1], by_rows[1], atol=1e-6)


def test_what_is_kept_is_looked_through(
    city: ImageCollection, looked_at: tuple[str, Path | None, np.ndarray], tmp_path: Path
) -> None:
    name, model, rows = looked_at
    assert kept_index(city, name, size=P, model=model, store=ArtifactStore(tmp_path)) is None
    found = kept_index(city, name, size=P, model=model)
    if name not in FEATURES:
        assert found is not None and np.array_equal(found, rows)
        return
    assert isinstance(found, NearestIndex) and found.exact
    np.testing.assert_allclose(found.rows, rows, atol=1e-3)  # kept ones are of half precision
    everywhere = np.ones(len(city), bool)
    np.testing.assert_array_equal(counterparts(rows[2], found, everywhere, 3)[0], counterparts(
        rows[2], rows, everywhere, 3)[0])  # fmt: skip


def test_many_images_wait_for_their_lists(
    city: ImageCollection, looked_at: tuple[str, Path | None, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists take minutes: nothing is kept to look through before they are made."""
    name, model, _ = looked_at
    monkeypatch.setattr(similarity, "needs_lists", lambda features: True)
    assert (kept_index(city, name, size=P, model=model) is None) == (name in FEATURES)


def test_a_part_is_looked_through_as_the_whole(
    city: ImageCollection, looked_at: tuple[str, Path | None, np.ndarray]
) -> None:
    name, model, rows = looked_at
    part = kept_index(city.where(np.arange(len(city)) % 2 == 0), name, size=P, model=model)
    assert part is not None and len(part) == len(rows)


@pytest.mark.parametrize("pixels", [False, True])
def test_how_often_the_nearest_other_image_has_the_own_class(pixels: bool) -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, -1], 20)
    rows = random.random((60, 64 * 64 if pixels else 10)).astype(np.float32) * 0.3
    rows[labels == 0, : rows.shape[1] // 2] += 0.6
    rows[labels == 1, rows.shape[1] // 2 :] += 0.6
    test = np.arange(60) % 2 == 0
    rate = own_class_rate(rows, labels, test)
    assert (rate.share, rate.images) == (1, 20)
    assert 0.8 < rate.low < 1
    assert rate.high == pytest.approx(1)
    labels[[0, 2]] = 1  # these two look like the other class, and each of them like many
    assert own_class_rate(rows, labels, test).share <= 0.9
    rows[4] = 0
    assert own_class_rate(rows, labels, test).images == 19
    only = own_class_rate(rows, labels, test, labels == 1)
    asked = test & (labels >= 0) & rows.any(axis=1)
    assert only.share == pytest.approx((labels[asked] == 1).mean())


def test_errors_say_what_to_do(city: ImageCollection, network: Path) -> None:
    with pytest.raises(UnknownNameError, match="known are classifier, lite0, pixels"):
        kept_features(city, "colour")
    with pytest.raises(ModelError, match="took no part"):
        collection_features(city, "classifier")
    card = ModelCard.from_json(ModelCard.read(network).to_json().replace('"classes",', '"objects",', 1))
    with pytest.raises(ModelError, match="task classes"):
        kept_features(city, "classifier", model=card)
    with pytest.raises(ModelError, match="of uint8"):
        picture_features(np.zeros((2, 8, 8)), "pixels")
    with pytest.raises(ModelError, match="same order"):
        measure_shift(np.ones((2, 4)), np.ones((3, 4)), "lite0")
    with pytest.raises(ModelError, match="some validation images"):
        measure_shift(np.zeros((2, 4)), np.ones((2, 4)), "lite0")
    with pytest.raises(ModelError, match="no shift"):
        measure_shift(np.ones((2, 4)), np.ones((2, 4)), "pixels")
    with pytest.raises(ModelError, match="features of lite0"):
        shifted(np.ones((1, 5), np.float32), measure_shift(np.ones((2, 4)), np.ones((2, 4)), "lite0"))
    with pytest.raises(ModelError, match="thumbnails"):
        collection_index(city, "pixels", np.ones((2, 4)))
    everywhere = np.ones(3, bool)
    with pytest.raises(ValueError, match="same network"):
        counterparts(np.ones(3), np.ones((3, 4)), everywhere, 1)
    with pytest.raises(ValueError, match="'pixels'"):
        counterparts(np.ones((8, 8, 3)), np.ones((3, 4)), everywhere, 1)
    with pytest.raises(ValueError, match="'pixels'"):
        counterparts(np.ones(4), np.ones((3, 64 * 64)), everywhere, 1)
    with pytest.raises(ValueError, match="at least 1"):
        counterparts(np.ones(4), np.ones((3, 4)), everywhere, 0)
    with pytest.raises(ValueError, match="one truth value"):
        counterparts(np.ones(4), np.ones((3, 4)), everywhere[:2], 1)
    with pytest.raises(ValueError, match="one number each"):
        own_class_rate(np.ones((3, 4)), np.zeros(2, np.int64), everywhere)
    with pytest.raises(ValueError, match="square"):
        ssim(np.ones((8, 9, 3)), np.ones((1, 8, 8)))
    with pytest.raises(ValueError, match="7 px or more"):
        ssim(np.ones((8, 8)), np.ones((1, 6, 6)))
