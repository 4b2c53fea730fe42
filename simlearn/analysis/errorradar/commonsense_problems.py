"""Things of every day: price tags, two clocks, pencils on a ruler, a page of a calendar."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from simlearn.analysis.errorradar.figure_drawing import PALE, Canvas
from simlearn.analysis.errorradar.problem_scene import Scene, between, coin, pick, several
from simlearn.analysis.errorradar.solution_program import Pool

GOODS = ("pen", "ruler", "notebook", "eraser", "glue stick", "pencil", "folder", "marker")


def price_tags(rng: np.random.Generator, count: int) -> Scene:
    """``count`` things with prices, several of each: what all cost, the change."""
    goods = several(rng, GOODS, count)
    cents = several(rng, range(25, 600, 5), count)
    often = several(rng, range(2, 8), count)
    total = sum(a * b for a, b in zip(cents, often, strict=True))
    note = min(m for m in (10, 20, 50, 100, 200, 300, 500) if 100 * m > total + 100)
    pool = Pool()
    pool.given("paid", "the money paid", note, "dollars")
    pool.formula("rule", "cost", "price * number", "price + number", "price / number")
    costs = []
    for good, price, times in zip(goods, cents, often, strict=True):
        word = good.replace(" ", "_")
        pool.given(f"n_{word}", f"the number of {good}s", times)
        pool.read(f"p_{word}", f"the price of one {good}", Fraction(price, 100), "dollars")
        names = {"price": f"p_{word}", "number": f"n_{word}"}
        phrase = f"the cost of the {good}s"
        costs.append(pool.follow(f"c_{word}", phrase, "dollars", "rule", **names))
    pool.total("total", "the total cost", "dollars", costs, "costs", steady=coin(rng))
    pool.formula("back", "change", "money_paid - total_cost", "money_paid + total_cost")
    pool.follow("change", "the change", "dollars", "back", money_paid="paid", total_cost="total")
    fills = several(rng, PALE, count)

    def paint(canvas: Canvas) -> None:
        for k, (good, price) in enumerate(zip(goods, cents, strict=True)):
            x, y = 30 + 150 * (k % 3), 40 + 145 * (k // 3)
            tag = [(x, y + 40), (x + 25, y), (x + 130, y), (x + 130, y + 85), (x + 25, y + 85)]
            canvas.polygon(tag, fills[k])
            canvas.ellipse((x + 20, y + 42), 5, 5, (255, 255, 255))
            canvas.text((x + 78, y + 24), good, size=15)
            canvas.text((x + 78, y + 58), f"${price // 100}.{price % 100:02d}", size=20)

    items = [f"{times} {good}s" for good, times in zip(goods, often, strict=True)]
    intro = (
        f"Ben buys {', '.join(items[:-1])} and {items[-1]}. The price tags show what one of each "
        f"costs. He pays with {note} dollars."
    )
    return Scene("price_tags", "picture", intro, pool, ("total", "change"), paint)


def clocks(rng: np.random.Generator) -> Scene:
    """Two clocks of one morning: how long something took, how long it is until noon."""
    start = 60 * between(rng, 6, 9) + 5 * between(rng, 1, 11)
    end = min(start + 5 * between(rng, 7, 36), 60 * 11 + 55)
    end += 5 * (end % 60 == 0)
    pool = Pool()
    pool.fact("hour", "1 hour", 60, "minutes", 100, 30, 24)
    pool.given("noon", "the hour of noon", 12, "h")
    for word, minutes in (("start", start), ("end", end)):
        pool.read(f"h_{word}", f"the full hour on the {word} clock", minutes // 60, "h")
        pool.read(
            f"m_{word}",
            f"the number of minutes after the full hour on the {word} clock",
            minutes % 60,
            "minutes",
        )
        phrase = f"the time on the {word} clock in minutes"
        expression = f"h_{word} * hour + m_{word}"
        wrong = (f"h_{word} + hour + m_{word}", f"h_{word} * hour - m_{word}")
        pool.compute(f"t_{word}", phrase, "minutes", expression, *wrong)
    pool.compute("long", "the length of the trip", "minutes", "t_end - t_start")
    pool.compute("midday", "the time of noon in minutes", "minutes", "noon * hour")
    pool.compute(
        "rest", "the time from the end of the trip until noon", "minutes", "midday - t_end"
    )

    def paint(canvas: Canvas) -> None:
        for x, word, minutes in ((125, "start", start), (355, "end", end)):
            _paint_clock(canvas, (x, 150), minutes)
            canvas.text((x, 285), word, size=18)

    thing = pick(rng, ("A bus trip", "A school trip", "A boat trip"))
    intro = f"{thing} started and ended in the morning, before 12 h. The clocks show when."
    return Scene("clocks", "picture", intro, pool, ("long", "rest"), paint)


def _paint_clock(canvas: Canvas, centre: tuple[float, float], minutes: int) -> None:
    """A dial with numbers and two hands."""
    canvas.ellipse(centre, 105, 105, (255, 255, 255))

    def spot(turn: float, far: float) -> tuple[float, float]:
        angle = 2 * math.pi * turn - math.pi / 2
        return (centre[0] + far * math.cos(angle), centre[1] + far * math.sin(angle))

    for tick in range(60):
        canvas.line([spot(tick / 60, 98 if tick % 5 else 95), spot(tick / 60, 103)], width=1)
    for hour in range(1, 13):
        canvas.text(spot(hour / 12, 83), str(hour), size=14)
    canvas.line([centre, spot(minutes / 720, 48)], width=6)
    canvas.line([centre, spot(minutes % 60 / 60, 72)], width=3)
    canvas.dot(centre, 5)


def ruler(rng: np.random.Generator, count: int) -> Scene:
    """``count`` pencils above a ruler: length of all, difference of two."""
    starts = [between(rng, 1, 6) for _ in range(count)]
    lengths = several(rng, range(2, 9), count)
    pool, letters = Pool(), "ABCDE"[:count]
    pool.formula(
        "rule", "length", "right_end - left_end", "right_end + left_end", "right_end - left_end + 1"
    )
    for letter, start, length in zip(letters, starts, lengths, strict=True):
        pool.read(f"l{letter}", f"the mark at the left end of pencil {letter}", start, "cm")
        pool.read(
            f"r{letter}", f"the mark at the right end of pencil {letter}", start + length, "cm"
        )
        names = {"right_end": f"r{letter}", "left_end": f"l{letter}"}
        pool.follow(f"p{letter}", f"the length of pencil {letter}", "cm", "rule", **names)
    parts = [f"p{letter}" for letter in letters]
    pool.total(
        "all", "the length of all pencils together", "cm", parts, "lengths", steady=coin(rng)
    )
    long, short = (letters[lengths.index(f(lengths))] for f in (max, min))
    phrase = f"the difference of the lengths of pencil {long} and pencil {short}"
    pool.compute("more", phrase, "cm", f"p{long} - p{short}")
    fills = several(rng, PALE, count)

    def paint(canvas: Canvas) -> None:
        left, each, top = 25.0, 28.5, 255.0
        canvas.box(10, top, 470, top + 60, PALE[5])
        for mark in range(16):
            x = left + each * mark
            canvas.line([(x, top), (x, top + 16)], width=1.5)
            canvas.text((x, top + 30), str(mark), size=14)
            if mark < 15:
                canvas.line([(x + each / 2, top), (x + each / 2, top + 9)], width=1)
        canvas.text((452, top + 48), "cm", size=12)
        for k, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            y = 218 - 46 * k
            a, b = left + each * start, left + each * (start + length)
            body = [(a, y - 9), (b - 16, y - 9), (b, y), (b - 16, y + 9), (a, y + 9)]
            canvas.polygon(body, fills[k])
            canvas.text(((a + b) / 2 - 8, y), letters[k], size=13)
            for x in (a, b):
                canvas.line([(x, y + 12), (x, top)], width=1, dashed=True)

    intro = "Pencils lie above a ruler; dashed lines lead from their ends to its marks."
    return Scene("ruler", "picture", intro, pool, ("all", "more"), paint)


def calendar(rng: np.random.Generator) -> Scene:
    """A page with the first and last day of a holiday: nights, days, and what they cost."""
    first = between(rng, 2, 12)
    last = first + between(rng, 4, 16)
    price, day_price = 5 * between(rng, 6, 20), between(rng, 11, 30)
    pool, offset = Pool(), between(rng, 0, 6)
    pool.given("night", "the price of one night", price, "dollars")
    pool.given("meal", "the price of the meals of one day", day_price, "dollars")
    pool.read("first", "the date of the first day", first)
    pool.read("last", "the date of the last day", last)
    wrong = ("last_date - first_date - 1", "last_date + first_date")
    pool.formula(
        "nights_rule",
        "number of nights",
        "last_date - first_date",
        *wrong,
        "last_date - first_date + 1",
    )
    pool.formula(
        "days_rule",
        "number of days",
        "last_date - first_date + 1",
        *wrong,
        "last_date - first_date",
    )
    names = {"last_date": "last", "first_date": "first"}
    pool.follow("nights", "the number of nights", "", "nights_rule", **names)
    pool.follow("days", "the number of days", "", "days_rule", **names)
    pool.compute("rooms", "the cost of the room", "dollars", "night * nights")
    pool.compute("meals", "the cost of the meals", "dollars", "meal * days")
    pool.compute("all", "the cost of the whole holiday", "dollars", "rooms + meals")
    month, fill = pick(rng, ("May", "July", "August", "October")), pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        canvas.text((240, 24), month, size=20)
        for k, name in enumerate(("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")):
            canvas.text((60 + 60 * k, 56), name, size=14)
        for day in range(1, 32):
            cell = day - 1 + offset
            x, y = 60 + 60 * (cell % 7), 88 + 42 * (cell // 7)
            if day in (first, last):
                canvas.ellipse((x, y), 19, 17, fill)
            canvas.text((x, y), str(day), size=16)

    intro = (
        f"The first and the last day of a holiday are ringed in the calendar. A room costs {price} "
        f"dollars a night, the meals cost {day_price} dollars a day, also on the first and the "
        "last day."
    )
    return Scene("calendar", "calendar", intro, pool, ("rooms", "meals", "all"), paint)


COMMONSENSE_PROBLEMS = (clocks, calendar)
GROWING_COMMONSENSE = ((price_tags, 2, 6), (ruler, 2, 5))
"""Template, fewest and most pieces."""
