"""Which questions are shown, and that the pictures show what was measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from simlearn.analysis.answers import AnswerScores
from simlearn.data.questions import Question
from simlearn.report import FigureImage, Metric, render_page
from simlearn.tasks import language_pictures
from simlearn.tasks.answer_measures import answer_metrics
from simlearn.tasks.language_pictures import (
    EXAMPLES,
    SEEN,
    bars_picture,
    example_rows,
    examples_picture,
    has_medium,
    language_figures,
    shown_name,
)
from simlearn.tasks.language_report import Answers, example_table
from tests.report.report_parts import SVG, Page, make_report

GREY = np.full((4, 4, 3), 128, np.uint8)
NAN = float("nan")


def picture(number, dataset="easy_vqa", kind="colour"):
    return Question(f"i{number}", "what colour?", ("red",), kind, dataset, image=GREY)


def text(number, dataset="text", kind="colour"):
    return Question(f"t{number}", f"a red circle. number {number}?", ("red",), kind, dataset)


def scores(values, texts=None):
    values = torch.tensor(values, dtype=torch.float64)
    texts = texts or [f"said {i}" for i in range(len(values))]
    ids = tuple(str(i) for i in range(len(values)))
    return AnswerScores(ids, values == 1, values, values, values, texts)


def answered(questions, value=1.0):
    count = len(questions)
    right = torch.zeros(count, dtype=torch.bool)
    return Answers(
        questions,
        scores([value] * count),
        scores([0.0] * count, [f"blank {i}" for i in range(count)]),
        scores([0.0] * count),
        right,
    )


def shares(answers):
    def of(right):
        return answer_metrics(answers.questions, right, draws=20, seed=0)

    return of(answers.trained.score), {
        "untrained": of(answers.untrained.score),
        "question alone": of(answers.lookup),
        "medium blanked": of(answers.blanked.score),
    }


@pytest.mark.parametrize(
    ("seen", "plain", "shown"),
    [
        (50, 50, 8),
        (50, 0, 12),
        (0, 50, 0),
        (50, 1, 11),
        (3, 50, 3),
        (2, 4, 2),
        (9, 2, 9),
        (1, 0, 1),
    ],
)
def test_two_thirds_have_a_medium_where_there_are_enough(seen, plain, shown):
    questions = [*map(text, range(plain)), *map(picture, range(seen))]
    rows = example_rows(questions, seed=5)
    assert len(rows) == min(EXAMPLES, seen + plain)
    assert rows == sorted(set(rows))
    assert sum(has_medium(questions[i]) for i in rows) == shown


def test_rows_are_a_function_of_the_seed_and_of_nothing_that_was_answered():
    questions = [*map(picture, range(40)), *map(text, range(40))]
    assert example_rows(questions, seed=1) == example_rows(list(questions), seed=1)
    drawn = [tuple(example_rows(questions, seed=seed)) for seed in range(20)]
    assert len(set(drawn)) == 20
    counts = np.bincount(np.concatenate(drawn), minlength=80)
    assert (counts[:40] > 0).sum() > 35  # each of 40 is drawn with 8 / 40 in each of 20


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(0, 9))
def test_data_sets_take_turns(sizes, seed):
    questions = [picture(i, dataset=f"d{k}") for k, size in enumerate(sizes) for i in range(size)]
    rows = example_rows(questions, seed=seed)
    counts = [sum(questions[i].dataset == f"d{k}" for i in rows) for k in range(len(sizes))]
    assert sum(counts) == min(EXAMPLES, sum(sizes))
    for count, size in zip(counts, sizes, strict=True):
        assert count == size or count >= max(counts) - 1


def test_no_question_gives_no_row():
    assert example_rows([], seed=0) == []


def test_the_bars_show_what_was_measured(monkeypatch):
    questions = [
        *(picture(i, kind="colour") for i in range(4)),
        *(picture(i, kind="shape") for i in range(4, 6)),
        *map(text, range(3)),
    ]
    answers = Answers(
        questions,
        scores([1.0, 1, 0, 1, 1, 1, 1, 1, 0]),
        scores([0.0, 0, 0, 1, 1, 0, 1, 1, 0]),
        scores([0.0] * 9),
        torch.tensor([True] + [False] * 8),
    )
    found = {}
    monkeypatch.setattr(
        language_pictures,
        "answer_bars_figure",
        lambda rows, title: found.update(rows=rows, t=title),
    )
    trained, baselines = shares(answers)
    bars_picture(questions, trained, baselines)
    first, colour, shape, words = found["rows"]
    assert [r.name for r in found["rows"]] == [
        *("easy vqa", "easy vqa colour", "easy vqa shape", "text")
    ]
    assert (first.n, colour.n, shape.n, words.n) == (6, 4, 2, 3)
    assert first.trained == pytest.approx(5 / 6) and words.trained == pytest.approx(2 / 3)
    assert (first.low, first.high) == trained["easy_vqa_accuracy"].interval
    assert (colour.question_alone, colour.blanked, colour.untrained) == (0.25, 0.25, 0.0)
    assert np.isnan(words.blanked) and words.question_alone == 0
    assert found["t"] == "Right answers by kind of question"


def test_of_many_kinds_the_data_sets_and_the_largest_are_kept(monkeypatch):
    questions = [
        *(text(f"{k}.{i}", "mmlu", f"subject {k}") for k in range(20) for i in range(2 + k)),
        text(0, "few"),
    ]
    found = {}
    monkeypatch.setattr(
        language_pictures,
        "answer_bars_figure",
        lambda rows, title: found.update(rows=rows, t=title),
    )
    bars_picture(questions, *shares(answered(questions)))
    names = [row.name for row in found["rows"]]
    assert names == ["mmlu", *(f"mmlu subject {k}" for k in range(10, 20)), "few"]
    assert found["t"].endswith("(12 of 22, the largest)")


def test_kinds_without_a_value_are_left_out_and_none_gives_no_bars():
    nothing = Metric(NAN, 0, None, True)
    none = {"text_accuracy": nothing}
    assert bars_picture([text(0)], none, dict.fromkeys(("untrained",), none)) == ()


def test_examples_show_questions_with_their_media_and_answers(monkeypatch, tmp_path):
    drawn = np.random.default_rng(0).integers(0, 255, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(drawn).save(tmp_path / "one.png")
    tone = np.sin(np.arange(32000) / 9).astype(np.float32)
    questions = [
        Question("0", "colour?", ("red", "dark red", "wine", "blood"), image=tmp_path / "one.png"),
        text(1),
        Question("2", "which note?", (), audio=tone, rate=16000),
    ]
    answers = Answers(
        questions,
        scores([1.0, 0.0, NAN]),
        scores([0.0, 1.0, NAN], ["blank 0", "blank 1", "blank 2"]),
        scores([0.0] * 3),
        torch.zeros(3, dtype=torch.bool),
    )
    found = []
    monkeypatch.setattr(
        language_pictures, "answer_examples_figure", lambda examples, title: found.extend(examples)
    )
    examples_picture(answers, [0, 1, 2])
    seen, plain, heard = found
    np.testing.assert_array_equal(seen.image, drawn)
    assert seen.sound is None and seen.right == "red, dark red, wine"
    assert seen.reply == ("said 0", 1.0) and seen.blanked == ("blank 0", 0.0)
    assert plain.image is None and plain.sound is None and plain.blanked is None
    assert plain.reply == ("said 1", 0.0) and plain.question == questions[1].text
    assert heard.image is None and len(heard.sound) == 16000 and heard.right == ""
    assert heard.reply.text == "said 2" and np.isnan(heard.reply.score)
    assert heard.blanked.text == "blank 2"


def test_table_and_picture_show_the_same_questions():
    questions = [*map(picture, range(30)), *map(text, range(30))]
    answers = answered(questions)
    rows = example_rows(questions, seed=3)
    table = example_table(answers, rows)
    assert [row[2] for row in table.rows] == [f"said {i}" for i in rows]
    assert [row[3] for row in table.rows] == [f"blank {i}" for i in rows]
    bars, examples = language_figures(answers, rows, *shares(answers))
    assert (bars.name, examples.name) == ("answers", "answer_examples")
    assert f"of {EXAMPLES} right" in examples.alt and f"blanked 0 of {SEEN}" in examples.alt
    other = FigureImage("curves", "t", "a", svg=SVG)
    page = Page(render_page(make_report(figures=(other, examples, bars))))
    names = [a["id"].removeprefix("figure-") for a in page.all("figure")]
    assert names == ["answers", "answer_examples", "curves"]


def test_names_are_words():
    assert shown_name("easy_vqa_yes_no_accuracy") == "easy vqa yes no"
