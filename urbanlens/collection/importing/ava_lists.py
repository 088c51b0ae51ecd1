"""What comes with AVA's votes: names of tags, challenges and styles, and the lists of training and test images."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from urbanlens.collection.importing.listing import locate
from urbanlens.collection.importing.sheets import read_text

ID = re.compile(r"[0-9]{1,15}")
SEED = 0
"""Draws the images for validation, of which AVA names none."""

STYLES = 14
"""So many columns has a row of styles where `styles.txt` is not there to say it."""

_ONE_IN = 10


class Names:
    """What numbers mean, by a file of `<number> <name>` lines; a number without a name is called "tag 12".

    Parameters
    ----------
    root
        Nothing outside it is read.
    files
        The text files below `root`; of these the one beside AVA's other files, in `folder`, is read.
    noun
        What is numbered: the file is called `tags.txt` for "tag".
    """

    def __init__(self, root: Path, files: Iterable[Path], folder: Path, noun: str) -> None:
        self.noun, self.file = noun, f"{noun}s.txt"
        self.known: dict[int, str] = {}
        self._unknown: Counter[int] = Counter()
        self._bad: list[int] = []
        self._said: list[str] = []
        found = next((path for path in files if path.parent == folder and path.name.lower() == self.file), None)
        self.there = found is not None
        if found is not None:
            lines, self._said = _lines(root, found)
            for number, line in enumerate(lines, start=1):
                self._add(number, line)

    def _add(self, place: int, line: str) -> None:
        number, *words = line.split(None, 1) or [""]
        name = " ".join("".join(words).replace("_", " ").split())
        if ID.fullmatch(number) and name and int(number) not in self.known:
            self.known[int(number)] = name
        elif line:
            self._bad.append(place)

    def name(self, number: int) -> str:
        """The name, with blanks for underscores."""
        if number not in self.known:
            self._unknown[number] += 1
        return self.known.get(number, f"{self.noun} {number}")

    def notes(self) -> list[str]:
        """What was missing or wrong, as far as it was asked for."""
        said = list(self._said)
        if self._bad:
            said.append(
                f"{len(self._bad)} lines of {self.file}, as line {self._bad[0]}, are no number with a name, or repeat "
                "one, and were left out"
            )
        if self._unknown:
            first = min(self._unknown)
            why = (
                f"{self.file} does not know {len(self._unknown)} {self.noun}s, as {first}"
                if self.there
                else f"there is no {self.file} with the names of the {self.noun}s"
            )
            said.append(f"{why}: {self._unknown.total()} times a number is the name, as {self.noun + f' {first}'!r}")
        return said


@dataclass
class Lists:
    """AVA's image lists together: ids named for training and for testing, the styles of images, and what was wrong."""

    train: set[str] = field(default_factory=set)
    test: set[str] = field(default_factory=set)
    styles: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def split(self, image: str) -> str | None:
        """An image that any list names for testing is "test"; of the others for training a tenth, by its id, is "val".

        None for an image that no list names.
        """
        if image in self.test:
            return "test"
        if image not in self.train:
            return None
        drawn = hashlib.sha256(f"{SEED} {image}".encode()).digest()
        return "train" if int.from_bytes(drawn[:8]) % _ONE_IN else "val"

    def notes_on(self, images: Sequence[str]) -> list[str]:
        """How these images fare among the lists; [] where there are no lists."""
        splits = Counter(map(self.split, images))
        if not (self.train or self.test) or not images:
            return []
        if splits[None] == len(images):
            return ["none of the images is in the lists of training and test images (.jpgl)"]
        said = []
        many = sum(len(self.styles.get(image, [])) > 1 for image in images)
        if many:
            said.append(f"{many} images have more than one style: `styles` has them all, and the label `style` none")
        both = sum(image in self.train and image in self.test for image in images)
        if both:
            said.append(f"{both} images are in lists for training and in others for testing: they are for testing")
        if splits["val"]:
            said.append(
                f"AVA names no images for validation: about a tenth of those only for training, {splits['val']} of "
                f"{splits['val'] + splits['train']} drawn by their ids, is used for it"
            )
        if splits[None]:
            said.append(f"{splits[None]} images that no list names are for neither training, validation nor testing")
        return said


