"""Plane figures with one outline: circle, triangle, trapezium, regular polygon."""

from __future__ import annotations

import math

import numpy as np

from simlearn.analysis.errorradar.figure_drawing import HEIGHT, PALE, WIDTH, Canvas
from simlearn.analysis.errorradar.problem_scene import PI_NOTE, Scene, between, coin, pick, several
from simlearn.analysis.errorradar.repeated_figures import repeat_figures
from simlearn.analysis.errorradar.solution_program import Pool

TRIPLES = {12: ((5, 13), (9, 15), (16, 20), (35, 37)), 24: ((7, 25), (10, 26), (18, 30), (32, 40))}
"""Height -> (foot, slope) of right triangles with whole sides."""
POLYGONS = {5: "pentagon", 6: "hexagon", 8: "octagon", 9: "nonagon", 10: "decagon"}


def circle(rng: np.random.Generator) -> Scene:
    """A circle with its radius or its diameter: circumference, area."""
    pool, radius, by_radius = Pool(), between(rng, 2, 20), coin(rng)
    if by_radius:
        pool.read("radius", "the radius of the circle", radius, "cm")
    else:
        pool.read("diameter", "the diameter of the circle", 2 * radius, "cm")
        pool.formula("half", "radius of a circle", "diameter / 2", "diameter * 2")
        pool.follow("radius", "the radius of the circle", "cm", "half", diameter="diameter")
    pool.formula(
        "around",
        "circumference of a circle",
        "2 * 3.14 * radius",
        "3.14 * radius",
        "3.14 * radius * radius",
    )
    pool.formula(
        "inside",
        "area of a circle",
        "3.14 * radius * radius",
        "2 * 3.14 * radius",
        "3.14 * radius",
        "2 * 3.14 * radius * radius",
    )
    pool.follow("length", "the circumference of the circle", "cm", "around", radius="radius")
    pool.follow("area", "the area of the circle", "cm²", "inside", radius="radius")
    fill, turn = pick(rng, PALE), float(rng.uniform(-0.5, 0.5))
    thing = pick(rng, ("a circle", "a round table top", "a round pond"))
    results = {"length": ("circumference", "cm"), "area": ("area", "cm²")}
    targets, more = repeat_figures(pool, rng, "circles", results)

    def paint(canvas: Canvas) -> None:
        centre, size = (WIDTH / 2, HEIGHT / 2), 90 + 2.5 * radius
        canvas.ellipse(centre, size, size, fill)
        end = (centre[0] + size * math.cos(turn), centre[1] + size * math.sin(turn))
        start = centre if by_radius else (2 * centre[0] - end[0], 2 * centre[1] - end[1])
        canvas.line([start, end])
        canvas.dot(centre)
        text = f"{radius if by_radius else 2 * radius} cm"
        canvas.label_side(start, end, text, away=(centre[0], HEIGHT), gap=17)

    intro = f"The figure shows {thing}.{more}"
    return Scene("circle", "figure", intro, pool, targets, paint, PI_NOTE)


def triangle(rng: np.random.Generator) -> Scene:
    """A triangle with its height and all sides: area, perimeter."""
    height = pick(rng, (12, 24))
    (left, slope), (right, other) = several(rng, TRIPLES[height][:3], 2)
    times = between(rng, 1, 3) if height == 12 else 1
    pool = Pool()
    values = {"base": left + right, "height": height, "left side": slope, "right side": other}
    values = {name: value * times for name, value in values.items()}
    names = {
        name: pool.read(name.replace(" ", "_"), f"the {name} of the triangle", value, "cm")
        for name, value in values.items()
    }
    pool.formula(
        "inside",
        "area of a triangle",
        "base * height / 2",
        "base * height",
        "base + height",
        "(base + height) / 2",
    )
    pool.formula(
        "around",
        "perimeter of a triangle",
        "left_side + base + right_side",
        "left_side + base + height",
        "left_side + right_side",
        "(left_side + base + right_side) / 2",
    )
    pool.follow("area", "the area of the triangle", "cm²", "inside", base="base", height="height")
    pool.follow(
        "length",
        "the perimeter of the triangle",
        "cm",
        "around",
        left_side=names["left side"],
        base="base",
        right_side=names["right side"],
        height="height",
    )
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        scale = min(400 / (left + right), 230 / height)
        low, x = 290.0, WIDTH / 2 - (left + right) * scale / 2
        a, b = (x, low), (x + (left + right) * scale, low)
        foot, top = (x + left * scale, low), (x + left * scale, low - height * scale)
        canvas.polygon([a, b, top], fill)
        canvas.line([top, foot], dashed=True)
        canvas.line([(foot[0] + 9, low), (foot[0] + 9, low - 9), (foot[0], low - 9)], width=1)
        canvas.label_side(a, b, f"{values['base']} cm", away=top)
        canvas.label_side(a, top, f"{values['left side']} cm", away=b)
        canvas.label_side(b, top, f"{values['right side']} cm", away=a)
        side, anchor = (6, "lm") if right > left else (-6, "rm")
        spot = (foot[0] + side, (low + top[1]) / 2 + 40)
        canvas.text(spot, f"{values['height']} cm", size=15, anchor=anchor)

    intro = "Look at the triangle in the figure. The dashed line is its height."
    results = {"area": ("area", "cm²"), "length": ("perimeter", "cm")}
    targets, more = repeat_figures(pool, rng, "triangles", results)
    return Scene("triangle", "figure", intro + more, pool, targets, paint)


