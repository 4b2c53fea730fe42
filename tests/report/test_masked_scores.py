from __future__ import annotations

import pytest

from simlearn.report.masked_scores import (
    MaskedScore,
    check_panels,
    check_points,
    drop_words,
    in_order,
    known_baselines,
    mined_groups,
    shown_ratio,
    shown_score,
)

NAN, INF = float("nan"), float("inf")


def row(panel="p", ratio=0.02, group="image", value=0.5, low=NAN, high=NAN):
    return MaskedScore(panel, ratio, group, value, low, high)


def test_names_keep_their_order_and_the_control_is_no_group():
    assert in_order("baacb") == ["b", "a", "c"]
    rows = [row(group=g) for g in ("image", "random", "text", "image")]
    assert mined_groups(rows) == ["image", "text"]


@pytest.mark.parametrize(
    ("value", "metric", "wanted"),
    [
        (0.1234, "accuracy", "12.3 %"),
        (1.23456, "loss", "1.23"),
        (-20.0, "margin", "-20"),
        (NAN, "accuracy", "-"),
    ],
)
def test_values_are_written_with_their_unit(value, metric, wanted):
    assert shown_score(value, metric) == wanted


def test_ratios_are_written_in_percent_to_three_digits():
    ratios = [shown_ratio(r) for r in (0.02, 0.00125, 1.0, 0.07, 1 / 3)]
    assert ratios == ["2 %", "0.125 %", "100 %", "7 %", "33.3 %"]


def test_words_tell_each_panel_at_its_highest_ratio_with_a_value():
    rows = [
        *(
            row("a", 0.02, "image", 0.25),
            row("a", 0.01, "image", 0.5),
            row("a", 0.02, "random", 0.6),
        ),
        *(
            row("b", 0.01, "image", 0.75),
            row("b", 0.02, "image", NAN),
            row("c", 0.01, "image", NAN),
        ),
    ]
    assert drop_words(rows, {"a": {"unmasked": 0.65}}, "accuracy") == (
        "Accuracy under masks. a at 2 %: unmasked 65.0 %, image masked 25.0 %, random masked 60.0 "
        "%; b at 1 %: image masked 75.0 %."
    )


def test_baselines_that_are_nan_are_left_out():
    assert known_baselines({"a": {"x": NAN, "y": 1.0}, "b": {}}) == {"a": {"y": 1.0}, "b": {}}


@pytest.mark.parametrize(
    ("rows", "share", "message"),
    [
        ([row(ratio=0.0)], True, r"panel 'p', ratio 0, group 'image': a ratio lies in \(0, 1\]"),
        ([row(ratio=2.0)], True, r"ratio 2, group 'image': a ratio lies"),
        ([row(ratio=NAN)], True, r"ratio nan"),
        ([row(), row(value=0.4)], True, "ratio 0.02, group 'image': two rows; give one"),
        ([row(value=50.0)], True, r"50 is no share in \[0, 1\]; give shares, not percent"),
        ([row(low=-0.1, high=0.5)], True, r"-0.1 is no share"),
        ([row(low=0.1, high=INF)], False, r"inf is no finite value"),
        ([row(low=0.1)], True, r"\[0.1, nan\] is no interval"),
        ([row(low=0.6, high=0.4)], True, r"\[0.6, 0.4\] is no interval"),
    ],
)
def test_points_that_cannot_be_drawn_are_refused(rows, share, message):
    with pytest.raises(ValueError, match=message):
        check_points(rows, share=share)


def test_points_that_can_be_drawn_pass():
    check_points([row(), row("q"), row(ratio=1.0), row(group="text", value=NAN)], share=True)
    check_points([row(value=-50.0, low=-60.0, high=-40.0)], share=False)
    check_points([row(value=1 + 1e-12, low=-1e-12, high=1.0)], share=True)


@pytest.mark.parametrize(
    ("rows", "baselines", "message"),
    [
        ([], {}, "show 1 to 6 panels, found 0"),
        ([row(str(i)) for i in range(7)], {}, "show 1 to 6 panels, found 7"),
        ([row(group=g) for g in "abcdefgh"], {}, "1 to 7 different groups apart, found 8"),
        ([row(value=NAN)], {}, "none of 1 rows has a value; leave the figure out"),
        ([row()], {"q": {"x": 0.5}}, r"1 baselines of panel 'q': give at most 3 .* \['p'\]"),
        ([row()], {"p": dict.fromkeys("abcd", 0.5)}, "4 baselines of panel 'p'"),
        ([row()], {"p": {"x": 50.0}}, r"baseline 'x' of 'p': 50 is no share in \[0, 1\]"),
    ],
)
def test_panels_that_cannot_be_drawn_are_refused(rows, baselines, message):
    with pytest.raises(ValueError, match=message):
        check_panels(rows, baselines, share=True)
