"""Styles: the shipped ones, files of one's own, placeholders, and what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.prompt_style import (
    MOST_CHARACTERS,
    PLACES,
    PromptStyle,
    fill,
    load_style,
    style_names,
)
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.data.errors import DataError

TASKS = ("step", "category", "joint")
OWN = """
step: "{question} {steps} {mistake} which?"
category: |
  {question}
  {steps}
joint: "{question} {steps} {mistake} both?"
"""


def write(folder, text, name="own.yaml"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def fails(folder, text):
    path = write(folder, text)
    with pytest.raises(DataError) as caught:
        load_style(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_shipped_styles():
    assert style_names() == ("bare", "json", "plain", "stepwise")
    for name in style_names():
        style = load_style(name)
        assert style.name == name and style.mistake_or_none
        assert "{wrong_step}" in style.category
        for task in ("category", "joint") if name != "bare" else ():
            assert all(code in getattr(style, task) for code in CATEGORIES)
            assert "{categories}" in getattr(style, task)
        assert not re.search(r"step \d", style.step + style.joint, re.IGNORECASE)


def test_the_bare_words():
    bare = load_style("bare")
    assert bare.system == bare.mistake == ""
    assert [getattr(bare, task).splitlines()[-1] for task in TASKS] == [
        "which step?",
        "which error?",
        "which step and error?",
    ]


def test_the_joint_prompts_ask_for_one_object():
    for name in ("plain", "json"):
        assert '{"step": <number>, "category": "' in load_style(name).joint


def test_a_file_of_ones_own(tmp_path):
    for path in (write(tmp_path, OWN), str(write(tmp_path, OWN, "b.YML"))):
        style = load_style(path)
        assert style.name in ("own", "b") and style.system == style.mistake_or_none == ""
        assert style.category == "{question}\n{steps}"
    style = load_style(write(tmp_path, "\ufeff" + OWN + "system: '{n_steps} steps'\nmistake: m\n"))
    assert (style.system, style.mistake) == ("{n_steps} steps", "m")


def test_names_that_there_are_not():
    for name in ("plane", "Plain", "../plain", "plain\0", "\x1b[31m" * 90):
        with pytest.raises(DataError, match="There are bare, json, plain, stepwise") as caught:
            load_style(name)
        assert len(str(caught.value)) < 900 and "\x1b" not in str(caught.value)
    with pytest.raises(DataError, match="Did you mean 'plain'"):
        load_style("plane")
    with pytest.raises(DataError, match="not there"):
        load_style("nowhere.yaml")


@pytest.mark.parametrize(
    "text, says",
    [
        (OWN + "sytem: a", "no key 'sytem'. Did you mean 'system'? There are step, category"),
        (OWN + "step: '{question} {steps}'", "line 7: the key 'step' stands here a second time"),
        (OWN + "system: 3", "line 7: 'system' must be a text; put it in quotes"),
        (OWN + "system: [a]", "'system' must be a text"),
        (OWN + "? [a]\n: b", "a key must be a word"),
        (OWN + "system: !!python/object:os.system a", "'system' must be a text"),
        (OWN.replace("joint:", "system:"), "joint is missing, the text that asks for it"),
        (OWN.replace('"{question} {steps} {mistake} both?"', "''"), "joint is missing"),
        (OWN.replace("{steps} {mistake} which", "which"), "step: {steps} is missing"),
        (OWN + "mistake_or_none: a", None),
        (OWN.replace("{mistake} both", "both") + "mistake_or_none: a", "joint: {mistake} is miss"),
        (OWN.replace("which", "{questoin}"), "'{questoin}'; did you mean {question}? There are"),
        (OWN.replace("which", "{ steps }"), "'{ steps }'; did you mean {steps}?"),
        (OWN.replace("which", "{zzz}"), "write {{zzz}}"),
        (OWN.replace("which", "{wrong_step}"), "step: {wrong_step} cannot stand here"),
        (OWN + "system: '{question}'", "system: {question} cannot stand here"),
        (OWN + "mistake: '{steps}'", "mistake: {steps} cannot stand here"),
        (OWN + "mistake: '{stepps}'", "There are none here"),
        ("", "must be lines of the form"),
        ("- a", "must be lines of the form"),
        ("a: b: c", "no YAML"),
        ("a: *b", "no YAML"),
        ("[" * 5000, "no YAML"),
        ("step: \x01", "no YAML"),
        (b"\xff\xfe", "not UTF-8"),
        ("#" * (MOST_CHARACTERS + 1), "100001 characters"),
    ],
)
def test_what_is_refused(tmp_path, text, says):
    if says is None:
        assert load_style(write(tmp_path, text)).mistake_or_none == "a"
    else:
        assert says in fails(tmp_path, text)


def test_the_class_checks_too():
    with pytest.raises(ValueError, match=r"step: \{question\} is missing"):
        PromptStyle("x", step="{steps}", category="", joint="")


def test_lines_without_a_value_are_left_out():
    template = "a\nb {x}\n\nc {y} {x}\nd {y}\n"
    assert fill(template, {"x": "1", "y": "2"}) == "a\nb 1\n\nc 2 1\nd 2"
    assert fill(template, {"x": "1", "y": ""}) == "a\nb 1"
    assert fill(template, {}) == "a"
    assert (
        fill('{"step": <k>} {{x}} {} {1} \\boxed{{k}}', {}) == '{"step": <k>} {x} {} {1} \\boxed{k}'
    )


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from(sorted(PLACES)))
def test_values_are_put_in_once(first, second, name):
    values = {"a": f"{first}{{b}}{{{{a}}}}", "b": f"{second}{{a}}\\1{{{name}}}"}
    assert fill("<{a}|{b}>", values) == f"<{values['a']}|{values['b']}>"


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda t: (OWN + t).encode()))
def test_any_file_is_a_style_or_a_data_error(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp(), content, "any.yaml")
    try:
        style = load_style(path)
    except DataError as error:
        assert "any.yaml" in str(error)
    else:
        assert style.step and style.category and style.joint
