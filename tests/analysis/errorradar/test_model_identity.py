"""Names and digests of models: what changes them and what does not."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errorradar.model_identity import (
    SAMPLE,
    WHOLE,
    model_digest,
    model_name,
    processor_digest,
    weights_digest,
)
from simlearn.analysis.intervene import deactivate
from tests.analysis.small_llava import small_llava


class Named:
    def __init__(self, name):
        self.config = SimpleNamespace(_name_or_path=name)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Qwen/Qwen2-VL-2B-Instruct", "Qwen2-VL-2B-Instruct"),
        ("/home/me/models/llava-7b/", "llava-7b"),
        ("C:\\models\\llava-7b", "llava-7b"),
        ("/c/hub/models--Qwen--Qwen2-VL-2B/snapshots/" + "0a" * 20, "Qwen2-VL-2B"),
        ("outputs/run/model", "Named"),
        ("", "Named"),
        ("/", "Named"),
        (None, "Named"),
        ("a/\x1b[31mred\n", "[31mred"),
        ("x/" + "y" * 500, "y" * 80),
    ],
)
def test_names_are_short_and_never_a_path(path, name):
    assert model_name(Named(path)) == name


def linear(width, seed=0, **more):
    torch.manual_seed(seed)
    return torch.nn.Linear(width, width, **more)


def test_the_same_weights_have_one_digest_and_others_another():
    small, large = 16, 2 * int(WHOLE**0.5)
    for width in (small, large):
        assert weights_digest(linear(width)) == weights_digest(copy.deepcopy(linear(width)))
        assert weights_digest(linear(width)) != weights_digest(linear(width, seed=1))
        assert weights_digest(linear(width)) != weights_digest(linear(width).bfloat16())
        assert weights_digest(linear(width)) != weights_digest(linear(width, bias=False))
    assert SAMPLE < WHOLE < large**2


def test_every_number_of_a_small_parameter_counts():
    whole = weights_digest(linear(6))
    digests = {whole}
    for place in range(36):
        changed = linear(6)
        with torch.no_grad():
            changed.weight.view(-1)[place] += 1e-3
        digests.add(weights_digest(changed))
    assert len(digests) == 37


def test_one_changed_column_of_a_large_matrix_is_seen():
    """A fixed stride would always meet the same column."""
    width = 1024
    base = weights_digest(linear(width))
    for column in range(0, width, 97):
        changed = linear(width)
        with torch.no_grad():
            changed.weight[:, column] = 0
        assert weights_digest(changed) != base


def test_other_kinds_of_numbers_and_none_at_all():
    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, value in {
                "whole": torch.arange(4),
                "yes": torch.tensor(True),
                "none": torch.zeros(0, 3),
                "rounded": torch.ones(2, dtype=torch.bfloat16),
                "elsewhere": torch.empty(5, device="meta"),
                "sideways": torch.arange(6.0).reshape(2, 3).T,
            }.items():
                self.register_buffer(name, value)

    assert weights_digest(Odd()) == weights_digest(Odd())
    assert len(weights_digest(torch.nn.Module())) == 16


def test_masks_leave_the_digest_and_training_changes_it():
    adapter = small_llava()
    before = model_digest(adapter)
    with deactivate(adapter, {"a": torch.tensor([[0, 1]])}):
        assert model_digest(adapter) == before
    assert model_digest(small_llava()) == before
    assert model_digest(small_llava(seed=1)) != before
    with torch.no_grad():
        adapter.model.get_output_embeddings().weight.mul_(1.01)
    assert model_digest(adapter) != before
    assert adapter.fingerprint == small_llava().fingerprint  # which only knows sizes


def test_how_prompts_are_read_counts_and_use_does_not():
    adapter = small_llava()
    before = processor_digest(adapter.processor)
    adapter.processor.tokenizer(["what", "is there a red shape"], padding=True)
    assert processor_digest(adapter.processor) == before
    assert processor_digest(small_llava(side=24).processor) != before
    other = small_llava()
    other.processor.chat_template = "<bos>{{ messages[0].content }}"
    assert processor_digest(other.processor) != before
    assert model_digest(ModelAdapter(adapter.model, other.processor)) != model_digest(adapter)
    alone = processor_digest(adapter.processor.tokenizer)
    assert alone == processor_digest(small_llava().processor.tokenizer) != before
