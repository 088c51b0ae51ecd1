"""The collections at hand: open one, check it, bring new images."""

import streamlit as st

from urbanlens import ui
from urbanlens.ui import collections, library, pictures

current = ui.frame("Collections")
st.title("Collections", anchor=False)
pictures.lead("A collection is a folder of images with one table. Open one here, or bring your own photographs.")

collections.show_import_result()
if not collections.importing():
    st.header("Bring your own images")
    local = library.visitor_is_local()
    ways = collections.ways(local)
    way = ui.choose("What do you bring?", list(ways), name="way", names=ways)
    collections.ask(way)
    if not local:
        pictures.quiet("Folders of the server can be named only by a browser on the server itself.")

st.header("At hand")
for name, folder in library.known().items():
    collections.card(name, folder, current)
