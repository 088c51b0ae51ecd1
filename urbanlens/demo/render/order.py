"""What is drawn before what: a painter's order that holds for boxes, fences and points that do not overlap."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.scene import Camera, Point

_CORNERS = 4
_TOUCH_M = 0.06


@dataclass(frozen=True)
class Item:
    """Something to draw: a convex footprint of 1 (tree), 2 (fence) or 4 (box) corners, and how far it spreads."""

    footprint: tuple[Point, ...]
    reach_m: float
    draw: Callable[[Canvas], None]


def visible(items: Sequence[Item], camera: Camera, far_m: float = 1500.0) -> list[Item]:
    """Return the items of which something may lie in the camera's field of view."""
    heading, half = np.radians(camera.heading), np.radians(camera.field_of_view / 2)
    ahead = np.array([np.sin(heading), np.cos(heading)])
    right = np.array([ahead[1], -ahead[0]])
    kept = []
    # a pitched camera sees more to the sides near its own feet and top
    slope = np.tan(half) / max(np.cos(np.radians(abs(camera.pitch)) + half), 0.35)
    for item in items:
        at = np.array(item.footprint) - (camera.east_m, camera.north_m)
        z, x = at @ ahead, at @ right
        margin = item.reach_m * (1 + slope)
        inside = z.max() > -item.reach_m * 0.5 and z.min() < far_m
        if inside and (x - slope * z).min() < margin and (x + slope * z).max() > -margin:
            kept.append(item)
    return kept


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
    corners = np.array([[item.footprint[min(c, len(item.footprint) - 1)] for c in range(_CORNERS)] for item in items])
    corners = corners - (camera.east_m, camera.north_m)
    normals, offsets, real = _edges(items, corners)
    side = np.einsum("iec,jpc->iejp", normals, corners) - offsets[:, :, None, None]  # > 0: outside of i's edge e
    apart = (side >= -_TOUCH_M).all(axis=3) & real[:, :, None]
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
    bearing = np.degrees(np.arctan2(corners[..., 0], corners[..., 1]))
    relative = (bearing - camera.heading + 180) % 360 - 180
    away = np.maximum(np.linalg.norm(corners, axis=-1).min(axis=1), 0.1)
    spread = np.degrees(np.arcsin(np.clip(np.array([item.reach_m for item in items]) / away, 0, 1)))
    low, high = relative.min(axis=1) - spread, relative.max(axis=1) + spread
    around = high - low > 180
    low, high = np.where(around, -360, low), np.where(around, 360, high)
    return np.asarray((low[:, None] < high[None, :]) & (low[None, :] < high[:, None]))
