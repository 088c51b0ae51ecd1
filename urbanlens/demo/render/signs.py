"""Signboards: kanji or Latin letters on fronts, on blades across them, and on poles."""

from __future__ import annotations

from functools import lru_cache
from math import cos, radians, sin
from pathlib import Path

import numpy as np
import skia

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.labels import label
from urbanlens.demo.render.palette import WHITE, Colour, Random, scaled
from urbanlens.demo.render.shapes import rectangles, rounded
from urbanlens.demo.scene import Building, FreeSign, Point3, Script, Sign
from urbanlens.errors import UrbanLensError

SIGN = label("signboard", "sign")
_POST = label("pole", "metal")
_FONT = Path(__file__).parent.parent / "fonts" / "signs.otf"
_FONT_SIZE = 32.0
_KANJI = (
    "酒", "寿司", "茶", "薬", "花", "湯", "麺", "米", "魚", "肉", "本屋", "食堂", "旅館", "銀行", "書道", "風月",
    "山川", "喫茶", "居酒屋", "古着", "美容室", "酒店", "花屋", "魚市場", "茶屋", "薬店", "東町", "北山",
    "中央駅", "麺食堂",
)  # fmt: skip
_LATIN = (
    "CAFE", "BANK", "HOTEL", "PLAZA", "MART", "BOOKS", "GYM", "DELI", "PARK", "BAR", "24H", "NOVA",
    "DINER", "TOOLS", "BAKERY", "CINEMA", "SHOES", "TAXI",
)  # fmt: skip
_BOARDS: tuple[tuple[Colour, Colour], ...] = (
    ((206, 44, 40), (255, 248, 236)), ((248, 244, 232), (44, 36, 40)), ((36, 84, 156), (250, 250, 246)),
    ((240, 190, 52), (70, 30, 26)), ((40, 118, 82), (250, 246, 228)), ((52, 44, 46), (250, 208, 96)),
    ((232, 110, 46), (255, 250, 236)), ((248, 246, 240), (196, 40, 44)),
)  # fmt: skip


@lru_cache(maxsize=1)
def _font() -> skia.Font:
    if not _FONT.exists():
        raise UrbanLensError(f"The demo's font {_FONT} is missing. Reinstall urbanlens with its data files.")
    return skia.Font(skia.Typeface.MakeFromFile(str(_FONT)), _FONT_SIZE)


def _word(script: Script, rng: Random, upright: bool) -> str:
    words = _KANJI if script == "kanji" else _LATIN
    word = words[int(rng.integers(len(words)))]
    if upright and len(word) < 2:
        word += words[int(rng.integers(len(words)))]
    return word


def _board_size(word: str, script: Script, letter_m: float, upright: bool) -> tuple[float, float]:
    wide = 1.0 if script == "kanji" else 0.74
    if upright:
        return letter_m * 1.3, letter_m * (1.04 * len(word) + 0.35)
    return letter_m * (wide * len(word) + 0.5), letter_m * 1.36


def draw_signs(canvas: Canvas, building: Building, origin: Point3, along: Point3) -> None:
    """Draw a building's signs: flat boards on the front, upright ones on blades across it, far ones first."""
    b = radians(building.front)
    out = (sin(b), cos(b), 0.0)
    faces = (canvas.eye[0] - origin[0]) * out[0] + (canvas.eye[1] - origin[1]) * out[1] > 0.02

    def foot(sign: Sign) -> Point3:
        s = sign.along * building.width_m
        return origin[0] + along[0] * s, origin[1] + along[1] * s, sign.height_m

    def away(sign: Sign) -> float:
        e, n, _ = foot(sign)
        return float(np.hypot(e - canvas.eye[0], n - canvas.eye[1]))

    for sign in sorted(building.signs, key=away, reverse=True):
        e, n, h = foot(sign)
        rng = np.random.default_rng(sign.seed)
        word = _word(sign.script, rng, sign.upright)
        width, height = _board_size(word, sign.script, sign.letter_m, sign.upright)
        if not sign.upright:
            if faces:
                left = (e - along[0] * width / 2 + out[0] * 0.08, n - along[1] * width / 2 + out[1] * 0.08, h)
                _board(canvas, (left, along), (word, sign.letter_m, False), (width, height), rng)
            continue
        # a blade: read from whichever side the eye is on
        beyond = (canvas.eye[0] - e) * along[0] + (canvas.eye[1] - n) * along[1]
        if abs(beyond) < 0.05:
            continue
        near, far = 0.12, 0.12 + width
        start, way = (near, out) if beyond < 0 else (far, (-out[0], -out[1], 0.0))
        left = (e + out[0] * start, n + out[1] * start, h)
        _board(canvas, (left, way), (word, sign.letter_m, True), (width, height), rng)


