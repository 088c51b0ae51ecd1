"""What a collection's table and its `collection.toml` say: title, licence, and what each column means.

The format on disk::

    my-city/
      collection.toml          see below
      images.parquet           one row an image: image_id, path, lat, lon (null = no place), split?, heading?, ...
      images/...               the photographs; `path` is relative to the collection's folder ("images/a/b.jpg")
      objects/<image_id>.png   optional: object ids of each pixel (8 or 16 bit grey or palette; 0 = unlabelled)
      objects/objects.csv      id,name
      regions.geojson          optional: polygons with the properties `name` and `kind`

and `collection.toml`::

    format = 1
    title = "Two cities"
    description = "What it is, in one or two sentences."
    licence = "CC0-1.0"
    roots = ["images"]              # folders (relative to this file, or absolute) that hold the images

    [columns]
    labels = ["city", "district"]   # text columns that a classifier can learn; null = not labelled
    scores = ["scenicness"]         # number columns
    votes = "votes"                 # a column of lists: ten counts, of the marks 1 to 10
    tags = "tags"                   # a column of lists of words
    attributes = ["attr.trees"]     # shares in [0, 1]; left out: all columns that begin with "attr."

    [objects]
    folder = "objects"

`write_collection` writes all of it but the images and the label PNGs.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanlens.artifacts import write_atomically
from urbanlens.errors import CollectionError

if TYPE_CHECKING:
    import pandas as pd

    from urbanlens.collection.regions import Region

FORMAT = 1
DESCRIPTION_FILE = "collection.toml"
TABLE_FILE = "images.parquet"
REGIONS_FILE = "regions.geojson"
OBJECTS_FOLDER = "objects"
OBJECT_NAMES_FILE = "objects.csv"
ATTRIBUTE_PREFIX = "attr."
SPLITS = ("train", "val", "test")
"""The values of the column `split`."""


@dataclass(frozen=True)
class Columns:
    """Which columns of the table mean what; see the module's docstring."""

    labels: list[str] = field(default_factory=list)
    scores: list[str] = field(default_factory=list)
    votes: str | None = None
    tags: str | None = None
    attributes: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        """Every column named here."""
        single = [name for name in (self.votes, self.tags) if name is not None]
        return [*self.labels, *self.scores, *single, *self.attributes]


@dataclass(frozen=True)
class Description:
    """What `collection.toml` says."""

    title: str
    description: str = ""
    licence: str = ""
    roots: tuple[str, ...] = ("images",)
    columns: Columns = field(default_factory=Columns)
    objects: str = OBJECTS_FOLDER


def read_description(root: Path, table_columns: Sequence[str]) -> Description:
    """Read and check `collection.toml`.

    Raises
    ------
    CollectionError
        The file is missing or no TOML, a value has the wrong type, or a column is named that the table lacks.
    """
    file = root / DESCRIPTION_FILE
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise CollectionError(
            f"{root} holds no {DESCRIPTION_FILE}, so it is no collection: import its images first with "
            "`python -m urbanlens import SOURCE DEST`"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CollectionError(f"{file} is no valid TOML ({error}): put that line right") from error
    if raw.get("format", FORMAT) != FORMAT:
        raise CollectionError(
            f"{file} has format {raw['format']!r}, this program reads format {FORMAT}: update UrbanLens"
        )
    objects = raw.get("objects", {})
    if not isinstance(objects, dict):
        raise CollectionError(f"{file}: [objects] must be a section with a `folder`, not {objects!r}")
    return Description(
        title=_text(raw, "title", file) or root.name,
        description=_text(raw, "description", file),
        licence=_text(raw, "licence", file),
        roots=tuple(_texts(raw, "roots", file) or ["images"]),
        columns=_columns(raw.get("columns", {}), table_columns, file),
        objects=_text(objects, "folder", file) or OBJECTS_FOLDER,
    )


def _columns(raw: object, table_columns: Sequence[str], file: Path) -> Columns:
    if not isinstance(raw, dict):
        raise CollectionError(f"{file}: [columns] must be a section, not {raw!r}")
    default = [name for name in table_columns if name.startswith(ATTRIBUTE_PREFIX)]
    columns = Columns(
        labels=_texts(raw, "labels", file),
        scores=_texts(raw, "scores", file),
        votes=_text(raw, "votes", file) or None,
        tags=_text(raw, "tags", file) or None,
        attributes=_texts(raw, "attributes", file) if "attributes" in raw else default,
    )
    missing = [name for name in columns.all() if name not in set(table_columns)]
    if missing:
        raise CollectionError(
            f"{file} names columns that {TABLE_FILE} lacks: {', '.join(missing)}; "
            f"it has {', '.join(table_columns)}: correct [columns]"
        )
    return columns


def _text(raw: Mapping[str, Any], key: str, file: Path) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str):
        raise CollectionError(f'{file}: {key} must be text in quotes, not {value!r}: write {key} = "…"')
    return value


