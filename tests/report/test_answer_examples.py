from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from simlearn.report import drawing, grid
from simlearn.report.answer_example import AnswerExample, Reply
from simlearn.report.answer_examples import (
    CELL,
    EDGE,
    GAP,
    SIDE,
    SIZE,
    WAVE,
    answer_examples_figure,
    waveform,
    wrapped,
)
from tests.report.report_parts import image
from tests.report.test_grid import holds, pixels

NAN = float("nan")


def example(score=1.0, **more):
    """A text-only question; ``more`` replaces fields."""
    values = {"question": "is it red?", "right": "yes", "reply": Reply("yes", score), **more}
    return AnswerExample(**values)


def seen(score=1.0, **more):
    """A question about a picture."""
    return example(score, **{"image": image(), "blanked": Reply("no", 0.0), **more})


def draw(*examples):
    return answer_examples_figure(examples, title="T")


@pytest.fixture
def texts(monkeypatch):
    """(x, y from the top, text, colour, weight) in pixels of everything that is written."""
    found = []
    write = Figure.text

    def spy(self, x, y, text, **look):
        high = self.get_figheight() * grid.DPI
        place = round(x * grid.WIDTH), round((1 - y) * high)
        found.append((*place, text, look.get("color"), look.get("weight")))
        return write(self, x, y, text, **look)

    monkeypatch.setattr(Figure, "text", spy)
    return found


def words(texts):
    return [text for _, _, text, *_ in texts]


def test_the_figure_says_how_many_are_right_and_how_many_when_blanked():
    figure = draw(seen(), seen(0.0, blanked=Reply("yes", 1.0)), example(0.5))
    assert pixels(figure.png).shape[1] == grid.WIDTH
    assert (figure.name, figure.title) == ("answer_examples", "T")
    assert figure.alt == (
        "Questions with the model's answers, 1 of 3 right; with the picture or sound blanked 1 "
        "of 2."
    )
    assert "green frame and tick" in figure.caption and "grey picture" in figure.caption
    plain = draw(example())
    assert plain.alt == "Questions with the model's answers, 1 of 1 right."
    assert "lanked" not in plain.caption


def test_replies_differ_by_colour_and_by_mark(texts):
    draw(example(1.0), example(0.0), example(0.66), example(NAN, right=""))
    said = [(text, colour) for _, _, text, colour, weight in texts if weight == "bold"]
    assert said == [
        ("\u2713 yes", grid.RIGHT),
        ("\u2717 yes", grid.WRONG),
        ("66 % yes", grid.WRONG),
        ("? yes", drawing.MUTED),
    ]
    assert words(texts).count("right: yes") == 3 and "right: not known" in words(texts)
    assert not any("blanked" in text for text in words(texts))


def test_the_blanked_reply_stands_last_with_a_mark(texts):
    draw(seen(blanked=Reply("blue", 0.0)), seen(blanked=Reply("", 1.0)))
    by_x = {}
    for x, y, text, *_ in texts:
        by_x.setdefault(x, []).append((y, text))
    first, second = (sorted(by_x[x]) for x in sorted(by_x))
    assert [t for _, t in first] == [
        *("is it red?", "right: yes", "\u2713 yes", "\u2717 medium blanked: blue")
    ]
    assert second[-1][1] == "\u2713 medium blanked: (nothing)"
    assert [y for y, _ in first] == [y for y, _ in second]


def test_frames_are_green_or_broken_red_and_pictures_stay_sharp():
    small = image(3, 8, 6)
    right, wrong = pixels(draw(seen(image=small)).png), pixels(draw(seen(0.0)).png)
    assert holds(right, grid.RIGHT) and not holds(right, grid.WRONG)
    assert holds(wrong, grid.WRONG)
    factor = SIDE // 8
    block = np.repeat(np.repeat(small, factor, 0), factor, 1)
    at = grid.MARGIN + EDGE
    np.testing.assert_array_equal(right[at : at + 8 * factor, at : at + 6 * factor], block)
    assert not holds(pixels(draw(seen(NAN)).png), grid.WRONG)


def test_four_to_a_row_and_a_row_without_pictures_is_low(texts):
    figure = draw(*[seen() for _ in range(4)], *[example(question="why?") for _ in range(4)])
    asked = [(x, y) for x, y, text, *_ in texts if text.endswith("?")]
    lefts = [grid.MARGIN + k * (CELL + GAP) for k in range(4)]
    assert [x for x, _ in asked] == lefts * 2
    assert len({y for _, y in asked[:4]}) == len({y for _, y in asked[4:]}) == 1
    lowest = max(y for _, y, *_ in texts)
    high = pixels(figure.png).shape[0]
    assert asked[0][1] > grid.MARGIN + SIDE
    assert lowest - asked[4][1] < 100
    assert lowest < high - grid.MARGIN


