"""Plane figures made of pieces: strips of rectangles, a frame, a polygon with a missing angle."""

from __future__ import annotations

import math

import numpy as np

from simlearn.analysis.errorradar.figure_drawing import HEIGHT, PALE, WIDTH, Canvas
from simlearn.analysis.errorradar.problem_scene import Scene, between, coin, pick, several
from simlearn.analysis.errorradar.solution_program import Pool

WRONG_AREAS = ("length + width", "2 * (length + width)", "length * width / 2")
WRONG_PERIMETERS = ("length + width", "2 * length + width", "length * width")


def strips(rng: np.random.Generator, count: int) -> Scene:
    """``count`` rectangles side by side, some of them shaded: whole area, shaded area."""
    letters = "ABCDE"[:count]
    widths, heights = (several(rng, range(3, 16), count) for _ in range(2))
    shaded = sorted(several(rng, letters, between(rng, 2, count - 1)))
    pool = Pool()
    pool.formula("rule", "area of a rectangle", "length * width", *WRONG_AREAS)
    for letter, width, height in zip(letters, widths, heights, strict=True):
        pool.read(f"w{letter}", f"the width of part {letter}", width, "cm")
        pool.read(f"h{letter}", f"the height of part {letter}", height, "cm")
        pool.follow(
            f"area{letter}",
            f"the area of part {letter}",
            "cm²",
            "rule",
            length=f"w{letter}",
            width=f"h{letter}",
        )
    steady = coin(rng)
    areas = [f"area{letter}" for letter in letters]
    pool.total("whole", "the area of the whole figure", "cm²", areas, "areas", steady=steady)
    dark = [f"area{letter}" for letter in shaded]
    pool.total("dark", "the shaded area", "cm²", dark, "shaded areas", steady=steady)
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        scale = min(420 / sum(widths), 220 / max(heights))
        x, low = WIDTH / 2 - sum(widths) * scale / 2, 290.0
        for letter, width, height in zip(letters, widths, heights, strict=True):
            right, top = x + width * scale, low - height * scale
            canvas.box(x, top, right, low, fill if letter in shaded else (255, 255, 255))
            middle = ((x + right) / 2, (low + top) / 2)
            canvas.text((middle[0], low - 14), letter, size=15)
            canvas.text((middle[0], low + 14), f"{width} cm", size=13)
            canvas.text((middle[0], top - 12), f"{height} cm", size=13)
            x = right

    intro = (
        f"The figure is made of {len(letters)} rectangles. The width of each stands below it and "
        "its height above it; the coloured parts are shaded."
    )
    marks = {"parts": ", ".join(letters), "shaded parts": ", ".join(shaded)}
    return Scene("strips", "figure", intro, pool, ("whole", "dark"), paint, marks=marks)


def frame(rng: np.random.Generator) -> Scene:
    """A rectangle with a rectangular hole: area that is left, length of both borders."""
    inner = [between(rng, 3, 14), between(rng, 3, 9)]
    outer = [inner[0] + between(rng, 3, 10), inner[1] + between(rng, 3, 8)]
    things = {"outer": outer, "inner": inner}
    pool = Pool()
    pool.formula("inside", "area of a rectangle", "length * width", *WRONG_AREAS[:2])
    pool.formula("around", "perimeter of a rectangle", "2 * (length + width)", *WRONG_PERIMETERS)
    for name, (length, width) in things.items():
        pool.read(f"l_{name}", f"the length of the {name} rectangle", length, "m")
        pool.read(f"w_{name}", f"the width of the {name} rectangle", width, "m")
        both = {"length": f"l_{name}", "width": f"w_{name}"}
        pool.follow(f"a_{name}", f"the area of the {name} rectangle", "m²", "inside", **both)
        pool.follow(f"p_{name}", f"the perimeter of the {name} rectangle", "m", "around", **both)
    pool.compute("left", "the area of the path", "m²", "a_outer - a_inner")
    pool.compute("border", "the length of both borders together", "m", "p_outer + p_inner")
    pool.compute("more", "the difference of the two perimeters", "m", "p_outer - p_inner")
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        scale = min(360 / outer[0], 240 / outer[1])
        for sizes, colour, name in ((outer, fill, "outer"), (inner, (255, 255, 255), "inner")):
            half = (sizes[0] * scale / 2, sizes[1] * scale / 2)
            box = (WIDTH / 2 - half[0], 160 - half[1], WIDTH / 2 + half[0], 160 + half[1])
            canvas.box(*box, colour)
            low = box[3] + 14 if name == "outer" else box[1] + 14
            canvas.text((WIDTH / 2, low), f"{sizes[0]} m", size=14)
            side = box[2] + 8 if name == "outer" else box[2] - 8
            anchor = "lm" if name == "outer" else "rm"
            canvas.text((side, 166), f"{sizes[1]} m", size=14, anchor=anchor)

    intro = "The figure shows a rectangular flower bed (white) with a path around it (coloured)."
    targets = ("left", "border", "more")
    return Scene("frame", "figure", intro, pool, targets, paint)


