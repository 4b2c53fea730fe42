import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.teacher_forcing import append_answers, force_answers, token_figures
from tests.analysis.models import FAMILIES, tiny_batch, tiny_model

ANSWERS = [[7, 8, 9], [11], []]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(2, 6))
def test_figures_of_a_token_are_plain_sums(seed, words):
    g = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(3, words, generator=g, dtype=torch.float64)
    ids = torch.randint(words, (3,), generator=g)
    nll, margin, best = token_figures(logits, ids)
    for row, (values, right) in enumerate(zip(logits.tolist(), ids.tolist(), strict=True)):
        shares = [math.exp(v) for v in values]
        assert float(nll[row]) == pytest.approx(-math.log(shares[right] / sum(shares)))
        others = [v for i, v in enumerate(values) if i != right]
        assert float(margin[row]) == pytest.approx(values[right] - max(others))
        assert int(best[row]) == max(range(words), key=values.__getitem__)


def test_half_precision_is_computed_in_single():
    logits = torch.tensor([[12.0, 0.0, 0.0]])
    nll, _, _ = token_figures(logits.to(torch.bfloat16), torch.tensor([0]))
    assert float(nll) == pytest.approx(math.log1p(2 * math.exp(-12)), rel=0.02)


def test_answers_stand_behind_the_prompts():
    batch = tiny_batch("qwen2_vl", words=(5, 3, 4))
    new, there = append_answers(batch, ANSWERS, pad=0)
    assert new["input_ids"][:, -3:].tolist() == [[7, 8, 9], [11, 0, 0], [0, 0, 0]]
    assert new["attention_mask"][:, -3:].tolist() == there.int().tolist()
    assert there.int().tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert not bool(new["mm_token_type_ids"][:, -3:].any())
    for name in ("input_ids", "attention_mask", "mm_token_type_ids"):
        assert torch.equal(new[name][:, :-3], batch[name])
    assert new["pixel_values"] is batch["pixel_values"]


def test_sounds_of_the_length_of_the_prompt_stay_as_they_are():
    batch = tiny_batch("qwen2_audio", words=(47, 47, 47))
    assert batch["feature_attention_mask"].shape == batch["input_ids"].shape
    new, _ = append_answers(batch, ANSWERS, pad=0)
    assert new["feature_attention_mask"].shape == (3, 64)


@pytest.mark.parametrize("family", FAMILIES)
def test_equals_one_token_after_another_in_each_row_alone(family):
    adapter = ModelAdapter(tiny_model(family, dtype=torch.float64))
    batch = tiny_batch(family, words=(5, 3, 4), dtype=torch.float64)
    found = force_answers(adapter, batch, ANSWERS, pad=0)
    for row, answer in enumerate(ANSWERS[:2]):
        own = batch["attention_mask"][row].bool()
        prompt = {}
        for name, value in batch.items():
            size = len(value) // 3
            per_token = name in ("input_ids", "attention_mask", "mm_token_type_ids")
            prompt[name] = (
                value[row : row + 1][:, own] if per_token else value[row * size : (row + 1) * size]
            )
        losses, margins, greedy = [], [], []
        for token in answer:
            with torch.no_grad():
                logits = adapter.forward(prompt, logits="last")[0].tolist()
            total = math.log(sum(math.exp(v) for v in logits))
            losses.append(total - logits[token])
            margins.append(logits[token] - max(v for i, v in enumerate(logits) if i != token))
            greedy.append(max(range(len(logits)), key=logits.__getitem__))
            for name, more in (
                ("input_ids", token),
                ("attention_mask", 1),
                ("mm_token_type_ids", 0),
            ):
                if name in prompt:
                    tail = torch.full_like(prompt[name][:, :1], more)
                    prompt[name] = torch.cat([prompt[name], tail], dim=1)
        assert float(found.loss[row]) == pytest.approx(sum(losses) / len(losses), abs=1e-9)
        assert float(found.margin[row]) == pytest.approx(sum(margins) / len(margins), abs=1e-9)
        assert found.greedy[row] == greedy
    assert math.isnan(found.loss[2]) and math.isnan(found.margin[2]) and found.greedy[2] == []
    assert found.right.tolist() == [False, False, False]


def test_the_greedy_continuation_is_right_and_one_wrong_token_is_not():
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava", words=(5,))
    new = adapter.generate(batch, max_new_tokens=4, eos_token_id=None)[0].tolist()
    found = force_answers(adapter, batch, [new])
    assert found.right.tolist() == [True] and found.greedy == [new]
    assert float(found.margin[0]) > 0
    for place in range(4):
        wrong = [*new]
        wrong[place] = (new[place] + 1) % 100 + 5
        assert not bool(force_answers(adapter, batch, [wrong]).right[0])


def test_only_answers_go_through_the_output_layer(monkeypatch):
    adapter = ModelAdapter(tiny_model("llava"))
    batch = tiny_batch("llava", words=(5, 3, 4))
    sizes = []
    handle = adapter.model.lm_head.register_forward_hook(
        lambda module, args, out: sizes.append(args[0].shape[0])
    )
    whole = force_answers(adapter, batch, ANSWERS)
    monkeypatch.setattr("simlearn.analysis.teacher_forcing.CHUNK", 3)
    parts = force_answers(adapter, batch, ANSWERS)
    handle.remove()
    assert sizes == [4, 3, 1]
    assert torch.allclose(parts.loss, whole.loss, equal_nan=True)
    assert not adapter.decoder._forward_hooks


def test_no_answer_at_all_runs_nothing():
    adapter = ModelAdapter(tiny_model("llava"))
    found = force_answers(adapter, {}, [[], []])
    assert bool(found.loss.isnan().all()) and found.right.tolist() == [False, False]


def test_errors():
    adapter = ModelAdapter(tiny_model("llava"))
    with pytest.raises(AnalysisError, match='padding_side="left"'):
        force_answers(adapter, tiny_batch("llava", side="right"), [[7], [8]])
    batch = tiny_batch("llava")
    batch["pixel_values"][1] = float("nan")
    with pytest.raises(AnalysisError, match="logits of row 1 are not finite"):
        force_answers(adapter, batch, [[7], [8]])
    assert not adapter.decoder._forward_hooks
