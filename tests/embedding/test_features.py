from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.embedding.city import small_city
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.embedding import embed, embed_images, features, kept_embedding, nearest
from urbanlens.errors import Cancelled


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    return small_city(tmp_path_factory.mktemp("city") / "small")


@pytest.fixture(scope="module")
def rows(city: ImageCollection) -> np.ndarray:
    return embed(city)


def test_rows_have_length_one_and_are_their_own_nearest(city: ImageCollection, rows: np.ndarray) -> None:
    assert rows.shape == (len(city), 320)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    index, similarity = nearest(rows, rows, 1)
    assert index[:, 0].tolist() == list(range(len(city)))
    np.testing.assert_allclose(similarity[:, 0], 1, atol=1e-5)


def test_the_same_picture_has_the_same_features(city: ImageCollection, rows: np.ndarray) -> None:
    np.testing.assert_allclose(embed_images([city.image("p2")])[0], rows[2], atol=0.02)


def test_result_is_kept_and_a_view_gets_its_rows(city: ImageCollection, rows: np.ndarray) -> None:
    kept = kept_embedding(city)
    assert kept is not None
    np.testing.assert_array_equal(kept, rows)
    east = city.where(np.asarray(city.table["city"] == "East"))
    np.testing.assert_array_equal(embed(east), rows[1::2])


def test_goes_on_where_it_was_stopped(
    city: ImageCollection, rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "CHUNK", 3)
    store = ArtifactStore(tmp_path)

    def stop_at_once(done: int, total: int, what: str) -> None:
        if done:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        embed(city, store=store, progress=stop_at_once)
    assert kept_embedding(city, store=store) is None
    decoded: list[str] = []
    original = ImageCollection.image
    monkeypatch.setattr(ImageCollection, "image", lambda self, name: (decoded.append(name), original(self, name))[1])
    seen: list[int] = []
    resumed = embed(city, store=store, progress=lambda done, total, what: seen.append(done))
    np.testing.assert_allclose(resumed, rows, atol=1e-5)
    assert sorted(decoded) == ["p3", "p4", "p5", "p6"]
    assert seen == [0, 3, 6, 7]
    assert not list(tmp_path.glob("embedding-chunk/*"))


def test_an_unreadable_image_is_named_and_stops_nothing(tmp_path: Path) -> None:
    broken = small_city(tmp_path / "city", 3)
    broken.path("p1").write_bytes(b"no picture")
    broken = ImageCollection.open(tmp_path / "city")
    store = ArtifactStore(tmp_path / "kept")
    made = embed(broken, store=store)
    assert np.linalg.norm(made, axis=1).round(4).tolist() == [1, 0, 1]
    assert store.manifest(features._key(broken.fingerprint))["unreadable"] == ["p1"]


def test_no_images() -> None:
    assert embed_images([]).shape == (0, 320)
    assert embed_images([Image.new("L", (9, 400))]).shape == (1, 320)
