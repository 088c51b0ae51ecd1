"""The 150 objects of ADE20K / SceneParse150, by id and by any of their names."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def _synonyms() -> dict[int, list[str]]:
    text = resources.files("urbanlens.collection").joinpath("ade20k.csv").read_text(encoding="utf-8")
    return {int(row["id"]): row["names"].split(";") for row in csv.DictReader(text.splitlines())}


def names() -> dict[int, str]:
    """The first name of each object, 1…150."""
    return {number: words[0] for number, words in _synonyms().items()}


def id_of(name: str) -> int | None:
    """The object of this name, first names before other ones; None where ADE20K has none."""
    wanted = name.strip().lower()
    first = {words[0]: number for number, words in reversed(_synonyms().items())}
    if wanted in first:
        return first[wanted]
    return next((number for number, words in _synonyms().items() if wanted in words), None)
