"""The plane of pictures: thumbnails where their images lie, to zoom, to point at and to choose from by a lasso."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike, NDArray
from streamlit import runtime

from urbanlens.plots import gallery as packing
from urbanlens.plots.gallery import Atlas

HTML = """
<section class="gallery">
  <div class="tools" role="toolbar" aria-label="View of the pictures">
    <button type="button" data-do="in" aria-label="Zoom in" title="Zoom in">+</button>
    <button type="button" data-do="out" aria-label="Zoom out" title="Zoom out">−</button>
    <button type="button" data-do="fit" title="Show everything">Fit</button>
    <button type="button" data-do="lasso" aria-pressed="false" title="Draw a line around pictures">Lasso</button>
    <button type="button" data-do="clear" disabled title="Lift the selection">Clear</button>
    <span class="gap"></span>
    <button type="button" data-do="save" title="Save what is in view as a PNG">Save picture</button>
  </div>
  <div class="stage">
    <canvas tabindex="0" role="application" aria-describedby="gallery-keys"></canvas>
    <div class="card" hidden><canvas></canvas><b></b><span></span><em></em></div>
  </div>
  <ul class="legend" aria-label="Colours"></ul>
  <p class="hint hands"><span class="mouse">Drag to move, turn the wheel to zoom, click a picture to open it;
    with Shift, drag a line around pictures to select them.</span><span class="fingers">One finger moves, two zoom;
    tap a picture to open it, or press Lasso and draw a line around some.</span></p>
  <p class="hint keys" id="gallery-keys">Arrow keys go from picture to picture, with Shift they move the view; plus and
    minus zoom, 0 shows everything, Enter opens a picture, Space selects it, Escape lifts the selection.</p>
  <p class="live" role="status" aria-live="polite"></p>
