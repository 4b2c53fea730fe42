import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.attention_probe import token_weights
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import layer_sums
from simlearn.analysis.scores import (
    METRICS,
    min_max,
    miner_scores,
    scores_of_sums,
)
from tests.analysis.naive_miner import raw_scores, sample_scores

X = torch.tensor(
    [[1, -1, 2, 0], [3, -2, -1, 0.5], [0, 1, 1, -0.5], [2, 2, -3, 1]], dtype=torch.float64
)
A = torch.tensor(
    [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.3, 0.5, 0], [0.1, 0.2, 0.3, 0.4]], dtype=torch.float64
)
MASKS = torch.tensor([[True, False, False, True], [False, True, True, False]])


def random_case(seed, tokens, width, modalities=2, *, causal=False):
    """Activations, disjoint masks that may be empty, and rows of attention that sum to 1."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(tokens, width, generator=g, dtype=torch.float64)
    code = torch.randint(modalities + 1, (tokens,), generator=g)
    masks = code == torch.arange(modalities)[:, None]
    logits = 3 * torch.randn(tokens, tokens, generator=g, dtype=torch.float64)
    if causal:
        logits = logits.masked_fill(torch.ones_like(logits).triu(1).bool(), -torch.inf)
    return x, masks, logits.softmax(1)


def test_worked_numbers_of_the_reference():
    scores = miner_scores(X, MASKS, A)
    text = [[1, 0, 0, 0], [1, 0.5, 0, 0.5], [1, 1, 1, 0], [1, 0.3313, 0, 0.3988]]
    image = [[0, 0, 0, 0], [1, 0, 0.25, 0.25], [1, 0.2, 0.2, 0], [1, 0, 0.2602, 0.1991]]
    text.append([1, 0.2441, 0, 0.3465])
    image.append([1, 0, 0.2418, 0.2909])
    expected = torch.tensor([text, image], dtype=torch.float64).movedim(1, 0)
    torch.testing.assert_close(scores, expected, rtol=0, atol=5e-5)
    weighted = torch.einsum("t,tmn->mn", scores.new_tensor([0, 0.25, 0.25, 0.5, 0]), scores)
    assert weighted[0].tolist() == pytest.approx([1, 0.5406, 0.25, 0.3244], abs=5e-5)
    assert weighted[1].tolist() == pytest.approx([1, 0.05, 0.2426, 0.162], abs=5e-5)


def test_worked_raw_attention_sums_of_the_reference():
    expected = [
        ([2.8877, 0.6632, -0.4387, 0.8877], [2.8434, 0.5302, -0.2169, 0.8434]),
        ([2.7821, -0.7821, 0.1453, -0.0726], [3.2179, -1.2179, -0.1453, 0.0726]),
    ]
    weights = zip(*token_weights(A, MASKS), strict=True)
    for mask, (weight_k, weight_q), (k, q) in zip(MASKS, weights, expected, strict=True):
        assert (weight_k @ X).tolist() == pytest.approx(k, abs=5e-5)
        assert (weight_q @ X).tolist() == pytest.approx(q, abs=5e-5)
        assert raw_scores(X.tolist(), mask.tolist(), A.tolist())[3] == pytest.approx(k, abs=5e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(1, 9), st.integers(2, 6))
def test_equals_plain_loops(seed, tokens, width):
    x, masks, attn = random_case(seed, tokens, width)
    expected = sample_scores([x.tolist()], masks.tolist(), [attn.tolist()])
    expected = torch.tensor(expected, dtype=torch.float64)[:, :, 0]
    scores = miner_scores(x, masks, attn)
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-9)
    assert scores.min() >= 0 and scores.max() <= 1


def test_quirks_are_the_released_formulas():
    x, masks, attn = random_case(5, 12, 7)
    released = miner_scores(x, masks, attn, quirks=True)
    torch.testing.assert_close(released, miner_scores(x, masks, attn), rtol=0, atol=1e-12)
    constant = miner_scores(X, MASKS, A, quirks=True)
    assert constant[METRICS.index("prob"), 1].isnan().all()  # 0 / 0 in the released code
    assert not constant[:, 0].isnan().any()
    assert miner_scores(X, MASKS, A)[METRICS.index("prob"), 1].eq(0).all()


def test_causal_second_softmax_leaves_later_keys_out():
    x, masks, attn = random_case(3, 10, 5, causal=True)
    got = token_weights(attn, masks, causal=True)
    for m, mask in enumerate(masks):
        tokens = mask.nonzero()[:, 0].tolist()
        weight_k, weight_q = dict.fromkeys(range(10), 0.0), dict.fromkeys(range(10), 0.0)
        for j in tokens:
            later = [i for i in tokens if i >= j]
            total = sum(math.exp(attn[i, j]) for i in later)
            for i in later:
                weight_k[i] += math.exp(attn[i, j]) / total
        for i in tokens:
            earlier = [j for j in tokens if j <= i]
            total = sum(math.exp(attn[i, j]) for j in earlier)
            for j in earlier:
                weight_q[j] += math.exp(attn[i, j]) / total
        assert got[0][m].tolist() == pytest.approx([weight_k[t] for t in range(10)])
        assert got[1][m].tolist() == pytest.approx([weight_q[t] for t in range(10)])
    assert not torch.allclose(
        miner_scores(x, masks, attn, causal=True)[3:], miner_scores(x, masks, attn)[3:]
    )


def test_weights_sum_to_the_number_of_tokens():
    _, masks, attn = random_case(8, 9, 3)
    for weight in token_weights(attn, masks):
        torch.testing.assert_close(weight.sum(1), masks.sum(1).double())
        assert weight[~masks].eq(0).all()


def test_an_empty_modality_and_no_attention_give_zero():
    masks = torch.cat([MASKS, torch.zeros(1, 4, dtype=torch.bool)])
    assert miner_scores(X, masks, A)[:, 2].eq(0).all()
    plain = miner_scores(X, masks)
    assert plain.shape == (5, 3, 4) and plain.dtype == torch.float64
    assert plain[3:].eq(0).all()
    torch.testing.assert_close(plain[:3], miner_scores(X, masks, A)[:3])


def test_constant_activations_give_zero_even_with_rounding():
    x = torch.full((50, 8), 0.1, dtype=torch.float64)
    x[:, 3] += 1e-17
    attn = torch.rand(50, 50, generator=torch.Generator().manual_seed(0)).softmax(1)
    masks = torch.ones(1, 50, dtype=torch.bool)
    assert miner_scores(x, masks, attn).eq(0).all()
    v = torch.tensor([0.1, 0.1 + 1e-16, 0.1 - 1e-16], dtype=torch.float64)
    assert min_max(v).eq(0).all()


def test_min_max_keeps_nan_and_takes_any_axis():
    v = torch.tensor([[1.0, 3.0], [2.0, 3.0], [5.0, 3.0]])
    assert min_max(v, 0).tolist() == [[0, 0], [0.25, 0], [1, 0]]
    assert min_max(torch.tensor([1.0, math.nan, 2.0])).isnan().all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.randoms(use_true_random=False))
def test_order_of_tokens_and_neurons_does_not_matter(seed, random):
    x, masks, attn = random_case(seed, 8, 5)
    tokens = random.sample(range(8), 8)
    neurons = random.sample(range(5), 5)
    moved = miner_scores(x[tokens][:, neurons], masks[:, tokens], attn[tokens][:, tokens])
    torch.testing.assert_close(moved, miner_scores(x, masks, attn)[..., neurons], rtol=0, atol=1e-9)


def test_a_positive_scale_and_an_offset_per_metric():
    x, masks, attn = random_case(4, 12, 6)
    torch.testing.assert_close(miner_scores(7 * x, masks, attn), miner_scores(x, masks, attn))
    torch.testing.assert_close(
        miner_scores(x + 5, masks, attn)[1:], miner_scores(x, masks, attn)[1:]
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_from_streamed_sums_of_a_padded_batch(side):
    cases = [random_case(seed, tokens, 6) for seed, tokens in ((1, 5), (2, 9), (3, 7))]
    x = torch.randn(3, 9, 6, dtype=torch.float64)  # what stands in padding must not matter
    masks = torch.zeros(3, 2, 9, dtype=torch.bool)
    weights = torch.zeros(2, 3, 2, 9, dtype=torch.float64)
    for row, (act, member, attn) in enumerate(cases):
        where = slice(9 - len(act), None) if side == "left" else slice(0, len(act))
        x[row, where] = act
        masks[row, :, where] = member
        weights[:, row, :, where] = torch.stack(token_weights(attn, member))
    batch = scores_of_sums(layer_sums(x, masks, *weights))
    assert batch.shape == (3, 5, 2, 6)
    for row, case in enumerate(cases):
        torch.testing.assert_close(batch[row], miner_scores(*case), rtol=0, atol=1e-9)


def test_half_precision_is_scored_in_double():
    x, masks, attn = random_case(9, 10, 6)
    half = x.to(torch.bfloat16)
    torch.testing.assert_close(
        miner_scores(half, masks, attn), miner_scores(half.double(), masks, attn)
    )


def test_faults_are_named():
    with pytest.raises(AnalysisError, match=r"act \(T, N\) and masks \(M, T\), got \(4, 4\) and"):
        miner_scores(X, MASKS[:, :3])
    with pytest.raises(AnalysisError, match=r"masks must be bool"):
        miner_scores(X, MASKS.float())
    with pytest.raises(AnalysisError, match=r"attn must be \(4, 4\).*it is \(2, 4, 4\)"):
        miner_scores(X, MASKS, A.expand(2, 4, 4))
    with pytest.raises(AnalysisError, match="NaN or infinity"):
        miner_scores(X.clone().fill_(math.nan), MASKS, A)
