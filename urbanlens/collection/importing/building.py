"""A new collection from a listing: each image decoded, copied byte for byte, and all renamed into place at the end."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from urbanlens.collection.columns import OBJECTS_FOLDER, Columns, write_collection
from urbanlens.collection.decoding import open_image
from urbanlens.collection.importing.labels import DEFAULT_SCHEME, LabelMerger, read_schemes
from urbanlens.collection.importing.listing import (
    Listing,
    all_named_apart,
    ids_from_paths,
    locate,
    safe_name,
    safe_paths,
    unique,
)
from urbanlens.collection.importing.photographs import Shot, read_shot
from urbanlens.collection.importing.report import ImportReport
from urbanlens.collection.splits import split_by_place
from urbanlens.errors import CollectionError, ImageError
from urbanlens.progress import Progress

_WORKERS = min(4, os.cpu_count() or 1)
_MANY_NOTES = 20


@dataclass
class _Outcome:
    """What became of one row: `why` it was left out, or what was read from its photograph and labels."""

    why: str = ""
    shot: Shot = field(default_factory=Shot)
    labelled: bool = False
    note: str = ""


def check_destination(destination: Path) -> None:
    """CollectionError unless `destination` is free: absent, or an empty folder."""
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise CollectionError(f"{destination} is a file or a link, not a free folder: name another destination")
    if destination.is_dir() and any(destination.iterdir()):
        kind = "a collection" if (destination / "collection.toml").is_file() else "a folder with files"
        raise CollectionError(
            f"{destination} is already {kind} and is never overwritten: name another destination, or delete it first"
        )


@contextlib.contextmanager
def beside(destination: Path) -> Iterator[Path]:
    """A fresh hidden folder beside `destination`, gone at the end unless it was renamed."""
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".unfinished-{destination.name[:40]}-", dir=destination.parent))
    except OSError as error:
        raise CollectionError(f"nothing can be written at {destination.parent} ({error}): name another one") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build(listing: Listing, destination: Path, progress: Progress) -> ImportReport:
    """Copy and check every image of the listing; the collection appears at `destination` only when all is done."""
    if "image_id" not in listing.table:
        taken: set[str] = set()
        ids = ids_from_paths(list(listing.table["path"]))
        listing.table.insert(0, "image_id", [unique(safe_name(name), taken) for name in ids])
    given = [str(path) for path in listing.table["path"]]
    targets = safe_paths(given)
    report = ImportReport(0, list(listing.rejected), list(listing.notes), destination)
    with beside(destination) as folder:
        work = _Work(listing, folder, targets)
        outcomes = _run(work, len(given), progress)
        _report_rejected(report, listing, outcomes)
        keep = [row for row, outcome in enumerate(outcomes) if not outcome.why]
        report.imported = len(keep)
        if not keep:
            report.notes.append(f"no image could be imported, so nothing was written to {destination}")
            return report
        table = _table(listing, outcomes, targets, keep, report)
        _write(folder, table, listing, work.merger)
        folder.chmod(0o755)
        try:
            os.replace(folder, destination)
        except OSError as error:
            raise CollectionError(f"the finished collection cannot be moved to {destination} ({error})") from error
    return report


class _Work:
    """One row at a time: find the image, decode it, copy it, convert its labels. Rows may run in threads."""

    def __init__(self, listing: Listing, folder: Path, targets: list[str]) -> None:
        self.listing, self.folder, self.targets = listing, folder, targets
        table = listing.table
        self.ids = [str(name) for name in table["image_id"]]
        self.given = [str(path) for path in table["path"]]
        self.flat = all_named_apart(self.given)
        blank = [None] * len(table)
        self.labels = _optional(table["label_path"]) if "label_path" in table else blank
        schemes = _optional(table["label_scheme"]) if "label_scheme" in table else blank
        self.schemes = [scheme or DEFAULT_SCHEME for scheme in schemes]
        used = {scheme for scheme, label in zip(self.schemes, self.labels, strict=True) if label}
        self.merger = LabelMerger(read_schemes(listing.folder, used)) if used else None

    def __call__(self, row: int) -> _Outcome:
        try:
            file = locate(self.listing.folder, self.given[row], flat=self.flat)
            data = file.read_bytes()
            picture = open_image(data, file.name)
        except (CollectionError, ImageError) as error:
            return _Outcome(str(error))
        except OSError as error:
            return _Outcome(f"{self.given[row]!r} cannot be read ({error})")
        target = self.folder / self.targets[row]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        shot = Shot()
        if self.listing.exif:
            with Image.open(io.BytesIO(data)) as opened:
                shot = read_shot(opened)
        outcome = _Outcome(shot=shot)
        self._label(row, picture.size, outcome)
        return outcome

    def _label(self, row: int, size: tuple[int, int], outcome: _Outcome) -> None:
        given = self.labels[row]
        if given is None or self.merger is None:
            return
        try:
            ids = self.merger.read(locate(self.listing.folder, given), self.schemes[row], size)
        except (CollectionError, ImageError) as error:
            outcome.note = f"its labels were left out: {error}"
            return
        target = self.folder / OBJECTS_FOLDER / f"{self.ids[row]}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(ids if ids.max(initial=0) > 255 else ids.astype("uint8")).save(target, optimize=False)
        outcome.labelled = True


def _optional(column: pd.Series[Any]) -> list[str | None]:
    return [None if pd.isna(cell) else str(cell) for cell in column]


def _run(work: _Work, count: int, progress: Progress) -> list[_Outcome]:
    outcomes: list[_Outcome] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        try:
            for row, outcome in enumerate(pool.map(work, range(count))):
                outcomes.append(outcome)
                progress(row + 1, count, "images checked and copied")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return outcomes


def _report_rejected(report: ImportReport, listing: Listing, outcomes: list[_Outcome]) -> None:
    for where, outcome in zip(listing.where, outcomes, strict=True):
        if outcome.why:
            report.rejected.append((where, outcome.why))
    said = [
        f"{where}: {text}"
        for where, outcome in zip(listing.where, outcomes, strict=True)
        if not outcome.why
        for text in (outcome.note, outcome.shot.note)
        if text
    ]
    report.notes += said[:_MANY_NOTES]
    if len(said) > _MANY_NOTES:
        report.notes.append(f"… and {len(said) - _MANY_NOTES} more notes of this kind")


def _table(listing: Listing, outcomes: list[_Outcome], targets: list[str], keep: list[int],
           report: ImportReport) -> pd.DataFrame:  # fmt: skip
    table = listing.table.iloc[keep].reset_index(drop=True).drop(columns="label_path", errors="ignore")
    table["path"] = [targets[row] for row in keep]
    shots = [outcomes[row].shot for row in keep]
    if listing.exif:
        table["lat"], table["lon"] = [shot.lat for shot in shots], [shot.lon for shot in shots]
        if any(shot.heading == shot.heading for shot in shots) and "heading" not in table:
            table["heading"] = [shot.heading for shot in shots]
        if any(shot.captured_at for shot in shots) and "captured_at" not in table:
            table["captured_at"] = pd.Series([shot.captured_at for shot in shots], dtype="str")
    bare = table["split"].isna() if "split" in table else pd.Series(True, table.index)
    if bare.all() or (bare.any() and not listing.partial_split):
        chosen = pd.Series(split_by_place(list(table["path"]), table["lat"], table["lon"]), dtype="str")
        table["split"] = table["split"].fillna(chosen) if "split" in table else chosen
        report.notes.append(
            "images that came without a split were shared out about 6:2:2 for training, validation and test: whole "
            "places where they are known, else whole series of files by their names; fewer than three of these in "
            "their order"
        )
    located = int(table["lat"].notna().sum())
    labelled = sum(outcomes[row].labelled for row in keep)
    report.notes.append(f"{located} of {len(keep)} images have coordinates, {labelled} have pixel labels")
    first = [name for name in ("image_id", "path", "lat", "lon", "split", "heading", "captured_at") if name in table]
    return table[[*first, *(name for name in table.columns if name not in first)]]


def _write(folder: Path, table: pd.DataFrame, listing: Listing, merger: LabelMerger | None) -> None:
    for name in table.columns:
        if not any(isinstance(cell, list) for cell in table[name]) and table[name].dtype == object:
            table[name] = table[name].astype("str") if table[name].notna().any() else table[name]
    kept = listing.columns
    empty = {name for name in table.columns if table[name].isna().all()}
    columns = Columns(
        [name for name in kept.labels if name not in empty],
        [name for name in kept.scores if name not in empty],
        kept.votes,
        kept.tags,
        kept.attributes,
    )
    licences: set[str] = next((set(table[name].dropna()) for name in ("licence", "license") if name in table), set())
    licence = "one for each image, in the table" if len(licences) > 1 else "".join(licences)
    objects = merger.names if merger is not None else None
    write_collection(folder, table, title=listing.title, licence=licence, columns=columns, objects=objects)
