"""A transformation to take home: a strip of pictures, an animation, and a zip with everything in it."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from urbanlens.transformation.record import Transformation

SIDE = 192
"""Of the pictures in strips and animations, in px: small frames are enlarged to be seen."""

GAP, LETTERS, TYPE = 10, 24, 13
"""Of the strip, in px."""

STEPS_SHOWN = 4
"""In the strip, between the first frame and the template image."""

FRAME_MS, HELD_MS = 140, 1600
"""How long the animation shows a frame, and its first and last one."""

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same result gives the same bytes."""


def strip_png(
    found: Transformation, source: Image.Image | None = None, counterparts: Sequence[Image.Image] = (), *,
    side: int = SIDE,
) -> bytes:  # fmt: skip
    """The source, a few steps, the template image and its nearest natural images side by side, as PNG.

    Parameters
    ----------
    source : the picture that it began from; None leaves it out
    counterparts : nearest natural images, the nearest first
    side : of each picture in px
    """
    shown = _shown(len(found.frames), STEPS_SHOWN)
    cells = [(source, "source")] if source is not None else []
    for number in shown:
        last = number == len(found.frames) - 1
        title = "template image" if last else f"step {found.steps[number]}"
        cells.append((Image.fromarray(found.frames[number]), title))
    cells += [(one, "nearest" if not i else f"nearest, {i + 1}") for i, one in enumerate(counterparts)]
    paper = Image.new("RGB", (GAP + len(cells) * (side + GAP), side + 2 * GAP + LETTERS), "white")
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(TYPE)
    for number, (picture, title) in enumerate(cells):
        left = GAP + number * (side + GAP)
        paper.paste(_squared(picture, side), (left, GAP))
        pen.text((left, GAP + side + 4), title, "black", font=font)
    return _png(paper)


def gif(found: Transformation, *, side: int = SIDE, frame_ms: int = FRAME_MS, held_ms: int = HELD_MS) -> bytes:
    """All S frames as an animation that begins anew; the first and the last one stay longer.

    Frames that look exactly like the one before are joined to it: players show the same either way.

    Parameters
    ----------
    side : of the animation in px
    frame_ms, held_ms : how long a frame stays, and the first and last one
    """
    frames = [_squared(Image.fromarray(frame), side).quantize(256) for frame in found.frames]
    times = [held_ms if number in (0, len(frames) - 1) else frame_ms for number in range(len(frames))]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return buffer.getvalue()


def archive(
    found: Transformation, source: Image.Image | None = None, counterparts: Sequence[Image.Image] = (),
    counterpart_ids: Sequence[str] = (),
) -> bytes:  # fmt: skip
    """Everything as a zip: each step as PNG, codes.npz, settings.json, certainties.csv, objects.csv where known.

    Parameters
    ----------
    source, counterparts : as for `strip_png`; they are added as source.png and nearest-1.png, …
    counterpart_ids : their ids in the collection, for settings.json
    """
    files: dict[str, bytes] = {}
    for number, frame in zip(found.steps.tolist(), found.frames, strict=True):
        files[f"steps/{number:04}.png"] = _png(Image.fromarray(frame))
    if source is not None:
        files["source.png"] = _png(source.convert("RGB"))
    files |= {f"nearest-{i}.png": _png(one.convert("RGB")) for i, one in enumerate(counterparts, 1)}
    files["strip.png"] = strip_png(found, source, counterparts)
    files["codes.npz"] = _npz(first=found.codes[0], last=found.codes[-1])
    files["settings.json"] = _settings(found, counterpart_ids).encode()
    files["certainties.csv"] = certainties(found).to_csv(index=False).encode()
    if found.objects:
        objects = pd.DataFrame(found.shares, columns=list(found.objects))
        objects.insert(0, "step", found.steps)
        files["objects.csv"] = objects.to_csv(index=False, float_format="%.5f").encode()
    return _zip(files)


def certainties(found: Transformation) -> pd.DataFrame:
    """What every network said, a row each: step (-1: the source itself), network, drives, certainty of the target."""
    rows = [
        (step, network, drives, float(value))
        for step, answers in zip(
            [-1, *found.steps.tolist()], [found.source_certainty, *found.certainty], strict=True
        )
        for network, drives, value in zip(found.networks, found.drives, answers, strict=True)
        if step >= 0 or math.isfinite(value)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["step", "network", "drives", "certainty"])


def _shown(count: int, between: int) -> list[int]:
    """Numbers of the first and the last frame and of so many between them, evenly."""
    return sorted({round(number) for number in np.linspace(0, count - 1, between + 2)})


def _squared(picture: Image.Image, side: int) -> Image.Image:
    """A picture as a square of `side` px, squeezed as every network here looks at it."""
    return picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


def _settings(found: Transformation, counterparts: Sequence[str]) -> str:
    known = [float(value) if math.isfinite(value) else None for value in found.source_certainty]
    drivers = [name for name, drives in zip(found.networks, found.drives, strict=True) if drives]
    told = {
        "source": found.source, "source_class": found.source_class, "target": found.target,
        "settings": asdict(found.settings), "steps": found.steps.tolist(),
        "networks": list(found.networks), "drivers": drivers,
        "source_certainty": dict(zip(found.networks, known, strict=True)), "nearest": list(counterparts),
        "codes": {"shape": list(found.codes.shape[1:]), "of": ["first frame", "template image"]},
    }  # fmt: skip
    return json.dumps(told, indent=1, ensure_ascii=False)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _npz(**arrays: NDArray[Any]) -> bytes:
    """Arrays as numpy reads them."""
    files = {}
    for name, values in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, values, allow_pickle=False)
        files[f"{name}.npy"] = buffer.getvalue()
    return _zip(files)


def _zip(files: dict[str, bytes]) -> bytes:
    """Files as a zip without a trace of when and where it was made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            written.writestr(entry, data)
    return buffer.getvalue()
