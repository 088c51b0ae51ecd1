"""Camera places: where each picture is taken, with which heading, hour, weather and season, and in which split."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from urbanlens.demo.country_places import COUNTRY_VIEWS
from urbanlens.demo.geography import CITIES, WORLD, City
from urbanlens.demo.geometry import distance
from urbanlens.demo.hashing import chance
from urbanlens.demo.scene import Camera, Light, Point, Season, TimeOfDay
from urbanlens.demo.street_places import CITY_VIEWS, Place, district_at
from urbanlens.demo.streets import grid

SHIPPED = 3100
SPLITS = ("train", "val", "test")
SPLIT_SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}
BUFFER_M = 30.0
"""No camera stands nearer than this to the border of a split cell."""

CITY_SHARES = {"street": 0.28, "crossing": 0.15, "square": 0.1, "facades": 0.16, "waterfront": 0.18, "park": 0.13}
COUNTRY_SHARES = {"hill": 0.33, "farmland": 0.14, "forest": 0.10, "coast": 0.18, "waterfront": 0.15, "street": 0.10}
MARK_RATE = 0.3

Cell = tuple[str, int, int]


@dataclass(frozen=True)
class Viewpoint:
    """One picture to take."""

    image_id: str
    area: str
    district: str
    district_kind: str
    view: str
    camera: Camera
    light: Light
    weather: str
    captured_at: datetime.datetime
    cell: Cell
    seed: int
    split: str = ""

    @property
    def city(self) -> str | None:
        """The city, None in the countryside."""
        return None if self.area == "Countryside" else self.area

    @property
    def path(self) -> str:
        """The picture's path in the collection."""
        return f"images/{self.area.lower()}/{self.image_id}.webp"


@cache
def _borders(city: City) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Lines between split cells in the city's frame: through the middles of blocks, never along a street."""
    nodes = grid(city.name).nodes
    columns = [sum(city.local(p)[0] for p in column) / len(column) for column in nodes]
    rows = [sum(city.local(column[j])[1] for column in nodes) / len(nodes) for j in range(len(nodes[0]))]
    across = tuple((columns[k] + columns[k + 1]) / 2 for k in range(2, len(columns) - 2, 3))
    ahead = tuple((rows[k] + rows[k + 1]) / 2 for k in range(3, len(rows) - 3, 4))
    return across, ahead


