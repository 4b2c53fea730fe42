"""The tests' own table: what may be worked out from each figure, and how it is done rightly.

Written from the figures, not from the generator. A plan is a text in which ``[label]`` stands for
a value that is known by then, or a formula and what its words stand for.
"""

# ruff: noqa: RUF001

from __future__ import annotations

from itertools import pairwise

RIGHT_FORMULAS = {
    "radius of a circle": "diameter ÷ 2",
    "circumference of a circle": "2 × 3.14 × radius",
    "area of a circle": "3.14 × radius × radius",
    "area of a triangle": "base × height ÷ 2",
    "area of a right triangle": "base × height ÷ 2",
    "perimeter of a triangle": "left side + base + right side",
    "perimeter of a right triangle": "short side + upright side + slanted side",
    "area of a trapezium": "(top + bottom) × height ÷ 2",
    "perimeter of a trapezium": "top + bottom + left + right",
    "perimeter of a regular polygon": "number of sides × side",
    "area of a rectangle": "length × width",
    "perimeter of a rectangle": "2 × (length + width)",
    "volume of a box": "length × width × height",
    "surface area of a box": "2 × (floor + front + side)",
    "length of all edges of a box": "4 × (length + width + height)",
    "volume of a cylinder": "base area × height",
    "curved surface of a cylinder": "2 × 3.14 × radius × height",
    "volume of a prism": "base area × length",
    "side surface of a prism": "perimeter × length",
    "mean": "total ÷ number",
    "range": "largest - smallest",
    "part of a total": "total × percent ÷ 100",
    "points of a row": "points × children",
    "bags together": "right side - loose weights",
    "one bag": "bags together ÷ number",
    "matches in picture n": "first + (n - 1) × added",
    "matches in all n pictures": "(first + last) × n ÷ 2",
    "size of one gap": "distance ÷ number of gaps",
    "midpoint": "(left + right) ÷ 2",
    "brick": "left below + right below",
    "cost": "price × number",
    "change": "money paid - total cost",
    "length": "right end - left end",
    "number of nights": "last date - first date",
    "number of days": "last date - first date + 1",
}
ANGLE_SUMS = {"sides": "(number of sides - 2) × 180", "corners": "(number of corners - 2) × 180"}
RIGHT_FACTS = {
    "angle on a straight line": "180",
    "whole circle": "100",
    "1 hour": "60",
}


def right_formula(template, head):
    if head == "angle sum of a polygon":
        return ANGLE_SUMS["sides" if template == "regular_polygon" else "corners"]
    return RIGHT_FORMULAS[head]


def total(label, parts, things):
    """A sum in one line, or the last line of a running one; the lines before it."""
    plans = {label: ("total", parts, things)}
    for k in range(2, len(parts)):
        so_far = f"sum of the first {k} {things}"
        before = f"[{parts[0]}]" if k == 2 else f"[sum of the first {k - 1} {things}]"
        plans[so_far] = f"{before} + [{parts[k - 1]}]"
    return plans


def circle(row):
    radius = "radius of the circle"
    plans = {
        "circumference of the circle": ("circumference of a circle", {"radius": radius}),
        "area of the circle": ("area of a circle", {"radius": radius}),
    }
    if radius not in row["figure"]:
        plans[radius] = ("radius of a circle", {"diameter": "diameter of the circle"})
    return plans


def triangle(row):
    of = {k: f"{k} of the triangle" for k in ("base", "height", "left side", "right side")}
    return {
        "area of the triangle": ("area of a triangle", of),
        "perimeter of the triangle": ("perimeter of a triangle", of),
    }


def trapezium(row):
    of = {k: f"{k} side of the trapezium" for k in ("top", "bottom", "left", "right")}
    of["height"] = "height of the trapezium"
    return {
        "area of the trapezium": ("area of a trapezium", of),
        "perimeter of the trapezium": ("perimeter of a trapezium", of),
    }


