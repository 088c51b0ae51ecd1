"""Plane geometry in metres: directions, bearings, quadrilaterals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from urbanlens.demo.scene import Point, Point3


def along(start: Point, end: Point, share: float) -> Point:
    """The point at `share` of the way."""
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def distance(a: Point, b: Point) -> float:
    """Metres between two points."""
    return math.hypot(a[0] - b[0], a[1] - b[1])


def bearing(start: Point, end: Point) -> float:
    """Degrees clockwise from north in which `end` lies."""
    return math.degrees(math.atan2(end[0] - start[0], end[1] - start[1])) % 360.0


def step(start: Point, degrees: float, metres: float) -> Point:
    """The point `metres` away in the direction of a bearing."""
    angle = math.radians(degrees)
    return (start[0] + math.sin(angle) * metres, start[1] + math.cos(angle) * metres)


def turn(a: float, b: float) -> float:
    """The signed angle from bearing `a` to bearing `b`, in [-180, 180)."""
    return (b - a + 180.0) % 360.0 - 180.0


def flat(points: Sequence[Point], height_m: float = 0.0) -> tuple[Point3, ...]:
    """An outline at one height."""
    return tuple((east, north, height_m) for east, north in points)


def oblong(centre: Point, degrees: float, width_m: float, depth_m: float) -> tuple[Point, ...]:
    """A rectangle whose width runs across the bearing and whose depth runs along it."""
    corners = []
    for side, ahead in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        corners.append(step(step(centre, degrees, ahead * depth_m), degrees + 90.0, side * width_m))
    return tuple(corners)


def ring(centre: Point, radius_m: float, corners: int = 14, stretch: float = 1.0) -> tuple[Point, ...]:
    """A round outline, stretched eastwards."""
    angles = [2 * math.pi * k / corners for k in range(corners)]
    return tuple(
        (centre[0] + radius_m * stretch * math.cos(angle), centre[1] + radius_m * math.sin(angle)) for angle in angles
    )


def inset(quad: Sequence[Point], by_m: Sequence[float]) -> tuple[Point, ...]:
    """A counterclockwise quadrilateral with each edge moved inwards by its own distance."""
    lines = []
    for k in range(4):
        start, end = quad[k], quad[(k + 1) % 4]
        inwards = bearing(start, end) - 90.0
        lines.append((step(start, inwards, by_m[k]), step(end, inwards, by_m[k])))
    return tuple(_meet(lines[k - 1], lines[k]) for k in range(4))


def _meet(first: tuple[Point, Point], second: tuple[Point, Point]) -> Point:
    (ax, ay), (bx, by) = first
    (cx, cy), (dx, dy) = second
    cross = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    share = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / cross
    return (ax + (bx - ax) * share, ay + (by - ay) * share)


def centre_of(points: Sequence[Point]) -> Point:
    """The mean of the corners."""
    return (sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points))


def smooth(line: Sequence[Point], *, closed: bool = False, rounds: int = 2) -> tuple[Point, ...]:
    """A line with its corners cut twice (Chaikin's rule); the ends of an open one stay."""
    for _ in range(rounds):
        pairs = list(itertools.pairwise([*line, line[0]] if closed else line))
        cut = [along(a, b, share) for a, b in pairs for share in (0.25, 0.75)]
        line = cut if closed else [line[0], *cut, line[-1]]
    return tuple(line)


def resample(line: Sequence[Point], spacing_m: float) -> list[Point]:
    """Points about `spacing_m` apart along a line, its corners included."""
    points = [line[0]]
    for start, end in itertools.pairwise(line):
        pieces = max(1, round(distance(start, end) / spacing_m))
        points.extend(along(start, end, (k + 1) / pieces) for k in range(pieces))
    return points


def runs(points: Sequence[Point], keep: Sequence[bool]) -> list[list[Point]]:
    """The unbroken stretches of a line whose points are all kept, each of two points or more."""
    stretches: list[list[Point]] = [[]]
    for point, wanted in zip(points, keep, strict=True):
        if wanted:
            stretches[-1].append(point)
        elif stretches[-1]:
            stretches.append([])
    return [stretch for stretch in stretches if len(stretch) > 1]
