"""What counts as calling a step right, and what does not."""

from __future__ import annotations

import pytest

from simlearn.analysis.errorradar.right_steps import calls_right


@pytest.mark.parametrize("word", ["correct", "right", "also fine", "indeed valid", "ok"])
def test_what_is_called_right(word):
    for text in (
        f"Step 3 is {word}.",
        f"**Step three** was {word}, so",
        f"step 3: {word}",
        f"Step 3 is {word} but",
    ):
        assert calls_right(text), text
    for text in (
        f"Step 3 is not {word}",
        f"Step 3: {word} is 60",
        f"Step 3, {word}: 60",
        f"Step 3 is wrong, the rest is {word}",
        f"Step 3 is {word}ly",
    ):
        assert not calls_right(text), text


def test_other_ways_to_call_a_step_right():
    for text in ("No mistakes were in step 2", "right up to step 2", "step 2, the last right one"):
        assert calls_right(text)
    assert calls_right("Step 2: 3 + 4 = 7 \u2705\nStep 3: no")
    assert not calls_right("Step 2: no\nall else \u2705")