def regular_polygon(row):
    of = {"number of sides": "number of sides", "side": "length of one side"}
    return {
        "perimeter of the polygon": ("perimeter of a regular polygon", of),
        "angle sum of the polygon": ("angle sum of a polygon", of),
        "angle at one corner": "[angle sum of the polygon] ÷ [number of sides]",
    }


def strips(row):
    parts = row["figure"]["parts"].split(", ")
    shaded = row["figure"]["shaded parts"].split(", ")
    plans = {
        f"area of part {k}": (
            "area of a rectangle",
            {"length": f"width of part {k}", "width": f"height of part {k}"},
        )
        for k in parts
    }
    plans |= total("area of the whole figure", [f"area of part {k}" for k in parts], "areas")
    return plans | total("shaded area", [f"area of part {k}" for k in shaded], "shaded areas")


def frame(row):
    plans = {}
    for name in ("outer", "inner"):
        of = {k: f"{k} of the {name} rectangle" for k in ("length", "width")}
        plans[f"area of the {name} rectangle"] = ("area of a rectangle", of)
        plans[f"perimeter of the {name} rectangle"] = ("perimeter of a rectangle", of)
    area, around = ([f"[{k} of the {n} rectangle]" for n in ("outer", "inner")]
                    for k in ("area", "perimeter"))  # fmt: skip
    return plans | {
        "area of the path": " - ".join(area),
        "length of both borders together": " + ".join(around),
        "difference of the two perimeters": " - ".join(around),
    }


def polygon_angles(row):
    known = [k for k in row["figure"] if k.startswith("angle at ")]
    corners = {"number of corners": "number of corners"}
    return {
        "sum of all angles": ("angle sum of a polygon", corners),
        **total("sum of the known angles", known, "angles"),
        "angle x": "[sum of all angles] - [sum of the known angles]",
        "angle y": "[angle on a straight line] - [angle x]",
    }


def box(row):
    of = {k: f"{k} of the box" for k in ("length", "width", "height")}
    faces = {"floor": "area of the floor", "front": "area of the front"}
    return {
        "volume of the box": ("volume of a box", of),
        "length of all edges": ("length of all edges of a box", of),
        "area of the floor": ("area of a rectangle", of),
        "area of the front": ("area of a rectangle", {**of, "width": of["height"]}),
        "area of one side wall": (
            "area of a rectangle",
            {"length": of["width"], "width": of["height"]},
        ),
        "surface area of the box": (
            "surface area of a box",
            {**faces, "side": "area of one side wall"},
        ),
    }


def cylinder(row):
    of = {"radius": "radius of the base", "height": "height of the cylinder"}
    plans = {
        "area of the base": ("area of a circle", of),
        "volume of the cylinder": (
            "volume of a cylinder",
            {**of, "base area": "area of the base"},
        ),
        "curved surface of the cylinder": ("curved surface of a cylinder", of),
    }
    if "radius of the base" not in row["figure"]:
        plans["radius of the base"] = (
            "radius of a circle",
            {"diameter": "diameter of the base"},
        )
    return plans


def prism(row):
    sides = [f"{k} side of the triangle" for k in ("short", "upright", "slanted")]
    of = {"length": "length of the prism"}
    return {
        "area of the triangle": (
            "area of a right triangle",
            {"base": sides[0], "height": sides[1]},
        ),
        "volume of the prism": ("volume of a prism", {**of, "base area": "area of the triangle"}),
        "perimeter of the triangle": (
            "perimeter of a right triangle",
            {label.removesuffix(" of the triangle"): label for label in sides},
        ),
        "side surface of the prism": (
            "side surface of a prism",
            {**of, "perimeter": "perimeter of the triangle"},
        ),
    }


