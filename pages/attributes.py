"""A score that adds up: what a network sees, where, and how much each part counts."""

import streamlit as st

from urbanlens import ui
from urbanlens.ui import (
    attribute_about,
    attribute_compare,
    attribute_images,
    attribute_templates,
    attributes,
    pictures,
    state,
)

here = ui.page("Attributes")
st.title("Attributes", anchor=False)
pictures.lead(
    "Why does a place score high? This network first looks for trees, roads, glass and so on, and may use nothing "
    "else: its score is the sum of what each of them adds or takes away, and where."
)
study = attributes.choose_study(here)
if study is None:
    st.stop()
attributes.about(here, study)

VIEWS = {
    "templates": ("Templates", attribute_templates.show),
    "images": ("Images", attribute_images.show),
    "what-if": ("What if", attribute_images.show_what_if),
    "disagree": ("Where they disagree", attribute_compare.show_disagreement),
    "together": ("Co-occurrence", attribute_compare.show_co_occurrence),
    "map": ("Map", attribute_compare.show_map),
}
view = state.switch("View", list(VIEWS), name="view", names={name: title for name, (title, _) in VIEWS.items()})
VIEWS[view][1](here, study)
attribute_about.about(study)
