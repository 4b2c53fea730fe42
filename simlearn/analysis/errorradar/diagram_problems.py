"""Charts and tables: bars, lines, a pie with a missing part, a table of how often."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from simlearn.analysis.errorradar.figure_drawing import HEIGHT, PALE, WIDTH, Canvas
from simlearn.analysis.errorradar.problem_scene import Scene, between, coin, pick, several
from simlearn.analysis.errorradar.solution_program import Pool

WRONG_MEANS = ("total - number", "total / 2", "total * number")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TOPICS = (
    ("books that a library lent out", "books", "the number for {}"),
    ("visitors of a small museum", "visitors", "the number for {}"),
    ("cups that a stall sold", "cups", "the number for {}"),
)
TURN = (math.cos, math.sin)
SLICES = ("bus", "bike", "scooter", "car", "train", "tram")


def bar_chart(rng: np.random.Generator, count: int) -> Scene:
    """Bars of ``count`` days with their values: mean, range."""
    return _values_by_day(rng, count, "bars")


def line_chart(rng: np.random.Generator, count: int) -> Scene:
    """A line of ``count`` days whose points lie on the grid: mean, range."""
    return _values_by_day(rng, count, "line")


def _values_by_day(rng: np.random.Generator, count: int, style: Literal["bars", "line"]) -> Scene:
    """A chart of ``count`` days, seven at most."""
    step = pick(rng, (2, 5, 10)) if style == "line" else 1
    story, unit, phrase = pick(rng, TOPICS)
    days = DAYS[:count]
    values = [step * k for k in several(rng, range(3, 15) if step > 1 else range(12, 60), count)]
    spare = sum(values) % (count * step)
    values[values.index(max(values))] += (count * step - spare) % (count * step)
    pool = Pool()
    for day, value in zip(days, values, strict=True):
        pool.read(day, phrase.format(day), value, unit)
    pool.formula("mean_rule", "mean", "total / number", *WRONG_MEANS)
    wrong = ("largest + smallest", "(largest + smallest) / 2", "largest / smallest")
    pool.formula("range_rule", "range", "largest - smallest", *wrong)
    pool.given("number", "the number of days", count)
    steady = coin(rng)
    pool.total("total", "the total of all days", unit, days, "days", steady=steady, whole=True)
    pool.follow("mean", "the mean per day", unit, "mean_rule", total="total", number="number")
    low, high = days[values.index(min(values))], days[values.index(max(values))]
    pool.count(
        "range",
        "the range of the values",
        unit,
        "range_rule",
        largest=high,
        smallest=low,
    )
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        top = max(values) // step + 1 if style == "line" else max(values) * 1.15 / step
        left, base, room = 70.0, 290.0, 380 / count
        each = 250 / top
        if style == "line":
            for k in range(int(top) + 1):
                canvas.line([(left, base - k * each), (450, base - k * each)], width=0.5)
                canvas.text((left - 8, base - k * each), str(k * step), size=12, anchor="rm")
        canvas.line([(left, 30), (left, base), (455, base)])
        spots = []
        for k, (day, value) in enumerate(zip(days, values, strict=True)):
            x, y = left + room * (k + 0.5), base - value / step * each
            spots.append((x, y))
            canvas.text((x, base + 16), day, size=14)
            if style == "bars":
                canvas.box(x - room * 0.3, y, x + room * 0.3, base, fill)
                canvas.text((x, y - 11), str(value), size=14)
        if style == "line":
            canvas.line(spots, width=2.5)
            for spot in spots:
                canvas.dot(spot)
        canvas.text((WIDTH / 2, HEIGHT - 14), unit, size=13)

    name = "bar_chart" if style == "bars" else "line_chart"
    intro = f"The chart shows the {story} on {count} days."
    return Scene(name, "chart", intro, pool, ("mean", "range"), paint)


def pie_chart(rng: np.random.Generator, count: int) -> Scene:
    """A pie of ``count`` parts, one share missing: how many these are, how many the others."""
    people = pick(rng, (40, 60, 80, 120, 160, 200, 240, 300))
    words = several(rng, SLICES, count)
    cuts = sorted(several(rng, range(1, 20), count - 1))
    shares = [5 * (b - a) for a, b in zip([0, *cuts], [*cuts, 20], strict=True)]
    pool = Pool()
    pool.given("pupils", "the number of pupils", people, "pupils")
    for word, share in zip(words[:-1], shares, strict=False):
        pool.read(word, f"the share of the {word}", share, "%")
    pool.fact("all", "whole circle", 100, "%", 360, 180, 90)
    wrong = ("total / percent", "total - percent", "total * percent / 10")
    pool.formula("rule", "part of a total", "total * percent / 100", *wrong)
    steady, last = coin(rng), words[-1]
    pool.total("known", "the sum of the known shares", "%", words[:-1], "shares", steady=steady)
    pool.compute("rest", f"the share of the {last}", "%", "all - known")
    phrases = {
        "few": f"the number of pupils who use the {last}",
        "many": f"the number of pupils who do not use the {last}",
    }
    for name, percent in (("few", "rest"), ("many", "known")):
        phrase = phrases[name]
        pool.count(name, phrase, "pupils", "rule", total="pupils", percent=percent)
    fills = several(rng, PALE, count)

    def paint(canvas: Canvas) -> None:
        centre, radius, start = (180.0, HEIGHT / 2), 140.0, -90.0
        for k, (word, share) in enumerate(zip(words, shares, strict=True)):
            end = start + 3.6 * share
            canvas.slice(centre, radius, start, end, fills[k])
            middle = math.radians((start + end) / 2)
            spot = [centre[i] + 0.75 * radius * f(middle) for i, f in enumerate(TURN)]
            text = "?" if word == last else f"{share}%"
            canvas.text((spot[0], spot[1]), text, size=13 if share < 10 else 15)
            canvas.box(360, 70 + 32 * k, 380, 90 + 32 * k, fills[k])
            canvas.text((390, 80 + 32 * k), word, anchor="lm")
            start = end

    intro = f"The pie chart shows how the {people} pupils of a school get there."
    return Scene("pie_chart", "chart", intro, pool, ("few", "many"), paint)


def frequency_table(rng: np.random.Generator, count: int) -> Scene:
    """A table of how often each of ``count`` numbers of points was reached: points in all, mean."""
    points = sorted(several(rng, range(2, 13), count))
    often = [between(rng, 2, 9) for _ in points]
    for _ in range(40):  # until the mean has at most two decimals
        if 100 * sum(a * b for a, b in zip(points, often, strict=True)) % sum(often) == 0:
            break
        often = [between(rng, 2, 9) for _ in points]
    pool = Pool()
    letters = "ABCDE"[:count]
    pool.formula(
        "rule", "points of a row", "points * children", "points + children", "points / children"
    )
    pool.formula("mean_rule", "mean", "total / number", *WRONG_MEANS)
    for letter, value, times in zip(letters, points, often, strict=True):
        pool.read(f"p{letter}", f"the number of points per child in row {letter}", value, "points")
        pool.read(f"n{letter}", f"the number of children in row {letter}", times, "children")
        names = {"points": f"p{letter}", "children": f"n{letter}"}
        phrase = f"the number of points of row {letter}"
        pool.count(f"row{letter}", phrase, "points", "rule", **names)
    steady = coin(rng)
    rows, children = [f"row{k}" for k in letters], [f"n{k}" for k in letters]
    pool.total(
        "total", "the number of points in all", "points", rows, "rows", steady=steady, whole=True
    )
    pool.total(
        "number",
        "the number of children in all",
        "children",
        children,
        "groups",
        steady=steady,
        whole=True,
    )
    pool.follow(
        "mean",
        "the mean number of points per child",
        "points",
        "mean_rule",
        total="total",
        number="number",
    )
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        tops = [40 + 44 * k for k in range(count + 1)]
        columns = (50, 120, 280, 430)
        heads = ("row", "points per child", "children")
        for row, top in enumerate(tops):
            texts = heads if row == 0 else (letters[row - 1], points[row - 1], often[row - 1])
            for k in range(3):
                colour = fill if row == 0 else (255, 255, 255)
                canvas.box(columns[k], top, columns[k + 1], top + 44, colour)
                canvas.text(((columns[k] + columns[k + 1]) / 2, top + 22), str(texts[k]))

    intro = "In a game every child got points. The table shows how many children got how many."
    return Scene("frequency_table", "table", intro, pool, ("total", "mean"), paint)


GROWING_DIAGRAMS = (
    (bar_chart, 3, 7),
    (line_chart, 3, 7),
    (pie_chart, 3, 6),
    (frequency_table, 2, 5),
)
"""Template, fewest and most pieces."""
