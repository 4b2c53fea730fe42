from __future__ import annotations

import numpy as np
import pytest

from simlearn.report.error_example import ErrorExample, check_error_example, picked
from tests.report.report_parts import image


def example(**more):
    values = {"question": "q", "steps": ("a", "b", "c"), "gold_step": 2, "said_step": 3, **more}
    return ErrorExample(**values)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"said_step": None, "gold_step": 0},
        {"said_step": 0, "gold_step": 3},
        {"gold_category": "VIS", "said_category": "MIS"},
        {"image": image(0, 1, 1), "asked": "step", "reply": "\x00", "question": ""},
        {"steps": ["only"], "gold_step": 1, "said_step": 1},
    ],
)
def test_what_can_be_drawn_passes(more):
    assert check_error_example(example(**more), "example 0") is None


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"steps": ()}, "steps must be a list of at least one text"),
        ({"steps": "abc"}, "steps must be a list"),
        ({"gold_step": 4}, r"gold_step is 4, must be from 1 to 3, the number of steps \(0: none"),
        ({"gold_step": -1}, "gold_step is -1"),
        ({"gold_step": None}, "gold_step is None"),
        ({"gold_step": True}, "gold_step is True"),
        ({"said_step": 4}, "said_step is 4, must be from 1 to 3"),
        ({"said_step": "2"}, "said_step is '2'"),
        ({"gold_category": "cal"}, "gold_category is 'cal', must be one of VIS, CAL, REAS, KNOW"),
        ({"said_category": "x" * 99}, "said_category is 'x{38}\u2026, must be one of"),
        ({"asked": "both"}, "asked is 'both', must be joint, step or category"),
        ({"image": np.zeros((4, 4), np.uint8)}, r"uint8 image \(H,W,3\), found uint8 \(4, 4\)"),
        ({"image": np.zeros((4, 4, 3))}, r"found float64 \(4, 4, 3\)"),
        ({"image": np.zeros((0, 4, 3), np.uint8)}, r"found uint8 \(0, 4, 3\)"),
        ({"image": b"png"}, "found bytes"),
    ],
)
def test_what_cannot_be_drawn_is_named_by_its_place(more, text):
    with pytest.raises(ValueError, match=rf"example 3: .*{text}"):
        check_error_example(example(**more), "example 3")


def test_what_is_right_is_known_only_where_it_was_asked():
    assert example(said_step=2).step_right is True and example().step_right is False
    assert example(said_step=None).step_right is False
    assert example(gold_step=0, said_step=0).step_right is True
    assert example(asked="category").step_right is None
    both = {"gold_category": "CAL", "said_category": "CAL"}
    assert example(**both).category_right is True
    assert example(**{**both, "said_category": None}).category_right is False
    assert example(**both, asked="step").category_right is None
    assert example(said_category="CAL").category_right is None


def test_picked_words():
    assert [picked(s) for s in (3, 0, None)] == ["step 3", "none is wrong", "not readable"]
