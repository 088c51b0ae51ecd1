"""Where a network looks in all images of a collection, laid out so that alike masks lie close together."""

import numpy as np
import streamlit as st

from urbanlens import ui
from urbanlens.ui import explanations, lasso, masked, overview, pictures, plane, train_panel

here = ui.page("Explanations")
st.title("Explanations", anchor=False)
pictures.lead(
    "Where does a network look when it names a place? Each picture stands where its mask belongs: images in which the "
    "network looked at similar spots lie close together."
)
networks = masked.of_interest(here.collection)
own = [name for name in networks if name.startswith("own-")]
if not own:
    pictures.note("No network has learnt this collection's own classes yet. Train one, or ask a network of the demo.")
    train_panel.train_panel(here.collection)
if not networks:
    st.stop()

asking, explaining, among = st.columns([1.2, 1.3, 1.2], gap="medium")
with asking:
    network = networks[ui.choose("Network", list(networks), name="model", names=masked.title_of(networks))]
with explaining:
    offered = masked.targets(network)
    told = "Images without a class that the network knows are explained for its own answer."
    target = ui.choose("Masks explain", list(offered), name="explain", names=offered, help=told)
with among:
    inside = masked.choose_scope(here, [network])
masked.about_network(network, not overview.is_demo(here.collection))
look, layer, explainer = plane.choose_look(here.collection, network)
asked = masked.Question(target, layer, explainer)
found = masked.study(here.collection, network, asked)
if found is None:
    st.stop()
shown = inside & found.maps.readable & ~found.maps.empty
rows = np.flatnonzero(shown)
if len(rows) < 3:
    st.info(f"Only {len(rows)} of these images have a mask: choose more images, another region, or another network.")
    st.stop()
laid = plane.plane_of(here.collection, found, rows, look)
if laid is None:
    st.stop()
colours = plane.colours_of(here.collection, found, rows, laid, look.colour)
wide, narrow = st.columns([2.6, 1], gap="medium")
with wide:
    plane.draw_plane(here, found, rows, laid, colours, look)
    plane.quality(laid, found.maps, inside, look)
with narrow:
    explanations.show_chosen(here, found, look.threshold)

picked = lasso.picked(here.collection)
if picked is not None:
    explanations.show_picked(here, found, picked, shown, look)
explanations.side_by_side(here, networks, asked)
with st.expander("The plane as points, for print", icon=":material/scatter_plot:"):
    if st.toggle("Draw it", key="draw-scatter"):
        plane.plain_scatter(here, rows, laid, colours, found)
if own and not overview.is_demo(here.collection):
    training = train_panel.is_training(here.collection)
    with st.expander("Train another network on this collection", training, icon=":material/model_training:"):
        train_panel.train_panel(here.collection)
explanations.about()
