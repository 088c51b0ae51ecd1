"""The demo world's painter: a `Scene` in, a picture with the exact label of every pixel out."""

from __future__ import annotations

from urbanlens.demo.render.attributes import ATTRIBUTES, AttributeRule, attribute_maps
from urbanlens.demo.render.labels import MATERIALS, OBJECT_NAMES
from urbanlens.demo.render.picture import Picture, render

__all__ = ["ATTRIBUTES", "MATERIALS", "OBJECT_NAMES", "AttributeRule", "Picture", "attribute_maps", "render"]