def boxes(row):
    letters = [k[-1] for k in row["figure"] if k.startswith("length")]
    true = {}
    plans = {}
    for k in letters:
        of = {name: f"{name} of box {k}" for name in ("length", "width", "height")}
        plans[f"volume of box {k}"] = ("volume of a box", of)
        true[k] = 1
        for label in of.values():
            true[k] *= int(row["figure"][label])
    plans |= total("volume of all boxes", [f"volume of box {k}" for k in letters], "volumes")
    big, small = sorted(letters, key=lambda k: -true[k])[:: len(letters) - 1]
    label = f"difference of the volumes of box {big} and box {small}"
    return plans | {label: f"[volume of box {big}] - [volume of box {small}]"}


def chart(row):
    days = list(row["figure"])
    values = [int(row["figure"][k]) for k in days]
    ends = {
        "largest": days[values.index(max(values))],
        "smallest": days[values.index(min(values))],
    }
    return {
        **total("total of all days", days, "days"),
        "mean per day": ("mean", {"total": "total of all days", "number": "number of days"}),
        "range of the values": ("range", ends),
    }


def pie_chart(row):
    shares = list(row["figure"])
    words = {"bus", "bike", "scooter", "car", "train", "tram"}
    (last,) = {w for w in words if f"use the {w}" in row["asked"]}
    of = {"total": "number of pupils"}
    few, many = (f"number of pupils who {k} the {last}" for k in ("use", "do not use"))
    return {
        **total("sum of the known shares", shares, "shares"),
        f"share of the {last}": "[whole circle] - [sum of the known shares]",
        few: ("part of a total", {**of, "percent": f"share of the {last}"}),
        many: ("part of a total", {**of, "percent": "sum of the known shares"}),
    }


def frequency_table(row):
    letters = [k[-1] for k in row["figure"] if k.startswith("number of points")]
    plans = {}
    for k in letters:
        of = {"points": f"number of points per child in row {k}"}
        of["children"] = f"number of children in row {k}"
        plans[f"number of points of row {k}"] = ("points of a row", of)
    points = [f"number of points of row {k}" for k in letters]
    children = [f"number of children in row {k}" for k in letters]
    both = {"total": "number of points in all", "number": "number of children in all"}
    return {
        **plans,
        **total("number of points in all", points, "rows"),
        **total("number of children in all", children, "groups"),
        "mean number of points per child": ("mean", both),
    }


def balance(row):
    loose = [k for k in row["figure"] if k.endswith("on the left") and k.startswith("weight")]
    left = "loose weight on the left" if len(loose) > 1 else loose[0]
    plans = total(left, loose, "weights") if len(loose) > 1 else {}
    bags = "weight of all bags together"
    return plans | {
        bags: ("bags together", {"right side": "weight on the right", "loose weights": left}),
        "weight of one bag": (
            "one bag",
            {"bags together": bags, "number": "number of bags on the left"},
        ),
    }


def pattern(row):
    n = row["given"]["number of the picture"]
    one, two = ("number of matches in picture 1", "number of matches in picture 2")
    late, step = f"number of matches in picture {n}", "number of matches added each time"
    of = {"first": one, "n": "number of the picture"}
    return {
        step: f"[{two}] - [{one}]",
        late: ("matches in picture n", {**of, "added": step}),
        f"number of matches in pictures 1 to {n} together": (
            "matches in all n pictures",
            {**of, "last": late},
        ),
    }


def number_line(row):
    gap = {"distance": "distance from A to B", "number of gaps": "number of gaps from A to B"}
    return {
        "distance from A to B": "[number at B] - [number at A]",
        "size of one gap": ("size of one gap", gap),
        "distance from A to P": "[size of one gap] × [number of gaps from A to P]",
        "number at P": "[number at A] + [distance from A to P]",
        "number halfway between A and B": (
            "midpoint",
            {"left": "number at A", "right": "number at B"},
        ),
    }


def number_wall(row):
    below = [k[-1] for k in row["figure"]]
    plans, letter = {}, ord(below[-1])
    while len(below) > 1:
        above = []
        for left, right in pairwise(below):
            letter += 1
            above.append(chr(letter))
            words = {"left below": left, "right below": right}
            plans[f"number in brick {chr(letter)}"] = (
                "brick",
                {word: f"number in brick {k}" for word, k in words.items()},
            )
        below = above
    return plans


