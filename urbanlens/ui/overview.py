"""What the page Overview says about a collection: counts, a fair choice of pictures, and the demo's planted truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from urbanlens.ui.library import DEMO_FOLDER

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

COLORS = {"Hanamori": "#C4552D", "Steelport": "#5B6BA8"}
MOSAIC = 15
NO_LABELS = ("licence", "license", "source")


def counts(images: ImageCollection) -> dict[str, str]:
    """The numbers that describe a collection or a view of it, ready to be shown."""
    table = images.table
    found = {"images": f"{len(images):,}"}
    for label in [name for name in images.columns.labels if name not in NO_LABELS][:2]:
        found[plural(label)] = f"{table[label].nunique():,}"
    if images.regions and "districts" not in found:
        found["regions"] = f"{len(images.regions):,}"
    found["on the map"] = f"{int(images.located.sum()):,}"
    if images.object_names:
        labelled = sum(images.objects_path(image_id) is not None for image_id in images.ids)
        found |= {"with object labels": f"{labelled:,}"} if labelled else {}
    return found


def plural(noun: str) -> str:
    """A column's name as a count calls it: city -> cities."""
    noun = noun.replace("_", " ")
    return f"{noun[:-1]}ies" if noun.endswith("y") else noun if noun.endswith("s") else f"{noun}s"


def chosen(images: ImageCollection, count: int = MOSAIC) -> list[str]:
    """Images for a mosaic: the same each time, in turn from each value of the first label, spread over each."""
    ids = images.ids
    labels = images.columns.labels
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


def planted(images: ImageCollection) -> dict[str, list[tuple[str, float]]]:
    """For each city the cues planted in it and their rates, most telling first; {} where no truth is known."""
    rates = truth(images).get("rates")
    if not isinstance(rates, Mapping):
        return {}
    cities = {city: cues for city, cues in rates.items() if isinstance(cues, Mapping)}
    found = {}
    for city, cues in cities.items():
        others = [other for name, other in cities.items() if name != city]

        def telling(cue: str, cues: Mapping[str, Any] = cues, others: list[Mapping[str, Any]] = others) -> float:
            return float(cues[cue]) - max((float(other.get(cue, 0)) for other in others), default=0.0)

        names = sorted((name for name in cues if isinstance(cues[name], int | float)), key=telling, reverse=True)
        found[city] = [(name.replace("_", " "), float(cues[name])) for name in names]
    return found


def spurious(images: ImageCollection) -> str:
    """A sentence about the mark that was planted to mislead a network; "" where there is none."""
    mark = truth(images).get("mark")
    if not isinstance(mark, Mapping):
        return ""
    city = mark.get("city", "one city")
    share = mark.get("rate") or mark.get("share")
    part = f"{float(share):.0%} of the images" if isinstance(share, int | float) else "part of the images"
    return (
        f"A trap: a small mark stands in one corner of {part} of {city}. It says nothing about the city, "
        "yet a careless network learns it. A good explanation exposes this."
    )
