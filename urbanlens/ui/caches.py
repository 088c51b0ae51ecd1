"""The only cached functions of the app: one copy of everything for all visitors.

Models, features and the device layer are imported when first asked for, so that a page that needs none of them
loads no torch.
"""

from __future__ import annotations

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import streamlit as st

from urbanlens.threads import READERS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from PIL.Image import Image

    from urbanlens.aesthetics.baselines import Baselines
    from urbanlens.aesthetics.control import Covered
    from urbanlens.aesthetics.readings import Reading as BeautyReading
    from urbanlens.aesthetics.readings import Readings as BeautyReadings
    from urbanlens.collection import ImageCollection
    from urbanlens.collection.votes import Votes
    from urbanlens.embedding.mask_plane import MaskPlane
    from urbanlens.engine import Engine
    from urbanlens.explain import CollectionMaps, ObjectCounts, Residuals
    from urbanlens.models import LoadedModel
    from urbanlens.plots.gallery import Atlas
    from urbanlens.siam.readings import Reading, Readings, TemplateSet
    from urbanlens.ui.explaining import Explained

THUMBNAIL_BYTES = 64 * 2**20
FEATURE_SETS = 4
SHELF_BYTES = 512 * 2**20


@st.cache_resource(max_entries=8, show_spinner=False)
def _collection(folder: str, stamp: tuple[int, ...]) -> ImageCollection:  # noqa: ARG001 - in the key
    from urbanlens.collection import ImageCollection

    return ImageCollection.open(Path(folder))


def collection(folder: Path) -> ImageCollection:
    """The collection in `folder`, opened anew when its files have changed."""
    files = [folder / name for name in ("collection.toml", "images.parquet", "regions.geojson")]
    files += [folder / "objects", folder / "objects" / "objects.csv"]
    return _collection(str(folder), tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files))


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The one device layer of this server."""
    from urbanlens.engine import Engine

    return Engine()


@st.cache_resource(show_spinner=False)
def _shelf() -> dict[str, NDArray[np.float32]]:
    return {}


def kept_features(images: ImageCollection) -> NDArray[np.float32] | None:
    """Features of a collection or view, (N, D) float32, where they have been computed before; loads no torch."""
    from urbanlens.collection.library import store_for
    from urbanlens.embedding import kept_embedding

    whole, shelf = images.whole, _shelf()
    if whole.fingerprint not in shelf:
        features = kept_embedding(whole, store=store_for(whole))
        if features is None:
            return None
        while len(shelf) >= FEATURE_SETS:
            shelf.pop(next(iter(shelf)))
        shelf[whole.fingerprint] = features
    return shelf[whole.fingerprint][images.positions]


def comparison(a: ImageCollection, b: ImageCollection) -> pd.DataFrame:
    """What tells two views of a collection apart, computed once for a state of its table."""
    from urbanlens.collection.columns import TABLE_FILE

    stamp = (a.root / TABLE_FILE).stat().st_mtime_ns
    return _comparison(f"{a.root}@{stamp}", a.fingerprint, b.fingerprint, (a, b))


@st.cache_data(max_entries=32, show_spinner=False)
def _comparison(table: str, a: str, b: str, _views: tuple[ImageCollection, ImageCollection]) -> pd.DataFrame:  # noqa: ARG001
    from urbanlens.collection.comparison import compare

    return compare(*_views)


T = TypeVar("T")


class Shelf(Generic[T]):
    """The results read last, by key, within a limit of bytes; what is not there is not remembered as missing.

    Safe for threads.
    """

    def __init__(self, limit: int = SHELF_BYTES) -> None:
        self.limit = limit
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, read: Callable[[], T | None]) -> T | None:
        """The result of `key`, read once."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = read()
        if value is not None:
            with self._lock:
                self._kept[key] = value
                while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self.limit:
                    self._kept.popitem(last=False)
        return value


def _bytes(value: Any) -> int:
    """About how much memory a kept result takes: its arrays, files and pictures."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(map(_bytes, value))
    if isinstance(value, Mapping):
        return sum(map(_bytes, value.values()))
    if is_dataclass(value):
        return sum(_bytes(getattr(value, part.name)) for part in fields(value))
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    return 3 * value.width * value.height if hasattr(value, "width") else 0


@st.cache_resource(show_spinner=False)
def _shelves() -> tuple[Shelf[CollectionMaps], Shelf[ObjectCounts], Shelf[MaskPlane], Shelf[Atlas]]:
    return Shelf(), Shelf(), Shelf(), Shelf()


@st.cache_resource(show_spinner=False)
def _compared() -> Shelf[Residuals]:
    return Shelf()


def compared(key: str, read: Callable[[], Residuals | None]) -> Residuals | None:
    """Kept residuals between networks, read once for all visitors."""
    return _compared().get(key, read)


@st.cache_resource(show_spinner=False)
def _small() -> Shelf[list[Image]]:
    return Shelf()


def masks(key: str, read: Callable[[], CollectionMaps | None]) -> CollectionMaps | None:
    """Kept masks of a collection, read once for all visitors."""
    return _shelves()[0].get(key, read)


def counts(key: str, read: Callable[[], ObjectCounts | None]) -> ObjectCounts | None:
    """Kept object counts, read once for all visitors."""
    return _shelves()[1].get(key, read)


def plane(key: str, read: Callable[[], MaskPlane | None]) -> MaskPlane | None:
    """A kept plane of masks, read once for all visitors."""
    return _shelves()[2].get(key, read)


def small_pictures(images: ImageCollection, ids: list[str], side: int) -> list[Image]:
    """Pictures of at most `side` px a side, read once for all visitors; a grey one where a file cannot be read."""
    from concurrent.futures import ThreadPoolExecutor

    def make() -> list[Image]:
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(lambda image_id: _small_picture(images, image_id, side), ids))

    key = f"{images.whole.fingerprint}-{side}-{hash(tuple(ids))}"
    return _small().get(key, make) or []


def _small_picture(images: ImageCollection, image_id: str, side: int) -> Image:
    from PIL import Image as Images

    from urbanlens.collection import open_thumbnail
    from urbanlens.errors import CollectionError, ImageError

    try:
        return open_thumbnail(images.path(image_id), side, image_id)
    except (ImageError, CollectionError, OSError):
        return Images.new("RGB", (side, side), "#888888")


def atlas(key: str, make: Callable[[], Atlas]) -> Atlas:
    """Thumbnails of a gallery, made once for all visitors."""
    made = _shelves()[3].get(key, make)
    return made if made is not None else make()


@st.cache_resource(max_entries=256, show_spinner=False)
def explanation(digest: str, key: str, target: int | None, _compute: Callable[[], Explained]) -> Explained:  # noqa: ARG001
    """What a network said about one picture, by the picture's digest, the network's key and the class."""
    return _compute()


@st.cache_resource(max_entries=256, show_spinner=False)
def picture_features(digest: str, _image: Image) -> NDArray[np.float32]:  # noqa: ARG001 - in the key
    """Features of a picture that belongs to no collection, (D,)."""
    from urbanlens.embedding import embed_images

    features: NDArray[np.float32] = embed_images([_image], engine=engine())[0]
    return features


@st.cache_resource(max_entries=2, show_spinner=False)
def segmenter(name: str, _load: Callable[[str], LoadedModel]) -> LoadedModel:
    """A segmentation network by name; only its card and digest are used in the pages' own thread."""
    return _load(name)


