"""Rows of evaluated problems for tests: drawn, and as a hypothesis strategy."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from simlearn.analysis.errorradar.taxonomy import CATEGORIES

TYPES = ("algebra", "diagram", "zebra", "<b>")


def drawn_rows(n, seed=0, *, skill=0.4, right_solutions=False, types=TYPES):
    """``n`` rows of a model that knows an answer with probability ``skill``."""
    source = random.Random(seed)
    rows = []
    for _ in range(n):
        steps = source.randint(1, 9)
        gold = source.randint(0 if right_solutions else 1, steps)
        kind = source.choice(CATEGORIES) if gold else None
        knows = source.random() < skill
        pred = gold if knows else source.choice([None, *range(0, steps + 2)])
        said = kind if source.random() < skill else source.choice([None, *CATEGORIES])
        rows.append(row(gold, pred, steps, kind, said, source.choice(types)))
    return rows


def row(gold, pred, steps, kind, said, group):
    """A row with every field."""
    return {
        "gold_step": gold,
        "pred_step": pred,
        "n_steps": steps,
        "gold_category": kind,
        "pred_category": said,
        "problem_type": group,
    }


@st.composite
def one_row(draw):
    """Any valid row; predictions, category and type may be absent."""
    steps = draw(st.integers(1, 8))
    gold = draw(st.integers(0, steps))
    found = {"gold_step": gold, "n_steps": steps}
    if draw(st.booleans()):
        found["gold_category"] = draw(st.sampled_from([None, *CATEGORIES])) if gold else None
    if draw(st.integers(0, 4)):
        found["pred_step"] = draw(st.none() | st.integers(-1, steps + 2))
    if draw(st.integers(0, 4)):
        found["pred_category"] = draw(st.sampled_from([None, *CATEGORIES]))
    if draw(st.booleans()):
        found["problem_type"] = draw(st.sampled_from(["", *TYPES]))
    return found


def many_rows(least=0, most=25):
    """Lists of valid rows."""
    return st.lists(one_row(), min_size=least, max_size=most)


def flat(metrics, prefix=""):
    """Every number of a nested result by its path, nan as a word, so that results compare."""
    if isinstance(metrics, dict):
        parts = [flat(value, f"{prefix}/{key}") for key, value in metrics.items()]
        return {key: value for part in parts for key, value in part.items()}
    if isinstance(metrics, list):
        return flat(dict(enumerate(metrics)), prefix)
    return {prefix: "nan" if metrics != metrics else metrics}
