"""Tiny models: sizes, seeds, tokens of a medium, and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.analysis.tiny_models import TinyLlava, TinyQwen2Audio, TinyQwen2VL
from tests.analysis.tiny_case import TAUGHT, shown, tiny_case, tiny_settings

WORDS = ("red", "blue", "?")


@pytest.mark.parametrize("family", TAUGHT)
def test_a_medium_has_as_many_tokens_as_it_says(family):
    from simlearn.analysis.adapter import ModelAdapter

    settings, model, processor, questions = tiny_case(family)
    adapter = ModelAdapter(model, processor)
    batch = adapter.encode(shown(questions)[:2])
    place = processor.tokenizer.convert_tokens_to_ids(settings.place)
    assert (batch["input_ids"] == place).sum(dim=1).tolist() == [settings.tokens] * 2
    assert adapter.forward(batch, logits="last").shape == (2, len(processor.tokenizer))
    assert settings.tokens == (16 if family == "qwen2_audio" else 9)


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        (TinyLlava(), 36),
        (TinyLlava(side=64, patch=16), 16),
        (TinyQwen2VL(patch=4), 36),
        (TinyQwen2VL(side=56, patch=14), 4),
        (TinyQwen2Audio(), 16),
        (TinyQwen2Audio(frames=30), 7),
    ],
)
def test_tokens(settings, tokens):
    assert settings.tokens == tokens


@pytest.mark.parametrize("frames", [4, 16, 22, 30, 58])
def test_sounds_of_other_lengths(frames):
    import numpy as np

    settings = tiny_settings("qwen2_audio", frames=frames, mels=16)
    _, processor = settings.build(WORDS, seed=0)
    sound = np.zeros(frames * settings.rate // 100, np.float32)
    batch = processor(text=[settings.place], audio=[sound], sampling_rate=settings.rate)
    ids = torch.as_tensor(batch["input_ids"])
    place = processor.tokenizer.convert_tokens_to_ids(settings.place)
    assert int((ids == place).sum()) == settings.tokens
    assert batch["input_features"].shape == (1, 16, frames)


@pytest.mark.parametrize("family", TAUGHT)
def test_weights_are_a_function_of_the_seed(family):
    settings = tiny_settings(family)
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    one, two, other = (settings.build(WORDS, seed=s)[0] for s in (0, 0, 1))
    assert torch.equal(torch.rand(1), wanted)  # whatever else draws is not disturbed
    a, b, c = (m.state_dict() for m in (one, two, other))
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert any(not torch.equal(a[k], c[k]) for k in a)


@pytest.mark.parametrize("family", TAUGHT)
def test_a_built_model_is_as_if_loaded(family):
    settings, model, processor, _ = tiny_case(family)
    assert model.config.model_type == family and not model.training
    text = model.config.get_text_config(decoder=True)
    assert (text.hidden_size, text.intermediate_size, text.num_hidden_layers) == (32, 48, 1)
    assert text.vocab_size == len(processor.tokenizer)
    assert (model.generation_config.pad_token_id, model.generation_config.eos_token_id) == (0, 2)
    assert processor.chat_template == processor.tokenizer.chat_template
    assert settings.place in processor.chat_template


def test_the_default_has_half_a_million_parameters():
    for kind in (TinyLlava, TinyQwen2VL, TinyQwen2Audio):
        model, _ = kind().build(["word"] * 40, seed=0)
        assert 4e5 < sum(p.numel() for p in model.parameters()) < 7e5


@pytest.mark.parametrize(
    ("kind", "values", "text"),
    [
        (TinyLlava, {"hidden": 0}, r"model\.hidden is 0, must be at least 1"),
        (TinyLlava, {"layers": 0}, r"model\.layers is 0, must be at least 1"),
        (TinyLlava, {"heads": 0}, r"model\.heads is 0"),
        (TinyLlava, {"encoder_heads": 0}, r"model\.encoder_heads is 0"),
        (TinyLlava, {"encoder_layers": 0}, r"model\.encoder_layers is 0"),
        (TinyLlava, {"encoder_hidden": 0}, r"model\.encoder_hidden is 0"),
        (TinyLlava, {"encoder_steps": -1}, r"model\.encoder_steps is -1, must be at least 0"),
        (TinyLlava, {"encoder_factor": -0.1}, r"model\.encoder_factor is -0\.1"),
        (TinyLlava, {"encoder_factor": math.nan}, r"model\.encoder_factor is nan"),
        (TinyLlava, {"encoder_lr": 0.0}, r"model\.encoder_lr is 0\.0, must be above 0"),
        (TinyLlava, {"encoder_lr": math.inf}, r"model\.encoder_lr is inf"),
        (TinyLlava, {"hidden": 36}, r"model\.hidden is 36, must be a multiple of twice model\.h"),
        (TinyLlava, {"encoder_hidden": 12}, r"model\.encoder_hidden is 12, must .*encoder_heads"),
        (TinyLlava, {"side": 50}, r"model\.side is 50, no multiple of model\.patch 8"),
        (TinyQwen2VL, {"side": 50}, r"model\.side is 50, no multiple of twice model\.patch"),
        (
            TinyQwen2VL,
            {"encoder_intermediate": 100},
            r"must be a multiple of model\.encoder_hidden",
        ),
        (
            TinyQwen2VL,
            {"hidden": 48},
            r"model\.hidden / model\.heads is 12, must be a multiple of 8",
        ),
        (TinyQwen2Audio, {"frames": 33}, r"model\.frames is 33, must be an even number, 4 or more"),
        (TinyQwen2Audio, {"frames": 2}, r"model\.frames is 2"),
        (TinyQwen2Audio, {"mels": 0}, r"model\.mels is 0"),
    ],
)
def test_numbers_out_of_range(kind, values, text):
    with pytest.raises(ValueError, match=text):
        kind(**values)


def test_no_first_lesson_and_a_frozen_encoder_may_be_asked_for():
    assert TinyLlava(encoder_steps=0, encoder_factor=0.0).encoder_steps == 0
