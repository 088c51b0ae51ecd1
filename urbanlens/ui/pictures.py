"""Pictures, figures and tables on a page, each with what a visitor needs to take it home.

Whatever comes from a user (captions, ids, names) is escaped here; nothing else on the pages builds html from it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import streamlit as st

from urbanlens.errors import CollectionError, ImageError
from urbanlens.threads import READERS
from urbanlens.ui import caches, state

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image
    from plotly.graph_objects import Figure

    from urbanlens.collection import ImageCollection

BLANK = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"

BAR = "#5B6BA8"
MODEBAR = {"bgcolor": "rgba(0,0,0,0)", "color": "rgba(128,128,128,.8)", "activecolor": "#C4552D"}


def grid(
    images: ImageCollection,
    ids: Sequence[str],
    captions: Sequence[str] | None = None,
    *,
    size: int = 160,
    most: int = 120,
    linked: bool = True,
) -> None:
    """Thumbnails side by side, in one message to the browser.

    Parameters
    ----------
    ids
        Which images, in this order.
    captions
        Plain text below each; it is escaped.
    size
        Width of a cell in px.
    most
        Further images are only counted.
    linked
        Whether a picture leads to the page Single image.
    """
    st.html(grid_html(images, ids[:most], captions, size=size, more=max(0, len(ids) - most), linked=linked))


def grid_html(
    images: ImageCollection,
    ids: Sequence[str],
    captions: Sequence[str] | None = None,
    *,
    size: int = 160,
    more: int = 0,
    linked: bool = True,
) -> str:
    """The html of `grid`, for a page that draws pictures inside something else."""
    cells = []
    sources = thumbnails(images, ids, size)
    for position, image_id in enumerate(ids):
        caption = captions[position] if captions is not None else ""
        inner = f'<img src="{sources[position]}" alt="{escape(caption or image_id)}" loading="lazy">'
        if linked:
            inner = _linked(inner, image_id)
        below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        cells.append(f"<figure>{inner}{below}</figure>")
    if more:
        cells.append(f'<div class="more">and {more:,} more</div>')
    return f'<div class="pictures" style="--cell:{int(size)}px">{"".join(cells)}</div>'


def _linked(inner: str, image_id: str) -> str:
    return f'<a href="{image_link(image_id)}" title="{escape(image_id)}">{inner}</a>'


def thumbnail(images: ImageCollection, image_id: str, size: int = 160) -> str:
    """An image as a data address; an empty picture where the file cannot be read, so that a grid stands anyway."""
    return _made(caches.thumbnails(), images, image_id, size)


def thumbnails(images: ImageCollection, ids: Sequence[str], size: int = 160) -> list[str]:
    """`thumbnail` of several images, made side by side."""
    store = caches.thumbnails()
    if all(store.has(images, image_id, size) for image_id in ids):
        return [thumbnail(images, image_id, size) for image_id in ids]
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda image_id: _made(store, images, image_id, size), ids))


def _made(store: caches.Thumbnails, images: ImageCollection, image_id: str, size: int) -> str:
    try:
        return store.get(images, image_id, size)
    except (ImageError, CollectionError, OSError):
        return BLANK


def image_link(image_id: str) -> str:
    """The address of an image's page, relative to any page, escaped for html."""
    return escape("single_image?" + urlencode({**state.shared_params(), "image": image_id}))


def link_to_image(image_id: str, label: str) -> None:
    """A link to the page Single image, for this image."""
    st.page_link(
        "pages/single_image.py", label=label, icon=":material/center_focus_strong:",
        query_params={**state.shared_params("Single image"), "image": image_id},
    )  # fmt: skip


def mosaic(images: ImageCollection, ids: Sequence[str]) -> None:
    """A wall of pictures without captions."""
    cells = "".join(f'<img src="{source}" alt="">' for source in thumbnails(images, ids, 240))
    st.html(f'<div class="mosaic" role="img" aria-label="Images of the collection">{cells}</div>')


def picture(image: Image, caption: str = "", *, most: int = 900) -> None:
    """One large picture with an escaped caption; its longer side is drawn at `most` px or less."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    address = caches.data_address(image, most, quality=88)
    st.html(
        f'<figure class="picture"><img src="{address}" alt="{escape(caption or "picture")}">{below}</figure>',
    )


def row_of(cells: Sequence[tuple[Image, str]], *, size: int = 200, links: Sequence[str] | None = None) -> None:
    """Small pictures side by side, none cut at its edges, each with an escaped caption.

    Parameters
    ----------
    links
        The images of the collection that they lead to.
    """
    drawn = []
    for position, (image, caption) in enumerate(cells):
        address = caches.data_address(image, size, quality=85)
        inner = f'<img src="{address}" alt="{escape(caption)}">'
        if links is not None:
            inner = _linked(inner, links[position])
        drawn.append(f"<figure>{inner}<figcaption>{escape(caption)}</figcaption></figure>")
    st.html(f'<div class="pictures whole" style="--cell:{int(size)}px">{"".join(drawn)}</div>')


def numbers(values: Mapping[str, str]) -> None:
    """Large numbers with what they count: {"images": "3,100", …}."""
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in values.items())
    st.html(f'<div class="numbers">{cells}</div>')


def bars(shares: Iterable[tuple[str, float]], colours: Mapping[str, str] | None = None) -> None:
    """Shares in [0, 1] as horizontal bars, in the order given; the first stands out.

    Parameters
    ----------
    colours
        Of the bars, by name, as #RRGGBB.
    """
    st.html(_bars_html(shares, colours or {}, stress=True))


def cues(rates: Mapping[str, Mapping[str, float]], colours: Mapping[str, str]) -> None:
    """For each cue its share in each city, side by side: {"fences": {"Hanamori": 0.7, …}, …}."""
    cells = [
        f"<div><b>{escape(cue)}</b>{_bars_html(shares.items(), colours, stress=False)}</div>"
        for cue, shares in rates.items()
    ]
    st.html(f'<div class="cues">{"".join(cells)}</div>')


def _bars_html(shares: Iterable[tuple[str, float]], colours: Mapping[str, str], *, stress: bool) -> str:
    rows = []
    for position, (name, share) in enumerate(shares):
        first = ' class="first"' if stress and position == 0 else ""
        look = f"width:{100 * min(max(share, 0.0), 1.0):.2f}%;--bar:{escape(colours.get(name, BAR))}"
        rows.append(
            f'<span{first}>{escape(name)}</span><div class="track"><i style="{look}"></i></div>'
            f"<span{first}>{percent(share)}</span>"
        )
    return f'<div class="bars">{"".join(rows)}</div>'


def percent(share: float) -> str:
    """A share as a reader expects it: never 100 % or 0 % where it is only close."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %" if share not in (0, 1) else f"{100 * share:.0f} %"


