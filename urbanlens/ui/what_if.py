"""What if: switch an attribute off, make it weaker or stronger, move it, paint how it counts, and watch the score."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from urbanlens.plots.gallery import pack_floats
from urbanlens.plots.what_if import Change, Changes, apply, checked, contributions, decimals, pack, unpack

__all__ = ["Change", "Changes", "apply", "contributions", "pack", "unpack", "what_if"]

HTML = """
<section class="what-if">
  <div class="head">
    <p class="number"><span class="called"></span> <b class="now"></b> <span class="was"></span></p>
    <div class="scale" aria-hidden="true"><i class="line"></i><i class="crowd"></i><i class="model"></i>
      <i class="mine"></i><span class="low"></span><span class="high"></span></div>
    <ul class="legend"></ul>
  </div>
  <div class="parts">
    <div class="fall">
      <ol aria-label="From the start to the score"></ol>
      <div class="axis" aria-hidden="true"></div>
      <div class="tools">
        <button type="button" data-do="all" aria-expanded="false"></button>
        <button type="button" data-do="save" title="Save the bars as an SVG picture">Save picture</button>
        <button type="button" data-do="reset" aria-disabled="true"
          title="Back to what the network says">Reset everything</button>
      </div>
    </div>
    <div class="one" role="group" aria-labelledby="what-if-name">
      <p class="title"><b id="what-if-name"></b> <span class="adds"></span></p>
      <div class="panels">
        <figure class="map"><canvas tabindex="0" role="application" aria-describedby="what-if-drag"></canvas>
          <figcaption>Where it is<span id="what-if-drag">Drag it, or use the arrow keys</span></figcaption></figure>
        <figure class="template"><canvas tabindex="0" role="application" aria-describedby="what-if-paint"></canvas>
          <figcaption>How it counts<span class="range"></span>
            <span id="what-if-paint">Paint here; or arrow keys and Space</span></figcaption></figure>
        <figure class="product"><canvas role="img"></canvas>
          <figcaption>What it does here<span class="range"></span></figcaption></figure>
      </div>
      <div class="controls">
        <label class="on"><input type="checkbox" data-is="on"> Switched on</label>
        <label class="slider">Strength <input type="range" data-is="scale" min="0" max="200" step="1">
          <output></output></label>
        <div class="row" role="group" aria-label="Move"><span class="word">Move</span>
          <button type="button" data-move="0,-1" aria-label="Move left">←</button>
          <button type="button" data-move="-1,0" aria-label="Move up">↑</button>
          <button type="button" data-move="1,0" aria-label="Move down">↓</button>
          <button type="button" data-move="0,1" aria-label="Move right">→</button>
          <span class="moved"></span></div>
        <fieldset class="row"><legend class="word">Paint</legend>
          <label><input type="radio" name="brush" value="1" checked><span>Adds</span></label>
          <label><input type="radio" name="brush" value="-1"><span>Takes away</span></label>
          <label><input type="radio" name="brush" value="0"><span>Erase</span></label>
          <label><input type="radio" name="brush" value="restore"><span>Restore</span></label></fieldset>
        <label class="slider">Brush <input type="range" data-is="brush" min="10" max="200" step="10" value="100">
          <output>100 %</output></label>
        <button type="button" data-do="reset-one" aria-disabled="true">Reset this attribute</button>
      </div>
    </div>
  </div>
  <p class="live" role="status" aria-live="polite"></p>
