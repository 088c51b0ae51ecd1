"""Beauty: what an aesthetic classifier looks at, the crop it would make, and whether its maps mean anything."""

import streamlit as st

from urbanlens import ui
from urbanlens.ui import (
    aesthetic_about,
    aesthetic_crop,
    aesthetic_gallery,
    aesthetic_image,
    aesthetic_learnt,
    aesthetic_places,
    aesthetic_test,
    aesthetics,
    pictures,
    state,
)

here = ui.page("Aesthetics")
st.title("Aesthetics", anchor=False)
pictures.lead(
    "How beautiful would people find this place? Networks learnt it from votes. See what they look at, the crop they "
    "would make - and whether their maps mean anything."
)
study = aesthetics.choose_study(here)
if study is None:
    st.stop()
aesthetics.about(here, study)

VIEWS = {
    "image": ("One image", aesthetic_image.show),
    "crop": ("Crop", aesthetic_crop.show),
    "gallery": ("Gallery", aesthetic_gallery.show),
    "places": ("Places", aesthetic_places.show),
    "test": ("Do the maps mean anything?", aesthetic_test.show),
    "learnt": ("What was learnt from", aesthetic_learnt.show_training_data),
}
view = state.switch("View", list(VIEWS), name="view", names={name: title for name, (title, _) in VIEWS.items()})
VIEWS[view][1](here, study)
aesthetic_about.about(study)
