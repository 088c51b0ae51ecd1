"""The formula behind the page Attributes, one click away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from urbanlens.ui import pictures

if TYPE_CHECKING:
    from urbanlens.ui.attributes import Study


def about(study: Study) -> None:
    """How the score is made, how the network learnt, and what it cannot do."""
    with st.expander("How this works", icon=":material/function:"):
        st.markdown(
            "*Semantically Interpretable Activation Maps* (Marcos, Lobry, Tuia, 2019). A network draws one map "
            "$A_i$ for each attribute $i$: where in the picture it is. Each map is multiplied, cell by cell, with a "
            "template $T_i$ that is the same for all pictures, and everything is added:"
        )
        st.latex(r"y = b + \sum_i z_i, \qquad z_i = T_i \cdot A_i = \sum_{\text{cells}} T_i A_i")
        st.markdown(
            "The average of a map says whether the attribute is there, $a_i = \\sigma(\\overline{A_i} + c_i)$; that is "
            "how the maps learn what they are called, from pictures labelled with what they show, never where. "
            "The constant $c_i$ stays out of the score, so that a thing that is not there adds (next to) nothing. "
            "The score sees nothing but the maps, so the bars of a picture always add up to it, and a change of one "
            "changes nothing else."
        )
        st.markdown(
            "What it cannot do: it knows only the attributes that it was given (a vintage tram is traffic, a pleasant "
            "boat too); the maps were learnt from whole pictures, so they may lie beside the thing; and while it "
            "learns the score, an attribute may come to mean more than its name says. Where the two networks disagree, "
            "one of them uses something that the attributes do not say."
        )
        card = study.siam.card
        if card is not None:
            told = card.training
            parts = [f"Phases: {', '.join(told.get('phases', []))}"] if told.get("phases") else []
            if told.get("start"):
                parts.append(f"begun from {str(told['start']).split(' ')[0]}")
            if card.data.get("images"):
                counts = card.data["images"]
                parts.append(f"images: {counts.get('train', 0):,} to learn from, {counts.get('test', 0):,} to judge by")
            if card.data.get("left_out"):
                parts.append("not learnt: " + ", ".join(card.data["left_out"]))
            pictures.quiet("; ".join(parts) + ".")
