"""Table files as they stand: CSV and TSV, Parquet, GeoJSON and GeoPackage, with the line of each row."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from urbanlens.collection.importing.listing import Sheet
from urbanlens.collection.parquet import column_names, read_parquet
from urbanlens.errors import CollectionError

DELIMITED = frozenset({".csv", ".tsv", ".txt"})
SUFFIXES = DELIMITED | {".parquet", ".pq", ".geoparquet", ".geojson", ".json", ".gpkg"}
LAT, LON = "lat", "lon"
_DELIMITERS = (",", ";", "\t", "|")
_MAX_CELL = 10_000_000
_GLANCE = 65536


def read_sheet(file: Path) -> Sheet:
    """Read a table by its file's ending; CollectionError names file and line where it cannot be read."""
    suffix = file.suffix.lower()
    try:
        if suffix in (".parquet", ".pq", ".geoparquet"):
            sheet = _parquet(file)
        elif suffix in (".geojson", ".json"):
            sheet = _geojson(file)
        elif suffix == ".gpkg":
            sheet = _spatial(file)
        elif suffix in DELIMITED:
            sheet = _delimited(file)
        else:
            raise CollectionError(
                f"{file.name} is no table that can be read; allowed are {', '.join(sorted(SUFFIXES))}"
            )
    except OSError as error:
        raise CollectionError(f"{file.name} cannot be read ({error})") from error
    if not sheet.where and not sheet.rejected:
        raise CollectionError(f"{file.name} has 0 rows below its header: nothing can be imported from it")
    return sheet


def glance(file: Path) -> str:
    """How a text file begins, to see what it is; CollectionError where it cannot be read."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(_GLANCE)
    except OSError as error:
        raise CollectionError(f"{file.name} cannot be read ({error})") from error
    wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    return raw.decode("utf-16" if wide else "utf-8-sig", "replace")


def first_cells(file: Path) -> set[str]:
    """The cells of a text file's first line in lower case, whatever parts them; for a glance at what it is."""
    first = glance(file).lower().lstrip().split("\n", 1)[0]
    return {cell.strip().strip('"') for mark in _DELIMITERS for cell in first.split(mark)}


def read_text(file: Path) -> tuple[str, list[str]]:
    """A whole text file, and notes on how it was read; CollectionError where it is none."""
    try:
        return _text(file)
    except OSError as error:
        raise CollectionError(f"{file.name} cannot be read ({error})") from error


def _delimited(file: Path) -> Sheet:
    text, notes = read_text(file)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    if not first.strip():
        raise CollectionError(f"{file.name} is empty: it needs a header line and a row an image")
    counts = {mark: first.count(mark) for mark in _DELIMITERS}
    mark = max(_DELIMITERS, key=lambda mark: counts[mark])
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    header: list[str] = []
    rows: list[list[str]] = []
    sheet = Sheet(pd.DataFrame(), [], file.name, notes=notes)
    start = 1
    try:
        for row in reader:
            where, start = f"{file.name}, line {start}", reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = _header(row, sheet)
            elif len(row) != len(header):
                # A decimal comma in a comma-separated file is the usual cause.
                why = f"it has {len(row)} cells where the header has {len(header)}: quote cells that hold {mark!r}"
                sheet.rejected.append((where, why))
            else:
                rows.append(row)
                sheet.where.append(where)
    except csv.Error as error:
        raise CollectionError(
            f"{file.name}, line {reader.line_num}: {error}: put the quotes of that line right"
        ) from error
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    sheet.frame = pd.DataFrame({name: list(cells) for name, cells in zip(header, columns, strict=True)}, dtype=object)
    return sheet


def _text(file: Path) -> tuple[str, list[str]]:
    raw = file.read_bytes()
    encodings = ["utf-16"] if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            continue
        if "\0" in text:
            raise CollectionError(f"{file.name} holds zero bytes, so it is no text table: export it as CSV (UTF-8)")
        odd = encoding not in ("utf-8-sig", "utf-16")
        return text, [f"{file.name} is not UTF-8; it was read as {encoding}"] if odd else []
    raise CollectionError(f"{file.name} is no text: export it as CSV (UTF-8)")


