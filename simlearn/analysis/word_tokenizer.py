"""A tokenizer with one token per word, in transformers' own format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BASIC = ("<pad>", "<bos>", "<eos>", "<unk>", "<answer>")
"""Special tokens of every tiny model, ids 0 to 4; ``<answer>`` ends the prompt."""
CHAT_TEMPLATE = (
    "<bos>{% for message in messages %}"
    "{% if message.role == 'assistant' %}<answer>{{ message.content }}<eos>{% else %}"
    "{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% else %}PLACE{% endif %}"
    "{% endfor %}{% endif %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<answer>{% endif %}"
)


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """All words of some texts in alphabetical order; punctuation marks side by side are a word."""
    return tuple(sorted({w for text in texts for w in re.findall(r"\w+|[^\w\s]+", text)}))


def word_tokenizer(
    words: Iterable[str], *, marks: Iterable[str] = (), place: str = ""
) -> PreTrainedTokenizerFast:
    """One token per word, split at spaces and around punctuation; others are ``<unk>``.

    Args:
        words: the vocabulary.
        marks: further special tokens, such as ``<image>``; their ids follow those of ``BASIC``.
        place: what the chat template writes for a picture or a sound.

    Returns:
        A tokenizer that pads on the left and writes words with spaces between them. Its chat
        template is ``<bos>``, picture, question, ``<answer>``.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = dict.fromkeys((*BASIC, *marks, *words))
    vocabulary = {name: number for number, name in enumerate(names)}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106 (no password)
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",  # noqa: S106
        bos_token="<bos>",  # noqa: S106
        eos_token="<eos>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
        additional_special_tokens=["<answer>", *marks],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE.replace("PLACE", place)
    return tokenizer
