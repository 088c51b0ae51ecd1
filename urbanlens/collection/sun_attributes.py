"""The 102 attributes of the SUN Attribute database, and the 33 that interpretable scenicness merges from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from urbanlens.errors import CollectionError

if TYPE_CHECKING:
    import pandas as pd

SUN_PREFIX = "sun."
"""What the names of the 102 columns begin with, in a collection's table."""

SIAM_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "trees": ("trees", "foliage", "leaves"),
    "grass": ("grass",),
    "flowers": ("flowers",),
    "ocean": ("ocean", "surf"),
    "running_water": ("running water",),
    "still_water": ("still water",),
    "road": ("asphalt", "pavement"),
    "railroad": ("railroad",),
    "fencing_railing": ("fencing", "railing"),
    "wire": ("wire",),
    "transport": ("transporting", "driving", "biking", "boating"),
    "wood": ("wood",),
    "ice_snow": ("ice", "snow"),
    "brick": ("brick",),
    "shingles": ("shingles",),
    "metal": ("metal",),
    "cloth": ("cloth",),
    "sand": ("sand",),
    "rock_stone": ("rock",),
    "glass": ("glass",),
    "aged_worn": ("aged",),
    "dirty": ("dirty",),
    "rusty": ("rusty",),
    "dry": ("dry",),
    "rugged_scene": ("rugged scene",),
    "cluttered_space": ("cluttered space",),
    "clouds": ("clouds",),
    "horizon": ("far-away horizon",),
    "digging": ("digging",),
    "temple": ("praying",),
    "farming": ("farming",),
    "hiking": ("hiking",),
    "social": ("socializing", "congregating"),
}
"""The 33 attributes of Semantically Interpretable Activation Maps (2019), each with the SUN attributes it merges.

The paper does not list its merging, so this one is by meaning: names that say the same thing, parts of the thing
(the leaves of a tree) or its surface (the asphalt of a road). A name that fits none well, as "vegetation" or "natural
light", is merged into none. "temple" has only "praying": no SUN attribute names a building.
"""

_SHORT_NAMES = {
    "sailing/boating": "boating",
    "transporting things or people": "transporting",
    "vacationing/touring": "touring",
    "studying/learning": "studying",
    "teaching/training": "training",
    "waiting in line/queuing": "waiting in line",
    "spectating/being in an audience": "spectating",
    "constructing/building": "constructing",
    "wood (not part of a tree)": "wood",
    "vinyl/linoleum": "vinyl",
    "rubber/plastic": "plastic",
    "rock/stone": "rock",
    "dirt/soil": "dirt",
    "waves/surf": "surf",
    "direct sun/sunny": "sunny",
    "electric/indoor lighting": "indoor lighting",
    "aged/worn": "aged",
    "moist/damp": "moist",
    "mostly vertical components": "vertical components",
    "mostly horizontal components": "horizontal components",
}  # SUN's own attributes.mat spells these out; the list that is shared with Places365 does not.


def plain_name(name: str) -> str:
    """An attribute's name in lower case with underscores, SUN's long spellings shortened: "Waves/ surf" is "surf"."""
    text = " ".join(name.lower().removeprefix(SUN_PREFIX).replace("_", " ").split())
    text = re.sub(r" ?/ ?", "/", text)
    return _SHORT_NAMES.get(text, text).replace(" ", "_")


def merge_attributes(
    values: Mapping[str, Any] | pd.DataFrame, merging: Mapping[str, tuple[str, ...]] = SIAM_ATTRIBUTES
) -> pd.DataFrame:
    """Merge SUN's attributes by their maximum: an image shows a fence or railing as surely as the surer of the two.

    Parameters
    ----------
    values
        Columns of N shares in [0, 1] under SUN's names, with blanks or underscores, "sun." before them or not.
    merging
        The names to merge, by the new name.

    Returns
    -------
    merged
        N rows, a column for each new name, with the index of `values`. A missing share is passed over; where all
        shares are missing, the result is.

    Raises
    ------
    CollectionError
        A name is missing, or two columns are of one name.
    """
    import pandas as pd

    frame = pd.DataFrame(values)
    given = [str(name) for name in frame.columns]
    frame.columns = pd.Index([plain_name(name) for name in given])
    if frame.columns.has_duplicates:
        twice = str(frame.columns[frame.columns.duplicated()][0])
        raise CollectionError(f"two of the columns mean the attribute {twice!r}: leave one out")
    wanted = {new: [plain_name(part) for part in parts] for new, parts in merging.items()}
    missing = sorted({part for parts in wanted.values() for part in parts} - set(frame.columns))
    if missing:
        raise CollectionError(
            f"the attributes {', '.join(missing[:5])} are missing ({len(missing)} in all); given are "
            f"{', '.join(given[:5])} …: give all of SUN's attributes that are to be merged"
        )
    return pd.DataFrame({new: frame[parts].max(axis=1) for new, parts in wanted.items()}, index=frame.index)
