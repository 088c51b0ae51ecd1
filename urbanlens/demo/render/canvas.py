"""The camera and its two canvases: every shape goes to colours and to labels by one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import cos, log2, radians, sin, tan

import numpy as np
import skia
from numpy.typing import NDArray

from urbanlens.demo.render.labels import Label
from urbanlens.demo.render.palette import Colour, Tone
from urbanlens.demo.render.shapes import byte, polygon
from urbanlens.demo.render.textures import Texture
from urbanlens.demo.scene import Camera, Point3

NEAR_M = 0.3
PLANES_FROM = 256
LAST_CODE = 2047
_STEPS_PER_OCTAVE = 16.0

Vector = tuple[float, float, float]


class Canvas:
    """A picture in the making: colours (anti-aliased) and labels (not) drawn by the same primitives.

    A label pixel holds the object id in red, the material in the low 5 bits of green, and an 11-bit depth code in
    blue and the high bits of green: below `PLANES_FROM` a logarithmic distance, above it a row of `planes`.

    Parameters
    ----------
    camera
        Where the picture is taken from.
    tone
        The hour's palette; colours are tinted by it unless they glow.
    size
        Side of the square picture in pixels.
    """

    def __init__(self, camera: Camera, tone: Tone, size: int) -> None:
        self.camera, self.tone, self.size = camera, tone, size
        self.focal = size / 2 / tan(radians(camera.field_of_view) / 2)
        h, p = radians(camera.heading), radians(camera.pitch)
        self.eye = (camera.east_m, camera.north_m, camera.height_m)
        self.right: Vector = (cos(h), -sin(h), 0.0)
        self.forward: Vector = (sin(h) * cos(p), cos(h) * cos(p), sin(p))
        self.up: Vector = (-sin(h) * sin(p), -cos(h) * sin(p), cos(p))
        self.colours = np.zeros((size, size, 4), np.uint8)
        self.marks = np.zeros((size, size, 4), np.uint8)
        self._paint = skia.Canvas(self.colours, skia.kRGBA_8888_ColorType)
        self._label = skia.Canvas(self.marks, skia.kRGBA_8888_ColorType)
        self.planes: list[tuple[float, float, float, float]] = []
        self.code = 255
        self._frame: tuple[Vector, Vector, Vector] = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
        self.pixel_m = 0.0
        """Metres a pixel where the current plane is nearest to its origin; 0 outside a plane."""

    # geometry ---------------------------------------------------------------------------------------------------
    def view(self, point: Point3) -> Vector:
        """Return a world point in the camera's frame: right, up, forward, in metres."""
        return self.turn((point[0] - self.eye[0], point[1] - self.eye[1], point[2] - self.eye[2]))

    def turn(self, way: Vector) -> Vector:
        """Return a world direction in the camera's frame."""
        x, y, z = way
        r, u, f = self.right, self.up, self.forward
        return (r[0] * x + r[1] * y + r[2] * z, u[0] * x + u[1] * y + u[2] * z, f[0] * x + f[1] * y + f[2] * z)

    def pixel(self, seen: Vector) -> tuple[float, float]:
        """Return the pixel of a point in the camera's frame (its depth must be positive)."""
        k = self.focal / seen[2]
        return self.size / 2 + k * seen[0], self.size / 2 - k * seen[1]

    def horizon(self, bearing_off: float = 0.0) -> float:
        """Return the horizon's row in pixels, straight ahead."""
        p = radians(self.camera.pitch)
        return self.size / 2 + self.focal * tan(p) / max(cos(radians(bearing_off)), 0.2)

    def clipped(self, points: Sequence[Point3]) -> list[Vector]:
        """Return a polygon in the camera's frame, cut off at the near plane (empty if all is behind)."""
        seen = [self.view(point) for point in points]
        kept: list[Vector] = []
        for a, b in zip(seen, [*seen[1:], *seen[:1]], strict=True):
            if a[2] >= NEAR_M:
                kept.append(a)
            if (a[2] >= NEAR_M) != (b[2] >= NEAR_M):
                t = (NEAR_M - a[2]) / (b[2] - a[2])
                kept.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), NEAR_M))
        return kept

    def at_distance(self, distance_m: float) -> None:
        """Give what follows one distance from the camera, for haze."""
        self.code = int(np.clip(_STEPS_PER_OCTAVE * log2(max(distance_m, 0.5) * 2), 0, PLANES_FROM - 1))

    def on_plane(self, normal: Vector, offset: float) -> None:
        """Give what follows the distances of a plane in the camera's frame: normal . x = offset."""
        if PLANES_FROM + len(self.planes) <= LAST_CODE:
            self.planes.append((*normal, offset))
            self.code = PLANES_FROM + len(self.planes) - 1

    @contextmanager
    def plane(self, origin: Point3, along: Vector, upward: Vector, *, flat: bool = False) -> Iterator[None]:
        """Draw in metres on the plane origin + u * along + v * upward, in perspective.

        Parameters
        ----------
        flat
            Use one distance for the whole plane (small things); else each pixel has the plane's own.
        """
        o, u, v = self.view(origin), self.turn(along), self.turn(upward)
        f, c = self.focal, self.size / 2
        rows = [[f * p[0] + c * p[2] for p in (u, v, o)], [-f * p[1] + c * p[2] for p in (u, v, o)]]
        matrix = skia.Matrix.MakeAll(*rows[0], *rows[1], u[2], v[2], o[2])
        kept, kept_pixel, self._frame = self.code, self.pixel_m, (o, u, v)
        if flat:
            self.at_distance((o[0] ** 2 + o[1] ** 2 + o[2] ** 2) ** 0.5)
        else:
            n = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
            self.on_plane(n, n[0] * o[0] + n[1] * o[1] + n[2] * o[2])
        self.pixel_m = max(o[2], 1.0) / f
        for canvas in (self._paint, self._label):
            canvas.save()
            canvas.concat(matrix)
        try:
            yield
        finally:
            self._paint.restore()
            self._label.restore()
            self.code, self.pixel_m = kept, kept_pixel

    def cut(self, points: Sequence[tuple[float, float]], nearest: float = NEAR_M, farthest: float = 1e5) -> skia.Path:
        """Return a polygon of the current plane cut to a little more than what the camera sees.

        Depths are bounded by `nearest` and `farthest`, metres. Ground reaches behind the camera and to the horizon,
        farther than floats on the screen can.
        """
        o, u, v = self._frame
        wide = 0.8 * self.size / self.focal
        kept = [(float(a), float(b)) for a, b in points]
        sides = ((1, 0, wide, 0), (-1, 0, wide, 0), (0, 1, wide, 0), (0, -1, wide, 0))
        for x, y, z, least in ((0, 0, 1, nearest), (0, 0, -1, -farthest), *sides):
            c, a, b = (x * w[0] + y * w[1] + z * w[2] for w in (o, u, v))
            depth = [c + a * p + b * q - least for p, q in kept]
            cut: list[tuple[float, float]] = []
            for k, (p, d) in enumerate(zip(kept, depth, strict=True)):
                q, e = kept[k - 1], depth[k - 1]
                if (d >= 0) != (e >= 0):
                    t = e / (e - d)
                    cut.append((q[0] + t * (p[0] - q[0]), q[1] + t * (p[1] - q[1])))
                if d >= 0:
                    cut.append(p)
            kept = cut
        return polygon(kept)

    # primitives -------------------------------------------------------------------------------------------------
    def fill(
        self,
        path: skia.Path,
        colour: Colour,
        label: Label | None = None,
        *,
        alpha: float = 255,
        shader: skia.Shader | None = None,
        glow: bool = False,
    ) -> None:
        """Fill a path with a colour or a shader; with a label, mark the same pixels so."""
        paint = skia.Paint(AntiAlias=True, Color=self._ink(colour, alpha, glow))
        if shader is not None:
            paint.setShader(shader)
        self._paint.drawPath(path, paint)
        if label is not None:
            self._label.drawPath(path, skia.Paint(AntiAlias=False, Color=self._mark(label)))

    def overlay(self, path: skia.Path, texture: Texture) -> None:
        """Lay grain over a path; it keeps the label beneath."""
        back = skia.Matrix()
        if path.isEmpty() or not texture.matrix.invert(back):
            return
        moved = skia.Path()
        path.transform(back, moved)
        self._paint.save()
        self._paint.concat(texture.matrix)
        texture.paint.setAlphaf(min(sum(self.tone.tint) / 3, 1.0))  # grain shines no brighter than the hour
        self._paint.drawPath(moved, texture.paint)
        self._paint.restore()

    def stroke(
        self,
        path: skia.Path,
        colour: Colour,
        width: float,
        label: Label | None = None,
        *,
        alpha: float = 255,
        least: float = 0.0,
        glow: bool = False,
    ) -> None:
        """Stroke a path; its label is at least `least` wide (wires: one pixel)."""
        paint = skia.Paint(AntiAlias=True, Color=self._ink(colour, alpha, glow))
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        self._paint.drawPath(path, paint)
        if label is not None:
            mark = skia.Paint(AntiAlias=False, Color=self._mark(label))
            mark.setStyle(skia.Paint.kStroke_Style)
            mark.setStrokeWidth(max(width, least))
            mark.setStrokeJoin(skia.Paint.kRound_Join)
            self._label.drawPath(path, mark)

    def solid(
        self, points: Sequence[Point3], colour: Colour, label: Label | None = None, *, alpha: float = 255
    ) -> skia.Path | None:
        """Fill a polygon of world points, cut at the near plane; return its path on the screen."""
        kept = self.clipped(points)
        if len(kept) < 3:
            return None
        path = polygon([self.pixel(seen) for seen in kept])
        self.fill(path, colour, label, alpha=alpha)
        return path

    def rod(
        self, points: Sequence[Point3], width_m: float, colour: Colour, label: Label, *, least: float = 0.0
    ) -> None:
        """Draw a rod along world points, as wide as it looks at its middle, at least 0.7 pixels."""
        seen = [s for s in map(self.view, points) if s[2] > NEAR_M]
        if len(seen) < 2:
            return
        middle = seen[len(seen) // 2]
        path = polygon([self.pixel(s) for s in seen], close=False)
        width = min(max(self.focal * width_m / middle[2], 0.7), self.size / 8)
        kept = self.code
        self.at_distance((middle[0] ** 2 + middle[1] ** 2 + middle[2] ** 2) ** 0.5)
        self.stroke(path, colour, width, label, least=least)
        self.code = kept

    def letter(self, blob: skia.TextBlob, x: float, y: float, scale: float, colour: Colour, *, glow: bool) -> None:
        """Write letters with their base line at (x, y) of the current plane; they keep the label beneath."""
        self._paint.save()
        self._paint.translate(x, y)
        self._paint.scale(scale, -scale)
        self._paint.drawTextBlob(blob, 0, 0, skia.Paint(AntiAlias=True, Color=self._ink(colour, 255, glow)))
        self._paint.restore()

    @contextmanager
    def inside(self, path: skia.Path) -> Iterator[None]:
        """Draw only inside a path."""
        self._paint.save()
        self._label.save()
        self._paint.clipPath(path, doAntiAlias=True)
        self._label.clipPath(path, doAntiAlias=False)
        try:
            yield
        finally:
            self._paint.restore()
            self._label.restore()

    @staticmethod
    def untinted(tone: Tone) -> Tone:
        """Return the palette with white light, for what shines by itself: the sky."""
        return replace(tone, tint=(1.0, 1.0, 1.0))

    def _ink(self, colour: Colour, alpha: float, glow: bool) -> int:
        r, g, b = colour if glow else (c * t for c, t in zip(colour, self.tone.tint, strict=True))
        return int(skia.Color(byte(r), byte(g), byte(b), byte(alpha)))

    def _mark(self, label: Label) -> int:
        return int(skia.Color(label[0], label[1] | (self.code >> 8) << 5, self.code & 255))

    # results ----------------------------------------------------------------------------------------------------
    def distances(self) -> NDArray[np.float32]:
        """Return the distance in metres of each pixel (S, S), from its depth code."""
        codes = self.marks[..., 2].astype(np.int32) | (self.marks[..., 1] >> 5).astype(np.int32) << 8
        far = (0.5 * np.exp2(codes / _STEPS_PER_OCTAVE)).astype(np.float32)
        if not self.planes:
            return far
        table = np.array(self.planes, np.float32)[np.clip(codes - PLANES_FROM, 0, len(self.planes) - 1)]
        span = (np.arange(self.size, dtype=np.float32) + 0.5 - self.size / 2) / self.focal
        x, y = span[None, :], -span[:, None]
        slope = table[..., 0] * x + table[..., 1] * y + table[..., 2]
        depth = np.divide(table[..., 3], slope, out=np.full_like(far, 5000), where=np.abs(slope) > 1e-6)
        length = np.clip(np.where(depth > 0, depth, 5000), NEAR_M, 5000) * np.sqrt(x * x + y * y + 1)
        return np.where(codes >= PLANES_FROM, length, far).astype(np.float32)

    def labels(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return object ids and materials, each (S, S) uint8."""
        return self.marks[..., 0].copy(), self.marks[..., 1] & np.uint8(31)
