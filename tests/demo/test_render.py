"""The painter: same scene, same pixels; labels lie where colours lie; what is behind stays behind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from urbanlens.demo.render import ATTRIBUTES, MATERIALS, OBJECT_NAMES, Picture, attribute_maps, render
from urbanlens.demo.render.finish import mark_box
from urbanlens.demo.scene import (
    Bench,
    Building,
    Camera,
    Fence,
    FreeSign,
    Heap,
    Lamp,
    Light,
    Patch,
    Person,
    PoleLine,
    Ridge,
    Rock,
    Scene,
    Sign,
    Street,
    Thing,
    Tree,
    Vehicle,
)
from urbanlens.errors import UrbanLensError

IDS = {name: number for number, name in OBJECT_NAMES.items()}
CAMERA = Camera(0.0, 0.0, 1.6, 0.0, 2.0, 70.0)
DAY = Light("day", "summer", 150.0, 0.4, 0.2)
LAND = Patch("grass", ((-300.0, -300.0, 0.0), (300.0, -300.0, 0.0), (300.0, 900.0, 0.0), (-300.0, 900.0, 0.0)), 1)
SIGN = Sign("kanji", 0.5, 3.0, 1.0, False, 12)
HOUSE = Building("block", (0.0, 18.0), 180.0, 12.0, 10.0, 9.0, "plaster", 5)


def scene(*things: Thing, light: Light = DAY, camera: Camera = CAMERA, mark: bool = False) -> Scene:
    ridge = Ridge((300.0, 0.0, 60.0), (3.0, 6.0, 2.0), 8000.0, "rock", True, 3)
    return Scene(camera, light, (LAND,), (), things, (ridge,), 7, mark)


def full_scene(light: Light = DAY) -> Scene:
    things: tuple[Thing, ...] = (
        replace(HOUSE, signs=(SIGN, Sign("latin", 0.2, 2.8, 0.7, True, 4))),
        *(
            Building(kind, (14.0 * k - 24, 40.0), 180.0, 11.0, 9.0, 5.0, "wood", k)
            for k, kind in enumerate(("house", "warehouse", "skyscraper", "temple", "hut"))
        ),
        FreeSign("latin", (5.0, 9.0), 170.0, 2.2, 0.6, False, 3),
        *(
            Fence(((-9.0, 6.0 + k), (-2.0, 7.0 + k)), 1.4, kind, k)
            for k, kind in enumerate(("bamboo", "wood", "metal"))
        ),
        *(
            Tree((3.0 * k - 6, 12.0), 4.0, kind, k)
            for k, kind in enumerate(("round", "cone", "poplar", "cherry", "bush"))
        ),
        *(
            Vehicle((2.0 - 3 * k, 9.0 + 5 * k), 40.0 * k, kind, k)
            for k, kind in enumerate(("car", "van", "bus", "boat"))
        ),
        Person((1.0, 5.0), 2),
        Lamp((-3.0, 8.0), 90.0),
        PoleLine(((4.0, -10.0), (4.0, 14.0), (4.0, 38.0)), 8.0, 3),
        Rock((-2.0, 5.0), 1.0, 4),
        Heap((2.5, 6.0), 1.5, 4),
        Bench((-1.0, 6.0), 180.0),
    )
    street = Street(((-40.0, 4.0), (40.0, 6.0)), 6.0, 2.0, 3, ((0.0, 5.0),))
    return replace(scene(*things, light=light), streets=(street,))


def changed(a: Picture, b: Picture) -> NDArray[np.bool_]:
    return np.asarray((a.rgb != b.rgb).any(axis=2))


def widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask grown by one pixel on all sides."""
    padded = np.pad(mask, 1)
    side = mask.shape[0]
    return np.asarray(np.any([padded[dy : dy + side, dx : dx + side] for dy in range(3) for dx in range(3)], axis=0))


