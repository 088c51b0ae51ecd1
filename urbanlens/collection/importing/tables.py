"""A table file to a listing of images: which column means what, and which rows cannot be meant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from urbanlens.collection.columns import ATTRIBUTE_PREFIX, SPLITS, Columns
from urbanlens.collection.importing import cells
from urbanlens.collection.importing.listing import (
    Listing,
    Sheet,
    ids_from_paths,
    is_image_name,
    safe_name,
    unique,
    walk,
)
from urbanlens.collection.importing.sheets import read_sheet
from urbanlens.errors import CollectionError

SPELLINGS: dict[str, tuple[str, ...]] = {
    "path": ("path", "image_path", "img_path", "filepath", "file_path", "file", "filename", "file_name", "image_file",
             "image", "img", "photo"),
    "image_id": ("image_id", "imageid", "img_id", "id", "uuid", "key", "panoid", "pano_id"),
    "lat": ("lat", "latitude", "gps_lat", "gps_latitude", "y"),
    "lon": ("lon", "lng", "long", "longitude", "gps_lon", "gps_lng", "gps_longitude", "x"),
    "heading": ("heading", "bearing", "compass_angle", "northdeg", "azimuth", "yaw", "ca"),
    "captured_at": ("captured_at", "datetime", "timestamp", "date_taken", "taken_at", "time", "date"),
    "split": ("split", "subset", "whichset"),
    "votes": ("votes",),
    "tags": ("tags",),
    "label_path": ("label_path",),
    "label_scheme": ("label_scheme",),
}  # fmt: skip
"""Column names that are understood, by meaning; the first that a table has is taken. Case and blanks do not matter."""

MEANINGS = (*SPELLINGS, "label", "score", "attribute", "text", "ignore")
_SPLIT_WORDS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
                "test": "test", "testing": "test"}  # fmt: skip
_FIRST_LABELS = ("city", "label", "class", "place", "category")
_NO_SCORES = frozenset({"width", "height", "orig_width", "orig_height", "year", "month", "day", "lat", "lon", "x", "y"})
_NO_SCORE_ENDINGS = ("_lat", "_lon", "_id", "_width", "_height", "id")
_MAX_LABELS = 200


def list_table(file: Path, title: str, columns: Mapping[str, str] | None = None) -> Listing:
    """Read a table of images that lie below the table's own folder.

    Parameters
    ----------
    columns
        Meanings of columns that are not understood by their name, as {"Breite": "lat", "beauty": "score"}.

    Raises
    ------
    CollectionError
        The file cannot be read, has no rows, or lacks a column that is needed.
    """
    return list_sheet(read_sheet(file), file.parent, title, columns or {})


def list_sheet(sheet: Sheet, folder: Path, title: str, columns: Mapping[str, str]) -> Listing:
    """What `list_table` does with a table that was read; its images lie below `folder`."""
    names = _meanings([str(name) for name in sheet.frame.columns], columns, sheet.file)
    listing = Listing(folder, pd.DataFrame(), [], title, rejected=list(sheet.rejected), notes=list(sheet.notes))
    if "path" in names:
        paths = [None if cells.is_blank(cell) else str(cell).strip() for cell in sheet.frame[names["path"]]]
    elif "image_id" in names:
        paths = _paths_by_id(folder, sheet.frame[names["image_id"]])
        listing.notes.append(f"{sheet.file} has no column of file names: the images were found by their ids")
    else:
        raise CollectionError(
            f"{sheet.file} has no column that names the image files; it has {', '.join(map(str, sheet.frame))}: "
            f"call one of them {', '.join(SPELLINGS['path'][:4])} (or import with columns={{'…': 'path'}})"
        )
    for one, other in (("lat", "lon"), ("lon", "lat")):
        if one in names and other not in names:
            raise CollectionError(
                f"{sheet.file} has the column {names[one]!r} and none for {other}: add it, as one of "
                f"{', '.join(SPELLINGS[other])}, or leave both out"
            )
    listing.exif = "lat" not in names
    _fill(listing, sheet, names, paths, columns)
    return listing


def _meanings(header: list[str], given: Mapping[str, str], file: str) -> dict[str, str]:
    """The column of each meaning; the user's word goes before the spelling."""
    for column, meaning in given.items():
        if column not in header:
            raise CollectionError(f"{file} has no column {column!r}; it has {', '.join(header)}")
        if meaning not in MEANINGS:
            raise CollectionError(f"a column cannot mean {meaning!r}; allowed are {', '.join(MEANINGS)}")
    names = {meaning: column for column, meaning in given.items() if meaning in SPELLINGS}
    free = {name.strip().lower().replace(" ", "_"): name for name in reversed(header) if name not in given}
    for meaning, spellings in SPELLINGS.items():
        found = next((free[spelling] for spelling in spellings if spelling in free), None)
        if meaning not in names and found is not None:
            names[meaning] = found
    return names


