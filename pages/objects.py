"""Which objects the networks look at when they name a class, and whether they agree."""

import streamlit as st

from urbanlens import ui
from urbanlens.ui import agreement, labelling, lasso, masked, objects, overview, pictures, planted

here = ui.page("Objects")
st.title("Objects", anchor=False)
pictures.lead(
    "Which things does a network look at when it names a place? And does it look there more than chance would?"
)
networks = masked.of_interest(here.collection)
if not networks:
    st.info("No network has learnt this collection yet. Train one on the page Explanations.")
    st.stop()

asking, among, cutting, how = st.columns([1.6, 1, 1, 0.8], gap="medium")
with asking:
    chosen = objects.choose_networks(networks)
with among:
    inside = masked.choose_scope(here, chosen or list(networks.values())[:1])
with cutting:
    threshold = objects.choose_threshold()
with how:
    asked = masked.Question(explainer=masked.choose_explainer())
known, scheme = st.columns([1, 1], gap="medium", vertical_alignment="bottom")
with known:
    source = labelling.choose_source(here.collection)
with scheme:
    inside = inside & objects.choose_scheme(here.collection, source, inside)
lasso.badge(here.collection)
picked = lasso.picked(here.collection)
if picked is not None:
    inside = inside & picked
if not chosen:
    st.info("Choose a network, or several to see them side by side.")
    st.stop()

if source is not None:
    counted = objects.measured(here, chosen, inside, asked, source)
    found = [one for one in counted if len(one.rows)]
    if counted and not found:
        st.info("None of the chosen images has both a class that the network knows and objects that are named.")
    elif found:
        for network in chosen:
            masked.warn_weak(network)
        objects.show_support(found)
        objects.show_ratios(here, found, threshold)
        objects.show_behind(here, found, threshold)
        st.header("Where two classes differ")
        objects.show_difference(here, found, threshold)
        if overview.is_demo(here.collection) and source.name == labelling.OWN:
            st.header("Against the planted truth")
            planted.show_planted(here, found, threshold)

st.header("Do networks agree?")
agreement.show_agreement(here, networks, chosen[0], inside, asked)
objects.about()
