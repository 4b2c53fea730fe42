import math

import pytest
import torch

from simlearn.analysis import attention_call as module
from simlearn.analysis.attention_call import AttentionCall


def call(rows=2, heads=4, groups=2, queries=6, total=6, *, mask=None, seed=0, **more):
    g = torch.Generator().manual_seed(seed)
    q = torch.randn(rows, heads, queries, 3, generator=g, dtype=torch.float64)
    k = torch.randn(rows, groups, total, 3, generator=g, dtype=torch.float64)
    return AttentionCall(0, q, k, mask, 0.7, **more)


def naive(c, b, i, keys):
    """Weights of one query over some keys, head by head."""
    heads, groups = c.query.shape[1], c.key.shape[1]
    out = {}
    for h in range(heads):
        k = c.key[b, h * groups // heads]
        e = {j: math.exp(0.7 * float(c.query[b, h, i] @ k[j])) for j in keys}
        for j, value in e.items():
            out[j] = out.get(j, 0.0) + value / sum(e.values()) / heads
    return out


def check(c, valid, allowed, **how):
    a = c.head_mean(valid, **how)
    shift = c.key.shape[2] - c.query.shape[2]
    for b, i, j in torch.cartesian_prod(*map(torch.arange, a.shape)).tolist():
        keys = [t for t in range(a.shape[2]) if valid[b, t] and allowed(b, i + shift, t)]
        expected = naive(c, b, i, keys).get(j, 0.0) if valid[b, i + shift] else 0.0
        assert float(a[b, i, j]) == pytest.approx(expected, abs=1e-12)


VALID = torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]).bool()
CAUSAL = torch.ones(6, 6, dtype=torch.bool).tril()


@pytest.mark.parametrize("chunk", [1, 2**22])
@pytest.mark.parametrize("masked", [True, False])
def test_equals_loops_for_left_and_right_padding(masked, chunk, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    check(call(), VALID, lambda b, i, j: j <= i or not masked, masked=masked)


def test_masks_of_bools_and_of_floats_count_as_the_kernel_gets_them():
    seen = CAUSAL & (torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(1)) > 0.4)
    seen |= torch.eye(6, dtype=torch.bool)
    added = torch.where(seen, 0.0, torch.finfo(torch.float32).min)
    for mask in (seen, added):
        check(call(mask=mask), VALID, lambda b, i, j: bool(seen[b, 0, i, j]))


def test_window_and_layers_that_look_both_ways():
    check(call(window=2), VALID, lambda b, i, j: i - 2 < j <= i)
    check(call(causal=False), VALID, lambda b, i, j: True)
    check(call(mask=VALID), VALID, lambda b, i, j: j <= i)


def test_queries_are_the_last_tokens_and_rows_may_be_chosen():
    valid = torch.ones(2, 6, dtype=torch.bool)
    c = call(queries=2)
    check(c, valid, lambda b, i, j: j <= i)
    whole = call()
    assert torch.equal(whole.head_mean(VALID, rows=slice(3, 5)), whole.head_mean(VALID)[:, 3:5])
    assert torch.equal(whole.head_mean(VALID, rows=slice(-1, None)), whole.head_mean(VALID)[:, 5:])


def test_half_precision_is_worked_out_in_float32_also_under_autocast():
    c = call()
    half = AttentionCall(0, c.query.bfloat16(), c.key.bfloat16(), None, 0.7)
    exact = AttentionCall(0, half.query.double(), half.key.double(), None, 0.7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        a = half.head_mean(VALID)
    assert a.dtype == torch.float32
    assert torch.allclose(a.double(), exact.head_mean(VALID), atol=1e-6)
