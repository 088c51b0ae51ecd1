"""What a visitor has chosen: plain session keys, mirrored in the address.

Streamlit forgets a widget's state and the address's parameters on a change of page. Here both are kept: an
address seeds the choices when a page is entered, and every later choice is written back, so that a copied
address shows the same thing to somebody else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")

SHARED = ("collection", "region", "a", "b")
"""Choices that every page's address carries."""

_KEPT = "urbanlens.kept"
_PAGE = "urbanlens.page"
_WIDGET = "choice-"


def _kept() -> dict[str, str]:
    kept: dict[str, str] = st.session_state.setdefault(_KEPT, {})
    return kept


def enter(page: str) -> None:
    """Begin a run of a page: on arrival the address overrules what was kept; afterwards the visitor's choices do.

    A widget that another page drew under the same key is a different one to Streamlit, which shows its own default
    while the old value stands in the session: so on arrival all of them are forgotten, and seeded anew.
    """
    if st.session_state.get(_PAGE) != page:
        for key in [str(key) for key in st.session_state if str(key).startswith(_WIDGET)]:
            del st.session_state[key]
        _kept().update(st.query_params.to_dict())
        st.session_state[_PAGE] = page
    for name in SHARED:
        _mirror(name, _kept().get(name, ""))


def param(name: str, default: str = "") -> str:
    """The kept choice `name`, or `default`; it appears in this page's address once it was chosen."""
    kept = _kept()
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


def shared_params() -> dict[str, str]:
    """The choices that a link to another page takes along."""
    return {name: value for name in SHARED if (value := _kept().get(name))}


def _mirror(name: str, value: str) -> None:
    """Write the address only where it differs: each write is a message to the browser."""
    if value:
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def widget_key(name: str) -> str:
    """The session key of the widget that shows the choice `name`."""
    return f"{_WIDGET}{name}"


def seed(name: str, allowed: Sequence[T] | None, default: T, parse: Callable[[str], T]) -> str:
    """Give the widget of `name` its kept value before it is made, and return its key.

    A kept value that cannot be read, or is not among `allowed`, falls back to `default`: an address typed by hand
    must not break a page.
    """
    key = widget_key(name)
    if key not in st.session_state or (allowed is not None and st.session_state[key] not in allowed):
        try:
            value = parse(text) if (text := param(name)) else default
        except ValueError:
            value = default
        st.session_state[key] = value if allowed is None or value in allowed else default
    return key


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
    key = seed(name, options, fallback, str)
    chosen: str = st.selectbox(label, options, key=key, format_func=lambda v: (names or {}).get(v, v), **settings)
    set_param(name, None if chosen == fallback and name not in _kept() else chosen)
    return chosen


def slide(
    label: str, low: float, high: float, *, name: str, default: float, step: float = 0.01, **settings: Any
) -> float:
    """A slider whose value survives page changes and lies in the address."""

    def parse(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text!r} is no number between {low} and {high}")
        return min(max(value, low), high)

    key = seed(name, None, default, parse)
    value = float(st.slider(label, low, high, step=step, key=key, **settings))
    set_param(name, None if value == default else f"{value:g}")
    return value


def pick(name: str, value: str | None) -> None:
    """Set a choice from a button's callback, and the widget that shows it."""
    set_param(name, value)
    st.session_state.pop(widget_key(name), None)
