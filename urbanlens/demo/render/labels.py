"""What a pixel can show: ADE20K object ids and the materials that attributes are read from."""

from __future__ import annotations

Label = tuple[int, int]
"""Object id (ADE20K SceneParse150, from 1; 0 unlabelled) and index into `MATERIALS`."""

OBJECT_NAMES: dict[int, str] = {
    2: "building",
    3: "sky",
    5: "tree",
    7: "road",
    10: "grass",
    12: "sidewalk",
    13: "person",
    14: "earth",
    17: "mountain",
    18: "plant",
    21: "car",
    22: "water",
    26: "house",
    27: "sea",
    30: "field",
    33: "fence",
    35: "rock",
    44: "signboard",
    47: "sand",
    49: "skyscraper",
    53: "path",
    67: "flower",
    69: "hill",
    70: "bench",
    77: "boat",
    81: "bus",
    88: "streetlight",
    94: "pole",
    103: "van",
}

MATERIALS: tuple[str, ...] = (
    "none",
    "trees",
    "grass",
    "flowers",
    "ocean",
    "still_water",
    "road",
    "wire",
    "transport",
    "wood",
    "ice_snow",
    "brick",
    "shingles",
    "metal",
    "sand",
    "rock_stone",
    "glass",
    "clouds",
    "farming",
    "dirt",
    "rugged",
    "cloth",
    "plaster",
    "concrete",
    "sign",
    "skin",
)

_OBJECT_IDS = {name: number for number, name in OBJECT_NAMES.items()}


def label(name: str, material: str) -> Label:
    """Return the (object id, material index) of an object name and a material name."""
    return _OBJECT_IDS[name], MATERIALS.index(material)
