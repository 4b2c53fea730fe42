"""What the pictures are drawn from, against the rows."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simlearn.analysis.errorradar.human_ratings import human_scores
from simlearn.analysis.errorradar.mask_counts import MASK_METRICS
from simlearn.analysis.errorradar.mask_table import MaskedMetric, MaskEffects
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.rating_file import Rating
from simlearn.report import Metric
from simlearn.report.mask_drop import METRICS
from simlearn.tasks import error_pictures
from simlearn.tasks.error_results import Example
from simlearn.tasks.error_rivals import Rival
from tests.tasks.wrong_steps import HOSTILE, record, records, results_of, rows_of, share

NAN = math.nan
SOME = records(50, seed=8)
ROWS = rows_of(SOME, seed=9)


def png(mode="RGB", size=(6, 4)):
    """Bytes of a picture."""
    file = io.BytesIO()
    Image.new(mode, size, (10, 20, 30) if mode.startswith("RGB") else 7).save(file, "PNG")
    return file.getvalue()


def counted(rows=ROWS, some=SOME, *, draws=9, **changes):
    """Results and metrics of some rows."""
    results = results_of(some, rows, **changes)
    return results, error_radar_metrics(results.tally, draws=draws)


def same(one, two):
    """Whether two tuples are equal; nan is equal to nan."""
    return all(
        a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a + b))
        for a, b in zip(one, two, strict=True)
    )


def test_models_in_order_with_their_numbers():
    test = {
        "step_accuracy": {"value": 0.5, "interval": [0.25, 0.75]},
        "category_accuracy": {"value": None, "interval": None},
        "joint_accuracy": {"value": 0.125, "interval": None},
    }
    rivals = [Rival("old", "open", test, {}), Rival("bought", "closed", {}, {})]
    rivals.append(Rival("odd", "<b>", test, {}))
    results, found = counted(rivals=rivals)
    metric = Metric(0.25, 9, None, higher_is_better=True)
    ratings = [Rating("p0", "ann", SOME[0].error_step, "CAL")]
    human = human_scores(ratings, {"p0": (SOME[0].error_step, None)}, draws=3)
    blind = {"majority": {"step_accuracy": metric}}
    ours, old, bought, odd, people, base = error_pictures.model_scores(results, found, blind, human)
    ends = found["intervals"]
    assert ours == (
        *("tiny", "this", found["step_accuracy"], *ends["step_accuracy"]),
        *(found["category_accuracy"], *ends["category_accuracy"], found["joint_accuracy"]),
    )
    assert same(old, ("old", "open", 0.5, 0.25, 0.75, NAN, NAN, NAN, 0.125))
    assert same(bought, ("bought", "closed", *[NAN] * 7))
    assert odd.kind == "closed"  # no other word reaches the picture
    assert same(people, ("people", "human", 1.0, 1.0, 1.0, NAN, NAN, NAN, NAN))
    assert same(base, ("majority", "baseline", 0.25, NAN, NAN, NAN, NAN, NAN, NAN))


def test_bars_of_place_and_length_are_shares_of_rows():
    results, found = counted()
    bars = error_pictures.step_shares(results, found)
    assert [bar.name for bar in bars] == [
        *("first third", "middle third", "last third"),
        *("1-2", "3-5", "6-8", "9-12", "13-20", "over 20"),
    ]
    for bar in bars[3:]:
        low, _, high = bar.name.replace("over 20", "21-99").partition("-")
        own = [row for row in ROWS if int(low) <= row["n_steps"] <= int(high)]
        assert bar.n == len(own)
        assert bar.accuracy == share(row["pred_step"] == row["gold_step"] for row in own)
        assert bar.chance == pytest.approx(share(1 / row["n_steps"] for row in own))
        assert math.isnan(bar.low)
    for bar in bars[:3]:
        name = bar.name.split()[0]
        assert bar.accuracy == pytest.approx(found[f"step_accuracy_{name}"])
        assert [bar.low, bar.high] == found["intervals"][f"step_accuracy_{name}"]
        assert bar.low <= bar.accuracy <= bar.high
    assert sum(bar.n for bar in bars[:3]) == sum(bar.n for bar in bars[3:]) == len(ROWS)
    assert error_pictures.step_shares(*counted(rows_of(SOME, parts=("category",)))) == []


@pytest.mark.parametrize(
    ("parts", "asked"),
    [(("step", "category"), "joint"), (("step",), "step"), (("category",), "category")],
)
def test_an_example_says_what_was_asked(parts, asked):
    one = record(image=png())
    (row,) = rows_of([one], parts=parts)
    found = error_pictures.shown(Example(one, row, "the reply"))
    assert (found.asked, found.reply, found.id) == (asked, "the reply", "p0")
    assert (found.question, tuple(found.steps)) == (one.question, one.steps)
    assert (found.gold_step, found.gold_category) == (2, "CAL")
    assert (found.said_step, found.said_category) == (
        row.get("pred_step"),
        row.get("pred_category"),
    )
    assert found.image.shape == (4, 6, 3)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "I;16"])
def test_a_figure_of_any_kind_becomes_colours(mode, tmp_path):
    content = png(mode)
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for image in (content, path):
        found = error_pictures.picture(record(image=image))
        assert found.dtype == np.uint8 and found.shape == (4, 6, 3)
    if mode == "RGB":
        assert (found == [10, 20, 30]).all()


def test_a_figure_that_is_not_there(tmp_path):
    for image in (None, b"", b"no picture", tmp_path / "none.png", tmp_path):
        assert error_pictures.picture(record(image=image)) is None


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_figure_is_no_figure(changes):
    content = bytearray(png(size=(9, 9)))
    for place, value in changes:
        content[place % len(content)] = value
    found = error_pictures.picture(record(image=bytes(content)))
    assert found is None or (found.dtype == np.uint8 and found.ndim == 3)


def test_a_chunk_that_is_broken():
    """Pillow says ``SyntaxError`` here, which is no error of the system or of a value."""
    content = bytearray(png(size=(9, 9)))
    place = content.index(b"IDAT")
    content[place : place + 4] = b"\x8fy\x026"
    assert error_pictures.picture(record(image=bytes(content))) is None


def effects(drop=0.5):
    """Two masks."""
    one = MaskedMetric(0.9, 0.9 - drop, 0.8, drop, 0.1, drop - 0.1, (drop - 0.2, drop))
    metrics = dict.fromkeys(MASK_METRICS, one)
    return [MaskEffects(name, 9, 2, metrics, NAN, (NAN, NAN)) for name in ("union", "image")]


def test_bars_of_masks_are_those_that_the_picture_knows():
    bars = error_pictures.mask_drops(effects())
    assert [(bar.group, bar.metric) for bar in bars] == [
        (group, name) for group in ("union", "image") for name in MASK_METRICS if name in METRICS
    ]
    assert len(bars) == 2 * len(METRICS)
    assert all(bar[2:] == (0.5, 0.1, 0.3, 0.5) for bar in bars)
    assert error_pictures.mask_drops(effects(NAN)) == error_pictures.mask_drops([]) == []


def figures(results, found, masks=()):
    """The pictures by name."""
    results.show({})
    return {f.name: f for f in error_pictures.error_figures(results, found, {}, None, masks)}


def test_every_picture_that_has_something_to_show():
    results, found = counted()
    shown = figures(results, found, effects())
    assert list(shown) == [
        *("models", "error_confusion", "step_positions", "error_examples", "mask_bars"),
    ]
    for figure in shown.values():
        assert figure.alt and figure.title and (figure.svg or figure.png)


def test_pictures_of_what_was_not_asked_are_left_out():
    results, found = counted(rows_of(SOME, parts=("step",)))
    assert list(figures(results, found)) == ["models", "step_positions", "error_examples"]
    results, found = counted(rows_of(SOME, parts=("category",)))
    assert list(figures(results, found)) == ["models", "error_confusion", "error_examples"]
    results, found = counted([], [])
    assert figures(results, found) == {}


def test_names_from_elsewhere_are_escaped():
    rivals = [Rival(HOSTILE, "open", {"step_accuracy": {"value": 0.5, "interval": None}}, {})]
    results, found = counted(name=HOSTILE, rivals=rivals)
    figure = figures(results, found)["models"]
    assert "<script" not in figure.svg and "\x1b" not in figure.svg + figure.alt
    assert figure.alt.isprintable()


def test_no_more_models_than_a_picture_holds():
    test = {"step_accuracy": {"value": 0.5, "interval": None}}
    rivals = [Rival(f"model {i}", "open", test, {}) for i in range(30)]
    results, found = counted(rivals=rivals)
    assert len(error_pictures.model_scores(results, found, {}, None)) == 31
    alt = figures(results, found)["models"].alt
    assert "model 14" in alt and "model 15" not in alt
