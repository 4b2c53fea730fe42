"""Names of the kinds of errors: what counts in a sentence, and what only alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.category_names import (
    lone_category,
    named_categories,
    value_categories,
)
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES

IN_A_SENTENCE = {
    "VIS": "visual perception error, visual error, perception mistake, misreads the figure, "
    "misreading of the graph, misinterpreted the diagram, visual misperception, VIS, 视觉感知错误",
    "CAL": "calculation error, computational mistake, arithmetic slip, mistake in the calculation, "
    "miscalculated, calculation-error, computation_error, CAL, 计算错误",
    "REAS": "reasoning error, logical error, logic mistake, flawed reasoning, error in reasoning, "
    "logical fallacy, REAS, 推理错误, 逻辑错误",
    "KNOW": "knowledge error, conceptual error, misconception, lack of knowledge, "
    "lack of conceptual knowledge, concept misunderstanding, KNOW, 知识性错误, 概念错误",
    "MIS": "misinterpretation of the question, misunderstanding of the problem, misread the task, "
    "misinterpretation, misunderstood the question, problem misunderstanding, MIS, 审题错误",
}
ONLY_ALONE = {
    "VIS": "vis, visual, perception, Vision",
    "CAL": "cal, Calculation, computation, arithmetic",
    "REAS": "reas, Reasoning, logic, logical",
    "KNOW": "know, knowledge, conceptual",
    "MIS": "mis, misunderstanding, misreading",
}


def rows(table):
    return [(code, name) for code, names in table.items() for name in names.split(", ")]


@pytest.mark.parametrize("code, name", [*rows(IN_A_SENTENCE), *NAMES.items()])
def test_in_a_sentence(code, name):
    for text in (name, f"I see a {name}, so to say", f"**{name}**", f'("{name}")', f"A: {name}."):
        assert set(named_categories(text)) == {code}
        assert set(value_categories(text)) == {code}


@pytest.mark.parametrize("name", [n for _, n in rows(IN_A_SENTENCE) if n.isascii() and n.islower()])
def test_any_case_of_names_and_words_only_whole(name):
    assert named_categories(name.upper()) == named_categories(name.title()) != []
    if name != "visual perception error":  # "perception error" is a name too
        assert named_categories(f"x{name}x") == named_categories(f"x{name}") == []


@pytest.mark.parametrize("code, name", rows(ONLY_ALONE))
def test_only_alone(code, name):
    for line in (
        *(name, f"**{name}**.", f"Category: {name}", f"The error type is {name}!", f"3, {name}"),
        *(f"Step 3: {name}", f'- "{name}"', f"Answer: {name}", f"Type of error: {name} error"),
    ):
        assert lone_category(line) == [code], line
    sentence = f"I would say {name} or so"
    assert named_categories(sentence) == lone_category(sentence) == []
    assert value_categories(name) == [code]


@pytest.mark.parametrize("code", CATEGORIES)
def test_codes(code):
    for text in (f"{code}.", f"({code})", f"_{code}_", f"step 3 ({code}) it is", f"错误{code}"):
        assert named_categories(text) == [code]
    for text in (f"X{code}", f"{code}S", f"{code}3", code.lower(), code.title()):
        assert named_categories(text) == []
    assert value_categories(f"{code.lower()}: the student") == [code]
    assert value_categories(f"{code.lower()} - the student") == [code]
    assert value_categories(f"{code.lower()} the student") == []


def test_english_that_is_no_code():
    for text in ("I DO NOT KNOW", "I DON'T KNOW", "I KNOW", "WE KNOW", "YOU KNOW", "A to E", "B"):
        assert named_categories(text) == value_categories(text) == []


def test_all_kinds_of_a_text():
    assert set(named_categories("not a calculation error but a reasoning error")) == {"CAL", "REAS"}
    assert set(named_categories(", ".join(CATEGORIES))) == set(CATEGORIES)
    assert set(named_categories(" / ".join(NAMES.values()))) == set(CATEGORIES)


@given(st.text(), st.sampled_from(CATEGORIES))
def test_never_raises_and_a_code_is_never_missed(text, code):
    assert set(named_categories(text)) <= set(CATEGORIES)
    assert code in named_categories(f"{text}\n{code}")
    assert set(lone_category(text)) | set(value_categories(text)) <= set(CATEGORIES)
