"""Pixel labels of several schemes, merged into one space of object ids by the objects' names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from urbanlens.collection.ade20k import id_of, names
from urbanlens.collection.decoding import open_ids
from urbanlens.errors import CollectionError

SCHEMES_FILE = "labels.json"
DEFAULT_SCHEME = "ade150"
_FIRST_FREE = 151
_NOTHING = frozenset({"unlabelled", "unlabeled", "unknown", "void", "ignore"})


@dataclass(frozen=True)
class Scheme:
    """The classes of one way of labelling: {id in the file: name}; `ignore` means nothing is known there."""

    name: str
    classes: dict[int, str]
    ignore: frozenset[int]


class LabelMerger:
    """Turns label files of the given schemes into ids of one space.

    A class whose name is one of an ADE20K object's names gets that object's id (1…150); others follow from 151, in
    the order of the schemes. Ignored and undescribed ids become 0.

    Attributes
    ----------
    names
        {id: name} of all ids that the schemes in use can give.
    """

    def __init__(self, schemes: Iterable[Scheme]) -> None:
        self.names: dict[int, str] = {}
        self._tables: dict[str, npt.NDArray[np.uint16]] = {}
        own: dict[str, int] = {}
        ade = names()
        for scheme in schemes:
            table = np.zeros(65536, np.uint16)
            for value, called in sorted(scheme.classes.items()):
                name = plain_name(called)
                if value in scheme.ignore or name in _NOTHING:
                    continue
                new = value if scheme.name == DEFAULT_SCHEME and value in ade else id_of(name)
                if new is None:
                    new = own.setdefault(name, _FIRST_FREE + len(own))
                table[value] = new
                self.names[new] = ade.get(new, name)
            self._tables[scheme.name] = table

    def read(self, file: Path, scheme: str, size: tuple[int, int]) -> npt.NDArray[np.uint16]:
        """The labels of one image, (H, W) uint16 ids of the merged space.

        Raises
        ------
        ImageError
            The file cannot be decoded or is in colour.
        CollectionError
            The scheme is unknown or the labels are not as large as the image of `size` (width, height).
        """
        if scheme not in self._tables:
            known = ", ".join(self._tables) or "none"
            raise CollectionError(
                f"the label scheme {scheme!r} is not described; known are {known}: add it to {SCHEMES_FILE}"
            )
        ids = open_ids(file)
        if ids.shape != (size[1], size[0]):
            raise CollectionError(
                f"the labels are {ids.shape[1]} x {ids.shape[0]} px where the image is {size[0]} x {size[1]} px"
            )
        return self._tables[scheme][ids]


def plain_name(called: str) -> str:
    """A class's first name in lower case, "SignSymbol" as "sign symbol"."""
    first = re.split(r"[,;]", called)[0].strip().replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", first).lower()


def read_schemes(folder: Path, used: Iterable[str]) -> list[Scheme]:
    """The schemes in use, from `labels.json` in the source's folder; ADE20K's is known without it.

    Raises
    ------
    CollectionError
        `labels.json` is no description of schemes.
    """
    file = folder / SCHEMES_FILE
    described: dict[str, Any] = {}
    if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
        try:
            described = json.loads(file.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise CollectionError(
                f"{file.name} is no JSON ({error}): put it right, or import without labels"
            ) from error
    wanted = set(used)
    schemes = [_scheme(name, described[name]) for name in described if name in wanted]
    if DEFAULT_SCHEME in wanted and DEFAULT_SCHEME not in described:
        schemes.append(Scheme(DEFAULT_SCHEME, names(), frozenset({0})))
    return schemes


def _scheme(name: str, raw: Any) -> Scheme:
    try:
        classes = {int(value): str(called) for value, called in raw["classes"].items()}
        ignore = raw.get("ignore", [])
        ignored = frozenset(int(value) for value in (ignore if isinstance(ignore, list) else [ignore]))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise CollectionError(f'{SCHEMES_FILE}: {name} needs "classes": {{"id": "name"}} and "ignore": id') from error
    outside = [value for value in classes if not 0 <= value <= 65535]
    if outside:
        raise CollectionError(f"{SCHEMES_FILE}: {name} has the class id {outside[0]}; ids go from 0 to 65535")
    return Scheme(name, classes, ignored)
