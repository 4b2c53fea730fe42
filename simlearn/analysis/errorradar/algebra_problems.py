"""Unknown numbers in pictures: a balance, a matchstick pattern, a number line, a number wall."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from simlearn.analysis.errorradar.figure_drawing import HEIGHT, PALE, WIDTH, Canvas
from simlearn.analysis.errorradar.problem_scene import Scene, between, coin, pick, several
from simlearn.analysis.errorradar.solution_program import Pool


def balance(rng: np.random.Generator) -> Scene:
    """Equal bags and loose weights on a balance: one bag, all bags together."""
    bags, each = between(rng, 2, 5), between(rng, 2, 15)
    loose = [between(rng, 1, 12) for _ in range(between(rng, 1, 3))]
    whole = bags * each + sum(loose)
    pool = Pool()
    pool.read("bags", "the number of bags on the left", bags)
    names = [
        pool.read(f"loose{k}", f"the weight {'ABC'[k]} on the left", kilos, "kg")
        for k, kilos in enumerate(loose)
    ]
    pool.read("right", "the weight on the right", whole, "kg")
    pool.formula(
        "rule",
        "bags together",
        "right_side - loose_weights",
        "right_side + loose_weights",
        "2 * (right_side - loose_weights)",
    )
    pool.formula(
        "share",
        "one bag",
        "bags_together / number",
        "bags_together * number",
        "bags_together - number",
    )
    left = names[0]
    if len(names) > 1:
        left = pool.total(
            "left", "the loose weight on the left", "kg", names, "weights", steady=coin(rng)
        )
    pool.follow(
        "together",
        "the weight of all bags together",
        "kg",
        "rule",
        right_side="right",
        loose_weights=left,
    )
    pool.follow(
        "one", "the weight of one bag", "kg", "share", bags_together="together", number="bags"
    )
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        canvas.line([(90, 210), (390, 210)], width=4)
        canvas.polygon([(240, 212), (205, 290), (275, 290)], PALE[7])
        canvas.line([(20, 200), (225, 200)], width=3)
        canvas.line([(265, 200), (460, 200)], width=3)
        canvas.line([(120, 200), (120, 210)])
        canvas.line([(360, 200), (360, 210)])
        for k in range(bags):
            x, y = 22 + 40 * (k % 3), 160 - 44 * (k // 3)
            canvas.ellipse((x + 19, y + 21), 18, 18, fill)
            canvas.text((x + 19, y + 21), "x kg", size=12)
        for k, kilos in enumerate(loose):
            top = 163 - 42 * k
            canvas.box(150, top, 222, top + 36, (255, 255, 255))
            canvas.text((186, top + 18), f"{'ABC'[k]}: {kilos} kg", size=13)
        canvas.box(305, 140, 405, 199, (255, 255, 255))
        canvas.text((355, 170), f"{whole} kg", size=18)

    intro = "The balance in the figure is level. All round bags weigh the same."
    return Scene("balance", "figure", intro, pool, ("one", "together"), paint)


def pattern(rng: np.random.Generator) -> Scene:
    """Rows of matchstick squares or triangles: matches in a late picture, in all of them."""
    step, number = pick(rng, (2, 3)), between(rng, 8, 30)
    first = step + 1
    pool = Pool()
    pool.given("number", "the number of the picture", number)
    pool.read("one", "the number of matches in picture 1", first, "matches")
    pool.read("two", "the number of matches in picture 2", first + step, "matches")
    pool.compute(
        "step", "the number of matches added each time", "matches", "two - one", whole=True
    )
    pool.formula(
        "rule",
        "matches in picture n",
        "first + (n - 1) * added",
        "first + n * added",
        "first * n",
        "(first + added) * n",
    )
    phrase = f"the number of matches in picture {number}"
    words = {"first": "one", "n": "number", "added": "step"}
    pool.count("last", phrase, "matches", "rule", **words)
    pool.formula(
        "all_rule",
        "matches in all n pictures",
        "(first + last) * n / 2",
        "(first + last) * n",
        "first + last",
        "last * n",
    )
    phrase = f"the number of matches in pictures 1 to {number} together"
    words = {"first": "one", "last": "last", "n": "number"}
    pool.count("all", phrase, "matches", "all_rule", **words)

    def paint(canvas: Canvas) -> None:
        for picture, (x, y) in enumerate(((60, 60), (260, 60), (60, 200)), start=1):
            _paint_row(canvas, (x, y), picture, step == 3)
            canvas.text((x + 60, y + 76), f"picture {picture}", size=15)
        canvas.text((330, 230), "and so on", size=16)

    shape = "squares" if step == 3 else "triangles"
    intro = (
        f"Matches are laid in rows of {shape}, one more in each picture, and so on up to "
        f"picture {number}."
    )
    return Scene("pattern", "figure", intro, pool, ("last", "all"), paint)


def _paint_row(canvas: Canvas, place: tuple[int, int], count: int, squares: bool) -> None:
    """A row of shapes that share their sides; every match has a gap to the next."""
    x, y = place
    side, tall = 50, 50 if squares else 43
    if squares:
        lines = [((k * side, 0), (k * side, tall)) for k in range(count + 1)]
        for k in range(count):
            lines += [((k * side, h), ((k + 1) * side, h)) for h in (0, tall)]
    else:
        corners = [(k * side // 2, tall if k % 2 == 0 else 0) for k in range(count + 2)]
        lines = list(pairwise(corners))
        lines += list(zip(corners, corners[2:], strict=False))
    for (ax, ay), (bx, by) in lines:
        ends = [(x + ax + (bx - ax) * share, y + ay + (by - ay) * share) for share in (0.09, 0.91)]
        canvas.line(ends, width=3.5)
        canvas.dot(ends[1], 3.2)


def number_line(rng: np.random.Generator) -> Scene:
    """Two labelled marks and equal gaps between: where P is, where the middle is."""
    gaps = pick(rng, (2, 4, 5, 8, 10))
    gap = pick(rng, (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25))
    start, steps = between(rng, 3, 60), between(rng, 1, gaps - 1)
    end = start + gaps * gap
    pool = Pool()
    pool.read("start", "the number at A", start)
    pool.read("end", "the number at B", end)
    pool.read("gaps", "the number of gaps from A to B", gaps)
    pool.read("steps", "the number of gaps from A to P", steps)
    pool.compute("far", "the distance from A to B", "", "end - start")
    pool.formula(
        "rule",
        "size of one gap",
        "distance / number_of_gaps",
        "distance / (number_of_gaps + 1)",
        "distance * number_of_gaps",
        "distance - number_of_gaps",
    )
    pool.follow("gap", "the size of one gap", "", "rule", distance="far", number_of_gaps="gaps")
    pool.compute("part", "the distance from A to P", "", "gap * steps")
    pool.compute("p", "the number at P", "", "start + part")
    pool.formula("middle", "midpoint", "(left + right) / 2", "(right - left) / 2", "left + right")
    pool.follow("m", "the number halfway between A and B", "", "middle", left="start", right="end")

    def paint(canvas: Canvas) -> None:
        left, right, y = 60.0, 420.0, HEIGHT / 2
        canvas.arrow((25, y), (460, y))
        for k in range(gaps + 1):
            x = left + (right - left) * k / gaps
            canvas.line([(x, y - 10), (x, y + 10)])
            name = {0: "A", gaps: "B", steps: "P"}.get(k, "")
            canvas.text((x, y - 28), name, size=18)
        canvas.text((left, y + 28), str(start), size=17)
        canvas.text((right, y + 28), str(end), size=17)

    intro = "On the number line in the figure all gaps between neighbouring marks are equal."
    return Scene("number_line", "figure", intro, pool, ("p", "m"), paint)


def number_wall(rng: np.random.Generator, wide: int) -> Scene:
    """A wall on ``wide`` bricks that are sums of the two below: the top one, one just below it."""
    pool = Pool()
    base = several(rng, range(2, 30), wide)
    wrong = ("(left_below + right_below) / 2", "left_below + right_below + 1", "2 * left_below")
    pool.formula("rule", "brick", "left_below + right_below", *wrong)
    letters = iter("ABCDEFGHIJKLMNOP")
    rows = [[next(letters) for _ in range(wide - k)] for k in range(wide)]
    for letter, value in zip(rows[0], base, strict=True):
        pool.read(letter, f"the number in brick {letter}", value)
    for below, row in pairwise(rows):
        for k, letter in enumerate(row):
            names = {"left_below": below[k], "right_below": below[k + 1]}
            pool.follow(letter, f"the number in brick {letter}", "", "rule", **names)
    fill = pick(rng, PALE)

    def paint(canvas: Canvas) -> None:
        size, tall = 420 / wide, 52
        for level, row in enumerate(rows):
            left = WIDTH / 2 - len(row) * size / 2
            for k, letter in enumerate(row):
                x, y = left + k * size, 285 - (level + 1) * tall
                canvas.box(x, y, x + size, y + tall, fill if level else (255, 255, 255))
                text = letter if level else f"{letter}: {base[k]}"
                canvas.text((x + size / 2, y + tall / 2), text)

    intro = "The figure shows a number wall, of the kind that is built by adding."
    targets = (rows[-1][0], *rows[-2])
    return Scene("number_wall", "figure", intro, pool, targets, paint)


ALGEBRA_PROBLEMS = (balance, pattern, number_line)
GROWING_ALGEBRA = ((number_wall, 3, 5),)
"""Template, fewest and most pieces."""
