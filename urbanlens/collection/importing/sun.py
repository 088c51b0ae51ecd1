"""The SUN Attribute database as it is downloaded: three MATLAB files with the marks of 14,340 scenes, and the images.

Patterson and others, "The SUN Attribute Database: Beyond Categories for Deeper Scene Understanding" (2014). A label is
the share of three workers that saw the attribute: 0, 1/3, 2/3 or 1; the shares are kept as they are.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from urbanlens.collection.columns import ATTRIBUTE_PREFIX, Columns
from urbanlens.collection.importing.listing import Listing, all_named_apart, not_listed, walk
from urbanlens.collection.importing.matlab import read_numbers, read_texts
from urbanlens.collection.sun_attributes import SUN_PREFIX, merge_attributes, plain_name
from urbanlens.errors import CollectionError

LABELS, NAMES, IMAGES = "attributeLabels_continuous.mat", "attributes.mat", "images.mat"
_FILES = (LABELS, NAMES, IMAGES)


def recognises(source: Path) -> bool:
    """Whether a folder holds SUN's file of labels, at any depth, or a file is one of the three."""
    if source.is_dir():
        return bool(_label_files(source))
    return source.name.lower() in {name.lower() for name in _FILES}


def list_sun(source: Path, title: str) -> Listing:
    """Read the three files; images as "a/abbey/sun_….jpg" lie below `images`, or beside the files, or a folder higher.

    The table gets the category as the label column `scene`, SUN's attributes as the columns "sun.…", and the 33 merged
    ones (`sun_attributes.SIAM_ATTRIBUTES`) as the attributes "attr.…".

    Parameters
    ----------
    source
        A folder, or one of the three files.

    Raises
    ------
    CollectionError
        A file is missing or damaged, the files contradict each other, or none of the images is there.
    """
    root = source if source.is_dir() else source.parent
    found = _label_files(root) if source.is_dir() else []
    folder = found[0].parent if found else root
    files = _files(folder)
    names = _attribute_names(files[NAMES])
    images = [image.strip().replace("\\", "/") for image in read_texts(files[IMAGES], "images")]
    values = _values(files[LABELS], len(images), len(names))
    paths = _paths(root, folder, images)
    faults = _faults(images, values, names)
    where = [f"{files[IMAGES].name}, row {row}" for row in range(1, len(images) + 1)]
    keep = [row for row in range(len(images)) if row not in faults]
    table = _table(paths, images, values, names).iloc[keep].reset_index(drop=True)
    listing = Listing(root, table, [where[row] for row in keep], title, exif=True)
    listing.rejected = [(where[row], faults[row]) for row in sorted(faults)]
    attributes = [name for name in table.columns if name.startswith(ATTRIBUTE_PREFIX)]
    listing.columns = Columns(labels=["scene"], attributes=attributes)
    listing.notes += [
        f"SUN's {len(names)} attributes are the columns {SUN_PREFIX}…, and {len(attributes)} merged from them by their "
        f"maximum the attributes {ATTRIBUTE_PREFIX}…; the paper that names these does not list its merging, so it is "
        "by meaning",
        *not_listed(root, paths, files[IMAGES].name),
    ]
    if len(found) > 1:
        listing.notes.append(
            f"{LABELS} is there {len(found)} times; that of {found[0].relative_to(root).as_posix()} was read"
        )
    return listing


def _label_files(folder: Path) -> list[Path]:
    """SUN's files of labels below a folder, those of the least depth first."""
    found = [path for path in walk(folder) if path.name.lower() == LABELS.lower()]
    return sorted(found, key=lambda path: len(path.parts))


def _files(folder: Path) -> dict[str, Path]:
    there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
    missing = [name for name in _FILES if name.lower() not in there]
    if missing:
        raise CollectionError(
            f"{folder} lacks {' and '.join(missing)}: SUN Attributes needs {', '.join(_FILES)} in one folder "
            "(for the photographs alone, import with format='folder')"
        )
    files = {name: there[name.lower()] for name in _FILES}
    for file in files.values():
        if not file.resolve().is_relative_to(folder.resolve()):
            raise CollectionError(f"{file.name} is a link that leads out of {folder}: copy the file there")
    return files