def price_tags(row):
    goods = [k.removeprefix("price of one ") for k in row["figure"]]
    plans = {
        f"cost of the {k}s": ("cost", {"price": f"price of one {k}", "number": f"number of {k}s"})
        for k in goods
    }
    words = {"money paid": "money paid", "total cost": "total cost"}
    plans |= total("total cost", [f"cost of the {k}s" for k in goods], "costs")
    return plans | {"change": ("change", words)}


def clocks(row):
    late = "number of minutes after the full hour on the {} clock"
    plans = {
        f"time on the {k} clock in minutes": (
            f"[full hour on the {k} clock] × [1 hour] + [{late.format(k)}]"
        )
        for k in ("start", "end")
    }
    end = "[time on the end clock in minutes]"
    return plans | {
        "length of the trip": f"{end} - [time on the start clock in minutes]",
        "time of noon in minutes": "[hour of noon] × [1 hour]",
        "time from the end of the trip until noon": f"[time of noon in minutes] - {end}",
    }


def ruler(row):
    ends = {"left end": "mark at the left end of pencil {}"}
    ends["right end"] = "mark at the right end of pencil {}"
    letters = [k[-1] for k in row["figure"] if "left end" in k]
    plans, true = {}, {}
    for k in letters:
        of = {word: label.format(k) for word, label in ends.items()}
        plans[f"length of pencil {k}"] = ("length", of)
        true[k] = int(row["figure"][of["right end"]]) - int(row["figure"][of["left end"]])
    parts = [f"length of pencil {k}" for k in letters]
    long, short = max(true, key=true.get), min(true, key=true.get)
    label = f"difference of the lengths of pencil {long} and pencil {short}"
    plans |= total("length of all pencils together", parts, "lengths")
    return plans | {label: f"[length of pencil {long}] - [length of pencil {short}]"}


def calendar(row):
    of = {"last date": "date of the last day", "first date": "date of the first day"}
    return {
        "number of nights": ("number of nights", of),
        "number of days": ("number of days", of),
        "cost of the room": "[price of one night] × [number of nights]",
        "cost of the meals": "[price of the meals of one day] × [number of days]",
        "cost of the whole holiday": "[cost of the room] + [cost of the meals]",
    }


def repeated(program, things, results):
    """The same, and what several figures have together where the question says how many."""

    def plans(row):
        found = program(row)
        times = row["given"].get(f"number of {things}")
        for what, one in results.items() if times else ():
            found[f"total {what} of the {times} {things}"] = f"[{one}] × [number of {things}]"
        return found

    plans.__name__ = program.__name__
    return plans


circle = repeated(
    circle,
    "circles",
    {"circumference": "circumference of the circle", "area": "area of the circle"},
)
triangle, trapezium = (
    repeated(
        program,
        f"{program.__name__}s",
        {k: f"{k} of the {program.__name__}" for k in ("area", "perimeter")},
    )
    for program in (triangle, trapezium)
)
regular_polygon = repeated(regular_polygon, "polygons", {"perimeter": "perimeter of the polygon"})
box = repeated(
    box,
    "boxes",
    {
        "volume": "volume of the box",
        "surface area": "surface area of the box",
        "edge length": "length of all edges",
    },
)
cylinder = repeated(
    cylinder,
    "cylinders",
    {k: f"{k} of the cylinder" for k in ("volume", "curved surface")},
)
prism = repeated(prism, "prisms", {k: f"{k} of the prism" for k in ("volume", "side surface")})

PROGRAMS = {
    **{f.__name__: f for f in (circle, triangle, trapezium, regular_polygon, strips, frame)},
    **{f.__name__: f for f in (polygon_angles, box, cylinder, prism, boxes, pie_chart)},
    **{f.__name__: f for f in (frequency_table, balance, pattern, number_line, number_wall)},
    **{f.__name__: f for f in (price_tags, clocks, ruler, calendar)},
    "bar_chart": chart,
    "line_chart": chart,
}