def read_lists(root: Path, files: Sequence[Path], known: set[str], votes: str) -> Lists:
    """The lists `….jpgl`, an id a line, and the styles beside some: `.lab`, a number a line, or `.multilab`, 0s and 1s.

    Parameters
    ----------
    root
        Nothing outside it is read.
    files
        The text files below `root`.
    known
        The ids that the file `votes` has.

    Raises
    ------
    CollectionError
        A list cannot be read, or is a link that leads out of `root`.
    """
    lists = Lists()
    bad: list[str] = []
    lacking: list[str] = []
    named = {path for path in files if path.suffix.lower() == ".jpgl"}
    for file in sorted(named):
        ids, said = _lines(root, file)
        lists.notes += said
        kind = next((kind for kind in ("train", "test") if file.stem.lower().endswith(kind)), "")
        if not kind:
            lists.notes.append(f"{file.name} was not read as a split: its name ends neither in train nor in test")
        for number, image in enumerate(ids, start=1):
            if not ID.fullmatch(image):
                bad.append(f"{file.name}, line {number}")
            elif image not in known:
                lacking.append(f"{image} of {file.name}")
            elif kind:
                (lists.train if kind == "train" else lists.test).add(image)
        for labels in (path for path in files if path.parent == file.parent and path.stem == file.stem):
            if labels.suffix.lower() in (".lab", ".multilab"):
                _add_styles(lists, root, files, labels, ids)
    if bad:
        lists.notes.append(f"{len(bad)} lines of the image lists, as {bad[0]}, are no image id")
    if lacking:
        lists.notes.append(f"{len(lacking)} ids of the image lists, as {lacking[0]}, are not in {votes}")
    return lists


def _add_styles(lists: Lists, root: Path, files: Sequence[Path], labels: Path, ids: list[str]) -> None:
    lines, said = _lines(root, labels)
    names = Names(root, files, labels.parent, "style")
    lists.notes += said
    if len(lines) != len(ids):
        lists.notes.append(
            f"{labels.name} has {len(lines)} lines and {labels.stem}.jpgl {len(ids)}, so that the style of an image "
            "cannot be known: these styles were left out; give two files of one download"
        )
        return
    bad = []
    for number, (image, line) in enumerate(zip(ids, lines, strict=True), start=1):
        styles = _marked(line, names) if labels.suffix.lower() == ".multilab" else _single(line)
        if styles is None:
            bad.append(number)
            continue
        own = lists.styles.setdefault(image, [])
        own += [name for name in map(names.name, styles) if name not in own]
    if bad:
        wanted = "a 0 or 1 for each style" if labels.suffix.lower() == ".multilab" else "the number of one style"
        lists.notes.append(f"{len(bad)} lines of {labels.name}, as line {bad[0]}, are not {wanted} and were left out")
    lists.notes += names.notes()


def _single(line: str) -> list[int] | None:
    return [int(line)] if ID.fullmatch(line) and int(line) else None


def _marked(line: str, names: Names) -> list[int] | None:
    """The styles whose column is 1; a column stands for the style that is listed at its place."""
    numbers = list(names.known) or list(range(1, STYLES + 1))
    marks = line.split()
    if len(marks) != len(numbers) or not set(marks) <= {"0", "1"}:
        return None
    return [number for number, mark in zip(numbers, marks, strict=True) if mark == "1"]


def _lines(root: Path, file: Path) -> tuple[list[str], list[str]]:
    """The lines of a file inside `root`, blank ones at the end left out, and notes on how it was read."""
    text, said = read_text(locate(root, file.relative_to(root).as_posix()))
    return [line.strip() for line in text.rstrip().split("\n")] if text.strip() else [], said
