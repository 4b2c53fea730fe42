"""What every mask cost, against plain loops; and how the report puts it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from simlearn.analysis.answers import AnswerScores
from simlearn.analysis.mask_plan import PlannedMask
from simlearn.analysis.mask_scores import MaskedAnswers
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.data.questions import Question
from simlearn.tasks.neuron_effects import cross_effects, effects
from simlearn.tasks.neuron_report import cross_table, drop_table, excess_metrics, notes, plain
from simlearn.tasks.neuron_results import NeuronResults

MEASURES = ("score", "loss", "margin")
SHAPE = (2, 10)


def questions():
    """Two about each of three pictures, and four without one, in turn."""
    pictures = [np.full((2, 2, 3), n, np.uint8) for n in range(3)]
    shapes = [
        Question(f"{n}-{k}", "?", ("a",), "", "shapes", image=pictures[n])
        for n in range(3)
        for k in range(2)
    ]
    texts = [Question(str(n), "?", ("a",), "", "text") for n in range(4)]
    return [*shapes[:2], texts[0], *shapes[2:5], *texts[1:3], shapes[5], texts[3]]


def case(groups=("union", "image", "text", "complement"), *, seed=0, controls=3, asked=None):
    """Results with random answers; the complement has no control."""
    asked = questions() if asked is None else asked
    g = torch.Generator().manual_seed(seed)

    def answers(rows):
        right = (torch.rand(rows, len(asked), generator=g) < 0.6).double()
        return MaskedAnswers(
            right,
            3 * torch.rand(rows, len(asked), generator=g, dtype=torch.float64),
            torch.randn(rows, len(asked), generator=g, dtype=torch.float64),
        )

    first = answers(1)
    base = AnswerScores(
        tuple(q.id for q in asked),
        first.score[0].bool(),
        *(getattr(first, name)[0] for name in MEASURES),
        texts=[""] * len(asked),
    )
    masks, masked = [], []
    for number, group in enumerate(groups):
        rows = [(0, n) for n in range(number + 1)]
        random = () if group == "complement" else (NeuronSet({"random": rows}),) * controls
        masks.append(PlannedMask(group, 0.1, NeuronSet({group: rows}, shape=SHAPE), random))
        masked.append(answers(1 + len(random)))
    nothing = dict.fromkeys(
        ("scores", "stats", "sample_scores", "blanked", "lookup", "geometry"), None
    )
    return NeuronResults(
        asked=asked, names=("text", "image"), sets={}, masks=masks, masked=masked, plain=base,
        **nothing,
    )  # fmt: skip


def mean(values):
    return sum(values) / len(values)


def drop_of(base, under, rows, measure):
    sign = -1 if measure == "loss" else 1
    return mean([sign * (float(base[q]) - float(under[q])) for q in rows])


def test_effects_are_those_of_plain_loops():
    results = case()
    found = list(effects(results, draws=30, seed=1))
    assert [(e.group, e.dataset, e.measure) for e in found] == [
        (m.group, d, v) for m in results.masks for d in ("shapes", "text") for v in MEASURES
    ]
    for e in found:
        number = [m.group for m in results.masks].index(e.group)
        rows = [i for i, q in enumerate(results.asked) if q.dataset == e.dataset]
        base = getattr(results.plain, e.measure)
        under = getattr(results.masked[number], e.measure)
        assert e.neurons == number + 1 and e.ratio == 0.1 and e.effect.n == len(rows)
        assert e.plain == pytest.approx(mean([float(base[q]) for q in rows]))
        assert e.masked == pytest.approx(mean([float(under[0][q]) for q in rows]))
        drop = drop_of(base, under[0], rows, e.measure)
        assert e.effect.drop == pytest.approx(drop, abs=1e-12)
        if e.group == "complement":
            assert e.effect.masks == 0 and math.isnan(e.effect.excess)
            continue
        random = mean([drop_of(base, row, rows, e.measure) for row in under[1:]])
        assert e.effect.random_drop == pytest.approx(random, abs=1e-12)
        assert e.effect.excess == pytest.approx(drop - random, abs=1e-12)
        assert e.effect.masks == 3


def test_questions_about_one_picture_are_drawn_together():
    """Two equal answers about each picture: as uncertain as one answer each."""
    results = case()
    pairs = [[i for i, q in enumerate(results.asked) if q.id.startswith(f"{n}-")] for n in range(3)]
    for answers in (results.plain, *results.masked):
        for name in MEASURES:
            for one, other in pairs:
                values = getattr(answers, name)
                values[..., other] = values[..., one]
    alone = [q for q in results.asked if not q.id.endswith("-1")]
    kept = [i for i, q in enumerate(results.asked) if q in alone]
    single = case(asked=alone)
    for name in MEASURES:
        getattr(single.plain, name)[:] = getattr(results.plain, name)[kept]
        for one, two in zip(single.masked, results.masked, strict=True):
            getattr(one, name)[:] = getattr(two, name)[:, kept]
    twice, once = (list(effects(r, draws=200, seed=3)) for r in (results, single))
    for a, b in zip(twice, once, strict=True):
        assert a.effect.interval == pytest.approx(b.effect.interval, abs=1e-9)
        if a.group != "complement":
            assert a.effect.excess_interval == pytest.approx(b.effect.excess_interval, abs=1e-9)
    crossed, cross = (list(cross_effects(r, draws=200, seed=3)) for r in (results, single))
    for a, b in zip(crossed, cross, strict=True):
        assert a.found.excess_interval == pytest.approx(b.found.excess_interval, abs=1e-9)
        assert a.found.interval == pytest.approx(b.found.interval, abs=1e-9)


def test_measures_without_a_value_are_left_out():
    results = case()
    texts = torch.tensor([q.dataset == "text" for q in results.asked])
    results.plain.loss[texts] = math.nan  # no reference
    found = {(e.dataset, e.measure) for e in effects(results, draws=5, seed=0)}
    assert ("text", "loss") not in found and ("shapes", "loss") in found and len(found) == 5
    results.plain.loss[0] = math.nan
    (one,) = [
        e
        for e in effects(results, draws=5, seed=0)
        if (e.group, e.dataset, e.measure) == ("union", "shapes", "loss")
    ]
    assert one.effect.n == 5 and math.isfinite(one.plain)


def test_cross_effects_are_those_of_plain_loops():
    results = case()
    found = list(cross_effects(results, draws=30, seed=1))
    assert [(c.group, c.measure) for c in found] == [
        (g, m) for g in ("image", "text") for m in MEASURES
    ]
    shapes = [i for i, q in enumerate(results.asked) if q.dataset == "shapes"]
    texts = [i for i, q in enumerate(results.asked) if q.dataset == "text"]
    for c in found:
        own, other = (shapes, texts) if c.group == "image" else (texts, shapes)
        number = [m.group for m in results.masks].index(c.group)
        base = getattr(results.plain, c.measure)
        under = getattr(results.masked[number], c.measure)
        gaps = [
            drop_of(base, row, own, c.measure) - drop_of(base, row, other, c.measure)
            for row in under
        ]
        assert c.found.difference == pytest.approx(gaps[0], abs=1e-12)
        assert c.found.random_difference == pytest.approx(mean(gaps[1:]), abs=1e-12)
        assert c.found.excess == pytest.approx(gaps[0] - mean(gaps[1:]), abs=1e-12)
        assert c.found.n == (len(own), len(other))
        assert c.found.excess_interval[0] <= c.found.excess <= c.found.excess_interval[1]


@pytest.mark.parametrize("medium", [True, False])
def test_there_is_no_cross_effect_of_one_kind_of_question(medium):
    asked = [q for q in questions() if (q.image is not None) == medium]
    assert list(cross_effects(case(asked=asked), draws=5, seed=0)) == []
    assert len(list(effects(case(asked=asked), draws=5, seed=0))) == 4 * 3


def test_results_give_rows_and_masks_by_name():
    results = case()
    rows = dict(results.datasets())
    assert list(rows) == ["shapes", "text"] and int(rows["shapes"].sum()) == 6
    assert results.mask("image", 0.1) is results.masked[1]
    assert results.mask("image", 0.2) is None and results.mask("audio", 0.1) is None


def test_tables_and_notes_hold_no_nan_and_say_what_the_interval_says():
    results = case()
    results.plain.loss[:] = math.nan
    found = list(effects(results, draws=30, seed=1))
    table = drop_table(found)
    cells = [str(cell) for row in table.rows for cell in row]
    assert len(table.rows) == 8 and not any("nan" in cell for cell in cells)
    assert all(row[-2:] == ("-", "-") for row in table.rows)
    crossed = cross_table(list(cross_effects(results, draws=30, seed=1)))
    assert not any("nan" in str(cell) for row in crossed.rows for cell in row)
    for e in found:
        if (e.group, e.measure) == ("union", "score"):
            low, high = e.effect.excess_interval
            (note,) = [text for text in notes(found, 0.1) if text.startswith(e.dataset)]
            word = "more than" if low > 0 else "less than" if high < 0 else "no differently"
            assert f"hurts {word}" in note and f"{e.neurons} mined neurons" in note
    metrics = excess_metrics(found, 0.1)
    assert list(metrics) == ["shapes_excess_drop", "text_excess_drop"]
    assert excess_metrics(found, 0.2) == {} and notes(found, 0.2) == ()


def test_rows_as_json():
    results = case(("union", "image"))
    (first, *_), (cross, *_) = (
        list(rows(results, draws=5, seed=0)) for rows in (effects, cross_effects)
    )
    row = plain(first)
    assert row["drop"] == first.effect.drop and row["group"] == "union" and "effect" not in row
    row = plain(cross)
    assert row["excess"] == cross.found.excess and row["measure"] == "score" and "found" not in row
