"""What a source lists before any image is read: one row an image, and where each row stands."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from urbanlens.collection.columns import Columns
from urbanlens.collection.decoding import SUFFIXES
from urbanlens.errors import CollectionError

_MAX_NAME = 120


@dataclass
class Sheet:
    """A table as it stands in a file: cells unread, and the place of each row ("photos.csv, line 7")."""

    frame: pd.DataFrame
    where: list[str]
    file: str
    rejected: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Listing:
    """Images to import: `table` has image_id, path (below `folder`), lat, lon and the source's other columns.

    With `exif`, place, heading and time are read from the photographs; with `partial_split`, an image without a split
    takes part in none, where otherwise one is drawn for it.
    """

    folder: Path
    table: pd.DataFrame
    where: list[str]
    title: str
    columns: Columns = field(default_factory=Columns)
    exif: bool = False
    partial_split: bool = False
    rejected: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def walk(folder: Path) -> Iterator[Path]:
    """Files below `folder` in a fixed order; hidden ones and what lies behind a link to a folder are left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        here = Path(parent)
        for name in sorted(files):
            if not name.startswith("."):
                yield here / name


def linked_folders(folder: Path) -> list[str]:
    """The links to folders below `folder`, which `walk` does not enter."""
    found = ((Path(parent), name) for parent, folders, _ in os.walk(folder) for name in folders)
    return sorted(
        (parent / name).relative_to(folder).as_posix() for parent, name in found if (parent / name).is_symlink()
    )


def is_image_name(path: Path) -> bool:
    """Whether a file is called like an image."""
    return path.suffix.lower() in SUFFIXES


def not_listed(folder: Path, paths: Iterable[str], file: str) -> list[str]:
    """A note on the images below `folder` that `file` does not name; [] where there are none."""
    named = {str(PurePosixPath(path)) for path in paths}
    images = (path.relative_to(folder).as_posix() for path in walk(folder) if is_image_name(path))
    others = [image for image in images if image not in named]
    return [f"{len(others)} images that {file} does not name were left alone, as {others[0]}"] if others else []


def images_called(folder: Path, names: Iterable[str]) -> tuple[list[str | None], int]:
    """The image of each name, "7" for `7.jpg`, in `folder` or below it; and how many names have more than one.

    Of several the one nearest to the folder is taken, a .jpg before others.

    Returns
    -------
    paths, several
        For each name a path relative to `folder`, None where there is no such image; and the number of names.
    """
    found: dict[str, list[str]] = {}
    for path in walk(folder):
        if is_image_name(path):
            found.setdefault(path.stem, []).append(path.relative_to(folder).as_posix())
    for there in found.values():
        there.sort(key=lambda path: (path.count("/"), not path.lower().endswith(".jpg"), path))
    matches = [found.get(name, []) for name in names]
    return [there[0] if there else None for there in matches], sum(len(there) > 1 for there in matches)


def all_named_apart(given: Iterable[str]) -> bool:
    """Whether no two different paths end in the same file name."""
    paths = set(given)
    return len({re.split(r"[/\\]", path)[-1].casefold() for path in paths}) == len(paths)


def locate(folder: Path, given: str, *, flat: bool = False) -> Path:
    """The file that a row names, surely inside the source's folder.

    Parameters
    ----------
    flat
        Whether a file that is not where its path says may lie in the folder itself, as after an upload.

    Raises
    ------
    CollectionError
        The path is absolute, climbs, is a web address, leaves the folder through a link, or there is no such file.
    """
    text = given.strip().replace("\\", "/")
    if re.match(r"[a-z]+://", text, re.IGNORECASE):
        raise CollectionError(f"{given!r} is a web address: download the images and give their file names")
    if text.startswith("/") or re.match(r"[A-Za-z]:", text) or "\0" in text:
        raise CollectionError(f"{given!r} is no path below the source's folder: give paths relative to it")
    if ".." in PurePosixPath(text).parts:
        raise CollectionError(f"{given!r} climbs out of the source's folder: give paths below it")
    file = folder / text
    try:
        if flat and not file.is_file() and (folder / file.name).is_file():
            file = folder / file.name
        if not file.resolve().is_relative_to(folder.resolve()):
            raise CollectionError(f"{given!r} is a link that leads out of the source's folder: copy the file there")
        if not file.is_file():
            raise CollectionError(f"there is no file {given!r} in the source's folder: copy it there")
    except (OSError, RuntimeError) as error:
        raise CollectionError(f"{given!r} is no path that can be read ({error})") from error
    return file


def safe_name(text: str) -> str:
    """A name of letters, digits and `-_.`, neither hidden nor climbing nor too long, as near to `text` as it goes."""
    plain = re.sub(r"[^\w.\-]+", "_", unicodedata.normalize("NFC", text)).lstrip(".")
    if len(plain) > _MAX_NAME:
        stem, dot, suffix = plain.rpartition(".")
        plain = plain[:_MAX_NAME] if not dot or len(suffix) > 8 else f"{stem[: _MAX_NAME - 9]}.{suffix}"
    return plain or "image"


def safe_paths(given: Iterable[str]) -> list[str]:
    """A safe path `images/…` for each given path, sub-folders kept; no two are alike, not even but for case."""
    split = [[part for part in re.split(r"[/\\]+", path) if part not in ("", ".", "..")] or ["image"] for path in given]
    if all(parts[0] == "images" and len(parts) > 1 for parts in split):
        split = [parts[1:] for parts in split]
    taken: set[str] = set()
    return [unique("/".join(["images", *map(safe_name, parts)]), taken) for parts in split]


def unique(name: str, taken: set[str]) -> str:
    """`name`, or `name-2`, `name-3` … before its ending, so that it is not in `taken`; it is added there."""
    path = PurePosixPath(name)
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
    taken.add(candidate.casefold())
    return candidate


def ids_from_paths(paths: list[str]) -> list[str]:
    """Short ids for distinct paths: the file's stem, or with its folders or ending where stems repeat."""
    pure = [PurePosixPath(path.replace("\\", "/")) for path in paths]
    stems = [path.stem for path in pure]
    if len({stem.casefold() for stem in stems}) < len(set(paths)):
        stems = ["_".join(path.with_suffix("").parts) if path.name else "image" for path in pure]
    if len({stem.casefold() for stem in stems}) < len(set(paths)):
        stems = ["_".join(path.parts) for path in pure]
    return stems