def _header(row: list[str], sheet: Sheet) -> list[str]:
    names: list[str] = []
    seen: Counter[str] = Counter()
    for place, cell in enumerate(row):
        name = cell.strip() or f"unnamed {place + 1}"
        seen[name] += 1
        if seen[name] > 1:
            sheet.notes.append(
                f"{sheet.file}: the column {name!r} is there twice; the later one became {name}.{seen[name]}"
            )
            name = f"{name}.{seen[name]}"
        names.append(name)
    return names


def _rows(frame: pd.DataFrame, file: Path, noun: str) -> Sheet:
    frame = frame.reset_index(drop=True)
    frame.columns = [str(name) for name in frame.columns]
    return Sheet(frame, [f"{file.name}, {noun} {number}" for number in range(1, len(frame) + 1)], file.name)


def _parquet(file: Path) -> Sheet:
    _, spatial = column_names(file)
    return _spatial(file) if spatial else _rows(read_parquet(file), file, "row")


def _spatial(file: Path) -> Sheet:
    """GeoPackage and GeoParquet: any coordinate system, brought to WGS84."""
    import geopandas

    try:
        frame = geopandas.read_parquet(file) if file.suffix.lower() != ".gpkg" else geopandas.read_file(file)
        if frame.crs is not None:
            frame = frame.to_crs(4326)
    except (ValueError, RuntimeError, OSError, KeyError, TypeError) as error:
        raise CollectionError(f"{file.name} is no spatial table that can be read ({error})") from error
    points = frame.geometry
    plain = pd.DataFrame(frame.drop(columns=points.name))
    is_point = points.geom_type.eq("Point") & ~points.is_empty
    plain[LAT], plain[LON] = points.where(is_point).y, points.where(is_point).x
    return _rows(plain, file, "row")


def _geojson(file: Path) -> Sheet:
    try:
        data = json.loads(file.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CollectionError(f"{file.name} is no JSON ({error}): give a GeoJSON of points") from error
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list):
        raise CollectionError(f"{file.name} is no GeoJSON FeatureCollection: give one with a point an image")
    if not features:
        raise CollectionError(f"{file.name} has no features (0 rows): nothing can be imported from it")
    _refuse_other_crs(data, file)
    sheet = Sheet(pd.DataFrame(), [], file.name)
    rows: list[dict[str, Any]] = []
    for number, feature in enumerate(features, start=1):
        where = f"{file.name}, feature {number}"
        try:
            rows.append(_feature(feature))
            sheet.where.append(where)
        except CollectionError as error:
            sheet.rejected.append((where, str(error)))
    sheet.frame = pd.DataFrame(rows, columns=_in_order(rows), dtype=object)
    return sheet


def _in_order(rows: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def _feature(feature: Any) -> dict[str, Any]:
    if not isinstance(feature, dict) or not isinstance(feature.get("properties") or {}, dict):
        raise CollectionError("it is no GeoJSON feature with properties")
    row = {str(key): value for key, value in (feature.get("properties") or {}).items()}
    if "id" in feature and not {"id", "image_id"} & set(row):
        row["id"] = feature["id"]
    geometry = feature.get("geometry")
    if geometry is None:
        return row
    place = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") != "Point" or not isinstance(place, list):
        kind = geometry.get("type") if isinstance(geometry, dict) else geometry
        raise CollectionError(f"its geometry is a {kind}: an image needs a Point (or null)")
    if len(place) < 2:
        raise CollectionError(f"its point has the coordinates {place}: it needs [lon, lat]")
    return {**row, LAT: place[1], LON: place[0]}


def _refuse_other_crs(data: dict[str, Any], file: Path) -> None:
    crs = data.get("crs")
    name = str(crs.get("properties", {}).get("name", "")) if isinstance(crs, dict) else ""
    if name and not any(known in name.upper() for known in ("CRS84", "4326")):
        raise CollectionError(f"{file.name} is in {name}: export it as WGS84 (EPSG:4326), as GeoJSON demands")
