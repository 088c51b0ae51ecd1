"""ScenicOrNot's `votes.tsv`: photographs of Great Britain with how beautiful people found the place, from 1 to 10."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from urbanlens.collection.importing import cells
from urbanlens.collection.importing.listing import Listing, Sheet, images_called, not_listed
from urbanlens.collection.importing.sheets import DELIMITED, first_cells, read_sheet
from urbanlens.collection.importing.tables import list_sheet

SCORE, VARIANCE = "scenicness", "scenicness_variance"
HEADER = ("id", "lat", "lon", "average", "variance", "votes", "geograph uri")
TOLERANCE = 0.01
"""How far the average may lie from the mean of the votes, as it does when it was rounded."""

_MARKS = range(1, 11)
_PATH = "image file"


def recognises(file: Path) -> bool:
    """Whether a text table has ScenicOrNot's columns; its name does not matter."""
    return file.suffix.lower() in DELIMITED and set(HEADER) <= {_plain(cell) for cell in first_cells(file)}


def list_scenicornot(file: Path, title: str, columns: Mapping[str, str] | None = None) -> Listing:
    """Read the table; its images lie as `<ID>.jpg` beside it or in a folder below.

    The average becomes the score `scenicness` and the variance `scenicness_variance`; `Votes`, which lists every single
    mark, becomes `votes`, ten counts of the marks 1 to 10. A row whose average is not the mean of its votes is left
    out: which of the two is wrong cannot be known, and a score that its own votes deny is not to be learnt.

    Parameters
    ----------
    columns
        Meanings of further columns, as for `list_table`.
    """
    sheet = read_sheet(file)
    header = {_plain(str(name)): str(name) for name in reversed(list(sheet.frame.columns))}
    own = {word: header[word] for word in HEADER}
    rows = _Rows(sheet, own)
    paths = _image_paths(file.parent, sheet, own["id"])
    frame = sheet.frame.rename(columns={name: f"{name}_2" for name in (SCORE, VARIANCE, _PATH) if name in sheet.frame})
    frame = frame.rename(columns={own["average"]: SCORE, own["variance"]: VARIANCE})
    frame = frame.assign(**{_PATH: pd.Series(paths, dtype=object), own["votes"]: pd.Series(rows.counts, dtype=object)})
    keep = [row for row in range(len(frame)) if row not in rows.faults]
    sheet.rejected += [(sheet.where[row], rows.faults[row]) for row in sorted(rows.faults)]
    sheet.notes += [*rows.notes(), *not_listed(file.parent, [path for path in paths if path], file.name)]
    sheet.frame, sheet.where = frame.iloc[keep].reset_index(drop=True), [sheet.where[row] for row in keep]
    meanings = {own["id"]: "image_id", own["lat"]: "lat", own["lon"]: "lon", own["votes"]: "votes", _PATH: "path",
                own["geograph uri"]: "text", SCORE: "score", VARIANCE: "score"}  # fmt: skip
    return list_sheet(sheet, file.parent, title, {**meanings, **(columns or {})})


def counts_of_marks(value: Any) -> list[int] | None:
    """Ten counts from a list of single marks, "4,5,5" to [0, 0, 0, 1, 2, 0, …]; None where one is no mark."""
    marks = [part for part in re.split(r"[\s,;]+", str(value)) if part]
    if not all(re.fullmatch(r"[0-9]{1,2}", mark) and int(mark) in _MARKS for mark in marks):
        return None
    counts = [0] * len(_MARKS)
    for mark in marks:
        counts[int(mark) - 1] += 1
    return counts


@dataclass
class _Rows:
    """What the numbers of each row say: the counts of its votes, and why a row cannot be meant."""

    sheet: Sheet
    own: dict[str, str]
    counts: list[list[int] | None] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    odd: list[int] = field(default_factory=list)
    bare: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        columns = [self.sheet.frame[self.own[word]] for word in ("average", "variance", "votes")]
        for row, (average, variance, votes) in enumerate(zip(*columns, strict=True)):
            counts = None if cells.is_blank(votes) else counts_of_marks(votes)
            self.counts.append(counts)
            fault = self._fault(row, average, variance, counts, votes)
            if fault:
                self.faults[row] = fault

    def _fault(self, row: int, given: Any, spread: Any, counts: list[int] | None, votes: Any) -> str:
        average, variance = cells.number(given), cells.number(spread)
        if average is None or average < _MARKS[0] or average > _MARKS[-1]:
            return f"its {self.own['average']} is {str(given)!r:.60} where a number from 1 to 10 is needed: correct it"
        if variance is None or variance < 0:
            return f"its {self.own['variance']} is {str(spread)!r:.60} where a number from 0 on is needed: correct it"
        if counts is None and not cells.is_blank(votes):
            return f"its {self.own['votes']} are {str(votes)!r:.60} where marks from 1 to 10 are needed: correct them"
        if counts is None or not sum(counts) or math.isnan(average):
            self.bare.append(row)
            return ""
        total = sum(counts)
        mean = sum(mark * count for mark, count in zip(_MARKS, counts, strict=True)) / total
        if abs(mean - average) > TOLERANCE + 1e-9:
            return f"its average is {average:g} and the mean of its votes {mean:.4f}: correct the one that is wrong"
        squares = sum(count * (mark - mean) ** 2 for mark, count in zip(_MARKS, counts, strict=True))
        allowed = {squares / total, squares / max(total - 1, 1)}
        if math.isfinite(variance) and min(abs(variance - one) for one in allowed) > TOLERANCE + 1e-9:
            self.odd.append(row)
        return ""

    def notes(self) -> list[str]:
        """What else the user should know of the rows that stay."""
        said = [
            (self.bare, "have no average or no votes, so that the one could not be held against the other"),
            (self.odd, "have a variance that is not that of their votes; it was kept as it stands"),
        ]
        return [f"{len(rows)} rows, as {self.sheet.where[rows[0]]}, {text}" for rows, text in said if rows]


def _image_paths(folder: Path, sheet: Sheet, column: str) -> list[str | None]:
    """The image of each row, where it is or where it ought to be; None where the row names none."""
    names = ["" if cells.is_blank(cell) else str(cell).strip() for cell in sheet.frame[column]]
    paths, several = images_called(folder, names)
    if several:
        sheet.notes.append(
            f"{several} rows have more than one image of their ID: the one nearest to the table was taken"
        )
    return [path or (f"{name}.jpg" if name else None) for name, path in zip(names, paths, strict=True)]


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())
