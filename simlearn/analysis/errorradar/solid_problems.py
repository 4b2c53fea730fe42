"""Solids in oblique projection: box, cylinder, triangular prism, pyramid, a row of boxes."""

from __future__ import annotations

import numpy as np

from simlearn.analysis.errorradar.figure_drawing import PALE, WIDTH, Canvas, Point
from simlearn.analysis.errorradar.plane_composites import WRONG_AREAS
from simlearn.analysis.errorradar.problem_scene import PI_NOTE, Scene, between, coin, pick, several
from simlearn.analysis.errorradar.repeated_figures import repeat_figures
from simlearn.analysis.errorradar.solution_program import Pool

BACK = (0.42, -0.32)
"""How far right and down one unit of depth goes."""
WRONG_VOLUMES = ("length * width + height", "length + width + height", "length * width")


def box(rng: np.random.Generator) -> Scene:
    """A box: volume, surface, length of all edges."""
    pool, (length, width, height) = Pool(), several(rng, range(3, 21), 3)
    for name, value in (("length", length), ("width", width), ("height", height)):
        pool.read(name, f"the {name} of the box", value, "cm")
    own = {name: name for name in ("length", "width", "height")}
    pool.formula("inside", "volume of a box", "length * width * height", *WRONG_VOLUMES)
    pool.follow("volume", "the volume of the box", "cm³", "inside", **own)
    pool.formula(
        "outside",
        "surface area of a box",
        "2 * (floor + front + side)",
        "floor + front + side",
        "4 * (floor + front + side)",
        "2 * floor + front + side",
    )
    pool.formula("face", "area of a rectangle", "length * width", *WRONG_AREAS)
    for name, phrase, across, along in (
        ("floor", "the area of the floor", "length", "width"),
        ("front", "the area of the front", "length", "height"),
        ("side", "the area of one side wall", "width", "height"),
    ):
        pool.follow(name, phrase, "cm²", "face", length=across, width=along)
    faces = {name: name for name in ("floor", "front", "side")}
    pool.follow("surface", "the surface area of the box", "cm²", "outside", **faces)
    pool.formula(
        "edge_rule",
        "length of all edges of a box",
        "4 * (length + width + height)",
        "length + width + height",
        "3 * (length + width + height)",
        "2 * (length + width + height)",
    )
    pool.follow("edges", "the length of all edges", "cm", "edge_rule", **own)
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        scale = min(300 / (length + BACK[0] * width), 230 / (height - BACK[1] * width))
        left = WIDTH / 2 - (length + BACK[0] * width) * scale / 2
        place = (left, 290.0)
        _paint_box(canvas, place, (length * scale, width * scale, height * scale), fill)
        canvas.text((left + length * scale / 2, 305), f"{length} cm")
        canvas.text((left - 8, 290 - height * scale / 2), f"{height} cm", anchor="rm")
        right = left + (length + BACK[0] * width / 2) * scale
        canvas.text((right + 10, 298 + BACK[1] * width * scale / 2), f"{width} cm", anchor="lm")

    intro = f"The figure shows a {pick(rng, ('closed box', 'wooden block', 'parcel'))}."
    results = {"volume": ("volume", "cm³"), "surface": ("surface area", "cm²")}
    targets, more = repeat_figures(pool, rng, "boxes", {**results, "edges": ("edge length", "cm")})
    return Scene("box", "figure", intro + more, pool, targets, paint)


def _paint_box(
    canvas: Canvas, place: Point, sizes: tuple[float, float, float], fill: tuple[int, int, int]
) -> None:
    """A box from its lower left corner in front; length, depth and height in pixels."""
    x, y = place
    length, depth, height = sizes
    right, up = BACK[0] * depth, BACK[1] * depth
    front = [(x, y), (x + length, y), (x + length, y - height), (x, y - height)]
    back = [(px + right, py + up) for px, py in front]
    canvas.polygon(front, fill)
    canvas.polygon([front[3], front[2], back[2], back[3]], fill)
    canvas.polygon([front[1], back[1], back[2], front[2]], fill)
    canvas.line([front[0], back[0], back[1]], width=1, dashed=True)
    canvas.line([back[0], back[3]], width=1, dashed=True)