def test_beside_a_picture_a_text_alone_begins_at_the_top(texts):
    draw(seen(), example(question="why?"))
    at = {text: y for _, y, text, *_ in texts}
    assert at["why?"] < grid.MARGIN + 30 < at["is it red?"]
    answers = [y for _, y, text, *_ in texts if text == "\u2713 yes"]
    assert len(answers) == 2 and len(set(answers)) == 1


def test_long_texts_are_wrapped_inside_their_cell_and_never_touch(texts):
    long = "what is written on the very long board beside the bus stop " * 20
    hostile = "w" * 300 + "<script>\u202e\n$\\frac{" + "\u674e" * 90
    figure = draw(
        *(
            seen(question=q, right=q, reply=Reply(q, 0.0), blanked=Reply(q, NAN))
            for q in (long, hostile)
        ),
        example(question=long),
    )
    room = CELL * 72 / grid.DPI
    columns = {}
    for x, y, text, _, weight in texts:
        assert drawing.text_width([text], SIZE, weight) <= room
        assert "\u202e" not in text and "\n" not in text
        columns.setdefault(x, []).append(y)
    high = pixels(figure.png).shape[0]
    for ys in columns.values():
        ordered = sorted(ys)
        assert all(b - a >= 27 for a, b in pairwise(ordered))
        assert ordered[0] > 0 and ordered[-1] < high - grid.MARGIN / 2
    counts = [len(columns[x]) for x in sorted(columns)]
    assert counts[:2] == [4 + 2 + 2 + 2] * 2 and counts[2] == 11 + 1 + 1


def test_a_sound_is_drawn_where_there_is_no_image():
    tone = np.sin(np.arange(800) / 5).astype(np.float32)
    heard = pixels(draw(seen(image=None, sound=tone)).png)
    at = grid.MARGIN + EDGE
    np.testing.assert_array_equal(
        heard[at : at + WAVE[0], at : at + WAVE[1]], waveform(tone, *WAVE)
    )
    both = pixels(draw(seen(sound=tone)).png)
    np.testing.assert_array_equal(both, pixels(draw(seen()).png))


@pytest.mark.parametrize("samples", [1, 7, 50, 51, 4000])
def test_each_column_of_a_waveform_holds_the_range_of_its_samples(samples):
    sound = np.random.default_rng(samples).normal(size=samples)
    high, wide = 41, 50
    dark = (waveform(sound, high, wide) != 255).any(axis=2)
    unit = (high - 2) / 2 / np.abs(sound).max()
    for column in range(wide):
        a = min(int(samples * column / wide), samples - 1)
        b = max(int(np.ceil(samples * (column + 1) / wide)), a + 1)
        rows = np.flatnonzero(dark[:, column])
        middle = (high - 1) / 2
        for value in sound[a:b]:
            assert rows.min() <= np.ceil(middle - unit * value)
            assert rows.max() >= np.floor(middle - unit * value)
        assert len(rows) == rows.max() - rows.min() + 1
        if column:
            before = np.flatnonzero(dark[:, column - 1])
            assert before.max() >= rows.min() - 1 and before.min() <= rows.max() + 1
    if samples > wide:
        assert dark[:2].any() or dark[-2:].any()


def test_silence_is_a_line_and_a_peak_fills_the_height():
    dark = (waveform(np.zeros(100), 21, 30) != 255).any(axis=2)
    assert np.flatnonzero(dark.any(axis=1)).tolist() == [10]
    assert dark[10].all()
    loud = waveform(np.array([1.0, -1.0] * 200), 20, 30)
    assert (loud[1:-1] != 255).any(axis=2).all()


@settings(max_examples=25, deadline=None)
@given(st.text(st.sampled_from("ab \u674ei$"), max_size=80), st.integers(1, 5))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text, most):
    room = 40.0
    with drawing.figure_style():
        lines = wrapped(text, room, most)
        assert all(drawing.text_width([line], SIZE) <= room for line in lines)
    assert 1 <= len(lines) <= most
    joined, whole = "".join(lines).replace(" ", ""), text.replace(" ", "")
    assert joined == whole or (
        joined.endswith("\u2026") and whole.startswith(joined[:-1]) and len(lines) == most
    )


def test_words_are_broken_only_where_they_are_too_long():
    lines = wrapped("one two three four five six", 40.0, 9)
    assert " ".join(lines) == "one two three four five six" and len(lines) > 2
    assert wrapped("a " + "w" * 40, 40.0, 3)[0] == "a"


def test_the_same_examples_give_the_same_bytes():
    assert draw(seen(), example()).png == draw(seen(), example()).png


@pytest.mark.parametrize("count", [0, 13])
def test_too_few_or_too_many_are_refused(count):
    with pytest.raises(ValueError, match=f"1 to 12 questions, found {count}"):
        answer_examples_figure([example()] * count, title="t")


def test_what_cannot_be_drawn_is_named():
    bad = seen(image=np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"example 1, 'is it red\?': expected a uint8 image"):
        draw(example(), bad)
