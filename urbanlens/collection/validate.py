"""Check a collection on disk: every row, every image, every label file; all problems at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from urbanlens.collection import columns as layout
from urbanlens.collection.collection import ImageCollection
from urbanlens.collection.votes import read_votes
from urbanlens.errors import CollectionError, ImageError, RegionError
from urbanlens.progress import Progress, silent


class Problem(NamedTuple):
    """What is wrong, and where: a file, with the row where there is one."""

    where: str
    what: str


@dataclass
class CheckReport:
    """What `check` found.

    Attributes
    ----------
    images, located, labelled
        How many images there are, how many have coordinates, how many have pixel labels.
    problems
        What must be put right.
    notes
        What is worth knowing, and no fault.
    """

    path: Path
    images: int = 0
    located: int = 0
    labelled: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return {
            "path": str(self.path),
            "ok": self.ok,
            "images": self.images,
            "located": self.located,
            "labelled": self.labelled,
            "problems": [{"where": problem.where, "what": problem.what} for problem in self.problems],
            "notes": self.notes,
        }


def check(path: Path | str, *, progress: Progress = silent) -> CheckReport:
    """Open a collection, decode every image and label file, and list every problem with its file and row."""
    report = CheckReport(Path(path))
    try:
        collection = ImageCollection.open(path)
    except CollectionError as error:
        report.problems.append(Problem(str(path), str(error)))
        return report
    report.images, report.located = len(collection), int(collection.located.sum())
    if not len(collection):
        report.problems.append(Problem(layout.TABLE_FILE, "the table has 0 rows: import images"))
    report.problems += _column_problems(collection)
    report.problems += _regions_problems(collection, report)
    names = _names(collection, report)
    for row, image_id in enumerate(collection.ids, start=1):
        where = f"{layout.TABLE_FILE}, row {row} ({image_id})"
        size = None
        try:
            size = collection.image(image_id).size
        except (ImageError, CollectionError) as error:
            report.problems.append(Problem(where, str(error)))
        report.problems += [Problem(where, what) for what in _label_problems(collection, image_id, size, names, report)]
        progress(row, len(collection), "images checked")
    return report


def _column_problems(collection: ImageCollection) -> Iterator[Problem]:
    columns, table = collection.columns, collection.table
    for name in (*columns.scores, *columns.attributes):
        numbers = pd.to_numeric(table[name], errors="coerce")
        bad = np.asarray(numbers.isna() & table[name].notna())
        if name in columns.attributes:
            bad = bad | np.asarray((numbers < 0) | (numbers > 1))
        if bad.any():
            row = int(np.argmax(bad))
            wanted = "a share in 0…1" if name in columns.attributes else "a number"
            what = f"{name} is {table[name].iat[row]!r} where {wanted} is needed"
            yield Problem(f"{layout.TABLE_FILE}, row {row + 1}", f"{what} ({int(bad.sum())} such rows)")
    for lists in filter(None, (columns.votes, columns.tags)):
        for row, value in enumerate(table[lists], start=1):
            if not (isinstance(value, list) or value is None or value is pd.NA or value != value):
                yield Problem(f"{layout.TABLE_FILE}, row {row}", f"{lists} is {value!r} where a list is needed")
                break
    if columns.votes is not None:
        for row, why in read_votes(table[columns.votes]).faults:
            if isinstance(table[columns.votes].iat[row], list):  # of others, the first has been told
                yield Problem(f"{layout.TABLE_FILE}, row {row + 1} ({collection.ids[row]})", why)
    if "split" in table.columns:
        unknown = sorted(set(table["split"].dropna().astype(str)) - set(layout.SPLITS))
        if unknown:
            yield Problem(layout.TABLE_FILE, f"split holds {unknown}; allowed are {', '.join(layout.SPLITS)}")


def _regions_problems(collection: ImageCollection, report: CheckReport) -> Iterator[Problem]:
    try:
        report.notes += [region.note for region in collection.regions if region.note]
    except RegionError as error:
        yield Problem(layout.REGIONS_FILE, str(error))


def _names(collection: ImageCollection, report: CheckReport) -> dict[int, str]:
    try:
        return collection.object_names
    except CollectionError as error:
        report.problems.append(Problem(layout.OBJECT_NAMES_FILE, str(error)))
        return {}


def _label_problems(collection: ImageCollection, image_id: str, size: tuple[int, int] | None,
                    names: dict[int, str], report: CheckReport) -> Iterator[str]:  # fmt: skip
    try:
        ids = collection.objects(image_id)
    except ImageError as error:
        yield str(error)
        return
    if ids is None:
        return
    report.labelled += 1
    if size is not None and ids.shape != (size[1], size[0]):
        yield f"the labels are {ids.shape[1]} x {ids.shape[0]} px, the image is {size[0]} x {size[1]} px"
    unnamed = sorted({int(value) for value in np.unique(ids)} - set(names) - {0})
    if unnamed:
        yield f"the labels hold the ids {unnamed[:5]}, which {layout.OBJECT_NAMES_FILE} does not name"