</section>
"""
SCRIPTS = ("gallery_painter.js", "gallery_plane.js", "gallery_view.js", "gallery.js")
"""One module for the browser, in this order."""
MOST_COLOURS = 250


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "urbanlens_gallery", html=HTML, css=_text("gallery.css"), js="\n".join(_text(name) for name in SCRIPTS)
)


@dataclass(frozen=True)
class GalleryChoice:
    """What a visitor has just done; both are None in a run that something else caused.

    Parameters
    ----------
    clicked : row of the point that was clicked.
    selected : rows from now on selected, ascending; empty when the selection was lifted.
    """

    clicked: int | None = None
    selected: tuple[int, ...] | None = None


def gallery(
    points: ArrayLike,
    atlas: Atlas | None,
    pictured: NDArray[np.int64],
    *,
    ids: Sequence[str],
    captions: Sequence[str],
    colours: NDArray[np.int64],
    palette: Sequence[tuple[str, str]],
    spread: ArrayLike | None = None,
    chosen: int | None = None,
    selected: Sequence[int] = (),
    key: str,
    height: int = 640,
    label: str = "Plane of pictures",
    file: str = "pictures",
    muted: str = "other",
    on_change: Callable[[], None] | None = None,
) -> GalleryChoice:
    """Draw the plane; the view, its zoom and the loaded pictures outlive reruns under the same `key`.

    What is chosen and selected belongs to the caller: keep what comes back and hand it in again.

    Parameters
    ----------
    points : (N, 2) positions, the second upwards; rows without one (NaN) are not drawn.
    atlas : thumbnails of the pictured rows, in their order; None draws coloured squares.
    pictured : (M,) rows drawn as pictures; the others are dots.
    ids, captions : plain text for each of the M pictured rows.
    colours : (N,) index into `palette`; anything else is drawn quietly.
    palette : name and #RRGGBB of each class, at most 250.
    spread : (M, 2) positions of the pictured rows "spread apart"; the dots are then not drawn.
    chosen : row that stands out.
    selected : rows that stand out while the others fade; none is no selection.
    height : px at most; on a low screen less.
    label : what the plane shows, for those who do not see it, and above the saved picture.
    file : name of the saved picture, without its ending.
    muted : name of the quiet points in the legend.
    on_change : called before the run that a click or a lasso causes; `choice` says there what it was.

    Raises
    ------
    ValueError
        Lists of different lengths, a row that does not exist, an atlas of other pictures, or too many colours.
    """
    plane, rows = np.asarray(points, np.float32).reshape(-1, 2), np.asarray(pictured, np.int64)
    places = None if spread is None else np.asarray(spread, np.float32).reshape(-1, 2)
    _check(plane, rows, {"ids": ids, "captions": captions, "spread": places}, atlas, np.asarray(colours), palette)
    if any(not 0 <= row < len(plane) for row in selected):
        raise ValueError(f"selected names rows outside 0 to {len(plane) - 1}")
    data = {
        "points": packing.pack_floats(plane),
        "pictured": packing.pack_rows(rows),
        "spread": None if places is None else packing.pack_floats(places),
        "room": 0.0 if places is None else packing.room(places),
        "colours": packing.pack_classes(np.where(np.asarray(colours) < len(palette), colours, -1)),
        "palette": [list(entry) for entry in palette],
        "ids": list(ids),
        "captions": list(captions),
        "atlas": _served(atlas, key),
        "chosen": chosen if chosen is not None and 0 <= chosen < len(plane) else None,
        "selected": packing.pack_mask(list(selected), len(plane)) if len(selected) else None,
        "height": height,
        "label": label,
        "file": file,
        "muted": muted,
    }
    heard = on_change or _nothing
    st.session_state[_count_key(key)] = len(plane)
    result = _mount(key=key, data=data, on_clicked_change=heard, on_lassoed_change=heard)
    return _read(result, len(plane))


def choice(key: str) -> GalleryChoice:
    """What a visitor has just done to the plane of this key, for `on_change`, which runs before it is drawn again."""
    state = st.session_state
    return _read(state[key], state[_count_key(key)]) if key in state and _count_key(key) in state else GalleryChoice()


def _read(result: Mapping[str, Any], count: int) -> GalleryChoice:
    """The browser's answer; what no plane of `count` points can have sent counts for nothing."""
    row, mask = result.get("clicked"), result.get("lassoed")
    clicked = row if isinstance(row, int) and not isinstance(row, bool) and 0 <= row < count else None
    try:
        selected = packing.unpack_mask(mask, count) if isinstance(mask, str) else None
    except ValueError:  # sent by an older plane with other points
        selected = None
    return GalleryChoice(clicked, selected)


def _served(atlas: Atlas | None, key: str) -> dict[str, Any] | None:
    """The atlas as one of this session's media files; Streamlit frees it when no session shows it any more."""
    if atlas is None or not runtime.exists():
        return None
    address = runtime.get_instance().media_file_mgr.add(atlas.data, "image/webp", f"urbanlens-gallery-{key}")
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return {
        "url": f"/{base}{address}" if base else address,
        "cell": atlas.cell,
        "columns": atlas.columns,
        "count": atlas.count,
    }


def _check(
    plane: NDArray[np.float32],
    rows: NDArray[np.int64],
    lists: Mapping[str, Sequence[str] | NDArray[np.float32] | None],
    atlas: Atlas | None,
    colours: NDArray[np.int64],
    palette: Sequence[tuple[str, str]],
) -> None:
    for name, values in lists.items():
        if values is not None and len(values) != len(rows):
            raise ValueError(f"{name} has {len(values)} entries; give one for each of the {len(rows)} pictured rows")
    if atlas is not None and atlas.count != len(rows):
        raise ValueError(f"the atlas holds {atlas.count} pictures; give one for each of the {len(rows)} pictured rows")
    if len(colours) != len(plane):
        raise ValueError(f"colours has {len(colours)} entries; give one for each of the {len(plane)} points")
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(plane)):
        raise ValueError(f"pictured names rows outside 0 to {len(plane) - 1}")
    if len(palette) > MOST_COLOURS:
        raise ValueError(f"{len(palette)} colours given; a plane shows at most {MOST_COLOURS}: merge the rare ones")


def _count_key(key: str) -> str:
    return f"{key}-points"


def _nothing() -> None:
    """A component reports only what it has a callback for."""
