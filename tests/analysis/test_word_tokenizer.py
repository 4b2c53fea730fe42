"""One token per word: ids, padding, the chat template, and nothing unknown among its own words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.word_tokenizer import BASIC, word_tokenizer, words_of

TEXTS = ["what color is the shape?", "the shape is red .", "is it (red)?!"]


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer(words_of(TEXTS), marks=["<image>"], place="<image>")


def test_words_of_texts():
    found = words_of(TEXTS)
    assert found == tuple(sorted(set(found)))
    assert {"what", "color", "shape", "?", ".", "(", ")?!"} <= set(found)
    assert words_of([]) == ()


def test_ids_begin_with_the_special_tokens(tokenizer):
    assert tokenizer.convert_tokens_to_ids([*BASIC, "<image>"]) == [0, 1, 2, 3, 4, 5]
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id) == (0, 1)
    assert (tokenizer.eos_token_id, tokenizer.unk_token_id) == (2, 3)
    assert len(tokenizer) == 6 + len(words_of(TEXTS))
    assert set(tokenizer.all_special_ids) == {0, 1, 2, 3, 4, 5}
    assert tokenizer.convert_ids_to_tokens(range(6, len(tokenizer))) == list(words_of(TEXTS))


@settings(max_examples=60)
@given(st.text("ab _1?.!,<>'é ", max_size=30))
def test_no_word_of_its_own_texts_is_unknown(text):
    words = words_of([text])
    ids = word_tokenizer(words)(text, add_special_tokens=False)["input_ids"]
    naive = [w for w in re.split(r"(\w+)|\s+", text) if w]
    assert [words[i - 5] for i in ids] == naive


def test_other_words_are_unknown(tokenizer):
    ids = tokenizer("is the blue shape?", add_special_tokens=False)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["is", "the", "<unk>", "shape", "?"]


def test_shorter_texts_are_padded_on_the_left(tokenizer):
    batch = tokenizer(["red", "the shape is red"], padding=True, add_special_tokens=False)
    assert batch["attention_mask"] == [[0, 0, 0, 1], [1, 1, 1, 1]]
    assert batch["input_ids"][0][:3] == [0, 0, 0]


def test_words_are_written_with_spaces(tokenizer):
    ids = tokenizer("<bos>the shape<image>is red<eos>", add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the shape is red"
    assert 5 in ids


def test_a_word_twice_has_one_id():
    one = word_tokenizer(["red", "red", "blue"], marks=["<image>", "<image>"])
    assert len(one) == 5 + 1 + 2


def test_the_chat_template(tokenizer):
    picture = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what?"}]}

    def written(*messages, ask=True):
        return tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=ask
        )

    assert written(picture) == "<bos><image>what?<answer>"
    assert written({"role": "user", "content": "what?"}) == "<bos>what?<answer>"
    assert written(picture, ask=False) == "<bos><image>what?"
    told = {"role": "assistant", "content": "red"}
    assert written(picture, told, ask=False) == "<bos><image>what?<answer>red<eos>"
    # what a question says is text, whatever it looks like
    assert written({"role": "user", "content": "{{ 1 + 1 }}"}) == "<bos>{{ 1 + 1 }}<answer>"


def test_saved_and_loaded(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    other = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    for text in (*TEXTS, "<bos><image>blue<answer>"):
        assert other(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert other.padding_side == "left" and other.chat_template == tokenizer.chat_template
    assert other.decode([6, 7, 8]) == tokenizer.decode([6, 7, 8])
