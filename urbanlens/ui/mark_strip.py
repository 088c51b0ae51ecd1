"""Ten maps side by side over one picture, and a slider that plays them in the browser, without asking the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from urbanlens.plots.gallery import pack_floats
from urbanlens.ui.drawing import ANCHORS

HTML = """
<section class="strip" aria-label="Map of each mark">
  <ol class="thumbs"></ol>
  <div class="stage">
    <figure><canvas role="img"></canvas></figure>
    <div class="deck">
      <p class="called"></p>
      <p class="said" role="status" aria-live="polite"></p>
      <div class="slide">
        <input type="range" min="1" step="1" aria-label="Mark">
        <div class="ends" aria-hidden="true"></div>
      </div>
      <button type="button" class="play"></button>
    </div>
  </div>
</section>
"""
OPACITY = 0.65


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "urbanlens_mark_strip", html=HTML, css=_text("mark_strip.css"), js=_text("mark_strip.js")
)


def mark_strip(
    picture: str, maps: ArrayLike, *, shares: Sequence[str], said: Sequence[str], pale: Sequence[bool], chosen: int,
    of: str, key: str, on_choose: Callable[[int], None],
) -> None:  # fmt: skip
    """Draw the maps; all text is plain text.

    Parameters
    ----------
    picture : data address of the picture that the maps lie over
    maps : (T, h, w) raw maps, of the marks 1 to T
    shares : how many voters each mark is foretold for, in words
    said : what is to be known of each map
    pale : of which maps little is to be expected
    chosen : the mark that is shown first, from 1
    of : what the maps belong to; where it is another than in the last run, the browser takes over `chosen`
    on_choose : called with the mark that the slider has come to rest at, before the run that follows
    """
    cells = np.asarray(maps, np.float32)
    count, rows, columns = cells.shape
    if not picture.startswith("data:image/"):
        raise ValueError("picture is no data URL of an image (data:image/…)")
    if not len(shares) == len(said) == len(pale) == count:
        raise ValueError(f"{count} maps need as many shares, words and marks of paleness")
    data = {
        "picture": picture, "maps": pack_floats(cells), "count": count, "rows": rows, "columns": columns,
        "shares": list(shares), "said": list(said), "pale": [bool(one) for one in pale], "chosen": chosen, "of": of,
        "colours": ANCHORS.tolist(), "opacity": OPACITY,
    }  # fmt: skip

    def heard() -> None:
        value = st.session_state[key].get("mark") if key in st.session_state else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value in range(1, count + 1):
            on_choose(int(value))

    _mount(key=key, data=data, on_mark_change=heard)
