"""What a visitor has chosen: plain session keys, mirrored in the address.

Streamlit forgets a widget's state and the address's parameters on a change of page. Here both are kept: an
address seeds the choices when a page is entered, and every later choice is written back, so that a copied
address shows the same thing to somebody else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import streamlit as st

T = TypeVar("T")

SHARED = ("collection", "region", "a", "b", "picked")
"""Choices that every page's address carries."""

_KEPT = "urbanlens.kept"
_PAGE = "urbanlens.page"
_ADDRESS = "urbanlens.address"
_BACK = "urbanlens.back"
_ROUNDS = "urbanlens.rounds"
_SHOWN = "urbanlens.shown"
_LINKS = "urbanlens.links"

_ASKED: dict[str, set[str]] = {}
"""The choices that each page has asked for since the server began: a link to it takes them along."""


def _kept() -> dict[str, str]:
    kept: dict[str, str] = st.session_state.setdefault(_KEPT, {})
    return kept


def enter(page: str) -> None:
    """Begin a run of a page: on arrival the address overrules what was kept; afterwards the visitor's choices do.

    An address that changed while the page stayed the same and nobody moved a widget is the browser's Back or Forward:
    it is taken as it is, and left as it is, so that the next step back leads on. (Where somebody did move one, the
    browser had not heard of the last address yet.)
    """
    now = st.query_params.to_dict()
    written = st.session_state.get(_ADDRESS, now)
    arrived = st.session_state.get(_PAGE) != page
    st.session_state[_BACK] = not arrived and now != written and not _moved()
    if st.session_state[_BACK]:
        for name in written:
            _kept().pop(name, None)
    if arrived or st.session_state[_BACK]:
        if st.session_state[_BACK] or now != st.session_state.get(_LINKS, {}).get(page):
            _kept().update(
                now
            )  # else by a link of the last run: parts of a page run alone, and chose after it was drawn
        _draw_anew()
        st.session_state[_PAGE] = page
        st.session_state[_SHOWN] = {}
    else:
        _keep_moved()
    for name in {*SHARED, *now}:
        _mirror(name, _kept().get(name, ""))
    st.session_state[_ADDRESS] = st.query_params.to_dict()


def current_page() -> str:
    """The title of the page that is shown; "" before the first."""
    return str(st.session_state.get(_PAGE, ""))


def param(name: str, default: str = "") -> str:
    """The kept choice `name`, or `default`; it appears in this page's address once it was chosen."""
    kept = _kept()
    _ASKED.setdefault(current_page(), set()).add(name)
    if name in kept:
        _mirror(name, kept[name])
    return kept.get(name) or default


def set_param(name: str, value: str | None) -> None:
    """Keep a choice, and write it into the address; None or "" forgets it."""
    if value:
        _kept()[name] = value
    else:
        _kept().pop(name, None)
    _mirror(name, value or "")


def forget_choices() -> None:
    """Let go of what was chosen in another collection: its regions, images and networks mean nothing in this one."""
    names = ("region", "a", "b", "all", "image", "class", "classes", "first", "second", "group", "picked", "behind")
    for name in (*names, "model", "models", "of", "explain", "layer", "scheme", "siam", "attribute", "changes", "only"):
        pick(name, None)
    for name in ("beauty-marks", "beauty-high-low", "kind", "rated", "grouped", "mark", "tags", "crop-tag"):
        pick(name, None)
    for name in ("generator", "begin", "target", "method", "reach", "attempt", "alike", "among", "step", "towards"):
        pick(name, None)
    for name in ("made", "against", "counted", "direction"):
        pick(name, None)


def shared_params(page: str = "") -> dict[str, str]:
    """The choices that a link to another page takes along; with its title, also those that this page asks for.

    So the page has nothing to add to its address on arrival: each addition would be a step of the browser's Back.
    """
    names = dict.fromkeys([*SHARED, *sorted(_ASKED.get(page, ()))])
    chosen = {name: value for name in names if (value := _kept().get(name))}
    st.session_state.setdefault(_LINKS, {})[page] = chosen
    return chosen


def _mirror(name: str, value: str) -> None:
    """Write the address only where it differs: each write is a message to the browser, and a step of its Back."""
    if st.session_state.get(_BACK):
        return
    if value:
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]
    st.session_state[_ADDRESS] = st.query_params.to_dict()


def widget_key(name: str) -> str:
    """The session key of the widget that shows the choice `name`.

    It changes whenever the program makes the choice: a new widget stands where it is told to, while an old one shows
    its own default to the visitor although the session holds another value (seen after runs that did not draw it).
    """
    rounds: dict[str, int] = st.session_state.setdefault(_ROUNDS, {})
    return f"choice-{name}-{rounds.get(name, 0) + rounds.get('', 0)}"


def _draw_anew(name: str = "") -> None:
    """Let the widget of one choice, or of all, be a new one."""
    rounds: dict[str, int] = st.session_state.setdefault(_ROUNDS, {})
    rounds[name] = rounds.get(name, 0) + 1