def _paths_by_id(folder: Path, ids: pd.Series[Any]) -> list[str | None]:
    by_stem = {path.stem: path.relative_to(folder).as_posix() for path in walk(folder) if is_image_name(path)}
    texts = [None if cells.is_blank(cell) else str(cell).strip() for cell in ids]
    return [None if text is None else by_stem.get(text, text) for text in texts]


def _fill(listing: Listing, sheet: Sheet, names: dict[str, str], paths: list[str | None],
          given: Mapping[str, str]) -> None:  # fmt: skip
    """Read all cells, put the rows with faults among the rejected ones, keep the rest as the listing's table."""
    frame = sheet.frame
    faults: dict[int, str] = {row: "it names no image file" for row, path in enumerate(paths) if path is None}
    table: dict[str, Any] = {"path": paths}
    for axis in ("lat", "lon", "heading"):
        if axis in names:
            table[axis], wrong = cells.numbers(frame[names[axis]])
            _wrong_cells(faults, frame[names[axis]], wrong, names[axis])
            table[axis] = table[axis] % 360 if axis == "heading" else table[axis]
        elif axis != "heading":
            table[axis] = np.full(len(frame), math.nan)
    for row, fault in cells.place_faults(table["lat"], table["lon"]).items():
        faults.setdefault(row, fault)
    swapped = sum("look swapped" in fault for fault in faults.values())
    if swapped * 2 > len(frame):
        turned = {names["lat"]: "lon", names["lon"]: "lat"}
        listing.notes.append(f"latitude and longitude look swapped in {swapped} rows: import with columns={turned}")
    nowhere = (table["lat"] == 0) & (table["lon"] == 0)
    table["lat"], table["lon"] = (np.where(nowhere, math.nan, table[axis]) for axis in ("lat", "lon"))
    if nowhere.any():
        first = sheet.where[int(np.argmax(nowhere))]
        listing.notes.append(f"{int(nowhere.sum())} rows have the coordinates 0, 0 (as {first}): taken as none")
    used = {names[meaning] for meaning in ("path", "image_id", "lat", "lon", "heading") if meaning in names}
    table.update(_other_columns(sheet, names, given, used, faults, listing))
    # After all other faults are known: a row that is left out does not take its image from a later one.
    ids = _ids(frame, names, paths, faults, sheet)
    keep = [row for row in range(len(frame)) if row not in faults]
    full = pd.DataFrame({"image_id": ids, **table})
    listing.table = full.iloc[keep].reset_index(drop=True)
    listing.where = [sheet.where[row] for row in keep]
    listing.rejected += [(sheet.where[row], faults[row]) for row in sorted(faults)]
    listing.columns = _columns(listing.table, given, set(SPELLINGS) - {"votes", "tags"})


def _wrong_cells(faults: dict[int, str], column: pd.Series[Any], wrong: npt.NDArray[np.bool_], name: str) -> None:
    for row in np.flatnonzero(wrong):
        faults.setdefault(int(row), f"the column {name!r} holds {str(column.iat[row])!r:.60} where a number is needed")


def _ids(frame: pd.DataFrame, names: dict[str, str], paths: list[str | None], faults: dict[int, str],
         sheet: Sheet) -> list[str]:  # fmt: skip
    """An id for each row, safe as a file name; a second row of the same id or image is a fault."""
    if "image_id" in names:
        raw = [None if cells.is_blank(cell) else str(cell).strip() for cell in frame[names["image_id"]]]
        noun = "id"
    else:
        raw = list(paths)
        noun = "image"
    first: dict[str, int] = {}
    for row, name in enumerate(raw):
        if name is None:
            faults.setdefault(row, "its id is empty: give each image one")
        elif name in first:
            faults.setdefault(row, f"the {noun} {name!r} is already in {sheet.where[first[name]]}: keep one of the two")
        elif row not in faults:
            first[name] = row
    kept = list(first)
    short = kept if noun == "id" else ids_from_paths(kept)
    taken: set[str] = set()
    safe = {name: unique(safe_name(text), taken) for name, text in zip(kept, short, strict=True)}
    return [safe.get(name or "", "") for name in raw]


def _other_columns(sheet: Sheet, names: dict[str, str], given: Mapping[str, str], used: set[str],
                   faults: dict[int, str], listing: Listing) -> dict[str, Any]:  # fmt: skip
    """The columns beside path, id and place: those of a known meaning under its name, the others under their own."""
    meanings = {column: meaning for meaning, column in names.items()}
    table: dict[str, Any] = {}
    reserved = {"image_id", "path", "lat", "lon", "heading"}
    for name in sheet.frame.columns:
        meaning = given.get(name) or meanings.get(name, "")
        if name in used or meaning == "ignore" or name.startswith("unnamed "):
            continue
        target = meaning if meaning in SPELLINGS else name.strip()
        while target in table or target in reserved:
            target += "_2"
        table[target] = _read_column(sheet, name, meaning, faults, listing)
    return table


