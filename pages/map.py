"""Choose a part of the city on its map, and group its images by place and by looks."""

import streamlit as st

from urbanlens import ui
from urbanlens.ui import cluster_panel, compare_panel, map_panel, overview, pictures, region_panel, state

here = ui.page("Map")
collection, view, selection = here.collection, here.view, here.selection

st.title("Map")
pictures.lead(
    "Draw a rectangle or a polygon with the tools on the map, or pick a district from the list. "
    "The region stays chosen on every page."
)
cluster_panel.warm_up()

with st.container():
    region_panel.problems()
top = st.container()
left, right = st.columns([1.9, 1], gap="medium")
map_area, plane_area = left.container(), right.container()
below_map = st.container()
comparison_area = st.container()
group_area = st.container()

# Groups come first: the map above them shows their colours.
scope = view if selection is not None else collection
whole_wanted = selection is None and bool(state.param("all"))
groups = features = None
with group_area:
    st.header("Groups of similar images")
    if selection is None and not whole_wanted:
        st.info("Choose a region first: draw one on the map, or pick one from the list above it.")
        st.button("Group the whole collection instead", icon=":material/select_all:", on_click=cluster_panel.group_all)
    elif not len(scope):
        st.info(
            "There are no images in this region. Draw a larger one, move it over the points on the map, "
            "or choose (none) in the list to see all images."
        )
    else:
        grouping = cluster_panel.settings(collection)
        features = ui.features_of(scope)
        groups = cluster_panel.grouped(scope, grouping, features)
        if groups is not None and not groups.names:
            st.info("No group was found here: allow a larger distance, or group by looks.")
            groups = None

with top:
    first, second, third = st.columns([2, 2, 1], vertical_alignment="bottom")
    with first:
        region_panel.choose_region(here)
    with second:
        options = map_panel.colour_options(collection, groups is not None)
        names = {name: name.replace("_", " ") for name in options} | {map_panel.CLUSTERS: "groups"}
        column = state.choose("Colour of the points", options, name="colour", names=names) if options else ""
    with third, st.popover("More", icon=":material/tune:", width="stretch"):
        region_panel.load_geojson()
        tiles = st.toggle("Street map behind (needs a network)", key="map-tiles")

with map_area:
    outlines = map_panel.outlines_of(collection)
    if column == map_panel.CLUSTERS and groups is not None:
        colouring = map_panel.colour_by_group(collection, scope, groups, cluster_panel.chosen_group(groups))
    else:
        colouring = map_panel.colour_by(collection, column)
    map_panel.draw_map(here, colouring, outlines, tiles=tiles)

with below_map:
    pictures.quiet(
        f"{len(scope):,} of {len(collection):,} images are inside {selection.name}. {overview.unplaced(collection)}"
        if selection is not None
        else f"{int(collection.located.sum()):,} images on the map. {overview.unplaced(collection)}"
    )
    region_panel.keep_regions(here)
    map_panel.map_download(here, colouring, outlines)

with plane_area if groups is None else below_map:
    map_panel.show_image(collection)
with plane_area:
    if groups is not None and features is not None:
        cluster_panel.scatter(scope, groups, features)
    elif groups is None:
        pictures.quiet("Once a region is chosen, its images appear here: those that look alike lie close together.")

with comparison_area:
    compare_panel.compare_kept(here)

with group_area:
    if groups is not None:
        cluster_panel.cards(scope, groups, features)
        cluster_panel.downloads(scope, groups)
