import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis import layer_sums as module
from simlearn.analysis.layer_sums import layer_sums, plan_tokens, plan_whole


def sample(rows, tokens, neurons, names, seed, dtype=torch.float64):
    """Activations and disjoint modalities; code ``names`` is padding."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, tokens, neurons, generator=g, dtype=torch.float64).to(dtype)
    codes = torch.randint(0, names + 1, (rows, tokens), generator=g)
    return x, torch.stack([codes == m for m in range(names)], 1)


def naive(x, onehot, weights=None):
    """Token by token, in Python numbers."""
    rows, names, tokens = onehot.shape
    found = {}
    for b in range(rows):
        for m in range(names):
            where = [t for t in range(tokens) if onehot[b, m, t]]
            for n in range(x.shape[2]):
                values = [float(x[b, t, n]) for t in where]
                share = [float(weights[b, m, t]) for t in where] if weights is not None else []
                found[b, m, n] = (
                    len(values),
                    sum(v > 0 for v in values),
                    sum(values),
                    max(values, default=float("-inf")),
                    sum(v * w for v, w in zip(values, share, strict=False)),
                )
    return found


def check(sums, expected, tolerance):
    for (b, m, n), (count, pos, total, top, weighted) in expected.items():
        assert int(sums.n[b, m]) == count
        assert int(sums.pos[b, m, n]) == pos
        assert float(sums.sum[b, m, n]) == pytest.approx(total, abs=tolerance)
        assert float(sums.max[b, m, n]) == top
        if sums.attn_k is not None:
            assert float(sums.attn_k[b, m, n]) == pytest.approx(weighted, abs=tolerance)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 40), st.integers(1, 5), st.integers(1, 4), st.integers(0, 99)
)
def test_equals_a_loop_over_tokens(rows, tokens, neurons, names, seed):
    x, onehot = sample(rows, tokens, neurons, names, seed)
    weights = torch.rand(onehot.shape, dtype=torch.float64) * onehot
    sums = layer_sums(x, onehot, weights, 2 * weights)
    check(sums, naive(x, onehot, weights), 1e-11)
    assert torch.allclose(sums.attn_q, 2 * sums.attn_k)
    assert (sums.n.dtype, sums.pos.dtype, sums.sum.dtype) == (torch.int64,) * 2 + (torch.float64,)


@pytest.mark.parametrize("limit", [0, 8, 10**9])
def test_pieces_and_gathered_tokens_agree(limit, monkeypatch):
    monkeypatch.setattr(module, "MAX_RUNS", limit)
    x, onehot = sample(2, 50, 3, 2, 5)
    plan = plan_tokens(onehot)
    assert bool(plan.scattered) == (limit < 20)
    assert bool(plan.runs) == (limit > 20)
    check(layer_sums(x, plan), naive(x, onehot), 1e-11)


@pytest.mark.parametrize("block", [1, 2**30])
def test_blocks_do_not_matter(block, monkeypatch):
    monkeypatch.setattr(module, "CPU_BLOCK", block)
    x, onehot = sample(2, 100, 3, 2, 6)
    check(layer_sums(x, onehot), naive(x, onehot), 1e-11)


def test_all_rows_at_once_as_on_a_gpu(monkeypatch):
    x, onehot = sample(3, 70, 4, 2, 7)
    onehot[0, :, :30] = False
    x[0, :30] = torch.nan
    plan, found = plan_tokens(onehot), []
    real = module._blocks

    class Elsewhere:
        def __init__(self, tensor):
            self.shape, self.device = tensor.shape, torch.device("meta")

    monkeypatch.setattr(
        module, "_blocks", lambda x, p: (found.append(b) or b for b in real(Elsewhere(x), p))
    )
    monkeypatch.setattr(module, "GPU_BLOCK", 1)
    check(layer_sums(x, plan), naive(x, onehot), 1e-11)
    assert len(found) == 3 and all(b[0] == slice(0, 3) and b[2] for b in found)


def test_padding_and_holes_have_no_influence_even_as_nan():
    x, onehot = sample(2, 20, 3, 1, 8)
    onehot[:, :, :4] = False
    expected = naive(x, onehot)
    x[~onehot.any(1)] = torch.nan
    check(layer_sums(x, onehot), expected, 1e-11)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_counts_are_exact_in_half_precision_and_under_autocast(dtype):
    x, onehot = sample(1, 700, 2, 1, 9, dtype)
    onehot[:] = True
    expected = naive(x, onehot)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        check(layer_sums(x, onehot), expected, 2e-4)
    x = torch.ones(1, 3000, 2, dtype=dtype)
    sums = layer_sums(x, torch.ones(1, 1, 3000, dtype=torch.bool))
    assert sums.pos.tolist() == [[[3000, 3000]]] and sums.sum.tolist() == [[[3000.0, 3000.0]]]


def test_whole_is_one_modality_without_looking():
    x, _ = sample(2, 9, 3, 1, 10)
    onehot = torch.ones(2, 1, 9, dtype=torch.bool)
    check(layer_sums(x, plan_whole(x)), naive(x, onehot), 1e-11)


def test_nothing_in_nothing_out():
    for rows, tokens in ((0, 5), (2, 0)):
        sums = layer_sums(torch.zeros(rows, tokens, 3), torch.zeros(rows, 2, tokens).bool())
        assert sums.sum.shape == (rows, 2, 3)
        assert sums.attn_k is None and int(sums.n.sum()) == 0
        assert bool((sums.max == -torch.inf).all())


def test_no_graph_is_kept_and_strides_do_not_matter():
    x, onehot = sample(2, 12, 4, 2, 11)
    strided = x.transpose(1, 2).contiguous().transpose(1, 2).requires_grad_()
    sums = layer_sums(strided, onehot)
    assert not sums.sum.requires_grad and not sums.max.requires_grad
    check(sums, naive(x, onehot), 1e-11)


def test_errors():
    x, onehot = sample(2, 6, 3, 2, 12)
    with pytest.raises(ValueError, match=r"activations \(2, 6\) must be \(2, 6, N\)"):
        layer_sums(x[..., 0], onehot)
    with pytest.raises(ValueError, match=r"must be \(2, 6, N\)"):
        layer_sums(x[:, 1:], onehot)
    with pytest.raises(ValueError, match="give weights_k and weights_q, or none"):
        layer_sums(x, onehot, onehot.double())
    with pytest.raises(ValueError, match=r"must be \(B, M, T\)"):
        layer_sums(x, onehot, onehot[:, :1].double(), onehot[:, :1].double())