def test_same_scene_same_pixels() -> None:
    first, second = render(full_scene(), 128), render(full_scene(), 128)
    for name in ("rgb", "objects", "materials"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("hour", ["day", "clear", "overcast", "golden", "dusk", "night"])
@pytest.mark.parametrize("season", ["spring", "summer", "autumn", "winter"])
def test_every_hour_and_season_is_drawn_and_readable(hour: str, season: str) -> None:
    picture = render(full_scene(Light(hour, season, 200.0, 0.5, 0.3)), 96)  # type: ignore[arg-type]
    assert picture.rgb.shape == (96, 96, 3) and picture.rgb.dtype == np.uint8
    assert set(np.unique(picture.objects)) <= set(OBJECT_NAMES)
    assert picture.materials.max() < len(MATERIALS)
    assert picture.rgb.mean() > 35 and picture.rgb.std() > 18


def test_things_are_labelled() -> None:
    picture = render(full_scene(), 256)
    found = {OBJECT_NAMES[int(number)] for number in np.unique(picture.objects)}
    assert {"sky", "building", "tree", "road", "sidewalk", "person", "car", "fence", "signboard", "pole"} <= found


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (FreeSign("kanji", (1.0, 9.0), 170.0, 2.2, 0.7, False, 3), "signboard"),
        (Fence(((-4.0, 7.0), (3.0, 8.0)), 1.3, "metal", 8), "fence"),
        (Fence(((-4.0, 7.0), (3.0, 8.0)), 1.3, "bamboo", 8), "fence"),
        (Building("house", (3.0, 22.0), 200.0, 9.0, 8.0, 4.0, "brick", 3), "house"),
        (Building("skyscraper", (3.0, 90.0), 200.0, 20.0, 20.0, 70.0, "glass", 3), "skyscraper"),
    ],
)
def test_colours_change_where_labels_change(thing: Thing, name: str) -> None:
    dull = Light("overcast", "summer", 0.0, 0.2, 0.0)
    bare = scene(light=dull)
    with_thing, without = render(scene(thing, light=dull)), render(bare)
    new = (with_thing.objects != without.objects) | (with_thing.materials != without.materials)
    assert (with_thing.objects == IDS[name]).sum() > 60
    shaded = without.objects == IDS["grass"]  # a soft shadow may lie on the ground
    assert not (changed(with_thing, without) & ~widened(new) & ~shaded).any()
    assert (new & ~changed(with_thing, without)).mean() < 0.002


def test_a_sign_changes_nothing_but_itself() -> None:
    signed, plain = render(scene(replace(HOUSE, signs=(SIGN,)))), render(scene(HOUSE))
    sign = signed.objects == IDS["signboard"]
    assert sign.sum() > 200
    assert np.array_equal(sign, signed.objects != plain.objects)
    assert not (changed(signed, plain) & ~widened(sign)).any()
    assert (sign & ~changed(signed, plain)).sum() < 0.02 * sign.sum()


def test_one_sees_through_a_metal_fence() -> None:
    line = ((-6.0, 6.0), (6.0, 6.0))
    wall = Building("block", (0.0, 20.0), 180.0, 40.0, 8.0, 9.0, "brick", 5)
    for seed in range(4):
        behind = render(scene(wall))
        fenced = render(scene(wall, Fence(line, 2.2, "metal", seed)))
        bars = fenced.objects == IDS["fence"]
        rows, columns = np.nonzero(bars)
        box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        share = bars[box].mean()
        assert 0.03 < share < 0.6
        through = ~bars[box]
        assert np.array_equal(fenced.objects[box][through], behind.objects[box][through])
    solid = render(scene(wall, Fence(line, 2.2, "wood", 1))).objects == IDS["fence"]
    assert solid[box].mean() > 0.9


def test_wires_keep_a_pixel() -> None:
    poles = PoleLine(((-30.0, 25.0), (30.0, 25.0)), 8.0, 1)
    wire = render(scene(poles)).materials == MATERIALS.index("wire")
    assert (wire[:, 40:216].sum(axis=0) >= 1).all()