def _texts(raw: Mapping[str, Any], key: str, file: Path) -> list[str]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise CollectionError(f'{file}: {key} must be a list of texts, not {value!r}: write {key} = ["…"]')
    return list(value)


def write_collection(
    root: Path | str,
    table: pd.DataFrame,
    *,
    title: str,
    description: str = "",
    licence: str = "",
    columns: Columns | None = None,
    roots: Sequence[str] = ("images",),
    objects: Mapping[int, str] | None = None,
    regions: Sequence[Region] = (),
) -> Path:
    """Write all of a collection but its images and label PNGs, which belong at `images/…` and `objects/<id>.png`.

    Parameters
    ----------
    root
        The collection's folder; made where it is missing.
    table
        One row an image, with at least `image_id` and `path` (relative to `root`); `lat` and `lon` in WGS84 degrees.
    columns
        What the columns mean; attributes left empty mean all columns that begin with "attr.".
    objects
        Names of the object ids, written to `objects/objects.csv`.

    Returns
    -------
    Path
        `root`. `collection.toml` is written last, so a half-written folder is no collection.
    """
    root = Path(root)
    missing = [name for name in ("image_id", "path") if name not in table.columns]
    if missing:
        raise CollectionError(f"the table lacks {' and '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    buffer = io.BytesIO()
    table.reset_index(drop=True).to_parquet(buffer, index=False)
    write_atomically(root / TABLE_FILE, buffer.getvalue())
    if objects is not None:
        write_atomically(root / OBJECTS_FOLDER / OBJECT_NAMES_FILE, _object_names_csv(objects))
    if regions:
        from urbanlens.collection.regions import to_geojson

        text = json.dumps(to_geojson(regions), ensure_ascii=False, separators=(",", ":"))
        write_atomically(root / REGIONS_FILE, text.encode())
    described = Description(title, description, licence, tuple(roots), columns or Columns())
    write_atomically(root / DESCRIPTION_FILE, description_toml(described).encode())
    return root


def description_toml(described: Description) -> str:
    """The text of `collection.toml`."""

    def quote(value: object) -> str:
        # JSON's strings and lists of strings are valid TOML.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    columns = described.columns
    lines = [
        f"format = {FORMAT}",
        f"title = {quote(described.title)}",
        f"description = {quote(described.description)}",
        f"licence = {quote(described.licence)}",
        f"roots = {quote(list(described.roots))}",
        "",
        "[columns]",
        f"labels = {quote(columns.labels)}",
        f"scores = {quote(columns.scores)}",
    ]
    lines += [f"{key} = {quote(value)}" for key, value in (("votes", columns.votes), ("tags", columns.tags)) if value]
    if columns.attributes:
        lines.append(f"attributes = {quote(columns.attributes)}")
    lines += ["", "[objects]", f"folder = {quote(described.objects)}", ""]
    return "\n".join(lines)


def _object_names_csv(objects: Mapping[int, str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "name"])
    writer.writerows(sorted(objects.items()))
    return text.getvalue().encode()


def read_object_names(root: Path, folder: str = OBJECTS_FOLDER) -> dict[int, str]:
    """The names of the object ids, from `objects.csv` in the objects' folder or beside the table; {} if none."""
    for file in (root / folder / OBJECT_NAMES_FILE, root / OBJECT_NAMES_FILE):
        if not file.is_file():
            continue
        names: dict[int, str] = {}
        rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig")))
        for line, row in enumerate(rows, start=1):
            if (line == 1 and row[:1] == ["id"]) or not row:
                continue
            try:
                names[int(row[0])] = row[1].strip()
            except (ValueError, IndexError) as error:
                raise CollectionError(f"{file}, line {line}: {row!r} is no `id,name`: put that line right") from error
        return names
    return {}
