"""The stepper: from an image over its template image to real ones, all in the browser, without asking the server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from urbanlens.plots.stepper import stepper_data

if TYPE_CHECKING:
    from urbanlens.plots.stepper import Way

HTML = """
<section class="stepper" aria-label="From the image to its counterpart">
  <div class="layout">
    <div class="pair">
      <figure class="from"><canvas role="img"></canvas><figcaption><b></b><span></span></figcaption></figure>
      <figure class="now"><canvas role="img"></canvas><figcaption><b></b><span></span></figcaption></figure>
    </div>
    <div class="time">
      <div class="deck">
        <button type="button" class="play"></button>
        <div class="words"><p class="called"></p><p class="said" role="status" aria-live="polite"></p></div>
      </div>
      <div class="sure">
        <p class="heading"></p>
        <ul class="legend"></ul>
        <div class="chart" aria-hidden="true">
          <svg viewBox="0 0 100 100" preserveAspectRatio="none"></svg><i class="even"></i><i class="cursor"></i>
          <div class="dots"></div>
          <span class="top">100 %</span><span class="half">50 %</span><span class="foot">0 %</span>
        </div>
      </div>
      <div class="film" aria-hidden="true"><canvas></canvas><i class="mark"></i></div>
      <input type="range" min="0" step="1" aria-label="Step">
      <div class="parts" aria-hidden="true"></div>
      <p class="heading runs-heading">Nearest real image at each step</p>
      <div class="runs" aria-hidden="true"></div>
    </div>
    <div class="came">
      <p class="heading">What came and went</p>
      <ol class="bars"></ol>
      <p class="small"></p>
    </div>
    <div class="near">
      <p class="heading">Nearest real image</p>
      <div class="one"><a><img alt=""></a><p><b></b><span></span></p></div>
      <figure class="map"><svg role="img"></svg></figure>
    </div>
  </div>
</section>
"""
SCRIPTS = ("stepper_time.js", "stepper_sides.js", "stepper.js")
"""One module for the browser, in this order."""


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "urbanlens_stepper", html=HTML, css=_text("stepper.css"), js="\n".join(_text(name) for name in SCRIPTS)
)


def stepper(
    way: Way, *, ground: dict[str, Any] | None = None, aspect: float = 1.0, chosen: int | None = None, of: str,
    key: str, on_choose: Callable[[int], None],
) -> None:  # fmt: skip
    """Draw the way; a step of the slider changes pictures, curves, bars and map in the browser alone.

    Parameters
    ----------
    ground : the map under the way, as of `urbanlens.plots.way_map`, its spots those of `way.real`, then the original's
    aspect : width by height of the pictures: generated ones are squares that were squeezed
    chosen : the stop that is shown first, from 0; None: the template image
    of : what the way belongs to; where it is another than in the last run, the browser takes over `chosen`
    on_choose : called with the stop that the slider has come to rest at, before the run that follows
    """
    count = way.count
    stop = chosen if chosen is not None and 0 <= chosen < count else way.template
    data = {**stepper_data(way), "ground": ground, "aspect": aspect, "chosen": stop, "of": of}

    def heard() -> None:
        value = st.session_state[key].get("stop") if key in st.session_state else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value in range(count):
            on_choose(int(value))

    _mount(key=key, data=data, on_stop_change=heard)
