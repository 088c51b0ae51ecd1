"""Routes only: every page draws its own frame, so that a link into a cold server looks the same."""

import streamlit as st

from urbanlens.ui.routes import pages

st.navigation(pages(), position="hidden").run()
