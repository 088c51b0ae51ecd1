"""What would have to change for a place to pass for another: template images, and the real images they lead to."""

import streamlit as st

from urbanlens import ui
from urbanlens.ui import (
    pictures,
    state,
    transformation_about,
    transformation_changes,
    transformation_neighbours,
    transformation_one,
    transformation_prototypes,
    transformation_trust,
    transformations,
)

here = ui.page("Transformations")
st.title("Transformations", anchor=False)
pictures.lead(
    "What would have to change for this street to pass for one of another city? A network draws the change step by "
    "step, and finds a real street that already looks like it."
)
study = transformations.choose_study(here)
if study is None:
    st.header("Before you train: more labelled images")
    transformation_neighbours.show(here, None)
    st.stop()
transformations.about(here, study)

VIEWS = {
    "one": ("One transformation", transformation_one.show),
    "changed": ("What changed", transformation_changes.show),
    "prototypes": ("Prototypes", transformation_prototypes.show),
    "labels": ("More labelled images", transformation_neighbours.show),
    "believed": ("Can it be believed?", transformation_trust.show),
}
view = state.switch("View", list(VIEWS), name="view", names={name: title for name, (title, _) in VIEWS.items()})
VIEWS[view][1](here, study)
transformation_about.about(study)
