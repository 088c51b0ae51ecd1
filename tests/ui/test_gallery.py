"""What the plane of pictures refuses, and what it makes of the browser's answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from urbanlens.plots.gallery import Atlas, pack_mask
from urbanlens.ui.gallery import GalleryChoice, _read, gallery


def page() -> None:
    """Three pictures and two dots, one without a place."""
    import numpy as np
    import streamlit as st
    from PIL import Image

    from urbanlens.plots.gallery import build_atlas
    from urbanlens.ui.gallery import choice, gallery

    points = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [np.nan, 0]])
    answer = gallery(
        points,
        build_atlas([Image.new("RGB", (8, 8))] * 3),
        np.array([0, 1, 2]),
        ids=list("abc"),
        captions=["", "<script>", "c"],
        colours=np.array([0, 0, 1, -1, 7]),
        palette=[("one", "#112233"), ("two", "#445566")],
        selected=[1, 4],
        chosen=2,
        key="plane",
    )
    st.text(f"{answer} {choice('plane')}")


def test_a_page_with_a_plane_runs() -> None:
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    assert app.text[0].value == f"{GalleryChoice()} {GalleryChoice()}"


GOOD: dict[str, Any] = {
    "points": np.zeros((4, 2)),
    "atlas": None,
    "pictured": np.array([0, 2]),
    "ids": ["a", "b"],
    "captions": ["", ""],
    "colours": np.zeros(4, int),
    "palette": [("one", "#112233")],
    "key": "plane",
}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"ids": ["a"]}, "ids has 1 entries; give one for each of the 2 pictured rows"),
        ({"captions": []}, "captions has 0"),
        ({"spread": np.zeros((4, 2))}, "spread has 4"),
        ({"atlas": Atlas(b"", 64, 1, 1)}, "the atlas holds 1 pictures"),
        ({"colours": np.zeros(3, int)}, "colours has 3 entries"),
        ({"pictured": np.array([0, 4])}, "pictured names rows outside 0 to 3"),
        ({"selected": [9]}, "selected names rows outside 0 to 3"),
        ({"palette": [("c", "#000000")] * 251}, "251 colours"),
    ],
)
def test_what_does_not_fit_together(change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        gallery(**{**GOOD, **change})


def test_answers_of_the_browser() -> None:
    assert _read({"clicked": 3, "lassoed": None}, 4) == GalleryChoice(3, None)
    assert _read({"clicked": None, "lassoed": pack_mask([1, 3], 9)}, 9) == GalleryChoice(None, (1, 3))
    assert _read({"lassoed": pack_mask([], 9)}, 9).selected == ()


@pytest.mark.parametrize(
    "answer", [{"clicked": 4}, {"clicked": -1}, {"clicked": True}, {"clicked": "1"}, {"lassoed": "?"}]
)
def test_nonsense_counts_for_nothing(answer: dict[str, Any]) -> None:
    assert _read(answer, 4) == GalleryChoice()