def _read_column(sheet: Sheet, name: str, meaning: str, faults: dict[int, str], listing: Listing) -> Any:
    column = sheet.frame[name]
    if meaning == "split":
        unknown = sorted({str(cell) for cell in column if not cells.is_blank(cell)} - _split_spellings(column))
        if unknown:
            listing.notes.append(f"{sheet.file}: {name} holds {unknown[:3]}; known are {', '.join(SPLITS)}")
        return pd.Series([_SPLIT_WORDS.get(str(cell).strip().lower()) for cell in column], dtype="str")
    if meaning == "captured_at":
        return _times(column)
    if meaning == "votes" and all(cells.votes(cell) is not None or cells.is_blank(cell) for cell in column):
        return [cells.votes(cell) for cell in column]
    if meaning == "tags":
        return [cells.tags(cell) for cell in column]
    if meaning in ("label", "text", "label_path", "label_scheme"):
        return _texts(column)
    return _numbers_or_texts(column, name, meaning in ("score", "attribute"), faults)


def _split_spellings(column: pd.Series[Any]) -> set[str]:
    return {str(cell) for cell in column if str(cell).strip().lower() in _SPLIT_WORDS}


def _numbers_or_texts(column: pd.Series[Any], name: str, surely: bool, faults: dict[int, str]) -> Any:
    """Numbers where nearly all cells are; the few that are not make their rows faulty. Lists stay lists."""
    if any(isinstance(cell, list | dict | np.ndarray) for cell in column):
        return [cell if isinstance(cell, list | np.ndarray) else _text(cell) for cell in column]
    values, wrong = cells.numbers(column)
    filled = int(wrong.sum() + np.isfinite(values).sum())
    few = wrong.sum() <= max(2, filled // 10) and wrong.sum() * 2 < filled
    if surely or (few and filled):
        spoiled: dict[int, str] = {}
        _wrong_cells(spoiled, column, wrong, name)
        for row, why in spoiled.items():
            faults.setdefault(row, f"{why}: correct it, or import with columns={{{name!r}: 'text'}}")
        whole = len(values) > 0 and bool(((values % 1 == 0) & (np.abs(values) < 2**53)).all())
        return values.astype(np.int64) if whole else values
    return _texts(column)


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series([_text(cell) for cell in column], dtype="str")


def _text(cell: Any) -> str | None:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)) or cell is pd.NA or cell is pd.NaT:
        return None
    text = str(cell).strip()
    return text or None


def _times(column: pd.Series[Any]) -> pd.Series[Any]:
    """Times as text; numbers are seconds or milliseconds since 1970, as Mapillary writes them."""
    values, wrong = cells.numbers(column)
    known = values[np.isfinite(values)]
    if wrong.any() or not len(known) or known.min() < 1e8:
        return _texts(column)
    unit = "ms" if np.median(known) > 1e11 else "s"
    times = pd.to_datetime(pd.Series(values), unit=unit, errors="coerce")
    return times.dt.strftime("%Y-%m-%dT%H:%M:%S+00:00").astype("str")


def _columns(table: pd.DataFrame, given: Mapping[str, str], taken: set[str]) -> Columns:
    """Guess what the other columns are for: few texts are labels, numbers scores, "attr.…" attributes."""
    chosen = {column.strip(): meaning for column, meaning in given.items()}
    labels, scores, attributes = [], [], []
    for name in table.columns:
        meaning = chosen.get(name, "")
        if name in taken or meaning == "text":
            continue
        number = pd.api.types.is_numeric_dtype(table[name])
        if meaning == "attribute" or (not meaning and number and name.startswith(ATTRIBUTE_PREFIX)):
            attributes.append(name)
        elif meaning == "score" or (not meaning and number and _may_be_score(name)):
            scores.append(name)
        elif meaning == "label" or (not meaning and not number and _may_be_label(table[name])):
            labels.append(name)
    order = {name: place for place, name in enumerate(_FIRST_LABELS)}
    lists = {name: name if name in table and _has_lists(table[name]) else None for name in ("votes", "tags")}
    labels.sort(key=lambda name: order.get(name.lower(), len(order)))
    return Columns(labels, scores, lists["votes"], lists["tags"], attributes)


def _has_lists(column: pd.Series[Any]) -> bool:
    return any(isinstance(cell, list) for cell in column)


def _may_be_score(name: str) -> bool:
    return name.lower() not in _NO_SCORES and not name.lower().endswith(_NO_SCORE_ENDINGS)


def _may_be_label(column: pd.Series[Any]) -> bool:
    if _has_lists(column):
        return False
    values = column.dropna()
    distinct = values.nunique()
    return 2 <= distinct <= _MAX_LABELS and (distinct <= len(values) / 2 or len(values) < 20)