def draw_free_sign(canvas: Canvas, sign: FreeSign) -> None:
    """Draw a board on two posts, written on both sides."""
    rng = np.random.default_rng(sign.seed)
    word = _word(sign.script, rng, sign.upright)
    width, height = _board_size(word, sign.script, sign.letter_m, sign.upright)
    b = radians(sign.facing)
    front = (canvas.eye[0] - sign.at[0]) * sin(b) + (canvas.eye[1] - sign.at[1]) * cos(b) > 0
    along = (-cos(b), sin(b), 0.0) if front else (cos(b), -sin(b), 0.0)
    e, n = sign.at[0] - along[0] * width / 2, sign.at[1] - along[1] * width / 2
    with canvas.plane((e, n, 0.0), along, (0, 0, 1), flat=True):
        posts = [(width * k - 0.06, 0, 0.12, sign.height_m + height) for k in (0.12, 0.88)]
        canvas.fill(rectangles(posts), (92, 94, 100), _POST)
    _board(
        canvas,
        ((e, n, sign.height_m), along),
        (word, sign.letter_m, sign.upright),
        (width, height),
        rng,
    )


def _board(
    canvas: Canvas,
    place: tuple[Point3, Point3],
    text: tuple[str, float, bool],
    size: tuple[float, float],
    rng: Random,
) -> None:
    """Draw one board (lower left corner, way along it) with its letters."""
    word, letter, upright = text
    width, height = size
    ground, ink = _BOARDS[int(rng.integers(len(_BOARDS)))]
    shines = canvas.tone.lit > 0.3
    with canvas.plane(place[0], place[1], (0, 0, 1)):
        canvas.fill(rounded(-0.05, -0.05, width + 0.1, height + 0.1, 0.07), scaled(ground, 0.5), SIGN)
        canvas.fill(rounded(0, 0, width, height, 0.05), ground, glow=shines)
        if rng.random() < 0.5:
            rim = rounded(0.07, 0.07, width - 0.14, height - 0.14, 0.04)
            canvas.stroke(rim, ink, 0.05, alpha=170)
        else:
            canvas.fill(rectangles([(0, height * 0.5, width, height * 0.5)]), WHITE, alpha=22)
        _letters(canvas, word, (letter, upright), size, ink, shines)


def _letters(
    canvas: Canvas, word: str, style: tuple[float, bool], size: tuple[float, float], ink: Colour, shines: bool
) -> None:
    if not word or style[0] < 2 * canvas.pixel_m:
        return
    (letter, upright), (width, height) = style, size
    font = _font()
    if upright:
        step = (height - letter * 0.3) / len(word)
        scale = letter / _FONT_SIZE
        for k, sign in enumerate(word):
            x = (width - font.measureText(sign) * scale) / 2
            canvas.letter(
                skia.TextBlob(sign, font), x, height - letter * 0.2 - step * (k + 0.86), scale, ink, glow=shines
            )
        return
    scale = min(letter / _FONT_SIZE, width * 0.88 / font.measureText(word))
    x = (width - font.measureText(word) * scale) / 2
    canvas.letter(skia.TextBlob(word, font), x, (height - 0.74 * _FONT_SIZE * scale) / 2, scale, ink, glow=shines)