def cylinder(rng: np.random.Generator) -> Scene:
    """A cylinder: volume, curved surface."""
    pool, radius, height = Pool(), between(rng, 2, 12), between(rng, 4, 25)
    by_radius = coin(rng)
    if by_radius:
        pool.read("radius", "the radius of the base", radius, "cm")
    else:
        pool.read("diameter", "the diameter of the base", 2 * radius, "cm")
        pool.formula("half", "radius of a circle", "diameter / 2", "diameter * 2")
        pool.follow("radius", "the radius of the base", "cm", "half", diameter="diameter")
    pool.read("height", "the height of the cylinder", height, "cm")
    pool.formula(
        "circle",
        "area of a circle",
        "3.14 * radius * radius",
        "2 * 3.14 * radius",
        "3.14 * radius",
    )
    pool.follow("base", "the area of the base", "cm²", "circle", radius="radius")
    pool.formula(
        "inside",
        "volume of a cylinder",
        "base_area * height",
        "base_area * height / 3",
        "base_area + height",
    )
    pool.follow(
        "volume", "the volume of the cylinder", "cm³", "inside", base_area="base", height="height"
    )
    pool.formula(
        "curved",
        "curved surface of a cylinder",
        "2 * 3.14 * radius * height",
        "3.14 * radius * height",
        "3.14 * radius * radius * height",
    )
    pool.follow(
        "mantle",
        "the curved surface of the cylinder",
        "cm²",
        "curved",
        radius="radius",
        height="height",
    )
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        scale = min(110 / radius, 210 / height)
        wide, tall = radius * scale, height * scale
        x, low, flat = WIDTH / 2, 285.0 - radius * scale * 0.1, radius * scale * 0.3
        top = low - tall
        canvas.ellipse((x, low), wide, flat, fill)
        canvas.box(x - wide, top, x + wide, low, fill)
        canvas.ellipse((x, low), wide - 1, flat - 1, fill)
        canvas.ellipse((x, top), wide, flat, fill)
        start = x if by_radius else x - wide
        canvas.line([(start, top), (x + wide, top)])
        canvas.dot((x, top), 3)
        text = f"{radius if by_radius else 2 * radius} cm"
        canvas.text(((start + x + wide) / 2, top - flat - 12), text, size=15)
        canvas.text((x + wide + 10, (low + top) / 2), f"{height} cm", anchor="lm")

    intro = f"The figure shows a {pick(rng, ('tin', 'water tank', 'candle'))} shaped as a cylinder."
    results = {"volume": ("volume", "cm³"), "mantle": ("curved surface", "cm²")}
    targets, more = repeat_figures(pool, rng, "cylinders", results)
    return Scene("cylinder", "figure", intro + more, pool, targets, paint, PI_NOTE)


