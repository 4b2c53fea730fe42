"""Rows of a table under masks, drawn, and metrics of them by another way."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.taxonomy import CATEGORIES


def golds(count, seed=0):
    """What is right about some problems."""
    g = np.random.default_rng(seed)
    found = []
    for n in range(count):
        steps = int(g.integers(1, 6))
        step = int(g.integers(0, steps + 1)) if g.random() < 0.2 else int(g.integers(1, steps + 1))
        category = None if not step or g.random() < 0.1 else str(g.choice(CATEGORIES))
        found.append(
            {"id": f"p{n}", "gold_step": step, "n_steps": steps, "gold_category": category}
        )
    return found


def answered(problems, *, skill, seed, ask=("pred_step", "pred_category")):
    """Rows of a model that knows a share of the answers and sometimes cannot be read."""
    g = np.random.default_rng(seed)
    rows = []
    for problem in problems:
        row = dict(problem)
        right = {"pred_step": problem["gold_step"], "pred_category": problem["gold_category"]}
        guess = {"pred_step": int(g.integers(0, 9)), "pred_category": str(g.choice(CATEGORIES))}
        for field in ask:
            draw = g.random()
            row[field] = right[field] if draw < skill else None if draw > 0.9 else guess[field]
        rows.append(row)
    return rows


def variant(name, control_of=""):
    """What a mask is called."""
    return SimpleNamespace(name=name, group=control_of or name, control_of=control_of)


def naive_metrics(rows):
    """The seven metrics of the table, six of them from ``error_radar_metrics``."""
    whole = error_radar_metrics(rows)
    told = [r for r in rows if r["gold_category"] and "pred_category" in r]
    recalls = []
    for own in (
        [r for r in told if r["gold_category"] == "VIS"],
        [r for r in told if r["gold_category"] != "VIS"],
    ):
        right = [r["pred_category"] == r["gold_category"] for r in own]
        recalls.append(np.mean(right) if right else float("nan"))
    names = (
        *("step_accuracy", "step_within_one", "category_accuracy", "category_macro_f1"),
        "joint_accuracy",
    )
    if told and not np.isnan(recalls[0]):
        assert recalls[0] == whole["per_category"]["VIS"]["recall"]
    return np.array([*(whole[name] for name in names), *recalls])
