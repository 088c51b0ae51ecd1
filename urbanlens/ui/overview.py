"""What the page Overview says about a collection: counts, a fair choice of pictures, and the demo's planted truth."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from urbanlens.ui.library import DEMO_FOLDER

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

CUES = {"kanji": "signboards with kanji", "fence": "fences", "skyscraper": "skyscrapers", "earth": "bare earth"}
MOSAIC = 15
TELLING = ("city", "district")


def counts(images: ImageCollection) -> dict[str, str]:
    """The numbers that describe a collection or a view of it, ready to be shown."""
    table = images.table
    found = {"images": f"{len(images):,}"}
    for label in main_labels(images):
        found[plural(label)] = f"{table[label].nunique():,}"
    if images.regions and "districts" not in found:
        found["regions"] = f"{len(images.regions):,}"
    found["on the map"] = f"{int(images.located.sum()):,}"
    if images.object_names:
        labelled = int(images.labelled.sum())
        found |= {"with object labels": f"{labelled:,}"} if labelled else {}
    return found


def unplaced(images: ImageCollection) -> str:
    """A sentence about images without coordinates; "" where all have some."""
    missing = int((~images.located).sum())
    if not missing:
        return ""
    if missing == len(images):
        return "No image of this collection has coordinates, so the map shows none of them."
    one = missing == 1
    return f"{missing:,} image{' has' if one else 's have'} no coordinates and {'is' if one else 'are'} not on the map."


def main_labels(images: ImageCollection) -> list[str]:
    """The label columns that say most about an image: its city and district, else the first one."""
    labels = images.columns.labels
    return [name for name in TELLING if name in labels] or labels[:1]


def plural(noun: str) -> str:
    """A column's name as a count calls it: city -> cities."""
    noun = noun.replace("_", " ")
    return f"{noun[:-1]}ies" if noun.endswith("y") else noun if noun.endswith("s") else f"{noun}s"


def chosen(images: ImageCollection, count: int = MOSAIC) -> list[str]:
    """Images for a mosaic: the same each time, in turn from each value of the first label, spread over each."""
    ids = images.ids
    labels = main_labels(images)
    groups: dict[str, list[str]] = {}
    for image_id, value in zip(ids, images.table[labels[0]] if labels else ids, strict=True):
        groups.setdefault(str(value) if labels else "", []).append(image_id)
    each = max(1, math.ceil(count / len(groups))) if groups else 0
    spread = [[group[(2 * i + 1) * len(group) // (2 * each)] for i in range(each)] for group in groups.values()]
    turns = [image_id for turn in zip(*spread, strict=True) for image_id in turn]
    return list(dict.fromkeys(turns))[:count]


def is_demo(images: ImageCollection) -> bool:
    """Whether this is the shipped demo, whose truth is known."""
    return images.root == DEMO_FOLDER.resolve()


def truth(images: ImageCollection) -> dict[str, Any]:
    """The demo's planted truth; empty for any other collection."""
    if not is_demo(images):
        return {}
    from urbanlens.demo import truth

    return dict(truth())


def planted(images: ImageCollection) -> dict[str, dict[str, float]]:
    """For each planted cue its share of each city's images, most telling cue first; {} where no truth is known."""
    told = truth(images).get("cues")
    realised = told.get("realised") if isinstance(told, Mapping) else None
    if not isinstance(realised, Mapping):
        return {}
    known = {
        plain: {city: float(rates[cue]) for city, rates in realised.items() if cue in rates}
        for cue, plain in CUES.items()
    }
    found = {plain: shares for plain, shares in known.items() if shares}
    return dict(sorted(found.items(), key=lambda item: -_spread(item[1].values())))


def planted_table(rates: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """The shares of `planted`: cue, and a column for each city."""
    return pd.DataFrame([{"cue": cue, **shares} for cue, shares in rates.items()])


def _spread(shares: Collection[float]) -> float:
    return max(shares) - min(shares) if shares else 0.0


def colours(rates: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """A colour for each city, as on the map."""
    from urbanlens.plots.palette import categorical

    cities = sorted({city for shares in rates.values() for city in shares})
    return dict(zip(cities, categorical(len(cities)), strict=True))


def spurious(images: ImageCollection) -> str:
    """A sentence about the mark that was planted to mislead a network; "" where there is none."""
    mark = truth(images).get("mark")
    realised = mark.get("realised") if isinstance(mark, Mapping) else None
    if not isinstance(realised, Mapping) or not any(realised.values()):
        return ""
    city = max(realised, key=lambda name: float(realised[name]))
    return (
        f"And a trap: {float(realised[city]):.0%} of the images of {city} carry a small mark in the lower right "
        "corner. It says nothing about the city, yet a careless network learns it. A good explanation exposes this."
    )
