"""AVA as it is downloaded: photographs of an online contest with the votes of its visitors, from 1 to 10.

Murray, Marchesotti and Perronnin, "AVA: A Large-Scale Database for Aesthetic Visual Analysis" (2012). `AVA.txt` has no
header; a line is an index, an image id, ten counts of the marks 1 to 10, two tags (0 for none) and a challenge. Some
share the same votes as JSON, a list of {"image_id": …, "label": [ten counts]}.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from urbanlens.collection.columns import Columns
from urbanlens.collection.importing.ava_lists import ID, Lists, Names, read_lists
from urbanlens.collection.importing.listing import Listing, images_called, is_image_name, locate, not_listed, walk
from urbanlens.collection.importing.sheets import DELIMITED, glance, read_text
from urbanlens.errors import CollectionError

_PARTS = ("index", "image id", *(f"count of the mark {mark}" for mark in range(1, 11)), "first tag", "second tag",
          "challenge")  # fmt: skip
_ROW = re.compile(r"[0-9]{1,15}(?:\s+[0-9]{1,15}){14}")
_ALIKE = re.compile(r"-?[0-9]+(?:[ \t]+-?[0-9]+){14}")
_ABSENT = "there is no image {}.jpg in the source's folder: copy it there"
_FIRST = 20
"""At so many lines or entries is looked to see what a file is."""


class Row(NamedTuple):
    """One image as the file of votes has it; a tag or challenge 0 is none."""

    where: str
    image: str
    counts: list[int]
    tags: tuple[int, ...] = ()
    challenge: int = 0


@dataclass
class Votes:
    """A file of votes, read in full: its rows, and the faults of those that cannot be meant."""

    file: str
    rows: list[Row] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def recognises(file: Path) -> bool:
    """Whether a file holds AVA's votes, by how it begins; its name does not matter."""
    if not file.is_file():
        return False
    try:
        if _is_json(file):
            return any(_entry_fault(entry) == "" for entry in _first_entries(glance(file)))
        return file.suffix.lower() in DELIMITED and _begins_as_votes(glance(file))
    except CollectionError:
        return False


def without_copies(tables: Sequence[Path]) -> list[Path]:
    """The tables without AVA's votes as JSON, where AVA's own file, which says more, is among them."""
    if not any(recognises(file) for file in tables if not _is_json(file)):
        return list(tables)
    return [file for file in tables if not (_is_json(file) and recognises(file))]


def list_ava(file: Path, title: str, folder: Path | None = None) -> Listing:
    """Read the votes and the lists that came with them; images lie as `<id>.jpg` beside the file or in a folder below.

    The table gets `votes`, ten counts of the marks 1 to 10, and from AVA's own file `tags`, their names, and the label
    column `challenge`. Of the lists `…train.jpgl` and `…test.jpgl` comes `split` (`ava_lists.Lists.split`); an image
    that none of them names takes part in no split. Of the lists of styles comes the label column `style`, empty where
    an image has none or, as many test images do, more than one; `styles` names all of them, parted by commas.

    Most people hold only a part of the images: the rows of the others are left out, and counted in a note.

    Parameters
    ----------
    folder
        Where images and lists are looked for; by default the file's own folder.

    Raises
    ------
    CollectionError
        A file cannot be read, has no rows, or is a link that leads out of `folder`.
    """
    root = folder or file.parent
    votes = read_votes(file if folder is None else locate(folder, file.relative_to(folder).as_posix()))
    texts = [path for path in walk(root) if not is_image_name(path)]
    lists = read_lists(root, texts, {row.image for row in votes.rows}, file.name)
    paths, several = images_called(root, [row.image for row in votes.rows])
    there = [(row, path) for row, path in zip(votes.rows, paths, strict=True) if path is not None]
    missing = [row for row, path in zip(votes.rows, paths, strict=True) if path is None]
    rows = [row for row, _ in there]
    tags, challenges = (Names(root, texts, file.parent, noun) for noun in ("tag", "challenge"))
    table = _table(there, lists, tags, challenges, tagged=not _is_json(file))
    listing = Listing(root, table, [row.where for row in rows], title, exif=True, partial_split="split" in table)
    listing.columns = _columns(table)
    listing.rejected = [*votes.rejected, *((row.where, _ABSENT.format(row.image)) for row in missing)]
    listing.notes += [*_notes(votes, rows, missing, several), *lists.notes]
    listing.notes += lists.notes_on([row.image for row in rows])
    listing.notes += [*tags.notes(), *challenges.notes(), *not_listed(root, [path for _, path in there], file.name)]
    copies = [path.relative_to(root).as_posix() for path in texts if path != file and recognises(path)]
    if copies:
        listing.notes.append(f"{len(copies)} more files of votes, as {copies[0]}, were not read, as {file.name} was")
    return listing


def read_votes(file: Path) -> Votes:
    """AVA's own file, or its votes as JSON by the ending; CollectionError where it cannot be read or is empty."""
    votes = _read_json(file) if _is_json(file) else _read_lines(file)
    if not votes.rows and not votes.rejected:
        raise CollectionError(f"{file.name} has 0 rows: nothing can be imported from it")
    first: dict[str, Row] = {}
    for row in votes.rows:
        if row.image in first:
            why = f"the image {row.image} is already in {first[row.image].where}: keep one of the two"
            votes.rejected.append((row.where, why))
        else:
            first[row.image] = row
    votes.rows = list(first.values())
    return votes


