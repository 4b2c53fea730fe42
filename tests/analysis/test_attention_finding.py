import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.attention_finding import (
    MEAN_MAX,
    attention_is_mean,
    attn_k_weight_bounds,
)
from simlearn.analysis.attention_probe import token_weights
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.scores import miner_scores

NAMES = ("text", "image")


def attention(kind, size, seed):
    """A matrix of probabilities with rows that sum to 1, of a named pattern."""
    g = torch.Generator().manual_seed(seed)
    noise = torch.randn(size, size, generator=g, dtype=torch.float64)
    if kind == "sink":
        return torch.eye(size, dtype=torch.float64)[torch.zeros(size, dtype=torch.long)]
    if kind == "identity":
        return torch.eye(size, dtype=torch.float64)
    if kind == "peaky":
        return (30 * noise).softmax(1)
    if kind == "causal":
        return noise.masked_fill(torch.ones_like(noise).triu(1).bool(), -torch.inf).softmax(1)
    if kind == "one row elsewhere":
        sink = attention("sink", size, seed)
        sink[-1] = torch.eye(size, dtype=torch.float64)[-1]
        return sink
    return noise.softmax(1)


KINDS = ("soft", "sink", "identity", "peaky", "causal", "one row elsewhere")


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 24), st.integers(0, 999), st.booleans())
def test_every_token_weighs_within_the_bounds(kind, size, seed, part):
    attn = attention(kind, size, seed)
    mask = torch.ones(size, dtype=torch.bool)
    if part:  # a modality that is a part of the prompt: rows of the block sum to less than 1
        mask[:: 2 + seed % 3] = False
    tokens = int(mask.sum())
    if not tokens:
        return
    low, high = attn_k_weight_bounds(tokens)
    weight = token_weights(attn, mask[None])[0][0, mask]
    assert low - 1e-12 <= float(weight.min()) <= 1 + 1e-12
    assert 1 - 1e-12 <= float(weight.max()) <= high + 1e-12


def test_bounds_are_those_of_the_reference():
    low, high = attn_k_weight_bounds(576)
    assert high - 1 == pytest.approx(0.003, abs=1e-4) and 1 - low == pytest.approx(0.003, abs=1e-4)
    assert attn_k_weight_bounds(20)[1] - 1 == pytest.approx(0.0859, abs=1e-4)
    assert attn_k_weight_bounds(1) == pytest.approx((1 / math.e, math.e))
    with pytest.raises(AnalysisError, match="at least one token, not 0"):
        attn_k_weight_bounds(0)


def test_attn_q_of_a_sink_is_not_bounded_like_that():
    mask = torch.ones(50, dtype=torch.bool)
    weight = token_weights(attention("sink", 50, 0), mask[None])[1]
    assert float(weight.max()) > 2.5 > attn_k_weight_bounds(50)[1]


def test_causal_pairs_break_the_bound():
    mask = torch.ones(50, dtype=torch.bool)
    weight = token_weights(attention("causal", 50, 0), mask[None], causal=True)[0]
    assert float(weight.max()) > attn_k_weight_bounds(50)[1]


def mined(attn_of, layers=2, width=400, tokens=64):
    """Scores (1, 5, 2, L, N) of one random sample."""
    g = torch.Generator().manual_seed(2)
    masks = torch.arange(tokens) < tokens // 2
    masks = torch.stack([masks, ~masks])
    acts = torch.nn.functional.silu(torch.randn(layers, tokens, width, generator=g))
    return torch.stack([miner_scores(x, masks, attn_of(tokens)) for x in acts], dim=2)[None]


def test_attention_is_nearly_the_mean():
    scores = mined(lambda size: attention("sink", size, 0))
    found = attention_is_mean(scores, names=NAMES, ratio=0.05)
    gap = (scores[0, 3] - scores[0, 1]).abs()
    assert found.names == NAMES
    assert found.largest.tolist() == pytest.approx(gap.flatten(1).amax(1).tolist())
    assert found.average.tolist() == pytest.approx(gap.flatten(1).mean(1).tolist())
    assert found.largest.max() < 0.02
    assert found.same.min() > 0.9
    assert sum(MEAN_MAX) == 1


def test_a_true_difference_is_seen():
    scores = mined(lambda size: attention("soft", size, 0))
    scores[:, 3] = scores[:, 3].flip(-1)
    found = attention_is_mean(scores, names=NAMES, ratio=0.05)
    assert found.largest.min() > 0.3 and found.same.max() < 0.9


def test_a_modality_without_neurons_has_no_share_and_no_attention_is_refused():
    scores = mined(lambda size: attention("soft", size, 0))
    scores[:, :, 1] = 0
    assert attention_is_mean(scores, names=NAMES).same.isnan().tolist() == [False, True]
    scores[:, 3:] = 0
    with pytest.raises(AnalysisError, match="attn='reference'"):
        attention_is_mean(scores, names=NAMES)
