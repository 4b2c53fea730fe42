from __future__ import annotations

import pytest

from simlearn.report.step_share import StepShare, check_steps, step_words

NAN = float("nan")


def row(name="a", accuracy=0.5, **more):
    return StepShare(**{"panel": "length", "name": name, "n": 4, "accuracy": accuracy, **more})


def test_what_can_be_drawn_passes():
    check_steps([row(), row(panel="position"), row("b", NAN, n=0), row("c", 1.0, chance=0.2)])
    check_steps([row(str(i), low=0.1, high=0.9) for i in range(6)])


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "at least one row, found 0"),
        ([row(panel="lenght")], r"row 0, 'a': panel 'lenght' is none of .*; did you mean 'length'"),
        ([row(), row()], "row 1, 'a': two rows of panel 'length' have this name; give one"),
        ([row(n=-1)], "row 0, 'a': n is -1, must be 0 or more"),
        ([row(accuracy=50.0)], r"'a', accuracy: 50 is no share in \[0, 1\]"),
        ([row(chance=-0.5)], "'a', chance: -0.5 is no share"),
        ([row(low=0.6, high=0.4)], r"'a': \[0.6, 0.4\] is no interval"),
        ([row(accuracy=NAN, low=0.3, high=0.4)], "has no value"),
        ([row(str(i)) for i in range(7)], "7 rows of panel 'length', at most 6 fit"),
        ([row(accuracy=NAN)], "none of 1 rows has a value; leave the figure out"),
    ],
)
def test_what_cannot_be_drawn_names_the_row(rows, text):
    with pytest.raises(ValueError, match=text):
        check_steps(rows)


def test_words_hold_all_values():
    shown = step_words(row("3-5", 0.5, n=1200, low=0.4, high=0.6, chance=0.25))
    assert shown == "3-5 50.0 % (40.0 to 60.0 %) (n = 1\u2009200, chance 25.0 %)"
    assert step_words(row("x\u202e", NAN)) == "x\\u202e no value (n = 4)"
