"""A collection of images: one table, pictures decoded safely, pixel labels, regions, and views of parts of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from urbanlens.collection import columns as layout
from urbanlens.collection.columns import Columns, Description
from urbanlens.collection.decoding import open_ids, open_image
from urbanlens.collection.parquet import read_parquet
from urbanlens.errors import CollectionError, ImageError
from urbanlens.threads import READERS

if TYPE_CHECKING:
    from PIL import Image

    from urbanlens.collection.regions import Region

T = TypeVar("T")


class ImageCollection:
    """Images with one table, on disk; or a view of some rows of one.

    Attributes
    ----------
    root : Path
        The collection's folder.
    table : pandas.DataFrame
        One row an image: image_id, path (relative to `root`), lat, lon (NaN where none), and all other columns.
    positions : ndarray of int64, (N,)
        The row number of each image in the whole collection; 0…N-1 unless this is a view.
    """

    def __init__(self, root: Path, described: Description, table: pd.DataFrame, whole: ImageCollection | None = None,
                 positions: npt.NDArray[np.int64] | None = None) -> None:  # fmt: skip
        self.root = root
        self.described = described
        self.table = table
        self._whole = whole
        self.positions = np.arange(len(table)) if positions is None else positions

    @classmethod
    def open(cls, path: Path | str) -> ImageCollection:
        """Open a collection's folder.

        Raises
        ------
        CollectionError
            A file is missing or unreadable, ids repeat, a coordinate is out of range or a path leaves the allowed
            folders; the text names file and row and says what to do.
        """
        root = Path(path).expanduser()
        if root.name == layout.DESCRIPTION_FILE:
            root = root.parent
        if not root.is_dir():
            raise CollectionError(f"there is no folder {root}: give the folder that holds {layout.DESCRIPTION_FILE}")
        root = root.resolve()
        if not (root / layout.DESCRIPTION_FILE).is_file():
            layout.read_description(root, ())
        table = read_table(root / layout.TABLE_FILE)
        described = layout.read_description(root, list(table.columns))
        check_paths(root, described.roots, table["path"])
        return cls(root, described, table)

    @property
    def name(self) -> str:
        """The name of the collection's folder."""
        return self.root.name

    @property
    def title(self) -> str:
        """What the collection is called on a page."""
        return self.described.title

    @property
    def description(self) -> str:
        """One or two sentences, or ""."""
        return self.described.description

    @property
    def licence(self) -> str:
        """The licence of the images, or ""."""
        return self.described.licence

    @property
    def columns(self) -> Columns:
        """Which columns are labels, scores, votes, tags and attributes."""
        return self.described.columns

    @property
    def whole(self) -> ImageCollection:
        """The collection that this is a view of; itself where it is no view."""
        return self._whole or self

    def __len__(self) -> int:
        return len(self.table)

    def __contains__(self, image_id: object) -> bool:
        """Whether an image of this name is here."""
        return image_id in self._rows

    def __repr__(self) -> str:
        part = f", a view of {len(self.whole)}" if self._whole else ""
        return f"<ImageCollection {self.name!r}: {len(self)} images{part}>"

    @cached_property
    def ids(self) -> list[str]:
        """The image ids, in the order of the table; one list for all who ask, not to be changed."""
        return [str(name) for name in self.table["image_id"]]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.ids)}

    def row(self, image_id: str) -> int:
        """The row of an image in this table; CollectionError where it has none."""
        if image_id not in self._rows:
            raise CollectionError(
                f"{self.name} has no image {image_id!r} among its {len(self)}: take one of `.ids`, as {self.ids[:1]}"
            )
        return self._rows[image_id]

    def texts(self, column: str, rows: Sequence[int] | None = None) -> npt.NDArray[np.str_]:
        """The values of a column of the table as text, (N,) of all rows or those of some; "" for none."""
        values = self.table[column] if rows is None else self.table[column].iloc[list(rows)]
        return np.array(["" if empty else str(value) for value, empty in zip(values, values.isna(), strict=True)], str)

    def path(self, image_id: str) -> Path:
        """The image's file, surely inside the folders that `collection.toml` allows."""
        given = str(self.table["path"].iat[self.row(image_id)])
        return inside(self.root, self.described.roots, given, f"{self.name}: image {image_id!r}")

    def image(self, image_id: str) -> Image.Image:
        """The picture, RGB and upright; ImageError where it cannot be decoded."""
        path = self.path(image_id)
        return open_image(path, str(path.relative_to(self.root)) if path.is_relative_to(self.root) else path.name)

    def pictures(self, image_ids: Sequence[str], small: Callable[[Image.Image], T]) -> Iterator[T | None]:
        """`small` of each picture, in this order, read by threads; None for one that cannot be read."""

        def read(image_id: str) -> T | None:
            try:
                return small(self.image(image_id))
            except (ImageError, CollectionError, OSError):
                return None

        with ThreadPoolExecutor(READERS) as pool:
            yield from pool.map(read, image_ids)

    def objects_path(self, image_id: str) -> Path | None:
        """The file of the image's pixel labels, or None."""
        self.row(image_id)
        folder = self.root / self.described.objects
        file = folder / f"{image_id}.png"
        return file if file.is_file() and file.resolve().is_relative_to(folder.resolve()) else None

    def objects(self, image_id: str) -> npt.NDArray[np.uint16] | None:
        """The object id of each pixel, (H, W) uint16 with 0 for unlabelled; None where the image has no labels."""
        file = self.objects_path(image_id)
        return None if file is None else open_ids(file, f"{self.described.objects}/{file.name}")

    @cached_property
    def object_names(self) -> dict[int, str]:
        """The name of each object id."""
        return layout.read_object_names(self.root, self.described.objects)

    @cached_property
    def regions(self) -> list[Region]:
        """The polygons of `regions.geojson`; [] where there is no such file."""
        file = self.root / layout.REGIONS_FILE
        if not file.is_file():
            return []
        from urbanlens.collection.regions import read_regions

        return read_regions(file)

    @property
    def models(self) -> list[Path]:
        """The folders `models/<name>` that hold a `model.json`."""
        return sorted(file.parent for file in (self.root / "models").glob("*/model.json"))

    @cached_property
    def fingerprint(self) -> str:
        """20 hex digits over ids, paths and file sizes: the same for every copy of the same collection.

        A view has its own; what is kept for the whole collection is keyed by `whole.fingerprint`.
        """
        digest = hashlib.sha256()
        if self._whole:
            digest.update(self._whole.fingerprint.encode() + np.asarray(self.positions, "<i8").tobytes())
            return digest.hexdigest()[:20]
        for name, path in zip(self.table["image_id"], self.table["path"], strict=True):
            try:
                size = (self.root / path).stat().st_size
            except OSError:
                size = -1
            digest.update(f"{name}\0{path}\0{size}\n".encode())
        return digest.hexdigest()[:20]

    @property
    def located(self) -> npt.NDArray[np.bool_]:
        """(N,) which images have coordinates."""
        return np.asarray(self.table["lat"].notna() & self.table["lon"].notna())

    @cached_property
    def labels_fingerprint(self) -> str:
        """20 hex digits over the names and sizes of the pixel labels and their `objects.csv`."""
        folder, digest = self.root / self.described.objects, hashlib.sha256()
        if folder.is_dir():
            for name, size in sorted((entry.name, entry.stat().st_size) for entry in os.scandir(folder)):
                digest.update(f"{name}\t{size}\n".encode())
        return digest.hexdigest()[:20]

    @cached_property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """(N,) which images have pixel labels."""
        if self._whole:
            return self._whole.labelled[self.positions]
        there = {file.stem for file in (self.root / self.described.objects).glob("*.png")}
        return np.array([name in there for name in self.ids], dtype=bool)

    def where(self, mask: Sequence[bool] | npt.NDArray[np.bool_] | pd.Series[bool]) -> ImageCollection:
        """The view of the images where `mask`, (N,) bool in the order of the table, is true."""
        chosen = np.asarray(mask)
        if chosen.shape != (len(self),) or chosen.dtype != np.bool_:
            raise CollectionError(
                f"a mask of {len(self)} true or false is needed, not {chosen.dtype} of shape {chosen.shape}"
            )
        table = self.table[chosen].reset_index(drop=True)
        return type(self)(self.root, self.described, table, self.whole, self.positions[chosen])

    def within(self, geometry: Any) -> ImageCollection:
        """The view of the images inside a shapely geometry (x = lon, y = lat) or a `Region`, its border included."""
        import shapely

        shape = getattr(geometry, "geometry", geometry)
        if not isinstance(shape, shapely.Geometry):
            raise CollectionError(f"a shapely geometry or a Region is needed, not {type(geometry).__name__}")
        lat, lon = (self.table[axis].to_numpy(np.float64) for axis in ("lat", "lon"))
        shapely.prepare(shape)
        return self.where(np.isfinite(lat) & np.isfinite(lon) & shapely.intersects_xy(shape, lon, lat))


