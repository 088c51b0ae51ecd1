"""The way from an image over its template image to real ones, stop by stop, as the stepper in the browser takes it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from urbanlens.plots.gallery import build_atlas

if TYPE_CHECKING:
    from urbanlens.transformation.record import Transformation

MOST_OBJECTS = 7
LEAST_CHANGE = 0.004
"""Share of the picture below which no object is told of."""
DRIVING: Final = ("#8A8F94", "#B0895F", "#7C86B2", "#6F9A8D")
"""Networks that drove, quietly; after the last the first comes again."""
JUDGING: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C6BB1")
"""Networks that took no part: these are what the picture is judged by (Okabe & Ito, without those too pale)."""


@dataclass(frozen=True)
class RealImage:
    """A natural image beside the generated ones; all text is plain text.

    Attributes
    ----------
    url : the picture as a data address
    name : its id, or its file's
    group : its class; "" where unknown
    told : where it is, in words
    link : the address of its page; "" for none
    place : lat, lon in degrees; None where unknown
    shares : true share of the picture by object; None where nobody labelled it
    """

    url: str
    name: str
    group: str = ""
    told: str = ""
    link: str = ""
    place: tuple[float, float] | None = None
    shares: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Way:
    """A transformation and the real images along it.

    Attributes
    ----------
    found : the transformation, S frames
    original : the image that it began from; None for a prototype
    real : images of the collection that are nearest to a frame
    nearest : (S,) for each frame the number of its nearest among `real`; -1 where nobody looked
    similarity : (S,) how similar that one is
    best : numbers among `real` of those nearest to the template image, the nearest first, and how similar each is
    """

    found: Transformation
    original: RealImage | None
    real: Sequence[RealImage]
    nearest: NDArray[np.int64]
    similarity: NDArray[np.float64]
    best: Sequence[tuple[int, float]]

    @property
    def count(self) -> int:
        """Stops of the slider."""
        return (self.original is not None) + len(self.found.frames) + len(self.best)

    @property
    def template(self) -> int:
        """The stop that shows the template image."""
        return (self.original is not None) + len(self.found.frames) - 1


def stepper_data(way: Way) -> dict[str, Any]:
    """All that the browser needs to show any stop, as plain JSON."""
    found = way.found
    names, generated, true = object_changes(way)
    real = [*way.real, *([way.original] if way.original is not None else [])]
    return {
        "target": found.target,
        "frames": _sheet(found.frames),
        "networks": _networks(found),
        "objects": names,
        "most": max([LEAST_CHANGE, *(abs(v) for row in [*generated, *true.values()] for v in row)]),
        "real": [_real(one) for one in real],
        "original": len(real) - 1 if way.original is not None else -1,
        "stops": [*_begin(way, len(names)), *_steps(way, generated), *_ends(way, true)],
    }


def object_changes(way: Way) -> tuple[list[str], list[list[float]], dict[int, list[float]]]:
    """What came and went: by how much of the picture each object grew, the largest changes first.

    Returns
    -------
    names : objects, at most `MOST_OBJECTS`
    generated : (S, names) of each frame against the first, by the segmenter; empty rows where none was asked
    true : by number among `real`, (names,) of a real image against the original, by their true labels
    """
    found, original = way.found, way.original
    known = len(found.objects) > 0 and found.shares.shape == (len(found.frames), len(found.objects))
    growth = found.shares.astype(np.float64) - found.shares[0] if known else np.zeros((len(found.frames), 0))
    largest = dict(zip(found.objects if known else (), np.abs(growth).max(0, initial=0).tolist(), strict=True))
    grown: dict[int, dict[str, float]] = {}
    if original is not None and original.shares is not None:
        for number, _ in way.best:
            shares = way.real[number].shares
            if shares is not None:
                every = {*shares, *original.shares}
                grown[number] = {name: shares.get(name, 0.0) - original.shares.get(name, 0.0) for name in every}
    for changes in grown.values():
        for name, value in changes.items():
            largest[name] = max(largest.get(name, 0.0), abs(value))
    order = sorted((name for name, value in largest.items() if value >= LEAST_CHANGE), key=lambda n: (-largest[n], n))
    names = order[:MOST_OBJECTS]
    column = {name: i for i, name in enumerate(found.objects)} if known else {}
    frames = [[float(row[column[n]]) if n in column else 0.0 for n in names] for row in growth] if known else []
    return names, frames, {number: [changes.get(n, 0.0) for n in names] for number, changes in grown.items()}


def _begin(way: Way, objects: int) -> list[dict[str, Any]]:
    """The stop before the first frame."""
    if way.original is None:
        return []
    certainty = _plain(way.found.source_certainty)
    told = "Nothing has changed yet."
    return [_stop("original", "Original", "Original", told, certainty=certainty, changes=[0.0] * objects)]


def _steps(way: Way, generated: list[list[float]]) -> list[dict[str, Any]]:
    """A stop for each frame."""
    found, last = way.found, len(way.found.frames) - 1
    stops = []
    for frame, step in enumerate(found.steps.tolist()):
        kind = "template" if frame == last else "step"
        title = f"Step {step} of {found.settings.steps}"
        if frame == last:
            title = "Template image"
        near = int(way.nearest[frame])
        stops.append(_stop(
            kind, title, str(step), _told(found, frame), frame=frame, certainty=_plain(found.certainty[frame]),
            changes=generated[frame] if generated else None, near=near,
            similarity=float(way.similarity[frame]) if near >= 0 else None,
        ))  # fmt: skip
    return stops


def _told(found: Transformation, frame: int) -> str:
    """What the networks that took no part see in a frame."""
    begun = ""
    if frame == 0:
        begun = "The mere reconstruction. " if found.settings.start == "image" else "A neutral beginning. "
    asked = len(found.independent)
    if not asked:
        return f"{begun}No network was asked that took no part."
    agree = round(found.agreed(frame) * asked)
    if asked == 1:
        return f"{begun}The network that took no part {'sees' if agree else 'does not see'} {found.target} here."
    which = "All" if agree == asked else "None" if agree == 0 else f"{agree}"
    return f"{begun}{which} of the {asked} networks that took no part see {found.target} here."


def _ends(way: Way, true: Mapping[int, list[float]]) -> list[dict[str, Any]]:
    """A stop for each real image that is nearest to the template image."""
    stops = []
    for place, (number, similarity) in enumerate(way.best, start=1):
        one = way.real[number]
        told = f"A real image of {one.group}." if one.group else "A real image."
        title = "Nearest real image" if place == 1 else f"Real image, {_ordinal(place)} nearest"
        stops.append(_stop(
            "real", title, str(place), told, real=number, changes=true.get(number), near=number, similarity=similarity
        ))  # fmt: skip
    return stops


def _ordinal(place: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{place}{'th' if place % 100 in (11, 12, 13) else ends.get(place % 10, 'th')}"


def _stop(
    kind: str, title: str, short: str, told: str, *, frame: int = -1, real: int = -1,
    certainty: list[float | None] | None = None, changes: list[float] | None = None, near: int = -1,
    similarity: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "kind": kind, "title": title, "short": short, "told": told, "frame": frame, "real": real,
        "certainty": certainty, "changes": changes, "near": near, "similarity": similarity,
    }  # fmt: skip


def _networks(found: Transformation) -> list[dict[str, Any]]:
    """The networks with a colour each: quiet ones drove, clear ones judge."""
    counts = {True: 0, False: 0}
    told = []
    for name, drives in zip(found.networks, found.drives, strict=True):
        colours = DRIVING if drives else JUDGING
        told.append({"name": name, "drives": bool(drives), "colour": colours[counts[drives] % len(colours)]})
        counts[drives] += 1
    return told


def _sheet(frames: NDArray[np.uint8]) -> dict[str, Any]:
    atlas = build_atlas([Image.fromarray(frame) for frame in frames], cell=frames.shape[1], quality=90)
    url = "data:image/webp;base64," + base64.b64encode(atlas.data).decode()
    return {"url": url, "cell": atlas.cell, "columns": atlas.columns, "count": atlas.count}


def _real(one: RealImage) -> dict[str, Any]:
    return {"url": one.url, "name": one.name, "group": one.group, "told": one.told, "link": one.link}


def _plain(values: NDArray[np.float32]) -> list[float | None]:
    """Numbers for JSON, which knows no NaN."""
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]