def plain(text: str) -> str:
    """Text of a user for a place that reads markdown: nothing in it is a link, a picture or a formula."""
    return re.sub(r"([\\`*_{}\[\]()#+!<>|~$&])", r"\\\1", text)


def note(text: str) -> None:
    """A caution that belongs to what stands above it; plain text."""
    st.html(f'<p class="note">{escape(text)}</p>')


def lead(text: str) -> None:
    """What a page is for, in a sentence or two; plain text."""
    st.html(f'<p class="lead">{escape(text)}</p>')


def quiet(text: str) -> None:
    """A remark in small grey letters; plain text."""
    st.html(f'<p class="quiet">{escape(text)}</p>')


def png(image: Image) -> bytes:
    """A picture as PNG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def image_download(image: Image | Callable[[], Image], file: str, label: str = "Picture (PNG)") -> None:
    """A button that saves a picture, or what draws it; the PNG is made only when it is pressed."""

    def made() -> bytes:
        return png(image() if callable(image) else image)

    st.download_button(label, made, f"{file}.png", "image/png", icon=":material/download:", on_click="ignore")


def table_download(table: pd.DataFrame, file: str, label: str = "Table (CSV)") -> None:
    """A button that saves a table; the CSV is made only when it is pressed, with a mark that lets Excel read it."""
    st.download_button(
        label,
        lambda: table.to_csv(index=False).encode("utf-8-sig"),
        f"{file}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def figure_with_downloads(
    figure: Figure,
    file: str,
    table: pd.DataFrame | None = None,
    *,
    key: str | None = None,
    zoom: bool = False,
    on_select: Literal["ignore", "rerun"] | Callable[..., None] = "ignore",
    **settings: Any,
) -> Any:
    """A plotly figure whose toolbar saves a picture, with its numbers as CSV below.

    Parameters
    ----------
    file
        Name of what is saved, without its ending.
    table
        The numbers behind the figure.
    zoom
        Whether the wheel zooms.
    on_select
        As of `st.plotly_chart`; its answer is returned.

    Notes
    -----
    The browser makes the picture, as sharp PNG or as SVG for print, so no other program is needed.
    """
    key = key or f"figure-{file}"
    kind = st.session_state.get(f"{key}-kind") or "PNG"
    config = {
        "displaylogo": False,
        "displayModeBar": True,
        "scrollZoom": zoom,
        "toImageButtonOptions": {"format": kind.lower(), "filename": file, "scale": 3 if kind == "PNG" else 1},
    }
    figure.update_layout(modebar=MODEBAR)
    answer = st.plotly_chart(figure, key=key, config=config, on_select=on_select, **settings)
    with st.popover("Take it home", icon=":material/download:", type="tertiary"):
        st.segmented_control("Picture format", ["PNG", "SVG"], default="PNG", key=f"{key}-kind", required=True)
        quiet("The camera above the figure saves it in this format.")
        if table is not None:
            table_download(table, file, "Numbers (CSV)")
    return answer


def text_table(table: pd.DataFrame, most: int = 50) -> None:
    """Words in rows and columns, each in full; further rows are only counted. The text is escaped."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{escape(str(name))}">{escape(str(value))}</td>'
            for name, value in zip(table.columns, row, strict=True)
        )
        + "</tr>"
        for row in table.head(most).itertuples(index=False)
    )
    st.html(f'<table class="words"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>')
    if len(table) > most:
        quiet(f"and {len(table) - most:,} more: the file below has all of them.")


def object_table(table: pd.DataFrame) -> None:
    """Objects with their share inside a mask, in the whole picture, and the ratio: object, inside, whole, ratio."""
    rows = []
    for name, inside, whole, ratio in table[["object", "inside", "whole", "ratio"]].itertuples(index=False):
        more = ' class="more-than-chance"' if ratio > 1 else ""
        rows.append(
            f'<tr{more}><th scope="row">{escape(str(name))}</th><td>{percent(float(inside))}</td>'
            f"<td>{percent(float(whole))}</td><td>{ratio:.2f}</td></tr>"
        )
    head = "<tr><th>Object</th><th>Inside the mask</th><th>In the whole picture</th><th>Ratio</th></tr>"
    st.html(f'<table class="objects"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>')