@st.cache_resource(max_entries=256, show_spinner=False)
def reading(digest: str, key: str, _compute: Callable[[], Reading]) -> Reading:  # noqa: ARG001 - in the key
    """What a network of scores said about one picture, by the picture's digest and the network's key."""
    return _compute()


@st.cache_resource(max_entries=256, show_spinner=False)
def beauty(digest: str, key: str, _compute: Callable[[], BeautyReading]) -> BeautyReading:  # noqa: ARG001 - in the key
    """What a network of beauty said about one picture, by the picture's digest and the network's key."""
    return _compute()


@st.cache_resource(max_entries=256, show_spinner=False)
def covered(digest: str, key: str, _compute: Callable[[], Covered]) -> Covered:  # noqa: ARG001 - in the key
    """What it said of the picture with parts covered up."""
    return _compute()


@st.cache_resource(max_entries=1024, show_spinner=False)
def beauty_of_part(part: str, key: str, _compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:  # noqa: ARG001
    """What a network of beauty said about a part of a picture: its shares."""
    return _compute()


@st.cache_resource(show_spinner=False)
def _beauties() -> tuple[Shelf[BeautyReadings], Shelf[Baselines], Shelf[Votes]]:
    return Shelf(), Shelf(), Shelf()


def beauties(key: str, read: Callable[[], BeautyReadings | None]) -> BeautyReadings | None:
    """Kept readings of a collection's beauty, read once for all visitors."""
    return _beauties()[0].get(key, read)


def baselines(key: str, read: Callable[[], Baselines | None]) -> Baselines | None:
    """What a network's maps of beauty are held against, read once for all visitors."""
    return _beauties()[1].get(key, read)


def votes(key: str, read: Callable[[], Votes | None]) -> Votes | None:
    """The votes of a collection's table, read once for all visitors."""
    return _beauties()[2].get(key, read)


@st.cache_resource(show_spinner=False)
def _read() -> tuple[Shelf[Readings], Shelf[TemplateSet]]:
    return Shelf(), Shelf()


def readings(key: str, read: Callable[[], Readings | None]) -> Readings | None:
    """Kept readings of a collection, read once for all visitors."""
    return _read()[0].get(key, read)


def templates(key: str, read: Callable[[], TemplateSet | None]) -> TemplateSet | None:
    """Kept templates of a network, read once for all visitors."""
    return _read()[1].get(key, read)


class Thumbnails:
    """Small pictures as data addresses, the most recently used ones within a limit of bytes; safe for threads."""

    def __init__(self, limit: int = THUMBNAIL_BYTES) -> None:
        self.limit = limit
        self.bytes = 0
        self._kept: OrderedDict[tuple[str, str, int], str] = OrderedDict()
        self._lock = threading.Lock()

    def has(self, images: ImageCollection, image_id: str, size: int) -> bool:
        """Whether a picture is kept."""
        with self._lock:
            return (images.whole.fingerprint, image_id, size) in self._kept

    def get(self, images: ImageCollection, image_id: str, size: int) -> str:
        """The image, its shorter side cut to `size` px or less, as `data:image/webp;base64,…`."""
        key = (images.whole.fingerprint, image_id, size)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        from urbanlens.collection import open_thumbnail

        address = data_address(open_thumbnail(images.path(image_id), size * 2, image_id), size)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = address
                self.bytes += len(address)
            while self.bytes > self.limit and len(self._kept) > 1:
                self.bytes -= len(self._kept.popitem(last=False)[1])
        return address


def data_address(image: Image, size: int, quality: int = 82) -> str:
    """A picture small enough for a page, as `data:image/webp;base64,…`."""
    small = image.copy()
    small.thumbnail((size * 3, size) if image.width > image.height else (size, size * 3))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def png_address(image: Image) -> str:
    """A picture of a few cells, exactly as it is, as `data:image/png;base64,…`."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@st.cache_resource(show_spinner=False)
def thumbnails() -> Thumbnails:
    """The one store of small pictures."""
    return Thumbnails()