def polygon_angles(rng: np.random.Generator, count: int) -> Scene:
    """A polygon of ``count`` corners with all angles but one: that angle, and the one beside it."""
    arcs = _arcs(rng, count)
    angles = [180 - (arcs[k - 1] + arcs[k]) // 2 for k in range(count)]
    pool = Pool()
    letters = "ABCDEFGH"[: count - 1]
    for letter, angle in zip(letters, angles, strict=False):
        pool.read(f"angle{letter}", f"the angle at {letter}", angle, "°")
    pool.read("corners", "the number of corners", count)
    pool.formula(
        "rule",
        "angle sum of a polygon",
        "(number_of_corners - 2) * 180",
        "number_of_corners * 180",
        "(number_of_corners - 1) * 180",
        "number_of_corners * 90 + 90",
    )
    pool.fact("straight", "angle on a straight line", 180, "°", 360, 90, 200)
    pool.follow("all", "the sum of all angles", "°", "rule", number_of_corners="corners")
    parts = [f"angle{letter}" for letter in letters]
    steady = coin(rng)
    pool.total("known", "the sum of the known angles", "°", parts, "angles", steady=steady)
    pool.compute("x", "the angle x", "°", "all - known")
    pool.compute("y", "the angle y", "°", "straight - x")
    fill, turn = pick(rng, PALE), math.radians(90 + arcs[-1] / 2)

    def paint(canvas: Canvas) -> None:
        steps = [turn + math.radians(sum(arcs[:k])) for k in range(count)]
        middle = (WIDTH / 2, HEIGHT / 2 - 5)
        corners = [(middle[0] + 145 * math.cos(a), middle[1] + 145 * math.sin(a)) for a in steps]
        canvas.polygon(corners, fill)
        last, first = corners[-1], corners[0]
        far = math.dist(first, last)
        ray = tuple(last[k] + (last[k] - first[k]) / far * 85 for k in (0, 1))
        canvas.line([last, (ray[0], ray[1])])
        canvas.text((last[0] + 34, last[1] - 18), "y", size=16)
        for name, corner, angle in zip([*letters, "x"], corners, angles, strict=True):
            share = 0.76
            spot = tuple(middle[k] + (corner[k] - middle[k]) * share for k in (0, 1))
            text = name if name == "x" else f"{angle}°"
            canvas.text((spot[0], spot[1]), text, size=15)
            if name != "x":
                out = tuple(middle[k] + (corner[k] - middle[k]) * 1.1 for k in (0, 1))
                canvas.text((out[0], out[1]), name, size=15)

    intro = "In the polygon all angles but one are marked. One side is drawn on beyond its corner."
    return Scene("polygon_angles", "figure", intro, pool, ("x", "y"), paint)


def _arcs(rng: np.random.Generator, count: int) -> list[int]:
    """Even parts of a circle in degrees, none too small, whose neighbours differ."""
    least = 2 * (360 // count // 3)
    free = (360 - count * least) // 2
    cuts = sorted(between(rng, 0, free) for _ in range(count - 1))
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, free], strict=True)]
    return [least + 2 * part for part in parts]


PLANE_COMPOSITES = (frame,)
GROWING_PLANE = ((strips, 3, 5), (polygon_angles, 4, 8))
"""Template, fewest and most pieces."""
