"""Figures and maps: data in, a plotly or folium object out. Import the module you need: each loads its library."""
