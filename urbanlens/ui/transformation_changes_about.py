"""The formulas behind the view What changed, one click away."""

from __future__ import annotations

import streamlit as st

from urbanlens.transformation.measures import MEASURES
from urbanlens.transformation.numbers import ATTRIBUTE, BEAUTY, DESIGN, OBJECT
from urbanlens.ui import pictures


def about_changes(kind: str, of_templates: bool) -> None:
    """How changes are averaged, what chance gives, and the formula of what is counted."""
    with st.expander("How are changes counted?", icon=":material/function:"):
        st.markdown(
            "*Explainability pipeline for urban images* (2017) sets the source $I_i$ beside the natural image $I'$ "
            "that looks most like the template image $\\hat I_j$ of class $j$. What differs between the two is what "
            "the network learnt to tell the classes by. Here it is counted, over $n$ sources of one class:"
        )
        st.latex(r"\overline{\Delta x} = \frac{1}{n} \sum_i \big( x(I'_i) - x(I_i) \big)")
        st.markdown(
            "**Intervals**: 95 %, by drawing the sources anew 1,000 times (bootstrap). Photographs of one place are "
            "not independent, so true intervals are wider.\n\n"
            "**Chance**: each source is set beside a picture drawn from its own class (nothing was transformed) and "
            "from the target class (anything will do); their intervals are those of as many pairs."
        )
        st.markdown(_sides(of_templates))
        if kind in (OBJECT, DESIGN):
            pictures.quiet("An object's share is that of its pixels in the picture.")
        if kind == DESIGN:
            _measures()
        if kind == ATTRIBUTE:
            pictures.quiet("How surely SIAM sees each attribute, or how much of it: see the page Attributes.")
        if kind == BEAUTY:
            pictures.quiet(
                "Marks of 1 to 10 by people where they voted, and as networks foretell them: see the pages "
                "Aesthetics and Attributes. Networks do better on images that they have learnt from."
            )


def _sides(of_templates: bool) -> str:
    if of_templates:
        return (
            "**Template images** are looked at by a segmenter, and so is the mere reconstruction of each source: what "
            "the generator blurs is blurred in both. A segmenter errs on soft pictures, and may see what pleases the "
            "networks that pulled. The pictures drawn by chance are reconstructions too."
        )
    return (
        "**Nearest natural images** are real, and so are their pixel labels: nothing here is drawn or guessed. But "
        "the nearest one differs from the source in all that the template image lost on the way, not only in what "
        "the class asks for."
    )


def _measures() -> None:
    """The five measures, each with its formula and source."""
    st.markdown(
        "**Five measures of urban design**, those of *FaceLift* (Joglekar et al., 2020), from the shares $s_o$ of the "
        "objects $o$ among all pixels that are named:"
    )
    for name in MEASURES:
        measure = MEASURES[name]
        st.markdown(f"**{measure.title}**")
        st.latex(measure.formula)
        pictures.quiet(f"{measure.told} ({measure.source}.)")