def start(name: str, allowed: Sequence[T] | None, default: T, parse: Callable[[str], T]) -> T:
    """Where the widget of `name` stands when it is made: the kept value.

    One that cannot be read, or is not among `allowed`, falls back to `default`: an address typed by hand must not
    break a page. A widget that shows what is no longer allowed is made anew.
    """
    key = widget_key(name)
    if allowed is not None and key in st.session_state and st.session_state[key] not in allowed:
        _draw_anew(name)
    try:
        value = parse(text) if (text := param(name)) else default
    except ValueError:
        value = default
    return value if allowed is None or value in allowed else default


def choose(
    label: str,
    options: Sequence[str],
    *,
    name: str,
    default: str | None = None,
    names: Mapping[str, str] | None = None,
    **settings: Any,
) -> str:
    """A select box whose choice survives page changes and lies in the address.

    Parameters
    ----------
    options
        Values as they stand in the address; at least one.
    names
        What is shown for a value, where it differs.
    """
    fallback = default if default in options else options[0]
    first = start(name, options, fallback, str)
    shown = names or {}
    chosen: str = st.selectbox(
        label,
        options,
        options.index(first),
        key=widget_key(name),
        format_func=lambda value: shown.get(value, value),
        **settings,
    )
    _note(name, first, chosen)
    set_param(name, None if chosen == fallback and name not in _kept() else chosen)
    return chosen


def switch(label: str, options: Sequence[str], *, name: str, names: Mapping[str, str], **settings: Any) -> str:
    """`choose` as buttons side by side, for the parts of a page; the first is where a visitor arrives."""
    first = start(name, options, options[0], str)
    chosen: str = st.segmented_control(
        label, options, default=first, key=widget_key(name), format_func=lambda value: names.get(value, value),
        required=True, label_visibility="collapsed", **settings,
    )  # fmt: skip
    _note(name, first, chosen)
    set_param(name, None if chosen == options[0] and name not in _kept() else chosen)
    return chosen


def choose_several(
    label: str, options: Sequence[str], *, name: str, default: Sequence[str], names: Mapping[str, str] | None = None,
    **settings: Any,
) -> list[str]:  # fmt: skip
    """A box of several choices that survive page changes and lie in the address; it may be left empty.

    Parameters
    ----------
    options, names
        As of `choose`.
    default
        What is chosen as long as nobody did.
    """
    shown = names or {}
    if any(value not in options for value in st.session_state.get(widget_key(name), ())):
        _draw_anew(name)
    asked = [value for value in unpacked(param(name)) if value in options]
    first = asked or [value for value in default if value in options]
    chosen: list[str] = st.multiselect(
        label, options, first, key=widget_key(name), format_func=lambda value: shown.get(value, value), **settings
    )
    _note(name, first, chosen, list(default))
    set_param(name, packed(chosen) if chosen != list(default) else None)
    return chosen


def packed(parts: Sequence[str]) -> str:
    """Several texts as one for the address; `unpacked` gives them back."""
    return "|".join(quote(part, safe=" ") for part in parts)


def unpacked(text: str) -> list[str]:
    """The texts of `packed`; [] of ""."""
    return [unquote(part) for part in text.split("|")] if text else []


def slide(
    label: str, low: float, high: float, *, name: str, default: float, step: float = 0.01, **settings: Any
) -> float:
    """A slider whose value survives page changes and lies in the address; of whole numbers where all are given so.

    A kept value that lies between two steps is shown as the nearer one, and stays as it is until the slider is moved.
    """
    kind = int if all(isinstance(number, int) for number in (low, high, default, step)) else float

    def parse(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text!r} is no number between {low} and {high}")
        value = min(max(value, low), high)
        return min(round(low + round((value - low) / step) * step, 9), high)

    first = start(name, None, default, parse)
    value = st.slider(
        label, kind(low), kind(high), kind(first), kind(step), key=widget_key(name), **settings
    )  # fmt: skip
    _note(name, first, value, default)
    if value != first:
        set_param(name, None if value == default else _text(value))
    return value


def touched() -> None:
    """Called first where a component of the page has called back: the visitor did something here."""
    st.session_state[_ADDRESS] = st.query_params.to_dict()


def _moved() -> bool:
    """Whether a widget stands elsewhere than in the last run."""
    shown: dict[str, Any] = st.session_state.get(_SHOWN, {})
    return any(key in st.session_state and st.session_state[key] != value for key, (_, value, _) in shown.items())


def _keep_moved() -> None:
    """Keep what widgets say that were moved, before they are drawn again: links above them take it along."""
    shown: dict[str, Any] = st.session_state.get(_SHOWN, {})
    for key, (name, value, default) in shown.items():
        if key != widget_key(name):  # it was replaced: what it says is no choice any more
            continue
        now = st.session_state.get(key, value)
        if now != value and now == default:
            _kept().pop(name, None)
        elif now != value:
            _kept()[name] = _text(now)


def _text(value: object) -> str:
    """The value of a widget as it stands in the address."""
    if isinstance(value, list):
        return packed(value)
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _note(name: str, first: object, value: object, default: object = None) -> None:
    """Remember where a widget stands, and the value that needs no place in the address.

    One that was moved since the browser's Back lets the address follow again.
    """
    st.session_state.setdefault(_SHOWN, {})[widget_key(name)] = (name, value, default)
    if value != first:
        st.session_state[_BACK] = False


def pick(name: str, value: str | None) -> None:
    """Set a choice from a button's callback, and the widget that shows it."""
    set_param(name, value)
    _draw_anew(name)
