import pytest
from shapely.geometry import MultiPolygon, box, mapping

from urbanlens.collection import Region, decode_region, encode_region
from urbanlens.errors import RegionError
from urbanlens.ui.region_panel import DRAWN, NO_REGION, label_of, listed, newly_drawn

OLD = Region("Docks", box(0, 0, 0.02, 0.01), "industrial")
NEW = box(0.03, 0.01, 0.05, 0.04)


def drawn(*shapes: object) -> list[dict[str, object]]:
    return [{"type": "Feature", "properties": {}, "geometry": mapping(shape)} for shape in shapes]


def test_the_newest_drawing_replaces_the_selection() -> None:
    first = newly_drawn(drawn(NEW), None)
    assert first is not None
    assert first.name == DRAWN
    second = newly_drawn(drawn(OLD.geometry, NEW), OLD)
    assert second is not None
    assert (second.name, second.geometry.equals(NEW)) == (DRAWN, True)


def test_nothing_changes_before_a_drawing_or_when_the_map_hands_back_the_selection() -> None:
    assert newly_drawn(None, OLD) is OLD
    from_address = decode_region(encode_region(OLD))
    assert newly_drawn(drawn(OLD.geometry), from_address) is from_address


def test_a_reshaped_selection_keeps_its_name_unless_it_was_that_of_a_listed_region() -> None:
    mine = newly_drawn(drawn(box(0, 0, 0.03, 0.01)), OLD)
    district = newly_drawn(drawn(box(0, 0, 0.03, 0.01)), OLD, {"Docks"})
    assert mine is not None
    assert district is not None
    assert (mine.name, district.name) == ("Docks", "Docks (reshaped)")


def test_regions_of_the_same_name_are_all_listed() -> None:
    other, tricky = Region("Docks", NEW), Region(NO_REGION, NEW)
    offered = listed([OLD, other, tricky])
    assert offered == {"Docks": OLD, "Docks (2)": other, f"{NO_REGION} (2)": tricky}
    assert [label_of(one, offered) for one in (OLD, other, Region("Docks", box(7, 7, 8, 8)))] == [
        "Docks", "Docks (2)", "Docks (drawn)",
    ]  # fmt: skip


def test_deleting_clears_only_what_the_tool_held() -> None:
    assert newly_drawn([], OLD) is None
    parts = Region("Islands", MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3, 3)]))
    assert newly_drawn([], parts) is parts


def test_a_drawing_that_encloses_nothing_is_refused() -> None:
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [0, 0]]]}
    with pytest.raises(RegionError):
        newly_drawn([{"type": "Feature", "properties": {}, "geometry": flat}], None)