def prism(rng: np.random.Generator) -> Scene:
    """A prism on a right triangle: volume, area of its three rectangles."""
    legs = pick(rng, ((3, 4, 5), (6, 8, 10), (5, 12, 13), (9, 12, 15), (8, 15, 17)))
    pool, length = Pool(), between(rng, 6, 25)
    labels = ("short side", "upright side", "slanted side")
    for label, value in zip(labels, legs, strict=True):
        pool.read(label.split()[0], f"the {label} of the triangle", value, "cm")
    pool.read("length", "the length of the prism", length, "cm")
    pool.formula(
        "rule", "area of a right triangle", "base * height / 2", "base * height", "base + height"
    )
    pool.follow("base", "the area of the triangle", "cm²", "rule", base="short", height="upright")
    pool.formula(
        "inside",
        "volume of a prism",
        "base_area * length",
        "base_area * length / 3",
        "base_area * length / 2",
    )
    pool.follow(
        "volume", "the volume of the prism", "cm³", "inside", base_area="base", length="length"
    )
    pool.formula(
        "border",
        "perimeter of a right triangle",
        "short_side + upright_side + slanted_side",
        "short_side + upright_side",
        "(short_side + upright_side + slanted_side) / 2",
    )
    pool.follow(
        "around",
        "the perimeter of the triangle",
        "cm",
        "border",
        short_side="short",
        upright_side="upright",
        slanted_side="slanted",
    )
    pool.formula(
        "side_rule",
        "side surface of a prism",
        "perimeter * length",
        "perimeter * length / 2",
        "perimeter + length",
    )
    pool.follow(
        "sides",
        "the side surface of the prism",
        "cm²",
        "side_rule",
        perimeter="around",
        length="length",
    )
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        scale = min(170 / legs[0], 180 / legs[1])
        deep = min(max(length * 11, 150), 230)
        x, low = 110.0, 295.0
        a, b = (x, low), (x + legs[0] * scale, low)
        c = (x, low - legs[1] * scale)
        shift = (deep * 0.85, deep * -0.3)
        back = [(px + shift[0], py + shift[1]) for px, py in (a, b, c)]
        canvas.polygon([b, back[1], back[2], c], fill)
        canvas.polygon([a, b, c], fill)
        canvas.line([a, back[0], back[1]], width=1, dashed=True)
        canvas.line([back[0], back[2]], width=1, dashed=True)
        canvas.text(((a[0] + b[0]) / 2, low + 15), f"{legs[0]} cm")
        canvas.text((a[0] - 8, (a[1] + c[1]) / 2), f"{legs[1]} cm", anchor="rm")
        canvas.label_side(b, c, f"{legs[2]} cm", away=a, gap=13, size=14)
        canvas.label_side(b, back[1], f"{length} cm", away=c)

    intro = "The prism in the figure stands on a right triangle."
    results = {"volume": ("volume", "cm³"), "sides": ("side surface", "cm²")}
    targets, more = repeat_figures(pool, rng, "prisms", results)
    return Scene("prism", "figure", intro + more, pool, targets, paint)


def boxes(rng: np.random.Generator, count: int) -> Scene:
    """Up to four boxes in a row: volume of all, difference of the largest and the smallest."""
    pool = Pool()
    sizes = [several(rng, range(4, 14), 3) for _ in range(count)]
    pool.formula("rule", "volume of a box", "length * width * height", *WRONG_VOLUMES)
    letters = "ABCD"[:count]
    for letter, values in zip(letters, sizes, strict=True):
        names = {}
        for name, value in zip(("length", "width", "height"), values, strict=True):
            names[name] = pool.read(f"{name}{letter}", f"the {name} of box {letter}", value, "cm")
        pool.follow(f"volume{letter}", f"the volume of box {letter}", "cm³", "rule", **names)
    volumes = [f"volume{letter}" for letter in letters]
    pool.total("whole", "the volume of all boxes", "cm³", volumes, "volumes", steady=coin(rng))
    by_size = sorted(zip(letters, sizes, strict=True), key=lambda pair: -int(np.prod(pair[1])))
    big, small = by_size[0][0], by_size[-1][0]
    phrase = f"the difference of the volumes of box {big} and box {small}"
    pool.compute("more", phrase, "cm³", f"volume{big} - volume{small}")
    fills = several(rng, PALE, count)

    def paint(canvas: Canvas) -> None:
        room = 470 / count
        wide = max(values[0] + BACK[0] * values[1] for values in sizes)
        tall = max(values[2] - BACK[1] * values[1] for values in sizes)
        scale = min((room - 66) / wide, 200 / tall)
        for k, (letter, values) in enumerate(zip(letters, sizes, strict=True)):
            length, width, height = (value * scale for value in values)
            x = 8 + room * k + 36
            _paint_box(canvas, (x, 265.0), (length, width, height), fills[k])
            canvas.text((x + length / 2, 278), f"{values[0]} cm", size=12)
            canvas.text((x - 3, 265 - height / 2), f"{values[2]} cm", size=12, anchor="rm")
            side = (x + length + BACK[0] * width * 0.5 + 4, 274 + BACK[1] * width * 0.5)
            canvas.text(side, f"{values[1]} cm", size=12, anchor="lm")
            canvas.text((x + length / 2, 305), letter, size=18)

    intro = "Some boxes stand side by side, as the figure shows."
    return Scene("boxes", "figure", intro, pool, ("whole", "more"), paint)


SOLID_PROBLEMS = (box, cylinder, prism)
GROWING_SOLIDS = ((boxes, 2, 4),)
"""Template, fewest and most pieces."""