def read_table(file: Path) -> pd.DataFrame:
    """Read and check `images.parquet`: ids and paths as text, coordinates as numbers, lists as lists."""
    if not file.is_file():
        raise CollectionError(f"{file} is missing: import the images again, or put the table back")
    table = read_parquet(file)
    missing = [name for name in ("image_id", "path") if name not in table.columns]
    if missing:
        raise CollectionError(f"{file} lacks the columns {missing}; it has {list(table.columns)}: import again")
    for name in ("image_id", "path"):
        bad = table[name].isna() | (table[name].astype(str) == "")
        if bad.any():
            raise CollectionError(f"{file}, row {int(np.argmax(bad)) + 1}: {name} is empty")
        table[name] = table[name].astype(str)
    repeated = table["image_id"].duplicated()
    if repeated.any():
        row = int(np.argmax(repeated))
        raise CollectionError(
            f"{file}, row {row + 1}: the id {table['image_id'].iat[row]!r} is there twice: rename one"
        )
    _check_coordinates(file, table)
    for name in table.columns:
        if table[name].dtype == object:
            table[name] = table[name].map(lambda value: value.tolist() if isinstance(value, np.ndarray) else value)
    return table.reset_index(drop=True)


def _check_coordinates(file: Path, table: pd.DataFrame) -> None:
    for axis, limit in (("lat", 90), ("lon", 180)):
        if axis not in table.columns:
            table[axis] = np.nan
        try:
            table[axis] = table[axis].astype(np.float64)
        except (ValueError, TypeError) as error:
            raise CollectionError(f"{file}: the column {axis} holds text ({error}): it must be degrees") from error
        wrong = table[axis].abs() > limit
        if wrong.any():
            row = int(np.argmax(wrong))
            raise CollectionError(
                f"{file}, row {row + 1}: {axis} {table[axis].iat[row]:g} is out of -{limit}…{limit} degrees"
            )


def check_paths(root: Path, roots: Sequence[str], paths: pd.Series[str]) -> None:
    """CollectionError where a path, by its text, leaves the allowed folders."""
    prefixes = tuple(f"{name.strip('/')}/" for name in roots if name.strip("/") not in ("", "."))
    for row, path in enumerate(paths, start=1):
        if not path.startswith(prefixes) or ".." in path or "\\" in path:
            inside(root, roots, path, f"{root / layout.TABLE_FILE}, row {row}")


def inside(root: Path, roots: Sequence[str], given: str, where: str) -> Path:
    """`root / given`, links followed; CollectionError unless it lies below one of the allowed folders."""
    try:
        path = (root / given).resolve()
        allowed = [(root / name).resolve() for name in roots]
    except (OSError, ValueError, RuntimeError) as error:
        raise CollectionError(f"{where}: {given!r} is no usable path ({error})") from error
    if "\0" in given or not any(path.is_relative_to(folder) for folder in allowed):
        raise CollectionError(
            f"{where}: the path {given!r} leaves the allowed folders ({', '.join(roots)}): "
            f"move the image there, or add its folder to `roots` in {layout.DESCRIPTION_FILE}"
        )
    return path
