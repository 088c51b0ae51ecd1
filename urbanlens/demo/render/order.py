"""What is drawn before what: a painter's order that holds for boxes, fences and points that do not overlap."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.scene import Camera, Point

_CORNERS = 4
_TOUCH_M = 0.06
_COLUMNS = 720


@dataclass(frozen=True)
class Item:
    """Something to draw: a convex footprint of 1 (tree), 2 (fence) or 4 (box) corners, and how far it spreads.

    `top_m` is as high as it reaches; a box that is solid up to `solid_m` hides what is behind and lower.
    """

    footprint: tuple[Point, ...]
    reach_m: float
    draw: Callable[[Canvas], None]
    top_m: float = np.inf
    solid_m: float = 0.0


def visible(items: Sequence[Item], camera: Camera, far_m: float = 1500.0) -> list[Item]:
    """Return the items of which something may lie in the camera's field of view."""
    heading, half = np.radians(camera.heading), np.radians(camera.field_of_view / 2)
    ahead = np.array([np.sin(heading), np.cos(heading)])
    right = np.array([ahead[1], -ahead[0]])
    if not items:
        return []
    # a pitched camera sees more to the sides near its own feet and top
    slope = np.tan(half) / max(np.cos(np.radians(abs(camera.pitch)) + half), 0.35)
    corners, reach = _corners(items, camera), np.array([item.reach_m for item in items])
    z, x = corners @ ahead, corners @ right
    margin = reach * (1 + slope)
    inside = (z.max(axis=1) > -reach * 0.5) & (z.min(axis=1) < far_m)
    inside &= ((x - slope * z).min(axis=1) < margin) & ((x + slope * z).max(axis=1) > -margin)
    return [items[int(k)] for k in np.flatnonzero(inside)]


def unhidden(items: Sequence[Item], camera: Camera) -> list[Item]:
    """Return the items less those that lie wholly behind nearer and, seen from the camera, taller boxes."""
    if len(items) < 2:
        return list(items)
    corners = _corners(items, camera)
    low, high = _bearings(items, corners, camera)
    distance = np.linalg.norm(corners, axis=-1)
    reach = np.array([item.reach_m for item in items])
    near, far = np.maximum(_nearest(corners), 0.1), distance.max(axis=1)
    rise = np.array([(item.top_m - camera.height_m, item.solid_m - camera.height_m) for item in items])
    tops = rise[:, 0] / np.where(rise[:, 0] > 0, np.maximum(near - reach, 0.1), far + reach)
    walls = rise[:, 1] / np.where(rise[:, 1] > 0, far, near)
    sharp_low, sharp_high = _bearings([replace(item, reach_m=0.0) for item in items], corners, camera)
    start, stop = (np.ceil((sharp_low + 90) * _COLUMNS / 180), np.floor((sharp_high + 90) * _COLUMNS / 180))
    first, last = (np.floor((low + 90) * _COLUMNS / 180), np.ceil((high + 90) * _COLUMNS / 180))
    skyline = np.full(_COLUMNS, -np.inf)
    walls_by_end = [k for k in np.argsort(far) if items[k].solid_m > 0 and sharp_high[k] - sharp_low[k] < 180]
    kept, added = [], 0
    for k in np.argsort(near - reach):
        while added < len(walls_by_end) and far[walls_by_end[added]] <= near[k] - reach[k]:
            w = walls_by_end[added]
            span = slice(int(np.clip(start[w], 0, _COLUMNS)), int(np.clip(stop[w], 0, _COLUMNS)))
            skyline[span] = np.maximum(skyline[span], walls[w])
            added += 1
        view = skyline[int(np.clip(first[k], 0, _COLUMNS - 1)) : int(np.clip(last[k], 1, _COLUMNS))]
        if view.min() < tops[k]:
            kept.append(int(k))
    return [items[k] for k in sorted(kept)]


def _corners(items: Sequence[Item], camera: Camera) -> NDArray[np.float64]:
    """Return corners (n, 4, 2) from the camera, the last one repeated."""
    table = [[item.footprint[min(c, len(item.footprint) - 1)] for c in range(_CORNERS)] for item in items]
    return np.asarray(np.array(table, np.float64) - (camera.east_m, camera.north_m))


