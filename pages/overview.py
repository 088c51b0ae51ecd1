"""What this collection is, in pictures and numbers, and the way through the program."""

import streamlit as st

from urbanlens import ui
from urbanlens.ui import overview, pictures
from urbanlens.ui.routes import ROUTES

here = ui.page("Overview")
view = here.view

st.title(pictures.plain(here.collection.title), anchor=False)
pictures.lead(here.collection.description or "A collection of street images.")
if here.selection is not None:
    pictures.quiet(f"Numbers and pictures below are those of the region {here.selection.name or 'you selected'}.")
if len(view):
    pictures.mosaic(view, overview.chosen(view))
else:
    st.info("No image lies inside the selected region. Show all images, or draw another region on the map.")
pictures.numbers(overview.counts(view))
if missing := overview.unplaced(view):
    pictures.quiet(missing)

facts = overview.planted(here.collection)
if facts:
    st.header("What we know about this world")
    pictures.lead(
        "We drew these cities, so we know what tells them apart. Every explanation that a network gives can be "
        "checked against this truth."
    )
    pictures.cues(facts, overview.colours(facts))
    pictures.quiet("Share of each city's images in which it can be seen.")
    ui.table_download(overview.planted_table(facts), "planted-cues", "Shares (CSV)")
    if note := overview.spurious(here.collection):
        pictures.note(note)

st.header("A way through")
steps = [route for route in ROUTES if route.file != "overview"]
for number, route in enumerate(steps):
    if number % 4 == 0:
        columns = st.columns(4, gap="medium")
    with columns[number % 4], st.container(border=True, height="stretch"):
        st.subheader(f"{number + 1}. {route.title}", anchor=False)
        st.write(route.purpose)
        st.page_link(
            route.path, label=f"Go to {route.title}", icon=route.icon, query_params=ui.shared_params(route.title)
        )

if here.collection.licence:
    pictures.quiet(f"Licence of the images: {here.collection.licence}")
