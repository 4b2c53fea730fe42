from __future__ import annotations

import pytest

from simlearn.report import drawing
from simlearn.report.model_score import KINDS, ModelScore, check_scores, score_words

NAN = float("nan")


def score(**more):
    return ModelScore(**{"name": "m", "kind": "open", "step": 0.5, **more})


def test_every_kind_has_its_own_colour_of_the_palette():
    colours = [colour for _, colour in KINDS.values()]
    assert len({*colours}) == len(colours) == 5
    assert {*colours} <= {*drawing.DARK}
    assert KINDS["this"][1] == drawing.MODELS["trained"]


def test_what_can_be_drawn_passes():
    check_scores([score(), score(step=NAN, category=0.2), score(step=NAN)])
    check_scores([score(step_low=0.4, step_high=0.6, category=1.0, joint=0.5)] * 16)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "1 to 16 models, found 0"),
        ([score()] * 17, "1 to 16 models, found 17"),
        ([score(), score(kind="opn")], r"row 1, 'm': kind 'opn' is none of .*mean 'open'\?"),
        ([score(kind="x" * 99)], "kind 'x{39}…' is none of this, open, closed, human, baseline$"),
        ([score(step=50.0)], r"row 0, 'm', step: 50 is no share in \[0, 1\]"),
        ([score(category=-0.1)], "'m', category: -0.1 is no share"),
        ([score(joint=float("inf"))], "'m', joint: inf is no share"),
        ([score(step_low=0.6, step_high=0.4)], r"'m', step: \[0.6, 0.4\] is no interval"),
        ([score(step_low=0.6)], r"'m', step: \[0.6, nan\] is no interval"),
        ([score(category_low=0.1, category_high=0.2)], r"category: the interval .* has no value"),
        ([score(step=NAN, joint=0.4)], "none of 1 models has a step or category accuracy"),
    ],
)
def test_what_cannot_be_drawn_names_the_row(rows, text):
    with pytest.raises(ValueError, match=text):
        check_scores(rows)


def test_hostile_names_are_made_visible_in_errors():
    with pytest.raises(ValueError) as caught:
        check_scores([score(name="\x1b[31m\u202e" + "n" * 99, step=9.0)])
    assert "\x1b" not in str(caught.value) and "\u202e" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_words_hold_all_values():
    row = ModelScore("gpt", "closed", 0.55, 0.5, 0.6, 0.4, 0.35, 0.45, 0.3)
    assert score_words(row, ["step", "category"]) == (
        "gpt (closed weights): step 55.0 % (50.0 to 60.0 %), category 40.0 % (35.0 to 45.0 %), "
        "both 30.0 %"
    )
    assert score_words(score(), ["step"]) == "m (open weights): step 50.0 %"
    assert score_words(score(), ["step", "category"]).endswith("category no value")