def _attribute_names(file: Path) -> list[str]:
    given = read_texts(file, "attributes")
    names = [plain_name(name) for name in given]
    for cell, name in enumerate(names, start=1):
        if not name or name in names[: cell - 1]:
            raise CollectionError(
                f"{file.name}: cell {cell}, {given[cell - 1]!r}, names no attribute of its own: give SUN's file"
            )
    return names


def _values(file: Path, images: int, attributes: int) -> npt.NDArray[np.float64]:
    values = read_numbers(file, "labels_cv")
    if values.shape != (images, attributes):
        raise CollectionError(
            f"{file.name} has {values.shape[0]} rows of {values.shape[1]} labels, {IMAGES} names {images} images and "
            f"{NAMES} {attributes} attributes: these must be equal; give three files of one download"
        )
    return values


def _faults(images: list[str], values: npt.NDArray[np.float64], names: list[str]) -> dict[int, str]:
    """Why a row cannot be meant: it names no image, or one that was named, or a label is no share."""
    faults: dict[int, str] = {}
    first: dict[str, int] = {}
    wrong = ~((values >= 0) & (values <= 1))
    for row, image in enumerate(images):
        if not image:
            faults[row] = "it names no image file"
        elif image in first:
            faults[row] = f"the image {image!r} is already in row {first[image] + 1}: keep one of the two"
        elif wrong[row].any():
            at = int(np.argmax(wrong[row]))
            faults[row] = f"its label for {names[at]!r} is {values[row, at]:g} where a share from 0 to 1 is needed"
        else:
            first[image] = row
    return faults


def _paths(root: Path, folder: Path, images: list[str]) -> list[str]:
    """Each image's path below `root`, where it is or where it ought to be; CollectionError where not one is there."""
    # The download has the three files in one folder and the images in another beside it.
    above = [parent for parent in (folder, *folder.parents) if parent.is_relative_to(root)]
    places = [place for parent in above for place in (parent / "images", parent)]
    prefixes = ["" if place == root else f"{place.relative_to(root).as_posix()}/" for place in places]
    flat = all_named_apart(images)
    paths, some = [], False
    for image in images:
        tries = [f"{prefix}{image}" for prefix in prefixes] + ([image.rsplit("/", 1)[-1]] if flat else [])
        # The check against climbing paths and links comes when the image is read.
        there = next((path for path in tries if image and os.path.isfile(root / path)), None)  # noqa: PTH113
        some = some or there is not None
        paths.append(there or tries[0])
    if images and not some:
        raise CollectionError(
            f"none of the {len(images)} images that {IMAGES} names, as {images[0]}, is there; they were looked for in "
            f"{', '.join(map(str, places))}: unpack SUN's images there, or give the folder that holds both"
        )
    return paths


def _table(paths: list[str], images: list[str], values: npt.NDArray[np.float64], names: list[str]) -> pd.DataFrame:
    own = pd.DataFrame(values, columns=names)
    first = pd.DataFrame(
        {
            "path": pd.Series(paths, dtype="str"),
            "lat": math.nan,
            "lon": math.nan,
            "scene": pd.Series([_scene(image) for image in images], dtype="str"),
        }
    )
    return pd.concat([first, merge_attributes(own).add_prefix(ATTRIBUTE_PREFIX), own.add_prefix(SUN_PREFIX)], axis=1)


def _scene(image: str) -> str | None:
    """The category: "abbey" of "a/abbey/sun_x.jpg", "brewery/outdoor" of "b/brewery/outdoor/sun_x.jpg"."""
    parts = [part for part in image.split("/")[:-1] if part not in ("", ".")]
    if len(parts) > 1 and parts[1].startswith(parts[0]) and len(parts[0]) == 1:
        parts = parts[1:]
    return "/".join(parts) or None
