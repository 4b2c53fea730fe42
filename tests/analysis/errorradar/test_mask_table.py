"""The table under masks: drops, excesses and intervals against a naive bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simlearn.analysis.errorradar import mask_table
from simlearn.analysis.errorradar.mask_counts import MASK_METRICS
from simlearn.analysis.errorradar.mask_table import mask_effects
from tests.analysis.errorradar.masked_rows import answered, golds, naive_metrics, variant

VARIANTS = [
    variant("union"),
    *(variant(f"union random {n}", "union") for n in (1, 2, 3)),
    variant("image"),
    *(variant(f"image random {n}", "image") for n in (1, 2)),
    variant("text"),
]


def table(count=60, seed=0, **skills):
    """Rows by variant; the image mask hurts most."""
    problems, known = golds(count, seed), {"": 0.8, "union": 0.5, "image": 0.2, **skills}
    names = ["", *(one.name for one in VARIANTS)]
    return {
        name: answered(problems, skill=known.get(name, 0.7), seed=1000 * seed + i)
        for i, name in enumerate(names)
    }


def same(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_values_drops_and_excesses_are_those_of_the_rows():
    rows = table()
    found = {one.group: one for one in mask_effects(rows, VARIANTS, draws=20)}
    assert list(found) == ["union", "image", "text"]
    assert [(one.n, one.masks) for one in found.values()] == [(60, 3), (60, 2), (60, 0)]
    base = naive_metrics(rows[""])
    for group, effects in found.items():
        own = naive_metrics(rows[group])
        random = [naive_metrics(rows[v.name]) for v in VARIANTS if v.control_of == group]
        for m, name in enumerate(MASK_METRICS):
            one = effects.metrics[name]
            mean = sum(r[m] for r in random) / len(random) if random else math.nan
            same([one.unmasked, one.masked, one.random], [base[m], own[m], mean])
            same([one.drop, one.random_drop], [base[m] - own[m], base[m] - mean])
            same(one.excess, mean - own[m])
    assert found["image"].metrics["step_accuracy"].excess > 0.2
    metrics = found["image"].metrics
    same(
        found["image"].visual_excess,
        metrics["visual_recall"].excess - metrics["other_recall"].excess,
    )


def test_intervals_agree_with_a_bootstrap_that_draws_rows():
    """Each draw by hand: problems and random masks with replacement, metrics from the rows."""
    rows = table(count=50)
    (effects,) = [e for e in mask_effects(rows, VARIANTS, draws=4000, seed=3) if e.group == "union"]
    g, drawn = np.random.default_rng(0), []
    for _ in range(400):
        chosen = g.integers(50, size=50)
        value = {
            name: naive_metrics([own[i] for i in chosen])
            for name, own in rows.items()
            if name.startswith("union")
        }
        masks = [value[f"union random {n}"] for n in g.integers(1, 4, size=3)]
        drawn.append(np.mean(masks, axis=0) - value["union"])
    drawn = np.array(drawn)
    for m, name in enumerate(MASK_METRICS):
        low, high = effects.metrics[name].interval
        there = drawn[:, m][~np.isnan(drawn[:, m])]
        spread = there.std()
        wanted = np.quantile(there, [0.025, 0.975])
        np.testing.assert_allclose([low, high], wanted, atol=0.5 * spread)
        assert low < effects.metrics[name].excess < high
    both = drawn[:, 5] - drawn[:, 6]
    wanted = np.quantile(both[~np.isnan(both)], [0.025, 0.975])
    np.testing.assert_allclose(effects.visual_interval, wanted, atol=0.5 * np.nanstd(both))


def test_the_question_whether_seeing_is_hurt_most():
    problems = golds(400, 5)
    rows = {
        name: answered(problems, skill=0.8, seed=0) for name in ("", "a random 1", "b random 1")
    }
    rows["a"] = [
        {**r, "pred_category": "CAL"} if r["gold_category"] == "VIS" else r for r in rows[""]
    ]
    rows["b"] = [{**r, "pred_category": None} for r in rows[""]]
    variants = [v for n in "ab" for v in (variant(n), variant(f"{n} random 1", n))]
    a, b = mask_effects(rows, variants, draws=300)
    recall = a.metrics["visual_recall"].unmasked
    same([a.visual_excess, a.metrics["other_recall"].excess], [recall, 0])
    assert a.visual_interval[0] > 0.5
    low, high = b.visual_interval
    assert low < b.visual_excess < high and abs(b.visual_excess) < 0.2 and low < 0 < high


def test_a_mask_that_is_its_own_control_has_no_excess():
    rows = table()
    rows = {name: rows["image"] if "image" in name else rows[""] for name in rows}
    found = {one.group: one for one in mask_effects(rows, VARIANTS, draws=50)}
    for one in (*found["image"].metrics.values(), *found["union"].metrics.values()):
        same([one.excess, *one.interval], [0, 0, 0])
    assert found["image"].metrics["step_accuracy"].drop > 0
    same([found["image"].visual_excess, *found["image"].visual_interval], [0, 0, 0])


def test_without_controls_there_is_no_excess():
    effects = mask_effects(table(), VARIANTS, draws=5)[-1]
    one = effects.metrics["step_accuracy"]
    assert one.drop == one.unmasked - one.masked
    assert np.isnan([one.random, one.random_drop, one.excess, *one.interval]).all()
    assert np.isnan([effects.visual_excess, *effects.visual_interval]).all()


def test_only_steps_were_asked_or_no_problem_is_visual():
    rows = {
        name: answered(golds(20), skill=0.5, seed=i, ask=("pred_step",))
        for i, name in enumerate(table())
    }
    union = mask_effects(rows, VARIANTS, draws=10)[0]
    assert not math.isnan(union.metrics["step_accuracy"].interval[0])
    for name in MASK_METRICS[2:]:
        one = union.metrics[name]
        assert np.isnan([one.unmasked, one.excess, *one.interval]).all()
    rows = {
        name: [{**r, "gold_category": "CAL"} if r["gold_step"] else r for r in own]
        for name, own in table().items()
    }
    union = mask_effects(rows, VARIANTS, draws=10)[0]
    assert math.isnan(union.visual_excess) and math.isnan(union.metrics["visual_recall"].unmasked)
    assert not math.isnan(union.metrics["other_recall"].interval[0])


def test_draws_without_a_visual_problem_are_left_out():
    """One of 60 problems: more than a third of all draws lack it."""
    rows = {
        name: [
            {**r, "gold_step": 1, "gold_category": "CAL" if i else "VIS"} for i, r in enumerate(own)
        ]
        for name, own in table(seed=2).items()
    }
    low, high = mask_effects(rows, VARIANTS, draws=200)[0].metrics["visual_recall"].interval
    assert -1 <= low <= high <= 1
    few = {name: own[:1] for name, own in rows.items()}
    assert not math.isnan(
        mask_effects(few, VARIANTS, draws=10)[0].metrics["visual_recall"].interval[0]
    )


def test_chunks_seed_and_no_problem_at_all(monkeypatch):
    rows = table()
    whole = mask_effects(rows, VARIANTS, draws=64)
    assert repr(mask_effects(rows, VARIANTS, draws=64)) == repr(whole)
    other = mask_effects(rows, VARIANTS, draws=64, seed=1)
    assert other[0].metrics["step_accuracy"].interval != whole[0].metrics["step_accuracy"].interval
    monkeypatch.setattr(mask_table, "CELLS", 60 * 7)
    parts = mask_effects(rows, VARIANTS, draws=64)[0].metrics["step_accuracy"]
    assert parts.excess == whole[0].metrics["step_accuracy"].excess
    assert parts.interval[0] < parts.excess < parts.interval[1]
    none = mask_effects({name: [] for name in rows}, VARIANTS, draws=3)[0]
    assert none.n == 0 and math.isnan(none.metrics["joint_accuracy"].unmasked)


def test_intervals_shrink_with_more_problems():
    def width(count):
        rows = table(count=count, seed=4)
        low, high = mask_effects(rows, VARIANTS, draws=400)[1].metrics["step_accuracy"].interval
        return high - low

    assert width(900) < 0.6 * width(60)


def test_flat_records():
    effects = mask_effects(table(), VARIANTS, draws=10)[1]
    found = list(effects.records())
    assert [one["metric"] for one in found] == [*MASK_METRICS, "visual_excess"]
    assert all(one.keys() == found[0].keys() for one in found)
    assert {(one["mask"], one["n"], one["masks"]) for one in found} == {("image", 60, 2)}
    assert found[0]["excess_low"] == effects.metrics["step_accuracy"].interval[0]
    assert (found[-1]["excess"], found[-1]["excess_high"]) == (
        effects.visual_excess,
        effects.visual_interval[1],
    )


def test_rows_of_other_problems_are_refused():
    def fails(match, change, **more):
        rows = table()
        change(rows)
        with pytest.raises(ValueError, match=match):
            mask_effects(rows, VARIANTS, **{"draws": 2, **more})

    fails("no rows under mask 'image random 2'", lambda rows: rows.pop("image random 2"))
    fails("no rows under mask ''", lambda rows: rows.pop(""))
    fails("mask 'text' has 59 rows", lambda rows: rows["text"].pop())
    fails("mask 'text', row 1: id is 'p59'", lambda rows: rows["text"].reverse())
    fails(
        "mask 'union', row 3: gold_category is 'x",
        lambda rows: rows["union"][2].update(gold_category="x\x1b" * 99),
    )
    fails("draws is 0", lambda rows: None, draws=0)