def _is_json(file: Path) -> bool:
    return file.suffix.lower() == ".json"


def _begins_as_votes(text: str) -> bool:
    """Whether most of the first lines are 15 numbers; a first line parted by tabs must be, or it is a header."""
    lines = [line.strip() for line in text.split("\n", 2 * _FIRST)[: 2 * _FIRST] if line.strip()][:_FIRST]
    alike = [bool(_ALIKE.fullmatch(line)) for line in lines]
    return bool(lines) and (alike[0] or (2 * sum(alike) > len(lines) and "\t" not in lines[0]))


def _first_entries(text: str) -> Iterable[Any]:
    """The first entries of a JSON list, as far as they are whole."""
    decoder, opened = json.JSONDecoder(), re.match(r"\s*\[\s*", text)
    at = opened.end() if opened else len(text)
    for _ in range(_FIRST):
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield entry
        parted = re.compile(r"\s*,\s*").match(text, at)
        if parted is None:
            return
        at = parted.end()


def _read_lines(file: Path) -> Votes:
    text, notes = read_text(file)
    votes = Votes(file.name, notes=notes)
    for number, line in enumerate(text.split("\n"), start=1):
        parts, where = line.split(), f"{file.name}, line {number}"
        if _ROW.fullmatch(line.strip()):
            values = [int(part) for part in parts[2:]]
            votes.rows.append(Row(where, parts[1], values[:10], tuple(values[10:12]), values[12]))
        elif parts:
            votes.rejected.append((where, _line_fault(parts)))
    return votes


def _line_fault(parts: list[str]) -> str:
    if len(parts) != len(_PARTS):
        return (
            f"it has {len(parts)} numbers where 15 are needed (index, image id, ten counts, two tags, challenge): "
            "correct it"
        )
    wrong = next((place for place, part in enumerate(parts) if not ID.fullmatch(part)), 0)
    return f"its {_PARTS[wrong]} is {parts[wrong]!r:.60} where a whole number from 0 on is needed: correct it"


def _read_json(file: Path) -> Votes:
    text, notes = read_text(file)
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CollectionError(f"{file.name} is no JSON ({error}): download it again") from error
    if not isinstance(entries, list):
        raise CollectionError(f"{file.name} is no list of images with their votes: give AVA.txt")
    votes = Votes(file.name, notes=notes)
    for number, entry in enumerate(entries, start=1):
        where, fault = f"{file.name}, entry {number}", _entry_fault(entry)
        if fault:
            votes.rejected.append((where, fault))
        else:
            votes.rows.append(Row(where, str(entry["image_id"]), entry["label"]))
    return votes


def _entry_fault(entry: Any) -> str:
    """Why an entry of the JSON list cannot be meant; "" where it can."""
    if not isinstance(entry, dict) or not {"image_id", "label"} <= entry.keys():
        return "it has no `image_id` and `label`: give each image both"
    if not ID.fullmatch(str(entry["image_id"])):
        return f"its image_id is {entry['image_id']!r:.60} where a whole number from 0 on is needed: correct it"
    label = entry["label"]
    whole = isinstance(label, list) and all(type(count) is int and 0 <= count < 1e15 for count in label)
    if not whole or len(label) != 10:
        return f"its label is {label!r:.80} where ten counts, whole numbers from 0 on, are needed: correct it"
    return ""


def _table(there: list[tuple[Row, str]], lists: Lists, tags: Names, challenges: Names, *, tagged: bool) -> pd.DataFrame:
    rows = [row for row, _ in there]
    own = [lists.styles.get(row.image, []) for row in rows]
    columns: dict[str, Any] = {
        "image_id": pd.Series([row.image for row in rows], dtype="str"),
        "path": pd.Series([path for _, path in there], dtype="str"),
        "lat": math.nan,
        "lon": math.nan,
    }
    splits = [lists.split(row.image) for row in rows]
    if any(splits):
        columns["split"] = pd.Series(splits, dtype="str")
    if tagged:
        names = [challenges.name(row.challenge) if row.challenge else None for row in rows]
        columns["challenge"] = pd.Series(names, dtype="str")
    if any(own):
        columns["style"] = pd.Series([names[0] if len(names) == 1 else None for names in own], dtype="str")
        columns["styles"] = pd.Series([", ".join(names) or None for names in own], dtype="str")
    columns["votes"] = pd.Series([row.counts if any(row.counts) else None for row in rows], dtype=object)
    if tagged:
        named = [[tags.name(tag) for tag in dict.fromkeys(row.tags) if tag] for row in rows]
        columns["tags"] = pd.Series(named, dtype=object)
    return pd.DataFrame(columns)


def _columns(table: pd.DataFrame) -> Columns:
    labels = [name for name in ("challenge", "style") if name in table and table[name].notna().any()]
    votes = "votes" if table["votes"].notna().any() else None
    return Columns(labels=labels, votes=votes, tags="tags" if "tags" in table else None)


def _notes(votes: Votes, rows: list[Row], missing: list[Row], several: int) -> list[str]:
    said = list(votes.notes)
    if missing:
        said.append(
            f"{len(missing)} of the {len(votes.rows)} images of {votes.file}, as {missing[0].image}, are not there and "
            "were left out"
        )
    if several:
        said.append(f"{several} rows have more than one image of their id: the one nearest to the top was taken")
    none = [row for row in rows if not any(row.counts)]
    if none:
        said.append(f"{len(none)} images, as that of {none[0].where}, have not one vote: their votes were left empty")
    return said