def trapezium(rng: np.random.Generator) -> Scene:
    """An isosceles trapezium with its height and all sides: area, perimeter."""
    height = pick(rng, (12, 24))
    foot, slope = pick(rng, TRIPLES[height][:3])
    top = between(rng, 8, 30)
    pool = Pool()
    values = {"bottom": top + 2 * foot, "top": top, "height": height, "left": slope, "right": slope}
    phrases = {name: f"the {name} side of the trapezium" for name in values}
    phrases["height"] = "the height of the trapezium"
    for name, value in values.items():
        pool.read(name, phrases[name], value, "cm")
    pool.formula(
        "inside",
        "area of a trapezium",
        "(top + bottom) * height / 2",
        "(top + bottom) * height",
        "bottom * height",
        "top * bottom / 2",
    )
    pool.formula(
        "around",
        "perimeter of a trapezium",
        "top + bottom + left + right",
        "top + bottom + height",
        "2 * (top + bottom)",
        "top + bottom",
    )
    sides = {name: name for name in values}
    pool.follow("area", "the area of the trapezium", "cm²", "inside", **_only(sides, "left right"))
    pool.follow("length", "the perimeter of the trapezium", "cm", "around", **sides)
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        scale = min(380 / values["bottom"], 220 / height)
        low, x = 285.0, WIDTH / 2 - values["bottom"] * scale / 2
        a, b = (x, low), (x + values["bottom"] * scale, low)
        c, d = (b[0] - foot * scale, low - height * scale), (x + foot * scale, low - height * scale)
        canvas.polygon([a, b, c, d], fill)
        spot = d[0] + (c[0] - d[0]) * 0.3
        canvas.line([(spot, d[1]), (spot, low)], dashed=True)
        canvas.text((spot + 6, (low + d[1]) / 2), f"{height} cm", size=15, anchor="lm")
        middle = (WIDTH / 2, (low + d[1]) / 2)
        for start, end, name in ((a, b, "bottom"), (c, d, "top"), (a, d, "left"), (b, c, "right")):
            canvas.label_side(start, end, f"{values[name]} cm", away=middle)

    intro = "The figure shows a trapezium; the dashed line is its height."
    results = {"area": ("area", "cm²"), "length": ("perimeter", "cm")}
    targets, more = repeat_figures(pool, rng, "trapeziums", results)
    return Scene("trapezium", "figure", intro + more, pool, targets, paint)


def _only(words: dict[str, str], without: str) -> dict[str, str]:
    """All words but some."""
    return {word: name for word, name in words.items() if word not in without.split()}


def regular_polygon(rng: np.random.Generator) -> Scene:
    """A regular polygon whose corners must be counted: perimeter, angle at a corner."""
    sides, side = pick(rng, tuple(POLYGONS)), between(rng, 3, 25)
    pool = Pool()
    pool.read("sides", "the number of sides", sides)
    pool.read("side", "the length of one side", side, "cm")
    pool.formula(
        "around",
        "perimeter of a regular polygon",
        "number_of_sides * side",
        "number_of_sides + side",
        "side * side",
    )
    pool.formula(
        "angles",
        "angle sum of a polygon",
        "(number_of_sides - 2) * 180",
        "number_of_sides * 180",
        "(number_of_sides - 1) * 180",
        "(number_of_sides - 2) * 90",
    )
    pool.follow(
        "length",
        "the perimeter of the polygon",
        "cm",
        "around",
        number_of_sides="sides",
        side="side",
    )
    pool.follow("sum", "the angle sum of the polygon", "°", "angles", number_of_sides="sides")
    pool.compute("angle", "the angle at one corner", "°", "sum / sides")
    fill, turn = pick(rng, PALE), math.pi / 2 - math.pi / sides

    def paint(canvas: Canvas) -> None:
        steps = [turn + 2 * math.pi * k / sides for k in range(sides)]
        corners = [(WIDTH / 2 + 125 * math.cos(a), 160 + 125 * math.sin(a)) for a in steps]
        canvas.polygon(corners, fill)
        canvas.label_side(corners[0], corners[1], f"{side} cm", away=(WIDTH / 2, 160))

    intro = "All sides of the polygon in the figure are equal and so are all its angles."
    targets, more = repeat_figures(pool, rng, "polygons", {"length": ("perimeter", "cm")})
    return Scene("regular_polygon", "figure", intro + more, pool, (*targets, "angle"), paint)


PLANE_PROBLEMS = (circle, triangle, trapezium, regular_polygon)