@pytest.mark.parametrize("size", [128, 256])
def test_the_mark_touches_only_its_corner(size: int) -> None:
    plain, marked = render(full_scene(), size), render(replace(full_scene(), mark=True), size)
    rows, columns = mark_box(size)
    outside = np.ones((size, size), np.bool_)
    outside[rows, columns] = False
    assert np.array_equal(plain.rgb[outside], marked.rgb[outside])
    assert np.array_equal(plain.objects[outside], marked.objects[outside])
    inside = marked.objects[rows, columns]
    assert (inside == 0).mean() > 0.5
    assert (marked.materials[rows, columns][inside == 0] == 0).all()
    assert not (plain.objects == 0).any()


def test_what_is_behind_the_camera_is_not_seen() -> None:
    calm = Light("overcast", "summer", 0.0, 0.3, 0.1)
    things: tuple[Thing, ...] = (
        Building("block", (0.0, -20.0), 0.0, 12.0, 10.0, 9.0, "brick", 5, (SIGN,)),
        Tree((2.0, -9.0), 5.0, "round", 4),
        Vehicle((-2.0, -9.0), 0.0, "bus", 4),
        Person((0.0, -3.0), 1),
        Lamp((1.0, -6.0), 0.0),
        FreeSign("latin", (-3.0, -8.0), 0.0, 2.0, 0.6, False, 3),
        PoleLine(((4.0, -40.0), (4.0, -9.0)), 8.0, 3),
    )
    ahead, behind = render(scene(light=calm)), render(scene(*things, light=calm))
    assert np.array_equal(ahead.objects, behind.objects)
    assert np.array_equal(ahead.rgb, behind.rgb)


def test_near_hides_far() -> None:
    wall = Building("block", (0.0, 20.0), 180.0, 60.0, 8.0, 30.0, "brick", 5)
    far = Tree((0.0, 40.0), 6.0, "round", 1)
    near = Tree((0.0, 12.0), 6.0, "round", 1)
    tree = IDS["tree"]
    for order in ((wall, far), (far, wall)):
        assert not (render(scene(*order)).objects == tree).any()
    for order in ((wall, near), (near, wall)):
        assert (render(scene(*order)).objects == tree).sum() > 500


def test_a_long_wall_is_ordered_by_its_plane_not_its_centre() -> None:
    """The wall's centre is nearer than the person, who still stands before its front."""
    wall = Building("block", (11.0, 10.0), 270.0, 80.0, 10.0, 8.0, "plaster", 5)
    person = Person((4.5, 16.0), 3)
    camera = replace(CAMERA, heading=20.0)
    assert (render(scene(wall, person, camera=camera)).objects == IDS["person"]).sum() > 60


@pytest.mark.parametrize("pitch", [-30.0, -10.0, 0.0, 10.0, 20.0])
@pytest.mark.parametrize("heading", [0.0, 77.0, 200.0, 300.0])
def test_the_ground_reaches_the_feet_at_every_pitch(pitch: float, heading: float) -> None:
    picture = render(scene(camera=replace(CAMERA, pitch=pitch, heading=heading)), 96)
    assert (picture.objects[-1] == IDS["grass"]).all()
    if pitch > -20:
        assert (picture.objects[0] == IDS["sky"]).all()


def test_attribute_maps_are_shares() -> None:
    picture = render(full_scene())
    maps = attribute_maps(picture.objects, picture.materials)
    assert len(ATTRIBUTES) >= 20
    assert maps.shape == (len(ATTRIBUTES), 15, 15) and maps.dtype == np.float32
    assert maps.min() >= 0 and maps.max() <= 1
    road = list(ATTRIBUTES).index("road")
    whole = attribute_maps(picture.objects, picture.materials, cells=1)
    assert whole[road, 0, 0] == pytest.approx((picture.objects == IDS["road"]).mean())
    for rule in ATTRIBUTES.values():
        assert rule.objects <= set(IDS) and rule.materials <= set(MATERIALS)


def test_attribute_maps_refuse_what_does_not_fit() -> None:
    empty = np.zeros((8, 8), np.uint8)
    with pytest.raises(ValueError, match="9 cells"):
        attribute_maps(empty, empty, cells=9)


def test_a_camera_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(UrbanLensError, match="32 to 2048"):
        render(scene(), 8)
    with pytest.raises(UrbanLensError, match="field of view"):
        render(scene(camera=replace(CAMERA, field_of_view=170.0)))
