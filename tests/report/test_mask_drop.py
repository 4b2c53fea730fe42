from __future__ import annotations

import pytest

from simlearn.report.mask_drop import METRICS, MaskDrop, check_drops, mask_words, points

NAN = float("nan")


def drop(value=0.1, **more):
    return MaskDrop(**{"group": "image", "metric": "step_accuracy", "drop": value, **more})


def test_what_can_be_drawn_passes():
    check_drops(
        [drop(), drop(group="text", random_drop=-0.2, low=0.2, high=0.4), drop(NAN, group="x")]
    )
    check_drops([drop(metric=key) for key in METRICS])
    assert len(METRICS) == 4 and all(len(lines) == 2 for lines, _ in METRICS.values())


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "at least one row, found 0"),
        ([drop(metric="step_acuracy")], r"row 0, 'image': .* did you mean 'step_accuracy'\?"),
        ([drop(), drop()], "row 1, 'image': two rows of step_accuracy; give one"),
        ([drop(12.5)], r"step_accuracy, drop: 12.5 is no difference of shares in \[-1, 1\]"),
        ([drop(random_drop=-1.5)], "random_drop: -1.5 is no difference"),
        ([drop(random_drop=0.0, low=0.2, high=0.1)], r"excess: \[0.2, 0.1\] is no interval"),
        ([drop(low=0.1, high=0.2)], r"excess: the interval .* has no value"),
        ([drop(NAN)], "none of 1 rows has a value"),
        ([drop(group=g) for g in "abcdefgh"], "1 to 7 different groups apart, found 8"),
    ],
)
def test_what_cannot_be_drawn_names_the_row(rows, text):
    with pytest.raises(ValueError, match=text):
        check_drops(rows)


def test_points_and_words():
    assert [points(v) for v in (0.123, -0.034, -1e-9, NAN)] == ["12.3", "\u22123.4", "0.0", "-"]
    assert mask_words(drop(0.2, random_drop=0.05, low=0.1, high=0.25)) == (
        "step accuracy 20.0 (random masks 5.0, difference 15.0, 10.0 to 25.0)"
    )
    assert mask_words(drop(0.2)) == "step accuracy 20.0"
    assert mask_words(drop(NAN, random_drop=0.1)) == "step accuracy no value"
    assert drop(0.5, random_drop=0.2).excess == pytest.approx(0.3)
