"""Ids for training are those of asking, with the answer behind them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.answer_tensors import AnswerTensors, answer_tensors, prompt_texts
from simlearn.analysis.errors import AnalysisError
from tests.analysis.tiny_case import TAUGHT, read, shown, tiny_case


@pytest.fixture(scope="module", params=TAUGHT)
def case(request):
    kind, model, processor, questions = tiny_case(request.param)
    tensors = answer_tensors(processor, questions, place=kind.place, tokens=kind.tokens)
    return kind, ModelAdapter(model, processor), questions, tensors


def attended(ids, mask):
    return [row[m.bool()].tolist() for row, m in zip(ids, mask, strict=True)]


def test_prompts_are_those_of_the_adapter(case):
    _, adapter, questions, tensors = case
    found = attended(tensors.ids, tensors.mask)
    for chosen in (shown(questions), read(questions)):
        batch = adapter.encode(chosen)
        wanted = attended(batch["input_ids"], batch["attention_mask"])
        mine = [found[questions.index(q)] for q in chosen]
        assert [row[:-1] for row in mine] == wanted
    assert (tensors.ids[tensors.mask == 0] == 0).all()


def test_the_answer_follows_and_then_the_end(case):
    _, adapter, questions, tensors = case
    tokenizer = adapter.processor.tokenizer
    for row, target, q in zip(tensors.ids, tensors.targets, questions, strict=True):
        assert tokenizer.convert_ids_to_tokens(target) == [q.answers[0], "<eos>"]
        assert tokenizer.convert_ids_to_tokens(row[-2:]) == ["<answer>", q.answers[0]]
    assert tensors.mask[:, -1].all() and (tensors.mask.diff(dim=1) >= 0).all()


def test_a_batch_has_no_column_of_padding_alone(case):
    *_, tensors = case
    for rows in ([0, 1], [-1], [0, -1, 3], list(range(len(tensors.ids)))):
        index = torch.tensor(rows) % len(tensors.ids)
        ids, mask, targets = tensors.batch(index)
        assert mask[:, 0].any() and ids.shape == mask.shape
        assert attended(ids, mask) == attended(tensors.ids[index], tensors.mask[index])
        assert torch.equal(targets, tensors.targets[index])
    ids, mask, targets = tensors.batch(torch.zeros(0, dtype=torch.long))
    assert ids.shape == mask.shape == (0, 0) and targets.shape == (0, 2)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_batches_of_any_lengths(lengths):
    long = 9
    ids = torch.tensor([[0] * (long - n) + list(range(1, n + 1)) for n in lengths])
    tensors = AnswerTensors(ids, (ids > 0).long(), torch.zeros(len(lengths), 2))
    found, mask, _ = tensors.batch(torch.arange(len(lengths)))
    assert found.shape == (len(lengths), max(lengths))
    assert attended(found, mask) == [list(range(1, n + 1)) for n in lengths]


def test_texts_of_prompts():
    _, _, processor, questions = tiny_case("llava")
    picture, sentence = shown(questions)[0], read(questions)[0]
    assert prompt_texts(processor, [picture, sentence, picture]) == [
        f"<bos><image>{picture.text}<answer>",
        f"<bos>{sentence.text}<answer>",
        f"<bos><image>{picture.text}<answer>",
    ]
    same = replace(sentence, text=picture.text)  # the same words, without the picture
    assert prompt_texts(processor, [picture, same])[1] == f"<bos>{picture.text}<answer>"


@pytest.mark.parametrize("answer", ["red circle", "zebra", "", "red?"])
def test_answers_that_are_no_word(answer):
    _, _, processor, questions = tiny_case("llava")
    asked = [questions[0], replace(questions[1], answers=(answer,))]
    with pytest.raises(
        AnalysisError,
        match=f"the answer {answer!r} is not one word of the vocab".replace("?", r"\?"),
    ):
        answer_tensors(processor, asked, place="<image>", tokens=9)


def test_a_question_without_an_answer():
    _, _, processor, questions = tiny_case("llava")
    asked = [questions[0], replace(questions[1], answers=())]
    with pytest.raises(AnalysisError, match="question '0-1' of 'easy_vqa' has no answer"):
        answer_tensors(processor, asked, place="<image>", tokens=9)


def test_only_the_first_answer_is_learnt():
    _, _, processor, questions = tiny_case("llava")
    q = replace(questions[0], answers=("red", "a red zebra"))
    tensors = answer_tensors(processor, [q], place="<image>", tokens=9)
    assert processor.tokenizer.decode(tensors.targets[0, 0]) == "red"
