from __future__ import annotations

import numpy as np
import pytest

from simlearn.report.answer_example import AnswerExample, Reply, check_example
from tests.report.report_parts import image

GOOD = Reply("red", 1.0)
NAN = float("nan")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"image": image()},
        {"image": image(0, 1, 1), "blanked": Reply("", NAN)},
        {"sound": np.zeros(1, np.float32), "blanked": Reply("no", 0.3)},
        {"sound": np.zeros(9, np.float64), "image": image()},
    ],
)
def test_what_can_be_drawn_passes(more):
    check_example(AnswerExample("q", "red", GOOD, **more), "example 0")


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"image": np.zeros((4, 4, 3), np.float32)}, r"uint8 image \(H,W,3\), found float32"),
        ({"image": np.zeros((4, 4), np.uint8)}, r"found uint8 \(4, 4\)"),
        ({"image": np.zeros((4, 4, 4), np.uint8)}, r"found uint8 \(4, 4, 4\)"),
        ({"image": np.zeros((0, 4, 3), np.uint8)}, r"found uint8 \(0, 4, 3\)"),
        ({"sound": np.zeros(0, np.float32)}, r"finite floats \(S,\), found float32 \(0,\)"),
        ({"sound": np.zeros((2, 2), np.float32)}, r"found float32 \(2, 2\)"),
        ({"sound": np.zeros(4, np.int16)}, r"found int16 \(4,\)"),
        ({"sound": np.array([0, NAN])}, r"finite floats"),
        ({"reply": Reply("", 1.5)}, r"a score lies in \[0, 1\], found 1.5"),
        ({"blanked": Reply("", -1.0)}, r"a score lies in \[0, 1\], found -1"),
    ],
)
def test_what_cannot_be_drawn_is_named_by_its_place(more, text):
    example = AnswerExample(**{"question": "q", "right": "red", "reply": GOOD, **more})
    with pytest.raises(ValueError, match=rf"example 3: .*{text}"):
        check_example(example, "example 3")
