"""Images from elsewhere become a collection: folders of photographs, tables, ScenicOrNot, SUN, AVA, and zips."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from urbanlens.collection.columns import DESCRIPTION_FILE
from urbanlens.collection.importing import ava, scenicornot, sun
from urbanlens.collection.importing.archive import unpack
from urbanlens.collection.importing.building import beside, build, check_destination
from urbanlens.collection.importing.listing import Listing, walk
from urbanlens.collection.importing.photographs import list_folder
from urbanlens.collection.importing.report import ImportReport
from urbanlens.collection.importing.sheets import SUFFIXES, first_cells
from urbanlens.collection.importing.tables import SPELLINGS, list_table
from urbanlens.collection.parquet import column_names
from urbanlens.errors import CollectionError
from urbanlens.progress import Progress, silent

__all__ = ["FORMATS", "ImportReport", "import_images"]

FORMATS = ("auto", "folder", "table", "csv", "parquet", "geojson", "zip")
"""What `format` may be; "csv", "parquet" and "geojson" are tables and read by their ending."""


def import_images(
    source: Path | str, destination: Path | str, *, format: str = "auto", progress: Progress | None = None,
    columns: Mapping[str, str] | None = None, title: str = "",
) -> ImportReport:  # fmt: skip
    """Make a collection from a folder of photographs, a table of images, or a zip that holds either.

    Three data sets are read as they are downloaded: ScenicOrNot, known by its table's header (`scenicornot`), SUN
    Attributes, known by its file of labels (`sun`), and AVA, known by its rows of 15 numbers (`ava`).

    Images are copied byte for byte, after each was decoded once. Where the import fails, is cancelled by `progress`,
    or no image is good, nothing is left behind and nothing that was there is touched.

    Parameters
    ----------
    source
        A folder; a CSV, TSV, Parquet, GeoJSON or GeoPackage file whose image paths are relative to its folder; one of
        SUN's MATLAB files; AVA's file of votes; a zip.
    destination
        A folder that does not exist yet, or is empty.
    format
        "auto" goes by the file's ending; a folder whose only table names images is read as a table. "folder" reads
        photographs and their EXIF only.
    columns
        Meanings of columns that are not understood by their name, as {"Breite": "lat", "beauty": "score"}.
    title
        The collection's title; the source's name by default.

    Raises
    ------
    CollectionError
        The source cannot be read, lists no images, or the destination is taken.
    """
    source, destination, progress = Path(source).expanduser(), Path(destination).expanduser(), progress or silent
    if format not in FORMATS:
        raise CollectionError(f"the format {format!r} is unknown; allowed are {', '.join(FORMATS)}")
    if not source.exists():
        raise CollectionError(f"there is no file or folder {source}: give the folder, table or zip to import")
    check_destination(destination)
    named = title or _title(source)
    if source.is_dir():
        return build(_list_folder(source.resolve(), format, named, columns), destination, progress)
    if source.suffix.lower() == ".zip" or format == "zip":
        return _import_zip(source, destination, progress, columns, named)
    if format == "folder":
        raise CollectionError(f"{source} is a file where the format 'folder' needs a folder")
    return build(_list_file(source.absolute(), named, columns), destination, progress)


def _import_zip(source: Path, destination: Path, progress: Progress, columns: Mapping[str, str] | None,
                title: str) -> ImportReport:  # fmt: skip
    with beside(destination) as folder:
        rejected = unpack(source, folder, progress=progress)
        try:
            listing = _list_folder(folder, "auto", title, columns)
        except CollectionError as error:
            # What was left out is the likely reason, and the temporary folder's name helps nobody.
            said = str(error).replace(str(folder), source.name)
            left_out = f"; left out: {rejected[0][0]}, {rejected[0][1]}" if rejected else ""
            raise CollectionError(said + left_out) from error
        listing.rejected = rejected + [(_zipped(source, where), why) for where, why in listing.rejected]
        listing.where = [_zipped(source, where) for where in listing.where]
        return build(listing, destination, progress)


def _title(source: Path) -> str:
    """A title from the source's name; a table of a general name is called as its folder is."""
    general = source.stem.lower() in ("manifest", "images", "metadata", "index", "data", "photos", "votes")
    inside = source.is_file() and (general or sun.recognises(source))
    named = source.absolute().parent.name if inside else source.stem
    return named.replace("_", " ").strip() or "Images"


def _zipped(source: Path, where: str) -> str:
    return f"{source.name}: {where}"


def _list_file(file: Path, title: str, columns: Mapping[str, str] | None, folder: Path | None = None) -> Listing:
    """What a file lists; `folder` is the one in which it was found, where it was not given itself."""
    if sun.recognises(file):
        return _list_sun(file, title, columns)
    if ava.recognises(file):
        _refuse_columns(file, "AVA, which has no header", columns)
        return ava.list_ava(file, title, folder)
    if scenicornot.recognises(file):
        return scenicornot.list_scenicornot(file, title, columns)
    return list_table(file, title, columns)


def _list_sun(source: Path, title: str, columns: Mapping[str, str] | None) -> Listing:
    _refuse_columns(source, "SUN Attributes, which has no table", columns)
    return sun.list_sun(source, title)


def _refuse_columns(source: Path, found: str, columns: Mapping[str, str] | None) -> None:
    if columns:
        raise CollectionError(f"{source.name} is {found}: import it without `columns`")


def _list_folder(folder: Path, format: str, title: str, columns: Mapping[str, str] | None) -> Listing:
    if (folder / DESCRIPTION_FILE).is_file():
        raise CollectionError(f"{folder} is already a collection: open it, there is nothing to import")
    if format in ("auto", "zip") and sun.recognises(folder):
        return _list_sun(folder, title, columns)
    if format != "folder":
        tables = _tables(folder)
        if format not in ("auto", "zip") and len(tables) != 1:
            raise CollectionError(f"{folder} holds {len(tables)} tables of images where one is needed: give the file")
        if len(tables) == 1:
            return _list_file(tables[0], title, columns, folder)
        if tables:
            listing = list_folder(folder, title)
            listing.notes.append(f"{len(tables)} tables were not read, as {tables[0].name}: give the one that is meant")
            return listing
    return list_folder(folder, title)


def _tables(folder: Path) -> list[Path]:
    """The tables of images at the least depth that has any; `manifest.csv` goes before others."""
    found = [path for path in walk(folder) if path.suffix.lower() in SUFFIXES and _names_images(path)]
    found = ava.without_copies(found)
    if not found:
        return []
    depth = min(len(path.parts) for path in found)
    top = [path for path in found if len(path.parts) == depth]
    return [path for path in top if path.stem.lower() == "manifest"] or top


def _names_images(path: Path) -> bool:
    """Whether a file looks like a table of images: by its header, its columns, its numbers, or points in it."""
    if ava.recognises(path):
        return True
    suffix = path.suffix.lower()
    named = set(SPELLINGS["path"])
    if suffix == ".geojson":
        with path.open("rb") as file:
            return b'"point"' in file.read(65536).lower()
    if suffix in (".csv", ".tsv"):
        return bool(first_cells(path) & named) or scenicornot.recognises(path)
    if suffix in (".parquet", ".pq", ".geoparquet"):
        return bool({name.lower() for name in column_names(path)[0]} & named)
    return suffix == ".gpkg"
