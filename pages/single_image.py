"""A photograph, what a network says about it, where it looked, and what is like it."""

import streamlit as st

from urbanlens import ui
from urbanlens.ui import explaining, overview, pictures, similar, single_image

here = ui.page("Single image")
st.title("Single image", anchor=False)
pictures.lead("Drop in a photograph. A network says what it shows, where it looked, and what else looks like it.")

subject = single_image.choose_subject(here)
single_image.choose_by_sight(here)
if subject is None:
    st.stop()

networks = explaining.networks(here.collection)
asking, classes = st.columns(2, gap="medium")
with asking:
    titles = {name: network.title for name, network in networks.items()}
    network = networks[ui.choose("Network", list(networks), name="model", names=titles)]
answer = single_image.ask(network, subject)
with classes:
    likely = [name for name, _ in answer.ranked()[:20]]
    target = ui.choose("Explain the class", likely, name="class", help="The most probable classes, best first.")
if target != likely[0]:
    answer = single_image.ask(network, subject, answer.classes.index(target))
if network.from_demo and not single_image.is_of_demo(subject, here.collection):
    pictures.note(
        "This network was trained on the drawn demo world only. It has never seen a real city, so its answer says "
        "which of the two drawn cities a photograph resembles, not where it was taken."
    )

if network.is_imagenet:
    pictures.note(
        "This network names 1,000 everyday things and no places. A low first value means that it does not know; its "
        "look at a picture is still what the similar images below are found by."
    )

single_image.show_answer(subject, answer)
single_image.show_masks(subject, answer, target, here.collection)

st.header("Images that look alike")
if not len(here.view):
    st.info("No image lies inside the selected region.")
    st.stop()
rows = ui.features_of(here.view)
if rows is not None:
    found = similar.most_similar(here.view, rows, subject.image, subject.identity, subject.image_id)
    figure = similar.small_map(here.view, found, subject.image_id)
    near, where = st.columns([3, 2], gap="large") if figure else (st.container(), None)
    with near:
        ui.grid(here.view, list(found["image_id"]), similar.captions(found, overview.main_labels(here.view)))
        ui.table_download(found, f"{subject.file}-similar-images", "Similar images (CSV)")
    if figure and where:
        with where:
            ui.figure_with_downloads(figure, f"{subject.file}-similar-map", key="similar-map", zoom=True)
            pictures.quiet("Numbers as in the pictures. A star marks this image; grey dots are all other images.")
    else:
        pictures.quiet("None of these images has coordinates, so no map is shown.")
