"""One picture of the demo world: drawn, measured and written; a note of the measures is written last."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanlens.artifacts import write_atomically
from urbanlens.demo.geometry import bearing, distance, turn
from urbanlens.demo.rules import CELLS, Look
from urbanlens.demo.scene import Building, FreeSign, Scene
from urbanlens.demo.viewpoints import Viewpoint, has_mark

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

QUALITY = 82
SIZE = 256
PRESENT = 0.004
"""Least share of the pixels at which a planted thing counts as present in a picture."""

FENCE, SIGNBOARD, SKYSCRAPER, EARTH = 33, 44, 49, 14
UNFINISHED = ".unfinished"


def take(destination: Path, mark: bool, planned: Sequence[Viewpoint]) -> int:
    """Draw pictures into a collection's folder; their number."""
    for viewpoint in planned:
        take_one(destination, viewpoint, mark)
    return len(planned)


def take_one(destination: Path, viewpoint: Viewpoint, mark: bool) -> None:
    """Draw one picture and write its image, its object ids and its note."""
    from urbanlens.demo.gathering import scene_at
    from urbanlens.demo.render import attributes as attributing
    from urbanlens.demo.render import render

    scene = scene_at(viewpoint.camera, viewpoint.light, viewpoint.seed, mark=mark and has_mark(viewpoint))
    picture = render(scene, SIZE)
    maps = (attributing.attribute_maps(picture.objects, picture.materials, CELLS) * 255).round().astype("uint8")
    write_atomically(destination / viewpoint.path, _webp(picture.rgb))
    write_atomically(destination / "objects" / f"{viewpoint.image_id}.png", _png(picture.objects))
    buffer = io.BytesIO()
    _save(buffer, maps, measures(scene, picture.rgb, picture.objects))
    write_atomically(note_path(destination, viewpoint.image_id), buffer.getvalue())


def note_path(destination: Path, image_id: str) -> Path:
    """Where the measures of a finished picture are kept until the table is written."""
    return destination / UNFINISHED / f"{image_id}.npz"


def _save(buffer: io.BytesIO, maps: npt.NDArray[np.uint8], measured: dict[str, Any]) -> None:
    import numpy as np

    if maps.shape[1:] != (CELLS, CELLS) or maps.dtype != np.uint8:
        raise ValueError(f"attribute maps must be (A, {CELLS}, {CELLS}) uint8, not {maps.shape} {maps.dtype}")
    np.savez_compressed(buffer, maps=maps, measures=np.frombuffer(json.dumps(measured).encode(), dtype=np.uint8))


def read_note(destination: Path, image_id: str) -> tuple[npt.NDArray[np.uint8], dict[str, Any]]:
    """Attribute maps (A, 15, 15) and measures of a finished picture."""
    import numpy as np

    with np.load(note_path(destination, image_id)) as kept:
        return kept["maps"], json.loads(kept["measures"].tobytes())


def measures(scene: Scene, rgb: npt.NDArray[np.uint8], objects: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Shares of the planted things, mean chroma, and how many kinds of object a picture shows."""
    import numpy as np

    shares = np.bincount(objects.ravel(), minlength=151) / objects.size
    return {
        "kanji": float(shares[SIGNBOARD]) * kanji_share(scene),
        "signboard": float(shares[SIGNBOARD]),
        "fence": float(shares[FENCE]),
        "skyscraper": float(shares[SKYSCRAPER]),
        "earth": float(shares[EARTH]),
        "chroma": float((rgb.max(-1).astype(float) - rgb.min(-1)).mean()),
        "objects": int((shares[1:] >= 0.003).sum()),
    }


def kanji_share(scene: Scene) -> float:
    """Which share of the signboards before a camera is kanji, each weighed by the size it appears in."""
    place = (scene.camera.east_m, scene.camera.north_m)
    seen = {"kanji": 0.0, "latin": 0.0}
    for thing in scene.things:
        if isinstance(thing, FreeSign):
            seen[thing.script] += (thing.letter_m / max(distance(place, thing.at), 3.0)) ** 2
        elif isinstance(thing, Building) and abs(turn(thing.front, bearing(thing.centre, place))) < 88.0:
            for sign in thing.signs:
                seen[sign.script] += (sign.letter_m / max(distance(place, thing.centre), 5.0)) ** 2
    total = seen["kanji"] + seen["latin"]
    return seen["kanji"] / total if total else 0.0


def look_of(measured: dict[str, Any]) -> Look:
    """What the rules of beauty and tags need."""
    return Look(float(measured["chroma"]), int(measured["objects"]))


def _webp(rgb: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()


def _png(objects: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    image = Image.fromarray(objects, "P")
    image.putpalette([(k * step) % 256 for k in range(256) for step in (67, 151, 211)])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
