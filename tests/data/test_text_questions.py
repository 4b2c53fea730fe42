"""Questions about a sentence: right answers, fair shares, and nothing to guess from."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest

from simlearn.analysis.word_tokenizer import words_of
from simlearn.data.text_questions import (
    ASKED,
    COLOURS,
    SHAPES,
    SHARES,
    answer_about,
    text_questions,
)

COUNT = 1500


@pytest.fixture(scope="module")
def drawn():
    return text_questions(COUNT, seed=0, split="train")


def described(q):
    """Colour and shape of the statement, and the question that follows."""
    found = re.fullmatch(
        rf".*\b({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})\b(?: in the image| is present)? \. (.*)",
        q.text,
    )
    return found.groups()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("what color is the shape?", "red"),
        ("what is the color of the circle?", "red"),
        ("what shape is present?", "circle"),
        ("what is the red shape?", "circle"),
        ("is there a red shape?", "yes"),
        ("is there a circle in the image?", "yes"),
        ("is there a teal shape?", "no"),
        ("is a triangle present?", "no"),
        ("does the image not contain a circle?", "no"),
        ("is no red shape present?", "no"),
        ("is there not a blue shape?", "yes"),
        ("is no rectangle present?", "yes"),
    ],
)
def test_answers_about_a_red_circle(question, answer):
    assert answer_about(question, "red", "circle") == answer


@pytest.mark.parametrize("question", ["is it there?", "is there a red circle?"])
def test_a_question_about_nothing_or_two_things(question):
    with pytest.raises(ValueError, match=f"{re.escape(repr(question))} asks for no single colour"):
        answer_about(question, "red", "circle")


def test_every_answer_follows_from_the_sentence(drawn):
    for q in drawn:
        colour, shape, asked = described(q)
        if q.kind == "colour":
            assert "color" in asked and q.answers == (colour,)
        elif q.kind == "shape":
            assert asked.startswith("what") and q.answers == (shape,)
        else:
            (thing,) = set(asked[:-1].split()) & {*COLOURS, *SHAPES}
            there = thing in (colour, shape)
            negated = " not " in asked or " no " in asked
            assert q.answers == ({True: "no", False: "yes"}[there == negated],)
        assert q.dataset == "text" and q.image is None and q.audio is None


def test_shares_of_kinds(drawn):
    kinds = Counter(q.kind for q in drawn)
    assert set(kinds) == set(SHARES)
    for kind, share in SHARES.items():
        assert abs(kinds[kind] / COUNT - share) < 0.04
    wordings = defaultdict(set)
    for q in drawn:
        wordings[q.kind].add(
            re.sub(rf"({'|'.join(COLOURS + SHAPES)})( shape)?", "*", described(q)[2])
        )
    for kind, asked in ASKED.items():
        assert len(wordings[kind]) == len({re.sub("{[a-z]*}( shape)?", "*", w) for w in asked})


def test_nothing_is_to_be_guessed_from_the_question_alone(drawn):
    """Not from the kind, nor from the wording, nor from the thing that is asked for."""
    for kind, names in (("colour", COLOURS), ("shape", SHAPES), ("yes_no", ("yes", "no"))):
        counts = Counter(q.answers[0] for q in drawn if q.kind == kind)
        assert set(counts) == set(names)
        assert max(counts.values()) < 1.5 * counts.total() / len(names)
    by = {"wording": defaultdict(list), "thing": defaultdict(list), "negated": defaultdict(list)}
    for q in drawn:
        if q.kind == "yes_no":
            asked = described(q)[2]
            (thing,) = set(asked[:-1].split()) & {*COLOURS, *SHAPES}
            yes = q.answers[0] == "yes"
            by["wording"][asked.replace(thing, "*").replace("* shape", "*")].append(yes)
            by["thing"][thing].append(yes)
            by["negated"][" not " in asked or " no " in asked].append(yes)
    for what, least in (("wording", 0.33), ("thing", 0.3), ("negated", 0.43)):
        for key, answers in by[what].items():
            assert len(answers) > 20
            assert least < sum(answers) / len(answers) < 1 - least, (what, key)


def test_few_words(drawn):
    words = words_of(q.text + " " + q.answers[0] for q in drawn)
    assert len(words) == 29 and {*COLOURS, *SHAPES, "yes", "no", "?", "."} < set(words)


def test_draws_are_functions_of_seed_split_and_number(drawn):
    few = text_questions(20, seed=0, split="train")
    assert [(q.id, q.text, q.answers) for q in few] == [
        (q.id, q.text, q.answers) for q in drawn[:20]
    ]
    assert [q.id for q in few[:2]] == ["train-0", "train-1"]
    for other in (
        text_questions(20, seed=1, split="train"),
        text_questions(20, seed=0, split="val"),
    ):
        assert [q.text for q in other] != [q.text for q in few]
    assert text_questions(0, seed=0, split="train") == []