def _nearest(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each outline's nearest point from the origin, (n,)."""
    along = np.roll(corners, -1, axis=1) - corners
    t = -(corners * along).sum(-1) / np.maximum((along * along).sum(-1), 1e-9)
    points = corners + np.clip(t, 0, 1)[..., None] * along
    return np.asarray(np.linalg.norm(points, axis=-1).min(axis=1))


def painted(items: Sequence[Item], camera: Camera) -> list[Item]:
    """Return items far to near.

    Where a footprint's edge line parts two items, the one on the camera's side comes later; where no edge does,
    the nearer one comes later. Items that do not overlap in bearing bind one another in no way.
    """
    if not items:
        return []
    distance, before = _constraints(items, camera)
    waiting = before.sum(axis=0)
    ready = [(-float(distance[k]), k) for k in range(len(items)) if waiting[k] == 0]
    heapq.heapify(ready)
    left = set(range(len(items)))
    order: list[int] = []
    while left:
        if ready:
            _, k = heapq.heappop(ready)
        else:  # a ring of overlaps: begin with the farthest
            k = max(left, key=lambda j: (float(distance[j]), j))
        if k not in left:
            continue
        left.remove(k)
        order.append(k)
        for j in np.flatnonzero(before[k]):
            waiting[j] -= 1
            if waiting[j] == 0 and int(j) in left:
                heapq.heappush(ready, (-float(distance[j]), int(j)))
    return [items[k] for k in order]


def _constraints(items: Sequence[Item], camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return distances (n,) and before[i, j]: i is drawn before j, (n, n)."""
    corners = _corners(items, camera)
    normals, offsets, real = _edges(items, corners)
    count = len(items)
    nx, ny, cx, cy = (part.reshape(-1) for part in (*np.moveaxis(normals, -1, 0), *np.moveaxis(corners, -1, 0)))
    side = nx[:, None] * cx[None, :] + ny[:, None] * cy[None, :]  # (4n, 4n): how far j's corner is beyond i's edge
    beyond = side.reshape(count, _CORNERS, count, _CORNERS)
    nearer = (np.minimum(beyond[..., 0], beyond[..., 1]), np.minimum(beyond[..., 2], beyond[..., 3]))
    least = np.minimum(*nearer) - offsets[:, :, None]
    apart = (least >= -_TOUCH_M) & real[:, :, None]
    outside = -offsets > 0  # the camera (the origin) lies outside of this edge
    front = (apart & outside[:, :, None]).any(axis=1)  # j cannot be hidden by i
    back = (apart & ~outside[:, :, None]).any(axis=1)  # j cannot hide i
    before = front | back.T
    distance = np.hypot(*corners.mean(axis=1).T)
    unsettled = ~(before | before.T)
    before = (before & ~before.T) | (unsettled & (distance[:, None] > distance[None, :]))
    np.fill_diagonal(before, False)
    return distance, before & _overlap(items, corners, camera)


def _edges(
    items: Sequence[Item], corners: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return outward unit normals (n, 4, 2), offsets (n, 4) and which edges exist (n, 4)."""
    counts = np.array([len(item.footprint) for item in items])
    following = np.roll(corners, -1, axis=1)
    two = counts == 2
    following[two, 1] = corners[two, 0]
    along = following - corners
    area = np.sum(
        corners[..., 0] * np.roll(corners[..., 1], -1, 1) - corners[..., 1] * np.roll(corners[..., 0], -1, 1), 1
    )
    sign = np.where((area < 0) & ~two, -1.0, 1.0)[:, None, None]
    normals = np.stack([along[..., 1], -along[..., 0]], axis=-1) * sign
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = normals / np.maximum(length, 1e-9)
    real = (length[..., 0] > 1e-6) & (np.arange(_CORNERS)[None, :] < np.where(counts == 1, 0, counts)[:, None])
    return normals, np.einsum("iec,iec->ie", normals, corners), real


def _overlap(items: Sequence[Item], corners: NDArray[np.float64], camera: Camera) -> NDArray[np.bool_]:
    """Return whether two items overlap in bearing, (n, n)."""
    low, high = _bearings(items, corners, camera)
    return np.asarray((low[:, None] < high[None, :]) & (low[None, :] < high[:, None]))


def _bearings(
    items: Sequence[Item], corners: NDArray[np.float64], camera: Camera
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first and last bearing of each item off the camera's axis, degrees, (n,) each."""
    bearing = np.degrees(np.arctan2(corners[..., 0], corners[..., 1]))
    relative = (bearing - camera.heading + 180) % 360 - 180
    away = np.maximum(np.linalg.norm(corners, axis=-1).min(axis=1), 0.1)
    spread = np.degrees(np.arcsin(np.clip(np.array([item.reach_m for item in items]) / away, 0, 1)))
    low, high = relative.min(axis=1) - spread, relative.max(axis=1) + spread
    around = high - low > 180
    return np.where(around, -360.0, low), np.where(around, 360.0, high)
