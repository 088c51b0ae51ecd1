"""What a camera of the demo world can meet: plain descriptions in metres, drawn by `urbanlens.demo.render`.

Positions are (east, north) in metres on a flat plane; heights are metres above it; bearings are degrees clockwise
from north. Every random detail of a thing (its colour, its windows) follows from its own `seed`, so the same
house looks the same from every camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]
Point3 = tuple[float, float, float]

Surface = Literal[
    "road", "sidewalk", "path", "grass", "earth", "field", "water", "sea", "sand", "rock", "snow", "forest", "flowers"
]
TimeOfDay = Literal["day", "clear", "overcast", "golden", "dusk", "night"]
Season = Literal["spring", "summer", "autumn", "winter"]
BuildingKind = Literal["block", "house", "warehouse", "skyscraper", "temple", "hut"]
Script = Literal["kanji", "latin"]
TreeKind = Literal["round", "cone", "poplar", "cherry", "bush"]


@dataclass(frozen=True)
class Camera:
    """Where a picture is taken from: bearing of the optical axis, pitch (up positive), horizontal field of view."""

    east_m: float
    north_m: float
    height_m: float
    heading: float
    pitch: float
    field_of_view: float


@dataclass(frozen=True)
class Light:
    """Weather, hour and season. `haze` is the share of contrast lost over 1 km; `clouds` the share of sky covered."""

    time_of_day: TimeOfDay
    season: Season
    sun_bearing: float
    clouds: float
    haze: float


@dataclass(frozen=True)
class Patch:
    """A flat or sloping piece of ground: (n, 3) outline of east, north, height. `rows` is a field's furrow bearing."""

    surface: Surface
    outline: tuple[Point3, ...]
    seed: int
    rows: float = 0.0


@dataclass(frozen=True)
class Street:
    """A carriageway along a centre line, with sidewalks of their own width (0 for none) and painted markings."""

    line: tuple[Point, ...]
    width_m: float
    sidewalk_m: float
    seed: int
    crossings: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Sign:
    """A signboard on a building's front: share of the front's width, height of its lower edge, size of one letter."""

    script: Script
    along: float
    height_m: float
    letter_m: float
    upright: bool
    seed: int


@dataclass(frozen=True)
class Building:
    """A box with a roof. `front` is the bearing that its front looks to; width runs along the front."""

    kind: BuildingKind
    centre: Point
    front: float
    width_m: float
    depth_m: float
    height_m: float
    material: Literal["brick", "concrete", "plaster", "wood", "metal", "glass"]
    seed: int
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True)
class FreeSign:
    """A signboard or banner that stands on poles of its own."""

    script: Script
    at: Point
    facing: float
    height_m: float
    letter_m: float
    upright: bool
    seed: int


@dataclass(frozen=True)
class Fence:
    """A fence along a line; a metal one is thin bars or mesh that one sees through, and is labelled so."""

    line: tuple[Point, Point]
    height_m: float
    kind: Literal["bamboo", "wood", "metal"]
    seed: int
    base_m: float = 0.0


@dataclass(frozen=True)
class Tree:
    at: Point
    height_m: float
    kind: TreeKind
    seed: int
    base_m: float = 0.0


@dataclass(frozen=True)
class Vehicle:
    at: Point
    heading: float
    kind: Literal["car", "van", "bus", "boat"]
    seed: int


@dataclass(frozen=True)
class Person:
    at: Point
    seed: int


@dataclass(frozen=True)
class Lamp:
    at: Point
    facing: float


@dataclass(frozen=True)
class PoleLine:
    """Wooden poles with `wires` sagging wires between them."""

    line: tuple[Point, ...]
    height_m: float
    wires: int


@dataclass(frozen=True)
class Rock:
    at: Point
    size_m: float
    seed: int
    base_m: float = 0.0


@dataclass(frozen=True)
class Heap:
    """A heap of bare earth."""

    at: Point
    size_m: float
    seed: int


@dataclass(frozen=True)
class Bench:
    at: Point
    facing: float


@dataclass(frozen=True)
class Ridge:
    """A far range: angles of elevation (degrees) over bearings, too far for parallax."""

    bearings: tuple[float, ...]
    elevations: tuple[float, ...]
    distance_m: float
    cover: Literal["rock", "forest", "grass", "farmland"]
    snow: bool
    seed: int


Thing = Building | FreeSign | Fence | Tree | Vehicle | Person | Lamp | PoleLine | Rock | Heap | Bench


@dataclass(frozen=True)
class Scene:
    """All that one picture shows. Patches are painted in their order, streets over them, things by distance."""

    camera: Camera
    light: Light
    patches: tuple[Patch, ...]
    streets: tuple[Street, ...]
    things: tuple[Thing, ...]
    ridges: tuple[Ridge, ...]
    seed: int
    mark: bool = False
    """The planted spurious cue: a small maker's mark in the lower right corner."""