</section>
"""
SCRIPTS = (
    "what_if_sums.js",
    "what_if_panels.js",
    "what_if_fall.js",
    "what_if_sheet.js",
    "what_if_view.js",
    "what_if.js",
)
"""One module for the browser, in this order."""


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "urbanlens_what_if",
    html=HTML,
    css=_text("what_if.css"),
    js="\n".join(_text(name) for name in SCRIPTS),
)


@dataclass(frozen=True)
class _Memory:
    """What was asked for and answered in the last run of a key.

    Parameters
    ----------
    of : what the maps belonged to.
    count, side : attributes, and cells along a map's side.
    serial : how often the page has overruled the browser.
    asked, answered : packed changes; `asked` is None where the page asked for none.
    """

    of: str
    count: int
    side: int
    serial: int
    asked: str | None
    answered: str


def what_if(
    maps: ArrayLike,
    templates: ArrayLike,
    bias: float,
    names: Sequence[str],
    *,
    picture: str | None = None,
    crowd: float | None = None,
    score_name: str = "score",
    limits: tuple[float, float] | None = None,
    colours: tuple[str, str] = ("#0072B2", "#D55E00"),
    changes: Changes | Mapping[int, Change] | str | None = None,
    of: str = "",
    key: str,
    on_change: Callable[[], None] | None = None,
) -> Changes:
    """Draw the score, its waterfall and the selected attribute; all that follows a gesture happens in the browser.

    The script runs again when a gesture has ended, never during one, and the browser keeps what its visitor has done:
    handing in again what came out changes nothing, handing in something else replaces it. What was asked for last
    counts as handed in again, too: to return to it just after a gesture, change `of` with it.

    Parameters
    ----------
    maps : (A, c, c) where each attribute is in the image.
    templates : (A, c, c) how much it counts in each cell.
    bias : the score without any attribute.
    names : plain text for each attribute.
    picture : data URL of the square that the maps cover, shown under them.
    crowd : the score that people gave.
    score_name : plain text, what the score is called.
    limits : lowest and highest possible score, the ends of its scale.
    colours : #RRGGBB of what adds to the score and of what takes away from it.
    changes : what is changed to begin with; a text of `pack` that does not fit counts as none, since it comes from
        an address.
    of : what the maps belong to; where it is another than in the last run, only `changes` count, whatever was done
        in the browser.
    on_change : called before the run that a change causes.

    Returns
    -------
    changes : what is changed now.

    Raises
    ------
    ValueError
        Arrays, names or changes that do not fit together, numbers that are not finite, no colour, or no data URL.
    """
    where, counts = checked(maps, templates)
    count, side = where.shape[:2]
    _check(count, bias, names, picture, crowd, limits, colours)
    now = _settle(key, of, count, side, _asked(changes, count, side))
    each = contributions(where, counts)
    span = limits[1] - limits[0] if limits else float(np.abs(each).sum())
    data = {
        "maps": pack_floats(where),
        "templates": pack_floats(counts),
        "count": count,
        "side": side,
        "bias": float(bias),
        "names": list(names),
        "picture": picture,
        "crowd": None if crowd is None else float(crowd),
        "scoreName": score_name,
        "limits": None if limits is None else [float(end) for end in limits],
        "colours": list(colours),
        "decimals": decimals(span),
        "serial": now.serial,
        "changes": now.answered,
    }
    _mount(key=key, data=data, on_changes_change=on_change or _nothing)
    return unpack(now.answered, count, side)


def _settle(key: str, of: str, count: int, side: int, asked: str | None) -> _Memory:
    """Who is right, the page or the browser: the page, when it asks for what neither it nor the browser last said.

    Where the maps belong to something else than in the last run, it is the page in any case.
    """
    last = st.session_state.get(_memory_key(key))
    if not isinstance(last, _Memory) or (last.of, last.count, last.side) != (of, count, side):
        serial = last.serial + 1 if isinstance(last, _Memory) else 0
        now = _Memory(of, count, side, serial, asked, asked or "")
    else:
        heard = _heard(key, count, side, last.serial)
        if asked is not None and asked not in (last.asked, last.answered, heard):
            now = _Memory(of, count, side, last.serial + 1, asked, asked)
        elif heard is not None:
            now = _Memory(of, count, side, last.serial, asked, heard)
        else:  # untouched so far, overruled and not touched since, or back from another page
            answered = asked or "" if _is_new(key) else last.answered
            now = _Memory(of, count, side, last.serial, asked, answered)
    st.session_state[_memory_key(key)] = now
    return now


def _is_new(key: str) -> bool:
    """Whether Streamlit has forgotten the component, as it does when another page was shown."""
    return key not in st.session_state


def _heard(key: str, count: int, side: int, serial: int) -> str | None:
    """What the browser last said, if it said so knowing what the page has asked for; nonsense counts for nothing."""
    state = st.session_state.get(key)
    said = state.get("changes") if isinstance(state, Mapping) else None
    if not isinstance(said, str) or not said.startswith(f"{serial}:"):
        return None
    try:
        return pack(unpack(said.partition(":")[2], count, side), count, side)
    except ValueError:
        return None


def _asked(changes: Changes | Mapping[int, Change] | str | None, count: int, side: int) -> str | None:
    if changes is None:
        return None
    if isinstance(changes, str):
        try:
            return pack(unpack(changes, count, side), count, side)
        except ValueError:  # an old link, or one for another model
            return ""
    return pack(changes if isinstance(changes, Changes) else Changes(changes), count, side)


def _check(
    count: int,
    bias: float,
    names: Sequence[str],
    picture: str | None,
    crowd: float | None,
    limits: tuple[float, float] | None,
    colours: tuple[str, str],
) -> None:
    if len(names) != count:
        raise ValueError(f"{len(names)} names are given; give one for each of the {count} attributes")
    if not all(math.isfinite(number) for number in (bias, 0.0 if crowd is None else crowd, *(limits or ()))):
        raise ValueError("the bias, the crowd's score and the limits have to be finite numbers")
    if limits is not None and not limits[0] < limits[1]:
        raise ValueError(f"limits are {limits}; give the lowest score first, then the highest")
    if picture is not None and not picture.startswith("data:image/"):
        raise ValueError("picture is no data URL of an image (data:image/…)")
    for colour in colours:
        if not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
            raise ValueError(f"{colour!r} is no colour; give #RRGGBB")


def _memory_key(key: str) -> str:
    return f"{key}-what-if"


def _nothing() -> None:
    """A component reports only what it has a callback for."""