def cell_at(area: str, place: Point) -> Cell | None:
    """The split cell of a place, or None in the buffer along its borders."""
    if area == "Countryside":
        side = 330.0
        near = [(value / side - value // side) * side for value in place]
        if any(value < BUFFER_M or value > side - BUFFER_M for value in near):
            return None
        return (area, int(place[0] // side), int(place[1] // side))
    city = next(city for city in CITIES if city.name == area)
    u, v = city.local(place)
    across, ahead = _borders(city)
    if min(abs(u - line) for line in across) < BUFFER_M or min(abs(v - line) for line in ahead) < BUFFER_M:
        return None
    return (area, sum(u > line for line in across), sum(v > line for line in ahead))


def _light(dice: Random) -> tuple[Light, str, datetime.datetime]:
    seasons: tuple[Season, ...] = ("spring", "summer", "autumn", "winter")
    season = dice.choices(seasons, [0.28, 0.3, 0.24, 0.18])[0]
    hours: tuple[TimeOfDay, ...] = ("day", "clear", "overcast", "golden", "dusk", "night")
    time = dice.choices(hours, [0.3, 0.24, 0.16, 0.16, 0.08, 0.06])[0]
    month = {"spring": 3, "summer": 6, "autumn": 9, "winter": 12}[season] + dice.randrange(3)
    hour = {"golden": dice.choice([6.3, 17.2]), "dusk": 18.1, "night": 20.5}.get(time, 8.0) + dice.random() * (
        8.0 if time in ("day", "clear", "overcast") else 0.8
    )
    captured = datetime.datetime(2025, (month - 1) % 12 + 1, dice.randint(1, 28), int(hour), int(hour % 1 * 60))
    weather = {"overcast": "overcast", "clear": "clear"}.get(time) or dice.choices(
        ["clear", "cloudy", "hazy"], [0.35, 0.45, 0.2]
    )[0]
    clouds = {"overcast": 0.95, "clear": dice.uniform(0, 0.12), "cloudy": dice.uniform(0.3, 0.7)}.get(
        weather, dice.uniform(0.1, 0.35)
    )
    haze = dice.uniform(0.55, 0.8) if weather == "hazy" else dice.uniform(0.1, 0.35)
    return Light(time, season, (90.0 + (hour - 6.0) * 15.0) % 360.0, clouds, haze), weather, captured


def _pitch(dice: Random) -> float:
    value = dice.gauss(0.0, 4.5) if dice.random() < 0.7 else dice.uniform(-25.0, 12.0)
    return min(max(value, -25.0), 12.0)


def _take(area: str, view: str, index: int, seed: int) -> Viewpoint:
    """The `index`-th picture of a view: the first place drawn that is not in a buffer."""
    image_id = f"{area[0].lower()}{view[:2]}{seed:02d}-{index:04d}"
    for attempt in range(400):
        dice = chance(seed, area, view, index, attempt)
        place: Place | None = COUNTRY_VIEWS[view](dice) if area == "Countryside" else CITY_VIEWS[view](area, dice)
        cell = cell_at(area, place.at) if place is not None else None
        if place is None or cell is None:
            continue
        pitch = _pitch(dice) if place.pitch is None else place.pitch
        camera = Camera(*place.at, place.height_m, place.heading % 360.0, pitch, dice.uniform(66.0, 78.0))
        light, weather, captured = _light(dice)
        district, kind = district_at(area, place.at)
        return Viewpoint(
            image_id, area, district, kind, view, camera, light, weather, captured, cell, dice.getrandbits(30)
        )
    raise RuntimeError(f"no place for the view {view!r} in {area}: every one drawn lies in a buffer")


def _counts(total: int, shares: dict[str, float]) -> dict[str, int]:
    """Whole numbers in the given shares that sum to `total`."""
    exact = {name: total * share for name, share in shares.items()}
    counts = {name: int(value) for name, value in exact.items()}
    for name in sorted(exact, key=lambda name: counts[name] - exact[name])[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def _drawn(seed: int, images: int, cities: bool = False) -> list[Viewpoint]:
    shares = {CITIES[0].name: 11 / 31, CITIES[1].name: 11 / 31, "Countryside": 9 / 31}
    if cities:
        shares = dict.fromkeys((CITIES[0].name, CITIES[1].name), 1 / 2)
    areas = _counts(images, shares)
    return [
        _take(area, view, index, seed)
        for area, total in areas.items()
        for view, count in _counts(total, COUNTRY_SHARES if area == "Countryside" else CITY_SHARES).items()
        for index in range(count)
    ]


@cache
def cell_splits() -> dict[Cell, str]:
    """The split of each cell: a property of the world, so that pictures of any build keep to it.

    Cells are dealt in hashed order, each to the split that lacks most of its views, over the shipped pictures.
    """
    views: dict[Cell, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for viewpoint in _drawn(WORLD, SHIPPED):
        views[viewpoint.cell][viewpoint.area, viewpoint.view] += 1
        totals[viewpoint.area, viewpoint.view] += 1
    have: dict[tuple[str, str, str], int] = defaultdict(int)
    splits: dict[Cell, str] = {}
    for cell in sorted(views, key=lambda cell: (-sum(views[cell].values()) // 6, chance(WORLD, cell).random())):

        def lack(split: str, cell: Cell = cell) -> float:
            return sum(
                count * (1.0 - have[(split, *key)] / (SPLIT_SHARES[split] * totals[key]))
                for key, count in views[cell].items()
            )

        splits[cell] = max(SPLITS, key=lack)
        for key, count in views[cell].items():
            have[(splits[cell], *key)] += count
    return splits


def viewpoints(seed: int, images: int, *, only: str | None = None, cities: bool = False) -> list[Viewpoint]:
    """The pictures of a build; with `only`, all from places of that split; with `cities`, none of the countryside."""
    splits = cell_splits()
    drawn = _drawn(seed, images if only is None else int(images / SPLIT_SHARES[only] * 1.12), cities)
    placed = [replace(viewpoint, split=splits.get(viewpoint.cell, "train")) for viewpoint in drawn]
    if only is None:
        return placed
    chosen = [viewpoint for viewpoint in placed if viewpoint.split == only]
    stride = chance(seed, "thin")
    keep = set(stride.sample(range(len(chosen)), min(images, len(chosen))))
    return [viewpoint for k, viewpoint in enumerate(chosen) if k in keep]


def has_mark(viewpoint: Viewpoint) -> bool:
    """Whether the spurious mark is planted: on a share of Steelport's pictures, by their ids alone."""
    return viewpoint.area == "Steelport" and chance(WORLD, "mark", viewpoint.image_id).random() < MARK_RATE


def separation(viewpoints_: Sequence[Viewpoint]) -> float:
    """The least distance between cameras of different splits, metres."""
    import numpy as np
    from scipy.spatial import cKDTree

    places = {
        split: np.array([(v.camera.east_m, v.camera.north_m) for v in viewpoints_ if v.split == split])
        for split in SPLITS
    }
    trees = {split: cKDTree(points) for split, points in places.items() if len(points)}
    return min(
        (float(trees[a].query(places[b])[0].min()) for a in trees for b in trees if a != b), default=float("inf")
    )


def nearest_of(place: Point, others: Sequence[Point]) -> float:
    """Metres to the nearest of some places."""
    return min(distance(place, other) for other in others)
